"""An estimate: its intervals, its one rule of rounding, its keys, and what it refuses."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from scipy import stats

import report_cases
from pykoh.analysis.common import confidence
from pykoh.analysis.common.estimate import Estimate, How, Kind
from pykoh.analysis.common.estimate_views import columns, keys, page, rounded, terminal
from pykoh.analysis.results import Row
from pykoh.analysis.results.write import as_json


def test_each_constructor_gives_the_interval_of_its_distribution() -> None:
    assert Estimate.positive(2.0, 0.5).interval == confidence.positive(2.0, 0.5)
    assert Estimate.share(0.3, 0.05).interval == confidence.share(0.3, 0.05)
    events = Estimate.share_of_events(0.3, 0.05)
    assert events.interval == confidence.share_of_events(0.3, 0.05)
    # Student's t with 3 degrees of freedom: 3.182.
    replicas = Estimate.student(1.0, 0.1, 3.0, How.REPLICAS)
    low, high = replicas.interval or (0.0, 0.0)
    assert replicas.freedom == replicas.times(2.0).freedom == 3.0
    assert (low, high) == pytest.approx((1.0 - 0.3182, 1.0 + 0.3182), abs=1e-4)
    # Nothing in an exposure of 9 ps: 3.0 / 9 (Poisson, 95 %).
    assert Estimate.rate(0.0, 1.0 / 9.0).upper_limit == pytest.approx(-math.log(0.05) / 9.0)
    parts = [Estimate.positive(1.0, 0.1), Estimate.given(3.0)]
    whole = Estimate.sum(4.0, 0.1, parts)
    own = parts[0].interval
    assert whole.interval is not None and own is not None
    assert whole.interval == pytest.approx((own[0] + 3.0, own[1] + 3.0))


def test_what_was_not_seen_is_a_limit_and_no_value() -> None:
    nothing = Estimate.unseen(0.2, 0.388)
    assert (nothing.value, nothing.upper_limit, nothing.how) == (0.0, 0.388, How.UNSEEN)
    assert terminal(nothing) == page(nothing) == "< 0.39 (95 %)"
    assert Estimate.share(0.2, 0.1).upper_limit is None
    assert Estimate.share(0.0, 0.1).how is How.UNSEEN


@pytest.mark.parametrize(
    ("value", "stderr", "how", "reason"),
    [
        (1.0, None, How.BLOCKS, ""),  # no error, and no reason
        (1.0, None, How.UNKNOWN, ""),
        (1.0, None, How.BLOCKS, "too short"),  # blocks give an error
        (1.0, 0.1, How.GIVEN, ""),  # an exact number has no error
        (1.0, -0.1, How.BLOCKS, ""),
        (1.0, math.nan, How.BLOCKS, ""),
        (math.nan, 0.1, How.BLOCKS, ""),
    ],
)
def test_an_estimate_without_error_and_reason_cannot_be_made(value, stderr, how, reason) -> None:
    with pytest.raises(ValueError, match="estimate"):
        Estimate(value, stderr, how, reason=reason)


def test_an_unknown_error_has_a_reason() -> None:
    for stderr in (None, math.nan, math.inf):
        found = Estimate.positive(1.0, stderr)
        assert found.stderr is None and found.interval is None
        assert found.how is How.UNKNOWN and found.reason
    row = Row("time_ps", "time", 2.0, None, "ps")
    assert row.estimate is not None and "observable" in row.estimate.reason
    assert Row("time_ps", "time", None, None).estimate is None


@pytest.mark.parametrize(
    ("value", "stderr", "expected"),
    [
        (1.2345, 0.0678, ("1.234", "0.068")),
        (1.2345, 0.0123, ("1.234", "0.012")),
        (123.4, 12.0, ("123", "12")),
        (1234.5, 220.0, ("1234", "220")),
        (1e7, 2e5, ("1e+07", "2e+05")),
        (3.0, 1e-12, ("3", "1e-12")),
        (1.2345, 0.0996, ("1.23", "0.10")),
        (-0.0012, 0.59, ("0.00", "0.59")),
    ],
)
def test_two_digits_of_the_error(value, stderr, expected) -> None:
    assert rounded(value, stderr) == expected
    estimate = Estimate.number(value, stderr)
    assert terminal(estimate) == page(estimate) == " ± ".join(expected)
    assert str(estimate) == terminal(estimate)


@pytest.mark.parametrize(
    ("limit", "text"), [(0.0369, "0.037"), (0.0361, "0.037"), (0.0991, "0.1"), (12.1, "13")]
)
def test_the_limit_of_a_rate_is_not_rounded_down(limit: float, text: str) -> None:
    rate = Estimate(0.0, limit, How.COUNT, (0.0, limit), Kind.RATE)
    assert terminal(rate) == f"< {text} (95 %)"


def test_terminal_and_page_write_the_same_digits() -> None:
    """Of all estimates of a run; only the unit and the power of ten are different."""
    found = report_cases.full()
    for estimate in (
        found.grotthuss.hop_rate_per_ps,
        found.grotthuss.residence_time_ps,
        found.hydrogen_bonds.classes[0].fraction_of_donors_bonded,
        found.hydrogen_bonds.classes[1].lifetime_ps,
        found.conductivity.einstein_S_per_m,
    ):
        assert estimate is not None
        assert terminal(estimate) == page(estimate)
    d = found.diffusion.species[0].D_m2_per_s
    assert d is not None and page(d, "m²/s", -9) == f"({terminal(d, 1e9)}) × 10⁻⁹ m²/s"


def test_unknown_given_and_missing_numbers() -> None:
    assert terminal(None) == "-"
    unknown = Estimate.number(1.2345, None)
    assert (terminal(unknown), page(unknown)) == ("1.234 ± ?", "1.23 (error unknown)")
    given = Estimate.given(0.89)
    assert (terminal(given), page(given, "mPa·s")) == ("0.89", "0.890 mPa·s")
    limit = Estimate.limit(0.16, "a lower limit")
    assert limit.stderr is None and limit.how is How.LIMIT


def test_keys_and_columns() -> None:
    found = Estimate.positive(2.0, 0.5)
    assert keys(found, "t_ps", "t_stderr_ps", "t_interval_95_ps") == {
        "t_ps": 2.0, "t_stderr_ps": 0.5, "t_interval_95_ps": found.interval,
    }  # fmt: skip
    assert list(keys(found, "t_ps", "t_stderr_ps")) == ["t_ps", "t_stderr_ps"]
    assert keys(None, "t_ps", "t_stderr_ps") == {"t_ps": None, "t_stderr_ps": None}
    assert (columns(found), columns(None)) == ((2.0, 0.5), (None, None))


def test_another_unit() -> None:
    found = Estimate.positive(2.0, 0.5)
    other = found.times(10.0)
    assert (other.value, other.stderr, other.how) == (20.0, 5.0, found.how)
    assert other.interval == pytest.approx([10.0 * end for end in found.interval or ()])
    assert other.relative == found.relative == 0.25


def test_a_share_outside_its_range_keeps_its_value() -> None:
    outside = Estimate.number(-0.08, 0.1, interval=(0.0, 0.12), kind=Kind.SHARE)
    assert outside.value == -0.08 and page(outside) == "< 0.12 (95 %)"


def test_an_estimate_does_not_change() -> None:
    found = Estimate.number(np.float64(1.0), np.float64(0.1))
    assert type(found.value) is float and type(found.stderr) is float
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.value = 2.0  # type: ignore[misc]


def test_keys_of_results_json_are_those_of_before() -> None:
    """Each error has a key of its own beside its value; the page and other tools read them."""
    tree = as_json(report_cases.full())
    assert list(tree["diffusion"]["OH-"])[:8] == [
        "D_m2_per_s", "stderr_m2_per_s", "D_infinite_m2_per_s", "D_infinite_stderr_m2_per_s",
        "D_infinite_interval_95_m2_per_s", "interval_95_m2_per_s", "D_from_hops_m2_per_s",
        "D_from_hops_stderr_m2_per_s",
    ]  # fmt: skip
    assert tree["grotthuss"]["hop_rate_per_ps"] == 0.377
    assert tree["grotthuss"]["hop_rate_stderr_per_ps"] == 0.021
    bonds = tree["hydrogen_bonds"]["OH-_OH-"]
    assert set(bonds["stderr"]) == {
        "mean_per_donor", "mean_per_acceptor", "fraction_of_donors_bonded", "lifetime_ps",
    }  # fmt: skip
    assert bonds["upper_limit_95"] is None
    assert tree["conductivity"]["stderr"]["einstein_S_per_m"] == 5.2
    assert list(tree["conductivity"]["interval_95"]) == [
        "nernst_einstein_S_per_m", "einstein_S_per_m", "haven_ratio", "transference_cation",
        "transference_cation_apparent",
    ]  # fmt: skip
    assert tree["structure"]["coordination"]["K-O*"]["first_peak_stderr_A"] is None


@pytest.mark.parametrize("expected", [0.05, 0.2, 0.5, 1.0, 3.0, 5.0, 10.0, 40.0])
def test_the_interval_of_a_rate_holds_the_truth_for_few_hops(expected: float) -> None:
    """Exact coverage: the sum over all numbers of hops that a run with this mean can show."""
    held = 0.0
    for n in range(150):
        low, high = Estimate.rate(float(n), math.sqrt(max(n, 1))).interval or (math.inf, math.inf)
        held += stats.poisson.pmf(n, expected) * (low <= expected <= high)
    assert held >= 0.93
    assert Estimate.rate(1.0, 1.0).interval == pytest.approx((0.0253, 5.5716), rel=1e-3)
