#!/usr/bin/env bash
# mdbrew 0.0.10: the fractional coordinates of a POSCAR become Angstrom, so that all atoms lie within 1 A. The nanometres of a GRO
# file become Angstrom, too. And the Angstrom of all other formats become nanometres in a GRO file.
#
# mdbrew reads, writes and evaluates coordinates (POSCAR, GRO, PDB, extended XYZ, LAMMPS). All is in mdbrew/io/, for
# mdbrew.io.read() and write(). The states that read() returns have no unit; they go to the evaluations as they are.
# 1. POSCARReader (reader/poscar.py) skips the line "Direct" or "Cartesian". Coordinates of "Direct" stay numbers from 0 to 1,
#    with a cell in Angstrom. With "Cartesian" and a scaling factor, the cell is multiplied by it, and the coordinates are not.
# 2. POSCARWriter (writer/poscar.py) with scale= writes this factor, and a cell that is multiplied by it once more. The
#    coordinates stay. A program that reads the file gets a cell that is too large by scale^2, with atoms that are too far apart
#    by scale.
# 3. GROReader and GROWriter (reader/gro.py, writer/gro.py) take the numbers of the file as they are. GRO files are in nm.
#    From GRO to extended XYZ or POSCAR, bonds and cell are ten times too small. From them to GRO, ten times too large.
# 4. LMPSWriter (writer/lmps.py) writes only the diagonal of the cell to a LAMMPS data file. A hexagonal cell becomes rectangular.
# There is no message.
#
# Remedy: let ASE read POSCAR and GRO files and write extended XYZ for mdbrew; scale=1; ASE for GRO and LAMMPS data files.
#
# Seen with mdbrew 0.0.10, numpy 1.26.4, ase 3.29.0, scipy 1.17.1: rock salt, whose shortest distance is 2.82 A, from a
# POSCAR with "Direct": 0.50 A in an unchanged cell of 5.64 A. From a Cartesian POSCAR with the factor 5.64: 0.50 A. With scale=2
# ASE reads 5.64 A and a cell of 22.56 A. Water from GRO to extended XYZ has bonds of 0.096 A, from PDB to GRO 9.6 A. Of magnesium
# in a hexagonal cell, 12 of 36 atoms keep their 12 neighbours. A Cartesian POSCAR without a factor is right.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile mdbrew==0.0.10 numpy==1.26.4 ase==3.29.0 scipy==1.17.1 tqdm==4.70.1
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys

import ase.io
import mdbrew
import numpy as np
from ase import Atoms
from ase.build import bulk


def bond(atoms):
    """The shortest distance."""
    d = atoms.get_all_distances(mic=True)
    return d[np.triu_indices(len(d), 1)].min()


def show(name, atoms, right):
    values = bond(atoms), atoms.cell.lengths()[0]
    print(f"{name}: shortest distance {values[0]:.3f} A, cell {values[1]:.3f} A", end=" ")
    print(f"(right: {bond(right):.3f}, {right.cell.lengths()[0]:.3f})")
    return values[0] / bond(right), values[1] / right.cell.lengths()[0]


print("mdbrew", importlib.metadata.version("mdbrew"), "ase", ase.__version__)
crystal = bulk("NaCl", "rocksalt", a=5.64, cubic=True)
crystal.pbc = True
water = Atoms("OH2", positions=[(1.0, 2.0, 3.0), (1.96, 2.0, 3.0), (0.76, 2.93, 3.0)], cell=[18.62] * 3, pbc=True)
ase.io.write("direct.poscar", crystal, format="vasp", direct=True)
ase.io.write("cartesian.poscar", crystal, format="vasp", direct=False)
with open("cartesian.poscar") as file:
    lines = file.read().splitlines()
with open("scaled.poscar", "w") as file:  # the same crystal: all lengths are in units of 5.64 A
    numbers = [" ".join(f"{float(x) / 5.64:.10f}" for x in line.split()) for line in lines[2:5] + lines[8:]]
    file.write("\n".join([lines[0], "5.64", *numbers[:3], *lines[5:8], *numbers[3:]]) + "\n")
