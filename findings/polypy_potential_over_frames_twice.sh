#!/usr/bin/env bash
# polypy 0.8.1: the electrostatic potential is divided by the number of frames twice, and lacks a factor of 4 pi. From 50 frames it is
# 628 times too small, from 1000 frames 12566 times. And densities with bins of another width than 0.1 A are wrong by their width.
#
# polypy turns trajectories of DL_POLY into profiles: numbers of atoms (Density), and from them the charge density, the
# electric field and the potential across a slab or an interface (OneDimensionalChargeDensity in polypy/analysis.py).
# 1. calculate_charge_density() divides the counts of all frames by `timesteps`, their number, and so gives the mean. The field and
#    the potential are made from this mean. calculate_electrostatic_potential() divides by `timesteps` once more.
# 2. Both multiply by scale = 14.3997584. This is e/(4 pi eps0) in V A, the number of Coulomb's law of two points. The integral of a
#    planar charge density has 1/eps0, which is 4 pi times as much, 180.95 V A. The README says that Poisson's equation is solved,
#    and polypy's own plot names the axis in volts.
# 3. one_dimensional_density() returns the volume of a bin with a width of 0.1, two_dimensional_density() with 0.1 times 0.1,
#    whatever histogram_size is (polypy/density.py). Divided by it, as the class above does, the density of bins of 0.5 A
#    is 5 times too large.
# There is no message. The profiles have the right shape. Dipole layers, potential drops and work functions read from it are wrong.
#
# Remedy: multiply field and potential by 4 pi, and the potential by the number of frames; calculate the volume of the bins.
#
# polypy needs scipy before 1.14. Seen with polypy 0.8.1, numpy 1.26.4, scipy 1.13.1: 2 K+ in a layer at z = 10 A and 2 OH- at 30 A in a
# cell of 20 x 20 x 40 A. The drop between the layers is 9.05 V. polypy: 0.358 V from 2 frames, 0.0143 V from 50 of the same kind. The
# mean density of K+ with bins of 0.5 A is 6.3e-4 instead of 1.25e-4 per A^3.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile polypy==0.8.1 numpy==1.26.4 scipy==1.13.1 pandas==2.2.3
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys
import warnings

import numpy as np
from polypy.analysis import OneDimensionalChargeDensity
from polypy.density import Density
from polypy.read import History
from scipy import constants

warnings.simplefilter("ignore")  # scipy will rename what polypy uses
SIDE, HEIGHT, IONS = 20.0, 40.0, 2
PER_EPS0 = constants.e / constants.epsilon_0 * 1e10  # V A, 180.95
rng = np.random.default_rng(0)
LAYERS = {"K": (10.02, 1.0), "OH": (30.02, -1.0)}


def write(frames):
    """A HISTORY file as DL_POLY writes it, the positions alone."""
    with open("HISTORY", "w") as file:
        file.write(f"two layers of ions\n{0:10d}{3:10d}{2 * IONS:10d}\n")
        for frame in range(frames):
            file.write(f"timestep {frame * 100:9d}{2 * IONS:10d}{0:10d}{3:10d}{0.001:12.6f}{frame * 0.1:12.6f}\n")
            for row in np.diag([SIDE, SIDE, HEIGHT]):
                file.write("".join(f"{value:20.10f}" for value in row) + "\n")
            for kind, (z, charge) in LAYERS.items():
                for ion in range(IONS):
                    x, y = SIDE * rng.random(2)
                    file.write(f"{kind:8s}{ion + 1:10d}{39.1:12.6f}{charge:12.6f}\n{x:20.10f}{y:20.10f}{z:20.10f}\n")


def profiles(frames, width):
    write(frames)
    data = History("HISTORY", list(LAYERS)).trajectory
    bins = [Density(data, atom=kind, histogram_size=width).one_dimensional_density(direction="z") for kind in LAYERS]
    z, volume = bins[0][0], bins[0][2]
    numbers = [number for _, number, _ in bins]
    charge = OneDimensionalChargeDensity(z, numbers, [charge for _, charge in LAYERS.values()], volume, data.timesteps)
    return z, numbers, volume, charge


def drop(values):
    return float(values.max() - values.min())


print("polypy", importlib.metadata.version("polypy"))
field = IONS / SIDE**2 * PER_EPS0 / 2  # between two layers in a periodic cell, twice as high as the distance of the layers
right = field * HEIGHT / 2
found, fields = {}, {}
for frames in (2, 50):
    *_, charge = profiles(frames, 0.1)
    found[frames] = drop(charge.calculate_electrostatic_potential()[1])
    fields[frames] = drop(charge.calculate_electric_field()[1]) / 2
    print(f"{frames} frames: field {fields[frames]:.4f} V/A (right: {field:.4f}), drop {found[frames]:.4f} V (right: {right:.3f})")
density = {}
for width in (0.1, 0.5):
    z, numbers, volume, _ = profiles(50, width)
    density[width] = (numbers[0] / 50 / volume).mean()
    print(f"bins of {width} A: volume {volume:.1f} A^3, mean density of K {density[width]:.2e} per A^3")
exact = IONS / (SIDE**2 * HEIGHT)
facts = {
    "the field lacks 4 pi": all(bool(np.isclose(fields[n] * 4 * np.pi, field, rtol=0.02)) for n in fields),
    "the potential lacks 4 pi and the number of frames": all(
        bool(np.isclose(found[n] * 4 * np.pi * n, right, rtol=0.02)) for n in found
    ),
    "bins of 0.1 A: the density is right": bool(np.isclose(density[0.1], exact)),
    "bins of 0.5 A: 5 times too large": bool(np.isclose(density[0.5], 5 * exact)),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
