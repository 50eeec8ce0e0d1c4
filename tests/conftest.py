"""Fixtures shared by the tests of potentials and engines."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine can take long for one example.
settings.register_profile("pykoh", deadline=None)
settings.load_profile("pykoh")
# e3nn, which the reference calculator imports, reads its own constants from a pickle.
os.environ.setdefault("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
# Triton's kernels are run by its interpreter; it looks when it is imported, which torch may do.
os.environ.setdefault("TRITON_INTERPRET", "1")


ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / "build" / "tests"
MAKERS = ("mace-torch", "e3nn", "torch", "numpy", "numba", "ase")


@cache
def made_by() -> str:
    """Return the checksum of all that models and artifacts of tests depend on."""
    found = hashlib.sha256()
    for path in sorted([*ROOT.glob("pykoh/**/*.py"), ROOT / "tests/potentials.py"]):
        found.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    for package in MAKERS:
        found.update(f"{package} {importlib.metadata.version(package)}\n".encode())
    return found.hexdigest()[:16]


def shared_folder(name: str) -> Path:
    """Return a folder that all tests of this version of pykoh have in common.

    `make test` makes the models and artifacts, and `make test-lammps` uses them again.
    """
    folder = KEPT / made_by() / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def pytest_sessionstart(session: pytest.Session) -> None:
    """Remove what older versions of pykoh have left; tests of another one may be running now."""
    if not hasattr(session.config, "workerinput") and KEPT.is_dir():
        for old in KEPT.iterdir():
            if old.name != made_by() and time.time() - old.stat().st_mtime > 86400:
                shutil.rmtree(old, ignore_errors=True)


# The files whose tests take longest. They begin first, so that at the end of `make test` no process
# works alone on one of them.
LONG_FILES = (
    "test_campaign.py", "test_extend.py", "test_embedded.py", "test_train.py", "test_cuda_graph.py",
    "test_export_fast.py", "test_doctor.py", "test_outputs.py", "test_analysis_resume.py",
    "test_export.py", "test_python.py", "test_sharing.py", "test_artifact.py", "test_cpu.py",
    "test_kernels.py", "test_train_grow.py", "test_kernel_cache.py", "test_series_of_results.py",
    "test_analysis_series.py", "test_trajectory_damage.py", "test_pair_list.py", "test_label.py",
    "test_committee.py", "test_fixed_shapes.py", "test_analysis_msd.py", "test_transfer.py",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests of long files first."""
    places = {name: place for place, name in enumerate(LONG_FILES)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


@contextmanager
def made_once(path: Path) -> Iterator[bool]:
    """Tell whether a shared file is still to be made; other workers wait meanwhile."""
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = path.with_suffix(".done")
        yield not done.exists()
        done.touch()


@pytest.fixture(scope="session")
def mace_model() -> Callable[[str], Path]:
    """Return a function that gives the .model file of a named architecture, made once."""
    from potentials import ARCHITECTURES, random_mace

    folder = shared_folder("models")

    def make(name: str) -> Path:
        path = folder / f"{name}.model"
        with made_once(path) as missing:
            if missing:
                random_mace(path, **ARCHITECTURES[name])
        return path

    return make


@pytest.fixture(scope="session")
def artifact(mace_model: Callable[[str], Path]) -> Callable[[str], Path]:
    """Return a function that gives the exported artifact of a named architecture, made once."""
    from potentials import ARCHITECTURES
    from pykoh.export.export import export_model

    folder = shared_folder("artifacts")

    def make(name: str) -> Path:
        path = folder / f"{name}.pt"
        with made_once(path) as missing:
            if missing:
                head = "blyp" if "heads" in ARCHITECTURES[name] else None
                export_model(mace_model(name), path, dtype="float64", head=head)
        return path

    return make
