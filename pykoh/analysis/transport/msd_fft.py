r"""Mean-square displacements over all time origins, by fast Fourier transform, in constant memory.

A run is cut into chunks of n frames. With the positions r(t) of a chunk and of the one after it,

    Σ_t |r(t + τ) - r(t)|² = Σ_t r(t)² + Σ_t r(t + τ)² - 2 Σ_t r(t)·r(t + τ),  0 < τ ≤ n,

t being all frames of the first chunk; the last sum is a correlation, which two transforms of
length 2 n give for all lags at once (Kneller, Keiner, Kneller and Schiller, Comput. Phys. Commun.
91 (1995) 191, doi:10.1016/0010-4655(95)00048-K, for a whole run in memory). Chunk after chunk these
sums are those over all time origins of the run. Positions are taken relative to their mean in the
chunk, so that nothing is lost to cancellation. Every 16th frame goes into chunks of its own, for
lags up to 16 n, and every 256th for lags up to 256 n: origins there are a small part of the lag
apart.

The length n is 2048 frames for a box of 300 atoms; for large boxes it is less, since memory is
limited, and from 10,000 atoms on the sums of :mod:`pykoh.analysis.common.msd_order_n` are used
alone. Their origins are up to a fifth of the lag apart, which makes standard errors larger by 1.3 %
at most (by the covariance of :mod:`pykoh.analysis.transport.straight_line`).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from pykoh.analysis.common.msd_order_n import Displacements, OrderN
from pykoh.arrays import FloatArray

SPACINGS = (1, 16, 256)
_BUDGET = 32e6  # bytes of two chunks, all tracks together
_LONGEST, _SHORTEST = 4096, 64
_COLUMNS = 48  # transformed at once: they stay in the cache

Submit = Callable[..., "Future[FloatArray]"]


def chunk_frames(n_tracks: int) -> int:
    """Return the frames of a chunk for ``n_tracks`` particles in all, 0 if there are too many."""
    fits = _BUDGET / (48.0 * max(n_tracks, 1))
    n = 1 << int(np.log2(max(min(fits, _LONGEST), 1.0)))
    return n if n >= _SHORTEST else 0


def at_once(function: Callable[..., FloatArray], *args: Any) -> Future[FloatArray]:
    """Run ``function`` at once, in this thread."""
    future: Future[FloatArray] = Future()
    future.set_result(function(*args))
    return future


def _spectra(values: FloatArray, first: int, size: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the transforms of the first frames, padded, and of all: [n_frames, n] each."""
    return fft.rfft(values[:first], size, axis=0), fft.rfft(values, size, axis=0)


