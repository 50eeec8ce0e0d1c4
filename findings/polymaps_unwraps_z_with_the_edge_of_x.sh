#!/usr/bin/env bash
# polymaps 0.0.108: unwrapped coordinates along z are wrong in any cell that is not a cube. And a data file with force_cube=True has
# atoms outside of its cell.
#
# polymaps reads and writes LAMMPS data files of polymers (util.py). Two places, each without a message:
# 1. open_lmp_data(unwrap=True) adds the image flags times the edges of the cell to the coordinates. Along z it takes the edge
#    along x. So molecules that cross this boundary are torn, and the distances along z are wrong.
# 2. write_dfs_to_lmp_data(force_cube=True) makes a cube around the origin whose edge is the largest extent of the atoms plus the
#    padding. It moves the atoms so that their mean position is at the origin. It should move the middle of the extent there. If
#    there are more atoms at one end, the other end is outside. LAMMPS puts such atoms back on the other side, which may be the
#    place of another atom, or stops, if the boundary is not periodic.
#
# Remedy: 1. add (Lz - Lx) * iz to z. 2. subtract the middle of the smallest and the largest coordinate before.
#
# Seen with polymaps 0.0.108, pandas 2.0.2: a chain of atoms 2 A apart that crosses the boundary in z of a cell of 10 x 10 x 30 A.
# polymaps has a bond of 18 A. ASE reads the same file and has 2 A everywhere. A chain of 4 atoms, 2 A apart, with 20 more
# atoms at one end: the cube goes from -4 to 4 A, and the end of the chain is at 5.5 A.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==1.25.0 scipy==1.11.1 pandas==2.0.2 plotly==5.15.0 \
  scikit-learn==1.3.0 matplotlib==3.7.1 ase==3.23.0
"$place/env/bin/python" -m pip install --quiet --no-compile --no-deps polymaps==0.0.108  # the rest is JupyterLab
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import pathlib
import sys

import numpy as np
import pandas as pd
from ase.io import read
from polymaps.util import open_lmp_data, write_dfs_to_lmp_data

print("polymaps", importlib.metadata.version("polymaps"))

# 1. A chain along z, which starts at z = 24 A and ends at 34 A, that is 4 A in the next cell.
EDGES = np.array([10.0, 10.0, 30.0])
chain = np.array([[5.0, 5.0, 24.0 + 2 * i] for i in range(6)])
image = np.floor(chain / EDGES).astype(int)
head = ["LAMMPS data file", "", "6 atoms", "1 atom types", "5 bonds", "1 bond types", ""]
head += [f"0.0 {edge} {axis}lo {axis}hi" for edge, axis in zip(EDGES, "xyz")]
body = ["", "Masses", "", "1 12.011", "", "Atoms  # full", ""]
for i, (place, flags) in enumerate(zip(chain - image * EDGES, image)):
    body.append(f"{i + 1} 1 1 0.0 {place[0]} {place[1]} {place[2]} {flags[0]} {flags[1]} {flags[2]}")
body += ["", "Bonds", ""] + [f"{i} 1 {i} {i + 1}" for i in range(1, 6)]
pathlib.Path("chain.data").write_text("\n".join(head + body) + "\n")
atoms = open_lmp_data("chain.data", viz=False, unwrap=True)[1]
found = atoms[["x", "y", "z"]].values
frame = read("chain.data", format="lammps-data")
bonds = [frame.get_distance(i, i + 1, mic=True) for i in range(5)]
steps = np.linalg.norm(np.diff(found, axis=0), axis=1)
print(f"z: {found[:, 2]} (right: {chain[:, 2]})")
print(f"bonds of polymaps: {steps}, of ASE: {np.round(bonds, 6)}")

# 2. A chain with a crowd at one end, in a cube.
crowd = np.array([[0.1 * (i % 4), 0.1 * (i // 4), 0.0] for i in range(20)])
tail = np.array([[0.0, 0.0, 2.0 * i] for i in range(4)])
places = np.concatenate((crowd, tail))
table = pd.DataFrame(places, columns=["x", "y", "z"])
table["id"], table["mol"], table["type"], table["q"] = np.arange(1, len(places) + 1), 1, 1, 0.0
low_high = write_dfs_to_lmp_data("cube.data", pd.DataFrame({"type": [1], "mass": [12.011]}), table, force_cube=True)
text = pathlib.Path("cube.data").read_text()
written = np.array([line.split()[4:7] for line in text.split("Atoms")[1].splitlines() if line.strip()], float)
inside = (written >= low_high[4]) & (written <= low_high[5])
print(f"cube from {low_high[4]:.2f} to {low_high[5]:.2f}, atoms along z from {written[:, 2].min():.2f}", end="")
print(f" to {written[:, 2].max():.2f}, {np.sum(~inside.all(axis=1))} atoms outside")
facts = {
    "z has the edge of x": np.allclose(found[:, 2], (chain - image * EDGES)[:, 2] + image[:, 2] * EDGES[0]),
    "x and y are right": np.allclose(found[:, :2], chain[:, :2]),
    "a torn bond": abs(steps.max() - 18) < 1e-6 and np.allclose(bonds, 2),
    "an atom outside of the cube": bool(np.any(~inside)) and np.ptp(written[:, 2]) < low_high[5] - low_high[4],
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python -W ignore probe.py
