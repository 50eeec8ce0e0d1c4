"""Replicas in which little or nothing was seen: no bias by length, limits instead of zeros."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

import report_cases
from pykoh.analysis.common.estimate import Estimate, Kind
from pykoh.analysis.common.estimate_views import terminal
from pykoh.analysis.common.statistics import nothing_seen
from pykoh.analysis.results.write import write_results
from pykoh.analysis.series import replicas, series
from pykoh.analysis.series_files import read_series, write_series
from pykoh.analysis.series_run import part_of_series, read_run
from pykoh.report.series import rows


def test_replicas_that_saw_nothing_have_the_limit_of_all_together() -> None:
    rates = [Estimate.rate(0.0, 1.0 / 10.0), Estimate.rate(0.0, 1.0 / 30.0)]
    found = replicas(rates, [10.0, 30.0]).mean
    assert found is not None and (found.value, found.kind) == (0.0, Kind.RATE)
    assert found.upper_limit == pytest.approx(-math.log(0.05) / 40.0)
    shares = [Estimate.unseen(*nothing_seen(n)) for n in (8.0, 24.0)]
    found = replicas(shares, [8.0, 24.0]).mean
    assert found is not None
    assert (found.value, found.upper_limit) == (0.0, pytest.approx(1.0 - 0.05 ** (1.0 / 32.0)))
    always = [Estimate.share(1.0, nothing_seen(n)[0]) for n in (8.0, 24.0)]
    found = replicas(always, [8.0, 24.0]).mean
    assert found is not None and found.value == 1.0
    assert found.interval == pytest.approx((0.05 ** (1.0 / 32.0), 1.0))
    # A single run keeps its limit.
    for only in (rates[0], shares[0], always[0]):
        assert replicas([only], [1.0]).mean == only


@pytest.mark.parametrize("lengths", [(10.0, 10.0), (5.0, 40.0), (10.0, 10.0, 10.0)])
@pytest.mark.parametrize("rate", [0.02, 0.1, 0.3])
def test_rates_of_replicas_with_few_hops(lengths: tuple[float, ...], rate: float) -> None:
    """Also where one of the runs has none: no bias, and intervals that are of some use."""
    rng = np.random.default_rng(4)
    held, means, widths = 0, [], []
    for _ in range(1500):
        hops = [int(rng.poisson(rate * length)) for length in lengths]
        runs = [
            Estimate.rate(n / length, math.sqrt(max(n, 1)) / length)
            for n, length in zip(hops, lengths, strict=True)
        ]
        found = replicas(runs, lengths).mean
        assert found is not None and found.interval is not None
        low, high = found.interval
        held += low <= rate <= high
        means.append(found.value)
        widths.append((high - low) * sum(lengths) / max(sum(hops), 1))
    assert np.mean(means) == pytest.approx(rate, abs=4.0 * np.sqrt(rate / sum(lengths) / 1500))
    assert held / 1500 >= 0.93
    assert np.median(widths) < 8.0  # of one hop: 5.5


def test_limits_survive_results_and_series_json(tmp_path: Path) -> None:
    """What was not seen in two runs is a limit on the page and in the terminal, not 0."""
    full = report_cases.full()
    hops = dataclasses.replace(full.grotthuss, hop_rate_per_ps=Estimate.rate(0.0, 0.01))
    results = dataclasses.replace(full, grotthuss=hops)
    write_results(results, tmp_path, part_of_series(results))
    points = series([read_run(tmp_path / "results.json", name) for name in "ab"])
    again = points[0].values["hop_rate_per_ps"]
    assert again is not None and terminal(again) == "< 0.015 (95 %)"
    assert ["net hops per OH⁻ (1/ps)", "< 0.015 (95 %)"] in rows("hops", points)
    write_series(points, tmp_path)
    read = read_series(tmp_path)[0].values["hop_rate_per_ps"]
    assert read is not None and terminal(read) == "< 0.015 (95 %)"
