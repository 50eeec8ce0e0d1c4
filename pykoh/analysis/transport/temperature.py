"""Temperature from the velocities in a dump."""

from __future__ import annotations

import numpy as np

from pykoh.analysis.common.constants import BOLTZMANN_J_PER_K, JOULE_PER_U_A2_PER_PS2
from pykoh.analysis.common.estimate import Estimate
from pykoh.analysis.common.statistics import SegmentedSums, ratio_stderr
from pykoh.arrays import FloatArray


class Thermometer:
    """Mean kinetic temperature, motion of the centre of mass removed.

    T = Σ_i m_i |v_i - v_cm|² / ((3 N - 3) kB), classical and without constraints.

    Args:
        masses: [n_atoms], u.
    """

    STATE = ("_sums",)

    def __init__(self, masses: FloatArray) -> None:
        self._masses = masses
        self._sums = SegmentedSums(2)  # Σ T, frames with velocities

    def add(self, velocities: FloatArray) -> None:
        """Take in frames: [n_frames, n_atoms, 3], Å/ps; NaN where there are none."""
        n = len(self._masses)
        if n < 2:
            return
        drift = np.einsum("i,fik->fk", self._masses, velocities) / self._masses.sum()
        kinetic = np.einsum("i,fik,fik->f", self._masses, velocities, velocities)
        kinetic -= self._masses.sum() * (drift**2).sum(axis=1)
        kelvin = kinetic * JOULE_PER_U_A2_PER_PS2 / ((3 * n - 3) * BOLTZMANN_J_PER_K)
        known = np.isfinite(kelvin)
        self._sums.add(np.stack([np.where(known, kelvin, 0.0), known], axis=1))

    def segments(self) -> tuple[FloatArray, FloatArray]:
        """Return [n] each, Σ T (K) and frames in segments of time."""
        whole = self._sums.whole()
        return whole[:, 0], whole[:, 1]

    def result(self) -> Estimate | None:
        """Return the mean, K; None without velocities."""
        total, frames = self._sums.sums.sum(axis=0)
        if frames == 0 or total <= 0:
            return None
        whole = self._sums.whole()
        return Estimate.number(total / frames, ratio_stderr(whole[:, 0], whole[:, 1]))
