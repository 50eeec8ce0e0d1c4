#!/usr/bin/env bash
# propertiesNaOH 0.1.13: the heat capacity of a NaOH solution is that of water, its thermal conductivity is a thousand times too
# large, and dh/dT is negative. Its viscosity is that of a more dilute solution, in the successor absorptionlib 1.1.0, too.
#
# propertiesNaOH gives properties of aqueous NaOH. Its README says that x is kg NaOH per kg of solution. Four places in
# functions.py, each without a message:
# 1. specific_heat_capacity() subtracts the effect of the salt from the heat capacity of water, in kJ/(kg K). It multiplies this
#    effect by 0.001 before, so that nothing is left of it.
# 2. thermal_conductivity() returns W/(m K), says the README. It takes the W/(m K) of the published equation for kW/(m K), and
#    multiplies by 1000.
# 3. dhdT(), the derivative of the enthalpy, subtracts the value at the higher temperature from that at the lower one.
# 4. The equations by Alexandrov (2004) for the heat capacity, the viscosity and the thermal conductivity need the molality, mol
#    per kg of water. The package divides x by the molar mass. This is mol per kg of solution. The right molality is x divided by
#    the molar mass and by 1 - x.
# absorptionlib, by the same author, has repaired 1 to 3. It still has 4.
#
# Remedy: take absorptionlib, and give x / (1 - x) instead of x to these three functions.
#
# Seen with propertiesNaOH 0.1.13, absorptionlib 1.1.0, pyXSteam 0.4.10: 10 mass percent at 25 C. The heat capacity is 4.182
# kJ/(kg K), as for water. The slope of the enthalpy of the same package is 3.865, thermo 0.6.1 has 3.789, and absorptionlib 3.680.
# dhdT() is -3.865. The thermal conductivity is 636 W/(m K), that of absorptionlib is 0.636. The viscosity is 1.493 mPa s in both,
# which is that of 2.50 mol/kg. 10 percent are 2.78 mol/kg, and the equation gives 1.598 mPa s for it.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==2.4.6 scipy==1.17.1 matplotlib==3.11.2 pyXSteam==0.4.10 \
  thermo==0.6.1
"$place/env/bin/python" -m pip install --quiet --no-compile --no-deps propertiesNaOH==0.1.13 absorptionlib==1.1.0
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys
import warnings

import numpy as np

warnings.simplefilter("ignore")
import propertiesNaOH as old  # noqa: E402
from absorptionlib import NaOH as new  # noqa: E402
from thermo.electrochem import Laliberte_heat_capacity  # noqa: E402

print(*(f"{name} {importlib.metadata.version(name)}" for name in ("propertiesNaOH", "absorptionlib", "thermo")))
X, T, P, MOLAR = 0.1, 25.0, 1e5, 39.9971e-3  # kg NaOH / kg solution, C, Pa, kg/mol

# 1. and 3. The heat capacity, kJ/(kg K).
slope = (old.enthalpy(X, T + 0.01) - old.enthalpy(X, T - 0.01)) / 0.02
heat = {module: module.specific_heat_capacity(X, T) for module in (old, new)}
water = old.specific_heat_capacity(0.0, T)
other = Laliberte_heat_capacity(T + 273.15, [X], ["1310-73-2"]) / 1000
print(f"heat capacity {heat[old]:.3f}, of water {water:.3f}, from the enthalpy {slope:.3f}", end="")
print(f", thermo {other:.3f}, absorptionlib {heat[new]:.3f}")
print(f"dhdT {old.dhdT(X, T):.3f}, absorptionlib {new.dhdT(X, T):.3f}")

# 2. The thermal conductivity, W/(m K).
heat_flow = {module: module.thermal_conductivity(X, T, P) for module in (old, new)}
print(f"thermal conductivity {heat_flow[old]:.3f}, absorptionlib {heat_flow[new]:.3f}")


def published(molality, T):
    """Viscosity relative to water by Alexandrov (2004)."""
    t = 293.15 / (T + 273.15)
    first = 0.57070102 * t + 0.49395013 * t**2 - 2.0417183 * t**3 + 1.1654862 * t**4
    second = -0.29922166 * t + 0.37957782 * t**2 - 0.07423751 * t**3
    third = 0.049815412 * t - 0.048332728 * t**2
    return np.exp(first * molality + second * molality**2 + third * molality**3)


# 4. The viscosity, mPa s.
eta = {module: module.dynamic_viscosity(X, T, P) * 1e3 for module in (old, new)}
pure = old.dynamic_viscosity(0.0, T, P) * 1e3
right, less = X / (1 - X) / MOLAR, X / MOLAR
print(f"viscosity {eta[old]:.4f}, absorptionlib {eta[new]:.4f}", end="")
for molality in (less, right):
    print(f", published equation for {molality:.3f} mol/kg: {pure * published(molality, T):.4f}", end="")
print()
facts = {
    "the heat capacity is that of water": abs(heat[old] / water - 1) < 1e-3,
    "and not that of the solution": all(0.86 < value / water < 0.94 for value in (slope, other, heat[new])),
    "dhdT is negative": abs(old.dhdT(X, T) / slope + 1) < 1e-5 and abs(new.dhdT(X, T) / slope - 1) < 1e-5,
    "thermal conductivity: a thousand times": abs(heat_flow[old] / heat_flow[new] / 1000 - 1) < 1e-9
    and 0.5 < heat_flow[new] < 0.7,
    "viscosity: mol per kg of solution, in both": all(abs(eta[m] / pure / published(less, T) - 1) < 1e-6 for m in eta),
    "x / (1 - x) is right": all(
        abs(m.dynamic_viscosity(X / (1 - X), T, P) * 1e3 / pure / published(right, T) - 1) < 1e-6 for m in eta
    ),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python -W ignore probe.py
