"""Runs whose earlier results stand for their trajectories in a series."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
from click.testing import CliRunner, Result

import report_cases
from pykoh.analysis.results.write import write_results
from pykoh.analysis.series_quantities import QUANTITIES
from pykoh.analysis.series_run import part_of_series, read_run, run_of_series
from pykoh.cli import main
from pykoh.errors import ResultsError
from trajectories import koh_walkers, write_dump

CELL = 12.0 * np.eye(3)


def pykoh(*words: object) -> Result:
    return CliRunner().invoke(main, ["analyze", *map(str, words)])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three dumps, each analysed alone (a_results …) and all in one series (all)."""
    folder = tmp_path_factory.mktemp("made")
    dumps = []
    for name, n_koh, seed in (("a", 4, 1), ("b", 4, 2), ("c", 2, 3)):
        positions, types = koh_walkers(np.random.default_rng(seed), 60, n_koh=n_koh)
        dump = folder / f"{name}.dump"
        dumps.append(write_dump(dump, positions, types, CELL, times=np.arange(60) * 0.01))
        done = pykoh(dump, "-o", folder / f"{name}_results", "--temperature", 300)
        assert done.exit_code == 0, done.output
    words = ["--series", "--temperature", 300, "-o", folder / "all"]
    assert pykoh(*dumps, *words).exit_code == 0
    return folder


