"""Rounded numbers, verdicts and references."""

import dataclasses
import math
import re

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import report_cases
from pykoh.analysis.hops.values import IntervalDependence
from pykoh.analysis.results import AnalysisWarning, Estimate, LineFit, SurvivalCurve
from pykoh.report import html, names, plots_hops, references, values
from pykoh.report.verdicts import (
    CAREFUL,
    CONVERGED,
    MISSING,
    SHORT,
    judge,
    judge_bonds,
    judge_diffusion,
    judge_hops,
    judge_nernst_einstein,
)

SUPERSCRIPTS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def read_back(text):
    """The value, its error (or None) and the last digit's size that a reader takes from it."""
    power = re.search(r"10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", text)
    scale = 10.0 ** int(power.group(1).translate(SUPERSCRIPTS)) if power else 1.0
    first = NUMBER.search(text).group()
    digits = len(first.partition(".")[2])
    error = re.search(r"± (\d+(?:\.\d+)?)", text)
    return (
        float(first) * scale,
        float(error.group(1)) * scale if error else None,
        scale * 10.0**-digits,
    )


@pytest.mark.parametrize(
    ("value", "stderr", "unit", "exponent", "expected"),
    [
        (1.9312e-9, 7.04e-11, "m²/s", -9, "(1.931 ± 0.070) × 10⁻⁹ m²/s"),
        (1.9312e-9, 1.29e-10, "m²/s", -9, "(1.93 ± 0.13) × 10⁻⁹ m²/s"),
        (1.9312e-9, None, "m²/s", -9, "1.93 × 10⁻⁹ m²/s (error unknown)"),
        (0.377, 0.0206, "", 0, "0.377 ± 0.021"),
        (61.04, 5.2, "S/m", 0, "(61.0 ± 5.2) S/m"),
        (1234.5, 220.0, "S/m", 0, "(1234 ± 220) S/m"),
        (0.4, 0.0996, "ps", 0, "(0.40 ± 0.10) ps"),
        (0.0, 0.3, "", 0, "0.00 ± 0.30"),
        (5.0, 0.0, "ps", 0, "5.00 ps"),
        (5.0, math.nan, "ps", 0, "5.00 ps (error unknown)"),
    ],
)
def test_rounding_to_the_standard_error(value, stderr, unit, exponent, expected):
    assert values.quantity(Estimate.number(value, stderr), unit, exponent) == expected


@given(
    value=st.floats(-1e6, 1e6),
    relative=st.floats(1e-4, 10),
    exponent=st.sampled_from([0, -9]),
)
def test_what_is_read_back_is_within_the_error(value, relative, exponent):
    assume(1e-6 < abs(value) * relative < 1e5)
    value, stderr = value * 10.0**exponent, abs(value) * relative * 10.0**exponent
    text = values.quantity(Estimate.number(value, stderr), "x", exponent)
    shown, shown_error, _ = read_back(text)
    # Rounding costs at most half of the last of two digits: 5 % of the error.
    assert abs(shown - value) <= 0.051 * stderr
    assert shown_error == pytest.approx(stderr, rel=0.051)


@given(st.floats(-1e12, 1e12).filter(lambda x: abs(x) > 1e-12))
def test_three_significant_digits(value):
    assert read_back(values.significant(value))[0] == pytest.approx(value, rel=5.1e-3)


@pytest.mark.parametrize(
    ("picoseconds", "expected"),
    [(0.01, "10 fs"), (0.0005, "0.5 fs"), (0.5, "0.5 ps"), (200.0, "200 ps"), (2500, "2.5 ns"),
     (0.0, "0 ps")],
)  # fmt: skip
def test_durations(picoseconds, expected):
    assert values.duration(picoseconds) == expected


def test_names():
    assert names.species("OH-") == "OH⁻"
    assert names.species("Cs+") == "Cs⁺"
    assert names.bond("H2O_OH-") == "H₂O → OH⁻"
    assert names.bond("OH-_OH-") == "OH⁻ → OH⁻"
    assert names.pair("K-O*") == "K⁺–O*"


