#!/usr/bin/env bash
# structuretoolkit 0.1.0: apply_strain() strains an oblique cell along other axes. 1 % along x on the primitive cell of aluminium
# leaves x as it was and shears y against z. And the smallest distances in such a cell are up to 2 A too large.
#
# structuretoolkit (from the pyiron project) offers apply_strain(structure, epsilon), "homogeneous strain". It multiplies the matrix
# 1 + epsilon from the left with the cell of ASE (common/helper.py). But ASE has the three vectors of the cell in rows, so it must
# stand on the right. The product from the left mixes the vectors with each other instead of x, y, z. A strain along x
# makes the first vector longer, whichever direction it has. For cells with right angles along x, y, z, and for equal strain in all
# directions, both are the same; for primitive fcc and bcc cells, hexagonal and other oblique cells they are not. Hexagonal
# magnesium, strained along y, gets a strain along x and a shear. The docstring gives the formula, but with F of (F^T F - 1) / 2, and
# get_strain() of the same package disagrees with it. Elastic constants fitted to such cells are wrong.
#
# get_distances_array() and find_mic() (analyse/distance.py) round fractional coordinates and take the result for the nearest image.
# In a strongly oblique cell the nearest image can be another one. The docstring says that it does the same as ase.geometry.find_mic,
# which searches the neighbouring cells.
#
# There is no message in both cases.
#
# Remedy: structure.set_cell(cell @ F.T, scale_atoms=True); structure.get_all_distances(mic=True) of ASE.
#
# Seen with structuretoolkit 0.1.0, ase 3.29.0, numpy 2.4.6, epsilon = 0.01 along x for Al: real strain 0.0 in xx, 0.005 in yy, zz and
# yz, -0.0025 in xy and xz. Distances in 3 x 3 x 3 primitive cells of Al: more than 10 % too large for 8 % of the pairs, by up to 2.05 A.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==2.4.6 scipy==1.17.1 ase==3.29.0 structuretoolkit==0.1.0
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import itertools
import sys

import numpy as np
from ase.build import bulk
from structuretoolkit.analyse import get_distances_array, get_strain
from structuretoolkit.common import apply_strain

print("structuretoolkit", importlib.metadata.version("structuretoolkit"), "numpy", np.__version__)


def real_strain(before, after):
    """Green-Lagrange strain: r' = F r for each vector r of the cell."""
    f = np.linalg.solve(before.cell.array, after.cell.array).T
    return (f.T @ f - np.eye(3)) / 2


def show(title, matrix):
    print(title, *np.round(matrix[np.triu_indices(3)] + 0.0, 4), sep="  ")


print("components: xx xy xz yy yz zz")
wanted = ((1.01**2 - 1) / 2) * np.diag([1, 0, 0])
cubic, primitive, magnesium = bulk("Al", cubic=True), bulk("Al"), bulk("Mg")
found = {}
for name, structure in (("Al, cubic cell", cubic), ("Al, primitive cell", primitive)):
    after = apply_strain(structure, [0.01, 0, 0], return_box=True)
    found[name] = real_strain(structure, after)
    show(f"{name}, 1 % along x:", found[name])
package = get_strain(apply_strain(primitive, [0.01, 0, 0], return_box=True).repeat(3), primitive.repeat(3), num_neighbors=12)[0]
show("the same cell by get_strain():", package)
found["Mg"] = real_strain(magnesium, apply_strain(magnesium, [0, 0.01, 0], return_box=True))
show("Mg, 1 % along y:", found["Mg"])
remedy = primitive.copy()
remedy.set_cell(primitive.cell.array @ np.diag([1.01, 1, 1]).T, scale_atoms=True)
show("Al, primitive cell, remedy:", real_strain(primitive, remedy))

large = primitive.repeat(3)
distances = get_distances_array(large)
shifts = np.array(list(itertools.product(range(-2, 3), repeat=3))) @ large.cell.array
vectors = large.positions[None, :, :] - large.positions[:, None, :]
nearest = np.linalg.norm(vectors[:, :, None, :] + shifts, axis=-1).min(axis=-1)
pairs = np.triu_indices(len(large), 1)
too_large = distances[pairs] > 1.1 * nearest[pairs]
excess = (distances - nearest)[pairs].max()
print(f"distances: {too_large.mean():.0%} of the pairs are more than 10 % too large, by up to {excess:.2f} A")
facts = {
    "a cubic cell is strained along x": bool(np.allclose(found["Al, cubic cell"], wanted)),
    "the primitive cell has no strain along x": abs(found["Al, primitive cell"][0, 0]) < 1e-4,
    "but along y and z, and shear": bool(np.all(found["Al, primitive cell"][1:, 1:] > 0.004)),
    "get_strain() sees the same": bool(np.allclose(package, found["Al, primitive cell"], atol=1e-4)),
    "Mg, strained along y, has a strain along x or shear": abs(found["Mg"][0]).max() > 0.002,
    "the remedy is right": bool(np.allclose(real_strain(primitive, remedy), wanted)),
    "distances are too large by 2 A": excess > 1.9,
    "those of ASE are right": bool(np.allclose(large.get_all_distances(mic=True), nearest)),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python -W ignore probe.py
