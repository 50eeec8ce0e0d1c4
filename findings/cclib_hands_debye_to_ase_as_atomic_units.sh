#!/usr/bin/env bash
# cclib 1.8.1 with ASE 3.29.0: dipoles that cclib writes to an ASE trajectory are 2.54 times too large.
#
# cclib.bridge.cclib2ase.write_trajectory() writes the results of a quantum chemistry calculation for ASE, with "some unit conversions".
# ASE has dipoles in e A. The bridge multiplies the dipole by the Bohr radius, as if it was in atomic units. But the parsers of cclib
# (Gaussian, ORCA and others) give it in debye, and convert to debye where the program prints atomic units. 1 debye is 0.208 e A,
# but becomes 0.529 e A. read_trajectory() goes back with the same factor, so a test of both ways finds nothing.
# A model of dipoles, or infrared intensities, trained on such trajectories is wrong by 2.54, intensities by 6.46.
# There is no message. The docstring of ccData says that moments are in atomic units, against the parsers; cclib.method.Moments of the
# same package says debye. The energy goes through rightly.
#
# Remedy: multiply by 0.393430, or set the dipole from data.moments[1] * ase.units.Debye.
#
# Seen with cclib 1.8.1, ASE 3.29.0, numpy 2.4.6: water, 2.15 debye in a log file of Gaussian: 1.1377 e A, instead of 0.4476 e A. Point
# charges with 0.1 e A: 0.254 e A.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==2.4.6 scipy==1.17.1 periodictable==2.1.0 packaging==26.4 ase==3.29.0 \
    cclib==1.8.1
cd "$place"
cat > water.log <<'LOG'
 Entering Gaussian System, Link 0=g16
 Gaussian 16:  ES64L-G16RevA.03 25-Dec-2016
 Charge =  0 Multiplicity = 1
                          Standard orientation:                         
 ---------------------------------------------------------------------
 Center     Atomic      Atomic             Coordinates (Angstroms)
 Number     Number       Type             X           Y           Z
 ---------------------------------------------------------------------
      1          8           0        0.000000    0.000000    0.117176
      2          1           0       -0.000000    0.756950   -0.468706
      3          1           0       -0.000000   -0.756950   -0.468706
 ---------------------------------------------------------------------
 SCF Done:  E(RHF) =  -76.0107465 A.U. after   10 cycles
 Dipole moment (field-independent basis, Debye):
    X=             -0.0000    Y=              0.0000    Z=             -2.1500  Tot=              2.1500
 Normal termination of Gaussian 16 at Mon Jan  1 00:00:00 2024.
LOG
cat > probe.py <<'PY'
import importlib.metadata
import sys

import numpy as np
from ase import units
from ase.io import read
from cclib.bridge import cclib2ase
from cclib.method import Moments
from cclib.parser import Gaussian
from cclib.parser.data import ccData
from scipy import constants

print("cclib", importlib.metadata.version("cclib"), "ASE", importlib.metadata.version("ase"), "numpy", np.__version__)
data = Gaussian("water.log").parse()
cclib2ase.write_trajectory("water.traj", data)
atoms = read("water.traj")
dipole, parsed = atoms.get_dipole_moment()[2], data.moments[1][2]
debye = 1e-21 / constants.c / constants.elementary_charge / constants.angstrom  # in e A
print(f"log file: -2.1500 debye; cclib: {parsed:.4f}; ASE trajectory: {dipole:.4f} e A, right {-2.15 * debye:.4f} e A")
back = cclib2ase.read_trajectory("water.traj").moments[1][2]
print(f"read back by cclib: {back:.4f}")

# The same with point charges: +-0.1 e at a distance of 1 A have 0.1 e A.
pair = ccData({"natom": 2, "atomcoords": np.array([[[0, 0, 0], [0, 0, 1.0]]]), "atomnos": np.array([1, 1]),
               "atomcharges": {"mulliken": np.array([-0.1, 0.1])}})
pair.moments = Moments(pair).calculate()[:2]
cclib2ase.write_trajectory("pair.traj", pair)
pair_dipole = read("pair.traj").get_dipole_moment()[2]
print(f"0.1 e A by cclib.method.Moments: {pair.moments[1][2]:.4f}; ASE trajectory: {pair_dipole:.4f} e A")
facts = {
    "cclib parses debye": abs(parsed + 2.15) < 1e-6,
    "ASE gets 2.54 times too much": abs(dipole / (-2.15 * debye) - units.Bohr / debye) < 1e-3 and abs(dipole / (-2.15 * debye) - 2.54) < 0.01,
    "both ways together hide it": abs(back - parsed) < 1e-6,
    "point charges have 2.54 times their dipole": abs(pair_dipole / 0.1 - 2.54) < 0.01,
    "the unit of ASE is right": abs(parsed * units.Debye + 2.15 * debye) < 1e-4,
    "the energy is right": abs(atoms.get_potential_energy() / units.Hartree + 76.0107465) < 1e-4,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python -W ignore probe.py
