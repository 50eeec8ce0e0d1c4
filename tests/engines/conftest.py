"""What tests of engines share."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from inputs import SHORT, copy_box, run
from pykoh.cli import main
from pykoh.resources import shipped
from started import pykoh


@pytest.fixture(scope="session")
def box(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A packed box of 3 KOH and 21 H2O."""
    path = tmp_path_factory.mktemp("box") / "koh.data"
    words = ["build", "--n-koh", "3", "--n-water", "21", "-o", str(path)]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    return path


@pytest.fixture(scope="session")
def real_potential() -> Path:
    found = sorted(shipped("potentials").glob("*/*.pt"))
    assert found, "a potential is shipped"
    return found[0]


@pytest.fixture(scope="module")
def tiny_box(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a box of 2 KOH and 10 H2O, koh.data, and a potential, koh.pt."""
    folder = tmp_path_factory.mktemp("box")
    done = pykoh(folder, "build", "--n-koh", "2", "--n-water", "10", "-o", "koh.data")
    assert done.returncode == 0, done.stderr
    shutil.copy(next(iter(shipped("potentials").glob("*/koh.pt"))), folder)
    return folder


@pytest.fixture(scope="module")
def equilibrated(tiny_box: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same after equilibrate.in."""
    folder = copy_box(tiny_box, tmp_path_factory.mktemp("equil"))
    done = run(folder, "equilibrate.in", SHORT)
    assert done.returncode == 0, done.stderr
    return folder
