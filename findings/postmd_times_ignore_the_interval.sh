#!/usr/bin/env bash
# postmd 0.1.3: a shear viscosity from pressures that LAMMPS wrote every tenth step is ten times too small. A diffusion
# coefficient from every fifth frame is five times too large. And a box of water for a density of 0.9 g/cm^3 has the density 1.11.
#
# postmd evaluates the files of LAMMPS's `fix ave/time`, and dump files by means of MDAnalysis.
# 1. ShearViscosity.run() integrates the autocorrelation functions of the pressure. It counts rows as time steps: the time is
#    `timestep` times the number of the row (GreenKubo.calc_acf() and integrate_acf() in postmd/avetime/avetime.py). The column
#    TimeStep of the file is not used. With `fix ave/time 10 1 10` the rows are ten time steps apart, and both the time axis and
#    the integral are ten times too small. `timestep` is documented as that of the LAMMPS input. For MSD() from the same kind of
#    file, data_type="lmp", the column TimeStep is used.
# 2. MSD.run(data_type="dump", step=5) takes every fifth frame, as documented in MDAnalysis. The lag times stay those of
#    successive frames: numpy.arange(nframe) times the time between frames (analysis/diffusion_coefficient.py).
# 3. utils.calc_box_length(num, density) gives the edge of a cubic box of water. It multiplies by the density, where it should
#    divide (utils/utils.py). For the default, 1 g/cm^3, this makes no difference. The box for 0.9 g/cm^3 gets 1/0.9 g/cm^3.
# There is no message.
#
# Remedy: give ShearViscosity the time between rows as `timestep`; step=1; calc_box_length(num, 1/density).
#
# Seen with postmd 0.1.3, MDAnalysis 2.11.0, numpy 2.4.6, scipy 1.17.1, pandas 2.3.3, matplotlib 3.10.8: pressures whose
# correlations decay with 100 fs, so that the viscosity is 1.00 mPa s. By hand 0.971 from all steps and from every tenth step.
# postmd gives 0.971 from all steps, and 0.097 mPa s from every tenth step. A random walk with D = 0.100 A^2/fs: 0.097 from all
# frames, 0.483 A^2/fs from every fifth frame. A box of 1000 water molecules at 0.9 g/cm^3 should have an edge of 32.15 A, it has
# 29.97 A.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile postmd==0.1.3 MDAnalysis==2.11.0 numpy==2.4.6 scipy==1.17.1 pandas==2.3.3 \
  matplotlib==3.10.8 tidynamics==1.1.2
cd "$place"
cat > probe.py <<'PY'
import contextlib
import importlib.metadata
import io
import re
import sys
import warnings

import numpy as np
from postmd.analysis import MSD, ShearViscosity
from postmd.utils import calc_box_length
from scipy import constants
from scipy.signal import lfilter

warnings.simplefilter("ignore")
rng = np.random.default_rng(1)
STEPS, TAU, T, EDGE = 200_000, 100.0, 300.0, 30.0  # fs, K, A
VOLUME, KT = EDGE**3 * 1e-30, constants.k * T
sigma = np.sqrt(1e-3 * KT / VOLUME / (TAU * 1e-15)) / constants.atm  # atm: eta = V/kT sigma^2 tau = 1 mPa s
keep = np.exp(-1 / TAU)
pressures = sigma * np.sqrt(1 - keep**2) * lfilter([1], [1, -keep], rng.normal(size=(STEPS, 3)), axis=0)


def viscosity(every):
    """Of a file of `fix out all ave/time EVERY 1 EVERY v_pxy v_pyz v_pxz file p.time`, 1 fs per step, in mPa s."""
    rows = np.column_stack([np.arange(0, STEPS, every), pressures[::every]])
    names = ["v_pxy", "v_pyz", "v_pxz"]
    header = f"# Time-averaged data for fix out\n# TimeStep {' '.join(names)}"
    np.savetxt("p.time", rows, fmt=["%d"] + ["%.8g"] * 3, header=header, comments="")
    with contextlib.redirect_stdout(io.StringIO()):
        run = ShearViscosity("p.time", timestep=1.0)
        columns = dict(zip(("xy", "yz", "xz"), names, strict=True))
        run.run(nlag=round(6 * TAU / every), mapping=columns, unit_trans=constants.atm)
    mean = run.results["mean"]
    return 1e3 * VOLUME / KT * mean["int_acf"][-1], mean["time"][-1]


