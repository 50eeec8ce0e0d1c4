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

    The neighbour list holds pairs up to cutoff + skin and is made anew when an atom has moved
    half the skin, the cell has changed, or the atoms are others.

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
        self._numpy_dtype = torch.empty(0, dtype=self.dtype).numpy().dtype
        self.skin = skin
        self.graph = open_graph(packed, torch.device("cpu"), self.dtype)
        cpu.compile_loops(self.graph, helpers=True)
        self.rebuilds = 0
        self._reference: tuple[Array, Array, NDArray[np.int64]] | None = None
        self._sender = self._receiver = np.zeros(0, np.int64)
        self._shifts = np.zeros((0, 3))
        # The pairs of the list that are within the cutoff: vectors, senders, receivers.
        self._near = np.zeros((0, 3)), self._sender, self._receiver
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
                f"the potential ({self.metadata.source}) knows {', '.join(known)}, "
                f"not {', '.join(missing)}; use one trained on all elements of the box"
            )
        return np.array([known[symbol] for symbol in symbols], dtype=np.int64)

    def _needs_list(self, positions: Array, cell: Array, species: NDArray[np.int64]) -> bool:
        if self._reference is None:
            return True
        old_positions, old_cell, old_species = self._reference
        if old_positions.shape != positions.shape or not np.array_equal(old_cell, cell):
            return True
        if not np.array_equal(old_species, species):
            return True
        moved: float = ((positions - old_positions) ** 2).sum(axis=1).max(initial=0.0)
        return moved > (0.5 * self.skin) ** 2

    def _build_list(self, positions: Array, cell: Array, species: NDArray[np.int64]) -> None:
        from vesin import NeighborList

        reach = self.metadata.cutoff_A + self.skin
        finder = NeighborList(cutoff=reach, full_list=True, sorted=True)
        i, j, images = finder.compute(points=positions, box=cell, periodic=True, quantities="ijS")
        self._receiver, self._sender = i.astype(np.int64), j.astype(np.int64)
        self._shifts = images.astype(np.float64) @ cell
        self._near = (
            np.empty((len(i), 3)), np.empty(len(i), np.int64), np.empty(len(i), np.int64)
        )  # fmt: skip
        self._reference = (positions.copy(), cell.copy(), species.copy())
        self.rebuilds += 1

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
        if self._needs_list(positions, cell, species):
            self._build_list(positions, cell, species)
        n = self._loops.select_pairs(
            positions,
            self._shifts,
            self._sender,
            self._receiver,
            self.metadata.cutoff_A,
            *self._near,
        )
        rij, sender, receiver = (each[:n] for each in self._near)
        # Torch would wake up threads of its own for it, which wait actively and take cores away.
        vectors = torch.from_numpy(rij.astype(self._numpy_dtype))
        given = (torch.from_numpy(each) for each in (sender, receiver, species))
        energies, gradient = self.graph(vectors, *given, len(positions))
        forces, virial = np.zeros((len(positions), 3)), np.zeros((3, 3))
        self._loops.forces_of_pairs(rij, gradient.numpy(), sender, receiver, forces, virial)
        result = Evaluation(energies.numpy(), forces, virial)
        if not np.isfinite(result.forces_eV_per_A).all():
            raise ModelError(
                "the potential gives forces that are not numbers: two atoms are on top of each "
                "other; equilibrate the box first (lammps_inputs/equilibrate.in)"
            )
        return result
