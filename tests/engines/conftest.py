"""What tests of engines share."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from pykoh.cli import main
from pykoh.resources import shipped


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
