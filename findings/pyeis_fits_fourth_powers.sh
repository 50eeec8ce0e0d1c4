#!/usr/bin/env bash
# PyEIS 1.0.10: a fit minimises the sum of the fourth powers of the errors, not of their squares. The result scatters more, and
# its reported errors are wrong. And an inductive part of a Gamry file becomes capacitive.
#
# PyEIS fits circuits to impedance spectra. Two places, each without a message:
# 1. leastsq_errorfunc() (PyEIS/PyEIS.py) is called "sum of squares error function" for the complex non-linear least-squares
#    procedure. It returns the squares of the errors, times weights. But lmfit's minimize() asks for the errors themselves, and
#    squares what it gets. So outliers have too much weight, and the standard errors that lmfit reports belong to no statistics
#    of the data.
# 2. extract_dta() (PyEIS_Data_extraction.py) takes the absolute value of the imaginary part. At high frequencies that of a
#    cable is positive, at low ones that of adsorption. The loop below the axis is folded up. The other two formats (.mpt and
#    .z) keep the sign.
#
# Remedy: 1. fit with the functions cir_...() of PyEIS and scipy.optimize.least_squares(). 2. set the sign of `im` in the data
# frames from the file.
#
# Seen with PyEIS 1.0.10, lmfit 1.3.4, scipy 1.11.4, numpy 1.26.4: 40 spectra of a circuit R-RQ (10 ohm, 100 ohm, 1e-4, 0.9),
# with 1 % of noise. Rs scatters by 0.039 ohm, and by 0.022 with least squares. The reported standard error of Rs is 0.106, and
# that of R, which scatters by 0.35, is 0.18. With least squares they are 0.022, and 0.25 where R scatters by 0.29. A cable of
# 10 uH, and no noise: at 100 kHz, PyEIS reads an imaginary part of -6.2 ohm instead of 6.2, and the fit has 11.7 ohm, 97.3 ohm
# and 8.8e-5.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==1.26.4 scipy==1.11.4 pandas==2.3.3 matplotlib==3.10.7 \
  seaborn==0.13.2 mpmath==1.4.1 lmfit==1.3.4 PyEIS==1.0.10
cd "$place"
cat > probe.py <<'PY'
import contextlib
import importlib.metadata
import io
import pathlib
import sys
import warnings

import numpy as np

warnings.simplefilter("ignore")
import matplotlib  # noqa: E402

matplotlib.use("Agg")
from lmfit import Parameters  # noqa: E402
from PyEIS import EIS_exp  # noqa: E402
from scipy.optimize import least_squares  # noqa: E402

print("PyEIS", importlib.metadata.version("PyEIS"), "lmfit", importlib.metadata.version("lmfit"))
NAMES = ("Rs", "R", "Q", "n")
RIGHT = np.array([10.0, 100.0, 1e-4, 0.9])
NOISE, SPECTRA = 0.01, 40
frequency = np.logspace(5, -1, 60)
omega = 2 * np.pi * frequency


def circuit(values):
    rs, r, q, n = values
    return rs + r / (1 + r * q * (1j * omega) ** n)


def gamry(z):
    """A file as the program of Gamry writes it, with Zimag below 0 for a capacitor."""
    columns = "Pt Time Freq Zreal Zimag Zsig Zmod Zphz Idc Vdc IERange".split()
    lines = ["EXPLAIN", "TAG\tEISPOT", "ZCURVE\tTABLE", "\t" + "\t".join(columns), "\t#\ts\tHz\tohm\tohm\tV\tohm\tdeg\tA\tV\t#"]
    for i, (f, value) in enumerate(zip(frequency, z)):
        row = [i, i, f, value.real, value.imag, 1, abs(value), np.degrees(np.angle(value)), 0.0, 0.5, 8]
        lines.append("\t" + "\t".join(f"{x:.8g}" for x in row))
    pathlib.Path("data.DTA").write_text("\n".join(lines) + "\n")


def pyeis(z):
    """Values and standard errors, and what PyEIS reads as -Im(Z)."""
    gamry(z)
    experiment = EIS_exp(path="./", data=["data.DTA"])
    guess = Parameters()
    for name, value in zip(NAMES, RIGHT * [0.9, 1.1, 1.2, 0.95]):
        guess.add(name, value=value, min=0)
    with contextlib.redirect_stdout(io.StringIO()):
        experiment.EIS_fit(guess, circuit="R-RQ", weight_func="modulus")
    found = experiment.Fit[0].params
    errors = [found[name].stderr or np.nan for name in NAMES]
    return [found[name].value for name in NAMES], errors, experiment.df[0].im.to_numpy()


def squares(z):
    """The same with least squares, weighed by the modulus."""

    def errors(scaled):
        model = circuit(scaled * RIGHT)
        difference = (z - model) / abs(model)
        return np.concatenate([difference.real, difference.imag])

    fit = least_squares(errors, [0.9, 1.1, 1.2, 0.95])
    variance = 2 * fit.cost / (2 * len(z) - 4)
    return fit.x * RIGHT, np.sqrt(np.diag(np.linalg.inv(fit.jac.T @ fit.jac)) * variance) * RIGHT


rng = np.random.default_rng(0)
ideal = circuit(RIGHT)
results = {"PyEIS": [], "least squares": []}
for _ in range(SPECTRA):
    z = ideal + abs(ideal) * NOISE * (rng.normal(size=len(ideal)) + 1j * rng.normal(size=len(ideal)))
    results["PyEIS"].append(pyeis(z)[:2])
    results["least squares"].append(squares(z))
scatter, reported = {}, {}
for name, pairs in results.items():
    pairs = np.array(pairs)
    scatter[name], reported[name] = pairs[:, 0].std(axis=0, ddof=1), np.nanmedian(pairs[:, 1], axis=0)
    for k in (0, 1):
        text = f"scatters by {scatter[name][k]:.3f} ohm, reported standard error {reported[name][k]:.3f} ohm"
        print(f"{name}: {NAMES[k]} {text}")

# A cable of 10 uH in front of the cell, without noise.
inductive = ideal + 1j * omega * 1e-5
values, _, minus_im = pyeis(inductive)
print(f"cable of 10 uH, 100 kHz: -Im(Z) = {minus_im[0]:.2f} ohm (in the file: {-inductive[0].imag:.2f})", end="")
print(f", fit {values[0]:.2f} ohm, {values[1]:.2f} ohm, {values[2]:.2e}, {values[3]:.3f}")
facts = {
    "Rs scatters more than with least squares": scatter["PyEIS"][0] > 1.4 * scatter["least squares"][0],
    "the reported error of Rs is much too large": reported["PyEIS"][0] > 2 * scatter["PyEIS"][0],
    "that of R is too small": reported["PyEIS"][1] < 0.7 * scatter["PyEIS"][1],
    "with least squares they are right": np.allclose(reported["least squares"] / scatter["least squares"], 1, atol=0.25),
    "the inductive part is folded up": minus_im[0] > 0 and np.isclose(minus_im[0], inductive[0].imag, rtol=1e-5),
    "and the fit takes it for a capacitor": values[0] > 11 and values[1] < 98,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
