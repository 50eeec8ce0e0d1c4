"""Sums over segments of time, for standard errors of averages of correlated data.

Memory is constant: when all segments are full, neighbours are joined and segments get twice as
long. Block averages: Flyvbjerg and Petersen, J. Chem. Phys. 91 (1989) 461, doi:10.1063/1.457480.
What was never seen has no scatter, but is not known to be absent: its standard error is that of
Jeffreys' posterior for nothing in n independent observations, its upper limit the exact one, about
3/n (Hanley and Lippman-Hand, JAMA 249 (1983) 1743, doi:10.1001/jama.1983.03330370053031).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pykoh.analysis.common.distributions import chi2_tail
from pykoh.arrays import FloatArray

N_SEGMENTS = 64
_FEWEST_BLOCKS = 4
_JOINED = 16  # blocks that neighbours are joined to
_BLOCKS_OF_CHAIN = 24  # fewer do not show how neighbours are correlated
_LARGEST_CORRELATION = 0.98
_BY_CHANCE = 0.05


class SegmentedSums:
    """Sums of an array of quantities in each of up to 64 segments of time.

    Args:
        shape: shape of the quantities of one frame.

    Attributes:
        n_frames: frames that were announced.
        length: frames per segment.
        sums: [64, ...].
    """

    STATE = ("n_frames", "length", "sums")

    def __init__(self, *shape: int) -> None:
        self.n_frames = 0
        self.length = 1
        self.sums = np.zeros((N_SEGMENTS, *shape))

    def reserve(self, n_frames: int) -> NDArray[np.int64]:
        """Announce ``n_frames`` more frames; return the segment of each of them.

        Sums may then be added to ``sums`` at these segments, and also at earlier ones.
        """
        while self.n_frames + n_frames > N_SEGMENTS * self.length:
            half = self.sums.reshape(N_SEGMENTS // 2, 2, *self.sums.shape[1:]).sum(axis=1)
            self.sums[: N_SEGMENTS // 2] = half
            self.sums[N_SEGMENTS // 2 :] = 0.0
            self.length *= 2
        frames = np.arange(self.n_frames, self.n_frames + n_frames)
        self.n_frames += n_frames
        segments: NDArray[np.int64] = frames // self.length
        return segments

    def add(self, values: FloatArray) -> None:
        """Add the quantities of frames that follow: [n_frames, ...]."""
        segments = self.reserve(len(values))
        if len(segments):
            # Segments rise, so each is one piece of the frames.
            starts = np.flatnonzero(np.diff(segments, prepend=-1))
            self.sums[segments[starts]] += np.add.reduceat(values, starts, axis=0)

    def whole(self) -> FloatArray:
        """Return [n, ...], the segments that are full (the last one may be cut)."""
        n = self.n_frames // self.length
        return self.sums[:n]


def ratio_stderrs(numerator: FloatArray, denominator: FloatArray) -> FloatArray:
    """Return [k], the standard errors of Σ numerator / Σ denominator, NaN where unknown.

    The larger of two: the scatter of 16 blocks (8 or fewer where there are no more), and that of
    all blocks times √[(1 + ρ) / (1 - ρ)], ρ being the correlation of neighbours (an autoregressive
    process of first order: Bartlett, J. R. Stat. Soc. B 8 (1946) 27, doi:10.2307/2983611). The
    second one still holds where the run is a few tens of correlation times long and the blocks are
    not independent. Fewer than 4 blocks say nothing.

    Args:
        numerator: [n_blocks, k], sums over blocks of time.
        denominator: [n_blocks, k].
    """
    n = len(numerator)
    unknown: FloatArray = np.full(numerator.shape[1], np.nan)
    if n < _FEWEST_BLOCKS:
        return unknown
    total = denominator.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        residual = numerator - numerator.sum(axis=0) / total * denominator
        best = np.sqrt(n / (n - 1) * (residual**2).sum(axis=0)) / total
        if n >= _BLOCKS_OF_CHAIN:
            rho = (residual[1:] * residual[:-1]).sum(axis=0) / (residual**2).sum(axis=0)
            # What n values show is too low by this much (Kendall, Biometrika 41 (1954) 403,
            # doi:10.1093/biomet/41.3-4.403).
            rho = np.clip(rho + (1.0 + 3.0 * rho) / n, 0.0, _LARGEST_CORRELATION)
            best = best * np.sqrt((1.0 + rho) / (1.0 - rho))
        joined = residual
        while len(joined) >= 2 * _JOINED:
            joined = joined[: len(joined) // 2 * 2].reshape(-1, 2, joined.shape[1]).sum(axis=1)
        m = len(joined)
        blocks = np.sqrt(m / (m - 1) * (joined**2).sum(axis=0)) / total
        best = np.fmax(best, blocks)
    found: FloatArray = np.where(total > 0, best, np.nan)
    return found


def ratio_stderr(numerator: FloatArray, denominator: FloatArray) -> float | None:
    """Return :func:`ratio_stderrs` of one quantity: [n_blocks] each; None where unknown."""
    value = float(ratio_stderrs(numerator[:, None], denominator[:, None])[0])
    return None if np.isnan(value) else value


def not_poisson(counts: NDArray[Any]) -> bool:
    """Return whether counts scatter more than Poisson's do, by more than chance (5 %).

    The test of the index of dispersion: Σ (n - mean)² / mean follows χ² with one degree of freedom
    less than there are counts (Cochran, Biometrics 10 (1954) 417, doi:10.2307/3001616). Up to 31
    counts are compared; neighbours are joined where there are more, so that each is not too small.
    The larger of two errors, taken without a test, would be too large by chance.

    Args:
        counts: [n], events in equal parts of time, or of equal things.
    """
    while len(counts) >= 2 * _JOINED:
        counts = counts[: len(counts) // 2 * 2].reshape(-1, 2).sum(axis=1)
    mean = float(counts.mean())
    if mean <= 0.0:
        return False
    chi2 = float(((counts - mean) ** 2).sum()) / mean
    return bool(chi2_tail(chi2, len(counts) - 1) < _BY_CHANCE)


def nothing_seen(n: float) -> tuple[float, float]:
    """Return the standard error of a share of which nothing was seen, and its 95 % upper limit.

    Args:
        n: independent observations; less than one counts as one.
    """
    n = max(n, 1.0)
    stderr = np.sqrt(0.5 * (n + 0.5) / ((n + 1.0) ** 2 * (n + 2.0)))
    return float(stderr), float(1.0 - 0.05 ** (1.0 / n))


def share_stderr(part: FloatArray, whole: FloatArray, share: float, n: float) -> float | None:
    """Return the standard error of a share: [n_blocks] each; of none or all from ``n``.

    Args:
        part: sums over blocks of time.
        whole: sums over blocks of time.
        share: Σ part / Σ whole over the run.
        n: independent observations, on the safe side.
    """
    if share in (0.0, 1.0):
        return nothing_seen(n)[0]
    return ratio_stderr(part, whole)
