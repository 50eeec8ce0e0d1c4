#!/usr/bin/env bash
# fishmol 0.1.0a1: in a triclinic cell, about half of the minimum image distances are wrong, and wrapping into the box deforms all
# molecules. Of an extended XYZ file with forces it takes the forces as positions. And hydrogen bonds live 11 % too long.
#
# fishmol analyses trajectories. Its README promises "distances, angles, dihedrals, and vectors under the minimum image convention
# for triclinic cells" with "lattice vectors as rows", and shows a triclinic cell. Five places, each without a message:
# 1. cart2xys() and xys2cart() (fishmol/utils.py) multiply by the cell from the wrong side, as if its columns were the lattice
#    vectors. All distances, angles, g(r) and hydrogen bonds with mic=True use them. Distances come out too long or too short.
# 2. Atoms.wrap_pos() (fishmol/atoms.py), behind wrap2box(), takes the rows to get fractional coordinates, and goes back with the
#    columns. So every atom gets another place, and bonds get another length. Each further call deforms them once more.
# 3. Trajectory.read() (fishmol/trj.py) takes the last three columns of each line as the position. In an extended XYZ file with
#    Properties=species:S:1:pos:R:3:forces:R:3 these are the forces.
# 4. auto_cor() (fishmol/dimer.py), the survival of hydrogen bonds, takes frames 0, skip, 2 skip, ..., but its times end at the last
#    frame of the window. With the default nframes=1000 and skip=100 all times are too long by 999/900.
# 5. calc_freq() (fishmol/utils.py) gives "times per ps", but multiplies by the time step where it must divide by it. And the
#    distinct scattering function of VHCF.plot_isf() (fishmol/funcs.py) has the number of pairs where the number of atoms must be.
#
# Remedy: ASE, MDAnalysis or freud for triclinic cells.
#
# Seen with fishmol 0.1.0a1, numpy 2.4.6: in the cell of the README 61 % of the O-O distances are wrong, by up to 6.3 A, and
# 25 % are too short. In a hexagonal cell 47 % are wrong, in an upright one none. O-H bonds of 0.97 A are 0.95 to 5.4 A long after
# wrap2box() in the cell of the README, in an upright one all are 0.97 A. Frames at 0.5 ps get the time 0.555 ps. One change in
# 1 ps gives 0.000025 per ps. For 30 atoms the distinct scattering function is 30 times too large.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile fishmol==0.1.0a1 numpy==2.4.6 scipy==1.17.1 matplotlib==3.11.2 \
  recordclass==0.24.1 iteration_utilities==0.13.0 colour==0.1.5 ipython==9.18.1
cd "$place"
cat > probe.py <<'PY'
import contextlib
import importlib.metadata
import io
import itertools
import json
import sys
import warnings

import matplotlib
import numpy as np

matplotlib.use("Agg")
warnings.simplefilter("ignore")  # about a legend
from fishmol import dimer, funcs, trj, utils  # noqa: E402

rng = np.random.default_rng(1)
print("fishmol", importlib.metadata.version("fishmol"))
CELLS = {
    "upright": np.diag([21.0, 20.0, 15.0]),
    "of the README": np.array([[21.2944, 0, 0], [-4.6030, 20.7909, 0], [-0.9719, -1.2106, 15.1054]]),
    "hexagonal": np.array([[20.0, 0, 0], [-10, 17.3205, 0], [0, 0, 15]]),
}
IMAGES = np.array(list(itertools.product((-2, -1, 0, 1, 2), repeat=3)))
MOLECULES, BOND = 100, 0.97


def write(name, frames, comment, more=""):
    with open(name, "w") as file:
        for x in frames:
            file.write(f"{len(x)}\n{comment}\n")
            file.writelines(f"{'OH'[i % 2]} {r[0]:.6f} {r[1]:.6f} {r[2]:.6f}{more}\n" for i, r in enumerate(x))


def exact(cell, x, i, j):
    return np.linalg.norm(x[j] - x[i] + IMAGES @ cell, axis=1).min()