def _correlation(a: FloatArray, b: FloatArray, first: int, n_lags: int) -> FloatArray:
    """Return [n_lags] Σ_t Σ_columns a(t) b(t + τ), t in the first ``first`` frames.

    Args:
        a: [n_frames, n].
        b: [n_frames, n]; the same array as ``a`` saves a transform.
        first: frames that are time origins.
        n_lags: lags, from 0 on.
    """
    # Long enough that nothing comes round.
    size = fft.next_fast_len(max(len(a), first + n_lags - 1), real=True)
    total = np.zeros(size // 2 + 1, dtype=np.complex128)
    for begin in range(0, a.shape[1], _COLUMNS):
        part = slice(begin, begin + _COLUMNS)
        if a is b:
            start, everything = _spectra(a[:, part], first, size)
        else:
            start = fft.rfft(a[:first, part], size, axis=0)
            everything = fft.rfft(b[:, part], size, axis=0)
        total += np.einsum("fn,fn->f", start.conj(), everything)
    correlation: FloatArray = fft.irfft(total, size)[:n_lags]
    return correlation


def _ends(of_frame: FloatArray, first: int, n_lags: int) -> FloatArray:
    """Return [n_lags] Σ_t [s(t) + s(t + τ)] over the time origins that have a frame τ later."""
    n_frames = len(of_frame)
    sums = np.concatenate([[0.0], np.cumsum(of_frame)])
    lags = np.arange(n_lags)
    ends = np.clip(n_frames - lags, 0, first)
    found: FloatArray = sums[ends] + sums[np.minimum(lags + ends, n_frames)]
    found -= sums[np.minimum(lags, n_frames)]
    return found


def chunk_sums(
    positions: NDArray[np.float64], counted: NDArray[np.bool_] | None, first: int, n_lags: int
) -> FloatArray:
    """Return [3, n_lags]: Σ d² of all tracks; of those counted at both ends; the number of these.

    Args:
        positions: [n_frames, n_tracks, 3], Å, a chunk and the next one.
        counted: [n_frames, n_tracks], which tracks belong to a subset, or None.
        first: frames of the chunk: the time origins.
        n_lags: lags, from 0 on.
    """
    local = positions - positions[:first].mean(axis=0)
    out = np.zeros((3, n_lags))

    def squares(tracks: FloatArray) -> FloatArray:
        if tracks.shape[1] == 0:
            return np.zeros(n_lags)
        flat = np.ascontiguousarray(tracks).reshape(len(tracks), -1)
        ends = _ends((flat**2).sum(axis=1), first, n_lags)
        return ends - 2.0 * _correlation(flat, flat, first, n_lags)

    if counted is None:
        out[0] = squares(local)
        return out
    always = counted.all(axis=0)
    mixed = counted.any(axis=0) & ~always
    out[1] = squares(local[:, always])
    out[0] = out[1] + squares(local[:, ~always])
    origins = np.clip(len(local) - np.arange(n_lags), 0, first)
    out[2] = float(always.sum()) * origins
    if mixed.any():
        # Only windows that begin and end in the subset: each term carries both weights.
        weight = counted[:, mixed].astype(np.float64)
        r = local[:, mixed] * weight[:, :, None]
        square = (r**2).sum(axis=2)
        flat = r.reshape(len(r), -1)
        both = _correlation(square, weight, first, n_lags)
        both += _correlation(weight, square, first, n_lags)
        out[1] += both - 2.0 * _correlation(flat, flat, first, n_lags)
        out[2] += np.rint(_correlation(weight, weight, first, n_lags))
    return out


class _Chunks:
    """The chunks of every ``spacing``-th frame.

    Args:
        n_tracks: particles.
        length: frames of a chunk.
        spacing: frames of the run between two frames of a chunk.
        subset: some tracks belong to a subset.
    """

    STATE = ("_positions", "_counted", "_n", "sums", "origins")

    def __init__(self, n_tracks: int, length: int, spacing: int, subset: bool) -> None:
        self.spacing, self.length = spacing, length
        self._subset = subset
        # Two chunks one after the other; the second one is being filled.
        self._positions = np.full((2 * length, n_tracks, 3), 0.0)
        self._counted = np.full((2 * length if subset else 0, n_tracks), False)
        self._n = 0  # frames in the buffer
        self.sums = np.zeros((3, length + 1))
        self.origins = np.zeros(length + 1)
        self._waiting: Future[FloatArray] | None = None

    def add(self, positions: FloatArray, counted: NDArray[np.bool_] | None, submit: Submit) -> None:
        """Take in frames: [n_frames, n_tracks, 3]."""
        done = 0
        while done < len(positions):
            take = min(len(positions) - done, 2 * self.length - self._n)
            self._positions[self._n : self._n + take] = positions[done : done + take]
            if self._subset and counted is not None:
                self._counted[self._n : self._n + take] = counted[done : done + take]
            self._n += take
            done += take
            if self._n == 2 * self.length:
                self._close(submit)
                self._positions[: self.length] = self._positions[self.length :]
                self._counted[: self.length] = self._counted[self.length :]
                self._n = self.length

    def _close(self, submit: Submit) -> None:
        """Take the first chunk, and what follows it, into the sums."""
        self.settle()
        self._waiting = self._submit(submit, 0, min(self._n, self.length), copy=True)

    def _submit(
        self, submit: Submit, begin: int, first: int, copy: bool = False
    ) -> Future[FloatArray]:
        """Have the sums of ``first`` time origins computed, from frame ``begin`` of the buffer."""
        part = slice(begin, self._n)
        n_frames = self._n - begin
        n_lags = min(self.length + 1, n_frames)
        self.origins[:n_lags] += np.clip(n_frames - np.arange(n_lags), 0, first)
        positions = self._positions[part]
        counted = self._counted[part] if self._subset else None
        if copy:
            positions = positions.copy()
            counted = None if counted is None else counted.copy()
        return submit(chunk_sums, positions, counted, first, n_lags)

    def settle(self) -> None:
        """Wait for what is being computed."""
        if self._waiting is not None:
            self._take(self._waiting)
            self._waiting = None

    def _take(self, future: Future[FloatArray]) -> None:
        found = future.result()
        self.sums[:, : found.shape[1]] += found

    def finish(self, submit: Submit) -> Callable[[], None]:
        """Have what is left in the buffer computed; return what waits for it. The run is over."""
        self.settle()
        parts = range(0, self._n, self.length)
        futures = [
            self._submit(submit, begin, min(self._n - begin, self.length)) for begin in parts
        ]
        self._n = 0

        def wait() -> None:
            for future in futures:
                self._take(future)

        return wait


class MeanSquares:
    """Mean-square displacements: all time origins as far as memory allows, thinned ones beyond.

    Args:
        n_tracks: particles.
        levels: of :class:`OrderN`.
        chunk: frames of a chunk, see :func:`chunk_frames`; 0: thinned origins only.
        subset: :meth:`add` gets a subset.
    """

    STATE = ("_thinned", "_chunks")

    def __init__(self, n_tracks: int, levels: int, chunk: int, subset: bool = False) -> None:
        self._thinned = OrderN(n_tracks, levels)
        self._n_tracks = n_tracks
        self._chunks = [
            _Chunks(n_tracks, chunk, spacing, subset) for spacing in SPACINGS if chunk and n_tracks
        ]

    def add(
        self,
        positions: FloatArray,
        tracks: NDArray[np.int64] | None = None,
        counted: NDArray[np.bool_] | None = None,
        submit: Submit = at_once,
    ) -> None:
        """Take in frames that follow those before; see :meth:`OrderN.add`.

        Args:
            positions: [n_frames, n_atoms, 3], Å, unwrapped.
            tracks: [n_tracks], which atoms; all by default.
            counted: [n_frames, n_tracks], which tracks belong to the subset.
            submit: runs a function, perhaps elsewhere.
        """
        n_before = self._thinned.n_frames
        self._thinned.add(positions, tracks, counted)
        if not self._chunks:
            return
        mine = positions if tracks is None else positions[:, tracks]
        for chunks in self._chunks:
            every = slice(-n_before % chunks.spacing, None, chunks.spacing)
            chunks.add(mine[every], None if counted is None else counted[every], submit)

    def settle(self) -> None:
        """Wait for what is being computed."""
        for chunks in self._chunks:
            chunks.settle()

    def finish(self, submit: Submit = at_once) -> Callable[[], None]:
        """Have the last frames computed; return what waits for it. No frame may follow."""
        waits = [chunks.finish(submit) for chunks in self._chunks]

        def wait() -> None:
            for each in waits:
                each()

        return wait

    def result(self, subset: bool = False) -> Displacements:
        """Return the moments at the lags of :class:`OrderN`, after the last frame.

        <d²> is that over all time origins where it is known; <d⁴> always that of thinned ones.

        Args:
            subset: only windows that count for the subset.
        """
        self.finish()()
        found = self._thinned.result(subset)
        square, samples = found.square.copy(), found.n_samples.copy()
        particles, origin = found.n_particles.copy(), found.origin_frames.copy()
        for chunks in reversed(self._chunks):
            sums, origins = chunks.sums, chunks.origins
            for row, lag in enumerate(found.lag_frames):
                index = int(lag) // chunks.spacing
                if lag % chunks.spacing or not 0 < index <= chunks.length or origins[index] < 1:
                    continue
                if chunks.spacing >= origin[row]:
                    continue  # every origin is in already
                n = sums[2, index] if subset else origins[index] * self._n_tracks
                if n < 1:
                    continue
                square[row] = max(float(sums[1 if subset else 0, index]) / n, 0.0)
                samples[row], origin[row] = n, chunks.spacing
                particles[row] = n / origins[index]
        return replace(
            found, square=square, n_samples=samples, n_particles=particles, origin_frames=origin
        )
