"""Fixtures shared by the tests of potentials and engines."""

from __future__ import annotations

import os
from collections.abc import Callable
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


@pytest.fixture(scope="session")
def mace_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function that gives the .model file of a named architecture, made once."""
    from potentials import ARCHITECTURES, random_mace

    folder = tmp_path_factory.mktemp("models")

    def make(name: str) -> Path:
        path = folder / f"{name}.model"
        return path if path.exists() else random_mace(path, **ARCHITECTURES[name])

    return make


@pytest.fixture(scope="session")
def artifact(
    mace_model: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """Return a function that gives the exported artifact of a named architecture, made once."""
    from potentials import ARCHITECTURES
    from pykoh.export.export import export_model

    folder = tmp_path_factory.mktemp("artifacts")

    def make(name: str) -> Path:
        path = folder / f"{name}.pt"
        if not path.exists():
            head = "blyp" if "heads" in ARCHITECTURES[name] else None
            export_model(mace_model(name), path, dtype="float64", head=head)
        return path

    return make
