"""Labels in wrong units, with wrong signs, names or damage are refused; right ones are read."""

from __future__ import annotations

import io
import lzma
import time
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write
from click.testing import CliRunner

from pykoh.cli import main
from pykoh.errors import LabelError
from pykoh.reference.cp2k_output import parse_output
from pykoh.reference.frames import read_extxyz
from pykoh.reference.label_values import LabelKeys
from pykoh.reference.labels import LabelSet, Reading, read_labels

DATA = Path(__file__).parents[2] / "potentials" / "data" / "koh-blyp-d3-labels.extxyz.xz"
HARTREE_EV, BOHR_A = 27.211386245988, 0.529177210903
N_LIQUID = 5
# As a user knows them: --e0.
E0 = {"H": -12.50820, "O": -430.85946, "K": -766.56249}


@cache
def _shipped() -> list[Atoms]:
    """Isolated atoms and the first frames of the shipped labels."""
    text, n = io.StringIO(), 0
    with lzma.open(DATA, "rt") as stream:
        while n < 3 + N_LIQUID:
            count = stream.readline()
            text.write(count)
            for _ in range(int(count) + 1):
                text.write(stream.readline())
            n += 1
    text.seek(0)
    return read(text, index=":", format="extxyz")


def shipped() -> list[Atoms]:
    return [atoms.copy() for atoms in _shipped()]


def alone(made: list[Atoms]) -> list[Atoms]:
    return [atoms for atoms in made if len(atoms) == 1]


def liquid(made: list[Atoms]) -> list[Atoms]:
    return [atoms for atoms in made if len(atoms) > 1]


def written(path: Path, made: list[Atoms]) -> Path:
    write(path, made, format="extxyz")
    return path


def read_back(tmp_path: Path, made: list[Atoms], reading: Reading | None = None) -> LabelSet:
    return read_labels([written(tmp_path / "l.extxyz", made)], reading)


def in_hartree(made: list[Atoms]) -> list[Atoms]:
    for atoms in made:
        atoms.info["REF_energy"] /= HARTREE_EV
        atoms.arrays["REF_forces"] /= HARTREE_EV / BOHR_A
        if "REF_stress" in atoms.info:
            atoms.info["REF_stress"] = atoms.info["REF_stress"] / (HARTREE_EV / BOHR_A**3)
    return made


def test_the_shipped_labels_pass(tmp_path: Path) -> None:
    labels = read_back(tmp_path, shipped())
    assert len(labels.frames) == N_LIQUID and labels.notes == ()
    assert labels.atom_energies_eV == pytest.approx(E0, abs=1e-4)


# --- energies -----------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["per atom", "hartree", "E0 in hartree"])
def test_energies_that_do_not_fit_the_isolated_atoms(tmp_path: Path, what: str) -> None:
    made = shipped()
    for atoms in made:
        if what == "per atom":
            atoms.info["REF_energy"] /= len(atoms)
        elif (what == "hartree") == (len(atoms) > 1):
            atoms.info["REF_energy"] /= HARTREE_EV
    with pytest.raises(LabelError, match=r"frame 4.*isolated atoms \(E0\) is [+-]1\d\d"):
        read_back(tmp_path, made)


def test_energies_of_isolated_atoms_that_the_user_gives_are_checked_and_used(
    tmp_path: Path,
) -> None:
    made = liquid(shipped())
    read_back(tmp_path, made, Reading(isolated_eV=E0))
    with pytest.raises(LabelError, match="eV/atom"):
        read_back(tmp_path, made, Reading(isolated_eV={k: v / 27.2 for k, v in E0.items()}))


# --- forces and single atoms --------------------------------------------------------------------


def test_a_frame_whose_forces_are_all_zero(tmp_path: Path) -> None:
    made = shipped()
    made[5].arrays["REF_forces"][:] = 0.0
    with pytest.raises(LabelError, match="frame 6: all its forces are zero"):
        read_back(tmp_path, made)


@pytest.mark.parametrize("kind", ["IsolatedAtom", "isolated_atom", "Default", None])
def test_single_atoms_are_isolated_atoms_and_hide_nothing(tmp_path: Path, kind: str | None) -> None:
    made = shipped()
    for atoms in alone(made):
        if kind is None:
            del atoms.info["config_type"]
        else:
            atoms.info["config_type"] = kind
        if kind == "Default":  # MACE's own files have no forces there
            del atoms.arrays["REF_forces"]
    labels = read_back(tmp_path, made)
    assert len(labels.frames) == N_LIQUID
    assert labels.atom_energies_eV == pytest.approx(E0, abs=1e-4)
    told = kind not in ("IsolatedAtom", "isolated_atom")
    assert sum("taken as the isolated atom" in note for note in labels.notes) == 3 * told
    for atoms in liquid(made):
        atoms.arrays["REF_forces"] /= HARTREE_EV / BOHR_A
        del atoms.info["REF_stress"]
    with pytest.raises(LabelError, match=r"too small for a liquid.*--units hartree"):
        read_back(tmp_path, made)
    liquid(made)[0].arrays["REF_forces"][0, 0] = 500.0
    with pytest.raises(LabelError, match="a force of 500"):
        read_back(tmp_path, made)


