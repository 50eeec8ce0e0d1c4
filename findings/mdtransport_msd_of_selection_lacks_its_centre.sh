#!/usr/bin/env bash
# MDTransport 1.1.0: the mean squared displacement of selected atoms (--msd_mode, --msd_species) is without the motion of their own
# centre of mass. For two ions it is half as large as it should be, for four it is a quarter too small, and for one ion it is 0.
#
# `mdt --msd` gives mean squared displacements and diffusion coefficients. Without a selection it subtracts the drift of the whole
# system, calculate_system_drift(). That is right: a simulation may drift as a whole. With a selection of atoms,
# unwrap_and_group() (mdtransport/util_msd.py) calculates the centre of mass of the selected atoms alone, calls its motion
# drift_vector, and subtracts it from each of them. N ions that move independently lose a share of 1/N of their mean squared
# displacement, and of their diffusion coefficient. Ions that move together lose more. This hits small boxes: DFT and
# machine-learned potentials, dilute solutions, the one hydroxide ion or proton among water. The README and the help describe the
# option as a choice of atoms, and say nothing of the centre. There is no message. The log-log slope that the program prints as a
# check is close to 1.
#
# Remedy: divide by 1 - 1/N, if the ions are independent; else unwrap by oneself, and use tidynamics or MDAnalysis.
#
# Seen with MDTransport 1.1.0, numpy 2.4.6: 4 K+ and one OH- among 60 water, in a box of 20 A whose centre of mass rests. Mean
# squared displacement after 5 frames: K+ 2.8 A^2 instead of 3.5; OH- 0.0 instead of 9.8.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile mdtransport==1.1.0 numpy==2.4.6 scipy==1.17.1 pandas==3.1.1 \
  matplotlib==3.11.2 tqdm==4.70.1
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

EDGE, FRAMES, LAG = 20.0, 200, 5
NUMBER = {"K": 4, "OH": 1, "WAT": 60}
MASS = {"K": 39.1, "OH": 17.0, "WAT": 18.0}
STEP = {"K": 0.5, "OH": 0.8, "WAT": 0.3}  # A, in each direction
CHARGE = {"K": 1.0, "OH": -1.0, "WAT": 0.0}
names = np.repeat(list(NUMBER), list(NUMBER.values()))
rng = np.random.default_rng(0)
steps = rng.normal(size=(FRAMES, len(names), 3)) * np.array([STEP[name] for name in names])[:, None]
steps[0] = rng.random((len(names), 3)) * EDGE
path = np.cumsum(steps, axis=0)
mass = np.array([MASS[name] for name in names])
path -= np.average(path, axis=1, weights=mass)[:, None] - EDGE / 2  # the system does not drift
wrapped = path % EDGE
kind = {name: number + 1 for number, name in enumerate(NUMBER)}


def write():
    with open("system.data", "w") as data:
        data.write(f"a solution\n\n{len(names)} atoms\n{len(kind)} atom types\n\n")
        data.writelines(f"0.0 {EDGE} {axis}lo {axis}hi\n" for axis in "xyz")
        data.write("\nMasses\n\n")
        data.writelines(f"{kind[name]} {MASS[name]}\n" for name in kind)
        data.write("\nAtoms # full\n\n")
        for atom, (name, x) in enumerate(zip(names, wrapped[0], strict=True)):
            data.write(f"{atom + 1} {atom + 1} {kind[name]} {CHARGE[name]} {x[0]:.5f} {x[1]:.5f} {x[2]:.5f}\n")
    with open("path.lammpstrj", "w") as dump:
        for frame, x in enumerate(wrapped):
            dump.write(f"ITEM: TIMESTEP\n{frame * 1000}\nITEM: NUMBER OF ATOMS\n{len(names)}\nITEM: BOX BOUNDS pp pp pp\n")
            dump.write(f"0.0 {EDGE}\n" * 3 + "ITEM: ATOMS id mol type mass q x y z\n")
            for atom, (name, r) in enumerate(zip(names, x, strict=True)):
                dump.write(f"{atom + 1} {atom + 1} {kind[name]} {MASS[name]} {CHARGE[name]} {r[0]:.5f} {r[1]:.5f} {r[2]:.5f}\n")


def mdt(name):
    shutil.rmtree("results_msd", ignore_errors=True)
    Path("input.txt").unlink(missing_ok=True)
    command = [Path(sys.executable).with_name("mdt"), "--lam", "--msd", "--lamp", "--data", "system.data"]
    command += ["--traj", "path.lammpstrj", "--t_steps", 1, "--dump_frame", 1000, "--temp", 300, "--n_cores", 1]
    command += ["--mp_mode", "fork", "--min_window", 20, "--species"]
    command += [*NUMBER, "--msd_mode", "atom", "--msd_species", "resname", name, "type", kind[name]]
    environment = {**os.environ, "MPLBACKEND": "Agg"}
    subprocess.run([str(word) for word in command], capture_output=True, stdin=subprocess.DEVNULL, env=environment)
    table = np.loadtxt(next(Path("results_msd").glob("msd_*.csv")), delimiter=",", skiprows=1)
    return table[LAG - 1, 1]


def msd(path):
    return ((path[LAG:] - path[:-LAG]) ** 2).sum(axis=-1).mean()


print("MDTransport", importlib.metadata.version("mdtransport"))
write()
ions = [name for name in NUMBER if name != "WAT"]
right = {name: msd(path[:, names == name]) for name in ions}
about_centre = {name: msd(path[:, names == name] - path[:, names == name].mean(axis=1, keepdims=True)) for name in ions}
found = {name: mdt(name) for name in ions}
for name in ions:
    print(f"{NUMBER[name]} {name}: mean squared displacement after {LAG} frames {found[name]:.3f} A^2 (right: {right[name]:.3f})")
facts = {
    "four ions: 15 % too small at least": found["K"] < 0.85 * right["K"],
    "one ion: 0": found["OH"] < 0.01 < right["OH"],
    "it is that about the centre of the selected atoms": all(abs(found[name] - about_centre[name]) < 0.01 for name in ions),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
