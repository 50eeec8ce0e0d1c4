"""Observables of a user's own: a known answer, workers, resuming, all views, and broken ones."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import exact
import pykoh.trajectory.run as run_module
from pykoh.analysis.checkpoint import Checkpoint
from pykoh.analysis.observable import Block, Factory, Frames, Observable, Outcome, System
from pykoh.analysis.pipeline import Settings, analyze
from pykoh.analysis.results import AnalysisResults, AnalysisWarning, Curve, Row, Shown
from pykoh.analysis.results.summary import summary
from pykoh.analysis.results.write import as_json, write_results
from pykoh.analysis.workers import Workers
from pykoh.cli import main
from pykoh.errors import ObservableError
from pykoh.report.page import write_report
from pykoh.trajectory.run import ReadOptions, Run
from trajectories import OH_A, H, K, O, koh_walkers, write_dump

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))
from water_at_cation import MOST_WATERS, WaterAtCation  # noqa: E402

DT = 0.02
SETTINGS = Settings(temperature_K=300.0)


def telegraph(folder: Path, n_frames: int = 3000, n: int = 12, off: float = 0.02) -> Path:
    """Write cations, each with a water of its own that comes and goes at random."""
    rng = np.random.default_rng(7)
    there = exact.telegraph(rng, n_frames, n, off, 0.03)
    cations = np.full((n_frames, n, 3), 10.0)
    cations[:, :, 0] += 20.0 * np.arange(n)
    directions = rng.normal(size=(n, 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    oxygens = cations + np.where(there, 2.8, 6.0)[:, :, None] * directions
    sides = np.array([[OH_A, 0.0, 0.0], [-0.3, 0.9, 0.0]])
    hydrogens = [oxygens + side for side in sides]
    positions = np.concatenate([*hydrogens, oxygens, cations], axis=1)
    types = [H] * (2 * n) + [O] * n + [K] * n
    cell = np.diag([20.0 * n, 20.0, 20.0])
    return write_dump(
        folder / "a.dump", positions, types, cell, times=np.arange(n_frames) * DT, digits=".6g"
    )


def analysed(path: Path, *observables: Factory, **more: Any) -> AnalysisResults:
    return analyze(Run([path], ReadOptions()), SETTINGS, observables=observables, **more)


@pytest.fixture
def walkers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A dump that is read in several blocks."""
    monkeypatch.setattr(run_module, "_ATOM_FRAMES_PER_BLOCK", 5000)
    positions, types = koh_walkers(np.random.default_rng(4), 400)
    return write_dump(
        tmp_path / "a.dump", positions, types, 12.0 * np.eye(3), times=np.arange(400) * DT
    )


def test_the_residence_time_is_known(tmp_path: Path) -> None:
    found = analysed(telegraph(tmp_path), WaterAtCation).custom[0]
    (row,) = found.shown.rows
    expected = DT / 0.02
    assert row.value is not None and row.stderr is not None
    assert abs(row.value - expected) < 3.0 * row.stderr
    assert row.stderr < 0.1 * expected
    (curve,) = found.shown.curves
    assert curve.values[1].sum() == pytest.approx(1.0)
    assert curve.values[1][1] == pytest.approx(0.6, abs=0.05)  # on / (on + off)
    nobody = analysed(tmp_path / "a.dump", partial(WaterAtCation, cutoff_A=1.0))
    assert nobody.custom[0].shown.rows[0].value is None
    assert nobody.reasons("custom.water_at_cation") == (
        "no water was seen to leave a cation; run longer",
    )


def test_workers_and_blocks_change_nothing(walkers: Path) -> None:
    one = as_json(analysed(walkers, WaterAtCation))
    assert one["custom"]["water_at_cation"]["residence_time_ps"]["value"] > 0
    assert as_json(analysed(walkers, WaterAtCation, workers=Workers(3))) == one
    without = as_json(analysed(walkers))
    assert "custom" not in without
    del one["custom"]
    assert one == without


