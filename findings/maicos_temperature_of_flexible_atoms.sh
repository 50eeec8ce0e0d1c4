#!/usr/bin/env bash
# maicos 0.12 finds 450 K in a liquid of 300 K, if its molecules are flexible.
#
# TemperaturePlanar computes a temperature for each atom and averages it over slabs. An atom that can move in three
# directions has the kinetic energy 3/2 kT. maicos divides the kinetic energy m v^2 / 2 by k, which means two degrees of
# freedom per atom instead of three (temperature_weights in maicos/lib/weights.py). This is right for rigid models of water
# with three atoms, such as SPC/E: six degrees of freedom for three atoms. For flexible water, ions, gases, metals and
# every simulation with a machine-learned potential the result is 3/2 of the temperature. The docstrings do not name
# a model, the class has no option for it, and there is no message. In a mixture of rigid water and ions, the profile
# follows the concentration of the ions.
#
# Remedy: multiply the profile by 2/3 if all atoms are free.
#
# Seen with maicos 0.12, MDAnalysis 2.11.0, numpy 2.4.6: velocities of water from Maxwell's distribution at 300 K; 300 K from
# the kinetic energy, 449 to 453 K in the profile.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet maicos==0.12 MDAnalysis==2.11.0 numpy==2.4.6 scipy==1.17.1
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import logging
import sys
import warnings

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
import maicos
import MDAnalysis
import numpy as np
from scipy.constants import atomic_mass, k

MOLECULES, FRAMES, SIDE = 2000, 20, 40.0
rng = np.random.default_rng(0)
masses = np.tile([15.999, 1.008, 1.008], MOLECULES)
spread = np.sqrt(k * 300 / (masses * atomic_mass)) / 100  # A/ps
velocities = rng.normal(size=(FRAMES, len(masses), 3)) * spread[:, None]
universe = MDAnalysis.Universe.empty(
    len(masses), n_residues=MOLECULES, atom_resindex=np.repeat(np.arange(MOLECULES), 3),
    trajectory=True, velocities=True,
)
universe.add_TopologyAttr("masses", masses)
universe.add_TopologyAttr("types", ["O", "H", "H"] * MOLECULES)
universe.load_new(
    rng.uniform(0, SIDE, velocities.shape).astype(np.float32), velocities=velocities.astype(np.float32),
    dimensions=np.array([[SIDE] * 3 + [90] * 3] * FRAMES),
)
energy = (masses[:, None] * velocities**2).sum(axis=(1, 2)).mean() / 2 * atomic_mass * 1e4  # J
kinetic = energy / (1.5 * len(masses) * k)
profile = np.ravel(maicos.TemperaturePlanar(universe.atoms, bin_width=10, unwrap=False).run().results.profile)
print("maicos", importlib.metadata.version("maicos"), "MDAnalysis", importlib.metadata.version("MDAnalysis"))
print(f"from the kinetic energy: {kinetic:.1f} K; profile: {np.round(profile, 1).tolist()} K")
if abs(kinetic - 300) > 2:
    sys.exit("the velocities are not those of 300 K: this probe is no good here")
as_found = bool(np.all(np.abs(profile / kinetic - 1.5) < 0.03))
print("as found" if as_found else "CHANGED")
sys.exit(not as_found)
PY
env/bin/python probe.py
