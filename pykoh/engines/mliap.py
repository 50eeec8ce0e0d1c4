"""The object behind ``pair_style mliap unified koh.pt``.

LAMMPS unpickles it from the artifact and calls :meth:`MLIAPPotential.compute_forces` each step on
each rank. It needs torch, numpy and pykoh, not mace-torch. Ghost atoms keep no work of their own:

* Kokkos (``mliap/kk``): features of ghosts come from LAMMPS's ``forward_exchange``, their
  gradients go back through ``reverse_exchange``. Where all ghosts are periodic images of a rank's
  own atoms, the owners take their place and nothing is exchanged.
* plain ``mliap``: owners are found by atom tag, see :mod:`pykoh.engines.attached`.
"""

from __future__ import annotations

import os
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch

from pykoh.engines import cpu
from pykoh.engines.attached import NOT_ATTACHED, AttachedLammps
from pykoh.engines.contents import (
    PackedGraph,
    checksum,
    metadata_from,
    open_graph,
    run_dtype,
    without_compiled_loops,
)
from pykoh.engines.ending import end_all_ranks
from pykoh.engines.ghost import Exchange, exchanging
from pykoh.engines.kokkos import KokkosExchange, owners_on_this_rank
from pykoh.engines.memory import keep_freed_memory
from pykoh.engines.self_check import KERNELS, SWITCH, SelfChecked, switch, ways
from pykoh.errors import EngineError, ModelError, PykohError

if TYPE_CHECKING:
    from pykoh.engines.cuda.graph import FusedGraph


