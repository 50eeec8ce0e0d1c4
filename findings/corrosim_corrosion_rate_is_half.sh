#!/usr/bin/env bash
# corrosim 1.6.1: the corrosion rate from a Tafel plot or from an impedance is half of the right one. That of two metals in contact
# is 2000 to 4000 times too small. And the Kramers-Kronig test does not look at the frequencies.
#
# corrosim evaluates electrochemical corrosion measurements. Its README says that the rates are validated with ASTM G102. Three
# places, each without a message:
# 1. TafelEngine.analyze() (tafel_engine.py) and EISEngine.stern_geary_corrosion_rate() (engines/eis_engine.py) use 27.92 g/mol
#    for iron. This is the equivalent weight, 55.85 / 2. They divide by the two electrons once more.
# 2. GalvanicEngine.calculate() (engines/galvanic_engine.py) does the same with the equivalent weights of the other metals. It
#    also multiplies by 31536. With the current in A/m^2, the equivalent weight in g/mol and the density in kg/m^3 it must be
#    31536000 for mm per year. The result is compared with limits in mm per year, and called "Mild".
# 3. EISEngine.linear_kramers_kronig() should tell whether a spectrum can be one of a linear system. It computes the mean distance
#    between neighbouring points of the Nyquist plot. The frequencies and the option n_terms are not used. A spectrum with many
#    points is "Good", and one with few points is not, whatever they are.
#
# Remedy: 1. multiply the rates by 2. 2. multiply by 1000 and by the number of electrons. 3. take a package for it, for example
# impedance or pyimpspec.
#
# Seen with corrosim 1.6.1: a Tafel plot with 9.48 uA/cm^2 gives 0.055 mm per year. ASTM G102 and Faraday's law give 0.110. An
# impedance of 1000 ohm cm^2 gives 0.151 instead of 0.302. Zinc on steel has 27.6 A/m^2 and 0.0206 mm per year, "Mild". Faraday's
# law gives 41.3. Of a resistor with a parallel capacitor, 12 points have a score of 0.10, "Poor", and 300 points have 0.99,
# "Good". The same 300 points with three times the imaginary part, or with all frequencies mixed up, are "Good", too.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==2.4.6 scipy==1.17.1 pandas==3.1.1
"$place/env/bin/python" -m pip install --quiet --no-compile --no-deps corrosim==1.6.1  # the rest is for the windows
cd "$place"
cat > probe.py <<'PY'
import contextlib
import importlib.metadata
import io
import sys

import numpy as np
from corrosim.engines import EISEngine, GalvanicEngine
from corrosim.tafel_engine import TafelEngine

print("corrosim", importlib.metadata.version("corrosim"))
FARADAY, YEAR = 96485.0, 365 * 24 * 3600.0


def rate(current, molar, electrons, density):
    """Faraday's law, mm per year: current in A/m^2, molar mass in g/mol, density in g/cm^3."""
    return current * molar / (electrons * FARADAY) / (density * 1e6) * YEAR * 1e3


# 1. A Tafel plot of iron.
potential = np.arange(-0.75, -0.25, 0.002)
over = potential + 0.5
current = 1e-5 * (10 ** (over / 0.12) - 10 ** (-over / 0.12))
with contextlib.redirect_stdout(io.StringIO()):
    tafel = TafelEngine.analyze(potential, current)
right = rate(tafel["icorr"] * 1e-2, 55.85, 2, 7.87)
astm = 3.27e-3 * tafel["icorr"] * 27.92 / 7.87
print(f"Tafel: {tafel['icorr']:.2f} uA/cm^2, {tafel['cr']:.4f} mm per year (right: {right:.4f}, ASTM G102: {astm:.4f})")
polarization = EISEngine.stern_geary_corrosion_rate(1000.0)
wanted = rate(polarization["i_corr_uA_cm2"] * 1e-2, 55.85, 2, 7.87)
print(f"impedance: {polarization['corrosion_rate_mm_yr']:.4f} mm per year (right: {wanted:.4f})")

# 2. Two metals in contact.
factors = {}
for metal, molar, electrons, density in (("Zinc", 65.38, 2, 7.14), ("Mild Steel", 55.85, 2, 7.87), ("Titanium", 47.87, 4, 4.5)):
    pair = GalvanicEngine.calculate(metal, "Platinum", area_ratio=50.0)
    factors[metal] = rate(pair["current_density"], molar, electrons, density) / pair["corrosion_rate"]
    print(f"{metal} with platinum: {factors[metal]:.0f} times too small")
zinc = GalvanicEngine.calculate("Zinc", "Mild Steel")
faraday = rate(zinc["current_density"], 65.38, 2, 7.14)
print(f"zinc with steel: {zinc['current_density']:.1f} A/m^2, {zinc['corrosion_rate']} mm per year, {zinc['severity']}", end="")
print(f" (right: {faraday:.1f})")

# 3. Kramers and Kronig: a resistor and a capacitor, few and many points, and two spectra that cannot be.
score = {}
for points in (12, 300):
    frequency = np.logspace(5, -2, points)
    z = 10 + 1000 / (1 + 2j * np.pi * frequency * 0.1)
    mixed = np.random.default_rng(0).permutation(frequency)
    cases = {"right": (frequency, z.imag), "imaginary part times 3": (frequency, 3 * z.imag), "mixed": (mixed, z.imag)}
    for name, (given, imaginary) in cases.items():
        found = EISEngine.linear_kramers_kronig(given, z.real, imaginary)
        score[points, name] = float(found["kk_score"]), found["data_quality"]
        print(f"{points} points, {name}: {score[points, name]}")
facts = {
    "Tafel: half": abs(tafel["cr"] / right - 0.5) < 1e-3 and abs(right / astm - 1) < 2e-3,
    "impedance: half": abs(polarization["corrosion_rate_mm_yr"] / wanted - 0.5) < 1e-3,
    "two metals: 1000 times the number of electrons": abs(factors["Zinc"] / 2000 - 1) < 0.02
    and abs(factors["Mild Steel"] / 2000 - 1) < 0.02
    and abs(factors["Titanium"] / 4000 - 1) < 0.02,
    "zinc with steel is called mild": zinc["severity"] == "Mild" and faraday > 40,
    "the right spectrum with few points is not good": score[12, "right"][1] == "Poor",
    "wrong spectra with many points are good": all(score[300, name][1] == "Good" for name in cases),
    "the frequencies do not matter": score[300, "mixed"] == score[300, "right"],
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python -W ignore probe.py
