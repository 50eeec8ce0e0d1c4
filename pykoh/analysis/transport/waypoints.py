"""Do both halves of a run give the same diffusion?

Where each particle was is kept at up to 65 times that are evenly spaced; when all are taken, every
second one is dropped. The squared displacements between them, in units of time, are compared
between the halves of the run (:func:`pykoh.analysis.common.equilibration.halves`).
"""

from __future__ import annotations

import numpy as np

from pykoh.analysis.common.statistics import N_SEGMENTS
from pykoh.arrays import FloatArray

_FEWEST = 16  # displacements; fewer say nothing about halves


class Waypoints:
    """Places of particles at some times of a run.

    Args:
        n_tracks: particles.
    """

    STATE = ("_places", "_start", "_length", "_n_frames")

    def __init__(self, n_tracks: int) -> None:
        self._places = np.zeros((N_SEGMENTS + 1, n_tracks, 3), dtype=np.float32)
        self._start = np.zeros((n_tracks, 3))
        self._length = 1  # frames from one to the next
        self._n_frames = 0

    def add(self, positions: FloatArray) -> None:
        """Take in frames that follow those before: [n_frames, n_tracks, 3], Å, unwrapped."""
        if self._n_frames == 0 and len(positions):
            self._start = positions[0].copy()
        end = self._n_frames + len(positions)
        frame = -(-self._n_frames // self._length) * self._length
        while frame < end:
            if frame // self._length > N_SEGMENTS:
                # The last place is that of an even number, so it is kept.
                self._places[: N_SEGMENTS // 2 + 1] = self._places[::2].copy()
                self._length *= 2
                frame = -(-frame // self._length) * self._length
                continue
            place = positions[frame - self._n_frames] - self._start
            self._places[frame // self._length] = place
            frame += self._length
        self._n_frames = end

    def squares(self, interval_ps: float, earliest_ps: float) -> tuple[FloatArray, FloatArray]:
        """Return [n] each, Σ |Δr|² (Å²) and particles × 6 × time (ps), in order of time.

        Their ratio is D where the displacement is diffusion.

        Args:
            interval_ps: time between frames.
            earliest_ps: displacements over less time are not taken, as long as 16 are left.
        """
        n = (self._n_frames - 1) // self._length
        step = max(1, round(np.ceil(earliest_ps / (self._length * interval_ps))))
        step = max(1, min(step, n // _FEWEST))
        places = self._places[: n + 1 : step].astype(np.float64)
        moved = ((places[1:] - places[:-1]) ** 2).sum(axis=(1, 2))
        time = 6.0 * places.shape[1] * step * self._length * interval_ps
        return moved, np.full(len(moved), time)