class MLIAPPotential:
    """An exported potential for LAMMPS's ML-IAP unified interface.

    Args:
        metadata: plain values of :class:`~pykoh.engines.contents.ArtifactMetadata`.
        archive: the TorchScript graph, uint8.
        tree: its weights and structure, see :class:`~pykoh.engines.contents.PackedGraph`.
        digest: checksum of all of it; empty in files of formats 1 and 2, which had none.

    Attributes:
        attached: the LAMMPS that the input script handed over last. It is one for all potentials
            of a process, because LAMMPS makes the potential itself, from the file alone.
    """

    attached: ClassVar[AttachedLammps | None] = None

    def __init__(
        self,
        metadata: dict[str, Any],
        archive: torch.Tensor,
        tree: dict[str, Any] | None = None,
        digest: str = "",
    ) -> None:
        self.metadata = metadata
        self.archive = archive
        self.tree = tree
        self.digest = digest
        self._prepare()

    def _prepare(self) -> None:
        # What LAMMPS reads; its cutoff between two elements is 2 * rcutfac.
        self.interface = None
        self.element_types = list(self.metadata["elements"])
        self.ndescriptors = 1
        self.nparams = 1
        self.rcutfac = 0.5 * float(self.metadata["cutoff_A"])
        self._graph: torch.nn.Module | None = None
        self._device: torch.device | None = None
        self._rows: AtomRows | None = None
        # On one rank on a GPU: see pykoh.engines.self_check.
        self._checked: SelfChecked | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Pickle what the artifact holds, not what was made of it."""
        return {name: getattr(self, name) for name in ("metadata", "archive", "tree", "digest")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a potential; the graph is opened at the first force call."""
        self.metadata = state["metadata"]
        self.archive = state["archive"]
        self.tree = state.get("tree")
        self.digest = state.get("digest", "")
        if "elements" in self.metadata:
            self._prepare()

    def checked(self) -> PackedGraph:
        """Return the packed graph.

        Raises:
            ModelError: the contents do not have the checksum that was stored with them.
        """
        packed = PackedGraph(self.archive, self.tree)
        if int(self.metadata["format"]) >= 3:
            try:
                same = checksum(metadata_from(self.metadata), packed) == self.digest
            except (TypeError, ValueError, KeyError, AttributeError):
                same = False
            if not same:
                raise ModelError(
                    "this potential is damaged (its contents do not have the checksum that was "
                    "written with them); copy it again, or make it again with `pykoh export`"
                )
        return packed

    def compute_descriptors(self, data: Any) -> None:
        """Do nothing: the energy is computed with the forces."""

    def compute_gradients(self, data: Any) -> None:
        """Do nothing: the energy is computed with the forces."""

    def _open(self, device: torch.device) -> torch.nn.Module:
        if device.type == "cpu":
            keep_freed_memory()
            if "OMP_NUM_THREADS" not in os.environ:
                torch.set_num_threads(1)
        self.dtype = run_dtype(metadata_from(self.metadata))
        graph = open_graph(self.checked(), device, self.dtype)
        if device.type == "cpu":
            cpu.compile_loops(graph, ghosts=True)  # the ranks on this machine share the work
        return graph

    def _self_checked(self, graph: torch.nn.Module, device: torch.device) -> SelfChecked | None:
        """Return the graph that may run captured or in own kernels; None where it can't.

        On a CPU there is nothing to capture, and own kernels run there in Triton's interpreter
        only; they are tried there if the user asks for them, which is how they are tested. The
        plain graph is then the one of a GPU, without compiled loops.
        """
        captured, kernels = switch(SWITCH), switch(KERNELS)
        if self.metadata.get("route") != "fast" or (captured is False and kernels is False):
            return None
        if device.type != "cuda" and not captured and not kernels:
            return None
        if device.type != "cuda":
            captured, kernels = bool(captured), bool(kernels)
            without_compiled_loops(graph)

        def report(line: str) -> None:
            print(f"pykoh: {line}", flush=True)

        tree = self.tree

        def fused() -> FusedGraph:
            from pykoh.engines.cuda.graph import fused_graph

            assert tree is not None
            return fused_graph(tree, self.dtype, device)

        make = None if tree is None else fused
        candidates = ways(graph, make, self.dtype, device, captured, kernels, report)
        forced = SWITCH if captured else KERNELS if kernels else None
        return SelfChecked(graph, candidates, forced, report)

    def compute_forces(self, data: Any) -> None:
        """Give LAMMPS the energies and pair forces of this rank's atoms.

        Whatever goes wrong ends all ranks: LAMMPS would wait forever for the one that failed.

        Args:
            data: LAMMPS's ``MLIAPDataPy``, plain or Kokkos.
        """
        try:
            self._compute(data)
        except PykohError as error:
            end_all_ranks(str(error))
        except Exception as error:
            traceback.print_exc()
            end_all_ranks(f"the potential failed ({type(error).__name__}: {error})")

    def _compute(self, data: Any) -> None:
        n_local, n_total = int(data.nlocal), int(data.ntotal)
        # A rank may have no pairs; where its ghosts are tells the device.
        device = as_tensor(data.elems, np.zeros(0, np.int32)).device
        if self._graph is None or device != self._device:
            self._device, self._graph, self._rows = device, self._open(device), None
            self._checked = self._self_checked(self._graph, device)
        lammps = self.attached
        if self._rows is None or lammps is None or lammps.rebuilt(n_local, n_total):
            self._rows = self._rows_of(data, n_local, n_total)
        rows = self._rows
        rij = as_tensor(data.rij, np.zeros((0, 3))).to(device)
        receiver = as_tensor(data.pair_i, np.zeros(0, np.int32)).to(device, torch.int64)
        sender = as_tensor(data.pair_j, np.zeros(0, np.int32)).to(device, torch.int64)
        if rows.owners is not None:
            sender = rows.owners.index_select(0, sender)
        exchange = rows.exchange
        if rows.by_kokkos:
            exchange = KokkosExchange(data, n_local)
        graph = self._graph if rows.owners is None or self._checked is None else self._checked
        with exchanging(exchange):
            energies, gradient = graph(
                rij.to(self.dtype), sender, receiver, rows.species, rows.n_receivers
            )
        gradient = gradient.double().contiguous()
        energies = energies[:n_local]
        kokkos = hasattr(data, "forward_exchange")
        if len(rij):
            data.update_pair_forces(gradient if kokkos else gradient.numpy())
        if data.eflag:
            if n_local and kokkos:  # without atoms LAMMPS has no array for them
                as_tensor(data.eatoms, np.zeros(0))[:n_local] = energies
            elif n_local:
                data.eatoms = energies.numpy()
            data.energy = float(energies.sum())

    def _rows_of(self, data: Any, n_local: int, n_total: int) -> AtomRows:
        """Return what stays until LAMMPS rebuilds its neighbour list; to be called on all ranks."""
        kokkos = hasattr(data, "forward_exchange")
        if not kokkos and type(data).__module__.endswith("kokkos"):
            raise EngineError(
                "this LAMMPS is too old: its mliap/kk has no forward_exchange; build a release "
                "from 2025 or later (see cmake/)"
            )
        if data.natomneigh > data.nlistatoms:
            raise EngineError(
                "pair_style mliap has ghostneigh 1; write `pair_style mliap unified FILE 0`"
            )
        if data.nlistatoms < n_local:
            raise EngineError(
                "pair_style hybrid gives the potential some of the atoms; it needs all of them: "
                "use pair_style mliap alone"
            )
        species = as_tensor(data.elems, np.zeros(0, np.int32)).long()
        owners: torch.Tensor | None = None
        exchange: Exchange | None = None
        if not kokkos:
            if self.attached is None:
                raise EngineError(NOT_ATTACHED)
            owners, exchange = self.attached.ghosts(n_local, n_total)
            if self._rows is None and n_local:
                self.attached.check_species(species[:n_local], self.metadata["elements"])
        elif self.attached is not None and self.attached.n_ranks == 1:
            owners = owners_on_this_rank(data, n_local, n_total, species.device)
        if owners is not None:
            species = species[:n_local]
        if n_local == 0:
            # A rank without atoms takes part in the exchanges all the same: a phantom atom does.
            species = torch.cat([species.new_zeros(1), species])
        by_kokkos = kokkos and owners is None
        return AtomRows(species, max(n_local, 1), owners, exchange, by_kokkos)


@dataclass(frozen=True, slots=True)
class AtomRows:
    """What the rows of atoms and ghosts are, from one rebuild of the neighbour list to the next.

    Attributes:
        species: ``[n_total]`` index into the potential's elements; ``[n_local]`` with owners.
        n_receivers: atoms whose energies are computed.
        owners: ``[n_total]`` row of the owner of each row, where all are on this rank.
        exchange: how ghosts are served otherwise, without Kokkos.
        by_kokkos: whether LAMMPS's own exchange serves them.
    """

    species: torch.Tensor
    n_receivers: int
    owners: torch.Tensor | None
    exchange: Exchange | None
    by_kokkos: bool


def as_tensor(array: Any, empty: np.ndarray) -> torch.Tensor:
    """Return a numpy or cupy array of LAMMPS as a tensor that shares its memory, where it lies.

    Args:
        array: from LAMMPS; None where a rank has no pairs.
        empty: what stands for None.
    """
    tensor: torch.Tensor = torch.from_dlpack(empty if array is None else array)
    return tensor
