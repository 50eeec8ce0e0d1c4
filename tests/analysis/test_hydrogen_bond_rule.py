"""Hydrogen-bond criteria of a user's own: a rule that is no limit of distance and angle."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pykoh.analysis.hydrogen_bonds.criteria import (
    LUZAR_CHANDLER,
    LUZAR_CHANDLER_1993,
    Criterion,
    compiled,
)
from pykoh.analysis.observable import System
from pykoh.analysis.per_frame import find
from pykoh.analysis.pipeline import Settings
from pykoh.errors import ObservableError
from pykoh.trajectory.species import MASSES_U, Atoms
from trajectories import koh_walkers, write_dump

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
sys.path.insert(0, str(EXAMPLES))
from harmonic_bond import HARMONIC  # noqa: E402

CELL = 12.0 * np.eye(3)


def luzar_chandler_1993(r_da: float, r_dh: float, r_ha: float, angle_deg: float) -> bool:
    return r_da < 3.5 and r_ha < 2.45 and angle_deg < 30.0


def partners(positions: np.ndarray, types: list[int], criterion: Criterion) -> np.ndarray:
    species = np.array(types, dtype=np.int8) - 1
    masses = np.array([MASSES_U[e] for e in ("H", "O", "K")])[species]
    atoms = Atoms(np.arange(1, len(species) + 1), species, "K", masses)
    system = System(atoms, 0.01, 12.0, bonds=True, structure_stride=1)
    cells = np.broadcast_to(CELL, (len(positions), 3, 3)).copy()
    return find(positions, cells, system, criterion).partner


def bare(rule: object) -> Criterion:
    """Return a criterion whose own limits are wide."""
    return replace(LUZAR_CHANDLER, name="mine", max_distance_A=4.0, max_angle_deg=90.0, rule=rule)


def test_a_published_criterion_written_as_a_rule() -> None:
    positions, types = koh_walkers(np.random.default_rng(3), 30, n_koh=6, n_water=40)
    published = partners(positions, types, LUZAR_CHANDLER_1993)
    assert (partners(positions, types, bare(luzar_chandler_1993)) == published).all()
    assert (published >= 0).sum() > 100


def test_the_example_by_brute_force() -> None:
    positions, types = koh_walkers(np.random.default_rng(5), 3, n_koh=6, n_water=40)
    found = partners(positions, types, HARMONIC)
    kind = np.array(types)
    hydrogens, oxygens = np.flatnonzero(kind == 1), np.flatnonzero(kind == 2)

    def nearest(d: np.ndarray) -> np.ndarray:
        return d - 12.0 * np.round(d / 12.0)

    for f in range(3):
        h, o = positions[f, hydrogens], positions[f, oxygens]
        owner = (nearest(h[:, None] - o) ** 2).sum(-1).argmin(1)
        n_h = np.bincount(owner, minlength=len(o))
        expected = set()
        for i, d in enumerate(owner):
            for a in range(len(o)):
                if a == d or not {n_h[a], n_h[d]} <= {1, 2}:
                    continue
                da, dh = nearest(o[a] - o[d]), nearest(h[i] - o[d])
                r = float(np.linalg.norm(da))
                angle = np.degrees(np.arccos(da @ dh / r / np.linalg.norm(dh)))
                if ((r - 2.8) / 0.6) ** 2 + (angle / 40.0) ** 2 < 1.0:
                    expected.add((i, a))
        assert {(i, int(a)) for i, row in enumerate(found[f]) for a in row if a >= 0} == expected
        assert len(expected) > 5


def test_words_settings_and_processes() -> None:
    assert "r(DA) < 3.4 Å and angle H–D–A < 40° and ((r(DA) - 2.8 Å)" in HARMONIC.words()
    assert "the rule luzar_chandler_1993" in bare(luzar_chandler_1993).words()
    plain = Settings(criterion=HARMONIC).plain()
    assert plain["criterion"]["rule"] == "harmonic_bond.harmonic"
    assert pickle.loads(pickle.dumps(HARMONIC)) == HARMONIC


def test_a_rule_that_cannot_be_compiled_is_one_line() -> None:
    def reads_a_file(r_da: float, r_dh: float, r_ha: float, angle_deg: float) -> bool:
        return Path("limits.txt").exists()

    with pytest.raises(ObservableError, match=r"^hydrogen-bond rule .*reads_a_file: cannot") as e:
        compiled(reads_a_file)
    assert "\n" not in str(e.value)


def test_the_command_line_takes_an_installed_one(tmp_path: Path) -> None:
    positions, types = koh_walkers(np.random.default_rng(4), 60)
    path = write_dump(tmp_path / "a.dump", positions, types, CELL, times=np.arange(60) * 0.01)
    info = tmp_path / "mine-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1\n")
    entry = info / "entry_points.txt"
    entry.write_text("[pykoh.hydrogen_bonds]\nharmonic = harmonic_bond:HARMONIC\n")
    places = os.pathsep.join([str(tmp_path), str(EXAMPLES), str(EXAMPLES.parent)])
    environment = {**os.environ, "PYTHONPATH": places}
    command = [sys.executable, "-m", "pykoh", "analyze", str(path), "--temperature", "300"]
    command += ["--no-report", "-o", str(tmp_path / "out"), "--force", "--hbond"]
    done = subprocess.run([*command, "harmonic"], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    tree = json.loads((tmp_path / "out" / "results.json").read_text())
    assert tree["definitions"]["hydrogen_bond_criterion"] == "harmonic"
    assert "(angle H-D-A / 40°)² < 1" in tree["definitions"]["hydrogen_bond_criterion_text"]
    entry.write_text("[pykoh.hydrogen_bonds]\nharmonic = harmonic_bond:harmonic\n")
    done = subprocess.run([*command, "harmonic"], env=environment, capture_output=True, text=True)
    assert done.returncode != 0
    assert "criterion harmonic (harmonic_bond:harmonic): is no pykoh Criterion" in done.stderr
    assert "Traceback" not in done.stderr
    done = subprocess.run([*command, "other"], env=environment, capture_output=True, text=True)
    assert done.returncode != 0 and "Traceback" not in done.stderr
