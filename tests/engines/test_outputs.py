"""The files of a run: one process writes them, and an interrupt leaves none that is in the way."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pykoh.engines.embedded import Progress
from pykoh.engines.outputs import held
from pykoh.engines.simulation import simulate
from pykoh.errors import EngineError
from started import pykoh
from test_run import start


def test_one_run_at_a_time_has_a_name(tmp_path: Path, box: Path, real_potential: Path) -> None:
    """Two of them would write into one trajectory."""
    arguments = start(tmp_path, real_potential, box, "--var", "ps", "0.01")
    with inside(tmp_path), held("koh"):
        second = pykoh(tmp_path, *arguments)
        assert second.returncode == 1
        assert second.stderr.splitlines()[-1] == (
            "Error: koh: another pykoh run works on it; wait for its end, or set another --var name"
        )
        other = pykoh(tmp_path, *arguments, "--var", "name", "other")
        assert other.returncode == 0, other.stderr
    assert not list(tmp_path.glob("*.lock"))
    assert pykoh(tmp_path, *arguments).returncode == 0


def test_what_an_interrupted_minimisation_leaves(
    tmp_path: Path, box: Path, real_potential: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "koh.data").write_bytes(box.read_bytes())
    variables = {"potential": real_potential, "relax": 20, "ps": 0.01}

    def stop(progress: Progress) -> None:
        if progress.stage == "minimising":
            os.kill(os.getpid(), signal.SIGINT)

    outcome = simulate("koh.in", variables, threads=1, progress=stop)
    assert outcome.interrupted and not outcome.continues and outcome.seconds == 0
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"koh.data", "koh.log", "koh.variables.json", "koh.run.json"}
    # Nothing is in the way of the same command.
    done = simulate("koh.in", variables, threads=1)
    assert done.last_step == 20 and done.continues
    # What is in the way is named.
    (tmp_path / "koh.restart").unlink()
    (tmp_path / "koh.dump").unlink()
    with pytest.raises(EngineError, match=r"^koh.pressure.txt: is left from a run without a koh"):
        simulate("koh.in", variables, threads=1)


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
