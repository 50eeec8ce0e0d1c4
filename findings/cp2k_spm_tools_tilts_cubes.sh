#!/usr/bin/env bash
# cp2k-spm-tools 1.6.0: a cube file of an oblique cell, read and written again, has another cell: the tilts change by the ratio of the
# numbers of grid points. The density is then at other places.
#
# cp2k-spm-tools (scanning probe images from CP2K) has a class Cube (cube.py), that reads, changes and writes cube files. It keeps
# the cell as three vectors in rows. A row must be divided by the number of points along this vector to give the step of the
# grid. write_cube_file() and dv_au, dv_ang, dv divide the columns instead: the x of each vector by the number of points along the first
# vector, and so on. For cells with right angles along x, y, z it is the same; also for hexagonal slabs with as many points along a as
# along b. For monoclinic and triclinic cells, that have different numbers of points, it is not.
# The volume stays the same (the cell is triangular), so the integral of the density stays right, and a check of it finds nothing.
# cp2k-cube-operations (sums and differences of densities) writes its result in this way, too.
# There is no message. The documentation does not restrict the cell: the parameter is "cell in [au] and (3x3)".
#
# Remedy: ase.io.cube, or cube.cell / numpy.array(cube.data.shape)[:, None] for the steps.
#
# Seen with cp2k-spm-tools 1.6.0, ASE 3.29.0, numpy 2.4.6: 20 x 15 x 40 points, third vector (3, 1, 12) A: written as (6, 2.667, 12) A. The
# atoms are written right, so the same atom is at another fraction of the cell. A maximum of the density moves by 2.4 A.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==2.4.6 scipy==1.17.1 ase==3.29.0
"$place/env/bin/python" -m pip install --quiet --no-compile --no-deps cp2k-spm-tools==1.6.0
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys

import numpy as np
from ase import Atoms
from ase.io.cube import read_cube, write_cube
from ase.units import Bohr
from cp2k_spm_tools.cube import Cube

print("cp2k-spm-tools", importlib.metadata.version("cp2k-spm-tools"), "ASE", importlib.metadata.version("ase"), "numpy", np.__version__)
SHAPE = (20, 15, 40)


def through(cell):
    """A density with a peak at an oxygen atom; the cell, the peak and the integral before and after."""
    atoms = Atoms("O", scaled_positions=[[0.5, 0.4, 0.75]], cell=cell, pbc=True)
    points = np.stack(np.meshgrid(*(np.arange(n) / n for n in SHAPE), indexing="ij"), axis=-1) @ atoms.cell.array
    density = np.exp(-((points - atoms.positions[0]) ** 2).sum(axis=-1))
    with open("in.cube", "w") as file:
        write_cube(file, atoms, data=density)
    cube = Cube()
    cube.read_cube_file("in.cube")
    steps = cube.dv_ang
    cube.write_cube_file("out.cube")
    with open("out.cube") as file:
        after = read_cube(file)
    new_cell = after["atoms"].cell.array
    peak = np.array(np.unravel_index(after["data"].argmax(), SHAPE)) / SHAPE @ new_cell
    again = Cube()
    again.read_cube_file("out.cube")
    volumes = abs(np.linalg.det(again.cell)) / abs(np.linalg.det(cube.cell))
    return new_cell, peak, after["atoms"].positions[0], steps, volumes, np.abs(after["data"] - density).max()


straight, oblique = np.diag([8.0, 6.0, 12.0]), np.array([[8.0, 0, 0], [2.0, 6.0, 0], [3.0, 1.0, 12.0]])
result = {}
for name, cell in (("right angles", straight), ("oblique", oblique)):
    result[name] = new, peak, atom, steps, volumes, change = through(cell)
    print(f"{name}: cell before", *np.round(cell, 3).tolist(), "after", *np.round(new, 3).tolist())
    print(f"  atom at {np.round(atom, 3)}, peak of the density at {np.round(peak, 3)}, distance {np.linalg.norm(atom - peak):.3f} A")
    print(f"  volume changes by {volumes - 1:.1e}, values by {change:.1e}; dv_ang {np.round(steps, 4).tolist()}")
right_steps = oblique / np.array(SHAPE)[:, None]
predicted = oblique / SHAPE * np.array(SHAPE)[:, None]
new, peak, atom, steps, volumes, _ = result["oblique"]
facts = {
    "right angles stay, and the peak is at the atom": bool(np.allclose(result["right angles"][0], straight, atol=1e-3))
    and np.linalg.norm(result["right angles"][1] - result["right angles"][2]) < 0.3,
    "the oblique cell changes": bool(np.abs(new - oblique).max() > 2.9),
    "tilts change by the ratio of the numbers of points": bool(np.allclose(new, predicted, atol=1e-3)),
    "the peak leaves the atom by 2 A or more": np.linalg.norm(peak - atom) > 2,
    "the volume stays": abs(volumes - 1) < 1e-4,
    "dv_ang is wrong": bool(np.abs(steps - right_steps).max() > 0.07),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python -W ignore probe.py
