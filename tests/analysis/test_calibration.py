"""A small part of benchmarks/calibration.py: intervals of 95 % hold the known truth."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import exact
from pykoh.analysis.common.equilibration import Watched, drift, drift_warnings, drifts
from pykoh.analysis.common.estimate import Estimate
from pykoh.analysis.common.estimate_views import columns
from pykoh.analysis.pipeline import Settings, analyze
from pykoh.analysis.transport.onsager import haven_ratio
from pykoh.trajectory.run import ReadOptions, Run

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

from calibration_rows import GROUPS, Row, box_rows
from false_alarms import alarms, bonded, hops, moved, noise

ROWS = {row.name: row for group in GROUPS if group is not box_rows for row in group()}
FIRST_SEED = 77


def found(row: Row, seeds: int) -> dict[str, np.ndarray]:
    """Return [n, 5] value, standard error, interval, truth of each quantity that was published."""
    of: dict[str, list[tuple[float, ...]]] = {}
    for seed in range(seeds):
        for name, value, error, interval, truth in row.make(
            np.random.default_rng([FIRST_SEED, seed])
        ):
            if value is not None and error is not None and interval is not None:
                of.setdefault(name, []).append((value, error, *interval, truth))
    return {name: np.array(entries) for name, entries in of.items()}


@pytest.mark.parametrize(
    ("name", "seeds"),
    [
        ("Brownian, 3 ions, 100 ps", 40),
        ("one-dimensional, 3 ions, 100 ps", 40),
        ("hops, 0% returns, 3 ions, 100 ps", 40),
        ("hops, 30% returns, 3 ions, 100 ps", 60),
        ("hops, 60% returns, 8 ions, 100 ps", 40),
        ("caged, 1 ps and 0.5 Å, 16 ions, 100 ps", 24),
        ("stress, 100% 0.3 ps; 300 ps", 24),
        ("stress, 50% 0.05 ps + 50% 2 ps; 300 ps", 24),
        ("average (temperature), memory 1 ps, 100 ps", 60),
        ("2 replicas, 50% returns, 3 ions, 100 ps each", 24),
        ("transfer, 3 ions, 3 kT, 100 ps", 30),
        ("hydrogen bonds, 3 donors, 100 ps", 60),
        ("hydrogen bonds, 16 donors, 100 ps", 60),
        ("first shell, 100 ps", 24),
        ("pairs of ions, 2 couples, 100 ps", 60),
    ],
)
def test_intervals_hold_the_truth(name: str, seeds: int) -> None:
    """As few failures as one run in 1,000 would have with 90 %; bias within 5 % and noise."""
    fewest = stats.binom.ppf(0.001, seeds, 0.90)
    quantities = found(ROWS[name], seeds)
    assert quantities
    for quantity, entries in quantities.items():
        value, error, low, high, truth = entries.T
        assert len(entries) >= 0.9 * seeds, f"{quantity}: {seeds - len(entries)} null"
        held = int(((low <= truth) & (truth <= high)).sum())
        assert held >= fewest - (seeds - len(entries)), f"{quantity}: {held} of {seeds}"
        noise = value.std(ddof=1) / np.sqrt(len(value))
        bias = abs(value.mean() - truth[0])
        assert bias < 0.05 * truth[0] + 3.5 * noise, f"{quantity}: {bias / truth[0]:+.3f}"
        # Intervals of any width would hold it.
        assert value.std(ddof=1) > 0.5 * error.mean(), quantity


def test_records_too_short_for_the_stress_are_null() -> None:
    for name in ("stress, 100% 10 ps; 300 ps", "stress, 50% 0.05 ps + 50% 2 ps; 100 ps"):
        assert not found(ROWS[name], 4), name


@pytest.mark.parametrize(
    ("box", "seeds"),
    [
        (exact.Box(1, 240.0, returns=0.0), 5),
        (exact.Box(5, 60.0, returns=0.0, drag=0.2), 3),
    ],
    ids=["dilute", "concentrated"],
)
def test_einstein_conductivity_beside_rotating_water(
    box: exact.Box, seeds: int, tmp_path: Path
) -> None:
    """Water turns with 8 ps: with formal charges of all atoms the slope is far above that of ions.

    In the concentrated box each cation goes a fifth of the way of its hydroxide, a known cross
    term: Nernst and Einstein's conductivity is not that of the current.
    """
    values, cross, bounds = [], [], []
    for seed in range(seeds):
        made = exact.reactive_box(np.random.default_rng([FIRST_SEED, seed]), box)
        path = exact.write(made, tmp_path / f"{seed}.dump")
        result = analyze(Run([path], ReadOptions()), Settings(temperature_K=300.0)).conductivity
        found = result.einstein_S_per_m
        assert found is not None and found.stderr is not None
        values.append(found.value / made.truth["einstein"])
        bounds.append(found.stderr / made.truth["einstein"])
        part = next(entry for entry in result.onsager if entry.name == "cation_hydroxide")
        cross.append((*columns(part.coefficient), made.truth["cation_hydroxide"]))
    spread = np.mean(bounds) / np.sqrt(seeds)
    assert spread < 0.3
    assert np.mean(values) == pytest.approx(1.0, abs=3.0 * spread)
    value, error, truth = np.array(cross).T
    assert abs((value - truth).mean()) < 3.0 * error.mean() / np.sqrt(seeds)


def test_an_unequilibrated_beginning_is_seen() -> None:
    """A mean that relaxes within an eighth of the run is seen; correlated noise is not."""
    n, ones = 64, np.ones(64)
    seen = alarms = 0
    for seed in range(100):
        rng = np.random.default_rng([FIRST_SEED, seed])
        noise = 300.0 + 4.0 * exact.ornstein_uhlenbeck(rng, n, (1,), 2.0, 1.0)[:, 0]
        alarms += drift(noise, ones) is not None
        seen += drift(noise + 60.0 * np.exp(-np.arange(n) / 8.0), ones) is not None
    assert seen >= 95
    assert alarms <= 3


@pytest.mark.parametrize(
    ("kind", "make"),
    [
        ("drift", lambda rng: noise(rng, 20, 1.0)),
        ("drift", lambda rng: bonded(rng, 100, 3)),
        ("halves", lambda rng: bonded(rng, 100, 16)),
        ("halves", lambda rng: hops(rng, 100, 3)),
        ("halves", lambda rng: moved(rng, 100, 3, 0.5)),
    ],
    ids=["temperature", "share of time", "shares of halves", "hops of halves", "D of halves"],
)
def test_runs_in_equilibrium_are_rarely_said_to_drift(kind, make) -> None:  # type: ignore[no-untyped-def]
    """At most 5 % of 200 runs; docs/trust.md has them all."""
    assert alarms(kind, make, FIRST_SEED, 200) <= 10


def test_what_drifts_is_named() -> None:
    rng = np.random.default_rng(0)
    steady = 2.0 + 0.01 * rng.normal(size=64), np.ones(64)
    begins = steady[0] + np.exp(-np.arange(64) / 10.0), np.ones(64)

    def said(**watched: tuple[np.ndarray, np.ndarray]) -> list[str]:
        return [
            w.reason for w in drift_warnings(drifts(Watched(n, "", *w) for n, w in watched.items()))
        ]

    assert said(temperature=steady, bonds=steady) == []
    (reason,) = said(temperature=steady, bonds=begins)
    assert "bonds" in reason and "temperature" not in reason
    (reason,) = said(temperature=begins, bonds=begins)
    assert "temperature" in reason and "bonds" in reason


def test_a_quotient_of_noisy_conductivities_has_no_bias() -> None:
    """Relative errors of 15 and 25 %: the plain quotient would be 4 % too high."""
    rng = np.random.default_rng(FIRST_SEED)
    of_both, of_one = 0.15 * rng.normal(size=20_000), 0.20 * rng.normal(size=20_000)
    above, below = 1.0 + of_both, 1.0 + of_both + of_one
    pairs = zip(above, below, strict=True)
    number = Estimate.number
    ratios = [haven_ratio(number(a, 0.15 * a), number(b, 0.25 * b)) for a, b in pairs if b > 0.3]
    found = [ratio.value for ratio in ratios if ratio is not None]
    assert np.mean(above[below > 0.3] / below[below > 0.3]) > 1.03
    assert np.mean(found) == pytest.approx(1.0, abs=0.01)
