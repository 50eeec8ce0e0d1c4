"""A campaign on a real Slurm of three nodes, with everything going wrong (``make test-slurm``)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pykoh.engines.restart_file import restart_step

pytestmark = pytest.mark.slurm
CLUSTER = Path(__file__).parents[1] / "slurm" / "cluster.sh"
POTENTIALS = Path(__file__).parents[2] / "potentials"
SHIPPED = POTENTIALS / "koh-7net0-distilled" / "koh.pt"
OTHER = POTENTIALS / "koh-blyp-d3" / "koh.pt"
CAMPAIGN = """
name: faulty
molarities: 6.3
replicas: 3
potential: koh.pt
atoms: 30
ps: 4.0
equilibrate_ps: 0.05
restart_ps: 0.05
dump_fs: 5
committee: other.pt
flag_eV_per_A: 0.001
stop_eV_per_A: 100
"""
# Short, so that the runs need several jobs; Slurm may warn up to a minute earlier than asked.
SITE = "engine: pykoh\ngpus: 0\ncpus: 1\ntime: 00:01:00\nwarning_s: 15\nshort_time: 00:20:00\n"


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a client of a running cluster."""
    folder = tmp_path_factory.mktemp("slurm")
    subprocess.run([CLUSTER, "start", folder], check=True, timeout=120)
    yield {**os.environ, "SLURM_CONF": str(folder / "slurm.conf"), "OMP_NUM_THREADS": "1"}
    subprocess.run([CLUSTER, "stop", folder], check=True, timeout=120)


def wait(what: str, condition, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.5)


def workers(stage: str, task: int) -> list[int]:
    found = subprocess.run(
        ["pgrep", "-f", f"pykoh.campaign.worker . {stage} {task}"], capture_output=True, text=True
    )
    return [int(pid) for pid in found.stdout.split()]


def test_a_campaign_survives_and_is_complete(tmp_path: Path, slurm: dict[str, str]) -> None:
    (tmp_path / "koh.pt").symlink_to(SHIPPED)
    (tmp_path / "other.pt").symlink_to(OTHER)
    (tmp_path / "c.yaml").write_text(CAMPAIGN)
    (tmp_path / "s.yaml").write_text(SITE)

    def call(*arguments: str) -> str:
        done = subprocess.run(
            arguments, cwd=tmp_path, env=slurm, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    pykoh = (sys.executable, "-m", "pykoh")
    call(*pykoh, "submit", "c.yaml", "--site", "s.yaml", "-o", "c")
    places = [tmp_path / "c" / "runs" / f"6.3M_298.15K_{k}" for k in (1, 2, 3)]

    def checkpoints(place: Path) -> list[dict]:
        path = place / "koh.checkpoints.json"
        return json.loads(path.read_text()) if path.exists() else []

    # A worker is killed (out of memory, say).
    wait("production of run 1", lambda: len(checkpoints(places[0])) == 2, 900)
    for pid in workers("produce", 0):
        os.kill(pid, signal.SIGKILL)
    # The newest restart file of another run is damaged, and its worker killed.
    wait("production of run 2", lambda: len(checkpoints(places[1])) == 2, 900)
    for pid in workers("produce", 1):
        os.kill(pid, signal.SIGKILL)
    wait("the end of its LAMMPS", lambda: not workers("produce", 1), 60)
    time.sleep(1.0)
    with (places[1] / "koh.restart").open("r+b") as stream:
        stream.truncate(200)
    assert restart_step(places[1] / "koh.restart") is None
    # The node of the third is set to drain: its job ends there and goes on elsewhere.
    wait("production of run 3", lambda: len(checkpoints(places[2])) == 2, 900)
    call("scontrol", "update", "NodeName=n3", "State=DRAIN", "Reason=test")

    def queue() -> str:
        return call("squeue", "--noheader", "--array", "--format=%i %T %r")

    wait("the end of all jobs", lambda: not queue().strip(), 2400)
    shown = call(*pykoh, "status", "c")
    assert "3 of 3 runs done, 0.012 of 0.012 ns" in shown, shown
    for place in places:
        lines = (place / "koh.dump").read_text().splitlines()
        steps = [int(lines[k + 1]) for k, line in enumerate(lines) if line == "ITEM: TIMESTEP"]
        assert steps == list(range(0, 8001, 10)), "no frame is missing, none is there twice"
        rows = (place / "koh.pressure.txt").read_text().splitlines()
        times = [int(row.split()[0]) for row in rows if not row.startswith("#")]
        assert times == sorted(set(times))
        assert json.loads((place / "results" / "results.json").read_text())
        # Two potentials of different teachers never agree to 1 meV/Å.
        assert json.loads((place / "status.json").read_text())["flagged"] >= 1
    printed = "".join(p.read_text() for p in (tmp_path / "c" / "jobs").glob("produce-*.out"))
    assert "damaged: continuing from step" in printed
    assert printed.count("continues in the next job") >= 3, "the time limit was reached"
    assert (tmp_path / "c" / "series" / "298.15K" / "report.html").stat().st_size > 10_000
