"""The artifact ``koh.pt``: what is in it, how it is written and how it is read safely."""

from __future__ import annotations

import io
import os
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

import pykoh.engines.ghost  # noqa: F401  its operator must exist before torch.jit.load
from pykoh.errors import ModelError
from pykoh.files import replacing, require_file

FORMAT = 1
DTYPES = {"float32": torch.float32, "float64": torch.float64}


@dataclass(frozen=True, slots=True)
class ArtifactMetadata:
    """What an engine and a reader need to know of an exported potential.

    Attributes:
        elements: chemical symbols; the graph's species index counts them from 0.
        cutoff_A: cutoff radius of one message-passing layer, Å.
        n_layers: message-passing layers.
        dtype: precision in which engines run it unless told otherwise.
        head: name of the exported head.
        architecture: interaction blocks and hidden irreps, for people.
        source: file name of the exported model.
        source_sha256: its hash.
        training_molarities_mol_per_L: concentrations it was trained at, if given at export.
        versions: of pykoh, torch and mace-torch at export.
        route: ``fast`` (:mod:`pykoh.export.fast`) or ``general`` (:mod:`pykoh.export.graph`).
        format: version of the artifact's layout.
    """

    elements: tuple[str, ...]
    cutoff_A: float
    n_layers: int
    dtype: str
    head: str
    architecture: str
    source: str
    source_sha256: str
    training_molarities_mol_per_L: tuple[float, ...]
    versions: dict[str, str]
    route: str = "general"
    format: int = FORMAT


def pack_graph(graph: torch.jit.ScriptModule) -> torch.Tensor:
    """Return the TorchScript archive of a graph as a uint8 tensor."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(graph, buffer)
    return torch.frombuffer(bytearray(buffer.getvalue()), dtype=torch.uint8)


def open_graph(
    archive: torch.Tensor, device: torch.device, dtype: torch.dtype
) -> torch.jit.ScriptModule:
    """Load a packed graph on a device in a precision, ready to be called."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        graph = torch.jit.load(io.BytesIO(archive.numpy().tobytes()), map_location=device)
    return graph.to(dtype).eval()


def run_dtype(metadata: ArtifactMetadata, asked: str | None = None) -> torch.dtype:
    """Return the precision to run in: ``asked``, else ``$PYKOH_DTYPE``, else the artifact's.

    Raises:
        ModelError: it is neither float32 nor float64.
    """
    name = asked or os.environ.get("PYKOH_DTYPE") or metadata.dtype
    if name not in DTYPES:
        raise ModelError(f"precision {name!r} is unknown; use float32 or float64")
    return DTYPES[name]


def save_artifact(path: str | Path, metadata: ArtifactMetadata, archive: torch.Tensor) -> None:
    """Write ``koh.pt``: a pickle of one :class:`~pykoh.engines.mliap.MLIAPPotential`."""
    from pykoh.engines.mliap import MLIAPPotential

    potential = MLIAPPotential(asdict(metadata), archive)
    with replacing(path) as temporary:
        torch.save(potential, temporary)


def load_artifact(path: str | Path) -> tuple[ArtifactMetadata, torch.Tensor]:
    """Read the metadata and the packed graph of an artifact.

    Nothing but the artifact's own class, tensors and plain values is unpickled, so that a
    foreign file can't run code. (LAMMPS itself unpickles the file named in ``pair_style``
    without such a check: use only potentials that you trust.)

    Raises:
        ModelError: the file is missing, empty, or not a pykoh artifact.
    """
    from pykoh.engines.mliap import MLIAPPotential

    path = require_file(path, "potential made by `pykoh export`", ModelError)
    remedy = "make one with `pykoh export NAME.model -o koh.pt`"
    try:
        with torch.serialization.safe_globals([MLIAPPotential]):
            potential = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as err:  # what a foreign pickle raises can be anything
        raise ModelError(f"{path}: is not a pykoh potential; {remedy}") from err
    if not isinstance(potential, MLIAPPotential):
        raise ModelError(f"{path}: is not a pykoh potential; {remedy}")
    found = potential.metadata.get("format")
    if found != FORMAT:
        raise ModelError(f"{path}: has format {found}, this pykoh reads {FORMAT}; {remedy} again")
    return metadata_from(potential.metadata), potential.archive


def metadata_from(values: dict) -> ArtifactMetadata:
    """Return the metadata dataclass from its plain dictionary."""
    values = dict(values)
    for name in ("elements", "training_molarities_mol_per_L"):
        values[name] = tuple(values[name])
    return ArtifactMetadata(**values)
