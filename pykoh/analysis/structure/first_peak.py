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

from pykoh.analysis.common.estimate import Estimate, How
from pykoh.analysis.common.parabola import vertex
from pykoh.analysis.structure.rdf import BIN_A
from pykoh.arrays import FloatArray

_UPPER_PART = 0.6  # of the height above 1
_FEWEST_BLOCKS = 4
_BLOCKS = 16


@dataclass(frozen=True, slots=True)
class FirstPeak:
    """Position and height of a peak.

    Attributes:
        r_A: its position, Å.
        g: its height, or None without a parabola.
    """

    r_A: Estimate
    g: Estimate | None = None


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
        reason = "no parabola describes the peak"
        return FirstPeak(Estimate.number(centre, None, reason=reason))
    r, g = centre + BIN_A * top.place, float(np.exp(top.log_height) / ideal.sum())
    no_error = FirstPeak(Estimate.number(r, None), Estimate.number(g, None))
    parts = np.array_split(np.arange(n), min(n, _BLOCKS) or 1)
    if len(parts) < _FEWEST_BLOCKS:
        return no_error
    total, all_ideal = histogram[:n].sum(axis=0), ideal[:n].sum()
    places, heights = [], []
    for part in parts:
        rest = all_ideal - ideal[part].sum()
        without = vertex((total - histogram[part].sum(axis=0))[bins], shell[bins], bins - peak)
        if without is None or rest <= 0:
            return no_error
        places.append(without.place)
        heights.append(without.log_height - np.log(rest))
    of_place, of_height = (np.sqrt((len(parts) - 1) * np.var(each)) for each in (places, heights))
    return FirstPeak(
        Estimate.number(r, BIN_A * max(of_place, top.place_stderr), How.JACKKNIFE),
        Estimate.number(g, g * max(of_height, top.log_height_stderr), How.JACKKNIFE),
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