def _fit(exponent, stderr=0.02):
    slope = Estimate.positive(1.0, 0.1)
    return LineFit(1.0, 10.0, slope, 0.0, Estimate.number(exponent, stderr))


@pytest.mark.parametrize(
    ("value", "stderr", "fit", "label"),
    [
        (1.0, 0.1, None, CONVERGED),
        (1.0, 0.1, _fit(1.02), CONVERGED),
        (1.0, 0.1, _fit(0.8), SHORT),
        (1.0, 0.1, _fit(1.3), SHORT),
        (1.0, 0.1, _fit(0.8, 0.15), SHORT),
        (1.0, 0.1, _fit(0.95, 0.15), SHORT),
        (1.0, 0.1, _fit(0.91, 0.04), CONVERGED),
        (1.0, 0.101, None, CAREFUL),
        (1.0, 0.3, None, SHORT),
        (0.0, 0.1, None, SHORT),
        (1.0, None, None, CAREFUL),
        (None, None, None, MISSING),
    ],
)
def test_verdicts(value, stderr, fit, label):
    estimate = None if value is None else Estimate.number(value, stderr)
    verdict = judge(report_cases.full(), "diffusion.OH-", estimate, fit)
    assert verdict.label == label
    assert bool(verdict.reason) == (label != CONVERGED)


@given(
    value=st.floats(0.1, 10), relative=st.floats(0, 1), more=st.floats(1, 10),
    exponent=st.floats(0.5, 1.5), known=st.floats(0, 0.5), end=st.floats(1, 300),
)  # fmt: skip
def test_noise_is_never_rewarded(value, relative, more, exponent, known, end):
    """Larger errors of value and slope never give a better verdict."""
    results = report_cases.full()
    order = [CONVERGED, CAREFUL, SHORT]
    labels = []
    for factor in (1.0, more):
        slope = Estimate.positive(1.0, 0.1)
        fit = LineFit(0.5, end, slope, 0.0, Estimate.number(exponent, factor * known))
        estimate = Estimate.number(value, factor * relative * value)
        label = judge(results, "diffusion.OH-", estimate, fit, 11).label
        labels.append(order.index(label))
    assert labels[0] <= labels[1]


@pytest.mark.parametrize(
    ("end", "n", "label"),
    [(60.0, 11, CONVERGED), (60.0, 3, SHORT), (100.0, 500, SHORT), (6.0, 1, CONVERGED)],
)
def test_enough_windows_and_particles(end, n, label):
    fit = LineFit(1.0, end, Estimate.positive(1.0, 0.1), 0.0, Estimate.number(1.0, 0.02))
    estimate = Estimate.number(1.0, 0.05)
    assert judge(report_cases.full(), "diffusion.OH-", estimate, fit, n).label == label


def _with_part(results, species, **changes):
    entries = tuple(
        dataclasses.replace(entry, **changes) if entry.species == species else entry
        for entry in results.diffusion.species
    )
    return dataclasses.replace(
        results, diffusion=dataclasses.replace(results.diffusion, species=entries)
    )


@pytest.mark.parametrize(
    ("part", "d", "label"),
    [("OH-_structural", 1.9e-9, SHORT), ("OH-_vehicular", 0.8e-9, SHORT),
     ("OH-_vehicular", 0.1e-9, CONVERGED)],
)  # fmt: skip
def test_the_whole_is_no_better_than_its_large_parts(part, d, label):
    results = report_cases.full()
    assert judge_diffusion(results, results.diffusion.of("OH-")).label == CONVERGED
    results = _with_part(results, part, D_m2_per_s=Estimate.positive(d, 0.4 * d))
    verdict = judge_diffusion(results, results.diffusion.of("OH-"))
    assert verdict.label == label
    assert ("part: standard error of 40 %" in verdict.reason) == (label == SHORT)
    # What is made of D of both ions is no better than they.
    nernst = judge_nernst_einstein(results, "nernst_einstein_S_per_m", Estimate.positive(74.2, 2.9))
    assert nernst.label == label


