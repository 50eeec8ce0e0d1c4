"""The hydrogen bonds of one frame, compiled.

D and A are each a water molecule (O with two H) or a hydroxide (O with one H); other oxygens take
no part.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pykoh.analysis.common.findings import Findings
from pykoh.analysis.common.geometry import separation
from pykoh.analysis.common.speciation import Neighbours
from pykoh.arrays import FloatArray
from pykoh.kernels import step

MOST_BONDS = 4
"""Bonds of one H."""

MOST_COUNTED = 16
"""Molecules with as many bonds, or more, are counted together."""

N_CLASSES = 4
"""OH-_OH-, H2O_OH-, OH-_H2O, H2O_H2O: 2 where A is a water, and 1 where D is one."""

# Columns of the sums: for each class bonds and bonded donors; then hydroxides and waters.
BONDS, BONDED = 0, N_CLASSES
HYDROXIDES, WATERS = 2 * N_CLASSES, 2 * N_CLASSES + 1
N_SUMS = 2 * N_CLASSES + 2

# The map of r(DA) against the angle H-D-A; widths of its bins and how many there are.
MAP_START_A, MAP_BIN_A, MAP_BIN_DEG = 2.2, 0.05, 2.0
MAP_SHAPE = (36, 45)
MAP_R_A = (MAP_START_A, MAP_START_A + MAP_SHAPE[0] * MAP_BIN_A)


@step()
def bond_class(donor_hydrogens: int, acceptor_hydrogens: int) -> int:
    """Return the class of a bond from the H of its oxygens, 1 or 2 each."""
    return (donor_hydrogens - 1) + 2 * (acceptor_hydrogens - 1)


@step()
def add_to_map(angle_map: FloatArray, r: float, angle: float) -> None:
    """Count a pair at r (Å) and an angle (rad) in the map [*MAP_SHAPE] of its class."""
    row = int((r - MAP_START_A) / MAP_BIN_A)
    column = int(angle * 180.0 / np.pi / MAP_BIN_DEG)
    if 0 <= row < MAP_SHAPE[0] and column < MAP_SHAPE[1]:
        angle_map[row, column] += 1.0


@step()
def find_bonds(
    f: int,
    h: FloatArray,
    o: FloatArray,
    cell: FloatArray,
    neighbours: Neighbours,
    criterion: FloatArray,
    rule: Callable[[float, float, float, float], bool],
    ruled: bool,
    reach: float,
    mapped: bool,
    found: Findings,
) -> None:
    """Write the hydrogen bonds of a frame.

    Args:
        f: number of the frame in the block.
        h: [n_h, 3], fractional places.
        o: [n_o, 3], fractional places.
        cell: [3, 3], Å.
        neighbours: near oxygens and their H, as they are in this frame; ``donates`` and ``accepts``
            are written.
        criterion: [4], see :meth:`pykoh.analysis.hydrogen_bonds.criteria.Criterion.parameters`.
        rule: of :func:`pykoh.analysis.hydrogen_bonds.criteria.compiled`.
        ruled: the rule must hold too.
        reach: Å, how far acceptors are looked for.
        mapped: the frame is added to ``found.angle_map``.
        found: of the block; owners and counts of the frame are there, bonds are written.
    """
    counts, partner, kinds = found.counts[f], found.partner[f], found.kinds[f]
    accepted, donated, sums = found.accepted[f], found.donated[f], found.sums[f]
    angle_map = found.angle_map
    near, n_near, between, held, n_held, donates, accepts = neighbours
    r_max, bend, cosine, largest_ha2 = criterion[0], criterion[1], criterion[2], criterion[3]
    for d in range(o.shape[0]):
        for kind in range(N_CLASSES):
            donates[d, kind] = 0
            accepts[d, kind] = 0
    for d in range(o.shape[0]):
        n = counts[d]
        if n != 1 and n != 2:
            continue
        for k in range(n_held[d]):
            i = held[d, k]
            n_bonds = 0
            hx, hy, hz = separation(o[d], h[i], cell)
            dh2 = hx * hx + hy * hy + hz * hz
            for p in range(n_near[d]):
                a = near[d, p]
                da2 = between[d, p, 3]
                if da2 >= reach * reach or (counts[a] != 1 and counts[a] != 2):
                    continue
                x, y, z = between[d, p, 0], between[d, p, 1], between[d, p, 2]
                dot = hx * x + hy * y + hz * z
                if dot <= 0.0:
                    continue
                scale = np.sqrt(dh2 * da2)
                kind = bond_class(n, counts[a])
                if mapped:
                    add_to_map(angle_map[kind], np.sqrt(da2), np.arccos(min(1.0, dot / scale)))
                if da2 >= r_max * r_max or dot <= cosine * scale or n_bonds == MOST_BONDS:
                    continue
                if bend > 0.0:
                    beta = np.arccos(min(1.0, dot / scale))
                    if np.sqrt(da2) >= r_max - bend * beta * beta:
                        continue
                ha2 = dh2 + da2 - 2.0 * dot
                if ha2 >= largest_ha2:
                    continue
                if ruled:
                    beta = np.arccos(min(1.0, dot / scale)) * 180.0 / np.pi
                    if not rule(np.sqrt(da2), np.sqrt(dh2), np.sqrt(max(ha2, 0.0)), beta):
                        continue
                partner[i, n_bonds] = a
                kinds[i, n_bonds] = kind
                n_bonds += 1
                donates[d, kind] += 1
                accepts[a, kind] += 1
                donated[d] += np.uint8(1)
                accepted[a] += np.uint8(1)
                sums[BONDS + kind] += 1.0
    count_molecules(counts, donates, accepts, sums, found)


@step()
def count_molecules(
    counts: NDArray[np.int64],
    donates: NDArray[np.int64],
    accepts: NDArray[np.int64],
    sums: FloatArray,
    found: Findings,
) -> None:
    """Count the molecules of a frame, those that donate, and both by their bonds.

    Args:
        counts: [n_o], H of each oxygen.
        donates: [n_o, N_CLASSES], bonds that each oxygen donates.
        accepts: [n_o, N_CLASSES], bonds that it accepts.
        sums: [N_SUMS], out, of the frame.
        found: of the block; the distributions are written.
    """
    donated, accepted = found.donated_shares, found.accepted_shares
    for d in range(counts.shape[0]):
        n = counts[d]
        if n != 1 and n != 2:
            continue
        sums[HYDROXIDES if n == 1 else WATERS] += 1.0
        for other in range(1, 3):
            kind = bond_class(n, other)
            if donates[d, kind] > 0:
                sums[BONDED + kind] += 1.0
            donated[kind, min(donates[d, kind], MOST_COUNTED - 1)] += 1.0
            kind = bond_class(other, n)
            accepted[kind, min(accepts[d, kind], MOST_COUNTED - 1)] += 1.0