def test_a_file_in_hartree_beside_another_is_noticed(tmp_path: Path) -> None:
    made = shipped()
    one = written(tmp_path / "a.extxyz", made[:6])
    rest = made[6:]
    for atoms in rest:
        atoms.arrays["REF_forces"] /= HARTREE_EV / BOHR_A
    with pytest.raises(LabelError, match=r"b\.extxyz, frame 1: the forces"):
        read_labels([one, written(tmp_path / "b.extxyz", rest)])


@pytest.mark.parametrize(
    ("name", "value"),
    [("scf_converged", "no"), ("SCF_converged", False), ("converged", "F"), ("Converged", 0)],
)
def test_an_unfinished_scf(tmp_path: Path, name: str, value: object) -> None:
    made = shipped()
    made[4].info[name] = value
    with pytest.raises(LabelError, match=f"frame 5: {name}="):
        read_back(tmp_path, made)


# --- stresses -----------------------------------------------------------------------------------


def test_stresses_are_converted_with_the_units(tmp_path: Path) -> None:
    right = [atoms.info["REF_stress"] for atoms in liquid(shipped())]
    labels = read_back(tmp_path, in_hartree(shipped()), Reading("hartree"))
    for frame, stress in zip(labels.frames, right, strict=True):
        assert frame.info["REF_stress"] == pytest.approx(np.array(stress), abs=1e-8)
    in_kcal = shipped()
    for atoms in in_kcal:
        atoms.info["REF_energy"] /= 0.0433641042418
        atoms.arrays["REF_forces"] /= 0.0433641042418
        if len(atoms) > 1:
            atoms.info["REF_stress"] = atoms.info["REF_stress"] / 0.0433641042418
    labels = read_back(tmp_path, in_kcal, Reading("kcal/mol"))
    assert labels.frames[0].info["REF_stress"] == pytest.approx(np.array(right[0]), abs=1e-8)


def test_a_stress_in_voigt_order_and_under_its_plain_name(tmp_path: Path) -> None:
    made = shipped()
    right = np.array(liquid(made)[0].info["REF_stress"])
    for atoms in liquid(made):
        s = np.array(atoms.info.pop("REF_stress"))
        atoms.calc = SinglePointCalculator(atoms, stress=s[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]])
    assert read_back(tmp_path, made).frames[0].info["REF_stress"] == pytest.approx(right, abs=1e-7)


@pytest.mark.parametrize(
    ("factor", "expected"),
    [
        (1.602176634e6, "a stress of .* GPa"),  # bar
        (160.2176634, "a stress of .* GPa"),  # GPa
        (-1.0, "opposite sign"),
        (1 / 183.6, r"0\.00\d+ times what the forces"),  # atomic units
        (np.nan, "not 6 or 9 numbers"),
    ],
)
def test_stresses_in_other_units_and_signs(tmp_path: Path, factor: float, expected: str) -> None:
    made = shipped()
    for atoms in liquid(made):
        atoms.info["REF_stress"] = np.array(atoms.info["REF_stress"]) * factor
    with pytest.raises(LabelError, match=rf"frame 4.*{expected}"):
        read_back(tmp_path, made)


def test_stresses_that_have_nothing_to_do_with_the_forces_are_told(tmp_path: Path) -> None:
    made = shipped()
    for atoms in liquid(made):
        atoms.info["REF_stress"] = -0.002 * np.eye(3)
    notes = read_back(tmp_path, made).notes
    assert len(notes) == 1 and "do not follow the forces" in notes[0]


# --- names --------------------------------------------------------------------------------------


def _renamed(made: list[Atoms], energy: str, forces: str) -> list[Atoms]:
    for atoms in made:
        atoms.info[energy] = atoms.info.pop("REF_energy")
        atoms.set_array(forces, atoms.arrays.pop("REF_forces"), float, (3,))
    return made


