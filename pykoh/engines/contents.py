"""What is inside ``koh.pt``: a packed TorchScript graph and what has to be known of it."""

from __future__ import annotations

import io
import os
import warnings
from dataclasses import dataclass

import torch

import pykoh.engines.ghost  # noqa: F401  its operator must exist before torch.jit.load
from pykoh.engines.operators import compiled_loops  # registers more of them
from pykoh.errors import ModelError

# 2: graphs call the operators of pykoh.engines.operators, which earlier versions don't have.
FORMAT = 2
READABLE = (1, 2)
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
    """Load a packed graph on a device in a precision, ready to be called.

    Raises:
        EngineError: on a CPU, where numba can keep no compiled code.
    """
    if device.type == "cpu":
        compiled_loops()  # what is wrong with them is said here, not from within the graph
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        graph = torch.jit.load(io.BytesIO(archive.numpy().tobytes()), map_location=device)
    return graph.to(dtype).eval()


def without_compiled_loops(graph: torch.nn.Module) -> None:
    """Make a graph do on the CPU what it does on a GPU: plain torch operations."""
    for module in graph.modules():
        if hasattr(module, "compiled"):
            setattr(module, "compiled", False)  # noqa: B010  an attribute of TorchScript, not a module


def run_dtype(metadata: ArtifactMetadata, asked: str | None = None) -> torch.dtype:
    """Return the precision to run in: ``asked``, else ``$PYKOH_DTYPE``, else the artifact's.

    Raises:
        ModelError: it is neither float32 nor float64.
    """
    name = asked or os.environ.get("PYKOH_DTYPE") or metadata.dtype
    if name not in DTYPES:
        raise ModelError(f"precision {name!r} is unknown; use float32 or float64")
    return DTYPES[name]


def metadata_from(values: dict) -> ArtifactMetadata:
    """Return the metadata dataclass from its plain dictionary."""
    values = dict(values)
    for name in ("elements", "training_molarities_mol_per_L"):
        values[name] = tuple(values[name])
    return ArtifactMetadata(**values)
