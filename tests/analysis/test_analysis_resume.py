"""An analysis that was interrupted goes on, and its numbers are those of one that was not."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pykoh.trajectory.run as run_module
from pykoh.analysis.checkpoint import Checkpoint
from pykoh.analysis.collect import Analysis
from pykoh.analysis.hops.observable import ProtonHops
from pykoh.analysis.hydrogen_bonds.observable import Bonds
from pykoh.analysis.pipeline import Settings, analyze
from pykoh.analysis.results.write import as_json
from pykoh.analysis.state import gather, put_back
from pykoh.analysis.structure.observable import Distributions
from pykoh.analysis.transport.observable import Temperature, Transport
from pykoh.analysis.workers import Workers
from pykoh.errors import TrajectoryError
from pykoh.trajectory.run import ReadOptions, Run
from test_trajectory_formats import write
from trajectories import koh_walkers, write_dump

CELL = 12.0 * np.eye(3)
N, DT = 700, 0.01
SETTINGS = Settings(temperature_K=300.0)


class KilledError(Exception):
    """Stands for the end of the process."""


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "_ATOM_FRAMES_PER_BLOCK", 5000)


def walkers(hop: float = 0.02) -> tuple[np.ndarray, list[int]]:
    return koh_walkers(np.random.default_rng(4), N, hop=hop)


def numbers(paths: list[Path], checkpoint: Path | None, **more: Any) -> tuple[Any, list[str]]:
    run = Run(paths, ReadOptions())
    said: list[str] = []
    keeper = None
    if checkpoint is not None:
        keeper = Checkpoint(checkpoint, run, more.pop("settings", SETTINGS), 0.0, say=said.append)
    return as_json(analyze(run, SETTINGS, checkpoint=keeper, **more)), said


def interrupted(paths: list[Path], checkpoint: Path, n_frames: int, workers: int = 1) -> None:
    """Analyse until at least ``n_frames`` frames were seen, then die."""

    def die(n: int) -> None:
        if n >= n_frames:
            raise KilledError

    with pytest.raises(KilledError):
        numbers(paths, checkpoint, progress=die, workers=Workers(workers))
    assert checkpoint.is_file()


def inputs(folder: Path, kind: str) -> list[Path]:
    """Return the files of a run: one of each way to read."""
    times = np.arange(N) * DT
    if kind == "extxyz":
        positions, types = walkers(hop=0.0)
        return [write(folder / "a.extxyz", positions, types, CELL)]
    if kind == "wrapped":
        positions, types = walkers(hop=0.0)
        return [
            write_dump(
                folder / "a.dump", positions, types, CELL, times=times, columns="id type x y z"
            )
        ]
    positions, types = walkers()
    if kind == "parts":
        return [
            write_dump(folder / f"{a}.dump", positions[a:b], types, CELL, times=times[a:b])
            for a, b in ((0, 260), (250, 500), (500, N))
        ]
    velocities = np.random.default_rng(0).normal(size=positions.shape)
    path = write_dump(
        folder / "a.dump", positions, types, CELL, times=times, units="metal",
        velocities=velocities, columns="id type xu yu zu vx vy vz",
    )  # fmt: skip
    if kind == "gzip":
        packed = folder / "a.dump.gz"
        packed.write_bytes(gzip.compress(path.read_bytes()))
        return [packed]
    return [path]


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("kind", ["plain", "gzip", "wrapped", "parts", "extxyz"])
def test_the_same_numbers(tmp_path: Path, kind: str) -> None:
    paths = inputs(tmp_path, kind)
    whole, _ = numbers(paths, None)
    state = tmp_path / "out.checkpoint.npz"
    interrupted(paths, state, 100, workers=2)
    interrupted(paths, state, 430)
    found, said = numbers(paths, state, workers=Workers(2))
    assert "goes on after" in said[0]
    assert int(said[0].split()[3]) > 300
    assert json.dumps(found) == json.dumps(whole)


@pytest.mark.usefixtures("small_blocks")
def test_a_file_that_grew_meanwhile(tmp_path: Path) -> None:
    (path,) = inputs(tmp_path, "plain")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(0.6 * len(whole))])
    state = tmp_path / "state.npz"
    interrupted([path], state, 200)
    path.write_bytes(whole)
    found, said = numbers([path], state)
    assert "goes on" in said[0]
    assert found == numbers([path], None)[0]


@pytest.mark.usefixtures("small_blocks")
def test_a_state_that_does_not_fit_is_not_used(tmp_path: Path) -> None:
    (path,) = inputs(tmp_path, "plain")
    whole, _ = numbers([path], None)
    state = tmp_path / "state.npz"
    interrupted([path], state, 200)
    kept = state.read_bytes()
    others = Settings(temperature_K=300.0, rattle_window_ps=0.1)
    for change, expected in (
        (lambda: None, "other files or options"),
        (lambda: state.write_bytes(kept[:5000]), "begins anew"),
        (lambda: path.write_text(path.read_text().replace("0.5", "0.6", 1)), "have changed"),
    ):
        state.write_bytes(kept)
        change()
        more = {"settings": others} if "options" in expected else {}
        found, said = numbers([path], state, **more)
        assert expected in said[0]
        assert "anew" in said[0]
        if "changed" not in expected:
            assert found == whole


def test_what_cannot_be_kept_is_an_error() -> None:
    class Part:
        STATE: tuple[str, ...] = ("values", "count")

        def __init__(self) -> None:
            self.values = np.arange(3.0)
            self.count = 2

    part, other = Part(), Part()
    part.values[:], part.count = 7.0, 5
    put_back(other, *gather(part))
    assert other.count == 5
    assert other.values.tolist() == [7.0] * 3
    with pytest.raises(TrajectoryError, match="lacks count"):
        put_back(other, {"values": part.values}, {})
    with pytest.raises(TrajectoryError, match="more"):
        put_back(other, {"values": part.values}, {"count": 1, "more": 2})
    part.lookup = {1: 2}  # type: ignore[attr-defined]
    Part.STATE += ("lookup",)
    with pytest.raises(TypeError, match="lookup"):
        gather(part)


def changed(before: Any, after: Any, path: str) -> Iterator[str]:
    """Yield the paths of attributes of pykoh's objects that differ and that no STATE names."""
    if isinstance(before, np.ndarray):
        if before.shape != after.shape or not np.array_equal(before, after, equal_nan=True):
            yield path
    elif isinstance(before, (list, tuple)):
        if len(before) != len(after):
            yield path
        for index, pair in enumerate(zip(before, after, strict=False)):
            yield from changed(*pair, f"{path}[{index}]")
    elif hasattr(type(before), "STATE"):
        for key, value in vars(before).items():
            found = list(changed(value, getattr(after, key), f"{path}.{key}"))
            # What is named is kept whole, unless it is an object, which names its own.
            whole = key in before.STATE
            yield from (
                name for name in found if not whole or name.count(".") > path.count(".") + 1
            )
    elif isinstance(before, (bool, int, float, str, type(None))) and not (
        type(before) is type(after) and before == after
    ):
        yield path


