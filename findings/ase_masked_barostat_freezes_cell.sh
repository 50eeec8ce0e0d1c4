#!/usr/bin/env bash
# ASE 3.29.0: MaskedMTKNPT keeps the cell as it is, if its mask is a tuple with a False in it, which is what the documentation
# asks for. The run is constant volume. The pressure that was set has no effect.
#
# MaskedMTKNPT is the barostat for chosen axes of the cell. Its mask is documented and annotated as a tuple of three
# booleans, with the example of (False, False, True) for the third axis alone. The class keeps the tuple, and uses it as an
# index of an array: `self._p_c[self.mask] += ...` in MaskedMTKNPT._integrate_p_cell (ase/md/nose_hoover_chain.py). NumPy takes
# a list or an array of booleans as a selection. It takes a tuple as one index for each dimension, and booleans there mean
# "all" or "nothing". So a single False selects nothing: the momenta of the axes stay 0 for ever. (True, True, True) selects
# everything, and is right. The test in ASE takes such tuples, and looks at the conserved energy, which a frozen cell keeps, too.
#
# There is no message. Whoever lets a slab of electrolyte relax along its normal, or strains a cell along one axis and lets the
# others follow, gets the density that he began with. The pressure in the log looks like that of an unfinished equilibration.
# Remedy: a list or an array as the mask, mask=[False, False, True].
#
# Seen with ase 3.29.0, numpy 2.4.6, scipy 1.17.1: copper (EMT, 108 atoms) at 300 K and a set pressure of 5 GPa, 200 steps. With
# the tuples (False, False, True) and (True, True, False) all edges stay what they were to the last bit, and the pressure is -0.3
# to -0.2 GPa along all axes. With the list [False, False, True] the third edge shrinks by 2.6 %, the other two stay, and the
# pressure along it is 5.0 GPa. With (True, True, True) it is 4.9 GPa along all axes.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile ase==3.29.0 numpy==2.4.6 scipy==1.17.1
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys
import warnings

import numpy as np
from ase import units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.md.nose_hoover_chain import MaskedMTKNPT
from ase.md.velocitydistribution import Stationary, thermalize_momenta

P, STEPS, SETTLED = 5.0, 200, 100  # GPa
messages = []


def run(mask):
    """The edges of the cell at the end, relative to those at the start, and the pressure along the axes, in GPa."""
    crystal = bulk("Cu", cubic=True) * (3, 3, 3)
    crystal.calc = EMT()
    thermalize_momenta(crystal, 300, rng=np.random.default_rng(0))
    Stationary(crystal)
    before = crystal.cell.lengths()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        dynamics = MaskedMTKNPT(
            crystal,
            timestep=2 * units.fs,
            temperature_K=300,
            pressure_au=P * units.GPa,
            tdamp=100 * units.fs,
            pdamp=200 * units.fs,
            mask=mask,
        )
        pressures = [-crystal.get_stress(include_ideal_gas=True)[:3] / units.GPa for _ in dynamics.irun(STEPS)]
    messages.extend(str(message.message) for message in caught)
    edges, pressure = crystal.cell.lengths() / before, np.mean(pressures[SETTLED:], axis=0)
    print(f"mask={mask}: edges {edges.round(4)} of the initial ones, pressure {pressure.round(2)} GPa")
    return edges, pressure


print("ase", importlib.metadata.version("ase"))
all_axes = run((True, True, True))
tuples = [run(mask) for mask in ((False, False, True), (True, True, False))]
third = run([False, False, True])
facts = {
    "all axes: the pressure is that which was set": bool(np.all(np.abs(all_axes[1] - P) < 0.1 * P)),
    "list: the third edge gives way, and no other": bool(third[0][2] < 0.985 and np.all(third[0][:2] == 1)),
    "list: the pressure along the third axis is that which was set": bool(abs(third[1][2] - P) < 0.1 * P),
    "tuples with a False: no edge has changed": all(np.all(edges == 1) for edges, _ in tuples),
    "tuples with a False: no pressure along any axis": all(np.all(pressure < 0.1 * P) for _, pressure in tuples),
    "no message": not messages,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
