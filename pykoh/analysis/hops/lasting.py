"""The motion of hydroxide in two parts: hops that last, and the motion with its oxygens.

A transfer A→B and the way back B→A cancel in the displacement of the ion. They do not cancel in
each part by itself, because A and B move in between. If each transfer counted as a step, the
structural part would contain minus the motion of B relative to A, and the vehicular part the motion
of B. Both would be too large, and the cross term would be negative. How much would depend on the
time between frames, because frames miss short visits to B. Therefore a hop is a step only if the
ion does not come back within 2 ps. During a shorter visit to B the ion counts as carried by A.

In 1 ns of 9.5 mol/L KOH (10 ions) the vehicular part is 0.26, 0.25 and 0.26 · 10⁻⁹ m²/s (± 0.03)
with a frame each 10, 50 and 100 fs. With each transfer as a step it would be 0.30, 0.43 and 0.48
(slopes from 10 to 40 ps).

A hop leads back if it cancels the one before it, as a rattle does
(:mod:`pykoh.analysis.hops.counter`), with 2 ps as the window. The displacement of the ion does not
depend on it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pykoh.analysis.hops.counter import HopCounter, Hops
from pykoh.analysis.hops.turns import Turns
from pykoh.analysis.hops.values import Directionality
from pykoh.analysis.hops.windows import lasting_window_ps
from pykoh.arrays import FloatArray


class LastingMoves:
    """Splits the displacement of each hydroxide.

    A frame is split when no later transfer can cancel one of its own, and that is 2 ps later.

    Args:
        n_identities: hydroxide identities.
        interval_ps: time between frames.
        rattle_window_ps: transfers that lead back within it are no hops.

    Attributes:
        hops: those that last.
    """

    STATE = ("hops", "_turns", "_total", "_steps", "_reached", "_first", "_n_frames")

    def __init__(self, n_identities: int, interval_ps: float, rattle_window_ps: float) -> None:
        window = lasting_window_ps(rattle_window_ps)
        self._window = window / interval_ps + 1e-6  # as in the counter
        self.hops = HopCounter(n_identities, interval_ps, window, np.zeros(0))
        self._turns = Turns(n_identities)
        # Of the frames that are not split yet: the displacement, and the steps in each frame.
        self._total = np.zeros((0, n_identities, 3))
        self._steps = np.zeros((0, n_identities, 3))
        self._reached = np.zeros((n_identities, 3))  # by the steps of all frames before
        self._first = self._n_frames = 0

    def add(
        self, total: FloatArray, events: NDArray[np.int64], vectors_A: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Take in frames that follow those before.

        Args:
            total: [n_frames, n_identities, 3], Å, displacement since the first frame.
            events: [n_events, 4], transfers: frame, identity, from, to, in order of time.
            vectors_A: [n_events, 3], Å, from one oxygen to the other.

        Returns:
            Vehicular and structural displacement, [n, n_identities, 3] each, Å, of the n frames
            that follow those returned before.
        """
        self._total = np.concatenate([self._total, total])
        self._steps = np.concatenate([self._steps, np.zeros_like(total)])
        self._n_frames += len(total)
        hops = self.hops.add(events, vectors_A, len(total))
        return self._split(hops, int(np.ceil(self._n_frames - self._window)))

    def finish(self) -> tuple[FloatArray, FloatArray]:
        """Return the last frames as :meth:`add` does; what has not led back by then lasts."""
        nothing = np.zeros((0, 4), dtype=np.int64), np.zeros((0, 3))
        return self._split(self.hops.add(*nothing, 0, last_block=True), self._n_frames)

    def _split(self, hops: Hops, end: int) -> tuple[FloatArray, FloatArray]:
        """Return both parts of the frames up to ``end``, not included."""
        self._turns.add(hops)
        frames, identities = hops.events[:, 0] - self._first, hops.events[:, 1]
        np.add.at(self._steps, (frames, identities), hops.vectors_A)
        n = max(end - self._first, 0)
        steps, total = self._steps[:n].copy(), self._total[:n]
        if n:
            steps[0] += self._reached
        structural = np.cumsum(steps, axis=0)
        if n:
            self._reached = structural[-1].copy()
        self._total, self._steps = self._total[n:], self._steps[n:]
        self._first += n
        return total - structural, structural

    def directionality(self) -> Directionality | None:
        """Return how lasting hops that follow each other are related, or None without two."""
        return self._turns.directionality()