@pytest.mark.parametrize("n_koh", [0, 4])
def test_what_changes_is_in_the_state(tmp_path: Path, n_koh: int) -> None:
    """Nothing but what STATE names changes while frames are added."""
    positions, types = koh_walkers(np.random.default_rng(4), N, n_koh=n_koh)
    velocities = np.random.default_rng(0).normal(size=positions.shape)
    path = write_dump(
        tmp_path / "a.dump", positions, types, CELL, times=np.arange(N) * DT,
        velocities=velocities, columns="id type xu yu zu vx vy vz",
    )  # fmt: skip
    run = Run([path], ReadOptions())
    analysis, n = None, 0
    for frames in run.blocks():
        if analysis is None:
            analysis = Analysis(run, SETTINGS, frames)
            before = Analysis(run, SETTINGS, frames)
        analysis.add(frames, analysis.work(n, frames.positions, frames.cells))
        n += len(frames.steps)
    assert analysis is not None
    analysis.settle()
    assert not list(changed(before, analysis, "analysis"))
    observables = [type(each) for each in analysis._observables]
    assert {Transport, ProtonHops, Bonds, Distributions, Temperature} <= set(observables)


def killed(command: list[str], state: Path) -> None:
    """Start a program and kill it once it has written its state."""
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 120
        while not state.exists():
            assert process.poll() is None, "it was done before it could be killed"
            assert time.monotonic() < deadline
            time.sleep(0.002)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def test_kill_9(tmp_path: Path) -> None:
    positions, types = koh_walkers(np.random.default_rng(4), 4000)
    path = write_dump(
        tmp_path / "a.dump", positions, types, CELL, times=np.arange(4000) * DT, digits=".6g"
    )
    start = [sys.executable, "-m", "pykoh", "analyze", str(path), "--temperature", "300"]
    start += ["--no-report", "--workers", "2"]
    subprocess.run([*start, "-o", str(tmp_path / "whole")], check=True, capture_output=True)
    state = tmp_path / "cut.checkpoint.npz"
    cut = [*start, "-o", str(tmp_path / "cut"), "--checkpoint", "1e-9"]
    killed(cut, state)
    assert not (tmp_path / "cut").exists()
    done = subprocess.run(cut, check=True, capture_output=True, text=True)
    assert "goes on after" in done.stderr
    assert not state.exists()
    names = {entry.name for entry in (tmp_path / "whole").iterdir()}
    assert names == {entry.name for entry in (tmp_path / "cut").iterdir()}
    for name in names - {"run.json"}:
        assert (tmp_path / "cut" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
    assert not list(tmp_path.glob(".*npz*"))


def test_a_series_keeps_what_is_done(tmp_path: Path) -> None:
    """The first run is done and its state kept when the second one fails to be there."""
    paths = []
    for seed in (1, 2):
        positions, types = koh_walkers(np.random.default_rng(seed), 900)
        folder = tmp_path / f"run_{seed}"
        folder.mkdir()
        times = np.arange(900) * DT
        paths.append(write_dump(folder / "a.dump", positions, types, CELL, times=times))
    start = [sys.executable, "-m", "pykoh", "analyze", *map(str, paths), "--series"]
    start += ["--temperature", "300", "--no-report", "-o", str(tmp_path / "out")]
    start += ["--checkpoint", "1e-9"]
    killed(start, tmp_path / "out.run_2.checkpoint.npz")
    assert (tmp_path / "out.run_1.checkpoint.npz").is_file()
    done = subprocess.run(start, check=True, capture_output=True, text=True)
    assert "goes on after 900 frames" in done.stderr
    assert not list(tmp_path.glob("*.npz"))
    plain = [word for word in start if word not in ("--checkpoint", "1e-9")]
    plain[plain.index("-o") + 1] = str(tmp_path / "plain")
    subprocess.run(plain, check=True, capture_output=True)
    for name in ("series.json", "run_1/results.json", "run_2/results.json"):
        assert (tmp_path / "out" / name).read_text() == (tmp_path / "plain" / name).read_text()
