"""What a force call does once for all atoms, before its rows are written and when all is done."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pykoh.kernels import kernel

Array = NDArray[np.floating[Any]]
Indices = NDArray[np.int64]


@kernel("(float32[:,::1], int64[::1], float64, int64[::1], int64[::1])")
def count_rows(
    rij: Array, receiver: Indices, cutoff: float, first_pair: Indices, start: Indices
) -> bool:
    """Count the pairs of each atom and those of them that are closer than the cutoff.

    Args:
        rij: ``[E, 3]`` Å, sender minus receiver.
        receiver: ``[E]``, in any order.
        cutoff: Å.
        first_pair: ``[n_local + 1]``, zero; written to: how many pairs all atoms before have.
        start: ``[n_local + 1]``, zero; written to: the same of near pairs, the first row of an
            atom.

    Returns:
        Whether the receivers ascend.
    """
    ascend, before = True, 0
    for e in range(len(rij)):
        x, y, z = rij[e, 0], rij[e, 1], rij[e, 2]
        atom = receiver[e]
        ascend, before = ascend and atom >= before, atom
        first_pair[atom + 1] += 1
        # What is not a number has to be seen: it is kept.
        start[atom + 1] += np.int64(not (x * x + y * y + z * z >= cutoff * cutoff))
    for atom in range(len(start) - 1):
        start[atom + 1] += start[atom]
        first_pair[atom + 1] += first_pair[atom]
    return ascend


@kernel("(float32[::1], int64[::1], float64, float64, float64[::1], float64[::1])")
def total_energies(
    energies: Array, species: Indices, scale: float, shift: float, free: Array, found: Array
) -> None:
    """Add up the energies of atoms, in double precision.

    Args:
        energies: ``[layers, n]``.
        species: ``[n]``.
        scale: they are multiplied with it.
        shift: of each atom, eV.
        free: energy of a free atom of each element, eV.
        found: ``[n]`` eV, written to.
    """
    n = len(found)
    for atom in range(n):
        total = 0.0
        for place in range(atom, len(energies), n):
            total += np.float64(energies[place])
        found[atom] = total * scale + shift + free[species[atom]]
