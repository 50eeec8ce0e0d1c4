"""The object behind ``pair_style mliap unified koh.pt``.

LAMMPS unpickles it from the artifact and calls :meth:`MLIAPPotential.compute_forces` each step on
each rank. It needs torch, numpy and pykoh, not mace-torch. Ghost atoms keep no work of their own:

* Kokkos (``mliap/kk``): features of ghosts come from LAMMPS's ``forward_exchange``, their
  gradients go back through ``reverse_exchange``. Where all ghosts are periodic images of a rank's
  own atoms, the owners take their place and nothing is exchanged.
* plain ``mliap``: owners are found by atom tag, see :mod:`pykoh.engines.tags`.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np
import torch

from pykoh.engines import tags
from pykoh.engines.contents import metadata_from, open_graph, run_dtype
from pykoh.engines.ghost import Exchange, exchanging
from pykoh.engines.kokkos import KokkosExchange, owners_on_this_rank
from pykoh.engines.memory import keep_freed_memory
from pykoh.errors import EngineError


class MLIAPPotential:
    """An exported potential for LAMMPS's ML-IAP unified interface.

    Args:
        metadata: plain values of :class:`~pykoh.engines.contents.ArtifactMetadata`.
        archive: the packed TorchScript graph, uint8.
    """

    def __init__(self, metadata: dict[str, Any], archive: torch.Tensor) -> None:
        self.metadata = metadata
        self.archive = archive
        self._prepare()

    def _prepare(self) -> None:
        # What LAMMPS reads; its cutoff between two elements is 2 * rcutfac.
        self.interface = None
        self.element_types = list(self.metadata["elements"])
        self.ndescriptors = 1
        self.nparams = 1
        self.rcutfac = 0.5 * float(self.metadata["cutoff_A"])
        self._graph: torch.jit.ScriptModule | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the metadata and the archive alone."""
        return {"metadata": self.metadata, "archive": self.archive}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a potential; the graph is opened at the first force call."""
        self.metadata = state["metadata"]
        self.archive = state["archive"]
        if "elements" in self.metadata:
            self._prepare()

    def compute_descriptors(self, data: Any) -> None:
        """Do nothing: the energy is computed with the forces."""

    def compute_gradients(self, data: Any) -> None:
        """Do nothing: the energy is computed with the forces."""

    def _open(self, device: torch.device) -> torch.jit.ScriptModule:
        if device.type == "cpu":
            keep_freed_memory()
            if "OMP_NUM_THREADS" not in os.environ:
                torch.set_num_threads(1)
        self.dtype = run_dtype(metadata_from(self.metadata))
        return open_graph(self.archive, device, self.dtype)

    def compute_forces(self, data: Any) -> None:
        """Give LAMMPS the energies and pair forces of this rank's atoms.

        Args:
            data: LAMMPS's ``MLIAPDataPy``, plain or Kokkos.
        """
        try:
            self._compute(data)
        except EngineError as error:
            # LAMMPS turns an exception into a traceback and its own message; say it plainly.
            print(f"ERROR: {error}", file=sys.stderr, flush=True)
            raise SystemExit(f"pykoh: {error}") from None

    def _compute(self, data: Any) -> None:
        kokkos = hasattr(data, "forward_exchange")
        if not kokkos and type(data).__module__.endswith("kokkos"):
            raise EngineError(
                "this LAMMPS is too old: its mliap/kk has no forward_exchange; build a release "
                "from 2025 or later (see cmake/)"
            )
        rij = as_tensor(data.rij, np.zeros((0, 3)))
        device = rij.device
        if self._graph is None:
            self._graph = self._open(device)
        n_local, n_total = int(data.nlocal), int(data.ntotal)
        receiver = as_tensor(data.pair_i, np.zeros(0, np.int32)).long()
        sender = as_tensor(data.pair_j, np.zeros(0, np.int32)).long()
        species = as_tensor(data.elems, np.zeros(0, np.int32)).long()
        if len(receiver) and int(receiver[-1]) >= n_local:
            raise EngineError(
                "pair_style mliap has ghostneigh 1; write `pair_style mliap unified FILE 0`"
            )
        exchange: Exchange | None = None
        owners: torch.Tensor | None = None
        if not kokkos:
            owners, exchange = tags.ghosts(n_local, n_total)
        elif tags.single_rank():
            owners = owners_on_this_rank(data, n_local, n_total, device)
        else:
            exchange = KokkosExchange(data, n_local)
        if owners is not None:
            sender = owners.index_select(0, sender)
            species = species[:n_local]
        # A rank without atoms still takes part in the exchanges: a phantom atom stands in.
        phantoms = 1 if n_local == 0 else 0
        if phantoms:
            species = torch.cat([species.new_zeros(1), species])
        with exchanging(exchange):
            energies, gradient = self._graph(
                rij.to(self.dtype), sender, receiver, species, n_local + phantoms
            )
        energies = energies[:n_local]
        gradient = gradient.double().contiguous()
        if kokkos:
            if len(rij):
                data.update_pair_forces(gradient)
            if data.eflag:
                as_tensor(data.eatoms, np.zeros(0))[:n_local] = energies
        else:
            if len(rij):
                data.update_pair_forces(gradient.numpy())
            if data.eflag and len(energies):
                data.eatoms = energies.numpy()
        data.energy = float(energies.sum())


def as_tensor(array: Any, empty: np.ndarray) -> torch.Tensor:
    """Return a numpy or cupy array of LAMMPS as a tensor that shares its memory.

    Args:
        array: from LAMMPS; None where a rank has no pairs.
        empty: what stands for None.
    """
    if array is None:
        return torch.from_numpy(empty)
    if isinstance(array, np.ndarray):
        return torch.from_numpy(array)
    return torch.as_tensor(array, device="cuda")
