"""Guards of a running simulation: what is broken is seen, what is not is left alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms

from labels import frames
from pykoh.campaign.guards import broken_molecules, find_problem, newest_frame
from pykoh.engines.committee import disagreement

TYPES = {"H": 1, "O": 2, "K": 3}


def write(path: Path, boxes: list[Atoms], cut: int = 0) -> None:
    text = ""
    for step, box in enumerate(boxes):
        side = box.cell[0, 0]
        text += f"ITEM: TIMESTEP\n{step}\nITEM: TIME\n{step * 0.001}\n"
        text += f"ITEM: NUMBER OF ATOMS\n{len(box)}\nITEM: BOX BOUNDS pp pp pp\n"
        text += f"0.0 {side}\n" * 3 + "ITEM: ATOMS id type xu yu zu\n"
        for k, (symbol, (x, y, z)) in enumerate(
            zip(box.get_chemical_symbols(), box.positions, strict=True), start=1
        ):
            text += f"{k} {TYPES[symbol]} {x:.5f} {y:.5f} {z:.5f}\n"
    path.write_text(text[: len(text) - cut])


def log(path: Path, temperatures: list[float], energies: list[float]) -> Path:
    rows = "".join(f"{k} {t} {e}\n" for k, (t, e) in enumerate(zip(temperatures, energies)))  # noqa: B905
    path.write_text(f"LAMMPS\nStep Temp TotEng\n{rows}Loop time of 1\n")
    return path


@pytest.fixture
def box() -> Atoms:
    return frames("dense", "a", 1, seed=1)[0]


def test_a_sound_run_is_left_alone(tmp_path: Path, box: Atoms) -> None:
    moved = box.copy()
    moved.positions += 40.0  # unwrapped coordinates
    write(tmp_path / "d", [box, moved])
    path = log(tmp_path / "log", [290.0, 310.0] * 10, [-100.0] * 20)
    assert find_problem(tmp_path / "d", path, 300.0, "K", True) is None
    assert find_problem(tmp_path / "none", tmp_path / "none", 300.0, "K", True) is None


@pytest.mark.parametrize("cut", [0, 1, 30, 400])
def test_the_newest_whole_frame_is_read(tmp_path: Path, box: Atoms, cut: int) -> None:
    second = box.copy()
    second.positions += 0.5
    write(tmp_path / "d", [box, second], cut)
    found = newest_frame(tmp_path / "d", "K")
    assert found is not None and found.get_chemical_symbols() == box.get_chemical_symbols()
    expected = second if cut == 0 else box
    assert found.positions == pytest.approx(expected.positions, abs=1e-4)


def far_proton(box: Atoms) -> None:
    from scipy.spatial import cKDTree

    side = box.cell[0, 0]
    tree = cKDTree(np.mod(box.positions[box.numbers == 8], side), boxsize=side)
    grid = np.random.default_rng(0).uniform(0, side, size=(5000, 3))
    box.positions[np.flatnonzero(box.numbers == 1)[0]] = grid[tree.query(grid)[0].argmax()]


def protons_on_one_oxygen(box: Atoms) -> None:
    oxygen = box.positions[np.flatnonzero(box.numbers == 8)[0]]
    hydrogen = np.flatnonzero(box.numbers == 1)
    box.positions[hydrogen] = oxygen + np.random.default_rng(0).normal(
        scale=0.3, size=(len(hydrogen), 3)
    )


def nonsense(box: Atoms) -> None:
    box.positions[3] = np.nan


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (far_proton, "from the nearest O"),
        (protons_on_one_oxygen, "hydroxides instead of 2"),
        (nonsense, "not numbers"),
    ],
)
def test_broken_molecules_are_seen(
    box: Atoms, spoil: Callable[[Atoms], None], expected: str
) -> None:
    assert broken_molecules(box, "K") is None
    spoil(box)
    assert expected in (broken_molecules(box, "K") or "")


@pytest.mark.parametrize(
    ("temperatures", "energies", "constant", "expected"),
    [
        ([900.0] * 30, [-100.0] * 30, False, "900 K instead of 300 K"),
        ([300.0] * 30, [-100.0] * 25 + [np.nan] * 5, False, "not a number"),
        ([300.0] * 60, list(np.linspace(-100, -80, 60)), False, None),
    ],
)
def test_temperature_and_energy(
    tmp_path: Path,
    box: Atoms,
    temperatures: list[float],
    energies: list[float],
    constant: bool,
    expected: str | None,
) -> None:
    write(tmp_path / "d", [box])
    alarm = find_problem(
        tmp_path / "d", log(tmp_path / "log", temperatures, energies), 300.0, "K", constant
    )
    if expected is None:
        assert alarm is None
    else:
        assert alarm is not None and expected in alarm.problem
        assert alarm.frame is not None and len(alarm.frame) == len(box)


def pressure_file(path: Path, total_eV: np.ndarray, n_atoms: int) -> None:
    """Write what the inputs write of a run without a thermostat."""
    temperature = 300.0 + 20.0 * np.random.default_rng(0).normal(size=len(total_eV))
    potential = total_eV - 1.5 * (n_atoms - 1) * 8.617333262e-5 * temperature
    rows = [
        f" {4 * k} {0.002 * k:.6g} " + "-1234.5678 " * 6 + f"{t:.9g} 1700.5 {e:.9g}\n"
        for k, (t, e) in enumerate(zip(temperature, potential, strict=True))
    ]
    path.write_text("# pressure tensor\n# step time_ps pxx_bar ...\n" + "".join(rows))


@pytest.mark.parametrize("per_atom_eV", [0.0, 0.03, -0.03])
def test_the_energy_is_watched_over_the_whole_run(
    tmp_path: Path, box: Atoms, per_atom_eV: float
) -> None:
    """A continued run has a log of its last part only, in which the drift is small."""
    write(tmp_path / "koh.dump", [box])
    thermo = log(tmp_path / "log", [300.0] * 30, [-100.0] * 30)
    total = -1000.0 + per_atom_eV * len(box) * np.linspace(0.0, 1.0, 20000)
    pressure_file(tmp_path / "koh.pressure.txt", total, len(box))
    alarm = find_problem(tmp_path / "koh.dump", thermo, 300.0, "K", True)
    if per_atom_eV == 0.0:
        assert alarm is None
    else:
        assert alarm is not None and alarm.frame is not None
        drift = float(alarm.problem.split("drifted by ")[1].split()[0])
        # The means at both ends are over a twentieth of the run each.
        assert drift == pytest.approx(1000 * per_atom_eV, rel=0.06)
    assert find_problem(tmp_path / "koh.dump", thermo, 300.0, "K", False) is None


def test_without_the_pressure_file_the_log_shows_the_drift(tmp_path: Path, box: Atoms) -> None:
    write(tmp_path / "koh.dump", [box])
    for per_atom_eV, expected in ((0.001, None), (0.05, "drifted by 33.")):
        energies = list(-100.0 + per_atom_eV * len(box) * np.linspace(0.0, 1.0, 60))
        thermo = log(tmp_path / "log", [300.0] * 60, energies)
        alarm = find_problem(tmp_path / "koh.dump", thermo, 300.0, "K", True)
        assert (alarm is None) if expected is None else (alarm and expected in alarm.problem)


def test_disagreement_is_the_standard_deviation_of_the_force_vector() -> None:
    forces = np.zeros((3, 2, 3))
    forces[:, 1, 0] = [1.0, 2.0, 3.0]
    forces[:, 1, 2] = [0.0, 2.0, 4.0]
    assert disagreement(forces) == pytest.approx([0.0, np.sqrt((2 + 8) / 2)])
