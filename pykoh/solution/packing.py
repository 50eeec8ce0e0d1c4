"""Placing ions and molecules in a periodic box without overlaps.

Molecules start on a jittered lattice in random order and orientation. Soft repulsions between
atoms of different molecules then move them as rigid bodies (FIRE: Bitzek et al., Phys. Rev. Lett.
97 (2006) 170201, doi:10.1103/PhysRevLett.97.170201) until no pair is closer than its limit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from pykoh.chemistry import CATIONS
from pykoh.errors import CompositionError
from pykoh.solution.composition import Composition

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

OH_LENGTH_A = 0.97
HOH_ANGLE_DEG = 104.5

# Kinds of atoms. Oxygens of hydroxide and water have different distance limits.
_CATION, _O_HYDROXIDE, _O_WATER, _H = range(4)

# Smallest distance between atoms of different molecules, Å.
O_O_A, O_H_A, H_H_A = 2.55, 1.70, 1.90
# Distance of ions of the same charge, relative to their mean spacing, and its bounds, Å.
_LIKE_CHARGE_SPACING, _LIKE_CHARGE_MOST_A, _HYDROXIDES_LEAST_A = 0.75, 5.0, 2.7

# The repulsion reaches so much farther than the limits; otherwise they would never quite be met.
_CUSHION_A = 0.15
_SKIN_A = 0.6
_TRIES = 6
_MOST_STEPS = 3000


@dataclass(frozen=True, slots=True, eq=False)
class PackedBox:
    """Atoms in a cubic periodic box, molecule by molecule: cations, then OH-, then water.

    Attributes:
        composition: of the box.
        symbols: element of each atom.
        positions_A: [n_atoms, 3], Å, within [0, box length).
        molecules: [n_atoms], which molecule each atom belongs to, from 0.
    """

    composition: Composition
    symbols: tuple[str, ...]
    positions_A: FloatArray
    molecules: IntArray


@dataclass(frozen=True, slots=True, eq=False)
class _Bodies:
    """Rigid molecules: per atom its kind, its molecule and its place relative to the O, Å."""

    kinds: IntArray
    molecules: IntArray
    places: FloatArray
    n_molecules: int


def _bodies(n_koh: int, n_water: int) -> _Bodies:
    half = math.radians(HOH_ANGLE_DEG / 2)
    along, across = OH_LENGTH_A * math.cos(half), OH_LENGTH_A * math.sin(half)
    shapes = (
        ([_CATION], [[0.0, 0.0, 0.0]], n_koh),
        ([_O_HYDROXIDE, _H], [[0.0, 0.0, 0.0], [0.0, 0.0, OH_LENGTH_A]], n_koh),
        ([_O_WATER, _H, _H], [[0.0, 0.0, 0.0], [across, 0, along], [-across, 0, along]], n_water),
    )
    kinds: list[int] = []
    places: list[list[float]] = []
    sizes: list[int] = []
    for shape_kinds, shape_places, count in shapes:
        kinds += shape_kinds * count
        places += shape_places * count
        sizes += [len(shape_kinds)] * count
    molecules = np.repeat(np.arange(len(sizes)), sizes)
    return _Bodies(np.array(kinds), molecules, np.array(places, dtype=float), len(sizes))


def closest_allowed(composition: Composition) -> FloatArray:
    """Return the closest distance of atoms of different molecules, by kind.

    Returns:
        [4, 4], Å, symmetric; kinds are cation, O of OH-, O of water, H.
    """
    cation_o = 0.93 * CATIONS[composition.cation].oxygen_A
    spacing = (composition.volume_A3 / max(composition.n_koh, 1)) ** (1 / 3) * _LIKE_CHARGE_SPACING
    cation_cation = min(max(spacing, cation_o + 0.6), _LIKE_CHARGE_MOST_A)
    hydroxides = min(max(spacing, _HYDROXIDES_LEAST_A), _LIKE_CHARGE_MOST_A)
    limits = np.zeros((4, 4))
    for a, b, distance in (
        (_CATION, _CATION, cation_cation),
        (_CATION, _O_HYDROXIDE, cation_o),
        (_CATION, _O_WATER, cation_o),
        (_CATION, _H, cation_o + 0.2),  # turns the hydrogens of its shell outwards
        (_O_HYDROXIDE, _O_HYDROXIDE, hydroxides),
        (_O_HYDROXIDE, _O_WATER, O_O_A),
        (_O_WATER, _O_WATER, O_O_A),
        (_O_HYDROXIDE, _H, O_H_A),
        (_O_WATER, _H, O_H_A),
        (_H, _H, H_H_A),
    ):
        limits[a, b] = limits[b, a] = distance
    return limits


def _lattice(n: int, length: float, rng: np.random.Generator) -> FloatArray:
    """Return n distinct sites of a cubic lattice in random order, each jittered: [n, 3], Å."""
    per_side = math.ceil(n ** (1 / 3) - 1e-9)
    sites = rng.permutation(per_side**3)[:n]
    cell = length / per_side
    grid = np.stack(np.unravel_index(sites, (per_side,) * 3), axis=1)
    return (grid + 0.5 + rng.uniform(-0.2, 0.2, (n, 3))) * cell


class _Relaxation:
    """FIRE on the centres and orientations of rigid molecules under soft repulsions."""

    def __init__(
        self, bodies: _Bodies, limits: FloatArray, length: float, rng: np.random.Generator
    ) -> None:
        self.bodies, self.limits, self.length = bodies, limits, length
        self.reach = limits + _CUSHION_A
        self.centres = _lattice(bodies.n_molecules, length, rng)
        self.turns = Rotation.random(bodies.n_molecules, rng=rng)
        self.pairs_at: FloatArray | None = None

    def arms(self) -> FloatArray:
        """Return each atom's place relative to its molecule's O in the box frame, [n, 3], Å."""
        return self.turns[self.bodies.molecules].apply(self.bodies.places)

    def find_pairs(self, positions: FloatArray) -> None:
        """Update the list of pairs that may come within reach, if atoms have moved enough."""
        if self.pairs_at is not None:
            moved = np.linalg.norm(positions - self.pairs_at, axis=1).max()
            if moved < _SKIN_A / 2:
                return
        self.pairs_at = positions.copy()
        wrapped = positions % self.length
        wrapped[wrapped >= self.length] = 0.0  # rounding of tiny negative coordinates
        tree = cKDTree(wrapped, boxsize=self.length)
        i, j = tree.query_pairs(self.reach.max() + _SKIN_A, output_type="ndarray").T
        kinds, molecules = self.bodies.kinds, self.bodies.molecules
        other = molecules[i] != molecules[j]
        i, j = i[other], j[other]
        near = self.separations(positions, i, j)[1] < self.reach[kinds[i], kinds[j]] + _SKIN_A
        self.i, self.j = i[near], j[near]
        self.pair_reach = self.reach[kinds[self.i], kinds[self.j]]
        self.pair_limits = self.limits[kinds[self.i], kinds[self.j]]

    def separations(
        self, positions: FloatArray, i: IntArray, j: IntArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return minimum-image vectors from j to i, [n, 3], and their lengths, [n], Å."""
        d = positions[i] - positions[j]
        d -= self.length * np.round(d / self.length)
        return d, np.sqrt(np.einsum("ij,ij->i", d, d))

    def forces(self) -> tuple[FloatArray, FloatArray, float]:
        """Return forces and torques, [n_molecules, 3], and the worst violation of a limit, Å.

        The energy is Σ (reach − r)²/2 over pairs within reach; its force constant is the unit.
        """
        arms = self.arms()
        positions = self.centres[self.bodies.molecules] + arms
        self.find_pairs(positions)
        d, r = self.separations(positions, self.i, self.j)
        overlap = np.maximum(self.pair_reach - r, 0.0)
        pull = (overlap / np.maximum(r, 1e-3))[:, None] * d
        n = len(positions)
        force = np.stack(
            [
                np.bincount(self.i, pull[:, k], n) - np.bincount(self.j, pull[:, k], n)
                for k in range(3)
            ],
            axis=1,
        )
        worst = float((self.pair_limits - r).max(initial=0.0))
        return self._per_molecule(force), self._per_molecule(np.cross(arms, force)), worst

    def _per_molecule(self, values: FloatArray) -> FloatArray:
        mol, n = self.bodies.molecules, self.bodies.n_molecules
        return np.stack([np.bincount(mol, values[:, k], n) for k in range(3)], axis=1)

    def run(self) -> bool:
        """Relax until all limits are met; return whether they are."""
        velocity = np.zeros((2, self.bodies.n_molecules, 3))
        dt, mixing, downhill = 0.1, 0.1, 0
        for _ in range(_MOST_STEPS):
            force, torque, worst = self.forces()
            if worst <= 0.0:
                return True
            # All masses are 1 and all moments of inertia 1 Å²: only the minimum matters.
            push = np.stack([force, torque])
            power = float((push * velocity).sum())
            if power > 0:
                size = np.linalg.norm(velocity) / max(float(np.linalg.norm(push)), 1e-12)
                velocity = (1 - mixing) * velocity + mixing * size * push
                downhill += 1
                if downhill > 5:
                    dt, mixing = min(dt * 1.1, 0.4), mixing * 0.99
            else:
                velocity[:] = 0.0
                dt, mixing, downhill = dt * 0.5, 0.1, 0
            velocity += dt * push
            step = dt * velocity
            largest = float(np.abs(step).max())
            if largest > 0.2:
                step *= 0.2 / largest
            self.centres += step[0]
            self.turns = Rotation.from_rotvec(step[1]) * self.turns
        return False


