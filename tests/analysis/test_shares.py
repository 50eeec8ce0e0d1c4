"""Shares stay within 0 and 1, a bond that was never seen has a limit, and nulls say why."""

from __future__ import annotations

import csv
import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import report_cases
from analysis_calls import walkers
from pykoh.analysis.common.confidence import share
from pykoh.analysis.common.estimate import Estimate, How, Kind
from pykoh.analysis.common.estimate_views import page
from pykoh.analysis.common.statistics import nothing_seen
from pykoh.analysis.pipeline import Settings, analyze
from pykoh.analysis.results import AnalysisWarning
from pykoh.analysis.results.summary import summary
from pykoh.analysis.results.write import as_json, write_results
from pykoh.analysis.series_quantities import QUANTITIES
from pykoh.report.missing import why_missing
from pykoh.report.page import write_report
from pykoh.trajectory.run import ReadOptions, Run
from trajectories import write_dump

NUMBER = re.compile(r"\d+(?:\.\d+)?")


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (Estimate.share(0.31, 0.02), "0.310 ± 0.020"),
        (Estimate.unseen(0.2, 0.388), "< 0.39 (95 %)"),
        (Estimate.share(0.0, None), "0 (error unknown)"),
        (Estimate.share(0.6, None), "0.600 (error unknown)"),
        (Estimate.share(0.6, 0.0), "0.600 (error unknown)"),
    ],
)
def test_shares_in_words(share, expected):
    assert page(share) == expected


def test_nothing_seen_gives_the_exact_limit():
    """0.95 = 1 - (1 - p)^n for n = 10: p = 0.2589, written away from the truth."""
    stderr, limit = nothing_seen(10.0)
    assert page(Estimate.unseen(stderr, limit)) == "< 0.26 (95 %)"
    assert page(Estimate.share(1.0, stderr)).startswith("> 0.7")


def test_a_share_of_events_near_its_end_gets_the_interval_of_wilson():
    """2 of 50: Wilson's interval is 0.0110 to 0.1346."""
    stderr = np.sqrt(0.04 * 0.96 / 50)
    shown = page(Estimate.share_of_events(0.04, stderr))
    assert shown == "0.040 (95 %: 0.011 to 0.14)"


def test_a_share_of_time_from_few_spells_has_a_wide_interval():
    """One spell of any length has the standard error of its own share: F(2, 2) ends at 39."""
    low, high = share(0.01, 0.01 * 0.99)
    assert high / (1.0 - high) == pytest.approx(39.0 * 0.01 / 0.99)
    assert low / (1.0 - low) == pytest.approx(0.01 / 0.99 / 39.0)
    # Of many spells it is that of the bell.
    low, high = share(0.4, 0.002)
    assert (low, high) == pytest.approx((0.4 - 1.96 * 0.002, 0.4 + 1.96 * 0.002), abs=1e-4)


@pytest.mark.parametrize(("value", "low", "high"), [(-0.08, 0.0, 0.12), (1.05, 0.8, 1.0)])
def test_a_share_that_noise_takes_out_of_its_range_is_written_as_a_limit(value, low, high):
    shown = page(Estimate.number(value, 0.1, interval=(low, high), kind=Kind.SHARE))
    assert shown == ("< 0.12 (95 %)" if value < 0 else "> 0.80 (95 %)")


@given(value=st.floats(0, 1), stderr=st.floats(1e-4, 1.0))
def test_no_share_leaves_its_range(value, stderr):
    shown = page(Estimate.share(value, stderr))
    numbers = [float(word) for word in NUMBER.findall(shown.replace("95 %", ""))]
    assert all(0.0 <= number <= 1.0 for number in numbers)
    if "±" in shown:
        assert numbers[0] - 1.5 * numbers[1] >= 0.0
        assert numbers[0] + 1.5 * numbers[1] <= 1.0
    elif "to" in shown:
        assert numbers[1] <= numbers[0] + 0.1 * numbers[1]
        assert numbers[2] >= numbers[0] * 0.9


def _without(results):
    """The report's example, with no bond from OH- to OH- seen."""
    nothing = Estimate.unseen(*nothing_seen(6.0))
    first = dataclasses.replace(
        results.hydrogen_bonds.classes[0],
        mean_per_donor=nothing, mean_per_acceptor=Estimate.share(0.0, nothing.stderr),
        fraction_of_donors_bonded=nothing, lifetime_ps=None,
        n_breakings=0, donor_distribution=np.ones(1), acceptor_distribution=np.ones(1),
    )  # fmt: skip
    bonds = dataclasses.replace(
        results.hydrogen_bonds, classes=(first, *results.hydrogen_bonds.classes[1:])
    )
    warning = AnalysisWarning("hydrogen_bonds.OH-_OH-", "no such bond was seen")
    return dataclasses.replace(results, hydrogen_bonds=bonds, warnings=(warning,))


