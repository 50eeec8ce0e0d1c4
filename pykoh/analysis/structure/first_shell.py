"""The first shell of g(r): its peak, and the minimum behind it where noise allows one to be seen.

A minimum is resolved if the smoothed g(r) falls from the peak, and rises again, by more than four
standard errors. Its position is that of a parabola through the points around it, weighted with
their errors; the error of the position goes into that of the coordination number. Where g(r) is
empty for a while, the minimum is the middle of the gap. Errors are those of blocks of time, at
least those of counting; with too few frames for blocks all frames together count as one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from pykoh.analysis.structure.rdf import BIN_A
from pykoh.arrays import FloatArray

_SMOOTHING_BINS = 1.6  # 0.08 Å
_STRAY = 3.0  # pairs at short range that are no peak
_FEWEST_IN_PEAK = 40.0
_SIGNIFICANT = 4.0  # the largest of some twenty independent steps of noise stays below
_SHELL_BINS = 20  # 1 Å: how far behind the minimum g(r) has to have risen
_LEAST_STDERR_A = BIN_A / np.sqrt(6.0)  # two edges of bins are equally near


@dataclass(frozen=True, slots=True)
class FirstShell:
    """Where the first shell is.

    Attributes:
        peak: bin of the first maximum, or None.
        minimum: bin whose outer edge is the minimum behind it, or None.
        minimum_stderr_A: standard error of its position, Å, or None.
        reason: why there is no minimum, or None.
    """

    peak: int | None
    minimum: int | None
    minimum_stderr_A: float | None
    reason: str | None


def point_errors(
    counts: FloatArray, per_count: FloatArray, blocks: FloatArray, n_frames: int
) -> FloatArray:
    """Return [n_bins], the standard errors of g that decide what is seen.

    Args:
        counts: [n_bins], pairs.
        per_count: [n_bins], g of one pair.
        blocks: [n_bins], standard errors from blocks of time, NaN where unknown.
        n_frames: frames that were sampled.
    """
    # Pairs of frames that follow each other are the same pairs.
    repeated = np.where(np.isnan(blocks), float(n_frames), 1.0)
    counting = np.sqrt(np.maximum(counts, 1.0) * repeated) * per_count
    errors: FloatArray = np.fmax(blocks, counting)
    return errors


def first_shell(g: FloatArray, counts: FloatArray, errors: FloatArray) -> FirstShell:
    """Return the first shell of a radial distribution function.

    Args:
        g: [n_bins].
        counts: [n_bins], pairs behind it.
        errors: [n_bins], from :func:`point_errors`.
    """
    smooth = gaussian_filter1d(g, _SMOOTHING_BINS, mode="nearest")
    # Variance of a Gaussian average of independent points.
    narrow = gaussian_filter1d(errors**2, _SMOOTHING_BINS / np.sqrt(2.0), mode="nearest")
    noise = np.sqrt(narrow / (2.0 * np.sqrt(np.pi) * _SMOOTHING_BINS))
    top = _first_peak(smooth, counts)
    if top is None:
        return FirstShell(None, None, None, "no clear first peak of g(r)")
    begin = max(0, top - 2)
    peak = begin + int(np.argmax(g[begin : top + 3]))
    # A peak of bonded atoms is no measure of the depth.
    height = min(float(smooth[top]), 1.5)
    lowest = top
    rises = False
    for j in range(top + 1, len(smooth)):
        if smooth[j] < smooth[lowest]:
            lowest = j
        elif smooth[j] > smooth[lowest] + 0.1 * max(height - smooth[lowest], 0.0):
            rises = True
            break
    if not rises:
        return FirstShell(peak, None, None, "g(r) does not rise again behind its first peak")
    flat = float(smooth[lowest]) + 1e-3 * height
    left = right = lowest
    while right + 1 < len(smooth) and smooth[right + 1] <= flat:
        right += 1
    while left > top and smooth[left - 1] <= flat:
        left -= 1
    behind = right + int(np.argmax(smooth[right : right + _SHELL_BINS]))
    for high in (top, behind):
        step = smooth[high] - smooth[lowest]
        if step < _SIGNIFICANT * np.hypot(noise[high], noise[lowest]):
            reason = "noise hides the first minimum of g(r); use more frames"
            return FirstShell(peak, None, None, reason)
    if right - left > 2 * _SMOOTHING_BINS and counts[left : right + 1].sum() <= _STRAY:
        half = 0.5 * (right - left) * BIN_A
        return FirstShell(peak, (left + right) // 2, float(half / np.sqrt(3.0)), None)
    place, stderr = _parabola(g, errors, smooth, lowest, top, behind)
    return FirstShell(peak, place, stderr, None)


def _first_peak(smooth: FloatArray, counts: FloatArray) -> int | None:
    """Return the bin of the first maximum above 1 with enough pairs, or None."""
    for k in range(1, len(smooth) - 1):
        if not (smooth[k] > smooth[k - 1] and smooth[k] >= smooth[k + 1] and smooth[k] > 1.0):
            continue
        near = counts[max(0, k - 4) : k + 5].sum()
        if near <= _STRAY:
            continue
        # Perhaps the first peak, perhaps noise; the next one must not pass for the first.
        return k if near >= _FEWEST_IN_PEAK else None
    return None


def _parabola(
    g: FloatArray, errors: FloatArray, smooth: FloatArray, lowest: int, top: int, behind: int
) -> tuple[int, float]:
    """Return the bin and the standard error (Å) of the minimum of a parabola around ``lowest``."""
    depth = min(smooth[top], smooth[behind]) - smooth[lowest]
    # Not the same number of bins on both sides: noise has chosen ``lowest`` among its neighbours.
    level = smooth[lowest] + 0.3 * depth
    first, last = max(lowest - 2, 0), min(lowest + 2, len(g) - 1)
    while first - 1 > top and smooth[first - 1] < level:
        first -= 1
    while last + 1 < behind and smooth[last + 1] < level:
        last += 1
    used = np.arange(first, last + 1)
    x = (used - lowest).astype(np.float64)
    design = np.stack([np.ones_like(x), x, x**2], axis=1) / errors[used, None]
    inverse = np.linalg.pinv(design.T @ design)
    _, b, c = inverse @ design.T @ (g[used] / errors[used])
    # Somewhere between the peak before and the one behind, if the parabola says nothing.
    unknown = 0.5 * (behind - top) * BIN_A / np.sqrt(3.0)
    if c <= 0 or not x[0] <= -b / (2.0 * c) <= x[-1]:
        return lowest, float(unknown)
    shift = -b / (2.0 * c)
    # d shift / d b = -1 / 2c, d shift / d c = -shift / c
    slope = np.array([0.0, -0.5 / c, -shift / c])
    # The curve is no parabola: its lowest point and that of the parabola differ by as much.
    stderr = float(np.sqrt(max(slope @ inverse @ slope, 0.0) + (0.5 * shift) ** 2)) * BIN_A
    return lowest + round(shift), float(min(max(stderr, _LEAST_STDERR_A), unknown))
