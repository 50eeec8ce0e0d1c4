"""An exported potential on a periodic box: neighbour list with a skin, energy, forces, virial."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from pykoh.engines import cpu
from pykoh.engines.artifact import load_artifact
from pykoh.engines.contents import ArtifactMetadata, PackedGraph, open_graph, run_dtype
from pykoh.engines.memory import keep_freed_memory
from pykoh.engines.pair_list import PairList
from pykoh.errors import ModelError

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Result of one force call.

    Attributes:
        energies_eV: ``[n_atoms]`` energy of each atom, eV.
        forces_eV_per_A: ``[n_atoms, 3]`` eV/Å.
        virial_eV: ``[3, 3]`` sum over pairs of -r_ij ⊗ dE/dr_ij, eV; the potential part of the
            pressure tensor is virial / volume.
    """

    energies_eV: Array
    forces_eV_per_A: Array
    virial_eV: Array


def cell_heights(cell: Array) -> Array:
    """Return the three distances between opposite faces of a cell ``[3, 3]`` (rows), Å."""
    volume = abs(np.linalg.det(cell))
    crosses = np.cross(cell[[1, 2, 0]], cell[[2, 0, 1]])
    heights: Array = volume / np.linalg.norm(crosses, axis=1)
    return heights


class PeriodicPotential:
    """An exported potential for positions in a periodic cell, on the CPU.

    The neighbour list holds pairs up to cutoff + skin. It is made anew before a pair within the
    cutoff could be missing (:mod:`pykoh.engines.pair_list`).

    Args:
        metadata: of the artifact.
        packed: its graph.
        skin: Å.
        dtype: ``float32`` or ``float64``; by default the artifact's.
    """

    def __init__(
        self,
        metadata: ArtifactMetadata,
        packed: PackedGraph,
        skin: float = 1.0,
        dtype: str | None = None,
    ) -> None:
        keep_freed_memory()
        self.metadata = metadata
        self.dtype = run_dtype(metadata, dtype)
        self.graph = open_graph(packed, torch.device("cpu"), self.dtype)
        cpu.begin_compiling(self.graph)
        self._is_compiled = False
        of_vectors = torch.empty(0, dtype=self.dtype).numpy().dtype
        self._pairs = PairList(metadata.cutoff_A, skin, of_vectors)
        self._loops = cpu.compiled("loops.pairs")

    @classmethod
    def from_file(
        cls, path: str | Path, skin: float = 1.0, dtype: str | None = None
    ) -> PeriodicPotential:
        """Open an artifact. Raises :class:`ModelError` if the file is not one."""
        return cls(*load_artifact(path), skin=skin, dtype=dtype)

    def species_of(self, symbols: list[str]) -> NDArray[np.int64]:
        """Return the species index of each chemical symbol.

        Raises:
            ModelError: the potential does not know an element.
        """
        known = {symbol: index for index, symbol in enumerate(self.metadata.elements)}
        missing = sorted(set(symbols) - set(known))
        if missing:
            raise ModelError(
                f"the potential (exported from {self.metadata.source}) knows {', '.join(known)}, "
                f"not {', '.join(missing)}; use one that was trained on, and exported with, all "
                "elements of the box"
            )
        return np.array([known[symbol] for symbol in symbols], dtype=np.int64)

    @property
    def rebuilds(self) -> int:
        """How often the neighbour list was made."""
        return self._pairs.rebuilds

    def __call__(self, positions: Array, cell: Array, species: NDArray[np.int64]) -> Evaluation:
        """Evaluate the potential.

        Args:
            positions: ``[n_atoms, 3]`` Å, wrapped or not.
            cell: ``[3, 3]`` Å, lattice vectors as rows.
            species: ``[n_atoms]``, from :meth:`species_of`.

        Raises:
            ModelError: a coordinate is NaN or infinite, or an energy or force came out so.
        """
        if not np.isfinite(positions).all():
            atom = int(np.argwhere(~np.isfinite(positions))[0, 0])
            raise ModelError(
                f"atom {atom + 1} has a coordinate that is not a number: the simulation has blown "
                "up; use a shorter timestep or a better equilibrated box"
            )
        if not self._is_compiled:  # as late as possible: other processes compile meanwhile
            cpu.compile_loops(self.graph, ghosts=False)
            self._is_compiled = True
        pairs = self._pairs(positions, cell)
        indices = (torch.from_numpy(each) for each in (pairs.sender, pairs.receiver, species))
        vectors = torch.from_numpy(pairs.vectors)
        energies, gradient = self.graph(vectors, *indices, len(positions))
        forces, virial = np.zeros((len(positions), 3)), np.zeros((3, 3))
        are_numbers = self._loops.forces_of_pairs(
            pairs.rij, gradient.numpy(), pairs.sender, pairs.receiver, forces, virial
        )
        if not are_numbers:
            raise ModelError(
                "the potential gives forces that are not numbers: two atoms are on top of each "
                "other; equilibrate the box first (lammps_inputs/equilibrate.in)"
            )
        return Evaluation(energies.numpy(), forces, virial)
