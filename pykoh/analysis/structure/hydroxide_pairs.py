"""Pairs of hydroxide ions: O*-O* within the distance of a hydrogen bond, at any angle.

Ions are followed through their hops, so a pair lasts while the same two ions are near, whoever
carries them. How long: :mod:`pykoh.analysis.common.survival`. The lifetime is, as that of a
hydrogen bond, a mean duration: the observed time of all pairs over the number of separations.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pykoh.analysis.common.estimate import Estimate, How
from pykoh.analysis.common.geometry import (
    bin_counts,
    distance2,
    inverses_of,
    sort_into_bins,
    wrap,
)
from pykoh.analysis.common.statistics import SegmentedSums, ratio_stderr, share_stderr
from pykoh.analysis.common.survival import Continuous, Intermittent, survival_curve
from pykoh.analysis.structure.values import HydroxidePairs
from pykoh.arrays import FloatArray
from pykoh.kernels import kernel

_SLOTS = 12  # partners of one ion; more do not fit around it
_MOST_FOLLOWED = 16384


@kernel(
    "(float64[:,:,::1], float64[:,:,::1], float64[:,:,::1], int64[:,::1], float64, float64[:,::1], "
    "int32[:,:,::1])",
)
def find_pairs(
    oxygen: FloatArray,
    cells: FloatArray,
    inverses: FloatArray,
    carriers: NDArray[np.int64],
    cutoff: float,
    place: FloatArray,
    partner: NDArray[np.int32],
) -> None:
    """Write the partners of each ion, rising; each pair stands once, at the ion of lower number.

    Args:
        oxygen: [n_frames, n_o, 3], Å.
        cells: [n_frames, 3, 3], Å.
        inverses: [n_frames, 3, 3], 1/Å, of the cells.
        carriers: [n_frames, n_id], oxygen of each ion.
        cutoff: Å.
        place: [n_id, 3], scratch.
        partner: [n_frames, n_id, _SLOTS], out, comes in as -1.
    """
    n_id, n_slots = partner.shape[1], partner.shape[2]
    order = np.empty(n_id, dtype=np.int64)
    near = np.empty(n_id, dtype=np.int64)
    for f in range(oxygen.shape[0]):
        cell, inverse = cells[f], inverses[f]
        wrap(oxygen[f], carriers[f], inverse, place)
        n0, n1, n2 = bin_counts(inverse, cutoff)
        binned = n0 >= 3 and n1 >= 3 and n2 >= 3
        first = sort_into_bins(place, n0, n1, n2, order) if binned else order
        for i in range(n_id):
            found = 0
            if binned:
                b0 = min(int(place[i, 0] * n0), n0 - 1)
                b1 = min(int(place[i, 1] * n1), n1 - 1)
                b2 = min(int(place[i, 2] * n2), n2 - 1)
                for d0 in range(-1, 2):
                    for d1 in range(-1, 2):
                        for d2 in range(-1, 2):
                            b = ((b0 + d0) % n0 * n1 + (b1 + d1) % n1) * n2 + (b2 + d2) % n2
                            for k in range(first[b], first[b + 1]):
                                j = order[k]
                                if j > i and distance2(place[i], place[j], cell) < cutoff * cutoff:
                                    near[found] = j
                                    found += 1
                for k in range(1, found):  # a few: sorted by insertion
                    j, before = near[k], k
                    while before > 0 and near[before - 1] > j:
                        near[before] = near[before - 1]
                        before -= 1
                    near[before] = j
            else:
                for j in range(i + 1, n_id):
                    if distance2(place[i], place[j], cell) < cutoff * cutoff:
                        near[found] = j
                        found += 1
            for k in range(min(found, n_slots)):
                partner[f, i, k] = near[k]


class PairCounter:
    """Follows the pairs of all hydroxide ions.

    Args:
        n_identities: ions.
        cutoff_A: distance of a pair.
    """

    STATE = ("_continuous", "_intermittent", "_sums")

    def __init__(self, n_identities: int, cutoff_A: float) -> None:
        self._cutoff = cutoff_A
        self._n = n_identities
        followed = min(n_identities, _MOST_FOLLOWED)
        self._followed = followed
        self._continuous = Continuous(followed, _SLOTS, 1)
        self._intermittent = Intermittent(followed, _SLOTS, 1)
        self._sums = SegmentedSums(5)  # pairs, ions in one, ions, at risk, separations

    def add(self, oxygen: FloatArray, cells: FloatArray, carriers: NDArray[np.int64]) -> None:
        """Take in frames that follow those before; shapes as in :func:`find_pairs`."""
        partner = np.full((*carriers.shape, _SLOTS), -1, dtype=np.int32)
        places = np.ascontiguousarray(oxygen)
        room = np.empty((carriers.shape[1], 3))
        find_pairs(places, cells, inverses_of(cells), carriers, self._cutoff, room, partner)
        # Enough of them are followed in time for any statistics, in bounded memory.
        followed = np.ascontiguousarray(partner[:, : self._followed])
        kinds = np.zeros(followed.shape, dtype=np.int8)
        unbroken = np.zeros(followed.shape[:2], dtype=np.int64)
        lost = self._continuous.add(followed, kinds, unbroken)[:, 0]
        self._intermittent.add(followed, kinds)
        held = partner >= 0
        paired: NDArray[np.bool_] = np.asarray(held.any(axis=2))
        frames, ions, slots = np.nonzero(held)
        paired[frames, partner[frames, ions, slots]] = True
        columns = (
            held.sum(axis=(1, 2)),
            paired.sum(axis=1),
            np.full(len(carriers), self._n),
            lost[:, 0],
            lost[:, 1],
        )
        self._sums.add(np.stack(columns, axis=1).astype(np.float64))

    def result(self, interval_ps: float | None) -> HydroxidePairs | None:
        """Return what was found, or None with fewer than two ions.

        Args:
            interval_ps: time between frames, or None with one frame.
        """
        if self._n < 2 or self._sums.n_frames == 0:
            return None
        total, blocks = self._sums.sums.sum(axis=0), self._sums.whole()
        partners = 2.0 * float(total[0] / total[2])
        share = float(total[1] / total[2])
        stderr = share_stderr(blocks[:, 1], blocks[:, 2], share, float(self._n))
        partners_stderr = (
            stderr if partners == 0.0 else ratio_stderr(2 * blocks[:, 0], blocks[:, 2])
        )
        lifetime = None
        separations = int(total[4])
        if separations and interval_ps is not None:
            value = float(total[3]) * interval_ps / separations
            rate_stderr = ratio_stderr(blocks[:, 4], blocks[:, 3]) or 0.0
            relative = max(separations**-0.5, rate_stderr * float(total[3]) / separations)
            lifetime = Estimate.positive(value, value * relative, How.COUNT)
        survival = None
        if interval_ps is not None:
            survival = survival_curve(self._intermittent, self._continuous, 0, interval_ps)
        return HydroxidePairs(
            self._cutoff,
            Estimate.number(partners, partners_stderr, How.BLOCKS if partners else How.UNSEEN),
            Estimate.share(share, stderr),
            lifetime,
            separations,
            survival,
        )