def test_it_goes_on_after_a_kill(walkers: Path, tmp_path: Path) -> None:
    class KilledError(Exception):
        pass

    def die(n: int) -> None:
        if n > 250:
            raise KilledError

    def keeper(run: Run, said: list[str]) -> Checkpoint:
        return Checkpoint(tmp_path / "state.npz", run, SETTINGS, 0.0, say=said.append)

    whole = as_json(analysed(walkers, WaterAtCation))
    run, said = Run([walkers], ReadOptions()), []
    with pytest.raises(KilledError):
        analyze(run, SETTINGS, die, checkpoint=keeper(run, said), observables=[WaterAtCation])
    kept = (tmp_path / "state.npz").read_bytes()
    run = Run([walkers], ReadOptions())
    found = analyze(run, SETTINGS, checkpoint=keeper(run, said), observables=[WaterAtCation])
    assert "goes on after" in said[0]
    assert json.dumps(as_json(found)) == json.dumps(whole)
    # A state without the observable is not used with it, nor the other way round.
    (tmp_path / "state.npz").write_bytes(kept)
    run = Run([walkers], ReadOptions())
    analyze(run, SETTINGS, checkpoint=keeper(run, said))
    assert "of other observables" in said[1]


def test_it_goes_to_other_processes_without_its_state(walkers: Path) -> None:
    run = Run([walkers], ReadOptions())
    next(iter(run.blocks()))
    observable = WaterAtCation(System(run.atoms, DT, 12.0, True, 1))
    sent = pickle.loads(pickle.dumps(observable))
    assert not hasattr(sent, "_sums") and sent.system.n_identities == 4


def test_every_view_shows_it(tmp_path: Path) -> None:
    found = analysed(telegraph(tmp_path, 400), WaterAtCation)
    folder = tmp_path / "out"
    folder.mkdir()
    write_results(found, folder)
    write_report(found, folder)
    tree = json.loads((folder / "results.json").read_text())
    row = found.custom[0].shown.rows[0]
    assert tree["custom"] == {
        "water_at_cation": {
            "residence_time_ps": {"value": row.value, "stderr": row.stderr, "unit": "ps"}
        }
    }
    lines = (folder / "custom_water_at_cation_number.csv").read_text().splitlines()
    assert lines[1] == "waters,share" and len(lines) == 2 + MOST_WATERS
    page = (folder / "report.html").read_text()
    assert 'id="custom-water-at-cation"' in page and "residence time of water at K+" in page
    assert (folder / "plots" / "custom_water_at_cation_number.svg").is_file()
    assert "residence time of water at K+: " in summary(found)
    missing = analysed(tmp_path / "a.dump", partial(WaterAtCation, cutoff_A=1.0))
    write_report(missing, folder)
    assert "no water was seen to leave" in (folder / "report.html").read_text()


PACKAGE = {
    "entry_points.txt": "[pykoh.observables]\nwater = {value}\n",
    "METADATA": "Metadata-Version: 2.1\nName: mine\nVersion: 1\n",
}


def installed(folder: Path, value: str) -> None:
    """Write what an installed package with one entry point leaves behind."""
    info = folder / "mine-1.dist-info"
    info.mkdir(exist_ok=True)
    for name, text in PACKAGE.items():
        (info / name).write_text(text.format(value=value))


