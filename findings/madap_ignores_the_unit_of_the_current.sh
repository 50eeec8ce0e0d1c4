#!/usr/bin/env bash
# MADAP 1.2.8: the unit of a measured current has no effect. A diffusion coefficient from currents in mA is a million times too
# large, and from uA 10^12 times. In the cathodic direction it is that of the smallest peak. And an activation energy in kJ/mol
# is called mJ/mol.
#
# MADAP analyses electrochemical data, by a program and as a package. Three places, each without a message:
# 1. madap/echem/voltammetry/voltammetry.py: `measured_current_units` is a required option of the program. convert_current()
#    converts `current`, but all analyses take `np_current`, which is a copy from before. The same holds for the unit of time.
# 2. voltammetry_CV.py: the diffusion coefficient by Randles and Sevcik is that of the "highest peak" of each direction, as the
#    comment says. It takes the maximum of the currents. Those of cathodic peaks are negative, so the maximum is the smallest
#    peak.
# 3. arrhenius.py fits ln(conductivity) to 1000/T, and multiplies the slope by the gas constant. That is kJ/mol. The result is
#    called "activation [mJ/mol]" in its documentation and in the JSON file that it saves.
#
# Remedy: 1. give currents in A and times in s. 2. take the peak from `cathodic_peak_params`, and compute. 3. read it as kJ/mol.
#
# Seen with MADAP 1.2.8, numpy 1.26.4: a reversible couple with D = 1e-5 cm^2/s (the current is computed from its semi-integral)
# has 1.0e-5 from currents in A, 10 from mA, and 1.0e7 from uA. With a second couple of half the concentration, D is that of the
# large anodic peak, but of the small cathodic peak: 3.9 uA, where the other one has 17 uA, so that D is 4.2e-7. Conductivities
# with 30 kJ/mol have the activation 30.0 mJ/mol.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile attrs==21.4.0 numpy==1.26.4 scipy==1.15.3 pandas==2.3.3 \
  matplotlib==3.10.7 scikit-learn==1.7.2
"$place/env/bin/python" -m pip install --quiet --no-compile --no-deps MADAP==1.2.8  # the rest is for impedance
cd "$place"
cat > probe.py <<'PY'
import argparse
import importlib.metadata
import json
import logging
import pathlib
import sys
import warnings

import numpy as np
import pandas as pd

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
import matplotlib  # noqa: E402

matplotlib.use("Agg")
from madap.echem.arrhenius.arrhenius import Arrhenius  # noqa: E402
from madap.echem.voltammetry.voltammetry_CV import Voltammetry_CV  # noqa: E402

print("MADAP", importlib.metadata.version("MADAP"))
D, AREA, CONCENTRATION, RATE, T = 1e-5, 0.07, 1e-6, 0.1, 298.15  # cm^2/s, cm^2, mol/cm^3, V/s, K
FARADAY, GAS = 96485.33, 8.314463
half = np.linspace(-0.4, 0.8, 1500)
potential = np.concatenate([half, half[-2::-1]])  # V, one cycle
step = (half[1] - half[0]) / RATE  # s


def current(standard, concentration):
    """Current in A of a reversible couple: the half derivative of its semi-integral (Gruenwald)."""
    semi = FARADAY * AREA * concentration * np.sqrt(D) / (1 + np.exp(-FARADAY * (potential - standard) / (GAS * T)))
    weights = np.cumprod(np.concatenate([[1.0], 1 - 1.5 / np.arange(1, len(semi))]))
    return np.convolve(weights, semi)[: len(semi)] / np.sqrt(step)


def analyse(amperes, unit):
    """The peaks that MADAP finds, if the current is given in `unit`."""
    factor = {"A": 1, "mA": 1e3, "uA": 1e6}[unit]
    options = {"mass_of_active_material": None, "electrode_area": AREA, "concentration_of_active_material": CONCENTRATION}
    options |= {"window_size": 1, "measured_current_units": unit, "measured_time_units": "s", "number_of_electrons": 1}
    options |= {"temperature": T, "applied_scan_rate": RATE}
    cv = Voltammetry_CV(amperes * factor, potential, None, None, argparse.Namespace(**options))
    cv.analyze()
    return cv.anodic_peak_params["cycle_1"], cv.cathodic_peak_params["cycle_1"]


def chosen(peaks):
    """The peak that has a diffusion coefficient."""
    (peak,) = [peak for peak in peaks.values() if "D" in peak]
    return peak


# 1. The unit.
one = current(0.0, CONCENTRATION)
found = {unit: chosen(analyse(one, unit)[0])["D"] for unit in ("A", "mA", "uA")}
for unit, value in found.items():
    print(f"current in {unit}: D = {value:.3g} cm^2/s (right: {D:.3g})")

# 2. A second couple, of half of the concentration.
anodic, cathodic = analyse(one + current(0.4, CONCENTRATION / 2), "A")
for name, peaks in (("anodic", anodic), ("cathodic", cathodic)):
    text = ", ".join(f"{peak['current'] * 1e6:.1f} uA at {peak['voltage']:.2f} V" for peak in peaks.values())
    print(f"{name} peaks: {text}. D is that of the peak with {chosen(peaks)['current'] * 1e6:.1f} uA: {chosen(peaks)['D']:.2g}")

# 3. Arrhenius.
ENERGY = 30.0  # kJ/mol
celsius = pd.Series(np.linspace(20.0, 80.0, 7))
arrhenius = Arrhenius(celsius, 1e3 * np.exp(-ENERGY * 1e3 / (GAS * (celsius + 273.15))))
arrhenius.analyze()
arrhenius.save_data(".")
(saved,) = pathlib.Path(".").rglob("*linear_fit*.json")
(entry,) = [(key, value) for key, value in json.loads(saved.read_text()).items() if key.startswith("activation")]
print(f"activation energy of {ENERGY} kJ/mol: {entry[0]} = {float(entry[1]):.2f}")
sizes = {name: [abs(peak["current"]) for peak in peaks.values()] for name, peaks in (("a", anodic), ("c", cathodic))}
facts = {
    "A: right": abs(found["A"] / D - 1) < 0.02,
    "mA: a million times too large": abs(found["mA"] / D / 1e6 - 1) < 0.02,
    "uA: 10^12 times too large": abs(found["uA"] / D / 1e12 - 1) < 0.02,
    "two peaks in both directions": len(sizes["a"]) == len(sizes["c"]) == 2 and max(sizes["c"]) > 2 * min(sizes["c"]),
    "anodic: the largest peak": chosen(anodic)["current"] == max(sizes["a"]),
    "cathodic: the smallest peak": -chosen(cathodic)["current"] == min(sizes["c"]),
    "kJ/mol is called mJ/mol": entry[0] == "activation [mJ/mol]" and abs(float(entry[1]) - ENERGY) < 0.01,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