@pytest.mark.parametrize(
    ("energy", "forces"),
    [("REF_TotEnergy", "REF_Force"), ("dft_energy", "force"), ("TotEnergy", "dft_forces")],
)
def test_other_names_are_shown_and_can_be_given(tmp_path: Path, energy: str, forces: str) -> None:
    path = written(tmp_path / "l.extxyz", _renamed(shipped(), energy, forces))
    with pytest.raises(LabelError) as caught:
        read_labels([path])
    assert f"--energy-key {energy}" in str(caught.value)
    assert "label it first" not in str(caught.value)
    labels = read_labels([path], Reading(keys=LabelKeys(energy, forces)))
    right = liquid(shipped())
    for frame, other in zip(labels.frames, right, strict=True):
        assert frame.info["REF_energy"] == pytest.approx(other.info["REF_energy"])
        assert frame.arrays["REF_forces"] == pytest.approx(other.arrays["REF_forces"])
        assert energy not in frame.info and forces not in frame.arrays
    with pytest.raises(LabelError, match=rf"--forces-key nothing: .*it has .*{forces}"):
        read_labels([path], Reading(keys=LabelKeys(energy, "nothing")))


def test_a_frame_without_labels_is_to_be_labelled(tmp_path: Path) -> None:
    bare = [Atoms(a.symbols, positions=a.positions, cell=a.cell, pbc=True) for a in shipped()[3:]]
    with pytest.raises(LabelError, match="label it first: pykoh label"):
        read_back(tmp_path, bare)


# --- frames -------------------------------------------------------------------------------------


def _cluster(atoms: Atoms) -> None:
    atoms.pbc, atoms.cell = False, None


def _set_cell(atoms: Atoms, place: tuple[int, int], value: float) -> None:
    cell = atoms.cell.array.copy()
    cell[place] = value
    atoms.cell = cell


def _move(symbol: str, to: float):
    def change(atoms: Atoms) -> None:
        atoms.positions[atoms.get_chemical_symbols().index(symbol), 1] = to

    return change


def _lift(atoms: Atoms) -> None:
    """Move an H into the largest gap that a K has around it."""
    k = atoms.get_chemical_symbols().index("K")
    h = atoms.get_chemical_symbols().index("H")
    rng = np.random.default_rng(0)
    trial = atoms.positions[k] + 6 * rng.uniform(-1, 1, (4000, 3))
    others = np.delete(np.arange(len(atoms)), h)
    vectors = trial[:, None] - atoms.positions[others][None]
    lengths = atoms.cell.lengths()
    vectors -= lengths * np.round(vectors / lengths)
    nearest = np.linalg.norm(vectors, axis=-1).min(1)
    atoms.positions[h] = trial[nearest.argmax()]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_cluster, "not periodic in three directions"),
        (_move("H", np.inf), "not a number"),
        (_move("O", 3e7), "damaged"),
        (lambda a: _set_cell(a, (0, 0), np.nan), "not a number"),
        (lambda a: _set_cell(a, (1, 1), 1e19), "damaged"),
        (lambda a: _set_cell(a, (1, 0), 1e19), "damaged"),
        (lambda a: _set_cell(a, (2, 2), 1.0), "height of its cell is only 1 Å"),
        (_lift, "an H without another atom within 2 Å"),
    ],
)
@pytest.mark.parametrize("command", ["train", "transfer", "replay"])
def test_damaged_frames_end_every_command_in_one_line(
    tmp_path: Path, change, expected: str, command: str
) -> None:
    made = shipped()
    change(made[5])
    broken = str(written(tmp_path / "broken.extxyz", made))
    two_runs = shipped()
    two_runs[4].info.update(run="another", split="valid")
    good = str(written(tmp_path / "good.extxyz", two_runs))
    foundation = str(DATA.parent.parent / "koh-blyp-d3" / "koh-blyp-d3.model")
    options = {
        "train": ["train", broken, "-o", str(tmp_path / "m.model")],
        "transfer": ["transfer", foundation, "--data", broken, "-o", str(tmp_path / "t")],
        "replay": [
            "train", good, "-o", str(tmp_path / "m.model"), "--foundation", foundation,
            "--method", "replay", "--replay", broken,
        ],
    }[command]  # fmt: skip
    begun = time.monotonic()
    done = CliRunner().invoke(main, options)
    assert done.exit_code == 1 and "Traceback" not in done.output
    lines = [line for line in done.output.splitlines() if line.startswith("Error")]
    assert len(lines) == 1 and "frame 6" in lines[0] and expected in lines[0], done.output
    assert time.monotonic() - begun < 30


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"LAMMPS data (units metal)\n\n3 atoms\n", "its first line is not the number of atoms"),
        (b"PK\x03\x04\xff\xfe", "it is no text file"),
    ],
)
def test_files_of_another_kind_are_told(tmp_path: Path, content: bytes, expected: str) -> None:
    (tmp_path / "koh.data").write_bytes(content)
    with pytest.raises(LabelError, match=f"is not a readable .*: {expected}$"):
        read_extxyz(tmp_path / "koh.data")