wrong, short, bonds, pairs = {}, {}, {}, list(itertools.combinations(range(0, 80, 2), 2))
for name, cell in CELLS.items():
    oxygen = rng.random((MOLECULES, 3)) @ cell
    direction = rng.normal(size=(MOLECULES, 3))
    hydrogen = oxygen + BOND * direction / np.linalg.norm(direction, axis=1)[:, None]
    x = np.stack([oxygen, hydrogen], axis=1).reshape(-1, 3)
    write("run.xyz", [x], " Properties = frame: 0")
    run = trj.Trajectory(timestep=5, data="run.xyz", cell=cell)
    got = np.array([run.frames[0].dist(i, j, mic=True) for i, j in pairs])
    right = np.array([exact(cell, x, i, j) for i, j in pairs])
    wrong[name], short[name] = np.mean(np.abs(got - right) > 1e-3), np.mean(got < right - 1e-3)
    print(f"{name}: {100 * wrong[name]:.0f} % of the distances are wrong, by up to {np.abs(got - right).max():.1f} A", end="")
    print(f", {100 * short[name]:.0f} % too short")
    wrapped = run.wrap2box().frames[0].pos
    bonds[name] = np.array([exact(cell, wrapped, i, i + 1) for i in range(0, 2 * MOLECULES, 2)])
    print(f"{name}: O-H bonds of {BOND} A after wrap2box(): {bonds[name].min():.2f} to {bonds[name].max():.2f} A")

write("forces.xyz", [x], "Properties=species:S:1:pos:R:3:forces:R:3", " 0.1 0.2 0.3")
run = trj.Trajectory(timestep=5, data="forces.xyz", cell=cell)
print(f"first atom {x[0].round(2)}, force 0.1 0.2 0.3, read as position: {run.frames[0].pos[0]}")

TIMESTEP = 5  # fs
bond = {"donor": {"O0": 0, "H1": 1}, "acceptor": {"O2": 2}}
with open("bonds.json", "w") as file:
    json.dump([{"frame": i, "n_hbonds": int(i < 450), "hbonds": [bond] * (i < 450)} for i in range(1000)], file)
t, survival, _ = dimer.auto_cor(data="bonds.json", nframes=1000, skip=100, timestep=TIMESTEP)
true_t = np.arange(10) * 100 * TIMESTEP / 1000
print("survival of a hydrogen bond, times:", t.round(3).tolist(), "right:", true_t.tolist())
freq = utils.calc_freq([0] * 100 + [1] * 100, timestep=TIMESTEP)
print(f"one change in 1 ps: {freq:.6f} per ps")

ATOMS, EDGE, K = 30, 12.0, 1.5
cell = np.diag([EDGE] * 3)
write("gas.xyz", [EDGE * rng.random((ATOMS, 3)) for _ in range(5)], " Properties = frame")
gas = trj.Trajectory(timestep=5, data="gas.xyz", cell=cell)
van_hove = funcs.VHCF(gas, list(range(ATOMS)), list(range(ATOMS)), r_range=[0.0, 6.0], tau_sep=5, tau_range=[0.0, 0.01])
with contextlib.redirect_stdout(io.StringIO()):
    result = van_hove.calculate()
    van_hove.plot_isf(k_val=K)
r, g = result.r, result.g_rt[0]
by_hand = np.sum(4 * np.pi * r**2 * (ATOMS - 1) / EDGE**3 * (g - 1) * np.sin(K * r) / (K * r) * np.diff(result.r_edges))
print(f"distinct scattering function at k = {K}: {result.isf[0]:.3f}, from the same g(r) by hand {by_hand:.3f}")
tilted = list(CELLS)[1:]
facts = {
    "upright cell: all distances are right": wrong["upright"] == 0,
    "triclinic cells: more than 40 % are wrong": min(wrong[name] for name in tilted) > 0.4,
    "triclinic cells: some are too short": min(short[name] for name in tilted) > 0.05,
    "upright cell: wrapping keeps the bonds": bool(np.allclose(bonds["upright"], BOND, atol=1e-4)),
    "triclinic cells: wrapping changes bonds by 10 % and more": min(np.ptp(bonds[name]) for name in tilted) > 0.1 * BOND,
    "forces become positions": bool(np.allclose(run.frames[0].pos, [0.1, 0.2, 0.3])),
    "survival of hydrogen bonds: times too long by 999/900": bool(np.allclose(t, true_t * 999 / 900)),
    "changes per ps: 0.000025 instead of 1": abs(freq - 0.005 / 200) < 1e-9,
    "distinct scattering function: too large by the number of atoms": abs(result.isf[0] / by_hand / ATOMS - 1) < 0.01,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
