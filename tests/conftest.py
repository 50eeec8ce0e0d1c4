"""Fixtures shared by the tests of potentials and engines."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


def shared_folder(factory: pytest.TempPathFactory, name: str) -> Path:
    """Return a folder that the workers of pytest-xdist have in common."""
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder = base / name
    folder.mkdir(exist_ok=True)
    return folder


@contextmanager
def made_once(path: Path) -> Iterator[bool]:
    """Tell whether a shared file is still to be made; other workers wait meanwhile."""
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = path.with_suffix(".done")
        yield not done.exists()
        done.touch()


@pytest.fixture(scope="session")
def mace_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function that gives the .model file of a named architecture, made once."""
    from potentials import ARCHITECTURES, random_mace

    folder = shared_folder(tmp_path_factory, "models")

    def make(name: str) -> Path:
        path = folder / f"{name}.model"
        with made_once(path) as missing:
            if missing:
                random_mace(path, **ARCHITECTURES[name])
        return path

    return make


@pytest.fixture(scope="session")
def artifact(
    mace_model: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """Return a function that gives the exported artifact of a named architecture, made once."""
    from potentials import ARCHITECTURES
    from pykoh.export.export import export_model

    folder = shared_folder(tmp_path_factory, "artifacts")

    def make(name: str) -> Path:
        path = folder / f"{name}.pt"
        with made_once(path) as missing:
            if missing:
                head = "blyp" if "heads" in ARCHITECTURES[name] else None
                export_model(mace_model(name), path, dtype="float64", head=head)
        return path

    return make
