"""Compiled periodic neighbour searches: the nearest oxygen of each hydrogen, and bins in space.

Distances are minimum-image ones from rounded fractional coordinates. In a triclinic cell that is
exact for all distances below half of the smallest distance between opposite faces, and never
too short beyond.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pykoh.arrays import FloatArray
from pykoh.kernels import kernel, step

OXYGEN_BIN_A = 3.5
"""Width of the bins in which oxygens are looked for, Å."""

MOST_BINS = 128
"""Bins along an axis; more would cost more memory than they save time."""


def inverses_of(cells: FloatArray) -> FloatArray:
    """Return the inverses, 1/Å, of cells [n_frames, 3, 3], Å, whose vectors are rows."""
    inverses: FloatArray = np.linalg.inv(cells).astype(np.float64, copy=False)
    return inverses


@step()
def wrap(
    positions: FloatArray, selected: NDArray[np.int64], inverse: FloatArray, out: FloatArray
) -> None:
    """Write fractional coordinates in [0, 1) of the selected atoms.

    Args:
        positions: [n_atoms, 3], Å.
        selected: [n], atoms.
        inverse: [3, 3], inverse of the cell vectors in rows.
        out: [n, 3].
    """
    for i in range(selected.shape[0]):
        x, y, z = positions[selected[i], 0], positions[selected[i], 1], positions[selected[i], 2]
        for k in range(3):
            s = x * inverse[0, k] + y * inverse[1, k] + z * inverse[2, k]
            s -= np.floor(s)
            out[i, k] = 0.0 if s >= 1.0 else s


@step()
def separation(a: FloatArray, b: FloatArray, cell: FloatArray) -> tuple[float, float, float]:
    """Return the minimum-image vector from a to b, Å.

    Args:
        a: [3], fractional.
        b: [3], fractional.
        cell: [3, 3], Å, vectors in rows.
    """
    s0 = b[0] - a[0]
    s1 = b[1] - a[1]
    s2 = b[2] - a[2]
    s0 -= np.floor(s0 + 0.5)
    s1 -= np.floor(s1 + 0.5)
    s2 -= np.floor(s2 + 0.5)
    x = s0 * cell[0, 0] + s1 * cell[1, 0] + s2 * cell[2, 0]
    y = s0 * cell[0, 1] + s1 * cell[1, 1] + s2 * cell[2, 1]
    z = s0 * cell[0, 2] + s1 * cell[1, 2] + s2 * cell[2, 2]
    return x, y, z


@step()
def distance2(a: FloatArray, b: FloatArray, cell: FloatArray) -> float:
    """Return the squared minimum-image distance, Å²; arguments as for :func:`separation`."""
    x, y, z = separation(a, b, cell)
    return x * x + y * y + z * z


@step()
def height(inverse: FloatArray, k: int) -> float:
    """Return the distance between the faces that the cell vector k joins, Å."""
    x, y, z = inverse[0, k], inverse[1, k], inverse[2, k]  # a power would be compiled as a loop
    return 1.0 / np.sqrt(x * x + y * y + z * z)


@step()
def bin_counts(inverse: FloatArray, width: float) -> tuple[int, int, int]:
    """Return the number of bins along each axis, each at least ``width`` Å high.

    Their number is bounded: a cell that is damaged may be a million Å long.
    """
    return _bins(inverse, 0, width), _bins(inverse, 1, width), _bins(inverse, 2, width)


@step()
def _bins(inverse: FloatArray, k: int, width: float) -> int:
    """Return the bins along one axis."""
    bins = height(inverse, k) / width
    if bins >= MOST_BINS:
        return MOST_BINS
    return int(bins) if bins >= 1.0 else 1


@step()
def sort_into_bins(
    fractional: FloatArray, n0: int, n1: int, n2: int, order: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Sort atoms by bin; return [n_bins + 1], where each bin begins in ``order``.

    Args:
        fractional: [n, 3] in [0, 1).
        n0: bins along the first axis.
        n1: bins along the second axis.
        n2: bins along the third axis.
        order: [n], out, atoms sorted by bin.
    """
    n = fractional.shape[0]
    first = np.empty(n0 * n1 * n2 + 1, dtype=np.int64)
    for b in range(first.shape[0]):
        first[b] = 0
    bins = np.empty(n, dtype=np.int64)
    for i in range(n):
        b0 = min(int(fractional[i, 0] * n0), n0 - 1)
        b1 = min(int(fractional[i, 1] * n1), n1 - 1)
        b2 = min(int(fractional[i, 2] * n2), n2 - 1)
        bins[i] = (b0 * n1 + b1) * n2 + b2
        first[bins[i] + 1] += 1
    for b in range(1, first.shape[0]):
        first[b] += first[b - 1]
    place = np.empty(first.shape[0] - 1, dtype=np.int64)
    for b in range(place.shape[0]):
        place[b] = first[b]
    for i in range(n):
        order[place[bins[i]]] = i
        place[bins[i]] += 1
    return first


