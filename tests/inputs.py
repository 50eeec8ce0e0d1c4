"""Runs of the shipped inputs with a tiny box, and what they wrote."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np

from started import pykoh

RUN = "--dtype float64 --threads 1"
SHORT = "ps 0.015 heat_ps 0.02 average_ps 0.01 restart_ps 0.005 relax 20 dump_fs 1"
NVE = "restart_ps 0.005 dump_fs 2 transport_fs 4"


def run(folder: Path, script: str, variables: str, *more: str) -> subprocess.CompletedProcess:
    words = variables.split()
    pairs = [word for k in range(0, len(words), 2) for word in ("--var", *words[k : k + 2])]
    return pykoh(folder, "run", script, *pairs, *RUN.split(), *more)


def copy_box(source: Path, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    for name in ("koh.data", "koh.pt"):
        shutil.copy(source / name, folder)
    return folder


def data_file(path: Path) -> tuple[float, np.ndarray, np.ndarray]:
    """Return volume, positions and velocities of a LAMMPS data file, atoms by id."""
    lines = path.read_text().splitlines()
    sides = [line.split() for line in lines if line.endswith(("xlo xhi", "ylo yhi", "zlo zhi"))]
    n = int(next(line for line in lines if line.endswith(" atoms")).split()[0])

    def section(name: str, columns: slice) -> np.ndarray:
        start = next(k for k, line in enumerate(lines) if line.startswith(name)) + 2
        rows = np.array([[float(w) for w in line.split()] for line in lines[start : start + n]])
        return rows[rows[:, 0].argsort(), columns]

    volume = float(np.prod([float(side[1]) - float(side[0]) for side in sides]))
    return volume, section("Atoms", slice(2, 5)), section("Velocities", slice(1, 4))


def thermo(log: Path) -> dict[int, dict[str, float]]:
    """Return the rows of all thermo tables of a log, by step."""
    rows: dict[int, dict[str, float]] = {}
    names: list[str] = []
    for line in log.read_text().splitlines():
        words = line.split()
        if words[:1] == ["Step"]:
            names = words
        elif words[:1] == ["Loop"]:
            names = []
        elif names and len(words) == len(names):
            rows[int(words[0])] = dict(zip(names, map(float, words), strict=True))
    return rows


def steps_of(dump: Path) -> list[int]:
    lines = dump.read_text().splitlines()
    return [int(lines[i + 1]) for i, line in enumerate(lines) if line == "ITEM: TIMESTEP"]
