r"""Mean-square displacements over many decades of lag in one pass and constant memory.

The order-n algorithm of Dubbeldam, Ford, Ellis and Snurr, Mol. Simul. 35 (2009) 1084,
doi:10.1080/08927020902818039: level l keeps the positions of every :data:`RATIO`\ :sup:`l`-th
frame in a ring of :data:`DEPTH` entries, and each new entry is compared with those in the ring.
Displacements are exact; only the time origins are thinned, never more than to a fifth of the lag,
where overlapping windows have nothing new to say. At the finest level every frame is an origin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pykoh.arrays import FloatArray
from pykoh.kernels import kernel, step

DEPTH = 16
RATIO = 4
_MAX_LEVELS = 20  # 16 · 4^19 frames: longer than any run
_FEWEST_LEVELS = 6
_MANY_TRACKS = 8192
"""From here on positions are kept in single precision, relative to where a particle began."""


def n_levels(bytes_per_level: float, budget: float) -> int:
    """Return how many levels fit into ``budget`` bytes: 6 at least, 20 at most.

    With 8 levels the longest lag is 260,000 frames, a quarter of a run of a million frames.
    """
    return int(min(max(budget // max(bytes_per_level, 1.0), _FEWEST_LEVELS), _MAX_LEVELS))


@step(fastmath={"reassoc", "nsz", "contract"})
def _accumulate(
    new: NDArray[np.float64] | NDArray[np.float32],
    old: NDArray[np.float64] | NDArray[np.float32],
    counted: NDArray[np.uint8],
    counted_before: NDArray[np.uint8],
    sums: NDArray[np.float64],
) -> None:
    """Add to ``sums`` [6]: Σd², Σd⁴, n of all tracks; then of those counted at both ends."""
    square = 0.0
    fourth = 0.0
    square_both = 0.0
    fourth_both = 0.0
    both = 0.0
    n = new.shape[1]
    for i in range(n):
        x = np.float64(new[0, i] - old[0, i])
        y = np.float64(new[1, i] - old[1, i])
        z = np.float64(new[2, i] - old[2, i])
        d2 = x * x + y * y + z * z
        flag = np.float64(counted[i] & counted_before[i])
        square += d2
        fourth += d2 * d2
        square_both += flag * d2
        fourth_both += flag * d2 * d2
        both += flag
    sums[0] += square
    sums[1] += fourth
    sums[2] += n
    sums[3] += square_both
    sums[4] += fourth_both
    sums[5] += both


@kernel(
    "(float64[:,:,::1], int64[::1], float64[:,::1], float64[:,::1], uint8[:,::1], int64, "
    "float64[:,:,:,::1], uint8[:,:,::1], float64[:,:,::1], int64[:,::1])",
)
def _push(
    positions: NDArray[np.float64],
    tracks: NDArray[np.int64],
    start: FloatArray,
    new: NDArray[np.float64] | NDArray[np.float32],
    flags: NDArray[np.uint8],
    first_frame: int,
    rings: NDArray[np.float64] | NDArray[np.float32],
    ring_flags: NDArray[np.uint8],
    sums: NDArray[np.float64],
    origins: NDArray[np.int64],
) -> None:
    """Take in a block of frames.

    Args:
        positions: [n_frames, n_atoms, 3], Å.
        tracks: [n_tracks], which atoms.
        start: [n_tracks, 3], Å, where they began; rings hold what is relative to it.
        new: [3, n_tracks], scratch.
        flags: [n_frames, n_tracks], 1 where a track counts for the second set of sums.
        first_frame: number of the first frame of the block since the beginning.
        rings: [n_levels, DEPTH, 3, n_tracks], kept between calls.
        ring_flags: [n_levels, DEPTH, n_tracks], kept between calls.
        sums: [n_levels, DEPTH, 6], kept between calls.
        origins: [n_levels, DEPTH], time origins of each lag.
    """
    n = tracks.shape[0]
    for f in range(positions.shape[0]):
        frame = first_frame + f
        interval = 1
        for level in range(rings.shape[0]):
            if frame % interval != 0:
                break
            index = frame // interval
            slot = index % DEPTH
            # Lags j ≤ DEPTH / RATIO are those of the level below, with more origins there. The
            # entry DEPTH steps back is still in the slot that is about to be overwritten.
            shortest = 1 if level == 0 else DEPTH // RATIO + 1
            row = rings[level, slot]
            if level == 0:
                for i in range(n):
                    for k in range(3):
                        new[k, i] = positions[f, tracks[i], k] - start[i, k]
            for j in range(shortest, min(DEPTH, index) + 1):
                before = (index - j) % DEPTH
                _accumulate(
                    new,
                    rings[level, before],
                    flags[f],
                    ring_flags[level, before],
                    sums[level, j - 1],
                )
                origins[level, j - 1] += 1
            for k in range(3):
                for i in range(n):
                    row[k, i] = new[k, i]
            for i in range(n):
                ring_flags[level, slot, i] = flags[f, i]
            interval *= RATIO


@dataclass(frozen=True, slots=True, eq=False)
class Displacements:
    """Moments of the displacements at each lag.

    Attributes:
        lag_frames: [n_lags], frames, rising.
        origin_frames: [n_lags], frames between time origins.
        square: [n_lags], Å², mean of d².
        fourth: [n_lags], Å⁴, mean of d⁴.
        n_samples: [n_lags], displacements behind the means (windows overlap).
        n_particles: [n_lags], mean number of particles that count.
    """

    lag_frames: NDArray[np.int64]
    origin_frames: NDArray[np.int64]
    square: FloatArray
    fourth: FloatArray
    n_samples: FloatArray
    n_particles: FloatArray

    def non_gaussian(self) -> FloatArray:
        """Return [n_lags] var(d²) / (2/3 <d²>²): 1 for Gaussian displacements in 3D."""
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = (self.fourth - self.square**2) / (2.0 / 3.0 * self.square**2)
        return np.where(np.isfinite(ratio), ratio, 1.0)


class OrderN:
    """Accumulates displacements of ``n_tracks`` particles in constant memory.

    All memory is taken at the beginning, so that it does not grow with the run.

    Args:
        n_tracks: particles.
        levels: levels; lags up to 16 · 4^(levels - 1) frames.
    """

    STATE = ("n_frames", "_rings", "_flags", "_sums", "_origins", "_start")

    def __init__(self, n_tracks: int, levels: int = _MAX_LEVELS) -> None:
        self.n_frames = 0
        self._n_tracks = n_tracks
        exact = n_tracks < _MANY_TRACKS
        self._rings = np.full(
            (levels, DEPTH, 3, n_tracks), 0.0, dtype=np.float64 if exact else np.float32
        )
        self._flags = np.full((levels, DEPTH, n_tracks), 0, dtype=np.uint8)
        self._sums = np.zeros((levels, DEPTH, 6))
        self._origins = np.zeros((levels, DEPTH), dtype=np.int64)
        self._start = np.zeros((n_tracks, 3))

    def add(
        self,
        positions: FloatArray,
        tracks: NDArray[np.int64] | None = None,
        counted: NDArray[np.bool_] | None = None,
    ) -> None:
        """Take in frames that follow those before.

        Args:
            positions: [n_frames, n_atoms, 3], Å, unwrapped.
            tracks: [n_tracks], which atoms; all by default.
            counted: [n_frames, n_tracks], which tracks belong to a subset at each frame; a window
                counts for the subset when its particle belongs to it at both ends.
        """
        n_frames = len(positions)
        if n_frames == 0 or self._n_tracks == 0:
            self.n_frames += n_frames
            return
        if tracks is None:
            tracks = np.arange(self._n_tracks, dtype=np.int64)
        if counted is None:
            flags = np.ones((n_frames, self._n_tracks), dtype=np.uint8)
        else:
            flags = counted.astype(np.uint8)
        if self.n_frames == 0:
            self._start[:] = positions[0, tracks]
        _push(
            np.ascontiguousarray(positions),
            tracks,
            self._start,
            np.empty((3, self._n_tracks), dtype=self._rings.dtype),
            flags,
            self.n_frames,
            self._rings,
            self._flags,
            self._sums,
            self._origins,
        )
        self.n_frames += n_frames

    def result(self, subset: bool = False) -> Displacements:
        """Return the moments over all lags that have samples.

        Args:
            subset: only windows that count for the subset of :meth:`add`.
        """
        levels = len(self._rings)
        first = 3 if subset else 0
        spacing = np.repeat(RATIO ** np.arange(levels), DEPTH)
        lags = np.tile(np.arange(1, DEPTH + 1), levels) * spacing
        sums = self._sums[:, :, first : first + 3].reshape(-1, 3)
        origins = self._origins.ravel()
        keep = sums[:, 2] > 0
        n = sums[keep, 2]
        return Displacements(
            lags[keep].astype(np.int64),
            spacing[keep].astype(np.int64),
            sums[keep, 0] / n,
            sums[keep, 1] / n,
            n,
            n / origins[keep],
        )