def nearest_oxygen(
    positions: FloatArray,
    cells: FloatArray,
    hydrogens: NDArray[np.int64],
    oxygens: NDArray[np.int64],
    owner: NDArray[np.int64],
) -> None:
    """Find the nearest oxygen of each hydrogen in a block of frames.

    Args:
        positions: [n_frames, n_atoms, 3], Å.
        cells: [n_frames, 3, 3], Å.
        hydrogens: [n_h], atoms.
        oxygens: [n_o], atoms; at least one.
        owner: [n_frames, n_h], out, index into ``oxygens``.
    """
    h, o = np.empty((len(hydrogens), 3)), np.empty((len(oxygens), 3))
    _nearest_oxygen(positions, cells, inverses_of(cells), hydrogens, oxygens, h, o, owner)


@kernel(
    "(float64[:,:,::1], float64[:,:,::1], float64[:,:,::1], int64[::1], int64[::1], "
    "float64[:,::1], float64[:,::1], int64[:,::1])",
)
def _nearest_oxygen(
    positions: FloatArray,
    cells: FloatArray,
    inverses: FloatArray,
    hydrogens: NDArray[np.int64],
    oxygens: NDArray[np.int64],
    h: FloatArray,
    o: FloatArray,
    owner: NDArray[np.int64],
) -> None:
    """Find the owners; ``h`` and ``o`` are room for fractional places, [n_h, 3] and [n_o, 3]."""
    n_h, n_o = hydrogens.shape[0], oxygens.shape[0]
    order = np.empty(n_o, dtype=np.int64)
    for f in range(positions.shape[0]):
        cell, inverse = cells[f], inverses[f]
        wrap(positions[f], hydrogens, inverse, h)
        wrap(positions[f], oxygens, inverse, o)
        n0, n1, n2 = bin_counts(inverse, OXYGEN_BIN_A)
        binned = n0 >= 3 and n1 >= 3 and n2 >= 3
        first = sort_into_bins(o, n0, n1, n2, order) if binned else order
        for i in range(n_h):
            best = np.inf
            nearest = 0
            if binned:
                b0 = min(int(h[i, 0] * n0), n0 - 1)
                b1 = min(int(h[i, 1] * n1), n1 - 1)
                b2 = min(int(h[i, 2] * n2), n2 - 1)
                for d0 in range(-1, 2):
                    for d1 in range(-1, 2):
                        for d2 in range(-1, 2):
                            b = ((b0 + d0) % n0 * n1 + (b1 + d1) % n1) * n2 + (b2 + d2) % n2
                            for place in range(first[b], first[b + 1]):
                                r2 = distance2(h[i], o[order[place]], cell)
                                if r2 < best:
                                    best = r2
                                    nearest = order[place]
            if best > OXYGEN_BIN_A * OXYGEN_BIN_A:
                # Nothing in reach of the bins that is sure to be the nearest.
                for j in range(n_o):
                    r2 = distance2(h[i], o[j], cell)
                    if r2 < best:
                        best = r2
                        nearest = j
            owner[f, i] = nearest


def count_hydrogens(owner: NDArray[np.int64], n_oxygens: int) -> NDArray[np.int64]:
    """Return [n_frames, n_oxygens], the number of H that belong to each O.

    Args:
        owner: [n_frames, n_h], index of the oxygen of each hydrogen.
        n_oxygens: number of oxygens.
    """
    places = owner + n_oxygens * np.arange(len(owner))[:, None]
    counts = np.bincount(places.ravel(), minlength=len(owner) * n_oxygens)
    return counts.reshape(len(owner), n_oxygens).astype(np.int64, copy=False)
