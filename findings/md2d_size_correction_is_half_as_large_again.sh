#!/usr/bin/env bash
# md2d 1.2.0: the correction of a diffusion coefficient for the size of the cell is 1.5 times too large, and belongs to another
# viscosity than the one that is printed above it. The error of each diffusion coefficient is half of the standard deviation.
#
# md2d computes diffusion and viscosity from VASP runs. Four places, each without a message:
# 1. md2d.py: the correction by Yeh and Hummer is 2.837 kT / (6 pi eta L). It has 4 instead of 6.
# 2. md2d.py: the viscosity is printed for the time at which the stress correlation becomes negative, step i. For the
#    correction, it cuts off the first i values, and then takes the value i of what is left. That is the viscosity of step 2 i.
# 3. md2d.py: the file viscosity.dat, with columns for the step, the bulk and the shear viscosity, should have a line for each
#    step. It has six, one for each component of the stress. Of this, it has the mean of the first three steps, and of the next
#    three.
# 4. einstein.py: getdiff() divides the slopes by 2, for one dimension. Then it takes their standard deviation, and divides it
#    by 2 once more. This is what stands behind "+/-".
#
# Remedy: 1. and 2. compute the correction from the printed viscosity. 3. take the columns from vis.viscosity(). 4. multiply the
# error by 2.
#
# Seen with md2d 1.2.0, scipy 1.11.4, numpy 1.26.4: at 1000 K in a cell of 10 A, from stresses with a correlation time of 20 fs,
# it prints a shear viscosity of 1.15e-3 Pa s, and a correction of 3.76e-9 m^2/s. With this viscosity it should be 1.81e-9. With
# the one of step 2 i it would be 2.51e-9, which is two thirds of what it prints. Of 50 segments of a random walk, the standard
# deviation of D along x is 4.04e-9 m^2/s, and the error is 2.02e-9.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==1.26.4 scipy==1.11.4 matplotlib==3.10.7 MDAnalysis==2.9.0
"$place/env/bin/python" -m pip install --quiet --no-compile --no-deps md2d==1.2.0
cd "$place"
cat > probe.py <<'PY'
import contextlib
import importlib.metadata
import io
import pathlib
import re
import subprocess
import sys

import matplotlib
import numpy as np

matplotlib.use("Agg")
import einstein  # noqa: E402, a module of md2d
import vis  # noqa: E402, another one

print("md2d", importlib.metadata.version("md2d"))
T, EDGE, STEPS, ATOMS, TAU = 1000.0, 10.0, 2000, 20, 20.0  # K, A, steps of 1 fs, atoms, fs
rng = np.random.default_rng(3)

# The lines of an OUTCAR that md2d reads, with stresses in kbar.
stress = np.empty((STEPS, 6))
stress[0] = rng.normal(size=6) * 10
for i in range(1, STEPS):
    stress[i] = np.exp(-1 / TAU) * stress[i - 1] + np.sqrt(1 - np.exp(-2 / TAU)) * rng.normal(size=6) * 10
lines = [" vasp.5.4.4", "   POTIM  = 1.0000    time-step for ionic-motion"]
lines += ["   NBLOCK =      1;   KBLOCK =      1    inner block; outer block"]
lines += ["   number of dos      NEDOS =    301   number of ions     NIONS =     20"]
lines += ["  Mass of Ions in am", "   POMASS =  39.10"]
lines += [f"  volume of cell :     {EDGE**3:.2f}"]
for row in stress:
    lines += ["  Total+kin. " + " ".join(f"{x:9.2f}" for x in row)]
    lines += [f"  kin. lattice  EKIN_LAT=  0.000000  (temperature {T:.2f} K)"]
pathlib.Path("OUTCAR").write_text("\n".join(lines) + "\n")

# A random walk in an XDATCAR.
walk = rng.random((ATOMS, 3)) + np.cumsum(rng.normal(size=(STEPS, ATOMS, 3)) * 0.005, axis=0)
head = ["K", "1.0"] + [" ".join(f"{x:.4f}" for x in row) for row in np.eye(3) * EDGE] + ["K", str(ATOMS)]
for i, frame in enumerate(walk % 1.0):
    head += [f"Direct configuration= {i + 1:5d}"] + [" ".join(f"{x:.8f}" for x in row) for row in frame]
pathlib.Path("XDATCAR").write_text("\n".join(head) + "\n")

# 1. and 2. The menu of md2d: 2 is the viscosity, 6 is the end.
code = "import md2d; md2d.diffusion(xdatcar='XDATCAR', outcar='OUTCAR')"
run = subprocess.run([sys.executable, "-W", "ignore", "-c", code], input="2\n6\n", capture_output=True, text=True)
_, eta = map(float, re.search(r"shear viscosities are: \s*(\S+), (\S+)", run.stdout).groups())
printed = float(re.search(r"correction to D is:\s*(\S+)", run.stdout).group(1))
with contextlib.redirect_stdout(io.StringIO()):
    stresses = vis.viscosity("OUTCAR")
    stresses.getACF("correlate")
    _, by_step = stresses.visco("integrate", "correlate")
table = by_step[3:6].mean(axis=0)  # the shear viscosity by step, as md2d computes it
written = np.loadtxt("viscosity.dat")
i = int(np.argmin(abs(table - eta)))


def correction(viscosity):
    """Yeh and Hummer, m^2/s."""
    return 2.837 * 1.380649e-23 * T / (6 * np.pi * viscosity * EDGE * 1e-10)


print(f"shear viscosity {eta:.4e} Pa s (step {i}), correction {printed:.3e} m^2/s (right: {correction(eta):.3e})", end="")
print(f", for the viscosity of step {2 * i}, {table[2 * i]:.4e} Pa s: {correction(table[2 * i]):.3e}")

# 3. The errors of the diffusion coefficient.
with contextlib.redirect_stdout(io.StringIO()):
    reader = einstein.diffcoeff("XDATCAR", "OUTCAR")
    reader.segments = 50
    reader.getmsd()
    reader.getdiff()
deviation, error = reader.diffcoeff[:, 0, 0].std(), reader.ddiffcoeff[0, 0]
mean = reader.diffcoeff[:, 0, 0].mean()
print(f"D along x {mean:.3e} m^2/s, standard deviation over segments {deviation:.3e}, error {error:.3e}")
first = f"{written[0, 2]:.3e} (right: {table[0]:.3e})"
print(f"viscosity.dat: {len(written)} steps of {len(table)}, shear viscosity of the first {first}")
facts = {
    "the printed viscosity is in the table": abs(table[i] / eta - 1) < 1e-6 and i > 5,
    "the correction is 1.5 times that of step 2 i": abs(printed / correction(table[2 * i]) - 1.5) < 1e-3,
    "and not that of the printed viscosity": abs(printed / correction(eta) - 1) > 0.05,
    "viscosity.dat has six lines, with means over the first steps": len(written) == 6
    and np.allclose(written[:, 2], by_step[:, 3:6].mean(axis=1)),
    "D is right": abs(reader.diffcoeff.mean() / ((0.005 * EDGE) ** 2 / 2 * 1e-5) - 1) < 0.15,
    "the error is half of the standard deviation": abs(error / deviation - 0.5) < 1e-9,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python -W ignore probe.py
