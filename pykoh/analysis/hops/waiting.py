"""Waiting times between hops of the same hydroxide: their distribution and its exponential tail."""

from __future__ import annotations

import numpy as np

from pykoh.analysis.common.distributions import chi2_tail
from pykoh.analysis.common.estimate import Estimate, How
from pykoh.analysis.hops.values import WaitingTimeFit, WaitingTimes
from pykoh.arrays import FloatArray

FEWEST_IN_TAIL = 20
_REJECTED = 0.05

# Waiting times in frames: logarithmic bins whose edges lie between whole numbers.
EDGES = np.unique(np.round(10.0 ** np.arange(0.0, 12.0, 0.1))).astype(np.float64) - 0.5


def waiting_times(
    waiting: FloatArray, interval_ps: float, window_ps: float, waited_ps: FloatArray
) -> WaitingTimes | None:
    """Return the distribution of the times between hops, or None without any.

    Args:
        waiting: [n_bins, 2], number and sum (frames) of the waiting times in each bin.
        interval_ps: time between frames.
        window_ps: rattle window; shorter waits are no part of the tail.
        waited_ps: [n], time since the last hop of each identity, which the end of the run cut off.
    """
    counts, sums = waiting[:, 0], waiting[:, 1]
    total = counts.sum()
    if total == 0:
        return None
    last = int(np.flatnonzero(counts)[-1]) + 1
    edges = EDGES[: last + 1] * interval_ps
    width = np.diff(edges)
    density = counts[:last] / (total * width)
    return WaitingTimes(
        edges_ps=edges,
        counts=counts[:last].astype(np.int64),
        density_per_ps=density,
        density_stderr_per_ps=np.sqrt(counts[:last]) / (total * width),
        fit=_tail(edges, counts[:last], sums[:last] * interval_ps, window_ps, waited_ps),
    )


def _tail(
    edges: FloatArray, counts: FloatArray, sums: FloatArray, window: float, waited: FloatArray
) -> WaitingTimeFit | None:
    """Fit a·λ·exp(-λt) beyond the first edge from which on an exponential holds.

    λ by maximum likelihood, with the waits that the end of the run cut off as such.

    Args:
        edges: [n + 1], ps.
        counts: [n].
        sums: [n], ps, sum of the waiting times in each bin.
        window: rattle window, ps.
        waited: [n], ps, waits that the end of the run cut off.
    """
    total = counts.sum()
    for k, start in enumerate(edges[:-1]):
        n = counts[k:].sum()
        if n < FEWEST_IN_TAIL:
            return None
        if start < window:
            continue
        exposure = (sums[k:].sum() - n * start) + np.maximum(waited - start, 0.0).sum()
        rate = n / exposure
        if not _exponential(edges[k:], counts[k:], rate):
            continue
        share = n / total
        amplitude = share * np.exp(rate * start)
        rate_stderr = rate / np.sqrt(n)
        spread = np.sqrt(max(1.0 - share, 0.0) / n + (start * rate_stderr) ** 2)
        return WaitingTimeFit(
            amplitude=Estimate.number(amplitude, amplitude * spread, How.COUNT),
            rate_per_ps=Estimate.positive(rate, rate_stderr, How.COUNT),
            start_ps=float(start),
            n_waiting_times=int(n),
        )
    return None


def _exponential(edges: FloatArray, counts: FloatArray, rate: float) -> bool:
    """Return whether binned waiting times beyond ``edges[0]`` agree with an exponential (χ²)."""
    n = counts.sum()
    survival = np.exp(-rate * (edges - edges[0]))
    survival[-1] = 0.0  # the last bin takes the rest
    expected = -np.diff(survival) * n
    observed, wanted = [0.0], [0.0]
    for seen, model in zip(counts, expected, strict=True):
        observed[-1] += seen
        wanted[-1] += model
        if wanted[-1] >= 5.0:
            observed.append(0.0)
            wanted.append(0.0)
    if len(wanted) > 1:
        rest_seen, rest = observed.pop(), wanted.pop()
        observed[-1] += rest_seen
        wanted[-1] += rest
    freedom = len(wanted) - 2
    if freedom < 1:
        return True
    seen, model = np.array(observed), np.array(wanted)
    chi2 = float(((seen - model) ** 2 / model).sum())
    return bool(chi2_tail(chi2, freedom) > _REJECTED)
