"""Where the first peak of g(r) is, between its bins, how high, and how well that is known.

The logarithm of g follows a parabola near a maximum, exactly for a Gaussian shell. It is fitted to
the upper part of the peak by maximum likelihood of the counts (Poisson's distribution). Its top is
the height: the highest of some noisy bins is too high. The standard error is that of a
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
_NEWTON = 4  # steps


@dataclass(frozen=True, slots=True)
class FirstPeak:
    """Position and height of a peak.

    Attributes:
        r_A: Å.
        stderr_A: its standard error, Å; None where fewer than four blocks of time or no parabola
            tell.
        g: its height, or None without a parabola.
        g_stderr: its standard error, or None.
    """

    r_A: float
    stderr_A: float | None = None
    g: float | None = None
    g_stderr: float | None = None


def first_peak(histogram: FloatArray, ideal: FloatArray, n: int, peak: int) -> FirstPeak:
    """Return where the maximum around the bin ``peak`` is, and how high.

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
    top = vertex(counts[bins], shell[bins], bins - peak)
    if top is None:
        return FirstPeak(centre)
    r, g = centre + BIN_A * top.place, float(np.exp(top.log_height) / ideal.sum())
    parts = np.array_split(np.arange(n), min(n, _BLOCKS) or 1)
    if len(parts) < _FEWEST_BLOCKS:
        return FirstPeak(r, None, g, None)
    total, all_ideal = histogram[:n].sum(axis=0), ideal[:n].sum()
    places, heights = [], []
    for part in parts:
        rest = all_ideal - ideal[part].sum()
        without = vertex((total - histogram[part].sum(axis=0))[bins], shell[bins], bins - peak)
        if without is None or rest <= 0:
            return FirstPeak(r, None, g, None)
        places.append(without.place)
        heights.append(without.log_height - np.log(rest))
    of_place, of_height = (np.sqrt((len(parts) - 1) * np.var(each)) for each in (places, heights))
    return FirstPeak(
        r,
        float(BIN_A * max(of_place, top.place_stderr)),
        g,
        float(g * max(of_height, top.log_height_stderr)),
    )


def _upper_part(g: FloatArray, peak: int) -> np.ndarray:
    """Return the bins of the peak that are near its height: three at least."""
    level = 1.0 + _UPPER_PART * (g[peak] - 1.0)
    first, last = max(peak - 1, 0), min(peak + 1, len(g) - 1)
    while first > 0 and g[first - 1] > level:
        first -= 1
    while last + 1 < len(g) and g[last + 1] > level:
        last += 1
    return np.arange(first, last + 1)


@dataclass(frozen=True, slots=True)
class Vertex:
    """The top of a parabola: its place in bins, its height, and errors from counting alone."""

    place: float
    place_stderr: float
    log_height: float
    log_height_stderr: float


def vertex(counts: FloatArray, shell: FloatArray, x: np.ndarray) -> Vertex | None:
    """Return the maximum of a parabola through ln(counts / shell), or None if there is none."""
    seen = counts > 0
    if seen.sum() < 3:
        return None
    design = np.stack([np.ones(len(x)), x, x**2], axis=1).astype(np.float64)
    # First the logarithms of the counts, then Newton's steps of the likelihood.
    weight = counts.astype(np.float64)
    target = np.log(np.where(seen, counts, 1.0) / shell)
    for _ in range(_NEWTON):
        inverse = np.linalg.pinv(design.T @ (weight[:, None] * design))
        a, b, c = inverse @ design.T @ (weight * target)
        if c >= 0 or not x[0] <= -b / (2.0 * c) <= x[-1]:
            return None
        model = design @ np.array([a, b, c])
        weight = shell * np.exp(model)
        target = model + (counts - weight) / weight
    shift = -b / (2.0 * c)
    # d shift / d b = -1 / 2c, d shift / d c = -shift / c; the height moves with 1, shift, shift².
    slope, rise = np.array([0.0, -0.5 / c, -shift / c]), np.array([1.0, shift, shift**2])
    errors = [float(np.sqrt(max(v @ inverse @ v, 0.0))) for v in (slope, rise)]
    return Vertex(float(shift), errors[0], float(a - b**2 / (4.0 * c)), errors[1])