def test_a_bond_never_seen_is_a_limit_everywhere(tmp_path: Path) -> None:
    results = _without(report_cases.full())
    write_results(results, tmp_path)
    text = write_report(results, tmp_path).read_text(encoding="utf-8")
    assert text.count("&lt; 0.40 (95 %)") >= 3  # 1 - 0.05^(1/6) = 0.393, rounded up
    assert not re.search(r"(?<![\d.])0\.?0* ± ", text)
    row = next(line for line in summary(results).splitlines() if "OH-_OH-" in line)
    assert row.count("< 0.40 (95 %)") == 3
    tree = json.loads((tmp_path / "results.json").read_text())["hydrogen_bonds"]["OH-_OH-"]
    assert tree["fraction_of_donors_bonded"] == 0.0
    assert tree["upper_limit_95"] == pytest.approx(1 - 0.05 ** (1 / 6))
    assert tree["fraction_of_donors_bonded_interval_95"][0] == 0.0
    assert tree["mean_per_acceptor_upper_limit_95"] > 0.3
    lines = (tmp_path / "hydrogen_bonds.csv").read_text().splitlines()
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    mine = [row for row in rows if row["class"] == "OH-_OH-" and row["side"] == "donor"]
    assert [row["n_bonds"] for row in mine] == ["0", "1"]
    assert float(mine[1]["upper_limit_95"]) == pytest.approx(tree["upper_limit_95"])


def test_every_null_says_why(tmp_path: Path) -> None:
    for name, results in (("empty", report_cases.empty()), ("full", report_cases.full())):
        folder = tmp_path / name
        folder.mkdir()
        text = write_report(results, folder).read_text(encoding="utf-8")
        found = re.findall(
            r'<span class="missing" data-path="([^"]+)"><a href="#([^"]+)" title="([^"]+)">', text
        )
        assert text.count("not available</a>") == len(found) > 0
        for _, place, reason in found:
            assert len(reason) > 10
            assert f'id="{place}"' in text


@pytest.mark.parametrize(
    ("quantity", "path", "heard"),
    [
        ("diffusion.D_infinite_m2_per_s", "diffusion/K+/D_infinite_m2_per_s", True),
        ("structure.coordination.K-O*", "structure/coordination/K-O*/first_minimum_A", True),
        ("structure.coordination.K-O*", "structure/coordination/K-Ow/first_minimum_A", False),
        ("grotthuss", "grotthuss/hop_rate_per_ps", True),
        ("grotthuss.hop_rate_per_ps", "grotthuss/hop_length_A", False),
    ],
)  # fmt: skip
def test_a_null_finds_its_warning(quantity, path, heard):
    results = dataclasses.replace(
        report_cases.full(), warnings=(AnalysisWarning(quantity, "because"),)
    )
    assert (why_missing(results, path) == ("because", "#warning-0")) == heard


def test_ions_in_clusters_have_an_error(tmp_path: Path) -> None:
    frames, types = walkers()
    path = write_dump(
        tmp_path / "run.dump", frames, types, 12.0 * np.eye(3),
        times=np.arange(len(frames)) * 0.01,
    )  # fmt: skip
    results = analyze(Run([path], ReadOptions()), Settings(temperature_K=300.0))
    found = results.structure.contacts
    clustered = found.clustered_fraction
    assert clustered.value == pytest.approx(found.cluster_sizes[2:].sum())
    assert clustered.stderr > 0
    low, high = as_json(results)["structure"]["ion_contacts"]["clustered_interval_95"]
    assert 0.0 <= low <= clustered.value <= high <= 1.0


def test_a_share_from_two_replicas_is_as_uncertain_as_their_scatter() -> None:
    """Student's interval with one degree of freedom, cut off at 0 and 1."""
    quantity = next(each for each in QUANTITIES if each.kind is Kind.SHARE)
    for value, expected in ((0.342, (0.0, 0.787)), (0.9, (0.455, 1.0))):
        found = quantity.in_table(Estimate.student(value, 0.035, 1.0, How.REPLICAS))
        assert found is not None and found.kind is Kind.SHARE
        assert found.interval == pytest.approx(expected, abs=1e-3)
        # A series that is read again has the same.
        again = quantity.in_table(dataclasses.replace(found, freedom=None))
        assert again is not None and again.interval == found.interval
