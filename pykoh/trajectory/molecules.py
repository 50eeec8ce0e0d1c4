"""Checks of the elements of atoms: a frame must look like aqueous hydroxide."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from pykoh.errors import TrajectoryError
from pykoh.trajectory.species import CATION, HYDROGEN, OXYGEN, Atoms

LONGEST_BOND_A = 1.3
"""Å. Within this distance every H has an O and every O an H, also a proton halfway between two O
(1.2 Å). No cation has an atom within it: the shortest distance, Li-O, is at least 1.7 Å."""

_STRAY_ATOMS = 2  # atoms without a partner that are accepted, because of reactions
_STRAY_SHARE = 1e-3
_WRONG_SHARE = 0.25  # of the atoms of one element


def _nearest(
    of: NDArray[np.float64], among: NDArray[np.float64], cell: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the distance from each point of ``of`` to the nearest of ``among``, [n], at most 2 Å.

    Args:
        of: [n, 3], fractions of the cell within 0 and 1.
        among: [m, 3], the same.
        cell: [3, 3], Å, vectors in rows.
    """
    if len(among) == 0:
        return np.full(len(of), np.inf)
    reach = 2.0
    heights = 1.0 / np.linalg.norm(np.linalg.inv(cell), axis=0)
    # Images within reach of the cell: at most three cells away in any cell that holds a water.
    images = []
    counts = [min(int(np.ceil(reach / height)), 3) for height in heights]
    for i in range(-counts[0], counts[0] + 1):
        for j in range(-counts[1], counts[1] + 1):
            for k in range(-counts[2], counts[2] + 1):
                moved = among + np.array([i, j, k])
                near = (np.abs(moved - 0.5) * heights < 0.5 * heights + reach).all(axis=1)
                images.append(moved[near])
    tree = cKDTree(np.concatenate(images) @ cell)
    distances: NDArray[np.float64] = tree.query(of @ cell, distance_upper_bound=reach)[0]
    return distances


def _from_partners(
    positions: NDArray[np.float64], cell: NDArray[np.float64], atoms: Atoms
) -> dict[int, NDArray[np.float64]]:
    """Return by species the distances (Å) to the nearest partner; infinite above 2 Å.

    Partners of O are H, those of H are O, and those of a cation, which has none, are both.
    """
    fraction = positions @ np.linalg.inv(cell)
    fraction -= np.floor(fraction)
    h, o, k = (atoms.indices(species) for species in (HYDROGEN, OXYGEN, CATION))
    return {
        HYDROGEN: _nearest(fraction[h], fraction[o], cell),
        OXYGEN: _nearest(fraction[o], fraction[h], cell),
        CATION: _nearest(fraction[k], fraction[np.concatenate([h, o])], cell),
    }


def check_types(
    positions: NDArray[np.float64], cell: NDArray[np.float64], atoms: Atoms
) -> str | None:
    """Return why a frame cannot be of these elements, or None.

    Numbers of types say nothing about elements. Where ``--types`` is wrong, all atoms of a type
    have no partner, or are within molecules. Up to a quarter of such atoms are accepted: water may
    be ionised, or cut at the wall of a vacuum. Where no cation is left, these may be the cations;
    then one with nothing within 2 Å is enough.

    Args:
        positions: [n_atoms, 3], Å.
        cell: [3, 3], Å, vectors in rows.
        atoms: the atoms with their elements.
    """
    distances = _from_partners(positions, cell, atoms)
    no_cation = len(distances[CATION]) == 0
    for species, text in (
        (HYDROGEN, f"H atoms have no O within {LONGEST_BOND_A} Å"),
        (OXYGEN, f"O atoms have no H within {LONGEST_BOND_A} Å"),
        (CATION, f"{atoms.cation} atoms are within a molecule"),
    ):
        found = distances[species]
        close = found < LONGEST_BOND_A
        n_wrong = int(close.sum() if species == CATION else (~close).sum())
        if n_wrong > _WRONG_SHARE * len(found) or (no_cation and np.isinf(found).any()):
            return f"{n_wrong} of {len(found)} {text}"
    return None


def check_order(
    positions: NDArray[np.float64], cell: NDArray[np.float64], atoms: Atoms, name: str
) -> None:
    """Refuse a frame whose atoms are not in the order of the topology.

    Formats with coordinates only do not hold the elements. The check accepts hydroxide, which has
    one H, and a proton between two O.

    Args:
        positions: [n_atoms, 3], Å.
        cell: [3, 3], Å, vectors in rows.
        atoms: atoms of the topology.
        name: name of the file in messages.

    Raises:
        TrajectoryError: a cation is within a molecule, or O and H atoms have no partner.
    """
    h, o, k = (atoms.indices(species) for species in (HYDROGEN, OXYGEN, CATION))
    if len(h) == 0 or len(o) == 0:
        return
    remedy = (
        "its atoms are not in the order of the topology (a LAMMPS data file is sorted by atom id): "
        "write it with 'dump_modify ID sort id', or give the --topology of the run"
    )
    distances = _from_partners(positions, cell, atoms)
    near = distances[CATION] < LONGEST_BOND_A
    if near.any():
        atom = int(k[near][0])
        raise TrajectoryError(
            f"{name}: frame 1: atom {atom + 1}, {atoms.cation} in the topology, is within a "
            f"molecule; {remedy}"
        )
    lone_o = distances[OXYGEN] >= LONGEST_BOND_A
    lone_h = distances[HYDROGEN] >= LONGEST_BOND_A
    n_lone = int(lone_o.sum() + lone_h.sum())
    few = max(_STRAY_ATOMS, _STRAY_SHARE * len(atoms.ids))
    if n_lone > few or n_lone > 0.25 * (len(h) + len(o)):
        atom = int(o[lone_o][0]) if lone_o.any() else int(h[lone_h][0])
        element, other = ("O", "H") if lone_o.any() else ("H", "O")
        raise TrajectoryError(
            f"{name}: frame 1: atom {atom + 1}, {element} in the topology, has no {other} within "
            f"{LONGEST_BOND_A} Å, and {n_lone - 1} other atoms have none; {remedy}"
        )
