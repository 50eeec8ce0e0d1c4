#!/usr/bin/env bash
# amof 1.1.0: elastic constants from the cells of a constant pressure run are right for a cube only. In a cell of 10 x 10 x 20
# A, two of the three shear constants are a third too small, and in a hexagonal cell most are wrong. And every mean squared
# displacement is too small, since the first window counts as 0.
#
# amof analyses molecular dynamics of amorphous frameworks. Two places, each without a message:
# 1. amof/elastic/core.py: ElasticConstant.from_cell() takes "any form that ase set_cell can process", where the edges of the
#    cell are the rows of a matrix h. For its strain, it takes the formula for edges as columns, h0^-T h^T h h0^-1, with these
#    rows. This is the same only for h0 that is a number times 1. It is not even the same strain when the cell is turned.
# 2. amof/msd.py: WindowMsd.compute_msd_of_m() has one place for each of the N - m windows of length m, and begins with the
#    second one. The first place stays 0, and is in the mean. The result is too small by 1 / (N - m).
#
# Remedy: 1. give np.transpose(h) instead of h (cell vectors as columns), for cells of any form. 2. multiply by (N - m) / (N - m
# - 1).
#
# Seen with amof 1.1.0, numpy 1.26.4, ase 3.26.0: random cells that follow from C11 = 40, C12 = 15, C44 = 10 GPa and 300 K. In a
# cube of 14.4 A amof finds 10.0 for all three shear constants. In 10 x 10 x 20 A, it finds 6.4, 6.4 and 10.0. In a hexagonal
# cell (12, 12, 14 A) it finds C12 = 18.6 and C44 = 8.9. With the transposed cells it is right. In 20 frames of uniform motion,
# the mean squared displacement is 9 % too small for 9 frames, and 5 % for 1 frame.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile ase==3.26.0 numpy==1.26.4 scipy==1.15.3 pandas==2.3.3 \
  xarray==2025.9.0 joblib==1.5.2 requests==2.32.5
"$place/env/bin/python" -m pip install --quiet --no-compile --no-deps amof==1.1.0  # the rest is for its other analyses
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys
import warnings

import numpy as np

warnings.simplefilter("ignore")
from amof.elastic.core import ElasticConstant  # noqa: E402
from amof.msd import WindowMsd  # noqa: E402
from ase import Atoms  # noqa: E402

print("amof", importlib.metadata.version("amof"))
C11, C12, C44, T, CELLS = 40.0, 15.0, 10.0, 300.0, 3000  # GPa, K
KT = 1.380649e-23 * T * 1e21  # GPa A^3
stiffness = np.zeros((6, 6))
stiffness[:3, :3] = C12
stiffness[range(6), range(6)] = [C11, C11, C11, C44, C44, C44]


def cells(reference):
    """Cells with rows h = reference (1 + strain), with the fluctuations of the strain that belong to the stiffness."""
    rng = np.random.default_rng(0)
    volume = abs(np.linalg.det(reference))
    voigt = rng.normal(size=(CELLS - 1, 6))
    voigt -= voigt.mean(axis=0)
    voigt = voigt @ np.linalg.inv(np.linalg.cholesky(np.cov(voigt.T, bias=True))).T  # now the covariance is 1, without noise
    voigt = voigt @ np.linalg.cholesky(KT / volume * np.linalg.inv(stiffness)).T
    xx, yy, zz, yz, xz, xy = voigt.T / np.array([1, 1, 1, 2, 2, 2])[:, None]
    strain = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]).transpose(2, 0, 1)
    return np.concatenate([[reference], reference @ (np.eye(3) + strain)])


def found(h):
    return np.array(ElasticConstant.from_cell(h, T, final_value=True).Cmat)


def show(name, matrix):
    print(f"{name}: C11 {matrix[0, 0]:.1f}, C33 {matrix[2, 2]:.1f}, C12 {matrix[0, 1]:.1f}", end="")
    print(f", C44 {matrix[3, 3]:.1f}, C55 {matrix[4, 4]:.1f}, C66 {matrix[5, 5]:.1f} GPa")


hexagonal = np.array([[12.0, 0, 0], [-6.0, 6.0 * np.sqrt(3), 0], [0, 0, 14.0]])
references = {"cube": np.eye(3) * 14.4, "10 x 10 x 20 A": np.diag([10.0, 10.0, 20.0]), "hexagonal": hexagonal}
show("right", stiffness)
results, transposed = {}, {}
for name, reference in references.items():
    h = cells(reference)
    results[name] = found(h)
    transposed[name] = found(h.transpose(0, 2, 1))
    show(name, results[name])
    show(f"{name}, transposed", transposed[name])

# The mean squared displacement of uniform motion: K and Cl go apart, so that their centre of mass stays.
FRAMES, SPEED = 20, 0.1  # A per frame
masses = Atoms("KCl").get_masses()
moves = [np.array([[SPEED * i, 0, 0], [-SPEED * i * masses[0] / masses[1], 0, 0]]) for i in range(FRAMES)]
frames = [Atoms("KCl", np.array([[10.0, 15, 15], [20.0, 15, 15]]) + move, cell=[30, 30, 30], pbc=True) for move in moves]
data = WindowMsd.from_trajectory(frames, delta_time=1, timestep=1).data
loss = {}
for m in (1, 5, 9):
    value = float(data["K"][m])
    loss[m] = 1 - value / (SPEED * m) ** 2
    print(f"mean squared displacement of K over {m} frames: {value:.4f} A^2 (right: {(SPEED * m) ** 2:.4f})")

factor = ((10 / 20 + 20 / 10) / 2) ** -2
flat, tilted = np.diag(results["10 x 10 x 20 A"]), results["hexagonal"]
facts = {
    "cube: right": np.allclose(results["cube"], stiffness, atol=1.5),
    "10 x 10 x 20: C44 and C55 are a third too small": np.allclose(flat[3:5], C44 * factor, rtol=0.05),
    "10 x 10 x 20: the others are right": np.allclose(flat[[0, 1, 2, 5]], [C11] * 3 + [C44], rtol=0.05),
    "hexagonal: C11, C12 and C44 are wrong": np.allclose(tilted[[0, 0, 3], [0, 1, 3]], [36.4, 18.6, 8.9], atol=0.3),
    "with the transposed cells: all right": all(np.allclose(matrix, stiffness, atol=1.5) for matrix in transposed.values()),
    "the first window counts as 0": all(abs(loss[m] - 1 / (FRAMES - m)) < 1e-6 for m in loss),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
