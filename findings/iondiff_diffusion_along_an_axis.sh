#!/usr/bin/env bash
# IonDiff 1.6: a diffusion coefficient along one axis is three times too small. The length of a hop in a hexagonal or other
# tilted cell is wrong. And the correlation of two ions depends on which ion is the first of all.
#
# IonDiff analyses the hopping of ions in VASP simulations. Three places, each without a message:
# 1. get_diffusion_coefficient(axis=...) (identify_diffusion.py) fits 6 D t to the mean squared displacement along this axis,
#    where it is 2 D t. By its docstring the default, all axes, is their average. It is the sum.
# 2. length_of_diffusion() (analyze_descriptors.py) takes the absolute value of each fractional coordinate of the hop, and then
#    multiplies by the cell. In a tilted cell this is another vector.
# 3. get_correlation_matrix() (common_library.py): the width of the smoothing is, by its docstring, the duration of a hop over
#    2.355. It computes it for the first ion, and then keeps it for all.
#
# Remedy: 1. multiply by 3. 2. compute the length from the positions. 3. give `sigma`.
#
# Seen with IonDiff 1.6, numpy 1.26.4: random walks with 2.5 A^2/ps along x, 1.0 along y and 0.5 along z have 0.82, 0.32 and
# 0.15. A hop of 1.73 A in a hexagonal cell has the length 1.00 A. The hops of two ions have the correlation 0.85, if the first
# ion hops in 60 steps, and -0.03, if it hops in 6 steps.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==1.26.4 scipy==1.15.3 pandas==2.3.3 scikit-learn==1.7.2 \
  matplotlib==3.10.7 seaborn==0.13.2 IonDiff==1.6
cd "$place"
cat > probe.py <<'PY'
import argparse
import contextlib
import importlib.metadata
import io
import pathlib
import sys
import warnings

import numpy as np

warnings.simplefilter("ignore")
import matplotlib  # noqa: E402

matplotlib.use("Agg")
from IonDiff.analyze_descriptors import descriptors  # noqa: E402
from IonDiff.common_library import get_correlation_matrix  # noqa: E402
from IonDiff.identify_diffusion import xdatcar  # noqa: E402

print("IonDiff", importlib.metadata.version("IonDiff"))


def write(folder, cell, fractional, potim=1.0, nblock=100):
    pathlib.Path(folder).mkdir()
    pathlib.Path(folder, "INCAR").write_text(f"POTIM = {potim}\nNBLOCK = {nblock}\n")
    lines = ["Li", "1.0"] + [" ".join(f"{x:.10f}" for x in row) for row in cell] + ["Li", str(fractional.shape[1])]
    for i, frame in enumerate(fractional):
        lines += [f"Direct configuration= {i + 1:5d}"] + [" ".join(f"{x:.10f}" for x in row % 1.0) for row in frame]
    pathlib.Path(folder, "XDATCAR").write_text("\n".join(lines) + "\n")


# 1. Random walks: frames are 0.1 ps apart.
right = np.array([2.5, 1.0, 0.5])  # A^2/ps
ATOMS, FRAMES, DT = 200, 60, 0.1
rng = np.random.default_rng(0)
steps = rng.normal(size=(FRAMES - 1, ATOMS, 3)) * np.sqrt(2 * right * DT)
walk = np.concatenate([np.zeros((1, ATOMS, 3)), steps.cumsum(axis=0)])
write("walk", np.eye(3) * 20, rng.random((ATOMS, 3)) + walk / 20)
args = argparse.Namespace(MD_path="walk", diffusion_particle="Li", make_plot=False)
reader = xdatcar(args)


def diffusion(axis):
    with contextlib.redirect_stdout(io.StringIO()) as text:
        reader.get_diffusion_coefficient(args, initial_ratio=0.05, ending_ratio=0.4, contributions="self", axis=axis)
    return float(text.getvalue().split()[-1])


along = np.array([diffusion(axis) for axis in range(3)])
total = diffusion(None)
exact = [np.mean((walk[5:, :, k] - walk[:-5, :, k]) ** 2) / (2 * 5 * DT) for k in range(3)]  # from this very walk
for name, ours, this in zip("xyz", along, exact):
    print(f"along {name}: {ours:.3f} A^2/ps (right: {this:.3f})")
print(f"all axes: {total:.3f} (right: {np.mean(exact):.3f}); mean along the axes: {along.mean():.3f}")

# 2. Hops by (0.1, -0.1, 0) of a hexagonal cell.
A = 10.0
hexagonal = np.array([[A, 0, 0], [-A / 2, A * np.sqrt(3) / 2, 0], [0, 0, 10.0]])
positions = np.tile(np.array([[0.2, 0.5, 0.5], [0.6, 0.5, 0.5]]), (40, 1, 1))
ramp = np.clip((np.arange(40) - 10) / 10, 0, 1)[:, None]  # from frame 10 to frame 20
positions[:, 0] += ramp * [0.1, -0.1, 0]
positions[:, 1] += ramp * [0.1, 0.1, 0]
write("hop", hexagonal, positions)
np.savetxt("hop/DIFFUSION", [[0, 9, 20], [1, 9, 20]], fmt="%d")
lengths = descriptors(argparse.Namespace(MD_path="hop")).length_of_diffusion(outer=None)
should = [np.linalg.norm(np.array(hop) @ hexagonal) for hop in ((0.1, -0.1, 0), (0.1, 0.1, 0))]
for ours, this in zip(lengths, should):
    print(f"hop in a hexagonal cell: {ours:.3f} A (right: {this:.3f} A)")


# 3. The correlation of ion 2 and ion 3, which hop one after the other, for two durations of the hop of ion 1.
def correlation(duration):
    hops = np.zeros((400, 3))
    hops[20 : 20 + duration, 0] = 1
    hops[200:212, 1] = 1
    hops[218:230, 2] = 1
    return get_correlation_matrix(hops)[1][1, 2]


first_long, first_short = correlation(60), correlation(6)
print(f"correlation of the hops of ions 2 and 3: {first_long:.2f}, if ion 1 hops in 60 steps, {first_short:.2f} for 6 steps")
facts = {
    "along an axis: a third": np.allclose(along, np.array(exact) / 3, rtol=0.1),
    "all axes: right, and the sum of the axes": abs(total / np.mean(exact) - 1) < 0.1 and abs(total / along.sum() - 1) < 0.01,
    "a hop along (1, -1, 0): too short by the root of 3": abs(lengths[0] * 3**0.5 / should[0] - 1) < 0.01,
    "a hop along (1, 1, 0): right": abs(lengths[1] / should[1] - 1) < 0.01,
    "the correlation depends on the first ion": first_long > 0.5 + first_short,
    "the docstring says average": "Default to average" in xdatcar.get_diffusion_coefficient.__doc__,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
