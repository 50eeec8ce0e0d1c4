"""Comparing an exported graph with MACE's own calculator before anything is written."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from ase import Atoms

from pykoh.engines.contents import (
    ArtifactMetadata,
    PackedGraph,
    open_script,
    without_compiled_loops,
)
from pykoh.engines.ghost import OwnersOnThisRank, exchanging
from pykoh.engines.periodic import PeriodicPotential, cell_heights
from pykoh.errors import ModelError
from pykoh.export.read import mace_calculator

# Largest deviation from MACECalculator in float64: energy in eV/atom, forces in eV/Å, stress in
# eV/Å³ (1e-6: 0.16 MPa). Where the root mean square force is above 1 eV/Å, forces and stresses are
# compared relative to it.
TOLERANCE = {"float64": (1e-6, 1e-5, 1e-6), "float32": (1e-5, 1e-3, 1e-4)}


@dataclass(frozen=True, slots=True)
class Deviation:
    """Largest deviations over the verification boxes.

    Attributes:
        dtype: precision of the exported graph; MACE's calculator runs in float64.
        energy_eV_per_atom: of the total energy.
        force_eV_per_A: of any force component (divided by the rms force where that is above 1).
        stress_eV_per_A3: of any component of the stress (divided likewise).
    """

    dtype: str
    energy_eV_per_atom: float
    force_eV_per_A: float
    stress_eV_per_A3: float

    @property
    def acceptable(self) -> bool:
        """Whether the graph represents the model."""
        energy, force, stress = TOLERANCE[self.dtype]
        return bool(
            self.energy_eV_per_atom <= energy
            and self.force_eV_per_A <= force
            and self.stress_eV_per_A3 <= stress
        )


def verification_boxes(elements: tuple[str, ...], cutoff: float, seed: int = 0) -> list[Atoms]:
    """Return boxes of all elements: cubic, small (cutoff beyond the cell), triclinic, one atom.

    Atoms sit on a jittered grid of 2.2 Å, so that no pair is closer than a chemical bond.
    """
    rng = np.random.default_rng(seed)
    boxes = []
    for n, shear in ((4, 0.0), (2, 0.0), (3, 0.25)):
        grid = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), -1).reshape(-1, 3)
        cell = 2.2 * n * np.eye(3)
        cell[1, 0], cell[2, 0], cell[2, 1] = shear * 2.2 * n, -shear * 2.2 * n, shear * n
        positions = (grid / n) @ cell + rng.uniform(-0.35, 0.35, (n**3, 3))
        # Every element is there, the rest is drawn.
        extra = max(n**3 - len(elements), 0)
        symbols = (list(elements) + list(rng.choice(elements, extra)))[: n**3]
        boxes.append(
            Atoms(list(rng.permutation(symbols)), positions=positions, cell=cell, pbc=True)
        )
    boxes.append(Atoms(elements[0], cell=3.0 * cutoff * np.eye(3), pbc=True))
    return boxes


def _reference(model: Any, boxes: list[Atoms], head: str) -> list[tuple]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        calculator = mace_calculator(model, head)
        results = []
        for box in boxes:
            box = box.copy()
            box.calc = calculator
            results.append(
                (box.get_potential_energy(), box.get_forces(), box.get_stress(voigt=False))
            )
    return results


def _through_ghosts(
    potential: PeriodicPotential, box: Atoms, species: np.ndarray
) -> tuple[float, np.ndarray]:
    """Evaluate with each periodic image as an explicit ghost atom, as LAMMPS would present it."""
    n = len(box)
    positions, cell = box.positions, np.asarray(box.cell)
    reach = np.ceil(potential.metadata.cutoff_A / cell_heights(cell)).astype(int)
    images = np.stack(
        np.meshgrid(*[np.arange(-k, k + 1) for k in reach], indexing="ij"), -1
    ).reshape(-1, 3)
    images = images[np.any(images != 0, axis=1)]
    owners = np.tile(np.arange(n), len(images))
    everything = np.concatenate(
        [positions, positions[owners] + np.repeat(images @ cell, n, axis=0)]
    )
    rij = everything[None] - positions[:, None]
    distance = np.linalg.norm(rij, axis=-1)
    receiver, sender = np.nonzero((distance < potential.metadata.cutoff_A) & (distance > 1e-9))
    with exchanging(OwnersOnThisRank(torch.from_numpy(owners))):
        energies, gradient = potential.graph(
            torch.from_numpy(rij[receiver, sender]).to(potential.dtype),
            torch.from_numpy(sender),
            torch.from_numpy(receiver),
            torch.from_numpy(np.concatenate([species, species[owners]])),
            n,
        )
    forces = np.zeros((len(everything), 3))
    np.add.at(forces, receiver, gradient.double().numpy())
    np.add.at(forces, sender, -gradient.double().numpy())
    np.add.at(forces[:n], owners, forces[n:])
    return float(energies.sum()), forces[:n]


def distance_box(elements: tuple[str, ...], cutoff: float, seed: int = 1) -> Atoms:
    """Return 27 separate groups of three atoms, at distances from 0.7 Å to the cutoff.

    An error of a tabulated function of the distance shows here, at any distance.
    """
    rng = np.random.default_rng(seed)
    pitch = 3.0 * cutoff
    corners = np.stack(np.meshgrid(*[np.arange(3)] * 3, indexing="ij"), -1).reshape(-1, 3) * pitch
    distances = np.linspace(0.7, cutoff, len(corners))
    directions = rng.normal(size=(len(corners), 2, 3))
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    second = corners + directions[:, 0] * distances[:, None]
    third = corners - directions[:, 0] + directions[:, 1] * rng.uniform(0.0, 0.3, (len(corners), 1))
    positions = np.concatenate([corners, second, third])
    symbols = [elements[i % len(elements)] for i in rng.permutation(len(positions))]
    return Atoms(symbols, positions=positions, cell=3 * pitch * np.eye(3), pbc=True)


def _worst(potential: PeriodicPotential, boxes: list[Atoms], references: list[tuple]) -> np.ndarray:
    """Return the largest errors of energy, forces and stress, as in :class:`Deviation`."""
    worst = np.zeros(3)
    for box, (energy, forces, stress) in zip(boxes, references, strict=True):
        species = potential.species_of(box.get_chemical_symbols())
        result = potential(box.positions, np.asarray(box.cell), species)
        scale = max(1.0, float(np.sqrt((forces**2).mean())))
        ghost_energy, ghost_forces = _through_ghosts(potential, box, species)
        off = np.abs(-result.virial_eV / box.get_volume() - stress).max() / scale
        for e, f in (
            (float(result.energies_eV.sum()), result.forces_eV_per_A),
            (ghost_energy, ghost_forces),
        ):
            errors = abs(e - energy) / len(box), np.abs(f - forces).max() / scale, off
            worst = np.maximum(worst, errors)
    return worst


def deviations(model: Any, metadata: ArtifactMetadata, packed: PackedGraph) -> list[Deviation]:
    """Compare the exported graph with ``MACECalculator``, with and without ghost atoms."""
    boxes = verification_boxes(metadata.elements, metadata.cutoff_A)
    if metadata.route == "fast":
        boxes.append(distance_box(metadata.elements, metadata.cutoff_A))
    references = _reference(model, boxes, metadata.head)
    found = []
    for dtype in TOLERANCE:
        potential = PeriodicPotential(metadata, packed, dtype=dtype)
        # TorchScript would specialise itself anew for each of these boxes, which takes longer than
        # all calls: the operations are the same without.
        with torch.jit.optimized_execution(False):
            worst = _worst(potential, boxes, references)
            if metadata.route == "fast":
                # What a GPU will run is other operations and other tables.
                without_compiled_loops(potential.graph)
                worst = np.maximum(worst, _worst(potential, boxes, references))
                # The same operations once more, as script.
                potential.graph = open_script(packed, torch.device("cpu"), potential.dtype)
                worst = np.maximum(worst, _worst(potential, boxes[:1], references[:1]))
        found.append(Deviation(dtype, *(float(each) for each in worst)))
    return found


def require_agreement(found: list[Deviation], path: object) -> None:
    """Raise :class:`ModelError` naming the precision and deviation that are out of bounds."""
    for item in found:
        if not item.acceptable:
            energy, force, stress = TOLERANCE[item.dtype]
            raise ModelError(
                f"{path}: the exported graph differs from MACE's calculator in {item.dtype} by "
                f"{item.energy_eV_per_atom:.1e} eV/atom (limit {energy:.0e}), "
                f"{item.force_eV_per_A:.1e} eV/Å (limit {force:.0e}) and "
                f"{item.stress_eV_per_A3:.1e} eV/Å³ (limit {stress:.0e}); nothing was written; "
                "please report the model's training options"
            )
