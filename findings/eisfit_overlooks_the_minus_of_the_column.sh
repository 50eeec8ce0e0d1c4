#!/usr/bin/env bash
# eisfit 0.2.0 reads a column "-Z''" as Z''. The spectrum is turned upside down: all capacitors look like coils.
#
# Impedance is usually plotted and stored with -Z'' (the imaginary part times -1), because it is positive for capacitors. NOVA
# of Metrohm exports the columns Frequency (Hz), Z' (Ohm), -Z'' (Ohm), and other programs do the same. load_eis() in eisfit/io.py
# infers the columns from their names; the README says so. It looks for "imag", "zim", "z2" or "z''" anywhere in the name. The
# minus before it is not looked at, so "-Z''", "-Zim" and "-imag(Z)" are taken for the imaginary part itself. eisfit itself
# writes a column -Zim_exp_Ohm to its results. The fit runs, reports convergence, and gives plausible resistances, which are
# wrong. Only the error of the fit is large, but it is not judged. There is no message.
#
# Remedy: multiply the column by -1, and give it another name.
#
# Seen with eisfit 0.2.0, numpy 2.4.6, scipy 1.17.1, pandas 2.3.3: a spectrum made with eisfit's own model, with 20, 10 and 30 mOhm
# and 10 nH. With a column Z'': 20.0, 10.0 and 30.0 mOhm, 10 nH, error 0.0 %. With the same column times -1, named -Z'': 20.9, 8.6
# and 32.3 mOhm, 31 nH, error 38 %.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile eisfit==0.2.0 numpy==2.4.6 scipy==1.17.1 pandas==2.3.3 \
  matplotlib==3.10.8 openpyxl==3.1.5
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys

import numpy as np
import pandas as pd
from eisfit import fit_file, load_eis, model_impedance

print("eisfit", importlib.metadata.version("eisfit"), "numpy", np.__version__, "pandas", pd.__version__)
circuit = {"L_H": 1e-8, "R0_Ohm": 0.02, "R1_Ohm": 0.01, "Q1": 0.1, "n1": 0.9, "R2_Ohm": 0.03, "Q2": 2.0, "n2": 0.95}
circuit.update(Qd=300.0, nd=0.6)
frequency = np.logspace(4, -2, 61)
impedance = model_impedance(circuit, frequency)
# The same circuit, written down again
omega = 2j * np.pi * frequency
by_hand = omega * 1e-8 + 0.02 + 1 / (1 / 0.01 + 0.1 * omega**0.9) + 1 / (1 / 0.03 + 2.0 * omega**0.95) + 1 / (300.0 * omega**0.6)
NAMES = {"Z''": "Z'' (Ohm)", "-Z''": "-Z'' (Ohm)", "-Zim": "-Zim", "-imag": "-imag(Z)/Ohm"}
read, fits = {}, {}
for key, name in NAMES.items():
    values = -impedance.imag if name.startswith("-") else impedance.imag
    pd.DataFrame({"Frequency (Hz)": frequency, "Z' (Ohm)": impedance.real, name: values}).to_csv("file.csv", index=False)
    read[key] = load_eis("file.csv")[1]
    print(f"column {name}: at 1 kHz {read[key][10]:.5f} Ohm instead of {impedance[10]:.5f} Ohm")
    if key in ("Z''", "-Z''"):
        fits[key] = fit_file("file.csv", n_starts=8)
        found = fits[key].parameters
        parameters = ", ".join(f"{each} {found[each] * 1000:.2f}" for each in ("R0_Ohm", "R1_Ohm", "R2_Ohm"))
        print(f"  fit: {parameters} (times 1000), L {found['L_H']:.2e} H, error {100 * fits[key].nrmse:.2f} %")


def close(fit):
    return [abs(fit.parameters[k] / circuit[k] - 1) < 0.02 for k in ("R0_Ohm", "R1_Ohm", "R2_Ohm")]


facts = {
    "the model is the circuit": bool(np.allclose(impedance, by_hand)),
    "Z'' is read as it is": bool(np.allclose(read["Z''"], impedance)),
    "its fit finds the three resistances": all(close(fits["Z''"])),
    "-Z'', -Zim and -imag are read as Z''": all(np.allclose(read[k], impedance.conj()) for k in ("-Z''", "-Zim", "-imag")),
    "the fit converges all the same": bool(fits["-Z''"].optimizer.success),
    "it finds wrong resistances": not all(close(fits["-Z''"])),
    "its error is larger than 5 %": fits["-Z''"].nrmse > 0.05,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
