"""From a trained MACE model to ``koh.pt``: read, script, verify, write."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from pykoh.engines.artifact import save_artifact
from pykoh.engines.contents import ArtifactMetadata, PackedGraph, pack_graph
from pykoh.errors import ModelError, PykohError
from pykoh.export.elements import restricted
from pykoh.export.read import head_index, read_mace_model
from pykoh.export.verify import Deviation, deviations, require_agreement
from pykoh.provenance import sha256, versions

# A model of a solution has fewer.
MANY_ELEMENTS = 10


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export wrote and how well it agrees with its source.

    Attributes:
        path: the artifact.
        metadata: of the artifact.
        deviations: from MACE's calculator, in each precision.
        note: why the general route was taken where the fast one was not excluded, or what would
            make the artifact faster; else empty.
    """

    path: Path
    metadata: ArtifactMetadata
    deviations: tuple[Deviation, ...]
    note: str = ""


def describe(model: Any) -> str:
    """Return the architecture in one line."""
    blocks = " + ".join(type(block).__name__ for block in model.interactions)
    hidden = model.interactions[-1].node_feats_irreps
    extra = ", ZBL" if hasattr(model, "pair_repulsion_fn") else ""
    return f"{blocks}, hidden {hidden}{extra}"


def export_model(
    source: str | Path,
    target: str | Path,
    dtype: str = "float32",
    head: str | None = None,
    molarities: tuple[float, ...] = (),
    route: str = "auto",
    elements: tuple[str, ...] | None = None,
) -> ExportReport:
    """Write the artifact of a MACE model after comparing it with MACE's own calculator.

    Args:
        source: ``.model`` file of mace-torch.
        target: the artifact; replaced only when everything succeeded.
        dtype: precision in which engines run it unless told otherwise.
        head: name of the head, for a model with several.
        molarities: mol/L, concentrations of the training data, recorded for readers.
        route: ``fast``, ``general``, or ``auto``: fast where the architecture has it and the
            result agrees with MACE, else general.
        elements: the ones to keep; all if None.

    Raises:
        ModelError: the model can't be read, represented (by the route asked for), or does not
            agree; the target is the model itself; or an argument is none of the words above.
        OutputError: the target can't be written.
    """
    if Path(source).resolve() == Path(target).resolve():
        raise ModelError(f"{target}: would replace the model itself; give another name")
    for what, given, known in (
        ("dtype", dtype, ("float32", "float64")),
        ("route", route, ("auto", "fast", "general")),
    ):
        if given not in known:
            raise ModelError(f"{what} {given!r}: choose {', '.join(known)}")
    whole = read_mace_model(source)
    model = whole if elements is None else restricted(whole, elements, source)
    index = head_index(model, head, source)
    heads = list(getattr(model, "heads", None) or ["Default"])
    from ase.data import chemical_symbols

    from pykoh.engines.graph.supports import obstacle

    reason = obstacle(model)
    if route == "fast" and reason is not None:
        raise ModelError(
            f"{source}: the fast route does not cover this model: {reason}; use --route general"
        )
    metadata = ArtifactMetadata(
        elements=tuple(chemical_symbols[int(z)] for z in model.atomic_numbers),
        cutoff_A=float(model.r_max),
        n_layers=len(model.interactions),
        dtype=dtype,
        head=heads[index],
        architecture=describe(model),
        source=Path(source).name,
        source_sha256=sha256(source),
        training_molarities_mol_per_L=molarities,
        versions={
            name: version
            for name, version in versions().items()
            if name in ("pykoh", "torch", "mace-torch")
        },
    )
    note = ""
    if route != "general" and reason is None:
        metadata = replace(metadata, route="fast")
        try:
            packed, found = _graph_and_deviations(model, whole, metadata, index)
        except Exception as error:  # an architecture that nobody has tried yet
            if route == "fast":
                raise _one_sentence(source, error) from error
            found = []
            note = (
                f"the fast route failed ({_first_line(error)}); took the general route: please "
                "report the model's training options"
            )
        if route == "auto" and found and not all(item.acceptable for item in found):
            worst = found[0]
            note = (
                f"the fast route differs from MACE's calculator by {worst.force_eV_per_A:.1e} eV/Å "
                f"in {worst.dtype}; took the general route"
            )
        if note:
            metadata = replace(metadata, route="general")
    if metadata.route == "general":
        try:
            packed, found = _graph_and_deviations(model, whole, metadata, index)
        except Exception as error:  # what foreign blocks and TorchScript raise can be anything
            raise _one_sentence(source, error) from error
    require_agreement(found, source)
    save_artifact(target, metadata, packed)
    if not note and elements is None and len(metadata.elements) > MANY_ELEMENTS:
        note = (
            f"the model knows {len(metadata.elements)} elements; with --elements and those of your "
            "boxes (e.g. H,O,K) the artifact is smaller and faster"
        )
    return ExportReport(Path(target), metadata, tuple(found), note)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:160] if lines else 'no reason given'}"


def _one_sentence(source: str | Path, error: Exception) -> PykohError:
    """Return the error of pykoh that an exception becomes."""
    if isinstance(error, PykohError):
        return error
    return ModelError(
        f"{source}: the export failed ({_first_line(error)}); nothing was written; please report "
        "the model's training options"
    )


def _graph_and_deviations(
    model: torch.nn.Module, whole: torch.nn.Module, metadata: ArtifactMetadata, head: int
) -> tuple[PackedGraph, list[Deviation]]:
    """Return the packed graph of the route in the metadata, compared with MACE's calculator.

    The graph is that of ``model``, which may know fewer elements than the ``whole`` model, with
    which it is compared.
    """
    from pykoh.engines.graph.graph import pack_fast_graph
    from pykoh.export.graph import script_graph

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if metadata.route == "fast":
            packed = pack_fast_graph(model, head)
        else:
            packed = PackedGraph(pack_graph(script_graph(model, head)))
        return packed, deviations(whole, metadata, packed)