def test_a_check_needs_no_name_for_a_model(tmp_path: Path) -> None:
    labels = str(written(tmp_path / "l.extxyz", shipped()))
    checked = CliRunner().invoke(main, ["train", labels, "--check"])
    assert checked.exit_code == 0 and "frames" in checked.output
    assert list(tmp_path.iterdir()) == [Path(labels)], "nothing is written"
    trained = CliRunner().invoke(main, ["train", labels])
    assert trained.exit_code == 2 and "Missing option '-o'" in trained.output


def test_mutated_label_files_are_refused_or_read(tmp_path: Path) -> None:
    """Flipped bytes, cut and doubled lines, odd numbers: one line says so, in little time."""
    source = written(tmp_path / "l.extxyz", shipped()[:5]).read_bytes()
    rng = np.random.default_rng(7)
    odd = [b"nan", b"-inf", b"1e308", b"-1e30", b"1e19", b"", b"-1", b"99999999999", b"\xff"]
    target = tmp_path / "mutated.extxyz"
    refused = 0
    for turn in range(300):
        lines = source.split(b"\n")
        kind, at = turn % 5, int(rng.integers(len(lines) - 1))
        if kind == 0:
            data = bytearray(source)
            for place in rng.integers(len(data), size=3):
                data[place] ^= 1 << int(rng.integers(8))
            mutated = bytes(data)
        elif kind == 1:
            mutated = source[: int(rng.integers(len(source)))]
        elif kind == 2:
            mutated = b"\n".join([*lines[: at + 1], *lines[at:]])
        elif kind == 3:
            mutated = b"\n".join([*lines[:at], *lines[at + 1 :]])
        else:
            words = lines[at].split(b" ")
            words[int(rng.integers(len(words)))] = odd[int(rng.integers(len(odd)))]
            mutated = b"\n".join([*lines[:at], b" ".join(words), *lines[at + 1 :]])
        target.write_bytes(mutated)
        begun = time.monotonic()
        try:
            read_labels([target])
        except LabelError as error:
            refused += 1
            assert "\n" not in str(error)
        assert time.monotonic() - begun < 10, f"turn {turn}"
    assert refused > 100


# --- CP2K ---------------------------------------------------------------------------------------

OUTPUT = """\
 CP2K| version string:                                       CP2K version {version}
  outer SCF loop converged in   1 iterations or   10 steps
  outer SCF iter =    1 RMS gradient =   0.19E-05 energy =        -17.1250000000
 ENERGY| Total FORCE_EVAL ( QS ) energy [hartree]              -17.125000000000000

 FORCES| Atomic forces [hartree/bohr]
 FORCES|   Atom     x               y               z               |f|
 FORCES|      1  1.00000000E-02  2.00000000E-02  3.00000000E-02   3.74165739E-02
 FORCES| Sum     1.00000000E-02  2.00000000E-02  3.00000000E-02

{stress}
 The number of warnings for this run is : 0
  **** **** ******  **  PROGRAM ENDED AT
"""
STRESS = """\
 STRESS| Analytical stress tensor [{unit}]
 STRESS|                        x                   y                   z
 STRESS|      x        {0:.11E}   0.00000000000E+00   0.00000000000E+00
 STRESS|      y        0.00000000000E+00   {0:.11E}   0.00000000000E+00
 STRESS|      z        0.00000000000E+00   0.00000000000E+00   {0:.11E}
 STRESS| 1/3 Trace                                             {0:.11E}
"""


@pytest.mark.parametrize(
    ("unit", "value"),
    [("GPa", 3.4), ("bar", 3.4e4), ("kbar", 34.0), ("MPa", 3400.0), ("Pa", 3.4e9),
     ("atm", 3.4e4 / 1.01325), ("Mbar", 0.034), ("au_p", 3.4 / 29421.02)],
)  # fmt: skip
def test_every_unit_of_stress_that_cp2k_prints(unit: str, value: float) -> None:
    text = OUTPUT.format(version="2025.1", stress=STRESS.format(value, unit=unit))
    label = parse_output(text, "x", 1, "r", 1.0, with_stress=True)
    assert label.stress is not None
    assert label.stress == pytest.approx(-3.4 / 160.217649 * np.eye(3), rel=1e-6, abs=1e-15)


def test_a_stress_that_was_asked_for_is_there_or_the_frame_is_refused() -> None:
    bare = OUTPUT.format(version="2026.1", stress="")
    assert parse_output(bare, "x", 1, "r", 1.0).stress is None
    with pytest.raises(LabelError, match="no stress in CP2K's output, although it was requested"):
        parse_output(bare, "x", 1, "r", 1.0, with_stress=True)
    odd = OUTPUT.format(version="2026.1", stress=STRESS.format(1.0, unit="dyn/cm^2"))
    with pytest.raises(LabelError, match=r"stress \[dyn/cm\^2\] cannot be read"):
        parse_output(odd, "x", 1, "r", 1.0)