def test_an_installed_package_adds_one(tmp_path: Path) -> None:
    path = telegraph(tmp_path, 200)
    site = tmp_path / "site"
    site.mkdir()
    installed(site, "water_at_cation:WaterAtCation")
    root = str(EXAMPLES.parent)
    places = os.pathsep.join([str(site), str(EXAMPLES), root])
    environment = {**os.environ, "PYTHONPATH": places}
    command = [sys.executable, "-m", "pykoh", "analyze", str(path), "--temperature", "300"]
    command += ["--no-report", "-o", str(tmp_path / "out"), "--force"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "residence time of water at K+" in done.stdout
    tree = json.loads((tmp_path / "out" / "results.json").read_text())
    assert tree["custom"]["water_at_cation"]["residence_time_ps"]["value"] > 0
    installed(site, "nowhere:Nothing")
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode != 0
    (line,) = done.stderr.strip().splitlines()
    assert "observable water (nowhere:Nothing): import failed" in line


class Broken(Observable[float]):
    """Does what it should; the tests break one thing."""

    name = "broken"

    def per_frame(self, frames: Frames) -> Any:
        return None

    def add(self, block: Block, found: Any) -> None:
        pass

    def result(self, outcome: Outcome) -> tuple[float, list[AnalysisWarning]]:
        return 1.0, []

    def shown(self, result: float) -> Shown | None:
        return Shown("One", "It is one.", (Row("one", "one", result, None),))


def fails(*_: Any) -> Any:
    raise ZeroDivisionError("on\npurpose")


@pytest.mark.parametrize("what", ["per_frame", "add", "result", "shown"])
@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_names_the_observable(walkers: Path, what: str, workers: int) -> None:
    broken = type("Mine", (Broken,), {what: fails, "__module__": "lab"})
    expected = rf"^observable lab\.Mine: {what} failed \(ZeroDivisionError: on purpose\)$"
    with pytest.raises(ObservableError, match=expected):
        analysed(walkers, broken, workers=Workers(workers))


@pytest.mark.parametrize(
    "change, expected",
    [
        ({"name": "No Name"}, "its name is 'No Name'; give it one of small letters"),
        ({"name": "structure"}, "observable structure: another one has this name"),
        ({"STATE": ("_gone",)}, "its STATE failed .*_gone"),
        ({"STATE": ("system",)}, "its STATE failed .*system: a System cannot be kept"),
        ({"shown": lambda *_: None}, r"shown\(\) returned no pykoh Shown"),
        ({"__init__": fails}, "making it failed"),
    ],
)
def test_what_breaks_the_contract_is_refused(
    walkers: Path, change: dict[str, Any], expected: str
) -> None:
    with pytest.raises(ObservableError, match=expected):
        analysed(walkers, type("Mine", (Broken,), change))


@pytest.mark.parametrize(
    "rows, curves, expected",
    [
        ([("a", 1.0), ("a", 2.0)], [], "two rows have the same key"),
        ([("a", float("nan"))], [], "row 'a' is not a finite number"),
        ([], [("a b", 2, 2)], "curve 'a b': its file must be"),
        ([], [("a", 1, 2)], "each of two or more columns"),
        ([], [("a", 2, 3)], "its columns are not of one length"),
    ],
)
def test_what_cannot_be_written_is_refused(
    walkers: Path, rows: list[Any], curves: list[Any], expected: str
) -> None:
    shown = Shown(
        "One",
        "It is one.",
        tuple(Row(key, key, value, None) for key, value in rows),
        tuple(
            Curve(file, "about", ("x", "y")[:n], (np.zeros(2), np.zeros(length))[:n])
            for file, n, length in curves
        ),
    )
    with pytest.raises(ObservableError, match=expected):
        analysed(walkers, type("Mine", (Broken,), {"shown": lambda *_: shown}))


def test_what_is_no_observable_is_refused(walkers: Path) -> None:
    with pytest.raises(ObservableError, match=r"builtins\.dict: .*"):
        analysed(walkers, dict)
    with pytest.raises(ObservableError, match=r"is no pykoh\.analysis"):
        analysed(walkers, lambda _: 3)


def test_the_command_line_says_it_in_one_line(
    walkers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = type("Mine", (Broken,), {"add": fails, "__module__": "lab"})
    monkeypatch.setattr("pykoh.analysis.custom.installed_observables", lambda: [broken])
    found = CliRunner().invoke(main, ["analyze", str(walkers), "-o", str(tmp_path / "out")])
    assert found.exit_code != 0
    assert "Error: observable lab.Mine: add failed (ZeroDivisionError: on purpose)" in found.output
    assert not (tmp_path / "out").exists()
