"""What is inside ``koh.pt``: a graph in two forms, and what has to be known of it.

The TorchScript archive is what engines run. A potential of the fast route has its weights beside
it, as plain tensors with the structure of the graph: from them it also runs where torch no longer
has TorchScript. Tables that follow from the weights are computed when the potential is opened.
"""

from __future__ import annotations

import io
import os
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import pykoh.engines.ghost  # its operator must exist before torch.jit.load
import pykoh.engines.operators  # noqa: F401  and these
from pykoh.engines import cpu, module_tree
from pykoh.engines.scripting import has_torchscript, without_deprecations
from pykoh.errors import ModelError

# 2: graphs call the operators of pykoh.engines.operators, which earlier versions don't have.
# 3: the fast route's weights are outside of the archive; a checksum.
FORMAT = 3
READABLE = (1, 2, 3)
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
        route: ``fast`` (:mod:`pykoh.engines.graph`) or ``general`` (:mod:`pykoh.export.graph`).
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


@dataclass(frozen=True, slots=True, eq=False)
class PackedGraph:
    """A graph as an artifact holds it.

    Attributes:
        archive: the TorchScript archive, uint8; without weights where there is a tree.
        tree: the graph as plain values and weights (:mod:`pykoh.engines.module_tree`); None for
            the general route, whose blocks are mace-torch's.
    """

    archive: torch.Tensor
    tree: module_tree.Tree | None = None

    def numpy(self) -> NDArray[np.uint8]:
        """Return a TorchScript archive that holds its weights itself, as bytes.

        ``torch.jit.load`` reads it without this package's :func:`open_script` (its operators have
        to be registered: ``import pykoh.engines.contents``).
        """
        if self.tree is None:
            return np.asarray(self.archive.numpy(), dtype=np.uint8)
        whole = pack_graph(open_script(self, torch.device("cpu"), torch.float64))
        return np.asarray(whole.numpy(), dtype=np.uint8)


def checksum(metadata: ArtifactMetadata, packed: PackedGraph) -> str:
    """Return the SHA-256 of all that an artifact holds."""
    return module_tree.digest([asdict(metadata), packed.archive, packed.tree])


def pack_graph(graph: torch.nn.Module) -> torch.Tensor:
    """Return the TorchScript archive of a graph as a uint8 tensor."""
    buffer = io.BytesIO()
    with without_deprecations():
        torch.jit.save(graph, buffer)
    return torch.frombuffer(bytearray(buffer.getvalue()), dtype=torch.uint8)


def open_graph(packed: PackedGraph, device: torch.device, dtype: torch.dtype) -> torch.nn.Module:
    """Load a packed graph on a device in a precision, ready to be called.

    On a CPU the fast route runs in compiled loops (:mod:`pykoh.engines.cpu`), without TorchScript.

    Raises:
        EngineError: on a CPU, where numba can keep no compiled code.
        ModelError: this torch has no TorchScript, and the potential is of the general route.
    """
    if device.type == "cpu":
        cpu.compiled()  # what is wrong with them is said here, not from within the graph
    if packed.tree is not None and (device.type == "cpu" or not has_torchscript()):
        return module_tree.rebuild(packed.tree).to(device, dtype).eval()
    if not has_torchscript():
        raise ModelError(
            "this torch has no TorchScript, which potentials of the general route need; use an "
            "earlier torch, or a model that the fast route of `pykoh export` covers"
        )
    return open_script(packed, device, dtype)


def open_script(packed: PackedGraph, device: torch.device, dtype: torch.dtype) -> torch.nn.Module:
    """Load the TorchScript of a packed graph, which does what a GPU does on any device."""
    ours = None if packed.tree is None else module_tree.rebuild(packed.tree)
    with without_deprecations():
        source = io.BytesIO(packed.archive.numpy().tobytes())
        graph: Any = torch.jit.load(source, map_location="cpu" if ours is not None else device)
    if ours is not None:
        module_tree.take_buffers(graph, ours)
    opened: torch.nn.Module = graph.to(device, dtype).eval()
    return opened


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
