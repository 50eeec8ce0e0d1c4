#!/usr/bin/env bash
# pyEQL 1.7.0: a solution of 1 mol/kg KOH has the pH 7. And equilibrate() makes its hydroxide vanish: what remains is 1 mol/kg K+
# without a counter-ion, at pH 7.
#
# pyEQL computes activities, conductivities and speciation of electrolytes. A solution is given by its ions, {"K+": "1 mol/kg",
# "OH-": "1 mol/kg"}. Solution.__init__() (pyEQL/solution.py) first sets H+ and OH- for the pH of 7, which is the default, and
# then replaces OH- by the amount that was given. H+ stays 1e-7 mol/L.
# 1. pH is computed from H+ alone, so it is 7. The product of the activities of H+ and OH- is millions of times too large. The
#    same holds for NaOH, LiOH or Ca(OH)2. An acid, {"H+": ..., "Cl-": ...}, gets the right pH.
# 2. equilibrate() hands the pH and the elements to PHREEQC, with all engines. OH- is not among these, it follows from the pH. So
#    for pH 7 OH- comes back as 1e-7 mol/kg, and the charge of 1 mol/kg K+ is left without balance. Conductivity, osmotic
#    coefficient, water activity, density and volume are those of K+ alone. With balance_charge="auto" OH- comes back, and the pH
#    is still 7.
# There is no message, also not with log_level="WARNING". In the documentation, pH is the argument "if omitted, the solution will
# be initialized to pH 7 (neutral) with appropriate quantities of H+ and OH- ions".
#
# Remedy: {"K+": "1 mol/kg"} without OH-, and balance_charge="pH". The pH is right then, and so is equilibrate() for dilute
# solutions.
#
# Seen with pyEQL 1.7.0, phreeqpython 1.6.2, numpy 2.4.6, scipy 1.17.1: KOH with 0.01 and 1 mol/kg has the pH 7.00, it should be
# 11.96 and 13.86 with the activity coefficients of pyEQL itself (engine native; 7.03 and 7.12 with phreeqc2026). After
# equilibrate(), 1 mol/kg OH- are 1.4e-7 mol/kg, and 20.5 S/m are 5.5 S/m. HCl with 0.01 mol/kg has the pH 2.04.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile pyEQL==1.7.0 phreeqpython==1.6.2 numpy==2.4.6 scipy==1.17.1 Pint==0.25.3 \
  iapws==1.5.5 maggma==0.77.1 monty==2026.10.21 pymatgen-core==2026.10.16
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import subprocess
import sys
import warnings

import numpy as np
from pyEQL import Solution

warnings.simplefilter("ignore")


def ions(cation, anion, molality):
    return {cation: f"{molality} mol/kg", anion: f"{molality} mol/kg"}


def show(name, s):
    hydroxide = s.get_amount("OH-", "mol/kg").magnitude
    print(f"{name}: pH {s.pH:.2f}, OH- {hydroxide:.3g} mol/kg, {s.conductivity.to('S/m').magnitude:.4g} S/m, ", end="")
    print(f"charge {s.charge_balance:.2g} mol, osmotic coefficient {s.get_osmotic_coefficient().magnitude:.4f}")
    return s.pH, hydroxide, s.conductivity.to("S/m").magnitude, s.charge_balance


print("pyEQL", importlib.metadata.version("pyEQL"))
new, after, right = {}, {}, {}
for molality in (0.01, 1):
    for engine in ("native", "phreeqc2026"):
        s = Solution(ions("K+", "OH-", molality), engine=engine)
        right[molality, engine] = 14 + np.log10(s.get_activity("OH-").magnitude)  # a(H+) a(OH-) = 1e-14 at 25 C
        new[molality, engine] = show(f"{molality} mol/kg KOH, {engine}", s)
        print(f"    right: pH {right[molality, engine]:.2f}")
        s.equilibrate()
        after[molality, engine] = show("    after equilibrate()", s)
charges = {"Na+": 1, "Li+": 1, "Ca+2": 2}
salts = {cation: Solution({cation: "0.01 mol/kg", "OH-": f"{z * 0.01} mol/kg"}).pH for cation, z in charges.items()}
print("pH of 0.01 mol/kg with other cations:", {cation: round(value, 2) for cation, value in salts.items()})
acid = show("0.01 mol/kg HCl", Solution(ions("H+", "Cl-", 0.01)))
auto = Solution(ions("K+", "OH-", 0.01), balance_charge="auto")
auto.equilibrate()
auto = show('0.01 mol/kg KOH, balance_charge="auto", after equilibrate()', auto)
remedy = Solution({"K+": "0.01 mol/kg"}, balance_charge="pH")
remedy.equilibrate()
remedy = show('0.01 mol/kg K+, balance_charge="pH", after equilibrate()', remedy)
code = "import pyEQL; s = pyEQL.Solution({'K+': '1 mol/kg', 'OH-': '1 mol/kg'}, log_level='WARNING'); s.equilibrate()"
done = subprocess.run([sys.executable, "-W", "default", "-c", code], check=True, capture_output=True, text=True)
told = [line for line in (done.stdout + done.stderr).splitlines() if "pH" in line or "charge" in line.lower() or "OH" in line]
print("messages about pH, OH- or charge:", told)
facts = {
    "KOH has the pH 7": all(6.9 < values[0] < 7.2 for values in new.values()),
    "it should be 11.96 and 13.86": bool(np.allclose([right[0.01, "native"], right[1, "native"]], [11.96, 13.86], atol=0.01)),
    "so do NaOH, LiOH and Ca(OH)2": all(6.9 < value < 7.1 for value in salts.values()),
    "HCl is right": bool(np.isclose(acid[0], 2.04, atol=0.02)),
    "after equilibrate(), there is no hydroxide": all(values[1] < 1e-6 for values in after.values()),
    "and the charge of K+ has no balance": all(values[3] > 0.99 * m for (m, _), values in after.items()),
    "the conductivity loses more than 70 %": all(after[key][2] < 0.3 * new[key][2] for key in new),
    'balance_charge="auto" keeps OH- and the pH of 7': auto[1] > 0.0099 and auto[0] < 7.1,
    "without OH-, it is right": bool(np.isclose(remedy[0], 11.95, atol=0.04) and np.isclose(remedy[1], 0.01, rtol=0.01)),
    "there is no message": not told,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
