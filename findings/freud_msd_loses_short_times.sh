#!/usr/bin/env bash
# freud 3.4.0: the mean squared displacements of MSD(mode="window") are wrong at short times, and can be negative, if the
# atoms are some tens of angstroms away from the origin. The positions may be given in double precision.
#
# "window" is the default. It finds the displacement as the difference of two terms, and each of them is as large as the
# square of the positions. freud turns all positions into single precision first (`_convert_array` in freud/util.py). The
# second term is a Fourier transform of these (`_autocorrelation` in freud/msd.py), and scipy does it in single precision
# then. Its relative error is some 1e-7. For positions up to 120 A that is 0.001 A^2 after the difference, or more: as much
# as a water molecule moves in 1 fs. The error is not noise, but about the same for all times and atoms of a trajectory.
# msd[0], which should be 0, shows its size. Nothing in the documentation of MSD says this, and there is no message.
#
# What is wrong: the first points of the curve, the ballistic part, the slope in a log-log plot (by which the diffusive part
# is found), vibrations of atoms in a solid. The slope at long times is hardly affected. mode="direct" is right.
# Remedy: compute(x - x.mean(axis=0)), the positions of each atom relative to its own mean; this is exact.
#
# Seen with freud-analysis 3.4.0, numpy 2.4.6, scipy 1.17.1: 100 atoms, 1000 frames. Walks with the diffusion coefficient of
# water, frames 1 fs apart: the value of the first step is 70 % of the right one in a box of 60 A, and 0 % in a box of
# 120 A. Atoms of a solid that vibrate by 0.05 A in a box of 120 A: 91 to 94 % at all times. Near the origin all are right.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet freud-analysis==3.4.0 numpy==2.4.6 scipy==1.17.1
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys

import freud
import numpy as np

FRAMES, ATOMS = 1000, 100
DIFFUSION = 2.3e-4  # A^2/fs, water
LAGS = [1, 2, 5, 10, 100]
rng = np.random.default_rng(0)
walk = np.cumsum(rng.normal(0, np.sqrt(2 * DIFFUSION), (FRAMES, ATOMS, 3)), axis=0)
vibration = rng.normal(0, 0.05, (FRAMES, ATOMS, 3))
places = rng.random((1, ATOMS, 3))


def by_freud(x, **options):
    return freud.msd.MSD(**options).compute(x).msd


def exact(x):
    return np.array([((x[k:] - x[: len(x) - k]) ** 2).sum(axis=-1).mean() for k in range(LAGS[-1] + 1)])


print("freud-analysis", importlib.metadata.version("freud-analysis"))
ratios = {}
for name, motion in (("walk", walk), ("vibration", vibration)):
    for edge in (0, 60, 120):
        x = edge * places + motion
        found, centred, right = by_freud(x), by_freud(x - x.mean(axis=0)), exact(x)
        ratios[name, edge] = found[LAGS] / right[LAGS]
        print(
            f"{name}, box of {edge} A: frames {LAGS}: {np.round(ratios[name, edge], 3)} of the right value "
            f"({right[1]:.5f} A^2 for one frame), msd[0] {found[0]:.1e} A^2"
        )
        if not np.allclose(centred[LAGS], right[LAGS], rtol=1e-3):
            sys.exit("wrong without the mean, too: this probe is no good here")
x = 120 * places + walk
direct = by_freud(x, mode="direct")
facts = {
    "near the origin the walk is right": np.allclose(ratios["walk", 0], 1, rtol=1e-3),
    "near the origin the vibration is right": np.allclose(ratios["vibration", 0], 1, rtol=1e-3),
    "60 A: off by more than 5 %": abs(ratios["walk", 60][0] - 1) > 0.05,
    "120 A: off by more than 20 %": abs(ratios["walk", 120][0] - 1) > 0.2,
    "120 A: long times are right within 3 %": abs(ratios["walk", 120][-1] - 1) < 0.03,
    "120 A: the vibration is off by more than 2 %": abs(ratios["vibration", 120] - 1).mean() > 0.02,
    "the direct mode is right": np.allclose(direct, ((x - x[0]) ** 2).sum(axis=-1).mean(axis=1), rtol=1e-3, atol=1e-6),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
