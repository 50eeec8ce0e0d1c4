r"""How diffusion changes in the course of a run, and what that means for its error.

Where each particle was is kept at up to 65 times that are evenly spaced; when all are taken, every
second one is dropped. The squared displacements between them, in units of time, are compared
between the halves of the run (:func:`pykoh.analysis.common.equilibration.halves`).

Particles in a small box do not move independently. They are carried by the same flow, which is
also why D depends on the size of the box (Yeh and Hummer, J. Phys. Chem. B 108 (2004) 15873,
doi:10.1021/jp0477147), and near a glass all of them are mobile at some times and hardly at others
(Ediger, Annu. Rev. Phys. Chem. 51 (2000) 99, doi:10.1146/annurev.physchem.51.1.99). The mean over
N particles is then known worse than that of N independent ones. From displacements over n and
m > n intervals, in windows j of m intervals that do not overlap, each particle i has the slope

    s_ij = (|Δr_ij(m)|² - mean of |Δr_ij(n)|² within the window) / (m - n),

in which rattling in a cage has no part. Of w windows with the means s_j over the particles,

    shared² = var(mean of s_j) - 1.2 var(s_ij) / (N w).

The first term is the squared standard error of
:func:`pykoh.analysis.common.statistics.ratio_stderrs`, correlation in time included. The second
one is what independent particles would have; they are given 20 % more, because noise that happens
to be large is kept and noise that happens to be small is not. shared² is the mean of up to four
pairs (n, m), and not below zero. It is added to the variance that independent particles have
(:mod:`pykoh.analysis.transport.straight_line`). Errors of independent particles come out too large
by 5 to 11 % because of it. In boxes of 150 to 200 atoms of KOH it is 12 to 35 % of D of oxygen,
three times what independent particles give.
"""

from __future__ import annotations

import numpy as np

from pykoh.analysis.common.statistics import N_SEGMENTS, ratio_stderr
from pykoh.arrays import FloatArray

_FEWEST = 16  # displacements; fewer say nothing about halves
_FEWEST_WINDOWS = 8
_PAIRS = ((1, 2), (1, 3), (1, 4), (2, 4))
_INDEPENDENT = 1.2


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
        step = self._step(interval_ps, earliest_ps)
        moved = self._moved(self._n_places() // step, step).sum(axis=1)
        time = 6.0 * self._places.shape[1] * step * self._length * interval_ps
        return moved, np.full(len(moved), time)

    def shared(self, interval_ps: float, earliest_ps: float) -> float:
        """Return the part of the standard error of the slope that particles share, Å²/ps.

        It is 0 with one particle, and in runs that are too short to show it.

        Args:
            interval_ps: time between frames.
            earliest_ps: displacements over less time are not taken, as long as 16 are left.
        """
        step = self._step(interval_ps, earliest_ps)
        n_particles = self._places.shape[1]
        found = []
        for n, m in _PAIRS:
            n_windows = self._n_places() // (m * step)
            if n_windows < _FEWEST_WINDOWS or n_particles < 2:
                continue
            long = self._moved(n_windows, m * step)
            short = self._moved(n_windows * m // n, n * step)
            within = short.reshape(n_windows, -1, n_particles).mean(axis=1)
            slopes = (long - within) / ((m - n) * step * self._length * interval_ps)
            stderr = ratio_stderr(slopes.mean(axis=1), np.ones(n_windows)) or 0.0
            independent = float(slopes.var(ddof=1)) / (n_particles * n_windows)
            found.append(stderr**2 - _INDEPENDENT * independent)
        return float(np.sqrt(max(0.0, float(np.mean(found))))) if found else 0.0

    def _n_places(self) -> int:
        return (self._n_frames - 1) // self._length

    def _step(self, interval_ps: float, earliest_ps: float) -> int:
        """Return how many places a displacement of ``earliest_ps`` takes, if 16 are left."""
        step = max(1, round(np.ceil(earliest_ps / (self._length * interval_ps))))
        return max(1, min(step, self._n_places() // _FEWEST))

    def _moved(self, n_windows: int, step: int) -> FloatArray:
        """Return [n_windows, n_tracks], |Δr|² over ``step`` places from the beginning on, Å²."""
        places = self._places[: n_windows * step + 1 : step].astype(np.float64)
        moved: FloatArray = ((places[1:] - places[:-1]) ** 2).sum(axis=2)
        return moved
