"""Runs that share a job or a machine: one that fails or is busy leaves the others alone."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pykoh.campaign import engine, local, report
from pykoh.campaign.folder import CampaignFolder, create
from pykoh.campaign.local import run_here
from pykoh.campaign.site import Site
from pykoh.campaign.spec import Campaign, CampaignRun
from pykoh.campaign.submission import submit
from pykoh.campaign.worker import AGAIN, BUSY, DONE, FAILED, Worker
from pykoh.engines.restart_file import restart_step

SHIPPED = Path(__file__).parents[2] / "potentials" / "koh-7net0-distilled" / "koh.pt"
NAME = "6.3M_298.15K_{}"


def folder(path: Path, replicas: int, ps: float = 0.02, runs_per_job: int = 2) -> CampaignFolder:
    site = Site(engine="pykoh", gpus=0, cpus=1, runs_per_job=runs_per_job, free_gb=0)
    described = Campaign((6.3,), str(SHIPPED), replicas=replicas, ps=ps)
    return create(path, described, site, SHIPPED)


@pytest.fixture
def commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, restarts: dict[int, bytes]
) -> dict[tuple[str, str], str]:
    """Stages that take no time; shell commands by stage and run replace them."""
    (tmp_path / "restart").write_bytes(restarts[40])
    usual = {
        "build": "touch koh.data",
        "equilibrate": "touch equil.data",
        "produce": f"cp {tmp_path / 'restart'} koh.restart",
        "analyze": "mkdir -p results; echo {} > results/results.json",
    }
    special: dict[tuple[str, str], str] = {}

    def command(stage: str, run: CampaignRun) -> list[str]:
        return ["sh", "-c", special.get((stage, run.name), usual[stage])]

    monkeypatch.setattr(engine, "build_command", lambda _, run: command("build", run))
    monkeypatch.setattr(engine, "analysis_command", lambda _, run: command("analyze", run))
    monkeypatch.setattr(
        engine, "simulation_command", lambda _campaign, _site, run, stage: command(stage, run)
    )
    return special


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The runs of each series that was written."""
    written: list[list[str]] = []

    def combine(_: CampaignFolder, temperature: float, runs: list[Path]) -> bool:
        written.append([run.name for run in runs])
        return True

    monkeypatch.setattr(report, "_combine", combine)
    return written


def status(made: CampaignFolder, replica: int) -> dict[str, str]:
    return made.run_status(made.runs[replica - 1])


