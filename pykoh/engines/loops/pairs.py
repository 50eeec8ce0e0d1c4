"""Compiled loops around the graph in `pykoh run`: pairs within the cutoff, forces of pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pykoh.kernels import kernel

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
Floats = NDArray[np.floating[Any]]


@kernel(
    "(float64[:,::1], float64[:,::1], int64[::1], int64[::1], float64, float64[:,::1], "
    "float32[:,::1], int64[::1], int64[::1])",
)
def select_pairs(
    positions: Array,
    shifts: Array,
    sender: Indices,
    receiver: Indices,
    cutoff: float,
    rij: Array,
    vectors: Floats,
    near_sender: Indices,
    near_receiver: Indices,
) -> int:
    """Write the pairs of a neighbour list that are within the cutoff, and return their number.

    Args:
        positions: ``[n, 3]`` Å.
        shifts: ``[L, 3]`` Å, of the sender's image.
        sender: ``[L]``.
        receiver: ``[L]``.
        cutoff: Å.
        rij: ``[L, 3]`` Å, written to: sender minus receiver.
        vectors: ``[L, 3]`` Å, the same in the precision of the potential.
        near_sender: ``[L]``, written to.
        near_receiver: ``[L]``, written to.
    """
    n = 0
    for k in range(len(sender)):
        i, j = receiver[k], sender[k]
        dx = positions[j, 0] - positions[i, 0] + shifts[k, 0]
        dy = positions[j, 1] - positions[i, 1] + shifts[k, 1]
        dz = positions[j, 2] - positions[i, 2] + shifts[k, 2]
        # Each pair is written, and the next one replaces it if it is too far: a processor cannot
        # guess which pairs are near, and a wrong guess takes longer.
        rij[n, 0], rij[n, 1], rij[n, 2] = dx, dy, dz
        vectors[n, 0], vectors[n, 1], vectors[n, 2] = dx, dy, dz
        near_sender[n], near_receiver[n] = j, i
        n += np.int64(dx * dx + dy * dy + dz * dz < cutoff * cutoff)
    return n


@kernel("(float64[:,::1], float64[:,::1], float64[:,::1], float64[:,::1])")
def move(positions: Array, jumps: Array, before: Array, now: Array) -> float:
    """Write positions without their jumps; return the square of the largest displacement, Å².

    Args:
        positions: ``[n, 3]`` Å.
        jumps: ``[n, 3]`` Å.
        before: ``[n, 3]`` Å, where the displacements begin.
        now: ``[n, 3]`` Å, written to: positions minus jumps.
    """
    largest = 0.0
    for i in range(len(positions)):
        total = 0.0
        for k in range(3):
            now[i, k] = positions[i, k] - jumps[i, k]
            total += (now[i, k] - before[i, k]) ** 2
        largest = max(largest, total)
    return largest


@kernel("(float64[:,::1], float64[:,::1], int64[::1], int64[::1], float64, int64[::1])")
def pairs_within(
    positions: Array,
    shifts: Array,
    sender: Indices,
    receiver: Indices,
    reach: float,
    kept: Indices,
) -> int:
    """Write which pairs of a neighbour list are within a distance, and return their number.

    Args:
        positions: ``[n, 3]`` Å.
        shifts: ``[L, 3]`` Å, of the sender's image.
        sender: ``[L]``.
        receiver: ``[L]``.
        reach: Å.
        kept: ``[L]``, written to: places in the list.
    """
    n = 0
    for p in range(len(sender)):
        i, j = receiver[p], sender[p]
        apart2 = 0.0
        for k in range(3):
            apart2 += (positions[j, k] - positions[i, k] + shifts[p, k]) ** 2
        if apart2 <= reach * reach:
            kept[n] = p
            n += 1
    return n


@kernel(
    "(float64[:,::1], float32[:,::1], int64[::1], int64[::1], float64[:,::1], float64[:,::1])",
)
def forces_of_pairs(
    rij: Floats, gradient: Floats, sender: Indices, receiver: Indices, forces: Array, virial: Array
) -> bool:
    """Add the forces of pairs to atoms, and -r ⊗ dE/dr to the virial, in double precision.

    Args:
        rij: ``[P, 3]`` Å.
        gradient: ``[P, 3]`` dE/dr, eV/Å.
        sender: ``[P]``.
        receiver: ``[P]``.
        forces: ``[n, 3]`` eV/Å, added to.
        virial: ``[3, 3]`` eV, added to.

    Returns:
        Whether all forces are numbers.
    """
    xx, xy, xz, yx, yy, yz, zx, zy, zz = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    k = 0
    while k < len(sender):
        i = receiver[k]
        total_x, total_y, total_z = 0.0, 0.0, 0.0
        while k < len(sender) and receiver[k] == i:
            j = sender[k]
            x, y, z = rij[k, 0], rij[k, 1], rij[k, 2]
            pull_x, pull_y, pull_z = gradient[k, 0], gradient[k, 1], gradient[k, 2]
            total_x, total_y, total_z = total_x + pull_x, total_y + pull_y, total_z + pull_z
            forces[j, 0] -= pull_x
            forces[j, 1] -= pull_y
            forces[j, 2] -= pull_z
            xx, xy, xz = xx - x * pull_x, xy - x * pull_y, xz - x * pull_z
            yx, yy, yz = yx - y * pull_x, yy - y * pull_y, yz - y * pull_z
            zx, zy, zz = zx - z * pull_x, zy - z * pull_y, zz - z * pull_z
            k += 1
        forces[i, 0] += total_x
        forces[i, 1] += total_y
        forces[i, 2] += total_z
    of_rows = (xx, xy, xz), (yx, yy, yz), (zx, zy, zz)
    for b in range(3):
        for a in range(3):
            virial[b, a] += of_rows[b][a]
    for i in range(len(forces)):
        for a in range(3):
            if not np.isfinite(forces[i, a]):
                return False
    return True
