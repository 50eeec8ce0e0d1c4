"""Which oxygen each H belongs to, frame by frame, and the oxygens near each oxygen.

A list of the oxygens near each oxygen, a little longer than needed, is kept from frame to frame
until an oxygen has moved half of the surplus (Verlet, Phys. Rev. 159 (1967) 98,
doi:10.1103/PhysRev.159.98). An H nearer to an oxygen than half of that oxygen's distance to any
other belongs to it, by the triangle inequality, and no other oxygen need be looked at.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pykoh.analysis.common.geometry import bin_counts, distance2, separation, sort_into_bins
from pykoh.arrays import FloatArray
from pykoh.kernels import step

REACH_A = 4.0
"""Oxygens up to here from each other are looked at (longer if a criterion wants it), Å."""

SURPLUS_A = 0.7
"""The lists of near oxygens are longer than the reach by this, Å."""

MOST_H = 4
"""H of one oxygen that are looked at."""

FEWEST_BINS = 3
"""A cell with fewer bins along an axis is searched without bins: neighbours would come twice."""


class Neighbours(NamedTuple):
    """The oxygens near each oxygen, its H and its hydrogen bonds, in one frame.

    Attributes:
        near: [n_o, room], oxygens near each oxygen, the first ``n_near`` of each row.
        n_near: [n_o].
        between: [n_o, room, 4], Å, vector to each near oxygen, and its square, Å².
        held: [n_o, MOST_H], H of each oxygen, the first of them.
        n_held: [n_o].
        donates: [n_o, n_classes], hydrogen bonds of each class that each oxygen donates.
        accepts: [n_o, n_classes], those that it accepts.
    """

    near: NDArray[np.int32]
    n_near: NDArray[np.int64]
    between: FloatArray
    held: NDArray[np.int64]
    n_held: NDArray[np.int64]
    donates: NDArray[np.int64]
    accepts: NDArray[np.int64]


@step()
def near_lists(
    o: FloatArray,
    cell: FloatArray,
    inverse: FloatArray,
    reach: float,
    near: NDArray[np.int32],
    n_near: NDArray[np.int64],
) -> bool:
    """Write the oxygens within ``reach`` Å of each; return whether they all found room."""
    n_o, most = near.shape
    n0, n1, n2 = bin_counts(inverse, reach)
    for a in range(n_o):
        n_near[a] = 0
    limit = reach * reach
    if not (n0 >= FEWEST_BINS and n1 >= FEWEST_BINS and n2 >= FEWEST_BINS):
        for a in range(n_o):
            for b in range(a + 1, n_o):
                if distance2(o[a], o[b], cell) < limit:
                    if n_near[a] == most or n_near[b] == most:
                        return False
                    near[a, n_near[a]] = b
                    near[b, n_near[b]] = a
                    n_near[a] += 1
                    n_near[b] += 1
        return True
    order = np.empty(n_o, dtype=np.int64)
    first = sort_into_bins(o, n0, n1, n2, order)
    for a in range(n_o):
        b0 = min(int(o[a, 0] * n0), n0 - 1)
        b1 = min(int(o[a, 1] * n1), n1 - 1)
        b2 = min(int(o[a, 2] * n2), n2 - 1)
        for d0 in range(-1, 2):
            for d1 in range(-1, 2):
                for d2 in range(-1, 2):
                    bin_ = ((b0 + d0) % n0 * n1 + (b1 + d1) % n1) * n2 + (b2 + d2) % n2
                    for place in range(first[bin_], first[bin_ + 1]):
                        b = order[place]
                        if b != a and distance2(o[a], o[b], cell) < limit:
                            if n_near[a] == most:
                                return False
                            near[a, n_near[a]] = b
                            n_near[a] += 1
    return True


@step()
def lists_are_old(o: FloatArray, listed: FloatArray, cell: FloatArray) -> bool:
    """Return whether an oxygen has moved by half of the surplus since the lists were made."""
    largest = 0.0
    for a in range(o.shape[0]):
        largest = max(largest, distance2(listed[a], o[a], cell))
    return 4.0 * largest >= SURPLUS_A * SURPLUS_A


@step()
def measure(o: FloatArray, cell: FloatArray, neighbours: Neighbours) -> None:
    """Write the vectors between near oxygens, as they are in this frame."""
    near, n_near, between = neighbours.near, neighbours.n_near, neighbours.between
    for a in range(o.shape[0]):
        for p in range(n_near[a]):
            x, y, z = separation(o[a], o[near[a, p]], cell)
            between[a, p, 0], between[a, p, 1], between[a, p, 2] = x, y, z
            between[a, p, 3] = x * x + y * y + z * z


@step()
def assign_protons(
    h: FloatArray,
    o: FloatArray,
    cell: FloatArray,
    before: NDArray[np.int64],
    sure: float,
    neighbours: Neighbours,
    owner: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    """Write the nearest oxygen of each H, and the H of each oxygen.

    Args:
        h: [n_h, 3], fractional places.
        o: [n_o, 3], fractional places.
        cell: [3, 3], Å.
        before: [n_h], owner of each H in the frame before.
        sure: Å², the square of the distance up to which the lists know every oxygen; 0: there are
            no lists, and all oxygens are looked at.
        neighbours: near oxygens as they are in this frame; ``held`` and ``n_held`` are written.
        owner: [n_h], out.
        counts: [n_o], out, comes in as zeros.
    """
    near, n_near, between = neighbours.near, neighbours.n_near, neighbours.between
    held, n_held = neighbours.held, neighbours.n_held
    for a in range(o.shape[0]):
        n_held[a] = 0
    for i in range(h.shape[0]):
        found = -1
        if sure > 0.0:
            last = before[i]
            best = distance2(o[last], h[i], cell)
            closest = sure
            for p in range(n_near[last]):
                closest = min(closest, between[last, p, 3])
            if 4.0 * best < closest:
                found = last
            elif 4.0 * best < sure:
                found = last
                for p in range(n_near[last]):
                    r2 = distance2(o[near[last, p]], h[i], cell)
                    if r2 < best:
                        best = r2
                        found = near[last, p]
        if found < 0:
            best = np.inf
            for a in range(o.shape[0]):
                r2 = distance2(h[i], o[a], cell)
                if r2 < best:
                    best = r2
                    found = a
        owner[i] = found
        counts[found] += 1
        if n_held[found] < MOST_H:
            held[found, n_held[found]] = i
            n_held[found] += 1