def pack(composition: Composition, rng: np.random.Generator) -> PackedBox:
    """Place the ions and molecules of a composition in its cubic box.

    Molecules are rigid (O-H 0.97 Å, H-O-H 104.5°). Atoms of different molecules are at least as
    far apart as :func:`closest_allowed` says, so that each H is nearest to its own O by 0.7 Å.

    Args:
        composition: composition of the box.
        rng: random numbers; the same state gives the same box.

    Raises:
        CompositionError: no arrangement was found in several attempts.
    """
    bodies = _bodies(composition.n_koh, composition.n_water)
    limits = closest_allowed(composition)
    length = composition.box_length_A
    for attempt in range(_TRIES):
        # Later attempts reduce the spacing of like charges, which is only a preference.
        tried = limits.copy()
        for kind, least in ((_CATION, limits[_CATION, _O_WATER] + 0.6), (_O_HYDROXIDE, O_O_A)):
            share = attempt / (_TRIES - 1)
            tried[kind, kind] = (1 - share) * limits[kind, kind] + share * least
        relaxation = _Relaxation(bodies, tried, length, rng)
        if relaxation.run():
            positions = relaxation.centres[bodies.molecules] + relaxation.arms()
            positions %= length
            positions[positions >= length] = 0.0
            names = np.array([composition.cation, "O", "O", "H"])
            symbols = tuple(str(name) for name in names[bodies.kinds])
            return PackedBox(composition, symbols, positions, bodies.molecules)
    raise CompositionError(
        f"{composition.n_koh} {composition.cation}OH and {composition.n_water} H2O could not be "
        f"placed without overlaps in a box of {length:.2f} Å in {_TRIES} attempts; "
        "try another --seed, more atoms, or a lower density"
    )
