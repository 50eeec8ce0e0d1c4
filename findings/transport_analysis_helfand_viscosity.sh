#!/usr/bin/env bash
# transport-analysis 0.1.2: the viscosity of one and the same trajectory becomes five times larger if only every fifth
# frame is analysed, and 40 times larger if all atoms are moved by 100 A.
#
# ViscosityHelfand fits a straight line to its "viscosity function". The horizontal axis of the fit is the number of
# frames, not the time (transport_analysis/viscosity.py), so the slope is a viscosity times the time between two frames. It
# is right at best for frames 1 ps apart. Nothing says so, and run(step=5) changes the result, too.
# The second problem is what is fitted. Helfand's method takes the change of a sum over all particles of momentum times
# position, of two different components (momentum along x, position along y), and squares that sum. This class squares the
# change for each particle alone, and of the same component (x and x). The total momentum of a simulation is zero, so
# the sum does not depend on where the origin is; the momentum of one particle is not zero, so this result does. In a box
# from 0 to L it is another one than in a box from -L/2 to L/2.
#
# The developers know since 2024 that results disagree with experiment, and found no reason
# (https://github.com/MDAnalysis/transport-analysis/issues/55, open).
# Remedy: Green-Kubo or Einstein's relation with the pressure tensor of the simulation program.
#
# Seen with transport-analysis 0.1.2, MDAnalysis 2.11.0, numpy 2.4.6: 60 particles, frames 0.1 ps apart. The result is
# 0.070 for all frames, 0.358 for every fifth frame with the same times fitted, and 2.99 after a shift of all atoms by
# 100 A.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet transport-analysis==0.1.2 MDAnalysis==2.11.0 numpy==2.4.6 scipy==1.17.1
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys
import warnings

warnings.simplefilter("ignore")
import MDAnalysis
import numpy as np
from transport_analysis.viscosity import ViscosityHelfand

FRAMES, ATOMS, SPACING, SIDE = 400, 60, 0.1, 20.0  # ps, A
rng = np.random.default_rng(0)
keep = np.exp(-0.02)
velocities = np.empty((FRAMES, ATOMS, 3))
velocities[0] = rng.normal(size=(ATOMS, 3))
for k in range(1, FRAMES):
    velocities[k] = keep * velocities[k - 1] + np.sqrt(1 - keep**2) * rng.normal(size=(ATOMS, 3))
velocities -= velocities.mean(axis=1, keepdims=True)  # the total momentum is zero
positions = rng.uniform(0, SIDE, (ATOMS, 3)) + SPACING * np.cumsum(velocities, axis=0)


def viscosity(every=1, shift=0.0):
    """From the lag times of 0.5 to 2.5 ps."""
    universe = MDAnalysis.Universe.empty(ATOMS, trajectory=True, velocities=True)
    universe.add_TopologyAttr("masses", [18.0] * ATOMS)
    universe.load_new(
        (positions + shift).astype(np.float32), velocities=velocities.astype(np.float32),
        dimensions=np.array([[SIDE] * 3 + [90] * 3] * FRAMES), dt=SPACING,
    )
    analysis = ViscosityHelfand(universe.atoms, linear_fit_window=(5 // every, 25 // every))
    return analysis.run(step=every).results.viscosity


print("transport-analysis", importlib.metadata.version("transport-analysis"), "MDAnalysis", MDAnalysis.__version__)
usual, fifth, moved = viscosity(), viscosity(every=5), viscosity(shift=100.0)
print(f"all frames: {usual:.3f}; every fifth frame: {fifth:.3f}; all atoms moved by 100 A: {moved:.2f}")
as_found = 4.5 < fifth / usual < 5.5 and moved > 20 * usual
print("as found" if as_found else "CHANGED")
sys.exit(not as_found)
PY
env/bin/python probe.py
