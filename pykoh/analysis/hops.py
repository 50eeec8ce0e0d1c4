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
from numba import njit
from numpy.typing import NDArray
from scipy import stats

from pykoh.analysis.blocks import SegmentedSums, ratio_stderr
from pykoh.analysis.results import FloatArray, HopRateCurve, WaitingTimeFit, WaitingTimes

_STACK = 32  # transfers of one identity within a window that are not reverted; more never occur
_FEWEST_IN_TAIL = 20
_REJECTED = 0.05

# Waiting times in frames: logarithmic bins whose edges lie between whole numbers.
_EDGES = np.unique(np.round(10.0 ** np.arange(0.0, 12.0, 0.1))).astype(np.float64) - 0.5


@njit(cache=True, nogil=True)
def _finalise(
    bottom: NDArray[np.int32],
    reached: int,
    vector: FloatArray,
    window: int,
    main: int,
    identity: int,
    segment_frames: int,
    counts: FloatArray,
    last_hop: NDArray[np.int64],
    per_identity: NDArray[np.int64],
    edges: FloatArray,
    waiting: FloatArray,
    moments: FloatArray,
    hops: NDArray[np.int64],
    hop_vectors: FloatArray,
) -> None:
    """Count a transfer that can no longer be cancelled as a hop."""
    frame = np.int64(bottom[0])
    counts[frame // segment_frames, window] += 1.0
    if window != main:
        return
    per_identity[identity] += 1
    place = hops[0, 0] + 1
    hops[0, 0] = place
    hops[place, 0] = frame
    hops[place, 1] = identity
    hops[place, 2] = bottom[1]
    hops[place, 3] = reached
    hop_vectors[place] = vector
    length = np.sqrt((vector * vector).sum())
    moments[0] += 1.0
    moments[1] += length
    moments[2] += length * length
    if last_hop[identity] >= 0:
        wait = frame - last_hop[identity]
        index = np.searchsorted(edges, float(wait)) - 1
        index = max(0, min(index, waiting.shape[0] - 1))
        waiting[index, 0] += 1.0
        waiting[index, 1] += wait
    last_hop[identity] = frame


@njit(cache=True, nogil=True)
def _take(
    events: NDArray[np.int64],
    vectors: FloatArray,
    windows: FloatArray,
    main: int,
    now: int,
    everything: bool,
    stack: NDArray[np.int32],
    stack_to: NDArray[np.int32],
    stack_vector: FloatArray,
    depth: NDArray[np.int64],
    segment_frames: int,
    counts: FloatArray,
    last_hop: NDArray[np.int64],
    per_identity: NDArray[np.int64],
    edges: FloatArray,
    waiting: FloatArray,
    moments: FloatArray,
    hops: NDArray[np.int64],
    hop_vectors: FloatArray,
) -> None:
    """Take in transfers in order of time.

    Args:
        events: [n_events, 4], frame, identity, from, to.
        vectors: [n_events, 3], Å.
        windows: [n_windows], frames.
        main: the window for which waiting times are collected.
        now: frame up to which events were seen.
        everything: the run is over; what is on the stacks are hops.
        stack: [n_windows, n_id, _STACK, 2], frame and the oxygen that was left; state.
        stack_to: [n_id, _STACK], of the main window: the oxygen that was reached; state.
        stack_vector: [n_id, _STACK, 3], of the main window, Å; state.
        depth: [n_windows, n_id]; state.
        segment_frames: frames per segment of ``counts``.
        counts: [n_segments, n_windows], hops; state.
        last_hop: [n_id], frame of the last hop or -1; state.
        per_identity: [n_id], hops; state.
        edges: [n_bins + 1], frames.
        waiting: [n_bins, 2], number and sum (frames) of waiting times; state.
        moments: [3], number, Σ length, Σ length²; state.
        hops: [1 + n, 4], out, from row 1 on frame, identity, from, to; their number in [0, 0].
        hop_vectors: [1 + n, 3], out, Å.
    """
    n_windows, n_id = depth.shape
    for e in range(events.shape[0] + 1):
        last = e == events.shape[0]
        begin = 0 if last else events[e, 1]
        end = n_id if last else events[e, 1] + 1
        for w in range(n_windows):
            for i in range(begin, end):
                frame = now if last else events[e, 0]
                d = depth[w, i]
                gone = 0
                while gone < d and (
                    (last and everything)
                    or frame - stack[w, i, gone, 0] > windows[w]
                    or (d - gone == _STACK and not last)
                ):
                    _finalise(
                        stack[w, i, gone],
                        stack_to[i, gone],
                        stack_vector[i, gone],
                        w,
                        main,
                        i,
                        segment_frames,
                        counts,
                        last_hop,
                        per_identity,
                        edges,
                        waiting,
                        moments,
                        hops,
                        hop_vectors,
                    )
                    gone += 1
                if gone > 0:
                    for place in range(gone, d):
                        stack[w, i, place - gone] = stack[w, i, place]
                        if w == main:
                            stack_to[i, place - gone] = stack_to[i, place]
                            stack_vector[i, place - gone] = stack_vector[i, place]
                    d -= gone
                if not last:
                    # The carrier before this event is where the top of the stack led to, so the
                    # event reverts the top if it leads to the oxygen that the top had left.
                    if d > 0 and stack[w, i, d - 1, 1] == events[e, 3]:
                        d -= 1
                    else:
                        stack[w, i, d, 0] = events[e, 0]
                        stack[w, i, d, 1] = events[e, 2]
                        if w == main:
                            stack_to[i, d] = events[e, 3]
                            stack_vector[i, d] = vectors[e]
                        d += 1
                depth[w, i] = d


@dataclass(frozen=True, slots=True, eq=False)
class Hops:
    """Transfers that were not reverted.

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

    def __init__(
        self, n_identities: int, interval_ps: float, window_ps: float, grid_ps: FloatArray
    ) -> None:
        self._n = n_identities
        self._interval = interval_ps
        self._grid = grid_ps
        # Frames are whole numbers; the small part keeps a window of exactly k intervals inclusive.
        self._windows = np.append(grid_ps, window_ps) / interval_ps + 1e-6
        n_windows = len(self._windows)
        self._main = n_windows - 1
        self._stack = np.full((n_windows, n_identities, _STACK, 2), 0, dtype=np.int32)
        self._stack_to = np.zeros((n_identities, _STACK), dtype=np.int32)
        self._stack_vector = np.zeros((n_identities, _STACK, 3))
        self._depth = np.zeros((n_windows, n_identities), dtype=np.int64)
        self._counts = SegmentedSums(n_windows)
        self._last_hop = np.full(n_identities, -1, dtype=np.int64)
        self._per_identity = np.zeros(n_identities, dtype=np.int64)
        self._waiting = np.zeros((len(_EDGES) - 1, 2))
        self._moments = np.zeros(3)
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
        most = 1 + len(events) + int(self._depth[self._main].sum())
        hops = np.zeros((most, 4), dtype=np.int64)
        hop_vectors = np.zeros((most, 3))
        _take(
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
            _EDGES,
            self._waiting,
            self._moments,
            hops,
            hop_vectors,
        )
        self.n_transfers += len(events)
        end = 1 + int(hops[0, 0])
        return Hops(hops[1:end], hop_vectors[1:end])

    @property
    def n_hops(self) -> int:
        """Transfers that were not reverted, so far."""
        return int(self._counts.sums[:, self._main].sum())

    @property
    def hop_length(self) -> tuple[float, float] | None:
        """Mean O-O distance of a hop and its standard error, Å, or None without hops."""
        n, total, squares = self._moments
        if n < 1:
            return None
        mean = total / n
        variance = max(squares / n - mean**2, 0.0)
        return float(mean), float(np.sqrt(variance / max(n - 1, 1)))

    def _exposure(self) -> float:
        """Return identities × time, ps."""
        return self._n * max(self._counts.n_frames - 1, 0) * self._interval

    def _stderr(self, window: int) -> float:
        """Return the standard error of the rate of one window: the largest of three.

        Poisson's √n; the scatter between segments of time; that between identities.
        """
        exposure = self._exposure()
        hops = self._counts.sums[:, window].sum()
        found = [np.sqrt(max(hops, 1.0)) / exposure]
        whole = self._counts.whole()[:, window]
        if len(whole) >= 4:
            time = np.full(len(whole), self._n * self._counts.length * self._interval)
            blocks = ratio_stderr(whole, time)
            # Fewer blocks than the run has frames: their relative scatter is that of the whole.
            if blocks is not None:
                found.append(blocks)
        if window == self._main and self._n >= 5:
            scatter = self._per_identity.std(ddof=1) * np.sqrt(self._n)
            found.append(scatter / exposure)
        return float(max(found))

    def rate_per_ps(self) -> tuple[float, float] | None:
        """Return hops per identity and ps with its standard error, or None."""
        if self._exposure() <= 0:
            return None
        return self.n_hops / self._exposure(), self._stderr(self._main)

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
        counts, sums = self._waiting[:, 0], self._waiting[:, 1]
        total = counts.sum()
        if total == 0:
            return None
        last = int(np.flatnonzero(counts)[-1]) + 1
        edges = _EDGES[: last + 1] * self._interval
        width = np.diff(edges)
        density = counts[:last] / (total * width)
        return WaitingTimes(
            edges_ps=edges,
            counts=counts[:last].astype(np.int64),
            density_per_ps=density,
            density_stderr_per_ps=np.sqrt(counts[:last]) / (total * width),
            fit=self._tail(edges, counts[:last], sums[:last] * self._interval),
        )

    def _tail(
        self, edges: FloatArray, counts: FloatArray, sums: FloatArray
    ) -> WaitingTimeFit | None:
        """Fit a·λ·exp(-λt) beyond the first edge from which on an exponential holds.

        λ by maximum likelihood, with the waits that the end of the run cut off as such.

        Args:
            edges: [n + 1], ps.
            counts: [n].
            sums: [n], ps, sum of the waiting times in each bin.
        """
        end = self._counts.n_frames - 1
        seen = self._last_hop >= 0
        waited = (end - self._last_hop[seen]) * self._interval
        total = counts.sum()
        window = (self._windows[self._main] - 1e-6) * self._interval
        for k, start in enumerate(edges[:-1]):
            n = counts[k:].sum()
            if n < _FEWEST_IN_TAIL:
                return None
            if start < window:
                continue
            exposure = (sums[k:].sum() - n * start) + np.maximum(waited - start, 0.0).sum()
            rate = n / exposure
            if not _exponential(edges[k:], counts[k:], rate):
                continue
            share = n / total
            amplitude = share * np.exp(rate * start)
            rate_stderr = rate / np.sqrt(n)
            spread = np.sqrt(max(1.0 - share, 0.0) / n + (start * rate_stderr) ** 2)
            return WaitingTimeFit(
                amplitude=float(amplitude),
                amplitude_stderr=float(amplitude * spread),
                rate_per_ps=float(rate),
                rate_stderr_per_ps=float(rate_stderr),
                start_ps=float(start),
                n_waiting_times=int(n),
            )
        return None


def _exponential(edges: FloatArray, counts: FloatArray, rate: float) -> bool:
    """Return whether binned waiting times beyond ``edges[0]`` agree with an exponential (χ²)."""
    n = counts.sum()
    survival = np.exp(-rate * (edges - edges[0]))
    survival[-1] = 0.0  # the last bin takes the rest
    expected = -np.diff(survival) * n
    observed, wanted = [0.0], [0.0]
    for seen, model in zip(counts, expected, strict=True):
        observed[-1] += seen
        wanted[-1] += model
        if wanted[-1] >= 5.0:
            observed.append(0.0)
            wanted.append(0.0)
    if len(wanted) > 1:
        rest_seen, rest = observed.pop(), wanted.pop()
        observed[-1] += rest_seen
        wanted[-1] += rest
    freedom = len(wanted) - 2
    if freedom < 1:
        return True
    seen, model = np.array(observed), np.array(wanted)
    chi2 = float(((seen - model) ** 2 / model).sum())
    return bool(stats.chi2.sf(chi2, freedom) > _REJECTED)


def window_grid(interval_ps: float) -> FloatArray:
    """Return rattle windows from 0 to 2 ps, whole numbers of frames, ps."""
    ends = np.concatenate([np.arange(0.0, 0.5, 0.02), np.arange(0.5, 2.01, 0.1)])
    grid: FloatArray = np.unique(np.round(ends / interval_ps)) * interval_ps
    return grid
