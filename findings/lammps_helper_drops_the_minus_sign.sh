#!/usr/bin/env bash
# lammps_helper 0.1.4 adds bonds to a LAMMPS data file, and writes all atoms with negative coordinates back at positive ones.
#
# add_bond_data() takes a data file without bonds and a table of pairs of elements with a cutoff. It looks for the bonds and adds
# them to the file. It also writes the lines of the atoms anew, because it adds image flags. LAMMPS allows a box to begin at any
# place, and many programs put the origin in the middle of the box, so negative coordinates are normal.
#
# get_atom_coordinates() (lammps_helper/lammps_helper.py) takes the numbers of a line by a regular expression that knows digits
# and points, but no minus sign. -0.5 becomes 0.5. The positions after that are the mirror images. A molecule on both
# sides of zero is squeezed. The bonds are searched with these positions, too. The expression for the sides of the box
# has the same fault: from -2 to 10 is taken for a length of 8. The old file is overwritten. The program says how many bonds
# it has added, and nothing else.
#
# Remedy: shift the box and all atoms to positive coordinates before (displace_atoms and change_box in LAMMPS).
#
# Seen with lammps-helper 0.1.4, numpy 1.23.5 (it needs numpy.int, which later versions lack), pandas 1.5.3: four water molecules
# in a box with z from -2 to 10 A. An O at z = -0.5 and its H at z = 0.27 (0.97 A apart) come back 0.63 A apart. Oxygens of two
# molecules, 3.3 A apart, come back 1.0 A apart, and get 2 bonds to the hydrogens of each other, over 3.2 A by the right places.
# The same box shifted to 0 ... 12 A is right.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile lammps-helper==0.1.4 numpy==1.23.5 pandas==1.5.3 plotly==5.24.1
cd "$place"
cat > probe.py <<'PY'
import contextlib
import importlib.metadata
import io
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

warnings.simplefilter("ignore")
import lammps_helper

WATER = np.array([[0, 0, 0], [0.3, 0.9, 0.1], [0.3, -0.5, 0.77]])
OXYGENS = np.array([[4, 4, -0.5], [8, 8, -1.5], [8, 7, 1.6], [4, 9, 6.0]])  # z from -2 to 10
PLACES = (OXYGENS[:, None] + WATER).reshape(-1, 3)
PAIRS = pd.DataFrame({"element1": ["O"], "element2": ["H"], "cutoff": [1.2]})


def add_bonds(shift, name):
    """The places that come back, less the shift; the bonds; the lengths of the bonds from the right places."""
    rows = [f"{k + 1} {2 if k % 3 else 1} {x:.6f} {y:.6f} {z + shift:.6f}" for k, (x, y, z) in enumerate(PLACES)]
    Path(name).write_text(
        f"water\n\n{len(rows)} atoms\n\n2 atom types\n\n0.0 12.0 xlo xhi\n0.0 12.0 ylo yhi\n{shift - 2.0} {shift + 10.0} zlo zhi\n\n"
        "Masses\n\n1 15.999 # O\n2 1.008 # H\n\nAtoms # atomic\n\n" + "\n".join(rows) + "\n"
    )
    with contextlib.redirect_stdout(io.StringIO()) as said:
        bonds = lammps_helper.add_bond_data(name, PAIRS)
    section = Path(name).read_text().split("Atoms # atomic")[1].split("Bonds")[0].split("\n")
    back = np.array([line.split()[2:5] for line in section if line.strip()], float) - [0, 0, shift]
    pairs = bonds[:, 2:4].astype(float).astype(int) - 1
    print(f"box from {shift - 2:g} to {shift + 10:g}: {said.getvalue().strip().splitlines()[-1]}")
    return back, pairs, np.linalg.norm(PLACES[pairs[:, 0]] - PLACES[pairs[:, 1]], axis=1)


def distance(places, i, j):
    return np.linalg.norm(places[i] - places[j])


print("lammps-helper", importlib.metadata.version("lammps-helper"), "numpy", np.__version__)
good, good_pairs, good_lengths = add_bonds(2.0, "positive.data")
bad, bad_pairs, bad_lengths = add_bonds(0.0, "negative.data")
print("z, written:  ", PLACES[:, 2])
print("z, come back:", bad[:, 2])
print(f"O-H of the first molecule: {distance(PLACES, 0, 2):.2f} A, come back as {distance(bad, 0, 2):.2f} A")
print(f"O-O of two molecules: {distance(PLACES, 3, 6):.2f} A, come back as {distance(bad, 3, 6):.2f} A")
print(f"bonds, positive box: {len(good_pairs)}, longest {good_lengths.max():.2f} A")
print(f"bonds, negative box: {len(bad_pairs)}, longest {bad_lengths.max():.2f} A by the right places")
facts = {
    "in the positive box all places come back": bool(np.allclose(good, PLACES)),
    "in the positive box there are 8 bonds of less than 1 A": len(good_pairs) == 8 and good_lengths.max() < 1,
    "in the negative box all z come back without their signs": bool(np.allclose(bad, np.abs(PLACES))),
    "a bond of 0.97 A comes back with 0.63 A": abs(distance(PLACES, 0, 2) - 0.97) < 0.01 and distance(bad, 0, 2) < 0.64,
    "two oxygens come near": distance(bad, 3, 6) < 0.4 * distance(PLACES, 3, 6),
    "there are bonds of more than 3 A": bool(bad_lengths.max() > 3),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
