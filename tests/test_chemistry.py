"""The table of the cations, and that every part of pykoh takes them from it."""

from __future__ import annotations

import ast
from itertools import pairwise
from pathlib import Path

import pytest
from ase.data import atomic_masses_iupac2016, atomic_numbers
from click.testing import CliRunner

import pykoh
from pykoh.chemistry import ATOM_MULTIPLICITY, CATIONS, MASSES_U, VALENCE, hydroxide_mass
from pykoh.cli.build import command as build


def test_masses_are_those_of_iupac() -> None:
    for element, mass in MASSES_U.items():
        assert mass == pytest.approx(atomic_masses_iupac2016[atomic_numbers[element]], abs=2e-3)
    assert hydroxide_mass("K") == pytest.approx(56.105, abs=1e-3)


def test_electrons_of_a_neutral_atom_fit_its_multiplicity() -> None:
    assert set(VALENCE) == set(ATOM_MULTIPLICITY) == set(MASSES_U)
    for element, electrons in VALENCE.items():
        # An odd number of electrons leaves an even multiplicity.
        assert (electrons + ATOM_MULTIPLICITY[element]) % 2 == 1


def test_larger_ions_keep_oxygen_farther_away() -> None:
    by_mass = sorted(CATIONS.values(), key=lambda cation: cation.mass_u)
    for smaller, larger in pairwise(by_mass):
        assert smaller.oxygen_A < larger.oxygen_A < larger.contact_A
        assert smaller.contact_A < larger.contact_A


@pytest.mark.parametrize("cation", list(CATIONS))
def test_a_box_of_every_hydroxide_can_be_built(cation: str, tmp_path: Path) -> None:
    target = tmp_path / "box.data"
    options = ["--n-koh", "2", "--n-water", "30", "--cation", cation, "--density", "1100"]
    done = CliRunner().invoke(build, [*options, "-o", str(target)])
    assert done.exit_code == 0, done.output
    assert f"{MASSES_U[cation]:g}  # {cation}" in target.read_text()


def test_no_other_file_lists_the_cations() -> None:
    root = Path(pykoh.__file__).parent
    for path in root.rglob("*.py"):
        if path.name == "chemistry.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Tuple | ast.List | ast.Set | ast.Dict):
                continue
            entries = node.keys if isinstance(node, ast.Dict) else node.elts
            named = {e.value for e in entries if isinstance(e, ast.Constant)} & set(CATIONS)
            # Formulas that hold for some cations name these.
            assert len(named) < 4, f"{path}:{node.lineno} lists {sorted(named)}"
