#!/usr/bin/env bash
# openmol 1.2.2: every torsion of an Amber topology gets the wrong sign in the LAMMPS data file: trans becomes cis. A truncated
# octahedron becomes a box. And the angles and torsions of a LAMMPS data file that it reads are those of other atoms.
#
# openmol converts files of molecular dynamics. Its README shows "AMBER to LAMMPS" as the first use. Three places in
# openmol/lammps_full.py, each without a message:
# 1. dihed_coeffs() writes K, d and n for the style "harmonic", with the energy K (1 + d cos(n phi)). For a phase of 0, d must
#    be 1, and for a phase of pi -1. It takes the cosine of the phase, cuts it off to an integer, and writes 1 if this is 0,
#    else -1. The phase 0 gets -1. The phase 3.14159400, which is what tleap of Amber writes for pi, gets 1, since its cosine is
#    cut off to 0.
# 2. box_info() writes the three edges, and no tilt factors. The angles of the box are read (`box_alpha`, ...), but not used.
# 3. Reader takes the number of an angle or a torsion for its type, its type for its first atom, and does not read its last
#    atom.
#
# Remedy: 1. write -d for d, if no phase is other than 0 or 3.14159400. 2. convert with another program. 3. shift what it reads
# by one.
#
# Seen with openmol 1.2.2: a torsion of K = 1.4 kcal/mol, n = 2, phase 0 has 0 at the angle 0 in the data file, and 2.8 in
# Amber. A torsion of K = 0.6, n = 1, phase 3.14159400 has 1.2 instead of 0. A truncated octahedron with the edge 40 A has 64000
# A^3 instead of 49267. The angle H-O-H of the first water comes back as that of the atoms H, H and O, and the second one as O,
# O and H, of two molecules.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==2.4.6 pandas==3.0.3
"$place/env/bin/python" -m pip install --quiet --no-compile --no-deps openmol==1.2.2
cd "$place"
cat > probe.py <<'PY'
import contextlib
import importlib.metadata
import io
import pathlib
import sys

import numpy as np
from openmol import amber_parm7, lammps_full

print("openmol", importlib.metadata.version("openmol"))
EDGE, ANGLE = 40.0, 109.4712190  # A, degrees: a truncated octahedron
TORSIONS = [(1.4, 2, 0.0), (0.6, 1, 3.14159400)]  # K in kcal/mol, n, phase as tleap writes it
STYLES = {"a": ("20a4", 20, "{:<4s}"), "I": ("10I8", 10, "{:>8d}"), "E": ("5E16.8", 5, "{:16.8E}")}


def section(flag, style, *values):
    name, per_line, one = STYLES[style]
    text = [one.format(value) for value in values]
    lines = ["".join(text[i : i + per_line]) for i in range(0, len(text), per_line)] or [""]
    return f"%FLAG {flag}\n%FORMAT({name})\n" + "\n".join(lines) + "\n"


# Hydrogen peroxide, H-O-O-H, with two terms for its torsion.
natom, ntypes, one_bond, one_angle, one_torsion = 4, 2, 2, 1, 2
pointers = [natom, ntypes, 2, 1, 2, 0, 2, 0, 0, 0, 0, 1, 1, 0, 0, one_bond, one_angle, one_torsion, 2, 0]
pointers += [0, 0, 0, 0, 0, 0, 0, 2, 4, 0, 0, 0]
topology = "%VERSION  VERSION_STAMP = V0001.000\n" + section("TITLE", "a", "H2O2") + section("POINTERS", "I", *pointers)
topology += section("ATOM_NAME", "a", "H1", "O1", "O2", "H2") + section("CHARGE", "E", 7.3, -7.3, -7.3, 7.3)
topology += section("MASS", "E", 1.008, 16.0, 16.0, 1.008) + section("ATOM_TYPE_INDEX", "I", 1, 2, 2, 1)
topology += section("NONBONDED_PARM_INDEX", "I", 1, 2, 2, 3) + section("RESIDUE_LABEL", "a", "HPO")
topology += section("RESIDUE_POINTER", "I", 1) + section("BOND_FORCE_CONSTANT", "E", 500.0, 400.0)
topology += section("BOND_EQUIL_VALUE", "E", 0.97, 1.45) + section("ANGLE_FORCE_CONSTANT", "E", 50.0)
topology += section("ANGLE_EQUIL_VALUE", "E", 1.75)
topology += section("DIHEDRAL_FORCE_CONSTANT", "E", *[K for K, _, _ in TORSIONS])
topology += section("DIHEDRAL_PERIODICITY", "E", *[float(n) for _, n, _ in TORSIONS])
topology += section("DIHEDRAL_PHASE", "E", *[phase for _, _, phase in TORSIONS])
topology += section("LENNARD_JONES_ACOEF", "E", 1.0, 1e3, 6e5) + section("LENNARD_JONES_BCOEF", "E", 1.0, 3e1, 6e2)
topology += section("BONDS_INC_HYDROGEN", "I", 0, 3, 1, 9, 6, 1) + section("BONDS_WITHOUT_HYDROGEN", "I", 3, 6, 2)
topology += section("ANGLES_INC_HYDROGEN", "I", 0, 3, 6, 1, 3, 6, 9, 1)
topology += section("DIHEDRALS_INC_HYDROGEN", "I", 0, 3, 6, 9, 1, 0, 3, -6, 9, 2)
topology += section("AMBER_ATOM_TYPE", "a", "ho", "oh", "oh", "ho")
pathlib.Path("system.prmtop").write_text(topology)
coordinates = [1.0, 0.9, 0.0, 1.0, 0.0, 0.0, 2.4, 0.0, 0.0, 2.4, -0.9, 0.0]
lines = [coordinates[i : i + 6] for i in (0, 6)] + [[EDGE] * 3 + [ANGLE] * 3]
text = "\n".join("".join(f"{value:12.7f}" for value in line) for line in lines)
pathlib.Path("system.rst7").write_text(f"H2O2\n    4\n{text}\n")
with contextlib.redirect_stdout(io.StringIO()) as messages:
    molecule = lammps_full.build(amber_parm7.build(amber_parm7.read("system.prmtop", "system.rst7")))
    lammps_full.Writer(molecule, "system.data").write()