@pytest.fixture
def runs(made: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Copies of the results, which a test may change."""

    def copy(name: str) -> Path:
        shutil.copytree(made / f"{name}_results", tmp_path / name / "results")
        return tmp_path / name / "results"

    return copy


def points(folder: Path) -> Any:
    return json.loads((folder / "series.json").read_text())["points"]


def test_results_give_the_series_of_their_trajectories(
    made: Path, runs: Callable[[str], Path], tmp_path: Path
) -> None:
    """All numbers are the same, and the page leads to the reports where they are."""
    a, b, c = (runs(name) for name in "abc")
    done = pykoh(a, b / "results.json", c, "--series", "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert points(tmp_path / "out") == points(made / "all")
    assert (tmp_path / "out" / "series.csv").read_text() == (made / "all/series.csv").read_text()
    page = (tmp_path / "out" / "report.html").read_text()
    assert 'href="../a/results/report.html"' in page
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "plots", "report.html", "series.csv", "series.json",
    ]  # fmt: skip
    # Results and trajectories together, and results.json under another name, without a report.
    shutil.copy(b / "results.json", tmp_path / "b.json")
    words = [a, tmp_path / "b.json", made / "c.dump", "--series", "--temperature", 300]
    done = pykoh(*words, "-o", tmp_path / "mixed")
    assert done.exit_code == 0, done.output
    found, expected = points(tmp_path / "mixed"), points(made / "all")
    assert found[0]["hop_rate_per_ps"] == expected[0]["hop_rate_per_ps"]
    assert found[1]["D_OH_m2_per_s"] == expected[1]["D_OH_m2_per_s"]


def test_every_quantity_comes_back(tmp_path: Path) -> None:
    """Values, errors, their origin and doubts of a rich run, through results.json."""
    results = report_cases.full()
    write_results(results, tmp_path, part_of_series(results))
    found, expected = read_run(tmp_path / "results.json", "x"), run_of_series("x", results)
    present = 0
    for entry in QUANTITIES:
        one, other = found.values[entry.key], expected.values[entry.key]
        assert (one is None) == (other is None), entry.key
        if one is None or other is None:
            continue
        present += 1
        assert (one.value, one.stderr, one.interval) == (other.value, other.stderr, other.interval)
        assert one.how == other.how or one.stderr is None
    assert present >= 14
    assert {key: list(reasons) for key, reasons in found.doubts.items()} == expected.doubts
    assert found.definitions == expected.definitions and found.definitions
    same = ("cation", "n_koh", "n_h2o", "n_atoms", "duration_ps", "bulk", "temperature_K")
    assert all(getattr(found, name) == getattr(expected, name) for name in same)
    # A later pykoh may know other ways to obtain an error.
    tree = json.loads((tmp_path / "results.json").read_text())
    tree["series"]["values"]["hop_rate_per_ps"]["error_from"] = "a new way"
    (tmp_path / "results.json").write_text(json.dumps(tree))
    again = read_run(tmp_path / "results.json", "x").values["hop_rate_per_ps"]
    assert again is not None and again.stderr == expected.values["hop_rate_per_ps"].stderr  # type: ignore[union-attr]


def test_parts_of_the_motion_from_earlier_versions_are_other_quantities(tmp_path: Path) -> None:
    """There each transfer was a step, also one that led back at once."""
    results = report_cases.full()
    write_results(results, tmp_path, part_of_series(results))
    parts = ("D_OH_vehicular_m2_per_s", "D_OH_structural_m2_per_s")
    now = read_run(tmp_path / "results.json", "x").values
    assert all(now[key] is not None for key in parts)
    tree = json.loads((tmp_path / "results.json").read_text())
    assert tree["definitions"]["structural_window_ps"] == 2.0
    del tree["series"]["definitions"]["structural_window_ps"]
    (tmp_path / "results.json").write_text(json.dumps(tree))
    before = read_run(tmp_path / "results.json", "x").values
    assert all(before[key] is None for key in parts)
    rest = {key for key in now if key not in parts and now[key] is not None}
    assert len(rest) > 10 and all(before[key] is not None for key in rest)


def test_a_box_with_a_vacuum_stays_one(tmp_path: Path) -> None:
    results = report_cases.full()
    vacuum = replace(results, input=replace(results.input, no_bulk="half of it is empty"))
    write_results(vacuum, tmp_path, part_of_series(vacuum))
    assert not read_run(tmp_path / "results.json", "x").bulk


def test_what_is_no_independent_run_of_the_same_kind_is_refused(
    made: Path, runs: Callable[[str], Path], tmp_path: Path
) -> None:
    a, b, c = (runs(name) for name in "abc")
    out = tmp_path / "out"

    def refused(*words: object) -> str:
        done = pykoh(*words, "--series", "-o", out)
        assert done.exit_code == 1 and not out.exists(), done.output
        assert len(done.output.strip().splitlines()[-1].split("Error:")) == 2, done.output
        return done.output

    shutil.copytree(a, tmp_path / "copy")
    assert "same numbers as" in refused(a, tmp_path / "copy")
    # The trajectory of results that are given as well.
    assert "same numbers as" in refused(a, made / "a.dump", "--temperature", 300)
    done = pykoh(made / "b.dump", "-o", tmp_path / "other", "--temperature", 300,
                 "--rattle-window", 0.1)  # fmt: skip
    assert done.exit_code == 0
    assert "rattle_window_ps" in refused(a, tmp_path / "other")
    assert "have no effect" in refused(a, b, "--temperature", 300)
    assert "have no effect" in refused(a, b, "--hbond", "wernet")
    whole = made / "all"
    inside = pykoh(whole / "a", whole / "c", "--series", "--force", "-o", whole)
    assert inside.exit_code == 1 and "is in the output folder" in inside.output
    assert (whole / "a" / "results.json").is_file()
    # Of two solutions with other cations the contact distances differ, as they must.
    tree = json.loads((c / "results.json").read_text())
    tree["input"]["cation"], tree["series"]["definitions"]["contact_A"] = "Na", 3.2
    (c / "results.json").write_text(json.dumps(tree))
    done = pykoh(a, c, "--series", "-o", out)
    assert done.exit_code == 0, done.output
    assert {point["cation"] for point in points(out)} == {"K", "Na"}


def test_a_run_in_another_format_counts_once(tmp_path: Path) -> None:
    """Formats round coordinates: all numbers differ a little."""
    names = []
    for name, seed, n_digits in (("whole", 1, 9), ("rounded", 1, 2), ("other", 2, 9)):
        positions, types = koh_walkers(np.random.default_rng(seed), 400, n_koh=4)
        times = np.arange(400) * 0.01
        write_dump(tmp_path / f"{name}.dump", positions.round(n_digits), types, CELL, times=times)
        names.append(tmp_path / name)
        done = pykoh(tmp_path / f"{name}.dump", "-o", names[-1], "--temperature", 300)
        assert done.exit_code == 0, done.output
    whole, rounded, other = names
    assert read_run(whole / "results.json", "") != read_run(rounded / "results.json", "")
    done = pykoh(whole, rounded, "--series", "-o", tmp_path / "out")
    assert done.exit_code == 1 and "the same run in another format" in done.output
    assert pykoh(whole, other, "--series", "-o", tmp_path / "out").exit_code == 0


def test_results_with_few_numbers_count_once(runs: Callable[[str], Path], tmp_path: Path) -> None:
    """A short run gives few values, which may agree by chance: the files are compared."""
    a = runs("a")
    tree = json.loads((a / "results.json").read_text())
    tree["series"]["values"] = {
        "contact_cation_H2O": tree["series"]["values"]["contact_cation_H2O"]
    }
    (a / "results.json").write_text(json.dumps(tree))
    shutil.copy(a / "results.json", tmp_path / "b.json")
    for other, reason in (
        (a, "named twice"),
        (a / "results.json", "same numbers"),
        (tmp_path / "b.json", "same numbers"),
    ):
        done = pykoh(a, other, "--series", "-o", tmp_path / "out")
        assert done.exit_code == 1 and reason in done.output, done.output


def test_links_lead_to_the_report_of_the_run(runs: Callable[[str], Path], tmp_path: Path) -> None:
    """Names with spaces and signs, a renamed file beside a report, and an output that is a link."""
    a, b = runs("a"), runs("b")
    odd = tmp_path / "3 M #1 50%"
    a.parent.rename(odd)
    renamed = shutil.copy(b / "results.json", odd / "results" / "other.json")
    far = tmp_path / "x" / "y" / "z"
    far.mkdir(parents=True)
    out = tmp_path / "out"
    out.symlink_to(far)
    done = pykoh(odd / "results", renamed, "--series", "-o", out)
    assert done.exit_code == 0, done.output
    links = re.findall(r'href="([^"]*report\.html)"', (out / "report.html").read_text())
    assert links == ["../3%20M%20%231%2050%25/results/report.html"]
    assert (out / unquote(links[0])).exists()


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("input", "duration_ps", float("nan")),
        ("input", "molarity_mol_per_L", 0.0),
        ("input", "molarity_mol_per_L", float("nan")),
        ("values", "contact_cation_H2O", {"value": 1, "stderr": 1, "interval_95": [1]}),
    ],
)
def test_numbers_that_cannot_be_are_no_result(
    runs: Callable[[str], Path], tmp_path: Path, part: str, key: str, value: Any
) -> None:
    a, b = runs("a"), runs("b")
    tree = json.loads((b / "results.json").read_text())
    (tree["series"]["values"] if part == "values" else tree[part])[key] = value
    (b / "results.json").write_text(json.dumps(tree))
    done = pykoh(a, b, "--series", "-o", tmp_path / "out")
    assert done.exit_code == 1 and "is no results.json" in done.output, done.output


def test_a_file_that_is_no_result_is_named(
    made: Path, runs: Callable[[str], Path], tmp_path: Path
) -> None:
    """It is left out with its reason, and the series of the others is written."""
    a, broken = runs("a"), tmp_path / "broken.json"
    text = (a / "results.json").read_text()
    old = json.loads(text)
    del old["series"]
    for content, reason in (
        (text[: len(text) // 2], "is no results.json"),
        ("[]", "is no results.json"),
        ('{"input": 3}', "made by an earlier pykoh"),
        (json.dumps(old), "made by an earlier pykoh; analyse its trajectory again"),
        (json.dumps({"points": []}), "is a whole series"),
    ):
        broken.write_text(content)
        done = pykoh(a, broken, "--series", "--force", "-o", tmp_path / "out")
        assert done.exit_code == 1 and reason in done.output, done.output
        assert "1 of 2 runs was left out" in done.output
        assert [point["runs"] for point in points(tmp_path / "out")] == [["a"]]
    done = pykoh(a, tmp_path / "none.json", tmp_path, "--series", "--force", "-o", tmp_path / "out")
    assert "none.json: No such file" in done.output and "2 of 3 runs were" in done.output
    with pytest.raises(ResultsError, match=r"results\.json: No such file"):
        read_run(made / "results.json", "x")
