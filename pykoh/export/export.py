"""From a trained MACE model to ``koh.pt``: read, script, verify, write."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from pykoh.engines.artifact import ArtifactMetadata, pack_graph, save_artifact
from pykoh.export.read import head_index, read_mace_model
from pykoh.export.verify import Deviation, deviations, require_agreement
from pykoh.provenance import sha256, versions


@dataclass(frozen=True, slots=True)
class ExportReport:
    """What an export wrote and how well it agrees with its source."""

    path: Path
    metadata: ArtifactMetadata
    deviations: tuple[Deviation, ...]


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
) -> ExportReport:
    """Write the artifact of a MACE model after comparing it with MACE's own calculator.

    Args:
        source: ``.model`` file of mace-torch.
        target: the artifact; replaced only when everything succeeded.
        dtype: precision in which engines run it unless told otherwise.
        head: name of the head, for a model with several.
        molarities: mol/L, concentrations of the training data, recorded for readers.

    Raises:
        ModelError: the model can't be read, represented, or does not agree.
        OutputError: the target can't be written.
    """
    model = read_mace_model(source)
    index = head_index(model, head, source)
    heads = list(getattr(model, "heads", None) or ["Default"])
    from ase.data import chemical_symbols

    from pykoh.export.graph import script_graph

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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive = pack_graph(script_graph(model, index))
        found = deviations(model, metadata, archive)
    require_agreement(found, source)
    save_artifact(target, metadata, archive)
    return ExportReport(Path(target), metadata, tuple(found))
