"""``make demo`` equilibrates before it produces, and once only."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent


def plan(folder: Path, *words: str) -> str:
    """Return what ``make demo`` would do in a folder, without doing it."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, folder)
    for name in ("lammps_inputs", "potentials"):
        if not (folder / name).exists():
            (folder / name).symlink_to(ROOT / name)
    done = subprocess.run(
        ["make", "-n", "demo", *words], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_box_settles_before_the_trajectory_begins(tmp_path: Path) -> None:
    text = plan(tmp_path)
    steps = [text.index(word) for word in ("pykoh build", "equilibrate.in", "koh.in", "analyze")]
    assert steps == sorted(steps)
    assert "--var data equil.data" in text


def test_a_run_that_goes_on_does_not_settle_again(tmp_path: Path) -> None:
    (tmp_path / ".venv").mkdir()
    demo = tmp_path / "demo"
    demo.mkdir()
    plan(tmp_path)  # puts the files there, older than what follows
    for name in (".venv/.ready", "demo/koh.data", "demo/koh.pt", "demo/equil.data",
                 "demo/koh.restart", "demo/md-1.5ps"):  # fmt: skip
        (tmp_path / name).touch()
    text = plan(tmp_path, "PS=10")
    assert "equilibrate.in" not in text
    assert "koh.in --var data equil.data --var ps 10" in text


def test_a_simulation_without_equilibration_goes_on_as_it_is(tmp_path: Path) -> None:
    """One that an earlier version began: the shell finds its restart and does not settle."""
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "koh.restart").touch()
    text = plan(tmp_path, "PS=10")
    assert "test -f demo/koh.restart || { cd demo" in text
