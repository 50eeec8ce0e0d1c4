#!/usr/bin/env bash
# MDAnalysis 2.11.0: EinsteinMSD takes a regular XTC or TRR trajectory for an irregular one, if its frames are not a
# binary fraction of a picosecond apart. Its result then has many values for every lag time.
#
# EinsteinMSD looks at the times of the frames (2.10.0 did not). If their differences are not all the same within 1e-5
# (numpy.allclose), it uses the method for uneven frames, even with fft=True and non_linear=False, without a message.
# XTC and TRR files have times in single precision: the differences of frames 0.1 ps or 0.01 ps apart are soon off by
# more than 1e-5. 1 ps, 0.5 ps and 0.25 ps are exact, and still work.
# The method for uneven frames sorts pairs of frames by the exact difference of their times, and takes 0.0999985,
# 0.0999994, 0.0999999, ... for different lag times. This has consequences:
#  - timeseries[k] is no longer the displacement over k frames. The documentation's recipe for the diffusion coefficient
#    (start_index = int(start_time / timestep), linregress of the slice) fits much shorter lag times than it means to;
#  - time and memory grow with the square of the number of frames: the squared displacements of all particles are kept
#    for every pair of frames, 400 GB for 10 000 frames of 1000 atoms.
#
# The documentation of 2.11.0 only says of non_linear that it "defaults to False". The check came with
# https://github.com/MDAnalysis/mdanalysis/pull/5254.
# Remedy: universe.transfer_to_memory() before, whose times are multiples of dt; or average over values of one lag time.
#
# Seen with MDAnalysis 2.11.0, tidynamics 1.1.2, numpy 2.4.6, scipy 1.17.1: the same 300 frames, ballistic at first and
# diffusive after some 10 frames, give 300 values if written 1 ps apart, 3851 if 0.1 ps, 5846 if 0.01 ps. Value 40 should
# be of 40 frames, and is of 4 or 5. The recipe's diffusion coefficient falls from 0.0089 to 0.0032 A^2 per frame.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet MDAnalysis==2.11.0 tidynamics==1.1.2 numpy==2.4.6 scipy==1.17.1
cd "$place"
cat > probe.py <<'PY'
import warnings

import MDAnalysis
import numpy as np
from MDAnalysis.analysis.msd import EinsteinMSD
from scipy.stats import linregress

warnings.simplefilter("ignore")  # about the empty universe; there is none about times
FRAMES, ATOMS = 300, 50
START, END = 20, 60  # frames: the diffusive part
rng = np.random.default_rng(0)
velocities = np.zeros((FRAMES, ATOMS, 3))  # A per frame; they are forgotten within 10 frames
velocities[0] = rng.normal(0, 0.03, (ATOMS, 3))
keep = np.exp(-1 / 10)
for k in range(1, FRAMES):
    kicks = rng.normal(0, 0.03 * np.sqrt(1 - keep**2), (ATOMS, 3))
    velocities[k] = keep * velocities[k - 1] + kicks
walk = 20 + np.cumsum(velocities, axis=0)


def write(name, spacing):
    universe = MDAnalysis.Universe.empty(ATOMS, trajectory=True)
    universe.dimensions = [50, 50, 50, 90, 90, 90]
    with MDAnalysis.Writer(name, ATOMS) as writer:
        for k, positions in enumerate(walk):
            universe.atoms.positions = positions
            universe.trajectory.ts.time = k * spacing
            writer.write(universe)


def analyse(name, spacing, in_memory=False):
    universe = MDAnalysis.Universe.empty(ATOMS)
    universe.load_new(name)
    if in_memory:
        universe.transfer_to_memory()
    found = EinsteinMSD(universe, select="all", msd_type="xyz", fft=True).run().results
    lags, displacements = found.delta_t_values, found.timeseries
    D = linregress(lags[START:END], displacements[START:END]).slope / 6 * spacing
    print(f"{name}{' in memory' if in_memory else ''}: {len(lags)} values, number 40 is of "
          f"{lags[40] / spacing:.2f} frames, D {D:.5f} A^2 per frame")
    return len(lags), lags[40] / spacing, D


for spacing in (1.0, 0.25, 0.1, 0.01):
    write(f"{spacing}.xtc", spacing)
write("0.01.trr", 0.01)
right = analyse("1.0.xtc", 1.0)
facts = {"1 ps apart: one value for each lag time": right[0] == FRAMES and round(right[1], 4) == 40}
for name, spacing, in_memory in (("0.25.xtc", 0.25, False), ("0.01.xtc", 0.01, True)):
    found = analyse(name, spacing, in_memory)
    facts[f"{name} in memory: {in_memory}, as with 1 ps"] = np.allclose(found, right, rtol=1e-3)
for name, spacing in (("0.1.xtc", 0.1), ("0.01.xtc", 0.01), ("0.01.trr", 0.01)):
    number, lag, D = analyse(name, spacing)
    facts[f"{name}: more than ten times as many values"] = number > 10 * FRAMES
    facts[f"{name}: value 40 is of less than 10 frames"] = lag < 10
    facts[f"{name}: D is less than two thirds"] = D < right[2] * 2 / 3
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
raise SystemExit(not all(facts.values()))
PY
env/bin/python probe.py || { echo "MDAnalysis behaves otherwise now" >&2; exit 1; }