def by_hand(every):
    x = pressures[::every] * constants.atm
    lags = range(round(6 * TAU / every) + 1)
    acf = np.array([(x[: len(x) - lag] * x[lag:]).mean() for lag in lags])
    return 1e3 * VOLUME / KT * np.trapezoid(acf, dx=every * 1e-15)


print("postmd", importlib.metadata.version("postmd"))
eta = {}
for every in (1, 10):
    eta[every], last = viscosity(every)
    eta["by hand", every] = by_hand(every)
    print(f"every {every} steps: {eta[every]:.3f} mPa s (by hand {eta['by hand', every]:.3f}), times up to {last:.0f} fs", end="")
    print(f" (right: {6 * TAU:.0f})")

ATOMS, FRAMES, INTERVAL = 200, 400, 10  # frames every 10 steps of 1 fs
D = 0.1  # A^2/fs
walk = EDGE * rng.random((1, ATOMS, 3)) + np.cumsum(rng.normal(0, np.sqrt(2 * D * INTERVAL), (FRAMES, ATOMS, 3)), axis=0)
with open("walk.dump", "w") as file:
    for frame, x in enumerate(walk):
        file.write(f"ITEM: TIMESTEP\n{frame * INTERVAL}\nITEM: NUMBER OF ATOMS\n{ATOMS}\nITEM: BOX BOUNDS pp pp pp\n")
        file.write(f"0 {EDGE}\n" * 3 + "ITEM: ATOMS id type x y z ix iy iz\n")
        for i, (place, image) in enumerate(zip(x % EDGE, (x // EDGE).astype(int), strict=True)):
            file.write(f"{i + 1} 1 " + " ".join(f"{value:.5f}" for value in place) + " " + " ".join(map(str, image)) + "\n")
found = {}
for step in (1, 5):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        run = MSD("walk.dump", timestep=1.0)
        run.run(data_type="dump", interval=INTERVAL, step=step, stop=FRAMES)
        run.fit(range=[0, 100 // step], plot=False)
    x = walk[::step]
    msd = np.array([((x[lag:] - x[: len(x) - lag]) ** 2).sum(2).mean() for lag in range(100 // step + 1)])
    right = np.polyfit(np.arange(len(msd)) * INTERVAL * step, msd, 1)[0] / 6
    found[step] = run.D, right
    print(f"step={step}: D = {run.D:.4f} A^2/fs (by hand {right:.4f}; exact {D})")

edges = {}
for density in (1.0, 0.9):
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        calc_box_length(1000, density=density)
    edges[density] = float(re.search(r"is ([\d.]+) Angstrom", text.getvalue()).group(1))
    real = 1000 * 18.0154 / constants.N_A / (edges[density] * 1e-8) ** 3
    print(f"{text.getvalue().strip()}: this box has {real:.3f} g/cm^3")
    edges["density", density] = real
facts = {
    "every step: the viscosity is right": bool(np.isclose(eta[1], eta["by hand", 1], rtol=0.01)),
    "by hand, both are 1 mPa s": all(bool(np.isclose(eta["by hand", every], 1, rtol=0.1)) for every in (1, 10)),
    "every tenth step: a tenth of it": bool(np.isclose(eta[10], eta["by hand", 10] / 10, rtol=0.01)),
    "all frames: D is right": bool(np.isclose(*found[1], rtol=0.01) and np.isclose(found[1][0], D, rtol=0.1)),
    "every fifth frame: five times too large": bool(np.isclose(found[5][0], 5 * found[5][1], rtol=0.01)),
    "the box for 0.9 g/cm^3 has 1.11 g/cm^3": bool(
        np.isclose(edges["density", 1.0], 1, rtol=1e-3) and np.isclose(edges["density", 0.9], 1 / 0.9, rtol=1e-3)
    ),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
