#!/usr/bin/env bash
# CHGNet 0.4.2: MolecularDynamics(ensemble="npt", thermostat="Nose-Hoover") pulls the crystal apart if the pressure is given
# as an array. pressure=5 compresses with 5 GPa, pressure=numpy.array([5, 5, 5, 0, 0, 0]) stretches with 5 GPa.
#
# The docstring says of `pressure`: "pressure in GPa. Can be 3x3 or 6 np.array if thermostat is 'Nose-Hoover'". The class
# multiplies it by units.GPa, and hands it to the NPT class of ASE as `externalstress` (chgnet/model/dynamics.py). ASE
# takes a single number for a pressure, and turns its sign (set_stress in ase/md/melchionna.py). An array is a stress for ASE,
# which is the negative of a pressure, and ASE does not turn the sign. So each component of the array acts with the wrong
# sign: isotropic pressure, uniaxial pressure and shear. There is no message. (An array of 3 x 3 ends in an error with
# this version of ASE. CHGNet passes it on in the same way.)
#
# For small pressures the result looks normal. The density is too low, and what one takes for the effect of uniaxial pressure
# is that of tension. The relative error of the volume is about twice the pressure divided by the bulk modulus.
# Remedy: pressure=-numpy.array(...), for this thermostat.
#
# Seen with chgnet 0.4.2, its model 0.3.0 (in the package), ase 3.29.0, torch 2.13.0, numpy 2.4.6: MgO at 300 K. The run with
# [5, 5, 5, 0, 0, 0] is the same, number by number, as the run with pressure=-5. The mean pressure in it is -7.4 GPa, and it is
# +5.4 GPa with pressure=5 (the barostat swings in these short runs). The volume is 11 % larger than with pressure=5.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile chgnet==0.4.2 torch==2.13.0 numpy==2.4.6 ase==3.29.0 \
  pymatgen==2026.10.24 pymatgen-core==2026.10.16
cd "$place"
cat > probe.py <<'PY'
import contextlib
import importlib.metadata
import io
import sys
import warnings

import numpy as np
from ase import units
from ase.build import bulk
from chgnet.model import CHGNet
from chgnet.model.dynamics import MolecularDynamics

warnings.simplefilter("ignore")
EDGE, P, STEPS, SETTLED = 4.21, 5.0, 100, 30  # A, GPa
hidden = io.StringIO()
with contextlib.redirect_stdout(hidden):
    model = CHGNet.load(use_device="cpu")


def run(pressure):
    """The edges of the cell in all steps, and the pressure, as CHGNet and ASE calculate it."""
    np.random.seed(0)
    crystal = bulk("MgO", "rocksalt", a=EDGE, cubic=True)
    with contextlib.redirect_stdout(hidden):
        dynamics = MolecularDynamics(
            crystal,
            model=model,
            ensemble="npt",
            thermostat="Nose-Hoover",
            temperature=300,
            starting_temperature=300,
            timestep=2.0,
            taut=50.0,
            taup=100.0,
            bulk_modulus=160.0,
            pressure=pressure,
            use_device="cpu",
        )
    edges, pressures = [], []

    def note():
        edges.append(dynamics.atoms.cell.lengths())
        stress = dynamics.atoms.get_stress(include_ideal_gas=True)
        pressures.append(-stress[:3] / units.GPa)

    dynamics.dyn.attach(note, interval=1)
    dynamics.run(STEPS)
    return np.array(edges), np.array(pressures)


print("chgnet", importlib.metadata.version("chgnet"))
runs = {
    "5": run(P),
    "-5": run(-P),
    "[5, 5, 5, 0, 0, 0]": run(np.array([P, P, P, 0, 0, 0])),
    "[0, 0, 5, 0, 0, 0]": run(np.array([0, 0, P, 0, 0, 0])),
}
volume, mean, along_z = {}, {}, {}
for name, (edges, pressures) in runs.items():
    volume[name] = edges[SETTLED:].prod(axis=1).mean() / EDGE**3
    mean[name], along_z[name] = pressures[SETTLED:].mean(), pressures[SETTLED:, 2].mean()
    print(
        f"pressure={name}: volume {volume[name]:.3f} of the initial one, pressure {mean[name]:.1f} GPa, "
        f"along z {along_z[name]:.1f} GPa"
    )
array, negative = runs["[5, 5, 5, 0, 0, 0]"], runs["-5"]
facts = {
    "5: pressure": mean["5"] > 0.5 * P,
    "[5, 5, 5, 0, 0, 0]: tension": mean["[5, 5, 5, 0, 0, 0]"] < -0.5 * P,
    "[5, 5, 5, 0, 0, 0]: the run is that of -5": bool(
        np.allclose(array[0], negative[0], rtol=1e-6) and np.allclose(array[1], negative[1], atol=1e-3)
    ),
    "[5, 5, 5, 0, 0, 0]: larger volume than with 5": volume["[5, 5, 5, 0, 0, 0]"] > 1.05 * volume["5"],
    "[0, 0, 5, 0, 0, 0]: tension along z": along_z["[0, 0, 5, 0, 0, 0]"] < -0.5 * P,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
