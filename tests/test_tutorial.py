"""The tutorial, as a reader would run it; and the commands that the pages name exist."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from pykoh.cli import COMMANDS, main

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), ROOT / "slurm" / "README.md"]


def console(page: Path) -> list[str]:
    """Return the lines of the blocks that a reader would paste into a shell."""
    blocks = re.findall(r"```console\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def commands(page: Path) -> list[str]:
    """Return the pykoh commands in all blocks of a page, comments cut off."""
    blocks = re.findall(r"```[a-z]*\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    lines = [line.split("  #")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith("pykoh ")]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_pages_name_commands_and_options_that_exist(page: Path) -> None:
    for line in commands(page):
        name, *words = line.removeprefix("pykoh ").split()
        assert name in COMMANDS, line
        text = CliRunner().invoke(main, [name, "--help"]).output
        for word in words:
            if word.startswith("--"):
                assert word.split("=")[0] in text, f"{line}: no option {word}"


def test_every_command_has_its_page() -> None:
    assert {p.stem for p in (ROOT / "docs" / "commands").glob("*.md")} == set(COMMANDS)


@pytest.mark.slow
def test_the_tutorial_runs(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "POTENTIALS": str(ROOT / "potentials"),
        "OMP_NUM_THREADS": "1",
    }
    lines = console(ROOT / "docs" / "tutorial.md")
    assert len(lines) >= 6
    for line in lines:
        done = subprocess.run(
            line, shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True,
            timeout=900,
        )  # fmt: skip
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    results = json.loads((tmp_path / "results" / "results.json").read_text())
    assert results["input"]["duration_ps"] == pytest.approx(0.8, abs=0.01)
    assert results["grotthuss"]["n_transfers"] is not None
    assert (tmp_path / "results" / "report.html").stat().st_size > 10_000