with open("water.gro", "w") as file:  # as GROMACS writes it
    file.write("water\n    3\n")
    for i, (name, x) in enumerate(zip("OHH", water.positions / 10, strict=True)):
        file.write(f"{1:5d}SOL  {name:>5s}{i + 1:5d}" + "".join(f"{value:8.3f}" for value in x) + "\n")
    file.write("".join(f"{x / 10:10.5f}" for x in water.cell.lengths()) + "\n")
for name, right in {"scaled.poscar": crystal, "water.gro": water}.items():  # ASE reads them right
    assert np.isclose(bond(ase.io.read(name)), bond(right), atol=0.01)

found = {}
for name, right in {"direct.poscar": crystal, "cartesian.poscar": crystal, "scaled.poscar": crystal, "water.gro": water}.items():
    mdbrew.io.write("out.extxyz", mdbrew.io.read(name))
    found[name] = show(f"{name} to extended XYZ", ase.io.read("out.extxyz"), right)
ase.io.write("crystal.extxyz", crystal)
states = mdbrew.io.read("crystal.extxyz")
for scale in (1.0, 2.0):
    mdbrew.io.write(f"out{scale}.poscar", states, scale=scale)
    out = ase.io.read(f"out{scale}.poscar", format="vasp")
    found["scale", scale] = show(f"extended XYZ to POSCAR, scale={scale}", out, crystal)
with open("water.pdb", "w") as file:
    file.write("TITLE     water\nREMARK    three atoms\nCRYST1   18.620   18.620   18.620  90.00  90.00  90.00 P 1\n")
    for i, (name, x) in enumerate(zip("OHH", water.positions, strict=True)):
        file.write(f"ATOM  {i + 1:5d}  {name:<3s} SOL  {1:4d}    " + "".join(f"{value:8.3f}" for value in x) + "  1.00  0.00\n")
    file.write("END\n")
assert np.isclose(bond(ase.io.read("water.pdb")), 0.96)
mdbrew.io.write("out.gro", mdbrew.io.read("water.pdb"))
found["pdb"] = show("water.pdb to GRO", ase.io.read("out.gro"), water)
hexagonal = bulk("Mg", "hcp", a=3.2, c=5.2).repeat((3, 3, 2))
ase.io.write("hexagonal.extxyz", hexagonal)
mdbrew.io.write("out.lmps", mdbrew.io.read("hexagonal.extxyz"), atom_types=["Mg"])
drawn = ase.io.read("out.lmps", format="lammps-data", atom_style="atomic")


def neighbours(atoms):
    d = atoms.get_all_distances(mic=True)
    return np.bincount((d < 3.4).sum(1) - 1, minlength=13)[12], d[np.triu_indices(len(d), 1)].min()


kept, broken = neighbours(hexagonal), neighbours(drawn)
angles = [x.cell.angles().round(1).tolist() for x in (drawn, hexagonal)]
print(f"hexagonal cell to LAMMPS data: angles {angles[0]} (right: {angles[1]})")
print(f"    {broken[0]} of {len(drawn)} atoms have 12 neighbours (right: {kept[0]}),", end=" ")
print(f"shortest distance {broken[1]:.3f} A (right: {kept[1]:.3f} A)")


def is_(key, *right):
    return bool(np.allclose(found[key], right, rtol=0.01))


facts = {
    "Cartesian coordinates without a factor are right": is_("cartesian.poscar", 1, 1) and is_(("scale", 1.0), 1, 1),
    "fractional coordinates of a POSCAR become Angstrom": is_("direct.poscar", 0.5 / 2.82, 1),
    "the factor of a POSCAR goes to the cell, not to the coordinates": is_("scaled.poscar", 1 / 5.64, 1),
    "scale=2: atoms too far apart by 2, cell too large by 4": is_(("scale", 2.0), 2, 4),
    "from GRO: ten times too small": is_("water.gro", 0.1, 0.1),
    "to GRO: ten times too large": is_("pdb", 10, 10),
    "a hexagonal cell becomes rectangular in a LAMMPS data file": bool(
        np.allclose(drawn.cell.angles(), 90) and kept[0] == len(drawn) and broken[0] < len(drawn)
    ),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
