#!/usr/bin/env bash
# ixdat 0.4.0: files of Autolab (Nova) and Ivium give a current in A, and ixdat goes on as if it was in mA. The correction for the
# ohmic drop and the capacitance are 1000 times too small, and the current density has a wrong unit in its name.
#
# ixdat reads files of many potentiostats. Those of BioLogic have the current in mA, and the rest of ixdat relies on it: the
# correction of the potential (ECCalibration.calculate_series in calculators/ec_calculators.py) and the capacitance
# (CyclicVoltammogram.calc_capacitance in techniques/cv.py) multiply the raw current by 0.001. They do not look at the unit that the
# series of data carries. The readers for Autolab and Ivium (readers/autolab.py, readers/ivium.py) take a column in A, as it is in
# the file, for the raw current. Only the reader of Nordic's files converts it.
# So with R_Ohm = 20 ohm and 50 mA the potential moves by 0.001 V, not by 1 V: the curve looks as if it was not corrected. After
# normalize_current, the series is called "J / [mA cm$^{-2}$]", but holds A / cm2.
# There is no message. The documentation says that current is in mA and R_Ohm is in ohm; it says nothing about these two readers.
#
# Remedy: multiply the column by 1000 in the file; for the ohmic drop alone, pass 1000 R. Check by hand: potential minus raw potential.
#
# Seen with ixdat 0.4.0, numpy 2.4.6, pandas 3.1.1: a capacitor of 1 F, 50 mV / s, 50 mA. Autolab, Ivium: shift by 0.001 V, capacitance
# 0.001 F. The same data as a file of BioLogic: 1 V and 1 F, as it must be.
#
# (The package needs requests, but does not say so to pip.)
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==2.4.6 pandas==3.1.1 scipy==1.17.1 requests==2.34.2 ixdat==0.4.0
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys
from pathlib import Path

import numpy as np
from ixdat import Measurement

R, C, RATE, AREA = 20.0, 1.0, 0.05, 2.0  # ohm, F, V / s, cm2
print("ixdat", importlib.metadata.version("ixdat"), "numpy", np.__version__)

t = np.arange(0.0, 120.0, 0.2)
up = (t % 40) < 20
potential = np.where(up, (t % 40) * RATE, (40 - t % 40) * RATE)  # V, a triangle between 0 and 1 V
current = np.where(up, C * RATE, -C * RATE)  # A

rows = "".join(f"{a:.3f};{b:.6f};{c:.9f}\n" for a, b, c in zip(t, potential, current))
Path("autolab.txt").write_text("Time (s);WE(1).Potential (V);WE(1).Current (A)\n" + rows)
rows = "".join(f"{a:.3f} {c:.9f} {b:.6f}\n" for a, b, c in zip(t, potential, current))
Path("ivium.txt").write_text("04/03/2021 19:42:30\ntime/s I/A E/V\n" + rows)
rows = "".join(f"{a:.3f}\t{b:.6f}\t{1000 * c:.6f}\n" for a, b, c in zip(t, potential, current))
head = ["EC-Lab ASCII FILE", "Nb header lines : 7", "", "Cyclic Voltammetry", "Acquisition started on : 03/04/2021 19:42:30"]
Path("biologic.mpt").write_text("\n".join([*head, "", "time/s\tEwe/V\tI/mA"]) + "\n" + rows)


def read(name):
    if name == "autolab":
        return Measurement.read("autolab.txt", reader="autolab", tstamp=1614886950.0)
    if name == "ivium":
        return Measurement.read("ivium.txt", reader="ivium")
    return Measurement.read("biologic.mpt", reader="biologic")


shift, capacitance, density, named = {}, {}, {}, {}
for name in ("autolab", "ivium", "biologic"):
    measurement = read(name)
    measurement.correct_ohmic_drop(R)
    shift[name] = np.abs(measurement["potential"].data - measurement["raw_potential"].data).max()
    capacitance[name] = read(name).as_cv().calc_capacitance([0.3, 0.7])
    measurement = read(name)
    measurement.normalize_current(AREA)
    density[name], named[name] = np.abs(measurement["current"].data).max(), measurement["current"].name
    print(f"{name}: ohmic drop {shift[name]:.6f} V, capacitance {capacitance[name]:.6f} F, {density[name]:.4f} called {named[name]!r}")
right_shift, right_density = R * C * RATE, 1000 * C * RATE / AREA
print(f"right: ohmic drop {right_shift:.6f} V, capacitance {C:.6f} F, {right_density:.4f} mA / cm2")
facts = {"BioLogic is right": bool(np.allclose([shift["biologic"], capacitance["biologic"], density["biologic"]],
                                               [right_shift, C, right_density], rtol=0.01))}
for name in ("autolab", "ivium"):
    facts[f"{name}: the ohmic drop is 1000 times too small"] = bool(np.isclose(shift[name] * 1000, right_shift, rtol=0.01))
    facts[f"{name}: the capacitance, too"] = bool(np.isclose(capacitance[name] * 1000, C, rtol=0.01))
    facts[f"{name}: the density of current is called mA, but is in A"] = (
        "mA" in named[name] and bool(np.isclose(density[name] * 1000, right_density, rtol=0.01)))
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python -W ignore probe.py
