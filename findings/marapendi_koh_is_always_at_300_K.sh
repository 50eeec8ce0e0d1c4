#!/usr/bin/env bash
# marapendi 0.5.2: a KOH solution has the density, molarity and conductivity of 300 K, at whatever temperature it is made. At 80 C
# its conductivity is half of what it should be.
#
# marapendi models fuel cells and electrolysers, and has properties of KOH from Hodges et al. (2023). KOH_solution(temperature=...,
# weight_percent=...) calls set_temperature(), "Set temperature and recompute all dependent properties"
# (marapendi/components/electrolyte/electrolyte.py). That calls calculate_density() and calculate_ionic_conductivity() without a
# temperature. In the class for KOH (koh.py) both have the argument temperature=300, and do not look at self.temperature. So the
# attributes density, molarity and ionic_conductivity are those of 300 K. A later set_temperature() does not change them, either.
# The vapour pressure and the surface tension follow the temperature, so that one object has properties of two temperatures.
# calculate_ionic_conductivity(353.15) takes the temperature, but still the molarity of 300 K. There is no message.
#
# Remedy: solution.molarity = weight_percent / 100 * solution.calculate_density(T) / 56.105, then calculate_ionic_conductivity(T).
#
# Seen with marapendi 0.5.2, numpy 2.4.6: 30 % KOH has 64.4 S/m, 1290 kg/m^3 and 6.90 mol/L at 10, 25, 50 and 80 C. Right from the
# same formulas, and from those of Gilliam et al.: 44.7 S/m at 10 C, 62.1 at 25 C, 94.8 at 50 C, and 138.2 S/m, 1258 kg/m^3 and
# 6.73 mol/L at 80 C. The voltage drop in a gap with KOH of 80 C comes out 2.15 times too large.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==2.4.6 scipy==1.17.1 pandas==3.1.1 matplotlib==3.11.2
"$place/env/bin/python" -m pip install --quiet --no-compile --no-deps marapendi==0.5.2  # it also requires sphinx and notebook
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys

from marapendi.components.electrolyte.koh import KOH_solution

WEIGHT, MOLAR_MASS = 30.0, 56.105  # %, kg/kmol
TEMPERATURES = (10, 25, 26.85, 50, 80)  # C
print("marapendi", importlib.metadata.version("marapendi"))


def right(kelvin):
    """The same formulas, but all at this temperature."""
    solution = KOH_solution(temperature=kelvin, weight_percent=WEIGHT)
    density = solution.calculate_density(kelvin)
    solution.molarity = WEIGHT / 100 * density / MOLAR_MASS
    return density, solution.molarity, float(solution.calculate_ionic_conductivity(kelvin))


def gilliam(kelvin, molar):
    """Conductivity of KOH, S/m (Gilliam et al., Int. J. Hydrogen Energy 32, 359 (2007)), for comparison."""
    s = -2.041 * molar - 0.0028 * molar**2 + 0.005332 * molar * kelvin + 207.2 * molar / kelvin
    return 100 * (s + 0.001043 * molar**3 - 3e-7 * molar**2 * kelvin**2)


found, expected, others = {}, {}, {}
for celsius in TEMPERATURES:
    kelvin = celsius + 273.15
    solution = KOH_solution(temperature=kelvin, weight_percent=WEIGHT)
    found[celsius] = solution.density, solution.molarity, float(solution.ionic_conductivity)
    expected[celsius] = right(kelvin)
    others[celsius] = solution.solution_sat_pressure, solution.surface_tension
    print(
        f"{celsius} C: {found[celsius][0]:.1f} kg/m^3, {found[celsius][1]:.3f} mol/L, {found[celsius][2]:.1f} S/m "
        f"(right: {expected[celsius][0]:.1f}, {expected[celsius][1]:.3f}, {expected[celsius][2]:.1f}); "
        f"vapour pressure {others[celsius][0]:.0f} Pa"
    )
later = KOH_solution(temperature=298.15, weight_percent=WEIGHT)
later.set_temperature(353.15)
print(f"made at 25 C, then set_temperature(353.15): {later.ionic_conductivity:.1f} S/m")
ratio = expected[80][2] / found[80][2]
print(f"80 C: right / found {ratio:.2f}; Gilliam et al.: {gilliam(353.15, expected[80][1]):.1f} S/m")
facts = {
    "the same at all temperatures": len(set(found.values())) == 1,
    "it is right at 300 K": all(abs(a / b - 1) < 1e-6 for a, b in zip(found[26.85], expected[26.85], strict=True)),
    "80 C: the conductivity should be twice as large": 1.9 < ratio < 2.3,
    "80 C: the density is more than 2 % too large": found[80][0] / expected[80][0] > 1.02,
    "10 C: the conductivity is 30 % too large or more": found[10][2] / expected[10][2] > 1.3,
    "set_temperature() does not change it": later.ionic_conductivity == found[25][2],
    "the vapour pressure follows the temperature": others[80][0] > 10 * others[25][0],
    "the right formulas agree with Gilliam et al.": all(
        abs(expected[c][2] / gilliam(c + 273.15, expected[c][1]) - 1) < 0.01 for c in TEMPERATURES
    ),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
