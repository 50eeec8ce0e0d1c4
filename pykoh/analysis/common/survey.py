"""One look at each frame: whose every H is, and which hydrogen bonds there are.

Both need the oxygens near each oxygen. A list of them, a little longer than needed, is kept from
frame to frame until an oxygen has moved half of the surplus (Verlet, Phys. Rev. 159 (1967) 98,
doi:10.1103/PhysRev.159.98). An H nearer to an oxygen than half of that oxygen's distance to any
other belongs to it, by the triangle inequality, and nobody else need be asked.

Frames are independent of each other, so that blocks of them can be looked at side by side.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pykoh.analysis.common.geometry import (
    bin_counts,
    distance2,
    nearest_oxygen,
    sort_into_bins,
    wrap,
)
from pykoh.arrays import FloatArray

REACH_A = 4.0
"""Oxygens up to here from each other are looked at (longer if a criterion wants it), Å."""
_SURPLUS_A = 0.7

MOST_H = 4  # H of one oxygen that are looked at
MOST_BONDS = 4  # bonds of one H
MOST_COUNTED = 16  # the distributions end here

# Columns of the sums: for each class bonds and bonded donors; then hydroxides and waters.
BONDS, BONDED = 0, 4
HYDROXIDES, WATERS = 8, 9
N_SUMS = 10

# The map of r(DA) against the angle H-D-A.
MAP_R_A = (2.2, 4.0)
MAP_SHAPE = (36, 45)  # 0.05 Å, 2° up to 90°

# Proton transfer: δ = r(H-O*) - r(H-Ow) of the proton that is readiest, and its r(OO).
DELTA_MAX_A = 1.6
TRANSFER_R_A = (2.2, 3.6)
TRANSFER_SHAPE = (40, 28)  # 0.04 Å, 0.05 Å


@njit(cache=True, nogil=True)
def _near_lists(
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
    vector = np.empty(3)
    n_near[:] = 0
    limit = reach * reach
    if not (n0 >= 3 and n1 >= 3 and n2 >= 3):
        for a in range(n_o):
            for b in range(a + 1, n_o):
                if distance2(o[a], o[b], cell, vector) < limit:
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
                        if b != a and distance2(o[a], o[b], cell, vector) < limit:
                            if n_near[a] == most:
                                return False
                            near[a, n_near[a]] = b
                            n_near[a] += 1
    return True


@njit(cache=True, nogil=True)
def _moved(o: FloatArray, before: FloatArray, cell: FloatArray) -> float:
    """Return the largest squared displacement, Å²."""
    vector = np.empty(3)
    largest = 0.0
    for a in range(o.shape[0]):
        largest = max(largest, distance2(before[a], o[a], cell, vector))
    return largest


@njit(cache=True, nogil=True)
def survey(
    positions: FloatArray,
    cells: FloatArray,
    hydrogens: NDArray[np.int64],
    oxygens: NDArray[np.int64],
    criterion: FloatArray,
    reach: float,
    room: int,
    mapped: NDArray[np.bool_],
    owner: NDArray[np.int64],
    counts: NDArray[np.int64],
    partner: NDArray[np.int32],
    kinds: NDArray[np.int8],
    n_accepted: NDArray[np.uint8],
    n_donated: NDArray[np.uint8],
    sums: FloatArray,
    donated: FloatArray,
    accepted: FloatArray,
    angle_map: FloatArray,
    transfer: FloatArray,
) -> bool:
    """Look at a block of frames. What is "out" must come in as zeros, ``partner`` as -1.

    Args:
        positions: [n_frames, n_atoms, 3], Å.
        cells: [n_frames, 3, 3], Å.
        hydrogens: [n_h], atoms.
        oxygens: [n_o], atoms; at least one.
        criterion: [4], see :meth:`pykoh.analysis.hydrogen_bonds.criteria.Criterion.parameters`.
        reach: Å, how far oxygens are looked for; 0: hydrogen bonds are left out.
        room: oxygens near one that there is room for.
        mapped: [n_frames], frames that are added to ``angle_map``.
        owner: [n_frames, n_h], out, oxygen of each H.
        counts: [n_frames, n_o], out, H of each oxygen.
        partner: [n_frames, n_h, MOST_BONDS], out, acceptors of each H or -1.
        kinds: [n_frames, n_h, MOST_BONDS], out, class of each bond.
        n_accepted: [n_frames, n_o], out, bonds that each oxygen accepts.
        n_donated: [n_frames, n_o], out, bonds that it donates.
        sums: [n_frames, N_SUMS], out.
        donated: [4, MOST_COUNTED], out, molecules with 0, 1, 2 ... donated bonds of each class.
        accepted: [4, MOST_COUNTED], out, the same for accepted ones.
        angle_map: [4, *MAP_SHAPE], out, pairs H, A by r(DA) and angle H-D-A, for each class.
        transfer: [n_frames, *TRANSFER_SHAPE], out, hydroxides by δ and r(OO).

    Returns:
        Whether there was room; if not, nothing that was written holds.
    """
    n_h, n_o = hydrogens.shape[0], oxygens.shape[0]
    h = np.empty((n_h, 3))
    o = np.empty((n_o, 3))
    listed = np.empty((n_o, 3))
    near = np.empty((n_o, room), dtype=np.int32)
    n_near = np.zeros(n_o, dtype=np.int64)
    between = np.empty((n_o, room, 4))
    held = np.empty((n_o, MOST_H), dtype=np.int64)
    n_held = np.empty(n_o, dtype=np.int64)
    vector = np.empty(3)
    dh = np.empty(3)
    per_donor = np.empty((n_o, 4), dtype=np.int64)
    per_acceptor = np.empty((n_o, 4), dtype=np.int64)
    r_max, bend, cosine, largest_ha2 = criterion[0], criterion[1], criterion[2], criterion[3]
    use_list = False
    sure = 0.0
    for f in range(positions.shape[0]):
        cell = cells[f]
        inverse = np.linalg.inv(cell)
        wrap(positions[f], hydrogens, inverse, h)
        wrap(positions[f], oxygens, inverse, o)
        fresh = f == 0 or not use_list
        if not fresh:
            for k in range(3):
                for m in range(3):
                    fresh = fresh or cells[f, k, m] != cells[f - 1, k, m]
        if not fresh:
            fresh = 4.0 * _moved(o, listed, cell) >= _SURPLUS_A * _SURPLUS_A
        if fresh and reach > 0.0:
            if not _near_lists(o, cell, inverse, reach + _SURPLUS_A, near, n_near):
                return False
            use_list = True
            listed[:, :] = o
        if use_list:
            # Beyond half of the cell an image may be nearer than the one that was looked at.
            sure = reach
            for k in range(3):
                norm = inverse[0, k] ** 2 + inverse[1, k] ** 2 + inverse[2, k] ** 2
                sure = min(sure, 0.5 / np.sqrt(norm))
            sure *= sure
        if use_list:
            for a in range(n_o):
                for p in range(n_near[a]):
                    between[a, p, 3] = distance2(o[a], o[near[a, p]], cell, vector)
                    between[a, p, 0] = vector[0]
                    between[a, p, 1] = vector[1]
                    between[a, p, 2] = vector[2]
        n_held[:] = 0
        if f == 0:
            nearest_oxygen(positions[:1], cells[:1], hydrogens, oxygens, owner[:1])
        for i in range(n_h):
            found = -1
            if f == 0:
                found = owner[0, i]
            elif use_list:
                before = owner[f - 1, i]
                best = distance2(o[before], h[i], cell, vector)
                closest = sure
                for p in range(n_near[before]):
                    closest = min(closest, between[before, p, 3])
                if 4.0 * best < closest:
                    found = before
                elif 4.0 * best < sure:
                    found = before
                    for p in range(n_near[before]):
                        r2 = distance2(o[near[before, p]], h[i], cell, vector)
                        if r2 < best:
                            best = r2
                            found = near[before, p]
            if found < 0:
                best = np.inf
                for a in range(n_o):
                    r2 = distance2(h[i], o[a], cell, vector)
                    if r2 < best:
                        best = r2
                        found = a
            owner[f, i] = found
            counts[f, found] += 1
            if n_held[found] < MOST_H:
                held[found, n_held[found]] = i
                n_held[found] += 1
        if not use_list:
            continue
        per_donor[:, :] = 0
        per_acceptor[:, :] = 0
        for d in range(n_o):
            n = counts[f, d]
            if n != 1 and n != 2:
                continue
            for k in range(n_held[d]):
                i = held[d, k]
                n_bonds = 0
                dh2 = distance2(o[d], h[i], cell, dh)
                for p in range(n_near[d]):
                    a = near[d, p]
                    da2 = between[d, p, 3]
                    if da2 >= reach * reach or (counts[f, a] != 1 and counts[f, a] != 2):
                        continue
                    x, y, z = between[d, p, 0], between[d, p, 1], between[d, p, 2]
                    dot = dh[0] * x + dh[1] * y + dh[2] * z
                    if dot <= 0.0:
                        continue
                    scale = np.sqrt(dh2 * da2)
                    # OH-_OH-, H2O_OH-, OH-_H2O, H2O_H2O
                    kind = (n - 1) + 2 * (counts[f, a] - 1)
                    if mapped[f]:
                        beta = np.arccos(min(1.0, dot / scale)) * 180.0 / np.pi
                        row = int((np.sqrt(da2) - 2.2) / 0.05)
                        column = int(beta / 2.0)
                        if 0 <= row < 36 and column < 45:
                            angle_map[kind, row, column] += 1.0
                    if da2 >= r_max * r_max or dot <= cosine * scale or n_bonds == MOST_BONDS:
                        continue
                    if bend > 0.0:
                        beta = np.arccos(min(1.0, dot / scale))
                        if np.sqrt(da2) >= r_max - bend * beta * beta:
                            continue
                    if dh2 + da2 - 2.0 * dot >= largest_ha2:
                        continue
                    partner[f, i, n_bonds] = a
                    kinds[f, i, n_bonds] = kind
                    n_bonds += 1
                    per_donor[d, kind] += 1
                    per_acceptor[a, kind] += 1
                    n_donated[f, d] += np.uint8(1)
                    n_accepted[f, a] += np.uint8(1)
                    sums[f, BONDS + kind] += 1.0
            if n != 1:
                continue
            # The proton that could go over to this hydroxide with the least effort.
            smallest = np.inf
            r_transfer = 0.0
            for p in range(n_near[d]):
                w = near[d, p]
                if between[d, p, 3] >= 12.96 or counts[f, w] != 2:
                    continue
                for k in range(n_held[w]):
                    i = held[w, k]
                    delta = np.sqrt(distance2(o[d], h[i], cell, vector)) - np.sqrt(
                        distance2(o[w], h[i], cell, vector)
                    )
                    if delta < smallest:
                        smallest = delta
                        r_transfer = np.sqrt(between[d, p, 3])
            if smallest < 1.6 and 2.2 <= r_transfer < 3.6:
                transfer[f, int(max(smallest, 0.0) / 0.04), int((r_transfer - 2.2) / 0.05)] += 1.0
        for d in range(n_o):
            n = counts[f, d]
            if n != 1 and n != 2:
                continue
            sums[f, HYDROXIDES if n == 1 else WATERS] += 1.0
            for other in range(2):
                kind = (n - 1) + 2 * other
                if per_donor[d, kind] > 0:
                    sums[f, BONDED + kind] += 1.0
                donated[kind, min(per_donor[d, kind], MOST_COUNTED - 1)] += 1.0
                kind = other + 2 * (n - 1)
                accepted[kind, min(per_acceptor[d, kind], MOST_COUNTED - 1)] += 1.0
    return True