written = pathlib.Path("system.data").read_text()

# 1. The energy of each torsion at the angle 0, which is cis: dihedral_style harmonic of LAMMPS, and Amber.
after = written.split("Dihedral Coeffs")[1].split("Atoms")[0].split()
coefficients = np.array(after, dtype=float).reshape(-1, 4)
in_lammps = [K * (1 + d * np.cos(n * 0.0)) for _, K, d, n in coefficients]
in_amber = [K * (1 + np.cos(n * 0.0 - phase)) for K, n, phase in TORSIONS]
for (K, n, phase), ours, right in zip(TORSIONS, in_lammps, in_amber):
    print(f"torsion K = {K}, n = {n}, phase = {phase:.8f}: {ours:.2f} kcal/mol at 0 degrees (Amber: {right:.2f})")

# 2. The volume of the box.
edges = [float(line.split()[1]) - float(line.split()[0]) for line in written.splitlines() if line.endswith("hi")]
cosine = np.cos(np.radians(ANGLE))
right_volume = EDGE**3 * np.sqrt(1 - 3 * cosine**2 + 2 * cosine**3)
print(f"box: {np.prod(edges):.0f} A^3 (right: {right_volume:.0f}), tilt factors written: {'xy xz yz' in written}")

# 3. Two water molecules, from a LAMMPS data file.
places = [(0.0, 0.0, 0.0), (0.76, 0.59, 0.0), (-0.76, 0.59, 0.0), (5.0, 0.0, 0.0), (5.76, 0.59, 0.0), (4.24, 0.59, 0.0)]
atoms = "".join(
    f"{i + 1} {i // 3 + 1} {1 if i % 3 == 0 else 2} {-0.8 if i % 3 == 0 else 0.4} {x} {y} {z} # {'OHH'[i % 3]}\n"
    for i, (x, y, z) in enumerate(places)
)
head = "water\n\n6 atoms\n4 bonds\n2 angles\n0 dihedrals\n0 impropers\n\n2 atom types\n1 bond types\n1 angle types\n\n"
head += "0.0 10.0 xlo xhi\n0.0 10.0 ylo yhi\n0.0 10.0 zlo zhi\n\nMasses\n\n1 15.999 # O\n2 1.008 # H\n\nAtoms # full\n\n"
bonds = "\nBonds\n\n1 1 1 2\n2 1 1 3\n3 1 4 5\n4 1 4 6\n\nAngles\n\n1 1 2 1 3\n2 1 5 4 6\n"
pathlib.Path("water.data").write_text(head + atoms + bonds)
with contextlib.redirect_stdout(io.StringIO()) as messages_of_reader:
    water = lammps_full.Reader().read_file("water.data")
angles = [(a + 1, b + 1, c + 1) for a, b, c in zip(water.angle_a, water.angle_b, water.angle_c)]
types = [index + 1 for index in water.angle_ff_index]
print(f"angles of two water molecules: atoms {angles} of types {types} (right: [(2, 1, 3), (5, 4, 6)] of types [1, 1])")
facts = {
    "both torsions are turned around": np.allclose(in_lammps, [0.0, 1.2]) and np.allclose(in_amber, [2.8, 0.0], atol=1e-6),
    "the octahedron has the volume of a box": abs(np.prod(edges) - EDGE**3) < 1 and "xy xz yz" not in written,
    "the box angles were read": molecule["box_alpha"] == 109.471219,
    "the angles are those of other atoms": angles == [(1, 2, 1), (1, 5, 4)] and types == [1, 2],
    "the atoms and bonds are right": np.allclose(water.atom_x, [x for x, _, _ in places]) and water.bond_to == [1, 2, 4, 5],
    "no message of an error": "rror" not in messages.getvalue() + messages_of_reader.getvalue(),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
