#!/usr/bin/env bash
# WaterProperties 0.0.4 leaves out the first term of all sums of the IAPWS formulas. The viscosity of water is half of what it
# should be. Enthalpy and heat capacity are wrong by some per cent.
#
# The package computes the properties of water and steam from temperature and pressure, and names IAPWS as its source. The
# formula of 1997 (IF97) for liquid water is a sum of 34 terms. Its official document gives values to test a program with: at
# 300 K and 3 MPa the enthalpy is 115.331273 kJ/kg, the heat capacity 4.17301218 kJ/(kg K). The package gives 120.1 and 4.238.
#
# The package is a translation of a program in Visual Basic, where lists begin at 1. The Python lists begin at 0, but the loops
# in JF() and Viscosity() (WaterProperties/base.py) still run from 1. So the first coefficient of each list is never used. In the
# viscosity of the dilute gas, the others are also multiplied by a power of the temperature that is too low by one. A density is
# nearly right for the liquid, because the first term does not depend on the pressure. So a look at the density assures
# wrongly. There is no message.
#
# The README passes 101325 as a pressure in pascals. This raises an error: the functions take MPa, as the limits in Region() and
# the result of Saturation_Pressure() show.
# Remedy: the package iapws, or CoolProp.
#
# Seen with WaterProperties 0.0.4, iapws 1.5.5, numpy 2.4.6, scipy 1.17.1: at 25 C and 0.1 MPa the viscosity is 0.508 mPa s instead
# of 0.890 mPa s. At 300 K and 3 MPa the enthalpy is 120.1 instead of 115.3 kJ/kg; with the lost term added it is right to 9
# digits. Steam of 300 C and 8 MPa has 1.66 times the right viscosity, and a density 2 % too small. The saturation pressure, which
# has no loop, is right.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile WaterProperties==0.0.4 iapws==1.5.5 numpy==2.4.6 scipy==1.17.1
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys

from iapws import IAPWS97
from WaterProperties import base as wp

print("WaterProperties", importlib.metadata.version("WaterProperties"), "iapws", importlib.metadata.version("iapws"))
ZERO, R = 273.15, 461.526  # K, J/(kg K)


def compare(t, p):
    """t in C, p in MPa: name -> (WaterProperties, iapws), in SI units."""
    right = IAPWS97(T=t + ZERO, P=p)
    found = {
        "density, kg/m3": (wp.Density(t, p), right.rho),
        "enthalpy, J/kg": (wp.Specific_Enthalpy(t, p), right.h * 1000),
        "heat capacity, J/(kg K)": (wp.Heat_Capacity_Isobaric(t, p), right.cp * 1000),
        "viscosity, mPa s": (wp.Viscosity(t, p) * 1000, right.mu * 1000),
    }
    for name, (a, b) in found.items():
        print(f"{t:g} C, {p:g} MPa: {name}: {a:.6g} instead of {b:.6g}, ratio {a / b:.4f}")
    return found


room, table, steam = compare(25, 0.1), compare(300 - ZERO, 3.0), compare(300, 8.0)

# The first term of the sum for the liquid: n (7.1 - p / 16.53)^0 (1386 / T - 1.222)^-2, n = 0.14632971213167
tau = 1386 / 300
lost_h = R * 1386 * 0.14632971213167 * -2 * (tau - 1.222) ** -3
lost_cp = -R * tau**2 * 0.14632971213167 * 6 * (tau - 1.222) ** -4
mended_h = table["enthalpy, J/kg"][0] + lost_h
mended_cp = table["heat capacity, J/(kg K)"][0] + lost_cp
print(f"with the lost term: enthalpy {mended_h:.3f} (official 115331.273), heat capacity {mended_cp:.5f} (official 4173.01218)")

# The viscosity of the dilute gas (IAPWS 2008), with all four terms and the right powers, and without
t = 298.15 / 647.096
h = [1.67752, 2.20462, 0.6366564, -0.241605]
gas = 100 * t**0.5 / sum(h[i] / t**i for i in range(4))
gas_wrong = 100 * t**0.5 / sum(h[i] / t ** (i - 1) for i in range(1, 4))
print(f"dilute gas at 25 C: {gas_wrong:.3f} instead of {gas:.3f} uPa s")
saturation = wp.Saturation_Pressure(100)
print(f"saturation pressure at 100 C: {saturation:.6f} MPa, iapws {IAPWS97(T=373.15, x=0).P:.6f}")
facts = {
    "iapws gives the official values": abs(table["enthalpy, J/kg"][1] - 115331.273) < 0.01
    and abs(table["heat capacity, J/(kg K)"][1] - 4173.01218) < 1e-4,
    "the enthalpy at 300 K and 3 MPa is 4 % too large": abs(table["enthalpy, J/kg"][0] - 120102.74) < 0.1,
    "with the lost term, enthalpy and heat capacity are right": abs(mended_h - 115331.273) < 0.01
    and abs(mended_cp - 4173.01218) < 1e-3,
    "the viscosity at 25 C is less than 0.6 of the right one": room["viscosity, mPa s"][0] < 0.6 * room["viscosity, mPa s"][1],
    "the density at 25 C is right within 0.2 %": abs(room["density, kg/m3"][0] / room["density, kg/m3"][1] - 1) < 0.002,
    "steam: the density is 2 % too small, the viscosity 1.6 times too large": abs(steam["density, kg/m3"][0] - 40.395) < 0.01
    and steam["viscosity, mPa s"][0] > 1.6 * steam["viscosity, mPa s"][1],
    "the saturation pressure is right": abs(saturation - IAPWS97(T=373.15, x=0).P) < 1e-6,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