def test_a_failed_run_leaves_the_others_of_its_slurm_task_alone(
    tmp_path: Path, commands: dict[tuple[str, str], str]
) -> None:
    made = folder(tmp_path / "c", 2)
    commands["build", NAME.format(1)] = "echo no luck; exit 3"
    assert Worker(made, "build").work(made.runs) == DONE
    failed = status(made, 1)
    assert failed["state"] == "failed" and "no luck" in failed["problem"]
    for stage in ("equilibrate", "produce", "analyze"):
        assert Worker(made, stage).work(made.runs) == DONE
        assert status(made, 1) == failed, "its status still shows the reason"
        assert Worker(made, stage).work(made.runs[:1]) == FAILED
    assert status(made, 2)["stage"] == "analyze" and status(made, 2)["state"] == "done"
    # A run of another job is busy: the others go on.
    with (made.run_folder(made.runs[0]) / "lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        assert Worker(made, "build").work(made.runs) == DONE
        assert Worker(made, "build").work(made.runs[:1]) == BUSY


def test_a_failed_or_busy_run_leaves_the_others_on_this_machine_alone(
    tmp_path: Path, commands: dict[tuple[str, str], str], reports: list[list[str]]
) -> None:
    made = folder(tmp_path / "c", 3, runs_per_job=3)
    commands["equilibrate", NAME.format(1)] = "exit 3"
    said: list[str] = []
    with (made.run_folder(made.runs[1]) / "lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        assert run_here(made, said.append) == FAILED
    assert status(made, 1)["stage"] == "equilibrate" and status(made, 1)["state"] == "failed"
    assert status(made, 2) == {}
    assert reports == [[NAME.format(3)]]
    assert said[-1] == (
        "1 run is left to another process; the same command, when it has ended, finishes what is "
        "missing"
    )


def test_runs_and_ps_that_are_asked_for_meanwhile_are_done(
    tmp_path: Path, commands: dict[tuple[str, str], str], reports: list[list[str]],
    monkeypatch: pytest.MonkeyPatch, restarts: dict[int, bytes],
) -> None:  # fmt: skip
    made = folder(tmp_path / "c", 1, ps=0.01, runs_per_job=1)
    done: list[tuple[str, float]] = []

    class Recorder(Worker):
        def outcomes(self, runs: list[CampaignRun]) -> dict[str, int]:
            campaign = self.campaign_folder.campaign
            if self.stage == "build" and not done:
                folder(tmp_path / "c", 2, ps=0.02, runs_per_job=1)  # a second terminal
            if self.stage == "analyze":
                done.extend((run.name, campaign.ps) for run in runs)
            return super().outcomes(runs)

    monkeypatch.setattr(local, "Worker", Recorder)
    assert run_here(made, lambda _: None) == DONE
    assert done == [(NAME.format(1), 0.01), (NAME.format(1), 0.02), (NAME.format(2), 0.02)]
    assert reports[-1] == [NAME.format(1), NAME.format(2)]


def test_runs_that_come_while_the_report_is_written_are_done(
    tmp_path: Path, commands: dict[tuple[str, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = folder(tmp_path / "c", 1)
    written: list[int] = []

    def combine(_: CampaignFolder, temperature: float, runs: list[Path]) -> bool:
        folder(tmp_path / "c", 2)
        written.append(len(runs))
        return True

    monkeypatch.setattr(report, "_combine", combine)
    assert run_here(made, lambda _: None) == DONE and written == [1, 2]


def test_reports_take_turns_and_show_the_campaign_as_it_is(
    tmp_path: Path, reports: list[list[str]]
) -> None:
    old = folder(tmp_path / "c", 1)
    outcomes: list[int] = []
    thread = threading.Thread(target=lambda: outcomes.append(report.write_series(old)))
    with (old.path / "jobs" / "series.lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        thread.start()
        time.sleep(0.3)
        assert not reports and thread.is_alive(), "another process writes its report"
        grown = folder(tmp_path / "c", 2)
        for run in grown.runs:
            (grown.run_folder(run) / "results").mkdir()
            (grown.run_folder(run) / "results" / "results.json").touch()
    thread.join()
    assert outcomes == [0] and reports == [[NAME.format(1), NAME.format(2)]]


def wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("stage", ["build", "analyze"])
def test_a_stage_that_was_told_to_stop_is_waiting(
    tmp_path: Path, commands: dict[tuple[str, str], str], stage: str
) -> None:
    made = folder(tmp_path / "c", 1)
    for each in engine.STAGES[: engine.STAGES.index(stage)]:
        assert Worker(made, each).work(made.runs) == DONE
    commands[stage, NAME.format(1)] = "exec sleep 60"
    worker = Worker(made, stage)
    outcomes: list[int] = []
    thread = threading.Thread(target=lambda: outcomes.append(worker.work(made.runs)))
    thread.start()
    wait(lambda: (status(made, 1).get("stage"), status(made, 1).get("state")) == (stage, "running"))
    worker.stop(15, None)
    thread.join()
    assert outcomes == [AGAIN] and status(made, 1)["state"] == "waiting"
    assert json.loads((made.run_folder(made.runs[0]) / "status.json").read_text())["stage"] == stage


def test_a_run_that_another_process_works_on_is_left_to_it(tmp_path: Path) -> None:
    campaign = Campaign((6.3,), str(SHIPPED), atoms=30, ps=0.1)
    site = Site(engine="pykoh", gpus=0, cpus=1)
    made = create(tmp_path / "c", campaign, site, SHIPPED)
    with (made.run_folder(made.runs[0]) / "lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        said: list[str] = []
        done = submit(campaign, tmp_path / "c", site=site, local=True, say=said.append)
    assert not done.failed and made.run_status(made.runs[0]) == {}
    assert said[1] == "6.3M_298.15K_1: build", "no further stage is tried"
    assert said[2].startswith("1 run is left to another process; the same command") and not said[3:]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_local_runs_end_soon_when_told(tmp_path: Path, number: int) -> None:
    """Ctrl-C, or the TERM of a shell that ends: restart files are written, and the rest is left."""
    (tmp_path / "site.yaml").write_text("engine: pykoh\ngpus: 0\ncpus: 1\n")
    command = [
        sys.executable, "-m", "pykoh", "submit", "--molarity", "6.3", "--potential", str(SHIPPED),
        "--ps", "1", "--set", "atoms=30", "--set", "equilibrate_ps=1000", "--site", "site.yaml",
        "-o", "c", "--local",
    ]  # fmt: skip
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    place = tmp_path / "c" / "runs" / "6.3M_298.15K_1"
    deadline = time.monotonic() + 240
    while not (place / "equil.restart").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(number)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1 and said.splitlines()[-1].startswith("Error: stopped; "), said
    assert json.loads((place / "status.json").read_text())["state"] == "waiting"
    assert restart_step(place / "equil.restart") is not None
    assert not (place / "equil.data").exists()
