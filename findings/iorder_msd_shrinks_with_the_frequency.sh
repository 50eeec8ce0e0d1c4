#!/usr/bin/env bash
# iOrder 0.0.3: the option to use every n-th frame divides the mean squared displacement by n. And the tetrahedral order of water
# is computed from its hydrogens.
#
# The tool computes order parameters of liquid water and the mean squared displacement from an XYZ file. The option -f (freq) says
# that only each n-th frame is used, to save time; the README has 100 in its example. mean_square_displacement() in
# order/msd.py takes each n-th frame as an origin, but divides by the number of all frames. So the displacement, and the
# diffusion coefficient, are n times too small. With freq = 1 they are right.
#
# The order parameter q of Errington and Debenedetti is made of the angles between the 4 nearest oxygens of an oxygen. It is 1 in
# ice, and near 0 without order. The option -c gives the element of the centre, and the default is O. four_neighbors() in
# order/oto.py says that it takes the four nearest oxygens. But it takes the 4 nearest atoms of all elements. In a file with
# hydrogens, two of them are the own hydrogens of the molecule. Their angle says nothing about the order, and q depends on
# how the molecules are turned. The translational order (order/tto.py) uses the same neighbours. There is no message.
#
# Remedy: freq = 1; a file with oxygens only.
#
# Seen with iOrder 0.0.3, numpy 1.23.5 (it needs numpy.float): random walks have 61 A^2 after 20 steps with freq = 1 and by numpy,
# 6.2 with freq = 10, and 0.7 with freq = 100. Oxygens on the places of cubic ice: q = 1. The same oxygens with hydrogens, each
# molecule turned at random: q = 0.3 on average, from -0.9 to 0.9.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile iOrder==0.0.3 numpy==1.23.5 scipy==1.10.1 six==1.17.0 progress==1.6.1
cd "$place"
cat > probe.py <<'PY'
import contextlib
import importlib.metadata
import io
import sys
import warnings

import numpy as np

warnings.simplefilter("ignore")
from order import XYZ, msd, oto, tto

rng = np.random.default_rng(0)
CELL = 6.37  # A, cubic ice
FCC = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
WATER = np.array([[0, 0, 0], [0.757, 0.586, 0], [-0.757, 0.586, 0]])


def write(name, frames, elements, edge):
    with open(name, "w") as file:
        for x in frames:
            file.write(f"{len(elements)}\n{edge} {edge} {edge}\n")
            for element, place in zip(elements, x):
                file.write(f"{element} {place[0]:.6f} {place[1]:.6f} {place[2]:.6f}\n")


def compute(kind, method, name, *arguments):
    with contextlib.redirect_stderr(io.StringIO()):
        task = kind(XYZ.XYZLoader(name), "O")
        getattr(task, method)(*arguments)
    return np.array(task.raw)


print("iOrder", importlib.metadata.version("iOrder"), "numpy", np.__version__)
# Random walks of 20 atoms with 1 A per direction and step: 3 A^2 per step
walk = np.cumsum(rng.normal(0, 1, (400, 20, 3)), axis=0)
write("walk.xyz", [walk[k] for k in range(len(walk))], ["O"] * 20, 1000.0)
found = {n: compute(msd.meanSquareD, "mean_square_displacement", "walk.xyz", 21, n)[20] for n in (1, 10, 100)}
right = ((walk[20:] - walk[:-20]) ** 2).sum(axis=-1).mean()
for n, value in found.items():
    print(f"freq = {n}: {value:.2f} A^2 after 20 steps; by numpy {right:.2f}")

# 64 water molecules on the places of cubic ice, turned at random
cells = np.array([[i, j, k] for i in range(2) for j in range(2) for k in range(2)])
oxygens = (cells[:, None, None] + (FCC[:, None] + [[0, 0, 0], [0.25, 0.25, 0.25]])).reshape(-1, 3) * CELL
turns = np.linalg.qr(rng.normal(size=(len(oxygens), 3, 3)))[0]
atoms = (oxygens[:, None] + np.einsum("kij,aj->kai", turns, WATER)).reshape(-1, 3)
write("oxygens.xyz", [oxygens], ["O"] * 64, 2 * CELL)
write("molecules.xyz", [atoms], ["O", "H", "H"] * 64, 2 * CELL)
q, s = {}, {}
for name in ("oxygens", "molecules"):
    q[name] = compute(oto.Orientational, "orientational_param", f"{name}.xyz")
    s[name] = compute(tto.Translational, "translational_param", f"{name}.xyz")
    low, high, mean = q[name].min(), q[name].max(), q[name].mean()
    print(f"{name}: q of {len(q[name])} oxygens: {low:.3f} ... {high:.3f}, mean {mean:.3f}; mean of S {s[name].mean():.4f}")
facts = {
    "freq = 1 is right": abs(found[1] / right - 1) < 1e-4,
    "freq = 10 gives a tenth": abs(found[10] / right - 0.1) < 0.015,
    "freq = 100 gives a hundredth": abs(found[100] / right - 0.01) < 0.004,
    "oxygens alone: q and S are 1": bool(np.allclose(q["oxygens"], 1, atol=1e-4) and np.allclose(s["oxygens"], 1, atol=1e-4)),
    "the same oxygens in molecules: 64 values of q": len(q["molecules"]) == 64,
    "the same oxygens in molecules: q is less than 0.6 on average": q["molecules"].mean() < 0.6,
    "the same oxygens in molecules: q differs by more than 0.5": np.ptp(q["molecules"]) > 0.5,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
