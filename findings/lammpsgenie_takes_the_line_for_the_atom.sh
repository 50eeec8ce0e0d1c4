#!/usr/bin/env bash
# lammpsgenie 1.0.0: of a LAMMPS dump that is not sorted, each atom gets the place of another one. The centre of mass of some of the
# atoms is shifted to the origin. And merged data files have one molecule per file.
#
# lammpsgenie reads and merges files of LAMMPS. Three places, each without a message:
# 1. readTS() (commondata.py) numbers the atoms by the lines of the dump. It does not read the column `id`. LAMMPS writes the atoms
#    in the order in which the processes have them, and this order changes in a run, unless one says `dump_modify sort id`.
# 2. getCOM() (atoms.py) takes a list of atoms, adds up mass times position over these atoms, and divides by the mass of all atoms
#    of the dump.
# 3. mergeTopologies() (mergedatafiles.py) sets the molecule number of all atoms of the first file to 1, of the second one to 2, and
#    so on. All waters of a file become one molecule. In LAMMPS, fix rigid with `molecule` then makes one rigid body of them, and
#    compute chunk/atom with `molecule` has one chunk.
#
# Remedy: 1. sort the dump, with `dump_modify sort id`. 2. multiply by the mass of all atoms, and divide by the mass of the selected
# ones. 3. set the molecule numbers again, with `reset_atoms mol` in LAMMPS.
#
# Seen with lammpsgenie 1.0.0, ASE 3.26.0: a dump in which the line of atom 2, an O, stands before that of atom 1, a K. readTS() has
# atom 1 as O at (9, 0, 0), and ASE has it at (1, 2, 3). Of a sorted dump, the centre of mass of atom 1 alone is (0.54, 1.08, 1.63).
# Two files with 3 and 2 waters have the molecules 1 to 3 and 1 to 2. The merged one has the molecules 1 and 2, with 9 and 6 atoms.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==2.4.6 scipy==1.17.1 ase==3.26.0 PyYAML==6.0.3
"$place/env/bin/python" -m pip install --quiet --no-compile --no-deps lammpsgenie==1.0.0
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import pathlib
import sys

import numpy as np
from ase.io import read
from lammpsgenie import atoms as genie
from lammpsgenie.commondata import readTS
from lammpsgenie.mergedatafiles import mergeTopologies, readTopologies, writeTopology

print("lammpsgenie", importlib.metadata.version("lammpsgenie"))
NAMES, MASSES = {1: "K", 2: "O", 3: "H"}, {"K": 39.098, "O": 15.999, "H": 1.008}
places = {1: (1, 1.0, 2.0, 3.0), 2: (2, 9.0, 0.0, 0.0), 3: (3, 8.0, 1.0, 0.0), 4: (2, 5.0, 5.0, 5.0)}  # id: type, x, y, z


def dump(name, order):
    lines = ["ITEM: TIMESTEP", "0", "ITEM: NUMBER OF ATOMS", "4", "ITEM: BOX BOUNDS pp pp pp", *["0.0 10.0"] * 3]
    lines += ["ITEM: ATOMS id type x y z"] + [" ".join(map(str, (i, *places[i]))) for i in order]
    pathlib.Path(name).write_text("\n".join(lines) + "\n")
    return readTS(lines, 1, NAMES)[0]["atom"], {0: {"atom": readTS(lines, 1, NAMES)[0]["atom"]}}


def position(atom):
    return tuple(atom[axis] for axis in "xyz")


# 1. A dump whose lines are not sorted.
unsorted, _ = dump("unsorted.dump", (2, 1, 4, 3))
ordered, trajectory = dump("sorted.dump", (1, 2, 3, 4))
frame = read("unsorted.dump", format="lammps-dump-text")
right = frame.positions[0]  # ASE sorts by id
print(f"atom 1: {unsorted[1]['type']} at {position(unsorted[1])} (ASE: {right}), in a sorted dump {position(ordered[1])}")

# 2. The centre of mass of atom 1, which is its place.
centre = np.array(genie.getCOM(trajectory, [0], [1], MASSES)[0])
total = sum(MASSES[NAMES[kind]] for kind, *_ in places.values())
print(f"centre of mass of atom 1: {np.round(centre, 2)} (right: {np.array(places[1][1:])})")


# 3. Two data files with waters.
def data(name, waters, shift):
    lines = ["LAMMPS data file", "", f"{3 * waters} atoms", f"{2 * waters} bonds", f"{waters} angles"]
    lines += ["2 atom types", "1 bond types", "1 angle types", "0 dihedrals", "0 dihedral types", "0 impropers", "0 improper types"]
    lines += [f"0.0 50.0 {axis}lo {axis}hi" for axis in "xyz"]
    lines += ["", "Masses", "", "1 15.999", "2 1.008", "", "Pair Coeffs", "", f"1 0.15 3.16 # O{name}", f"2 0.0 0.0 # H{name}"]
    lines += ["", "Bond Coeffs", "", "1 450.0 0.96 # OH", "", "Angle Coeffs", "", "1 55.0 104.5 # HOH", "", "Atoms", ""]
    for i in range(waters):
        for j, (kind, charge) in enumerate(((1, -0.8), (2, 0.4), (2, 0.4))):
            lines.append(f"{3 * i + j + 1} {i + 1} {kind} {charge} {4.0 * i + 1 + shift} {1 + 0.9 * j} 1.0")
    lines += ["", "Bonds", ""] + [f"{2 * i + j} 1 {3 * i + 1} {3 * i + 1 + j}" for i in range(waters) for j in (1, 2)]
    lines += ["", "Angles", ""] + [f"{i + 1} 1 {3 * i + 2} {3 * i + 1} {3 * i + 3}" for i in range(waters)]
    pathlib.Path(name + ".data").write_text("\n".join(lines) + "\n")
    return name + ".data"


files = [data("a", 3, 0.0), data("b", 2, 20.0)]
topologies = readTopologies(files)
before = [[atom["mol"] for atom in topologies[name]["atomdata"].values()] for name in files]
box = {axis + end: value for axis in "xyz" for end, value in (("lo", 0.0), ("hi", 50.0))}
writeTopology(mergeTopologies(topologies, box), "merged.data")
section = pathlib.Path("merged.data").read_text().split("Atoms")[1].split("Bonds")[0]
after = [int(line.split()[1]) for line in section.splitlines() if line.strip()]
print(f"molecules of the atoms: {before[0]} and {before[1]}, merged: {after}")
facts = {
    "another atom in an unsorted dump": position(unsorted[1]) == (9.0, 0.0, 0.0) and unsorted[1]["type"] == "O",
    "ASE and a sorted dump are right": tuple(right) == places[1][1:] == position(ordered[1]),
    "centre of mass: divided by the mass of all": np.allclose(centre, np.array(places[1][1:]) * MASSES["K"] / total),
    "one molecule per file": after == [1] * 9 + [2] * 6 and sorted(set(before[0])) == [1, 2, 3] and sorted(set(before[1])) == [1, 2],
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python -W ignore probe.py
