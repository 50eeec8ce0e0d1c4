#!/usr/bin/env bash
# heatup 0.1.0: the vibrational free energy of a crystal is a third of the right one. The heat capacity from it is 1 k per atom at
# high temperature, and not 3 k.
#
# heatup tests whether a crystal is stable, with machine-learned potentials. It adds the free energy of the vibrations to the
# energy, and calls both "per atom". It computes the first one from the density of states in phonons/dos.json. Each function that
# does so divides this by its integral: get_free_energy() (phonons.py), harmonic_f_vib() and anharmonic_f_vib() (free_energy.py),
# and _harmonic_free_energy() (thermodynamic.py). After that the integral is 1. But an atom has three vibrations, so that the
# integral must be 3. There is no message. The vibrations count a third, too, when phases are compared.
#
# Remedy: multiply what is added to E0 by 3.
#
# Seen with heatup 0.1.0, ASE 3.26.0: copper with the EMT potential of ASE. At 300 K heatup has -0.0049 eV per atom. ASE's
# CrystalThermo has -0.0147 eV with the same density of states, and the sum over the frequencies of a grid of k-points is -0.0146
# eV. At 1000 K heatup has a heat capacity of 0.994 k per atom, and the sum has 2.983 k.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==2.4.6 scipy==1.17.1 matplotlib==3.11.2 ase==3.26.0
"$place/env/bin/python" -m pip install --quiet --no-compile --no-deps heatup==0.1.0
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import json
import pathlib
import sys

import numpy as np
from ase import units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.phonons import Phonons
from ase.thermochemistry import CrystalThermo
from heatup.free_energy import harmonic_f_vib
from heatup.phonons import get_free_energy
from heatup.thermodynamic import _harmonic_free_energy

print(*(f"{name} {importlib.metadata.version(name)}" for name in ("heatup", "ase")))

# The density of states of copper, in the files that heatup writes itself with its backend "ase".
copper = bulk("Cu", a=3.594)
phonons = Phonons(copper, EMT(), supercell=(5, 5, 5), delta=0.01)
phonons.run()
phonons.read(acoustic=True)
states = phonons.get_dos(kpts=(20, 20, 20)).sample_grid(npts=3000, width=2e-4)
energies, weights = states.get_energies(), states.get_weights()
folder = pathlib.Path("Cu/Fm-3m")
for name, content in (
    ("phonons/dos.json", {"energies_eV": energies.tolist(), "weights": weights.tolist()}),
    ("relaxation/energy.json", {"energy_eV_per_atom": -3.5}),
):
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(content))

# The sum over the frequencies of a grid of k-points that does not hit 0, per atom.
grid = (np.indices((20, 20, 20)).reshape(3, -1).T + 0.5) / 20 - 0.5
modes = phonons.band_structure(grid).ravel()
modes = modes[modes > 1e-4]


def exact(T):
    return np.sum(modes / 2 + units.kB * T * np.log1p(-np.exp(-modes / (units.kB * T)))) / len(grid)


def capacity(function, T, step=20.0):
    """-T d^2 F / dT^2, in k."""
    return -T * (function(T + step) - 2 * function(T) + function(T - step)) / step**2 / units.kB


def given(T):
    return get_free_energy(str(folder), [T], mode="HA")["F_eV_per_atom"][0] + 3.5


T = 300.0
ways = {
    "phonons.get_free_energy": given(T),
    "free_energy.harmonic_f_vib": float(harmonic_f_vib(str(folder), np.array([T]))[0]),
    "thermodynamic": _harmonic_free_energy(str(folder), [T])["F_eV_per_atom"][0] + 3.5,
}
known = energies > 1e-4
thermo = CrystalThermo(
    phonon_DOS=3 * weights[known] / np.trapezoid(weights[known], energies[known]), phonon_energies=energies[known],
    formula_units=1,
).get_helmholtz_energy(T, verbose=False)
for name, value in ways.items():
    print(f"{name}: {value:.4f} eV per atom")
print(f"ASE's CrystalThermo: {thermo:.4f} eV per atom, sum over k-points: {exact(T):.4f} eV per atom")
heat, right = capacity(given, 1000.0), capacity(exact, 1000.0)
print(f"heat capacity at 1000 K: {heat:.3f} k per atom, sum over k-points: {right:.3f} k")
facts = {
    "a third of ASE's value": all(abs(value / thermo * 3 - 1) < 0.01 for value in ways.values()),
    "ASE agrees with the sum": abs(thermo / exact(T) - 1) < 0.05,
    "1 k instead of 3 k": abs(heat - 1) < 0.02 and abs(right - 3) < 0.03,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python -W ignore probe.py
