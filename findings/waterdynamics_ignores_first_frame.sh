#!/usr/bin/env bash
# waterdynamics 1.2.0 takes the first frame of the analysis, t0, and ignores it: the equilibration is always part of the
# mean squared displacement and of the orientational relaxation.
#
# MeanSquareDisplacement and WaterOrientationalRelaxation have the argument t0, "frame where analysis begins". Both keep it
# in self.t0, and nothing ever reads it (waterdynamics/waterdynamics.py): all intervals begin at frame 0. The argument has
# no default value, so every user gives one. There is no message, and the result looks as usual. The last frame, tf, is
# respected. (The code was MDAnalysis.analysis.waterdynamics before.)
#
# Remedy: cut the trajectory before, for example universe.transfer_to_memory(start=1000), and give tf as the number of
# frames that are left.
#
# Seen with waterdynamics 1.2.0, MDAnalysis 2.11.0, numpy 2.4.6: 40 rigid water molecules move and turn ten times faster in
# the first 100 of 300 frames. The mean squared displacement in one frame is 0.0075 A^2 after that. For t0 = 0, 100 and 200
# it is the same 0.25 A^2, 34 times too much; the orientational relaxation does not depend on t0, either.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet waterdynamics==1.2.0 MDAnalysis==2.11.0 numpy==2.4.6 scipy==1.17.1
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys
import warnings

import MDAnalysis
import numpy as np
from scipy.spatial.transform import Rotation
from waterdynamics import MeanSquareDisplacement, WaterOrientationalRelaxation

warnings.simplefilter("ignore")
FAST, FRAMES, MOLECULES = 100, 300, 40
SHAPE = np.array([(0, 0, 0), (0.96, 0, 0), (-0.24, 0.93, 0)])  # O H H
rng = np.random.default_rng(0)
steps = np.where(np.arange(FRAMES) < FAST, 0.5, 0.05)  # A, and half of it in radians
centres = rng.uniform(0, 20, (MOLECULES, 3)) + np.cumsum(
    rng.normal(size=(FRAMES, MOLECULES, 3)) * steps[:, None, None], axis=0
)
turned = Rotation.random(MOLECULES, random_state=1)
frames = np.empty((FRAMES, MOLECULES, 3, 3))
for k in range(FRAMES):
    turned = Rotation.from_rotvec(rng.normal(size=(MOLECULES, 3)) * steps[k] / 2) * turned
    for atom in range(3):
        frames[k, :, atom] = centres[k] + turned.apply(SHAPE[atom])


def universe_of(part):
    universe = MDAnalysis.Universe.empty(
        3 * MOLECULES, n_residues=MOLECULES, atom_resindex=np.repeat(np.arange(MOLECULES), 3), trajectory=True
    )
    universe.add_TopologyAttr("names", ["O", "H", "H"] * MOLECULES)
    universe.load_new(part.reshape(len(part), -1, 3).astype(np.float32))
    return universe


def analyse(universe, first, last):
    """The displacement and the relaxation (of the dipoles) after one frame."""
    moved = MeanSquareDisplacement(universe, "all", first, last, 5)
    moved.run()
    relaxed = WaterOrientationalRelaxation(universe, "all", first, last, 5)
    relaxed.run()
    return moved.timeseries[0], relaxed.timeseries[0][2]


for package in ("waterdynamics", "MDAnalysis"):
    print(package, importlib.metadata.version(package), end="; ")
print()
whole = universe_of(frames)
found = {}
for first in (0, 100, 200):
    found[first] = analyse(whole, first, FRAMES)
    print(f"t0={first}: {found[first][0]:.4f} A^2, dipole {found[first][1]:.4f}")
cut = analyse(universe_of(frames[FAST:]), 0, FRAMES - FAST)
print(f"the frames from 100 on alone: {cut[0]:.4f} A^2, dipole {cut[1]:.4f}")
if not 0.006 < cut[0] < 0.009:
    print("the slow part is not as slow as it should be: this probe is no good here")
    sys.exit(1)
as_found = found[0] == found[100] == found[200] and found[200][0] > 20 * cut[0] and found[200][1] < cut[1] - 0.02
print("as found" if as_found else "CHANGED")
sys.exit(not as_found)
PY
env/bin/python probe.py 2> /dev/null  # there are only progress bars