@pytest.mark.parametrize(("lasts", "label"), [(1.0, CONVERGED), (40.0, SHORT), (None, SHORT)])
def test_a_share_of_bonds_needs_many_lifetimes(lasts, label):
    results = report_cases.full()
    none = np.zeros(0)
    time = None if lasts is None else Estimate.positive(lasts, 0.1)
    curve = SurvivalCurve(none, none, none, none, none, time, None)
    bonds = dataclasses.replace(results.hydrogen_bonds.classes[0], survival=curve)
    assert judge_bonds(results, bonds).label == label


@pytest.mark.parametrize(
    ("about", "heard"),
    [("diffusion.OH-", True), ("diffusion", True), ("diffusion.OH-.D_m2_per_s", True),
     ("diffusion.K+", False), ("diffusion.OH-_vehicular", False), ("grotthuss", False)],
)  # fmt: skip
def test_warnings_reach_what_they_concern(about, heard):
    results = report_cases.full(warnings=[AnalysisWarning(about, "too coarse")])
    verdict = judge(results, "diffusion.OH-", Estimate.number(1.0, 0.1))
    assert (verdict.reason == "too coarse") == heard
    missing = judge(results, "diffusion.OH-", None)
    assert (missing.reason == "too coarse") == heard


def test_a_hop_rate_without_plateau_is_no_clean_number():
    results = report_cases.full()
    assert judge_hops(results).label == CONVERGED
    curve = results.grotthuss.rate_vs_window
    falling = dataclasses.replace(curve, hop_rate_per_ps=0.377 * (1.5 - 2.5 * curve.window_ps))
    hops = dataclasses.replace(results.grotthuss, rate_vs_window=falling)
    verdict = judge_hops(dataclasses.replace(results, grotthuss=hops))
    assert verdict.label == CAREFUL
    # 1.5 - 2.5 * 0.4 = 0.5 of the rate: half as large.
    assert "0.4 ps instead of 0.2 ps the rate is 50 % lower" in verdict.reason


def test_a_hop_that_was_never_seen_is_a_limit():
    # Nothing in an exposure of 9 ps: 2.996 / 9 = 0.3329, which is not rounded down (Poisson, 95 %).
    shown = str(html.number("grotthuss/hop_rate_per_ps", Estimate.rate(0.0, 1 / 9), "per ps"))
    assert "&lt; 0.34 per ps (95 %)" in shown and 'data-value="0.0"' in shown
    assert "±" not in shown
    assert "(0.50 ± 0.12) per ps" in str(html.number("x", Estimate.rate(0.5, 0.12), "per ps"))
    assert "not available" in str(html.number("x", None, "per ps"))


def test_references():
    assert len({ref.key for ref in references.ALL}) == len(references.ALL)
    for ref in references.ALL:
        assert re.fullmatch(r"10\.\d{4,5}/\S+", ref.doi)
        entry = ref.bibtex()
        assert entry.count("{") == entry.count("}")
        assert entry.isascii()
        assert f"doi = {{{ref.doi}}}" in entry
    assert references.HANSEROTH.short == "Hänseroth and Dreßler 2025"
    assert references.GILLIAM.short == "Gilliam et al. 2007"


def test_a_count_of_particles_is_a_whole_number():
    fit = LineFit(1.0, 60.0, Estimate.positive(1.0, 0.1), 0.0, Estimate.number(1.0, 0.02))
    estimate = Estimate.number(1.0, 0.05)
    assert judge(report_cases.full(), "diffusion.OH-", estimate, fit, 3.0).reason.startswith(
        "3 particles in "
    )


def test_frames_far_apart_are_numbered_without_an_exponent():
    axis = np.array([0.1, 0.2, 0.4, 0.8, 1.6])
    rates = IntervalDependence(axis, np.ones(5), np.ones(5), np.full(5, 0.1), None)
    hops = dataclasses.replace(report_cases.full().grotthuss, intervals=rates)
    plot = plots_hops.dump_interval(hops)
    assert plot is not None and "<!-- 1600 -->" in plot.svg and "e+03" not in plot.svg
