"""Compiled functions: what is kept is found again, and never used after a change."""

from __future__ import annotations

import errno
import functools
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pykoh
from potentials import random_mace, water_like_box
from pykoh import analysis, code_cache, compilation, kernels
from pykoh.engines import loops
from pykoh.export.export import export_model
from trajectories import koh_walkers, write_dump

PACKAGE = Path(pykoh.__file__).parent
LOOPS = sorted((PACKAGE / "engines" / "loops").glob("*.py"))

# Prints the kernels that are called in another way than they are compiled ahead for.
OTHERS = """
from pykoh.kernels import _declared, _usual
for module, made in _declared.items():
    for dispatcher, signature in made:
        for found in dispatcher.signatures:
            if tuple(found) != _usual(signature):
                print(module, dispatcher.py_func.__name__, found)
"""

ANALYSIS = """
import sys
import pykoh
pykoh.analyze(sys.argv[1], workers=1)
"""

FORCES = """
import sys
import ase.io
from pykoh.engines.periodic import PeriodicPotential
box = ase.io.read(sys.argv[2])
potential = PeriodicPotential.from_file(sys.argv[1], dtype="float32")
species = potential.species_of(box.get_chemical_symbols())
potential(box.positions, box.cell.array, species)
"""

# Prints for each helper whether numba was imported before it was started.
AHEAD = """
import sys
from pykoh import compilation
compilation.available_cores = lambda: 2
compilation.start = lambda *arguments, **options: print("numba" in sys.modules)
compilation.compile_ahead(["toy"])
"""

