"""The ASE calculator: it evaluates the potential when, and only when, that matters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import all_changes

from potentials import water_like_box
from pykoh.engines.calculator import PykohCalculator
from pykoh.errors import ModelError

Make = Callable[[str], Path]


def strained(atoms: Atoms) -> None:
    atoms.set_cell(atoms.cell.array * 1.01)


def swapped(atoms: Atoms) -> None:
    first = [int(np.argmax(atoms.numbers == z)) for z in (1, 8)]
    atoms.numbers[first] = (8, 1)


def moved(atoms: Atoms) -> None:
    atoms.positions[3, 1] = np.nextafter(atoms.positions[3, 1], 9.0)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (moved, ["positions"]),
        (swapped, ["numbers"]),
        (strained, ["cell"]),
        (lambda atoms: atoms.set_pbc([True, True, False]), ["pbc"]),
        (lambda atoms: atoms.pop(), all_changes),
        (lambda atoms: atoms.set_initial_charges(np.ones(len(atoms))), []),
        (lambda atoms: atoms.set_velocities(np.ones((len(atoms), 3))), []),
    ],
)
def test_what_a_new_evaluation_follows(
    change: Callable[[Atoms], None], expected: list[str], artifact: Make
) -> None:
    atoms = water_like_box(2, 10)
    calculator = PykohCalculator(artifact("scalar"))
    assert calculator.check_state(atoms) == all_changes
    atoms.calc = calculator
    before = atoms.get_forces()
    assert calculator.check_state(atoms) == []
    change(atoms)
    assert calculator.check_state(atoms) == expected
    if expected == ["pbc"]:
        with pytest.raises(ModelError, match="periodic in all directions"):
            atoms.get_forces()
        return
    after = atoms.get_forces()
    fresh = PykohCalculator(artifact("scalar")).get_forces(atoms)
    assert after == pytest.approx(fresh, abs=1e-12)
    assert (len(after) == len(before) and np.allclose(after, before, atol=1e-9)) == (
        expected in ([], ["positions"])
    )


def test_stress_is_the_derivative_by_the_strain(artifact: Make) -> None:
    """All six components, in the order of Voigt, in a box that leans."""
    atoms = water_like_box(2, 10)
    atoms.set_cell(atoms.cell.array + np.triu(np.full((3, 3), 0.4), 1).T, scale_atoms=True)
    atoms.calc = PykohCalculator(artifact("scalar"), dtype="float64")
    found, step = atoms.get_stress(), 1e-5
    pairs = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
    for component, (a, b) in enumerate(pairs):
        energies = []
        for sign in (1, -1):
            strain = np.zeros((3, 3))
            strain[a, b] += 0.5 * sign * step
            strain[b, a] += 0.5 * sign * step
            other = atoms.copy()
            other.calc = atoms.calc
            other.set_cell(atoms.cell.array @ (np.eye(3) + strain), scale_atoms=True)
            energies.append(other.get_potential_energy())
        slope = (energies[0] - energies[1]) / (2 * step) / atoms.get_volume()
        assert found[component] == pytest.approx(slope, rel=1e-4, abs=1e-7)
