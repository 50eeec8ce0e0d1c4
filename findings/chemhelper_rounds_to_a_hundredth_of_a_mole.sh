#!/usr/bin/env bash
# chemhelper 0.4: molarity() rounds the moles to 0.01 before it divides by the volume. A solution of 0.25 g KOH has a concentration
# of 0. And the molar mass of a formula with parentheses counts the atoms in them once.
#
# molarity(volume, mass, chemical) should return moles per litre, by its documentation. It calls grams_to_moles()
# (chemhelper/conversions.py), which rounds to two decimals, although the documentation does not say so. For display this would
# be right. But the rounded number is then divided by the volume. Solutions in a laboratory often have some milligrams or
# grams in 10 to 100 ml: their concentrations come out as multiples of 0.01 mol over the volume, wrong by up to 100 %.
#
# mass() in chemhelper/compounds.py looks for pairs of an element and a number. It skips parentheses and the number behind them.
# Ca(OH)2 is taken for CaOH, Al2(SO4)3 for Al2SO4. The compositions in per cent and all conversions of such hydroxides, sulfates
# and nitrates are wrong. There is no message in both cases.
#
# Remedy: mass / mass(chemical) / volume; formulas without parentheses (CaO2H2).
#
# Seen with chemhelper 0.4, pandas 2.3.3, numpy 2.4.6: 0.25 g KOH in 0.1 l: 0 instead of 0.0446 mol/l; 0.35 g: 0.1 instead of
# 0.0624; 0.85 g: 0.2 instead of 0.1515. 56.11 g in 1 l is right. Ca(OH)2: 57.09 instead of 74.09 g/mol, Al2(SO4)3: 150.03 instead
# of 342.13.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile chemhelper==0.4 pandas==2.3.3 numpy==2.4.6
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys

from chemhelper import compounds, conversions

print("chemhelper", importlib.metadata.version("chemhelper"))
K, O, H, CA, AL, S = 39.0983, 15.999, 1.008, 40.078, 26.9815, 32.06
KOH = K + O + H
found = {}
for grams, litres in ((0.25, 0.1), (0.35, 0.1), (0.85, 0.1), (56.11, 1.0)):
    found[grams] = conversions.molarity(litres, mass=grams, chemical="KOH")
    print(f"{grams} g KOH in {litres} l: {found[grams]:.4f} mol/l instead of {grams / KOH / litres:.4f}")
by_moles = conversions.molarity(0.1, moles=0.25 / KOH)
masses = {
    "KOH": KOH,
    "K2SO4": 2 * K + S + 4 * O,
    "CaO2H2": CA + 2 * (O + H),
    "Ca(OH)2": CA + 2 * (O + H),
    "Al2(SO4)3": 2 * AL + 3 * (S + 4 * O),
}
for formula, right in masses.items():
    print(f"{formula}: {compounds.mass(formula)} instead of {right:.2f} g/mol")
facts = {
    "0.25 g in 0.1 l have a concentration of 0": found[0.25] == 0,
    "0.35 g have 1.6 times the right one": abs(found[0.35] / (3.5 / KOH) - 1.6) < 0.01,
    "0.85 g have 1.3 times the right one": abs(found[0.85] / (8.5 / KOH) - 1.32) < 0.01,
    "1 mole in 1 l is right": abs(found[56.11] - 1) < 1e-3,
    "the concentration from moles is right": abs(by_moles - 2.5 / KOH) < 1e-6,
    "masses without parentheses are right": all(abs(compounds.mass(f) - masses[f]) < 0.05 for f in ("KOH", "K2SO4", "CaO2H2")),
    "Ca(OH)2 is taken for CaOH": abs(compounds.mass("Ca(OH)2") - (CA + O + H)) < 0.05,
    "Al2(SO4)3 is taken for Al2SO4": abs(compounds.mass("Al2(SO4)3") - (2 * AL + S + 4 * O)) < 0.05,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
