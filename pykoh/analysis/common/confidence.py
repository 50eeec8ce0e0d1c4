"""Intervals that hold the truth in 95 of 100 runs, from values and their standard errors.

Two standard errors on either side are an interval of 95 % only where the distribution is a bell.
What is positive (a diffusion coefficient, a rate, a viscosity) is a sum of squares or a count, and
leans to one side; a share cannot leave [0, 1]. Each is given the distribution that has the measured
mean and standard error.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pykoh.analysis.common.distributions import (
    chi2_quantile,
    f_quantile,
    normal_quantile,
    t_quantile,
)

Interval = tuple[float, float]

LEVEL = 0.95
_TAIL = 0.5 * (1.0 - LEVEL)
_GRID = (np.arange(64) + 0.5) / 64.0
_FEWEST_FREEDOM = 1.0  # an estimate with less says nothing


def positive(value: float | None, stderr: float | None) -> Interval | None:
    """Return the interval of a quantity that cannot be negative, in its unit; None if unknown.

    An estimate that is a mean of squares follows value · χ²_ν / ν with ν = 2 (value / stderr)², so
    that the truth lies between ν value / χ²_ν(0.975) and ν value / χ²_ν(0.025).

    Args:
        value: the estimate, above 0.
        stderr: its standard error, same unit.
    """
    if value is None or stderr is None or value <= 0 or stderr <= 0:
        return None
    freedom = 2.0 * (value / stderr) ** 2
    if freedom < _FEWEST_FREEDOM:
        return None
    low, high = chi2_quantile([_TAIL, 1.0 - _TAIL], freedom)
    return float(freedom * value / high), float(freedom * value / low)


def difference(one: tuple[float, Interval], other: tuple[float, Interval]) -> Interval:
    """Return the interval of ``other - one``, of independent quantities.

    As for a sum (:func:`total`), from the ends of both intervals (Zou and Donner, Stat. Med. 27
    (2008) 1693, doi:10.1002/sim.3095). So it is as wide as few replicas or few events make it:

        lower = d - √[(v₂ - l₂)² + (u₁ - v₁)²],   upper = d + √[(u₂ - v₂)² + (v₁ - l₁)²].

    Args:
        one: a value and its interval of 95 %.
        other: another one, same unit.
    """
    (first, (low_1, high_1)), (second, (low_2, high_2)) = one, other
    middle = second - first
    below = np.hypot(second - low_2, high_1 - first)
    above = np.hypot(high_2 - second, first - low_1)
    return float(middle - below), float(middle + above)


def normal(value: float, stderr: float) -> Interval:
    """Return the interval of a quantity whose estimates follow a bell.

    Args:
        value: the estimate.
        stderr: its standard error, same unit.
    """
    half = float(normal_quantile(1.0 - _TAIL)) * stderr
    return value - half, value + half


def total(parts: Sequence[tuple[float, float]]) -> Interval | None:
    """Return the interval of a sum of independent positive quantities; None if unknown.

    The variance of each part is recovered from the end of its interval that is needed, so that the
    sum leans to the side to which its parts lean (Zou, Huang and Zhang, Comput. Stat. Data Anal. 53
    (2009) 1080, doi:10.1016/j.csda.2008.03.033):

        lower = Σ v_i - √Σ (v_i - l_i)²,   upper = Σ v_i + √Σ (u_i - v_i)².

    Args:
        parts: values and standard errors; of a part without an error only the value counts.
    """
    ends = [(v, positive(v, e)) for v, e in parts if e > 0]
    if not ends or any(interval is None for _, interval in ends):
        return None
    below = sum((v - i[0]) ** 2 for v, i in ends if i is not None)
    above = sum((i[1] - v) ** 2 for v, i in ends if i is not None)
    value = sum(v for v, _ in parts)
    return float(value - np.sqrt(below)), float(value + np.sqrt(above))


def share(value: float | None, stderr: float | None) -> Interval | None:
    """Return the interval of a share of time, within [0, 1]; None if unknown.

    The share of the time in which something is so (a bond, a pair) comes from U spells of it and U
    spells without. If these last an exponentially distributed time, value / (1 - value) over its
    true value follows Fisher's distribution with 2 U and 2 U degrees of freedom (a ratio of two
    sums of U exponential times: Cox, Renewal Theory, Methuen 1962, chapter 7). U is taken from the
    standard error: with r = stderr / [value (1 - value)], r² = 2 / U in the mean. What is measured
    for r² from U spells is 2 / (U + 1) in the mean, since their scatter is taken about what was
    found: a single spell has r = 1 however long it is. So U = 2 / r² - 1.

    Where nothing was seen, or nothing else, see :func:`share_of_events`.

    Args:
        value: the share.
        stderr: its standard error.
    """
    if value is None or stderr is None or stderr <= 0 or not 0.0 <= value <= 1.0:
        return None
    if value in (0.0, 1.0):
        return share_of_events(value, stderr)
    spells = max(2.0 * (value * (1.0 - value) / stderr) ** 2 - 1.0, 1.0)
    low, high = f_quantile([_TAIL, 1.0 - _TAIL], 2.0 * spells, 2.0 * spells)
    odds = value / (1.0 - value)
    return float(odds / high / (1.0 + odds / high)), float(odds / low / (1.0 + odds / low))


def share_of_events(value: float | None, stderr: float | None) -> Interval | None:
    """Return the interval of a share of events, within [0, 1]; None if unknown.

    Wilson, J. Am. Stat. Assoc. 22 (1927) 209, doi:10.1080/01621459.1927.10502953, with the
    number of independent observations that the standard error implies, n = value (1 - value) /
    stderr².

    Args:
        value: the share.
        stderr: its standard error.
    """
    if value is None or stderr is None or stderr <= 0 or not 0.0 <= value <= 1.0:
        return None
    z = float(normal_quantile(1.0 - _TAIL))
    n = max(value * (1.0 - value) / stderr**2, 1e-9)
    if value in (0.0, 1.0):
        n = unseen_observations(stderr)
        limit = float(1.0 - 0.05 ** (1.0 / n))
        return (0.0, limit) if value == 0.0 else (1.0 - limit, 1.0)
    centre = (value + z**2 / (2.0 * n)) / (1.0 + z**2 / n)
    half = z * np.sqrt(value * (1.0 - value) / n + z**2 / (4.0 * n**2)) / (1.0 + z**2 / n)
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def unseen_observations(stderr: float) -> float:
    """Return of how many observations Jeffreys' posterior of none seen has this standard error.

    stderr² = (n + 1/2) / 2 / [(n + 1)² (n + 2)], as in
    :func:`pykoh.analysis.common.statistics.nothing_seen`.
    """
    low, high = 1.0, 1e12
    while high / low > 1.0 + 1e-12:
        n = float(np.sqrt(low * high))
        larger = 0.5 * (n + 0.5) / ((n + 1.0) ** 2 * (n + 2.0)) > stderr**2
        low, high = (n, high) if larger else (low, n)
    return low


def rate(n_events: float, exposure: float, stderr: float | None = None) -> Interval | None:
    """Return the interval of a rate of events, in events per unit of exposure; None if unknown.

    Garwood, Biometrika 28 (1936) 437, doi:10.1093/biomet/28.3-4.437: exact for events that are
    independent of each other. Where the standard error is larger than theirs, there are as many
    independent events as it is worth.

    Args:
        n_events: events that were seen.
        exposure: time (ps) that was watched, above 0.
        stderr: standard error of the rate, same unit as the rate.
    """
    if exposure <= 0:
        return None
    if n_events <= 0:
        return 0.0, float(-np.log(1.0 - LEVEL) / exposure)
    value = n_events / exposure
    worth = n_events
    if stderr is not None and stderr > 0:
        worth = min(n_events, (value / stderr) ** 2)
    low, high = chi2_quantile([_TAIL, 1.0 - _TAIL], [2.0 * worth, 2.0 * worth + 2.0])
    scale = value / worth / 2.0
    return float(low * scale), float(high * scale)


def hop_rate(value: float | None, stderr: float | None) -> Interval | None:
    """Return the interval of 95 % of a hop rate, in its unit: :func:`rate`.

    Args:
        value: the rate, or None.
        stderr: its standard error; of a rate of 0 that of one hop in the exposure.
    """
    if value is None or stderr is None or value < 0 or stderr <= 0:
        return None
    if value == 0.0:
        return rate(0, 1.0 / stderr)
    # Hops that are independent of each other: √n / n is the relative error.
    n_hops = (value / stderr) ** 2
    return rate(n_hops, n_hops / value)


def ratio(
    value: float | None, numerator: float | None, denominator: float | None
) -> Interval | None:
    """Return the interval of a ratio of two independent positive estimates; None if unknown.

    Each follows χ² as in :func:`positive`, so that their ratio follows Fisher's distribution.

    Args:
        value: the ratio, above 0.
        numerator: relative standard error of the one.
        denominator: relative standard error of the other.
    """
    if value is None or value <= 0 or not numerator or not denominator:
        return None
    low, high = f_quantile([_TAIL, 1.0 - _TAIL], 2.0 / numerator**2, 2.0 / denominator**2)
    return float(value / high), float(value / low)


def covariance(value: float, one: float, other: float, freedom: float) -> Interval | None:
    """Return the interval of a covariance of Gaussian quantities, in its unit; None if unknown.

    By Bartlett's decomposition of Wishart's distribution the truth is distributed as

        [value - √(one · other - value²) t / √(ν - 1)] ν / χ²,

    with Student's t of ν - 1 and χ² of ν degrees of freedom, which are independent of each other (a
    generalised interval: Weerahandi, J. Am. Stat. Assoc. 88 (1993) 899,
    doi:10.1080/01621459.1993.10476355). Its ends are those of 64 × 64 quantiles.

    Args:
        value: the covariance.
        one: variance of the one, above 0.
        other: variance of the other, above 0.
        freedom: degrees of freedom ν, above 1.
    """
    if one <= 0 or other <= 0 or freedom <= 1.0:
        return None
    t = t_quantile(_GRID, freedom - 1.0) / np.sqrt(freedom - 1.0)
    size = freedom / chi2_quantile(_GRID, freedom)
    apart = np.sqrt(max(one * other - value**2, 0.0))
    low, high = np.quantile((value - apart * t)[:, None] * size, [_TAIL, 1.0 - _TAIL])
    return float(low), float(high)


def student(value: float | None, stderr: float | None, freedom: float) -> Interval | None:
    """Return the interval of Student's distribution, in the unit of the value; None if unknown.

    Args:
        value: the estimate.
        stderr: its standard error.
        freedom: degrees of freedom behind the standard error, at least 1.
    """
    if value is None or stderr is None or stderr <= 0:
        return None
    half = float(t_quantile(1.0 - _TAIL, max(freedom, 1.0))) * stderr
    return value - half, value + half
