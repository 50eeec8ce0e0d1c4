#!/usr/bin/env bash
# sarkas 1.0.2: the electrical conductivity is three times too large without a magnetic field. In a magnetic field, the
# diffusion across it is that along x, and y has no share. And every time integral ends one frame too early.
#
# sarkas simulates plasmas and computes transport coefficients by Green and Kubo (sarkas/tools/transport.py). Three places, each
# without a message:
# 1. electrical_conductivity() integrates the "Total" correlation function of the current, which is the sum over x, y and z, and
#    multiplies by beta / V. The formula in its docstring has no 3 either, but does not say which current it means. It must be
#    beta / (3 V). For a magnetized plasma, it takes one direction with beta / V, which is right.
# 2. diffusion() of a magnetized plasma should take the mean of x and y for the direction across the field. It adds the column
#    of x to itself.
# 3. fast_integral_loop() (utilities/maths.py) integrates up to a frame with the points before it, and leaves out this frame
#    itself.
#
# Remedy: 1. divide by 3. 2. average the correlation functions of x and y, and integrate them. 3. take the next row of the
# table.
#
# Seen with sarkas 1.0.2, numpy 1.26.4: independent ions with friction, in units in which their conductivity is 1. The
# correlation functions of their current give 1.06, 1.06 and 1.02 along x, y and z. From these, sarkas has 3.14, and for a
# magnetized plasma 1.02 along the field and 1.06 across. With a diffusion coefficient of 1.0 along x and 0.25 along y, the one
# across a field is 1.00, and should be 0.63. The integral of 1 from 0 to t is t - dt.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==1.26.4 scipy==1.15.3 numba==0.62.1 pandas==2.3.3 \
  tables==3.10.2 tqdm==4.67.1 matplotlib==3.10.7 seaborn==0.13.2 ipython==9.6.0 pyyaml==6.0.3 pyfiglet==0.8.post1
"$place/env/bin/python" -m pip install --quiet --no-compile --no-deps sarkas==1.0.2  # the rest is for simulations
cd "$place"
cat > probe.py <<'PY'
import contextlib
import importlib.metadata
import io
import sys
import types
import warnings

import numpy as np
import pandas as pd

warnings.simplefilter("ignore")
from sarkas.tools.observables import calc_elec_current  # noqa: E402
from sarkas.tools.transport import TransportCoefficients  # noqa: E402
from sarkas.utilities.maths import correlationfunction, fast_integral_loop  # noqa: E402

print("sarkas", importlib.metadata.version("sarkas"))

# Independent ions with friction (Ornstein-Uhlenbeck), in units where kT, the mass, the friction and the charge are 1.
# Then the diffusion coefficient is 1 in each direction, and the conductivity is ions / V.
IONS, STEPS, DT, LAGS = 4, 200000, 0.05, 160
rng = np.random.default_rng(0)
velocity = np.empty((3, STEPS, IONS))
velocity[:, 0] = rng.normal(size=(3, IONS))
decay = np.exp(-DT)
for i in range(1, STEPS):
    velocity[:, i] = decay * velocity[:, i - 1] + np.sqrt(1 - decay**2) * rng.normal(size=(3, IONS))
volume = float(IONS)
time = np.arange(LAGS) * DT
_, current = calc_elec_current(velocity, np.array([1.0]), np.array([IONS]))
acf = {axis: correlationfunction(current[i], current[i])[:LAGS] for i, axis in enumerate("XYZ")}
acf["Total"] = acf["X"] + acf["Y"] + acf["Z"]


def observable(name, columns, magnetized):
    """An observable of sarkas with the tables that its compute() makes: one slice, columns (name, direction, slice)."""
    slices = pd.DataFrame({(name, axis, "slice 0"): values for axis, values in columns.items()})
    means = {("Time", "all", "all"): time}
    for axis, values in columns.items():
        means[name, axis, "Mean"], means[name, axis, "Std"] = values, np.zeros(LAGS)
    table = pd.DataFrame(means)
    table.columns = pd.MultiIndex.from_tuples(table.columns)
    slices.columns = pd.MultiIndex.from_tuples(slices.columns)
    made = types.SimpleNamespace(dataframe_acf=table, dataframe_acf_slices=slices, magnetized=magnetized, species_names=["K"])
    made.phase, made.no_slices, made.slice_steps, made.dump_step, made.verbose = "production", 1, LAGS, 1, False
    made.box_volume, made.parse, made.save_hdf = volume, lambda: None, lambda: None
    return made


def coefficients():
    """TransportCoefficients without the files of a simulation."""
    made = TransportCoefficients.__new__(TransportCoefficients)
    made.saving_dir, made.job_id, made.dt, made.total_plasma_frequency, made.beta = ".", "job", DT, 1.0, 1.0
    made.verbose, made.units = False, "mks"
    return made


def last(method, table, one):
    made = coefficients()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        getattr(made, method)(one, plot=False)
    result = getattr(made, table)
    return {column[:-1]: float(result[column].iloc[-1]) for column in result.columns if column[-1] == "Mean"}


right = {axis: np.trapz(acf[axis][:-1], time[:-1]) / volume for axis in "XYZ"}
plain = last("electrical_conductivity", "conductivity_df", observable("Electric Current ACF", acf, False))
field = last("electrical_conductivity", "conductivity_df", observable("Electric Current ACF", acf, True))
print("conductivity by direction, integrated with numpy:", {axis: f"{value:.3f}" for axis, value in right.items()})
print("sarkas, no field:", plain)
print("sarkas, magnetized:", field)
mean = np.mean(list(right.values()))
(total,) = [value for key, value in plain.items()]
along = [value for key, value in field.items() if "Parallel" in key][0]
across = [value for key, value in field.items() if "Perpendicular" in key][0]

# Diffusion in a field along z, with other correlation functions along x and y.
vacf = {"X": np.exp(-time), "Y": 0.25 * np.exp(-time), "Z": np.exp(-time), "Total": 2.25 * np.exp(-time)}
diffusion = last("diffusion", "diffusion_df", observable("K VACF", vacf, True))
value = [found for key, found in diffusion.items() if "Perpendicular" in key][0]
should = np.trapz((vacf["X"] + vacf["Y"])[:-1] / 2, time[:-1])
print(f"diffusion across the field: {value:.3f} (right: {should:.3f})")
ones = fast_integral_loop(time, np.ones(LAGS))
print(f"integral of 1 up to {time[-1]:.2f}: {ones[-1]:.2f}")
facts = {
    "no field: three times": abs(total / mean / 3 - 1) < 1e-6,
    "the right value is 1": abs(mean - 1) < 0.1,
    "magnetized: right": abs(along / right["Z"] - 1) < 1e-6 and abs(across / (right["X"] + right["Y"]) * 2 - 1) < 1e-6,
    "diffusion across the field: that along x": abs(value / (should / 0.625) - 1) < 1e-6,
    "the integral ends one frame too early": np.allclose(ones[1:], time[1:] - DT),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python -W ignore probe.py
