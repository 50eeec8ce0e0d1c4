"""``pykoh analyze`` on short synthetic dumps: calls and comparisons that several tests share."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from pykoh.analysis.pipeline import Settings, analyze
from pykoh.analysis.results.write import as_json
from pykoh.cli import main
from pykoh.trajectory.run import ReadOptions, Run
from trajectories import koh_walkers, write_dump

CELL = 12.0
DT = 0.01
SETTINGS = Settings(temperature_K=300.0)


@cache
def walkers() -> tuple[np.ndarray, list[int]]:
    return koh_walkers(np.random.default_rng(1), 300, cell=CELL)


def call(*words: object) -> Result:
    return CliRunner().invoke(main, ["analyze", *map(str, words)])


def dump(path: Path, positions: np.ndarray | None = None, **options: Any) -> Path:
    frames, types = walkers()
    frames = frames if positions is None else positions
    options.setdefault("times", np.arange(len(frames)) * DT)
    cell = options.pop("cell", CELL * np.eye(3))
    return write_dump(path, frames, options.pop("types", types), cell, **options)


def results_of(path: Path, **options: Any) -> dict[str, Any]:
    return as_json(analyze(Run([path], ReadOptions(**options)), SETTINGS))


def same(a: Any, b: Any, path: str = "") -> None:
    """Compare two trees of results; files and notes may differ."""
    if isinstance(a, dict):
        assert a.keys() == b.keys(), path
        for key in a:
            if key not in ("files", "warnings", "start_ps", "cell_A", "notes"):
                same(a[key], b[key], f"{path}.{key}")
    elif isinstance(a, list):
        assert len(a) == len(b), path
        for x, y in zip(a, b, strict=True):
            same(x, y, path)
    elif isinstance(a, float):
        assert b == pytest.approx(a, rel=1e-6, abs=1e-9), path
    else:
        assert a == b, path
