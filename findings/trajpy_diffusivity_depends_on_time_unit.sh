#!/usr/bin/env bash
# trajpy 1.4.4: the diffusion coefficient by Green and Kubo is multiplied by the time step once too often: of one path, it is 100
# times too small in picoseconds and 10 times too large in femtoseconds. The time-averaged mean squared displacement is 3 to 5
# times too small, and box_length makes atoms jump by a whole box that did not jump before.
#
# TrajPy computes "features" of paths, reads LAMMPS dumps, and has a paper (Bioinformatics Advances 4, vbae026). Three places of
# trajpy/trajpy.py, each without a message:
# 1. stationary_velocity_correlation_() says in its docstring that it gives <v(t + tau) v(t)>. But it multiplies this by the time
#    step t[1] - t[0], and adds a part of the value for the time before. green_kubo_() sums it and multiplies by the time step
#    again. D should be A^2 per unit of time, and comes out as A^2. compute_features() takes this as `diffusivity`.
# 2. msd_time_averaged_() divides by `spatial_components.size - value + 1`. The size of an array (N, 3) is 3 N. The formula of its
#    docstring divides by the number of displacements, N - tau. So the result is too small by 3 at short times and by 5 at half
#    the length of the path: the curve bends down as if the motion were confined.
# 3. Trajectory(..., box_length=L) calls unfold(self._r[0], self._r, L). The docstring of unfold() says that its first argument is
#    the configuration at the previous step. It gets the first frame for all steps. So every frame is moved to the image next to
#    the first frame. An atom never goes farther than L/2 in each direction, and where it would, it jumps by L.
#
# Remedy: unwrap and correlate by oneself, or divide the results by these factors; tidynamics and MDAnalysis are right.
#
# Seen with trajpy 1.4.4, numpy 2.4.6, scipy 1.17.1: one ion for 40 ps, 0.01 ps between frames, D = 0.176 A^2/ps from the correlation
# function. trajpy: 0.00176 A^2/ps from A and ps, 1.76 A^2/ps from A and fs. Its mean squared displacement is 0.33 times the right one
# after 0.1 ps, and 0.20 times after 20 ps. The squared displacement from the first frame reaches 102 A^2. From wrapped
# positions in a box of 8 A it reaches 32 A^2, and the mean squared displacement after 10 ps is 31.0 instead of 12.8 A^2.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile trajpy==1.4.4 numpy==2.4.6 scipy==1.17.1 PyYAML==6.0.3
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys

import numpy as np
from trajpy.trajpy import Trajectory

FRAMES, STEP, LAGS, EDGE = 4000, 0.01, 100, 8.0  # ps, frames, A
rng = np.random.default_rng(3)
keep = np.exp(-STEP / 0.05)
v, velocities = np.zeros(3), []
for _ in range(FRAMES):
    v = keep * v + 2.1 * np.sqrt(1 - keep**2) * rng.normal(size=3)
    velocities.append(v)
path = EDGE / 2 + np.cumsum(velocities, axis=0) * STEP  # A


def right_msd(path, lag):
    return ((path[lag:] - path[:-lag]) ** 2).sum(axis=1).mean()


def right_D(path, step):
    v = np.diff(path, axis=0) / step
    correlation = [(v[lag:] * v[: len(v) - lag]).sum(axis=1).mean() for lag in range(LAGS)]
    return sum(correlation) * step / 3


def trajpy_D(path, step):
    t = np.arange(FRAMES) * step
    v = Trajectory.velocity_(path, t)
    return Trajectory.green_kubo_(v, t, Trajectory.stationary_velocity_correlation_(v, t, np.arange(LAGS)))


print("trajpy", importlib.metadata.version("trajpy"))
right = right_D(path, STEP)
in_ps, in_fs = trajpy_D(path, STEP), trajpy_D(path, 1000 * STEP) * 1000  # both in A^2/ps
print(f"D: {right:.4f} A^2/ps, the same from femtoseconds {right_D(path, 1000 * STEP) * 1000:.4f}")
print(f"trajpy: {in_ps:.5f} A^2/ps from picoseconds, {in_fs:.3f} A^2/ps from femtoseconds")
ratio = {}
for lag in (10, FRAMES // 2):
    ratio[lag] = Trajectory.msd_time_averaged_(path, np.array([lag]))[0] / right_msd(path, lag)
    print(f"mean squared displacement after {lag * STEP:.1f} ps: {ratio[lag]:.3f} times the right one")
unfolded = Trajectory(np.column_stack([np.arange(FRAMES) * STEP, path % EDGE]), box_length=EDGE)._r
far, found_far = (((r - r[0]) ** 2).sum(axis=1).max() for r in (path, unfolded))
msd, found_msd = right_msd(path, 1000), right_msd(unfolded, 1000)
print(f"farthest from the first frame: {far:.0f} A^2, with box_length {found_far:.0f} A^2 (limit: {3 * EDGE**2 / 4:.0f})")
print(f"mean squared displacement after 10 ps: {msd:.2f} A^2, with box_length {found_msd:.2f} A^2")
facts = {
    "picoseconds: about 100 times too small": 90 < right / in_ps < 110,
    "femtoseconds: about 10 times too large": 8 < in_fs / right < 12,
    "mean squared displacement: a third at short times": 0.32 < ratio[10] < 0.34,
    "mean squared displacement: a fifth at half the length": 0.19 < ratio[FRAMES // 2] < 0.21,
    "the ion goes farther than half a box": far > 3 * EDGE**2 / 4,
    "box_length: never farther than half a box": found_far <= 3 * EDGE**2 / 4,
    "box_length: the mean squared displacement is twice as large": found_msd > 2 * msd,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
