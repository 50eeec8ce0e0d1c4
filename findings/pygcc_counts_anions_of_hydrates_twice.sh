#!/usr/bin/env bash
# pygcc 1.5.4: the number of waters of a hydrate also counts for the last element of the salt. KOH:2H2O has 6 hydrogens, NaCl:2H2O has two
# chlorines.
#
# pygcc makes databases of geochemistry (GWB, EQ3/6, PHREEQC, ToughReact). calc_elem_count_molewt(formula) (pygcc_utils.py) gives the
# composition and the molar mass; Element_counts() in species_eos.py is a copy. They read the formula from the right. At the
# colon they multiply all elements so far by the number before them, but they do not forget this number. If the salt before the
# colon ends with an element without a digit of its own, this element takes it. The examples of the documentation, CuSO4:5H2O
# and the like, end with a digit, and are right. Salts as KOH:2H2O (the solid in strong KOH), NaOH:4H2O, NaCl:2H2O
# (hydrohalite) are wrong, and with them molar masses and compositions in the databases.
# Element_counts() also takes "(aq)" from the end letter by letter: Na becomes N, Ca becomes C.
# There is no message. The documentation allows formulas with a colon.
#
# Remedy: write a digit: K(OH)1:2H2O, NaCl1:2H2O.
#
# Seen with pygcc 1.5.4, numpy 2.4.6, pandas 2.3.3: KOH:2H2O 93.14 g / mol instead of 92.14; NaOH:4H2O 115.08 instead of 112.06;
# NaCl:2H2O 129.92 instead of 94.47; CuSO4:5H2O and MgCl2:6H2O are right.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==2.4.6 scipy==1.17.1 pandas==2.3.3 pygcc==1.5.4
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys

import numpy as np
from pygcc.pygcc_utils import calc_elem_count_molewt
from pygcc.species_eos import Element_counts

print("pygcc", importlib.metadata.version("pygcc"), "numpy", np.__version__)
MASS = {"H": 1.008, "O": 15.999, "Na": 22.990, "Mg": 24.305, "S": 32.06, "Cl": 35.45, "K": 39.098, "Cu": 63.546}
SALTS = {  # formula: composition by hand
    "KOH": {"K": 1, "O": 1, "H": 1},
    "CuSO4:5H2O": {"Cu": 1, "S": 1, "O": 9, "H": 10},
    "MgCl2:6H2O": {"Mg": 1, "Cl": 2, "O": 6, "H": 12},
    "KOH:2H2O": {"K": 1, "O": 3, "H": 5},
    "NaOH:4H2O": {"Na": 1, "O": 5, "H": 9},
    "NaCl:2H2O": {"Na": 1, "Cl": 1, "O": 2, "H": 4},
    "NaCl1:2H2O": {"Na": 1, "Cl": 1, "O": 2, "H": 4},
    "K(OH)1:2H2O": {"K": 1, "O": 3, "H": 5},
}
counts, masses, right = {}, {}, {}
for formula, composition in SALTS.items():
    counts[formula], masses[formula] = calc_elem_count_molewt(formula)
    right[formula] = sum(MASS[element] * number for element, number in composition.items())
    shown = " ".join(f"{element} {number:g}" for element, number in sorted(counts[formula].items()))
    print(f"{formula}: {shown}, {masses[formula]:.2f} g / mol; right {right[formula]:.2f} g / mol")
print("Element_counts: Na", Element_counts("Na"), "Ca", Element_counts("Ca"), "KOH:2H2O", Element_counts("KOH:2H2O"))


def as_by_hand(formula):
    return counts[formula] == SALTS[formula] and abs(masses[formula] - right[formula]) < 0.05


facts = {
    "KOH, CuSO4:5H2O, MgCl2:6H2O are right": all(map(as_by_hand, ("KOH", "CuSO4:5H2O", "MgCl2:6H2O"))),
    "KOH:2H2O has 6 H instead of 5": counts["KOH:2H2O"]["H"] == 6,
    "NaOH:4H2O has 12 H instead of 9": counts["NaOH:4H2O"]["H"] == 12,
    "NaCl:2H2O has 2 Cl": counts["NaCl:2H2O"]["Cl"] == 2 and abs(masses["NaCl:2H2O"] - right["NaCl:2H2O"] - MASS["Cl"]) < 0.05,
    "Element_counts() does the same": Element_counts("KOH:2H2O")["H"] == 6,
    "and takes Na for N": Element_counts("Na") == {"N": 1},
    "with a digit it is right": as_by_hand("NaCl1:2H2O") and as_by_hand("K(OH)1:2H2O"),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python -W ignore probe.py
