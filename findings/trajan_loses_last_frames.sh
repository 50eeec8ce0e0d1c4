#!/usr/bin/env bash
# lammps-trajan 0.0.19: coordination numbers from several dump files are too small, because the last frame of each file is lost, but
# counted. The density of a tilted box is too small, too, and the vibrational spectrum of an unsorted dump is noise.
#
# `trajan FILES ... ANALYZER` reads LAMMPS dumps. The help says "LAMMPS trajectory file(s) to be analized". Three things happen without
# a message, all of them in trajan/handlers/base_handler.py:
# 1. A frame is handed over when the next one begins, or at the very end. At the beginning of each file the reader forgets what it
#    has read so far. So of each file but the last, the last frame is never analysed. `rdf -cn` divides the number of neighbours
#    by the number of all frames: two files of two frames give 3/4 of the coordination number. The spectra of `vdos` get a gap.
# 2. For a tilted box, LAMMPS writes the bounds of the upright box around it, and the tilt in a third column
#    (https://docs.lammps.org/Howto_triclinic.html). trajan ignores the third column and takes this larger box for the cell: for
#    `density`, for g(r), for angles and rings, and for the nearest image of an atom.
# 3. `vdos` correlates velocities by the order of lines. LAMMPS writes the atoms in an order that changes, unless there is a
#    `dump_modify sort id`. trajan reads the column id, and does not use it here. The normalised spectrum then has no peaks.
#
# Remedy: one file, upright boxes, and `dump_modify sort id`.
#
# Seen with lammps-trajan 0.0.19, numpy 1.26.4 (vdos does not run with NumPy 2.4), scipy 1.13.1, pandas 2.2.3, ase 3.29.0: K+ with 6 O
# has a coordination number of 6.00 from one file with four frames, and 4.50 from two files with the same frames. 0.834 g/cm^3 become
# 0.625 in a box of the same volume with a tilt of a third. The spectrum of a vibration at 334 cm^-1 is all within 60 cm^-1 of
# it if the dump is sorted, and 4 % of it if the dump is not.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile lammps-trajan==0.0.19 numpy==1.26.4 scipy==1.13.1 pandas==2.2.3 \
  ase==3.29.0 matplotlib==3.10.8
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import pathlib
import subprocess
import sys

import ase.io
import numpy as np

IONS, SHELL, WATER, EDGE, FRAMES = 4, 6, 400, 24.0, 4
rng = np.random.default_rng(0)
upright = [f"0 {EDGE}"] * 3
tilt = EDGE / 3  # of y along x: the volume is the same
tilted = [f"0 {EDGE + tilt} {tilt}", f"0 {EDGE} 0", f"0 {EDGE} 0"]


def draw():
    """K+ with six O at 2.8 A, in a box of O that don't come nearer than 4 A."""
    ions = EDGE * np.array([[1, 1, 1], [3, 3, 1], [3, 1, 3], [1, 3, 3]]) / 4 + rng.normal(size=3)
    near = (ions[:, None] + 2.8 * np.vstack([np.eye(3), -np.eye(3)])).reshape(-1, 3)
    far = []
    while len(far) < WATER:
        point = EDGE * rng.random(3)
        d = ions - point
        if np.linalg.norm(d - EDGE * np.round(d / EDGE), axis=1).min() > 4.0:
            far.append(point)
    return np.vstack([ions, near, far]) % EDGE


def dump(name, frames, bounds=upright, head="pp pp pp", columns="x y z", mix=False):
    kinds = np.where(np.arange(len(frames[0])) < IONS, 1, 2)
    with open(name, "w") as file:
        for step, values in enumerate(frames):
            box = "\n".join(bounds)
            file.write(f"ITEM: TIMESTEP\n{step}\nITEM: NUMBER OF ATOMS\n{len(values)}\nITEM: BOX BOUNDS {head}\n{box}\n")
            file.write(f"ITEM: ATOMS id type mass {columns}\n")
            for i in rng.permutation(len(values)) if mix else range(len(values)):
                mass = 39.098 if kinds[i] == 1 else 15.999
                file.write(f"{i + 1} {kinds[i]} {mass} " + " ".join(f"{value:.6f}" for value in values[i]) + "\n")
    return name


def trajan(*words):
    pathlib.Path("out.csv").unlink(missing_ok=True)
    *files, words = words
    subprocess.run(["env/bin/trajan", *files, "-o", "out.csv", *words.split()], check=True, capture_output=True)
    return np.genfromtxt("out.csv", delimiter=",", skip_header=1).T


print("lammps-trajan", importlib.metadata.version("lammps-trajan"))
frames = [draw() for _ in range(FRAMES)]
sets = {1: [dump("all.dump", frames)], 2: [dump("first.dump", frames[:2]), dump("second.dump", frames[2:])]}
neighbours = {}
for number, files in sets.items():
    r, _, n = trajan(*files, "rdf -p 1 2 -c 6 -cn")
    neighbours[number] = np.interp(3.4, r, n)
    print(f"{number} file(s) with {FRAMES} frames in all: {neighbours[number]:.2f} O within 3.4 A of K (right: {SHELL})")

skew = dump("tilted.dump", frames, tilted, "xy xz yz pp pp pp")
by_hand = (IONS * 39.098 + (IONS * SHELL + WATER) * 15.999) / EDGE**3 * 1.66053907
volumes = [ase.io.read(name, format="lammps-dump-text").get_volume() for name in ("all.dump", skew)]
density = [trajan(name, "density K O")[2].mean() for name in ("all.dump", skew)]
print(f"volumes by ASE: {volumes[0]:.1f} and {volumes[1]:.1f} A^3 (right: {EDGE**3:.1f})")
print(f"densities: upright {density[0]:.3f}, tilted {density[1]:.3f} g/cm^3 (right: {by_hand:.3f})")

times, phases = np.arange(700) * 0.005, 2 * np.pi * rng.random((40, 3))  # ps
velocities = np.cos(2 * np.pi * 10 * times[:, None, None] + phases)  # 10 THz is 333.6 cm^-1
share = []
for mix in (False, True):
    f, spectrum = trajan(dump("v.dump", velocities, columns="vx vy vz", mix=mix), "vdos 0.005 -m 1.5")
    share.append(np.trapz(np.where(np.abs(f - 333.6) < 60, spectrum, 0), f))
    print(f"{'not sorted' if mix else 'sorted'}: {100 * share[-1]:.0f} % of the spectrum around 333.6 cm^-1")
facts = {
    "one file: the coordination number is right": bool(np.isclose(neighbours[1], SHELL)),
    "two files of two frames: it is 3/4 of that": bool(np.isclose(neighbours[2], SHELL * 3 / 4)),
    "upright: the density is right": bool(np.allclose(volumes, EDGE**3) and np.isclose(density[0], by_hand, rtol=1e-3)),
    "tilted by a third: 3/4 of it, in the same volume": bool(np.isclose(density[1], by_hand * 3 / 4, rtol=1e-3)),
    "the spectrum of a sorted dump has its peak, of another one not": share[0] > 0.9 and share[1] < 0.1,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
