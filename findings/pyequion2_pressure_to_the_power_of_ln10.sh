#!/usr/bin/env bash
# pyequion2 0.0.6.3: the solubility of a gas grows with pressure to the power 2.3, the activity of water is larger than 1 in each
# salt solution, and mg / L are 1000 times too many mol / kg.
#
# 1. In solve_equilibrium_elements_balance_phases(..., PATM=...), gas_activity_function() in equilibrium_system.py gives the natural
#    logarithm of pressure and mole fraction, but all other quantities are logarithms to the base 10. So the fugacity of a gas is
#    P^2.303: CO2 at 0.1 atm dissolves 20 times too little, at 2 atm 2.4 times too much. At 1 atm of a pure gas it is right.
# 2. With calculate_water_activity=True, activity_function() in the same file lacks the minus sign: ln a = + phi M sum(m). The
#    activity of water is 1.034 in 1 mol / kg NaCl (right: 0.967) and 1.24 in 5 mol / kg. It shifts the pH of alkaline solutions.
# 3. Its osmotic coefficient by Pitzer (activity/pitzer.py) takes the list of pairs of B0 for B1 and B2. If not all pairs have all
#    parameters, B1 and B2 go to other pairs: for MgSO4 in water (with H+, OH-, HSO4-) phi falls from 0.52 to 0.42.
# 4. converters.mgl_to_molal() multiplies by the density in kg / m3, instead of dividing by it in kg / L: 35.45 mg / L of Cl-, that is
#    0.001 mol / kg, become 0.997 mol / kg.
#
# There is no message. The docstrings promise pressure in atm, and say nothing of these. A comment in the code calls the gas a toy model.
#
# Remedy: pass exp(log10(P)) for PATM, one gas only; a = 1 / (a of pyequion2), without ions of charge 2; own conversion of units.
#
# Seen with pyequion2 0.0.6.3, numpy 2.4.6: numbers as above. CO2 at 0.1, 1, 2 atm: 0.00017, 0.0336, 0.164 mol / kg; by Henry's law
# 0.0034, 0.034, 0.068.
#
# (The package imports its graphical interface at once. The script puts an empty module in its place, to do without Qt.)
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==2.4.6 scipy==1.17.1 periodictable==2.1.0 ordered_set==4.1.0 commentjson==0.9.0 \
    cloudpickle==3.1.3
"$place/env/bin/python" -m pip install --quiet --no-compile --no-deps pyequion2==0.0.6.3
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import math
import sys
import types

import numpy as np

empty = types.ModuleType("pyequion2.gui")
empty.run = None
sys.modules["pyequion2.gui"] = empty
from pyequion2 import EquilibriumSystem, converters
from pyequion2.activity import setup_pitzer

print("pyequion2", importlib.metadata.version("pyequion2"), "numpy", np.__version__)
HENRY = 10**-1.468  # mol / kg / atm, of the package and of PHREEQC, for CO2 at 25 C
dissolved = {}
for pressure in (0.1, 1.0, 2.0):
    system = EquilibriumSystem(["HCO3-", "Na+", "Cl-"])
    balance = {"C": 9.0, "Na": 0.1, "Cl": 0.1}  # mol / kg; most of the carbon is gas
    solution, _ = system.solve_equilibrium_elements_balance_phases(298.15, balance, PATM=pressure)
    dissolved[pressure] = solution.activities["CO2"]
    print(f"CO2 at {pressure} atm: {dissolved[pressure]:.5f} mol / kg dissolved (activity), by Henry's law {HENRY * pressure:.5f}")
slope = math.log(dissolved[1.0] / dissolved[0.1]) / math.log(10)
print(f"it grows with pressure to the power {slope:.3f}; ln(10) is {math.log(10):.3f}")

water = {}
for molality, osmotic in ((1.0, 0.9355), (5.0, 1.19)):  # osmotic coefficients of NaCl, measured
    system = EquilibriumSystem(["Na+", "Cl-"], calculate_water_activity=True)
    solution, _ = system.solve_equilibrium_elements_balance(298.15, {"Na": molality, "Cl": molality}, tol=1e-10)
    right = math.exp(-osmotic * 0.01801528 * 2 * molality)
    water[molality] = solution.activities["H2O"], right
    print(f"activity of water in {molality} mol / kg NaCl: {water[molality][0]:.4f}, right {right:.4f}")

phi = {}
for ions in (["Mg++", "SO4--"], ["H+", "HSO4-", "Mg++", "OH-", "SO4--"]):
    traces = np.array([1.0 if ion in ("Mg++", "SO4--") else 1e-9 for ion in ions])
    phi[len(ions)] = setup_pitzer(ions, calculate_osmotic_coefficient=True)(traces, 298.15)[0] * math.log(10)
    print(f"osmotic coefficient of 1 mol / kg MgSO4, ions {' '.join(ions)}: {phi[len(ions)]:.3f} (measured 0.525)")
molal = converters.mgl_to_molal(35.45, "Cl-")
print(f"35.45 mg / L of Cl-: {molal:.4f} mol / kg, right {1e-3 / 0.99705:.6f}")
facts = {
    "CO2 at 1 atm is right": abs(dissolved[1.0] / HENRY - 1) < 0.03,
    "at 0.1 atm it is 20 times too small": abs(HENRY * 0.1 / dissolved[0.1] - 20) < 1.5,
    "at 2 atm it is 2.4 times too large": abs(dissolved[2.0] / (2 * HENRY) - 2.4) < 0.1,
    "the power is ln(10)": abs(slope - math.log(10)) < 0.03,
    "water is more active than pure water": all(value > 1 for value, _ in water.values()),
    "its inverse is right": all(abs(1 / value - right) < 0.01 for value, right in water.values()),
    "MgSO4 alone is right": abs(phi[2] - 0.525) < 0.01,
    "with traces of other ions it is not": phi[5] < 0.45,
    "mg / L are 1000 times too many": abs(molal / 1e-3 - 1000) < 10,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python -W ignore probe.py
