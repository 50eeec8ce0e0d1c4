#!/usr/bin/env bash
# molmdtools 0.1.0: the last frame of a LAMMPS dump is lost, and a dump of one frame becomes an empty file. Angles ignore the
# cell that the distances beside them respect, and so hydrogen bonds across the boundary are missing.
#
# molmdtools analyses hydrogen bonds in trajectories. Three places, each without a message:
# 1. dump2xyz() (files_translator.py) writes a frame when it meets the head of the next one. After the last frame there is none.
# 2. angle_list() and torsion_angle_list() of a trajectory (xyz_trajectory.py) don't hand on its cell. dist_list() does.
# 3. HB_Analyzer.hb_in_traj() takes the cell of each step. XYZ_Trajectory(steps, cell=...) keeps the cell for itself, and the
#    steps have none. subsystem_traj() makes such trajectories, too. Only an assignment traj.cell = [...] reaches the steps, but
#    not if the cell is a tuple or an array: this does nothing.
#
# Remedy: 1. append a copy of the last frame to the dump. 2. compute angles with Atom.angle(..., cell=traj.cell). 3. assign the
# cell, as a list.
#
# Seen with molmdtools 0.1.0, numpy 2.4.6: of dumps with 1, 2 and 10 frames, 0, 1 and 9 are in the XYZ file. An N-H-N bond
# across the boundary of the cell has the distance 1.90 A and the angle 170 degrees. With its cell the trajectory gives 1.90 A
# and 2 degrees. hb_in_traj() finds it in no frame if the cell was given to the constructor, and in all frames if it was
# assigned.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==2.4.6 matplotlib==3.11.2 seaborn==0.13.2 pandas==3.0.3 \
  molmdtools==0.1.0
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import pathlib
import sys

import matplotlib
import numpy as np

matplotlib.use("Agg")
from molmdtools.atom import Atom  # noqa: E402
from molmdtools.files_translator import Files_Translator  # noqa: E402
from molmdtools.hydrogen_bond import HB_Analyzer  # noqa: E402
from molmdtools.molecule import Molecule  # noqa: E402
from molmdtools.xyz_trajectory import XYZ_Trajectory  # noqa: E402

print("molmdtools", importlib.metadata.version("molmdtools"))
CELL = [12.0, 12.0, 12.0]

# 1. Dumps of some frames, each with three atoms.
left = {}
for frames in (1, 2, 10):
    text = ""
    for i in range(frames):
        text += f"ITEM: TIMESTEP\n{i * 100}\nITEM: NUMBER OF ATOMS\n3\nITEM: BOX BOUNDS pp pp pp\n" + "0.0 12.0\n" * 3
        text += "ITEM: ATOMS id type x y z\n" + "".join(f"{j + 1} N {j + 0.01 * i:.3f} 1.0 2.0\n" for j in range(3))
    pathlib.Path("some.dump").write_text(text)
    Files_Translator.dump2xyz("some.dump", "some.xyz")
    left[frames] = len(pathlib.Path("some.xyz").read_text().splitlines()) // 5
    print(f"dump of {frames} frames: {left[frames]} frames in the XYZ file")

# 2. and 3. N-H-N across the boundary: the acceptor is 1.9 A behind it, at 170 degrees.
N1, H = np.array([10.6, 6.0, 6.0]), np.array([11.6, 6.0, 6.0])
turn = np.radians(10.0)
N2 = (H + 1.9 * np.array([np.cos(turn), np.sin(turn), 0])) % CELL
steps = [[N1 + shift, H + shift, N2 + shift] for shift in np.linspace(0, 0.3, 5)[:, None] * [0, 1, 0]]


def trajectory(**options):
    atoms = [[Atom(name, list(map(float, x))) for name, x in zip(("N", "H", "N"), step)] for step in steps]
    return XYZ_Trajectory([Molecule(one) for one in atoms], **options)


given, assigned = trajectory(cell=CELL), trajectory()
assigned.cell = CELL
as_tuple = trajectory()
as_tuple.cell = tuple(CELL)
to_acceptor = steps[0][2] - H
to_acceptor -= np.array(CELL) * np.round(to_acceptor / CELL)
cosine = to_acceptor @ (N1 - H) / np.linalg.norm(to_acceptor) / np.linalg.norm(N1 - H)
right = np.linalg.norm(to_acceptor), np.degrees(np.arccos(cosine))
distance, angle = assigned.dist_list(1, 2)[0], assigned.angle_list(0, 1, 2)[0]
with_cell = Atom.angle(*assigned[0].atoms, cell=CELL)
print(f"H to acceptor {distance:.2f} A, angle {angle:.0f} degrees (right: {right[0]:.2f} A, {right[1]:.0f} degrees)", end="")
print(f", Atom.angle(..., cell=...): {with_cell:.0f}")
bonded = {}
for name, one in (("given to the constructor", given), ("assigned", assigned), ("assigned as a tuple", as_tuple)):
    bonded[name] = len(HB_Analyzer.hb_in_traj(one, [0, 1, 2]))
    print(f"cell {name}: hydrogen bond in {bonded[name]} of {len(steps)} frames")
facts = {
    "the last frame is lost": left == {1: 0, 2: 1, 10: 9},
    "the distance respects the cell": abs(distance - right[0]) < 1e-6,
    "the angle of the trajectory does not": angle < 20 < 165 < right[1],
    "the angle of Atom does": abs(with_cell - right[1]) < 1e-6,
    "cell given to the constructor: no hydrogen bond": bonded["given to the constructor"] == 0,
    "cell assigned: in all frames": bonded["assigned"] == len(steps),
    "cell assigned as a tuple: nothing": bonded["assigned as a tuple"] == 0 and as_tuple.cell is None,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
