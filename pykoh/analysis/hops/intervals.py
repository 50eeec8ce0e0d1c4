"""Would a longer dump interval have shown the same hops?

Every 2nd, 4th ... frame of the run is analysed on its own, as if the others had not been written.
Two transfers within one interval are seen as one or none, so counts fall with the interval. For
short intervals Δ the loss is proportional to Δ; two intervals give the limit, and the interval at
which 5 % are lost.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pykoh.analysis.common.estimate import Estimate, How
from pykoh.analysis.hops.counter import HopCounter
from pykoh.analysis.hops.identity import HydroxideTracker
from pykoh.analysis.hops.values import IntervalDependence
from pykoh.arrays import FloatArray
from pykoh.trajectory.species import Atoms

STRIDES = (2, 4, 8, 16)
TOLERATED_LOSS = 0.05
_FEWEST_LOST = 5.0  # hops; fewer give no interval


class CoarserFrames:
    """Follows and counts with every 2nd, 4th ... frame.

    Args:
        atoms: the atoms.
        interval_ps: time between frames.
        window_ps: rattle window.
    """

    STATE = ("_seen", "_trackers", "_counters")

    def __init__(self, atoms: Atoms, interval_ps: float, window_ps: float) -> None:
        self._interval = interval_ps
        self._seen = 0
        self._trackers = [HydroxideTracker(atoms) for _ in STRIDES]
        n = self._trackers[0].n_identities
        self._counters = [
            HopCounter(n, stride * interval_ps, window_ps, np.zeros(0)) for stride in STRIDES
        ]

    def add(self, positions: FloatArray, cells: FloatArray, owner: NDArray[np.int64]) -> None:
        """Take in frames that follow those before; shapes as in :class:`HydroxideTracker`."""
        for stride, tracker, counter in zip(STRIDES, self._trackers, self._counters, strict=True):
            every = slice(-self._seen % stride, None, stride)
            kept = np.ascontiguousarray(owner[every])
            if len(kept):
                found = tracker.add(positions[every], np.ascontiguousarray(cells[every]), kept)
                counter.add(found.events, found.vectors_A, len(kept))
        self._seen += len(owner)

    def result(self, fine: HopCounter, n_hydroxides: int) -> IntervalDependence | None:
        """Return the rates at each interval, or None with too few frames.

        Args:
            fine: the counter that saw all frames; the run is over.
            n_hydroxides: identities.
        """
        nothing = np.zeros((0, 4), dtype=np.int64), np.zeros((0, 3))
        for counter in self._counters:
            counter.add(*nothing, 0, last_block=True)
        rows = []
        for stride, counter in zip((1, *STRIDES), (fine, *self._counters), strict=True):
            rate = counter.rate_per_ps()
            n_frames = (self._seen - 1) // stride + 1
            if rate is None or n_frames < 3:
                break
            exposure = n_hydroxides * (n_frames - 1) * stride * self._interval
            rows.append(
                (stride * self._interval, counter.n_transfers / exposure, rate.value, rate.stderr)
            )
        if len(rows) < 2:
            return None
        interval, transfers, hops, stderr = np.array(rows).T.copy()
        exposures = n_hydroxides * (self._seen - 1) * self._interval
        lost = abs(hops[0] - hops[1]) * exposures
        return IntervalDependence(interval, transfers, hops, stderr, _needed(interval, hops, lost))


def _needed(interval: FloatArray, rate: FloatArray, n_lost: float) -> Estimate | None:
    """Return the interval (ps) at which 5 % of the hops of the limit are lost; None if unknown.

    Its standard error is that of a count of the hops that every second frame loses. It is at most
    the last interval, which is then a lower limit.

    Args:
        interval: [n], ps.
        rate: [n], hops per hydroxide and ps.
        n_lost: hops that every second frame loses.
    """
    limit = 2.0 * rate[0] - rate[1]
    if rate[0] <= 0 or limit <= 0:
        return None
    longest = Estimate.limit(
        float(interval[-1]), "a lower limit: no longer dump interval was tried"
    )
    loss = abs(rate[0] - rate[1]) / limit
    if loss == 0:
        return longest
    needed = float(interval[0] * TOLERATED_LOSS / loss)
    if needed >= interval[-1]:
        return longest
    if n_lost < _FEWEST_LOST:
        return None
    return Estimate.number(needed, needed / float(np.sqrt(n_lost)), How.COUNT)