# Holds the lock of a kernel for some seconds, then marks it as compiled.
HOLD = """
import fcntl, sys, time
with open(sys.argv[1], "ab") as stream:
    fcntl.flock(stream, fcntl.LOCK_EX)
    print("locked", flush=True)
    time.sleep(float(sys.argv[2]))
    stream.write(b"done")
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


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


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
    before = code_cache.contents_key(package)
    (package / "part" / "other.py").write_text("NAME = 'y'\n")
    assert code_cache.contents_key(package) == before
    (package / "part" / "constants.py").write_text("WIDTH = 4\n")
    assert code_cache.contents_key(package) != before


def test_the_key_is_that_of_the_files_of_kernels_and_their_constants() -> None:
    assert code_cache.contents_key() == code_cache.contents_key(PACKAGE)
    assert code_cache.folder() is not None
    assert code_cache.folder().name == code_cache.contents_key()  # type: ignore[union-attr]


def test_what_was_not_used_for_long_is_removed(tmp_path: Path) -> None:
    old, recent, foreign = (tmp_path / name for name in ("0" * 16, "1" * 16, "of-somebody-else"))
    past = time.time() - code_cache.UNUSED_S - 60.0
    for folder in (old, recent, foreign):
        folder.mkdir()
    for folder in (old, foreign):
        os.utime(folder, (past, past))
    code_cache._forget_old(tmp_path)
    assert recent.is_dir() and foreign.is_dir() and not old.exists()


def test_analysis_uses_the_signatures_that_are_compiled_ahead(tmp_path: Path) -> None:
    positions, types = koh_walkers(np.random.default_rng(1), 200)
    times = 0.01 * np.arange(200)
    dump = write_dump(tmp_path / "koh.dump", positions, types, 12.0 * np.eye(3), times=times)
    assert python("-c", ANALYSIS + OTHERS, str(dump)) == ""


@pytest.mark.parametrize("hidden", ["16x0e", "16x0e+16x1o"])
def test_force_calls_use_the_signatures_that_are_compiled_ahead(
    tmp_path: Path, hidden: str
) -> None:
    model = random_mace(tmp_path / "koh.model", hidden=hidden)
    export_model(model, tmp_path / "koh.pt")
    water_like_box().write(tmp_path / "box.extxyz")
    files = str(tmp_path / "koh.pt"), str(tmp_path / "box.extxyz")
    assert python("-c", FORCES + OTHERS, *files) == ""


def test_all_kernels_of_an_analysis_are_compiled_ahead() -> None:
    files = [*(PACKAGE / "analysis").rglob("*.py"), *(PACKAGE / "trajectory").rglob("*.py")]
    found = {
        ".".join(("pykoh", *path.relative_to(PACKAGE).with_suffix("").parts))
        for path in files
        if "\n@kernel(" in path.read_text(encoding="utf-8")
    }
    assert found == set(analysis.KERNELS)


def test_all_loops_of_a_force_call_are_compiled_ahead() -> None:
    modules = {f"pykoh.engines.loops.{path.stem}" for path in LOOPS if "\n@kernel(" in text(path)}
    assert modules == {*loops.VECTOR_KERNELS, *loops.GHOST_KERNELS, *loops.KERNELS}
    for others in (loops.VECTOR_KERNELS, loops.GHOST_KERNELS):
        assert not {"pykoh.engines.loops.force_call", "pykoh.engines.loops.passes"} & set(others)
    assert not any("\n@kernel()" in text(path) for path in LOOPS)


def test_what_was_compiled_ahead_is_found(tmp_path: Path) -> None:
    kept = {"NUMBA_CACHE_DIR": str(tmp_path)}
    code = "import sys; from pykoh.compilation import compile_all; compile_all(sys.argv[1:])"
    python("-c", code, "pykoh.trajectory.unwrapping", **kept)
    assert python("-c", HITS, **kept).split() == ["1", "0"]


@pytest.mark.parametrize("cores", [1, 2, 16])
def test_helpers_are_started_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cores: int
) -> None:
    started: list[tuple[list[str], Path]] = []
    monkeypatch.setattr(code_cache, "folder", lambda: tmp_path)
    monkeypatch.setattr(compilation, "available_cores", lambda: cores)
    monkeypatch.setattr(compilation, "_helpers", {})
    environments = []

    def popen(command: list[str], **options: Any) -> None:
        started.append((command, options["cwd"]))
        environments.append(options["env"])

    monkeypatch.setattr(subprocess, "Popen", popen)
    for _ in range(2):
        compilation.compile_ahead(loops.KERNELS)
    assert len(started) == {1: 0, 2: 1, 16: 3}[cores]
    assert all(tuple(command[3:]) == loops.KERNELS for command, _ in started)
    # What lies in the user's folder is not imported.
    assert all(folder == tmp_path for _, folder in started)
    assert all(each["NUMBA_CACHE_DIR"] == str(tmp_path.parents[1]) for each in environments)


@pytest.mark.parametrize("there", ["nothing", "of another processor", "all"])
def test_helpers_begin_before_numba_is_imported(tmp_path: Path, there: str) -> None:
    cached = {"NUMBA_CACHE_DIR": str(tmp_path)}
    name, key = compilation._name(["toy"]), kernels.machine_key()
    finished = {"nothing": [], "of another processor": ["0" * 8], "all": ["0" * 8, key]}[there]
    folder = tmp_path / "loops" / code_cache.contents_key()
    folder.mkdir(parents=True)
    for each in finished:
        (folder / f"{name}-{each}").touch()
    said = python("-c", AHEAD, **cached).split()
    # Only numba tells what kind of processor this is; with nothing there, nobody has to ask.
    assert said == {"nothing": ["False"], "of another processor": ["True"], "all": []}[there]


def test_settings_of_numba_count_without_its_import(tmp_path: Path) -> None:
    assert python("-c", AHEAD, NUMBA_CACHE_DIR=str(tmp_path), NUMBA_DISABLE_JIT="1") == ""
    (tmp_path / ".numba_config.yaml").write_text(f"cache_dir: {tmp_path / 'elsewhere'}\n")
    where = {key: value for key, value in os.environ.items() if key != "NUMBA_CACHE_DIR"}
    code = "from pykoh.code_cache import folder; print(folder())"
    command = [sys.executable, "-c", code]
    said = subprocess.check_output(command, cwd=tmp_path, env=where, text=True)
    assert Path(said.strip()).parents[1] == tmp_path / "elsewhere"


def test_loops_can_be_imported_where_numba_is_off() -> None:
    python("-c", "import pykoh.engines.loops.passes", NUMBA_DISABLE_JIT="1")


def marks(folder: Path) -> Path:
    """Return the folder that tells which kernels are compiled for this machine."""
    found = folder / f"marks-{kernels.machine_key()}"
    found.mkdir(exist_ok=True)
    return found


def declare(monkeypatch: pytest.MonkeyPatch, folder: Path, *names: str) -> list[str]:
    """Declare kernels of a module `toy`; return the list of those that were compiled."""
    done: list[str] = []
    monkeypatch.setattr(code_cache, "folder", lambda: folder)
    made = [(name, functools.partial(done.append, name)) for name in names]
    monkeypatch.setattr(kernels, "declared", lambda module: made if module == "toy" else [])
    return done


def test_each_kernel_is_compiled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = declare(monkeypatch, tmp_path, "toy.a", "toy.b")
    (marks(tmp_path) / "toy.a").write_text("done\n")  # by another process, before
    for _ in range(2):
        compilation.compile_all(["toy"])
    assert done == ["toy.b"]
    assert gc.isenabled()


def test_a_kernel_that_another_process_compiles_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = declare(monkeypatch, tmp_path, "toy.a", "toy.b")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(marks(tmp_path) / "toy.a"), "0.5"], stdout=subprocess.PIPE
    )
    assert holder.stdout is not None and holder.stdout.readline() == b"locked\n"
    compilation.compile_all(["toy"])
    assert done == ["toy.b"]
    assert holder.wait() == 0


@pytest.mark.parametrize("ends", ["killed", "too slow"])
def test_a_kernel_that_another_process_leaves_is_compiled_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: str
) -> None:
    done = declare(monkeypatch, tmp_path, "toy.a")
    monkeypatch.setattr(compilation, "WAIT_S", 0.1 if ends == "too slow" else 60.0)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(marks(tmp_path) / "toy.a"), "60"], stdout=subprocess.PIPE
    )
    assert holder.stdout is not None and holder.stdout.readline() == b"locked\n"
    if ends == "killed":
        threading.Timer(0.2, holder.kill).start()
    compilation.compile_all(["toy"])
    holder.kill()
    assert done == ["toy.a"]


def test_a_kernel_that_cannot_be_compiled_says_so_and_may_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    declare(monkeypatch, tmp_path)

    def fail() -> None:
        raise ValueError("no such type")

    monkeypatch.setattr(kernels, "declared", lambda module: [("toy.a", fail)])
    with pytest.raises(ValueError, match="no such type"):
        compilation.compile_all(["toy"])
    done = declare(monkeypatch, tmp_path, "toy.a")
    compilation.compile_all(["toy"])
    assert done == ["toy.a"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_for_the_end_of_a_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    done = declare(monkeypatch, tmp_path, "toy.b")

    def compile_it() -> None:
        os.kill(os.getpid(), number)
        done.append("toy.a")

    rest = kernels.declared("toy")
    monkeypatch.setattr(kernels, "declared", lambda module: [("toy.a", compile_it), *rest])

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(number, interrupt)
    try:
        with pytest.raises(KeyboardInterrupt):
            compilation.compile_all(["toy"])
        assert signal.getsignal(number) is interrupt
    finally:
        signal.signal(number, before)
    assert done == ["toy.a"]


def test_nothing_is_compiled_ahead_where_numba_is_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = declare(monkeypatch, tmp_path, "toy.a")
    monkeypatch.setattr(kernels._config, "DISABLE_JIT", 1)
    compilation.compile_ahead(["toy"])
    compilation.compile_all(["toy"])
    assert done == [] and list(tmp_path.iterdir()) == []


def test_where_marks_cannot_be_written_all_is_compiled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = declare(monkeypatch, tmp_path, "toy.a", "toy.b")
    (tmp_path / f"marks-{kernels.machine_key()}").write_text("no folder")
    compilation.compile_all(["toy"])
    assert done == ["toy.a", "toy.b"]


def test_a_full_disk_is_no_reason_to_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(monkeypatch, tmp_path)

    def full() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(kernels, "declared", lambda module: [("toy.a", full)])
    compilation.compile_all(["toy"])


def test_a_relative_folder_is_that_of_the_helpers_too(tmp_path: Path) -> None:
    code = "from pykoh import code_cache; print(code_cache.folder())"
    where = {**os.environ, "PYKOH_CACHE": "cache"}
    where.pop("NUMBA_CACHE_DIR", None)
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=where, capture_output=True, text=True
    )
    assert Path(said.stdout.strip()).parents[1] == tmp_path / "cache"


def test_helpers_import_what_this_process_does_but_nothing_of_the_users_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", str(tmp_path), "lib", str(PACKAGE.parent)])
    assert compilation._import_path() == [str(tmp_path / "lib"), str(PACKAGE.parent)]
