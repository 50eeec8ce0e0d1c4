#!/usr/bin/env bash
# ectoolkits 0.4.4: the free energy of a biased simulation is wrong, if the bias is given as the documentation asks for: it is divided
# by kT twice. In kJ/mol a well comes out half as steep, and in eV it is far too steep.
#
# calc_FES() (ectoolkits/analysis/reweight.py) computes a free energy from a collective variable and the bias of each frame, as the
# script FES_from_Reweighting.py of OPES does. Its docstring says of `bias`: "must be divied by kbT to make it dimensionless before
# passing to this function". But calc_one_FES_point() divides by kbT, too. There is no message, and the result looks like a free
# energy. The property surfaces of the same module divide by kbT, too, and say nothing of it.
#
# Remedy: give the bias as PLUMED writes it, not divided by kT.
#
# Seen with ectoolkits 0.4.4, numpy 2.4.6: a well with the spring constant 40 kT/A^2, from frames with a bias of -30 kT/A^2. With the
# bias as PLUMED writes it, this comes out as 39.5 kT/A^2 in all units (a little less than 40, since it is smoothed). Divided by
# kT, as the docstring asks for, it is 22.0 with kT = 2.494 kJ/mol, and about 800 with kT = 0.02585 eV.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile MDAnalysis==2.11.0 numpy==2.4.6 scipy==1.17.1 ase==3.29.0 rdkit==2026.9.1
# ectoolkits asks for numpy <= 1.24.4. The module runs with this one as well, and the other packages that it asks for are not used.
"$place/env/bin/python" -m pip install --quiet --no-compile --no-deps ectoolkits==0.4.4
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import logging
import sys
import warnings

import numpy as np

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
from ectoolkits.analysis.reweight import calc_FES  # noqa: E402

print("ectoolkits", importlib.metadata.version("ectoolkits"))
SPRING, ADDED, FRAMES, SMOOTH = 40.0, -30.0, 20000, 0.02  # kT/A^2, kT/A^2, A
rng = np.random.default_rng(0)
x = rng.normal(size=FRAMES) / np.sqrt(SPRING + ADDED)  # A, sampled with the bias, which flattens the well
grid = np.linspace(-0.5, 0.5, 21)
curvature = {}
for unit, kT in (("kT", 1.0), ("kJ/mol", 2.494), ("eV", 0.02585)):
    bias = ADDED * x**2 / 2 * kT
    for name, given in (("as PLUMED writes it", bias), ("divided by kT", bias / kT)):
        options = {"min_cv_x": -0.5, "max_cv_x": 0.5, "save_file": False}
        fes = calc_FES(x, SMOOTH, 20, given, kT, dim=1, **options) / kT
        curvature[unit, name] = 2 * np.polyfit(grid, fes, 2)[0]
        print(f"kT = {kT} {unit}, bias {name}: spring constant {curvature[unit, name]:.2f} kT/A^2 (right: {SPRING:.0f})")
plain, divided = "as PLUMED writes it", "divided by kT"
facts = {
    "as PLUMED writes it: right within the smoothing, in all units": all(
        abs(curvature[unit, plain] / SPRING - 1) < 0.1 and abs(curvature[unit, plain] / curvature["kT", plain] - 1) < 1e-6
        for unit in ("kT", "kJ/mol", "eV")
    ),
    "kT = 1: no difference": curvature["kT", plain] == curvature["kT", divided],
    "kJ/mol, divided by kT as documented: far too flat": curvature["kJ/mol", divided] < 0.7 * curvature["kJ/mol", plain],
    "eV, divided by kT as documented: far too steep": curvature["eV", divided] > 1.5 * curvature["eV", plain],
    "the docstring asks for it": "must be divied by kbT" in calc_FES.__doc__,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
