"""What pykoh's own observables show: a new one is shown everywhere, no view knows any by name."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import report_cases
from pykoh.analysis import collect
from pykoh.analysis.common.input_summary import InputSummary
from pykoh.analysis.common.shown import Output, Showable, Table
from pykoh.analysis.observable import Block, Observable, Outcome, System
from pykoh.analysis.pipeline import Settings, analyze
from pykoh.analysis.results import (
    AnalysisResults,
    AnalysisWarning,
    Curve,
    Row,
    Shown,
    summary,
    write,
)
from pykoh.analysis.results.write import as_json, write_results
from pykoh.report import page
from pykoh.report.page import write_report
from pykoh.trajectory.run import ReadOptions, Run
from trajectories import koh_walkers, write_dump


class Counted(Observable[float]):
    """Counts frames, and shows that as a row and a curve."""

    name = "frame_count"
    STATE = ("_n",)

    def __init__(self, system: System) -> None:
        super().__init__(system)
        self._n = 0

    def add(self, block: Block, found: Any) -> None:
        self._n += len(block.positions)

    def result(self, outcome: Outcome) -> tuple[float, list[AnalysisWarning]]:
        return float(self._n), []

    def shown(self, result: float) -> Showable:
        curve = Curve("steps", "x and y", ("x", "y"), (np.arange(3.0), np.arange(3.0)))
        row = Row("n_frames", "frames that were counted", result, None)
        return Shown("Counted frames", "They are counted.", (row,), (curve,))


class Nested(Counted):
    """Shows the same count in a way of its own, in files that others write too."""

    name = "nested_count"

    def shown(self, result: float) -> Showable:
        class Count:
            def output(self, name: str, given: InputSummary) -> Output:
                columns = ("what", "kind", "time_ps", "share", "stderr")
                return Output(
                    json={"of": {given.cation: result}},
                    further={"experiment": {"count": 40.0}, "counted_by": name},
                    definitions={"counted": "each frame once"},
                    tables=[Table("survival.csv", "", columns, [("mine", "kind", 0, 1.0, None)])],
                    lines=["Counted: 40"],
                )

        return Count()


@pytest.fixture
def walkers(tmp_path: Path) -> Path:
    positions, types = koh_walkers(np.random.default_rng(4), 40)
    return write_dump(
        tmp_path / "a.dump", positions, types, 12.0 * np.eye(3), times=np.arange(40) * 0.02
    )


@pytest.fixture
def results(walkers: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., AnalysisResults]:
    """Analyse with more observables among pykoh's own."""
    own = collect.default_observables

    def analysed(*more: type[Observable[Any]]) -> AnalysisResults:
        monkeypatch.setattr(
            collect,
            "default_observables",
            lambda system, settings: [*own(system, settings), *(each(system) for each in more)],
        )
        return analyze(Run([walkers], ReadOptions()), Settings(temperature_K=300.0))

    return analysed


def shown_in(results: AnalysisResults, folder: Path) -> tuple[dict[str, Any], str, str]:
    """Write everything; return JSON, page and terminal."""
    folder.mkdir()
    write_results(results, folder)
    text = write_report(results, folder).read_text(encoding="utf-8")
    return json.loads((folder / "results.json").read_text()), text, summary.summary(results)


def test_a_new_one_is_shown_everywhere(
    results: Callable[..., AnalysisResults], tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    tree, text, lines = shown_in(results(Counted), folder)
    assert tree["frame_count"] == {"n_frames": {"value": 40.0, "stderr": None, "unit": ""}}
    assert "custom" not in tree
    table = (folder / "frame_count_steps.csv").read_text().splitlines()
    assert table == ["# x and y", "x,y", "0,0", "1,1", "2,2"]
    assert "\n\nCounted frames\n  frames that were counted: 40" in lines
    assert '<section id="frame-count"><h2>Counted frames</h2>' in text.replace("\n", "")
    assert 'href="#frame-count"' in text
    assert 'data-path="frame_count/n_frames/value"' in text
    assert (folder / "plots" / "frame_count_steps.svg").is_file()


def test_one_that_writes_with_others(
    results: Callable[..., AnalysisResults], tmp_path: Path
) -> None:
    folder, plain = tmp_path / "out", as_json(results())
    tree, text, lines = shown_in(results(Nested), folder)
    assert tree["nested_count"] == {"of": {"K": 40.0}}
    assert tree["counted_by"] == "nested_count"
    assert tree["experiment"] == {**plain["experiment"], "count": 40.0}
    assert tree["definitions"] == {**plain["definitions"], "counted": "each frame once"}
    table = (folder / "survival.csv").read_text().splitlines()
    assert table[0].startswith("# share of hydrogen bonds")
    assert table[-1] == "mine,kind,0,1,"
    assert "Counted: 40" in lines.splitlines()
    assert "nested-count" not in text  # it says nothing for the page


def test_the_others_are_attributes_of_the_results(
    results: Callable[..., AnalysisResults],
) -> None:
    found = results()
    assert found.more == {}
    assert as_json(found).keys() >= found.shown.keys()


def test_two_that_write_the_same_key_or_other_columns(tmp_path: Path) -> None:
    class Same:
        def output(self, name: str, given: InputSummary) -> Output:
            table = Table("msd.csv", "", ("x",), [])
            return Output(None, further={"viscosity": 1.0}, tables=[table])

    results = dataclasses.replace(report_cases.full(), more={"same": Same()})
    with pytest.raises(ValueError, match="'viscosity'"):
        as_json(results)
    with pytest.raises(ValueError, match=r"msd\.csv with different columns"):
        write_results(results, tmp_path)


@pytest.mark.parametrize("module", [write, summary, page])
def test_no_view_knows_an_observable(module: Any) -> None:
    text = Path(module.__file__).read_text(encoding="utf-8")
    assert not [name for name in report_cases.full().shown if name in text]
