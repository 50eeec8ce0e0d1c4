"""Rattles and hops: which proton transfers last.

Transfers of one identity are put on a stack. A transfer that leads back to the oxygen that the one
on top had left, within the window, cancels it: both are rattles, and the transfer below is on top
again. So A→B→C→B→A is four rattles when C→B follows B→C and B→A follows A→B within the window;
a way back by another route, A→B→C→A, cancels nothing. What is never cancelled is a hop. A transfer
older than the window can no longer be cancelled, so memory stays constant.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pykoh.analysis.common.estimate import Estimate, How
from pykoh.analysis.common.statistics import SegmentedSums, not_poisson, ratio_stderr
from pykoh.analysis.hops.rattle_kernel import STACK, take
from pykoh.analysis.hops.values import HopRateCurve, WaitingTimes
from pykoh.analysis.hops.waiting import EDGES, waiting_times
from pykoh.arrays import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Hops:
    """Transfers that are not part of a rattle.

    Attributes:
        events: [n, 4], frame, identity, oxygen that it left, oxygen that it came to.
        vectors_A: [n, 3], Å, from the one to the other.
    """

    events: NDArray[np.int64]
    vectors_A: FloatArray


class HopCounter:
    """Counts transfers, rattles and hops of all identities for several rattle windows.

    Args:
        n_identities: hydroxide identities.
        interval_ps: time between frames.
        window_ps: the rattle window that defines hops.
        grid_ps: [n], further windows for the rate as a function of the window.
    """

    STATE = (
        "_stack",
        "_stack_to",
        "_stack_vector",
        "_depth",
        "_counts",
        "_last_hop",
        "_per_identity",
        "_waiting",
        "_moments",
        "_lengths",
        "n_transfers",
    )

    def __init__(
        self, n_identities: int, interval_ps: float, window_ps: float, grid_ps: FloatArray
    ) -> None:
        self._n = n_identities
        self._window = window_ps
        self._interval = interval_ps
        self._grid = grid_ps
        # Frames are whole numbers; the small part keeps a window of exactly k intervals inclusive.
        self._windows = np.append(grid_ps, window_ps) / interval_ps + 1e-6
        n_windows = len(self._windows)
        self._main = n_windows - 1
        self._stack = np.full((n_windows, n_identities, STACK, 2), 0, dtype=np.int32)
        self._stack_to = np.zeros((n_identities, STACK), dtype=np.int32)
        self._stack_vector = np.zeros((n_identities, STACK, 3))
        self._depth = np.zeros((n_windows, n_identities), dtype=np.int64)
        self._counts = SegmentedSums(n_windows)
        self._last_hop = np.full(n_identities, -1, dtype=np.int64)
        self._per_identity = np.zeros(n_identities, dtype=np.int64)
        self._waiting = np.zeros((len(EDGES) - 1, 2))
        self._moments = np.zeros(3)
        self._lengths = SegmentedSums(1)  # Σ O-O distance of hops, Å
        self.n_transfers = 0

    def add(
        self,
        events: NDArray[np.int64],
        vectors_A: FloatArray,
        n_frames: int,
        last_block: bool = False,
    ) -> Hops:
        """Take in the transfers of ``n_frames`` frames that follow those before.

        Args:
            events: [n_events, 4], frame, identity, from, to, in order of time.
            vectors_A: [n_events, 3], Å, from one oxygen to the other.
            n_frames: frames.
            last_block: the run is over.

        Returns:
            The transfers that turned out to be hops, in order of time for each identity.
        """
        self._counts.reserve(n_frames)
        self._lengths.reserve(n_frames)
        most = 1 + len(events) + int(self._depth[self._main].sum())
        hops = np.zeros((most, 4), dtype=np.int64)
        hop_vectors = np.zeros((most, 3))
        take(
            events,
            vectors_A,
            self._windows,
            self._main,
            self._counts.n_frames,
            last_block,
            self._stack,
            self._stack_to,
            self._stack_vector,
            self._depth,
            self._counts.length,
            self._counts.sums,
            self._last_hop,
            self._per_identity,
            EDGES,
            self._waiting,
            self._moments,
            hops,
            hop_vectors,
        )
        self.n_transfers += len(events)
        end = 1 + int(hops[0, 0])
        found = Hops(hops[1:end], hop_vectors[1:end])
        segments = found.events[:, 0] // self._lengths.length
        np.add.at(self._lengths.sums[:, 0], segments, np.linalg.norm(found.vectors_A, axis=1))
        return found

    @property
    def n_hops(self) -> int:
        """Transfers that are not part of a rattle, so far."""
        return int(self._counts.sums[:, self._main].sum())

    @property
    def hop_length(self) -> Estimate | None:
        """Mean O-O distance of a hop, Å, or None without hops.

        Hops between two oxygens that stay close to each other are alike. So the error is that of
        blocks of time, where it is larger than that of independent hops.
        """
        n, total, squares = self._moments
        if n < 1:
            return None
        mean = total / n
        if n == 1:
            return Estimate.number(mean, None, reason="only one hop was seen")
        variance = max(squares / n - mean**2, 0.0)
        scatter = np.sqrt(variance / (n - 1))
        lengths, counts = self._lengths.whole()[:, 0], self._counts.whole()[:, self._main]
        blocks = ratio_stderr(lengths, counts)
        if blocks is None or blocks <= scatter:
            return Estimate.number(mean, scatter, How.SCATTER)
        return Estimate.number(mean, blocks, How.BLOCKS)

    @property
    def mean_square_length(self) -> float:
        """Mean square O-O distance of a hop, Å²; 0 without hops."""
        n, _, squares = self._moments
        return float(squares / n) if n >= 1 else 0.0

    def _exposure(self) -> float:
        """Return identities × time, ps."""
        return self._n * max(self._counts.n_frames - 1, 0) * self._interval

    def _stderr(self, window: int) -> float:
        """Return the standard error of the rate of one window.

        Poisson's √n. Where the scatter between segments of time, or between identities, is larger
        than Poisson's by more than chance (5 %), the larger of them.
        """
        exposure = self._exposure()
        hops = self._counts.sums[:, window].sum()
        found = [np.sqrt(max(hops, 1.0)) / exposure]
        whole = self._counts.whole()[:, window]
        if len(whole) >= 4 and not_poisson(whole):
            time = self.segments()[1]
            blocks = ratio_stderr(whole, time)
            # Fewer blocks than the run has frames: their relative scatter is that of the whole.
            if blocks is not None:
                found.append(blocks)
        if window == self._main and self._n >= 5 and not_poisson(self._per_identity):
            scatter = self._per_identity.std(ddof=1) * np.sqrt(self._n)
            found.append(scatter / exposure)
        return float(max(found))

    def segments(self) -> tuple[FloatArray, FloatArray]:
        """Return [n] each, hops and identities × time (ps) over segments of time."""
        whole = self._counts.whole()[:, self._main]
        return whole, np.full(len(whole), self._n * self._counts.length * self._interval)

    def rate_per_ps(self) -> Estimate | None:
        """Return hops per identity and ps, or None."""
        if self._exposure() <= 0:
            return None
        return Estimate.rate(self.n_hops / self._exposure(), self._stderr(self._main))

    def curve(self) -> HopRateCurve | None:
        """Return the rate as a function of the rattle window, or None."""
        exposure = self._exposure()
        if exposure <= 0:
            return None
        n = len(self._grid)
        hops = self._counts.sums[:, :n].sum(axis=0)
        stderr = np.array([self._stderr(window) for window in range(n)])
        return HopRateCurve(self._grid, hops / exposure, stderr, hops.astype(np.int64))

    def waiting_times(self) -> WaitingTimes | None:
        """Return the distribution of the times between hops, or None without any."""
        end = self._counts.n_frames - 1
        seen = self._last_hop >= 0
        waited = np.asarray((end - self._last_hop[seen]) * self._interval, dtype=np.float64)
        return waiting_times(self._waiting, self._interval, self._window, waited)


def window_grid(interval_ps: float) -> FloatArray:
    """Return rattle windows from 0 to 2 ps, whole numbers of frames, ps."""
    ends = np.concatenate([np.arange(0.0, 0.5, 0.02), np.arange(0.5, 2.01, 0.1)])
    grid: FloatArray = np.unique(np.round(ends / interval_ps)) * interval_ps
    return grid
