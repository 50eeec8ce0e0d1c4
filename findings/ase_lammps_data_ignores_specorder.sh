#!/usr/bin/env bash
# ASE 3.29.0: write(..., format="lammps-data", specorder=...) swaps the elements of all atoms, if the atoms were once read
# from a LAMMPS file.
#
# ASE's readers of LAMMPS dump files and data files keep the numbers of the types, as the array `type` of the atoms. The
# writer of data files takes the type of each atom from this array whenever there is one (`_get_types` in
# ase/io/lammpsdata.py). But it takes the number of types, the masses and the labels from specorder. So type 1 has the
# mass of the first element of specorder, and the atoms of type 1 are still those that were of type 1 in the old file.
# The documentation says of specorder: "Chemical symbols in the order of LAMMPS atom types". There is no message.
# The array also survives an extended XYZ file, and repeating or cutting the cell. So the atoms need not come directly from
# LAMMPS. Without specorder there is a like case: some K+ are made Na+, and remain K+ in the file, because
# the array still says so (`_get_symbols_by_types`).
#
# A typical way into this: a box from a run with types O, H, K goes on with a potential whose order is H, O, K. LAMMPS then
# takes each oxygen for a hydrogen. ASE's own calculator `lammpsrun` writes its data with the same function.
# Remedy: `atoms.set_array("type", None)` before writing.
#
# Seen with ase 3.29.0, numpy 2.4.6: KOH and 8 H2O, 17 H, 9 O and 1 K. The written file has 9 H, 17 O and 1 K, and a mass
# of 320 u instead of 200 u. Without the array `type` the same call writes the right file.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet ase==3.29.0 numpy==2.4.6 scipy==1.17.1
cd "$place"
cat > probe.py <<'PY'
import sys

import ase
import numpy as np
from ase import Atoms
from ase.io import read, write

# KOH and 8 H2O in a dump file of LAMMPS, types O, H, K.
rng = np.random.default_rng(0)
symbols = ["O", "H", "H"] * 8 + ["O", "H", "K"]
places = rng.random((len(symbols), 3)) * 9
with open("run.dump", "w") as stream:
    stream.write(f"ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n{len(symbols)}\nITEM: BOX BOUNDS pp pp pp\n" + "0 9\n" * 3)
    stream.write("ITEM: ATOMS id type element x y z\n")
    for k, (symbol, (x, y, z)) in enumerate(zip(symbols, places)):
        stream.write(f"{k + 1} {['O', 'H', 'K'].index(symbol) + 1} {symbol} {x} {y} {z}\n")


def formula(numbers):
    return Atoms(numbers).get_chemical_formula()


def written(atoms, **options):
    """The formula and the mass, as a program finds them in the data file: from the Masses of the types."""
    write("box.data", atoms, format="lammps-data", masses=True, **options)
    masses, types, section = {}, {}, ""
    for line in open("box.data"):
        words = line.split()
        if words[:1] in (["Masses"], ["Atoms"]):
            section = words[0]
        elif words and section == "Masses":
            masses[int(words[0])] = float(words[1])
        elif words and section == "Atoms":
            types[int(words[0])] = int(words[1])
    mass = [masses[types[k]] for k in sorted(types)]
    numbers = [int(np.argmin(np.abs(ase.data.atomic_masses - m))) for m in mass]
    by_ase = read("box.data", format="lammps-data")
    if by_ase.numbers.tolist() != numbers:
        sys.exit("ASE reads its own file otherwise: this probe is no good here")
    return numbers, sum(mass)


ORDER = ["H", "O", "K"]
box = read("run.dump", format="lammps-dump-text")
plain = Atoms(symbols, positions=places, cell=[9] * 3, pbc=True)
if not (box.symbols == plain.symbols).all():
    sys.exit("the dump is read wrongly: this probe is no good here")
write("box.xyz", box, format="extxyz")
through_xyz = read("box.xyz")
cleaned = box.copy()
cleaned.set_array("type", None)
found = {}
for name, atoms in {
    "made by hand": plain,
    "read from a dump": box,
    "the same by way of extended XYZ": through_xyz,
    "read from a dump, array `type` removed": cleaned,
}.items():
    found[name], mass = written(atoms, specorder=ORDER)
    print(f"{name}: {atoms.get_chemical_formula()} becomes {formula(found[name])}, {mass:.0f} u")
right = plain.numbers.tolist()
swapped = [{1: 8, 8: 1}.get(z, z) for z in right]
facts = {
    "right without an array `type`": found["made by hand"] == right,
    "O and H change places after a dump": found["read from a dump"] == swapped,
    "O and H change places after extended XYZ": found["the same by way of extended XYZ"] == swapped,
    "right after the array is removed": found["read from a dump, array `type` removed"] == right,
}

two = box + box[[-1]]  # two K+ ...
two.symbols[-1] = "Na"  # ... one of them becomes Na+
numbers, _ = written(two)
print(f"one of two K made Na: {two.get_chemical_formula()} becomes {formula(numbers)}")
facts["Na remains K"] = numbers[-1] == 19 and two.numbers[-1] == 11
print("ase", ase.__version__)
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
