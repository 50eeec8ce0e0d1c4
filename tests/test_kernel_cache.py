"""Compiled functions: what is kept is found again, and never used after a change."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pykoh
from pykoh import kernels, study
from pykoh.engines import loops
from trajectories import koh_walkers, write_dump

PACKAGE = Path(pykoh.__file__).parent

USED = """
import sys
import pykoh
from pykoh.kernels import _declared, normalize_signature
pykoh.analyze(sys.argv[1], workers=1)
for module, made in _declared.items():
    for dispatcher, signature in made:
        usual = tuple(normalize_signature(signature)[0])
        for found in dispatcher.signatures:
            if tuple(found) != usual:
                print(module, dispatcher.py_func.__name__, found)
"""

HITS = """
import numpy as np
from pykoh.trajectory.unwrapping import unwrap
place = np.zeros((1, 3))
unwrap(place, place.copy(), 0.5, place.copy())
print(sum(unwrap.stats.cache_hits.values()), sum(unwrap.stats.cache_misses.values()))
"""


def python(*arguments: str, **environment: str) -> str:
    command = [sys.executable, *arguments]
    done = subprocess.run(
        command, env={**os.environ, **environment}, capture_output=True, text=True, check=True
    )
    return done.stdout


def small_package(folder: Path) -> Path:
    """Write a package with a kernel that imports a constant."""
    (folder / "part").mkdir(parents=True)
    (folder / "part" / "__init__.py").write_text("")
    (folder / "part" / "constants.py").write_text("WIDTH = 3\n")
    (folder / "part" / "other.py").write_text("NAME = 'x'\n")
    (folder / "loop.py").write_text(
        "from pykoh.kernels import kernel\nfrom pykoh.part.constants import WIDTH\n"
    )
    return folder


def test_a_change_in_an_imported_file_changes_the_key(tmp_path: Path) -> None:
    package = small_package(tmp_path / "pykoh")
    before = kernels.contents_key(package)
    (package / "part" / "other.py").write_text("NAME = 'y'\n")
    assert kernels.contents_key(package) == before
    (package / "part" / "constants.py").write_text("WIDTH = 4\n")
    assert kernels.contents_key(package) != before


def test_the_key_is_that_of_the_files_of_kernels_and_their_constants() -> None:
    assert kernels.contents_key() == kernels.contents_key(PACKAGE)
    assert kernels.folder() is not None
    assert kernels.folder().name == kernels.contents_key()  # type: ignore[union-attr]


def test_what_was_not_used_for_long_is_removed(tmp_path: Path) -> None:
    old, recent, foreign = (tmp_path / name for name in ("0" * 16, "1" * 16, "of-somebody-else"))
    past = time.time() - kernels.UNUSED_S - 60.0
    for folder in (old, recent, foreign):
        folder.mkdir()
    for folder in (old, foreign):
        os.utime(folder, (past, past))
    kernels._forget_old(tmp_path)
    assert recent.is_dir() and foreign.is_dir() and not old.exists()


def test_analysis_uses_the_signatures_that_are_compiled_ahead(tmp_path: Path) -> None:
    positions, types = koh_walkers(np.random.default_rng(1), 200)
    times = 0.01 * np.arange(200)
    dump = write_dump(tmp_path / "koh.dump", positions, types, 12.0 * np.eye(3), times=times)
    assert python("-c", USED, str(dump)) == ""


def test_all_kernels_of_an_analysis_are_compiled_ahead() -> None:
    files = [*(PACKAGE / "analysis").rglob("*.py"), *(PACKAGE / "trajectory").rglob("*.py")]
    found = {
        ".".join(("pykoh", *path.relative_to(PACKAGE).with_suffix("").parts))
        for path in files
        if "\n@kernel(" in path.read_text(encoding="utf-8")
    }
    assert found - {"pykoh.analysis.per_frame"} == set(study.KERNELS)


def test_what_was_compiled_ahead_is_found(tmp_path: Path) -> None:
    kept = {"NUMBA_CACHE_DIR": str(tmp_path)}
    python("-m", "pykoh.kernels", "0/1", "pykoh.trajectory.unwrapping", **kept)
    assert python("-c", HITS, **kept).split() == ["1", "0"]


@pytest.mark.parametrize("cores", [1, 2, 16])
def test_helpers_are_started_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cores: int
) -> None:
    started: list[list[str]] = []
    folders = []
    monkeypatch.setattr(kernels, "folder", lambda: tmp_path)
    monkeypatch.setattr(kernels, "available_cores", lambda: cores)

    def popen(command: list[str], **options: Any) -> None:
        started.append(command)
        folders.append(options["cwd"])

    monkeypatch.setattr(subprocess, "Popen", popen)
    for _ in range(2):
        kernels.compile_ahead(loops.KERNELS)
    parts = [command[3] for command in started]
    assert parts == {1: [], 2: ["0/1"], 16: ["0/3", "1/3", "2/3"]}[cores]
    assert all(tuple(command[4:]) == loops.KERNELS for command in started)
    # What lies in the user's folder is not imported.
    assert all(folder == tmp_path for folder in folders)


def test_parts_are_all_kernels() -> None:
    modules = ["pykoh.engines.loops.pairs"]
    parts = [kernels.compile_declared(modules, part, 2) for part in range(2)]
    assert parts == [1, 1]
