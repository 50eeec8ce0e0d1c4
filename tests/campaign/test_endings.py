"""Endings of jobs that are no failures: cancelled, killed, stopped; the truth of the status."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import subprocess
import time
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from pykoh.campaign import slurm
from pykoh.campaign.folder import CampaignFolder, create
from pykoh.campaign.scripts import jobs_of
from pykoh.campaign.site import Site
from pykoh.campaign.spec import Campaign
from pykoh.campaign.status import status
from pykoh.cli import main

SHIPPED = Path(__file__).parents[2] / "potentials" / "koh-7net0-distilled" / "koh.pt"
WORKER = "trap 'sleep 0.2; exit 75' USR1; touch ready; while :; do sleep 0.05; done"


@pytest.fixture
def made(tmp_path: Path) -> CampaignFolder:
    return create(tmp_path / "c", Campaign((6.3,), "p", replicas=2), Site(), SHIPPED)


def end_of_job(made: CampaignFolder, number: int, shown: str) -> tuple[int, str]:
    """Send a signal to the job script of production; return its exit status and its requeues.

    Args:
        made: the campaign.
        number: the signal.
        shown: what ``scontrol show job`` prints.
    """
    programs = made.path / "bin"
    programs.mkdir()
    (programs / "scontrol").write_text(
        f'#!/bin/sh\ncase "$*" in *show*) echo "{shown}" ;; *) echo "$*" >> requeued ;; esac\n'
    )
    (programs / "python").write_text(f"#!/bin/bash\n{WORKER}\n")
    for program in programs.iterdir():
        program.chmod(0o755)
    text = jobs_of(made)[2].text
    start = text.index(" -m pykoh.campaign.worker")
    text = text.replace(text[:start].splitlines()[-1] + " -m", "python -m", 1)
    script = subprocess.Popen(
        ["bash", "-c", text],
        env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "SLURM_JOB_ID": "7",
             "SLURM_ARRAY_JOB_ID": "3", "SLURM_ARRAY_TASK_ID": "0"},
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not (made.path / "ready").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    script.send_signal(number)
    code = script.wait(60)
    requeued = made.path / "requeued"
    return code, requeued.read_text() if requeued.exists() else ""


@pytest.mark.parametrize(
    ("number", "shown", "again"),
    [
        (signal.SIGUSR1, "JobState=RUNNING", True),  # the time limit is near
        (signal.SIGUSR1, "JobState=COMPLETING", True),  # it came during the end
        (signal.SIGTERM, "JobState=RUNNING", True),  # the node shuts down
        (signal.SIGTERM, "JobState=COMPLETING PreemptTime=2026-12-01T10:00:00", True),
        (signal.SIGTERM, "JobState=COMPLETING PreemptTime=None", False),  # scancel
        (signal.SIGTERM, "JobState=CANCELLED", False),
    ],
)
def test_a_cancelled_job_stays_cancelled(
    made: CampaignFolder, number: int, shown: str, again: bool
) -> None:
    code, requeued = end_of_job(made, number, shown)
    assert (code, requeued) == ((75, "requeue 3_0\n") if again else (1, ""))


def say(made: CampaignFolder, index: int, state: str) -> None:
    place = made.run_folder(made.runs[index])
    (place / "status.json").write_text(json.dumps({"stage": "build", "state": state}))


def test_the_status_is_not_that_of_a_process_that_has_ended(
    made: CampaignFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shown(queue: dict[str, dict[int, str]]) -> list[tuple[str, str | None]]:
        monkeypatch.setattr(slurm, "states", lambda folder: queue)
        return [(row.state, row.problem) for row in status(made)]

    killed = (
        "its process was killed before it could write its state; pykoh submit continues the run"
    )
    stopped = "it was stopped, or its job was cancelled; pykoh submit continues the run"
    say(made, 0, "running")
    say(made, 1, "waiting")
    # Without Slurm: a local process that was killed, and one that was stopped.
    assert shown({}) == [("lost", killed), ("stopped", stopped)]
    with (made.run_folder(made.runs[0]) / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert shown({})[0] == ("running", None)
    with made.in_use():
        assert shown({})[1] == ("waiting", None), "the local process comes to it"
    # With Slurm: the other task of the same array still runs.
    (made.path / "jobs" / "submitted.json").write_text('{"build": "1"}')
    monkeypatch.setattr(slurm, "has_queue", lambda: True)
    assert shown({"build": {1: "running"}}) == [("lost", killed), ("running", None)]
    assert shown({"build": {0: "pending (BeginTime)"}})[1] == ("stopped", stopped)
    # On a machine without Slurm nobody knows.
    monkeypatch.setattr(slurm, "has_queue", lambda: False)
    assert shown({})[0] == ("running (no squeue here: its job is not known)", None)


def test_a_failed_run_does_not_move_the_end_of_the_others(
    made: CampaignFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody works on it: its speed tells nothing about when the campaign ends."""
    monkeypatch.setattr(slurm, "states", lambda folder: {})
    for number, state, speed in ((0, "running", 24.0), (1, "failed", 0.024)):
        place = made.run_folder(made.runs[number])
        for box in ("koh.data", "equil.data"):
            (place / box).touch()
        wrote = {"stage": "produce", "state": state, "ns_per_day": speed}
        (place / "status.json").write_text(json.dumps({**wrote, "problem": "no disk"}))
    with (made.run_folder(made.runs[0]) / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before, shown = datetime.now(), CliRunner().invoke(main, ["status", str(made.path)]).output
    hours = made.campaign.ps / 1000  # at 24 ns per day
    ends = re.search(r"the slowest run ends at about (.+)", shown)
    assert ends is not None, shown
    expected = {f"{before + timedelta(hours=hours, minutes=k):%a %d %b %H:%M}" for k in (0, 1)}
    assert ends[1] in expected
    assert shown.count("no disk") == 1


def test_the_report_does_not_wait_for_tasks_that_can_never_run(
    made: CampaignFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, ...]] = []

    def call(*command: str, folder: Path) -> str:
        calls.append(command)
        return f"{len(calls)}\n"

    monkeypatch.setattr(slurm, "_call", call)
    slurm.submit(made)
    assert all("--kill-on-invalid-dep=yes" in command for command in calls)
    assert "--dependency=aftercorr:3" in calls[3] and "--dependency=afterany:4" in calls[4]
