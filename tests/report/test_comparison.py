"""``pykoh compare``: several series in one page, with their differences."""

from __future__ import annotations

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import report_cases
from pykoh.analysis.activation import activations
from pykoh.analysis.common.analysis_warning import AnalysisWarning
from pykoh.analysis.common.estimate import Estimate, How
from pykoh.analysis.results import AnalysisResults
from pykoh.analysis.series import SeriesPoint
from pykoh.analysis.series_files import read_series, write_series
from pykoh.cli import main
from pykoh.report.comparison import compared, difference
from pykoh.report.series import rows, write_series_report
from pykoh.report.series_doubts import doubts_in_words, doubts_section


def with_hops(results: AnalysisResults, factor: float) -> AnalysisResults:
    """Return results with another hop rate."""
    rate = results.grotthuss.hop_rate_per_ps
    assert rate is not None
    hops = replace(results.grotthuss, hop_rate_per_ps=rate.times(factor))
    return replace(results, grotthuss=hops)


def at(results: AnalysisResults, kelvin: float) -> AnalysisResults:
    return replace(results, input=replace(results.input, temperature=Estimate.given(kelvin)))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two campaigns of one temperature, and one of two temperatures."""
    monkeypatch.chdir(tmp_path)
    a = report_cases.full()
    for name, kelvin, factor in (
        ("one", (298.15,), 1.0), ("other", (298.15,), 2.0), ("hot", (298.15, 333.15), 1.0),
    ):  # fmt: skip
        for k in kelvin:
            folder = tmp_path / name / "series" / f"{k}K"
            folder.mkdir(parents=True)
            points = report_cases.series_of([("a", at(with_hops(a, factor), k))])
            write_series(points, folder, activations(points))
        (tmp_path / name / "campaign.json").write_text("{}")
    return tmp_path


def compare(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["compare", *arguments])


def test_two_campaigns(place: Path) -> None:
    done = compare("one", "other/series/298.15K/series.json", "--name", "first, A", "--name", "B")
    assert done.exit_code == 0, done.output
    page = (place / "compare" / "report.html").read_text()
    assert "first, A" in page and page.count("<svg") >= 5
    assert sum(1 for _ in (place / "compare" / "plots").glob("compare_*.svg")) >= 5
    lines = (place / "compare" / "compare.csv").read_text().splitlines()
    table = list(csv.DictReader(lines[1:]))
    first, second = (row for row in table if row["quantity"] == "hop_rate_per_ps")
    assert [first["series"], second["series"]] == ["first, A", "B"]
    assert first["difference"] == ""
    assert float(second["value"]) == pytest.approx(2 * float(first["value"]))
    assert float(second["difference"]) == pytest.approx(float(first["value"]))
    # 1 and 2 parts of the same relative error.
    assert float(second["difference_stderr"]) == pytest.approx(5**0.5 * float(first["stderr"]))
    assert compare("one", "other").exit_code == 1, "earlier results are kept"
    again = compare("one", "other", "--force", "--png")
    assert again.exit_code == 0, again.output
    assert "one, other. 2 series, 2 runs" in (place / "compare" / "report.html").read_text()
    assert any((place / "compare" / "plots").glob("*.png"))


def doubtful(results: AnalysisResults, *quantities: str) -> AnalysisResults:
    """Return results whose only warnings are about some quantities."""
    found = tuple(AnalysisWarning(quantity, f"why {quantity}") for quantity in quantities)
    return replace(results, warnings=found)


def test_doubts_are_marked_and_said(tmp_path: Path) -> None:
    """In the table, the pages, the file and the terminal; nothing where there is none."""
    a, other = report_cases.full(), tmp_path / "other"
    rate, bonds = "grotthuss.hop_rate_per_ps", "hydrogen_bonds.OH-_OH-.fraction_of_donors_bonded"
    for name, results in (
        ("one", doubtful(a, rate, "conductivity.no_such")),
        ("other", doubtful(a, bonds, "input.equilibration")),
    ):
        (tmp_path / name).mkdir()
        points = report_cases.series_of([("r1", results)])
        write_series(points, tmp_path / name)
        write_series_report(points, tmp_path / name, [])
    one, two = read_series(tmp_path / "one"), read_series(other)
    assert one[0].doubts == {"hop_rate_per_ps": (f"r1: why {rate}",)}
    marked = [row[0] for row in rows("hops", one) if row[1].endswith(" †")]
    assert marked == ["net hops per OH⁻ (1/ps)"]
    every = [row[1] for row in rows("hops", two)[1:] if row[1] != "–"]
    assert every and all(cell.endswith(" †") for cell in every), "the run is not in equilibrium"
    cells = {row[0].split(",")[0]: row[1:] for row in compared("hops", {"a": one, "b": one})}
    assert [cell.endswith("†") for cell in cells["net hops per OH⁻ (1/ps)"]] == [True] * 3
    page = (other / "report.html").read_text()
    assert "all quantities</b> – r1: why input.equilibration" in page and f"why {bonds}" in page
    assert "1 of 1 solution with a single run." in page
    done = CliRunner().invoke(
        main, ["compare", str(tmp_path / "one"), str(other), "-o", str(tmp_path / "c")]
    )
    assert done.exit_code == 0, done.output
    assert "doubts about values: see report.html" in done.output
    assert "2 of 2 solutions with a single run" in done.output
    clean = report_cases.series_of([(f"r{k}", doubtful(a)) for k in (1, 2)])
    assert clean[0].doubts == {} and not doubts_in_words(clean)
    assert doubts_section({"": clean}) is None
    # Water and its oxygens share a reason: one doubt, said once.
    water = tuple(AnalysisWarning(f"diffusion.{name}", "subdiffusive") for name in ("H2O", "O"))
    slow = report_cases.series_of([("r1", replace(a, warnings=water))])
    section, _ = doubts_section({"": slow}) or ("", "")
    assert section.count("subdiffusive") == 1 and section.count("D of H₂O") == 2  # infinite box
    assert doubts_in_words(slow)[0] == "Warning: a doubt about values: see report.html"
    assert not any("†" in cell for row in rows("hops", clean) for cell in row)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("one",), "name two to five"),
        (("one",) * 6, "name two to five"),
        (("one", "one"), "two series are called one"),
        (("one", "other", "--name", "x"), "1 --name for 2 series"),
        (("one", "hot"), "hot: has series at several temperatures"),
        (("one", "none"), "No such file"),
        (("one", "empty"), "empty: has no series.json"),
        (("one", "other", "-o", "no/where"), "does not exist"),
        (("one", "other", "--name", "", "--name", "b"), "'' is no name"),
        (("one", "other", "--name", "_a", "--name", "b"), "'_a' is no name"),
        (("one", "other", "--name", "a\nb", "--name", "b"), "is no name"),
        (("one", "nothing"), "nothing: has no solution"),
        (("one", "null"), "is no series.json"),
        (("one", "other", "-o", "/proc/compare"), "/proc/compare: "),
        (("one", "other", "-o", "file"), "is a file"),
    ],
)
def test_wrong_calls(place: Path, arguments: tuple[str, ...], expected: str) -> None:
    (place / "empty").mkdir()
    for name, text in (("nothing", "[]"), ("null", '[{"molarity_mol_per_L": null}]')):
        (place / name).mkdir()
        (place / name / "series.json").write_text(f'{{"points": {text}}}')
    (place / "file").touch()
    done = compare(*arguments)
    assert done.exit_code == 1 and expected in done.output, done.output
    assert done.output.count("\n") == 1
    assert not (place / "compare").exists() or not any((place / "compare").iterdir())


def test_names_are_shown_as_they_are(place: Path) -> None:
    names = ('a "quoted", b', r"$\frac$ <b>&")
    done = compare("one", "other", "--name", names[0], "--name", names[1])
    assert done.exit_code == 0, done.output
    lines = (place / "compare" / "compare.csv").read_text().splitlines()
    assert {row["series"] for row in csv.DictReader(lines[1:])} == set(names)
    page = (place / "compare" / "report.html").read_text()
    assert "<b>&" not in page and "&lt;b&gt;&amp;" in page


def test_folders_beside_each_other_are_named_by_themselves(place: Path) -> None:
    """A folder called series need not be that of a campaign."""
    for name in ("full", "half"):
        shutil.copytree(place / "one" / "series" / "298.15K", place / "kept" / "series" / name)
    done = compare("kept/series/full", "kept/series/half")
    assert done.exit_code == 0, done.output
    assert "full, half. 2 series" in (place / "compare" / "report.html").read_text()


def test_the_same_solution_in_boxes_of_other_sizes() -> None:
    (point,) = report_cases.series_of([("a", report_cases.full())])
    near = replace(point, molarity_mol_per_L=1.012 * point.molarity_mol_per_L, temperature_K=299.0)
    _, *lines = compared("hops", {"a": [replace(point, temperature_K=298.15)], "b": [near]})
    assert lines and all("–" not in line[1:] for line in lines), "one row for both"
    far = replace(near, molarity_mol_per_L=1.04 * point.molarity_mol_per_L)
    sodium = replace(near, cation="Na")
    for other in (far, sodium, replace(near, temperature_K=333.0)):
        _, *lines = compared("hops", {"a": [replace(point, temperature_K=298.15)], "b": [other]})
        assert all(line[3] == "–" and "–" in line[1:3] for line in lines)
    _, *lines = compared("hops", {"a": [point, replace(point, cation="Na")], "b": [point]})
    assert {"KOH" in line[0] for line in lines} == {True, False}


def test_tables_know_solutions_and_temperatures() -> None:
    a = report_cases.full()
    points = report_cases.series_of([("a", a), ("hot", at(a, 333.0))])
    head, *lines = compared("bonds", {"both": points, "hot": points[1:], "none": []})
    assert head == ["", "both", "hot", "none"]
    _, *plain = rows("bonds", points)
    assert [line[1] for line in lines[:2]] == plain[0][1:], "the first quantity at both K"
    assert [line[2] for line in lines[:2]] == ["–", plain[0][2]]
    assert "333 K" in lines[1][0] and {line[3] for line in lines} == {"–"}


def test_what_is_not_known_has_no_difference() -> None:
    known, unknown = Estimate.number(3.0, 0.3), Estimate.number(5.0, None)
    assert difference(known, None) is None
    found = difference(known, unknown)
    assert found is not None and found.value == 2.0 and found.stderr is None
    found = difference(Estimate.number(1.0, 0.4), known)
    assert found is not None and found.stderr == pytest.approx(0.5)
    assert found.interval == pytest.approx((2.0 - 1.96 * 0.5, 2.0 + 1.96 * 0.5), abs=1e-3)


def test_a_larger_error_makes_no_narrower_difference() -> None:
    """From an error of 141 % on a positive quantity has no interval of its own."""
    other = Estimate.positive(9.0, 0.5)
    for stderr in (1.4, 1.6):
        found = difference(Estimate.positive(1.0, stderr), other)
        assert found is not None and found.interval is not None and found.interval[0] < 0.0
    # A share that did not change in a short run has no known error.
    for share in (Estimate.share(0.0, 0.0), Estimate.share(1.0, 0.0)):
        found = difference(share, Estimate.share(0.1, 0.03))
        assert found is not None and found.stderr is None and found.interval is None


def test_few_replicas_make_a_difference_less_certain() -> None:
    """Three replicas each: Student's interval; 95 % of differences of nothing contain 0."""
    rng = np.random.default_rng(7)
    held = held_by_two_errors = 0
    for _ in range(2000):
        one, other = (
            Estimate.student(x.mean(), x.std(ddof=1) / 3**0.5, 2.0, How.REPLICAS)
            for x in rng.standard_normal((2, 3))
        )
        found = difference(one, other)
        assert found is not None and found.interval is not None and found.stderr is not None
        held += found.interval[0] <= 0.0 <= found.interval[1]
        held_by_two_errors += abs(found.value) < 1.96 * found.stderr
    assert held / 2000 > 0.95 > 0.90 > held_by_two_errors / 2000


def test_a_difference_is_shown_with_its_interval() -> None:
    points = report_cases.series_of([("a", report_cases.full())])
    head, *lines = compared("hops", {"one": points, "same": points})
    assert head[3] == "difference"
    rate = next(line for line in lines if line[0].startswith("net hops"))
    error = rate[3].partition("±")[2].split()[0]
    low, high = rate[3].partition("95 %: ")[2].rstrip(")").split(" to ")
    assert rate[3].startswith("0.0") and float(low) < -1.9 * float(error)
    assert float(high) == pytest.approx(-float(low), rel=0.2)


def test_a_series_without_a_quantity_is_a_dash() -> None:
    points = report_cases.series_of([("a", report_cases.full())])
    bare: list[SeriesPoint] = [replace(points[0], values=dict.fromkeys(points[0].values))]
    _, *lines = compared("hops", {"one": points, "bare": bare})
    assert lines and all(line[2:] == ["–", "–"] for line in lines)
