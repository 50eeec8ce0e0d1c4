"""Where the first peak of g(r) is, between its bins, and how well that is known.

The logarithm of g follows a parabola near a maximum, exactly for a Gaussian shell. It is fitted to
the upper part of the peak, each bin weighted with its pairs. The standard error is that of a
jackknife over blocks of time (Tukey's; Efron and Stein, Ann. Stat. 9 (1981) 586,
doi:10.1214/aos/1176345462), which needs no assumption on how neighbouring bins are correlated, and
at least that of counting.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pykoh.analysis.radial import BIN_A
from pykoh.analysis.results import FloatArray

_UPPER_PART = 0.6  # of the height above 1
_FEWEST_BLOCKS = 4
_BLOCKS = 16


@dataclass(frozen=True, slots=True)
class PeakPosition:
    """Position of a peak.

    Attributes:
        r_A: Å.
        stderr_A: its standard error, Å; None where fewer than four blocks of time or no parabola
            tell.
    """

    r_A: float
    stderr_A: float | None


def peak_position(histogram: FloatArray, ideal: FloatArray, n: int, peak: int) -> PeakPosition:
    """Return where the maximum around the bin ``peak`` is.

    Args:
        histogram: [n_segments, n_bins], pairs in segments of time.
        ideal: [n_segments], what they are divided by, for one volume of a shell.
        n: segments that are full.
        peak: bin of the maximum.
    """
    edges = BIN_A * np.arange(histogram.shape[1] + 1)
    shell = 4.0 / 3.0 * np.pi * np.diff(edges**3)
    counts = histogram.sum(axis=0)
    bins = _upper_part(counts / (ideal.sum() * shell), peak)
    centre = float(0.5 * (edges[peak] + edges[peak + 1]))
    position = _vertex(counts[bins], shell[bins], bins - peak)
    if position is None:
        return PeakPosition(centre, None)
    r = centre + BIN_A * position[0]
    blocks = [block.sum(axis=0) for block in np.array_split(histogram[:n], min(n, _BLOCKS) or 1)]
    if len(blocks) < _FEWEST_BLOCKS:
        return PeakPosition(r, None)
    total = histogram[:n].sum(axis=0)
    without = [_vertex((total - block)[bins], shell[bins], bins - peak) for block in blocks]
    found = np.array([vertex[0] for vertex in without if vertex is not None])
    if len(found) < len(blocks):
        return PeakPosition(r, None)
    jackknife = np.sqrt((len(found) - 1) * found.var())
    return PeakPosition(r, float(BIN_A * max(jackknife, position[1])))


def _upper_part(g: FloatArray, peak: int) -> np.ndarray:
    """Return the bins of the peak that are near its height: three at least."""
    level = 1.0 + _UPPER_PART * (g[peak] - 1.0)
    first, last = max(peak - 1, 0), min(peak + 1, len(g) - 1)
    while first > 0 and g[first - 1] > level:
        first -= 1
    while last + 1 < len(g) and g[last + 1] > level:
        last += 1
    return np.arange(first, last + 1)


def _vertex(counts: FloatArray, shell: FloatArray, x: np.ndarray) -> tuple[float, float] | None:
    """Return the maximum of a parabola through ln g and its error from counting, in bins."""
    seen = counts > 0
    if seen.sum() < 3:
        return None
    x, weight = x[seen].astype(np.float64), counts[seen]  # 1 / variance of the logarithm
    design = np.stack([np.ones_like(x), x, x**2], axis=1)
    inverse = np.linalg.pinv(design.T @ (weight[:, None] * design))
    _, b, c = inverse @ design.T @ (weight * np.log(counts[seen] / shell[seen]))
    if c >= 0 or not x[0] <= -b / (2.0 * c) <= x[-1]:
        return None
    shift = -b / (2.0 * c)
    # d shift / d b = -1 / 2c, d shift / d c = -shift / c
    slope = np.array([0.0, -0.5 / c, -shift / c])
    return float(shift), float(np.sqrt(max(slope @ inverse @ slope, 0.0)))
