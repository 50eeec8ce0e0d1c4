#!/usr/bin/env bash
# onsager-coefficients 1.0.0 with OVITO: the Onsager coefficients of a liquid are about zero, because no atom can move by more
# than half of the cell. Unwrapped coordinates do not help.
#
# The package computes Onsager coefficients from a LAMMPS dump with OVITO. It takes the displacement of each atom since the first
# frame from OVITO's CalculateDisplacementsModifier (onsager_coefficients/onsager.py). This has an option
# minimum_image_convention, which is on if one says nothing: it folds each displacement into half of the cell. The package says
# nothing. When an atom has moved by half of the cell, its displacement jumps to the other side. So the sum of the displacements
# jumps, too, and stops to grow. It does not matter whether the dump has x y z with image flags, or xu yu zu. Neither the README
# nor the functions say anything about it, and there is no message.
#
# The modifier that the package installs into OVITO, mean_square_displacement_modifier, reads the same displacements.
#
# Remedy: add CalculateDisplacementsModifier(minimum_image_convention=False) to a pipeline of unwrapped coordinates, and compute
# the sums from it.
#
# Seen with onsager-coefficients 1.0.0, OVITO 3.17.2: a random walk of two species of 100 atoms in a cell of 10 A, 16 parts of
# 100 ps, of which the first 40 ps are left out. The coefficients of the two species are -0.7 and 1.3 A^2/ps. The same sums over
# the true displacements give 10.3 and 13.0, and 12.5 is exact without noise. Both kinds of dump give the same. In a cell of
# 200 A the package is right.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==2.4.6 ovito==3.17.2 PySide6_Essentials==6.12.0
"$place/env/bin/python" -m pip install --quiet --no-compile --no-deps onsager_coefficients==1.0.0
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys

import numpy as np
from onsager_coefficients.onsager import get_onsager_matrix

print(*(f"{name} {importlib.metadata.version(name)}" for name in ("onsager_coefficients", "ovito")))
ATOMS, FRAMES, PARTS, STEP = 100, 1600, 16, 0.5  # atoms of a species, frames of 1 ps, parts to average over, A
TRANSIENT = 40.0  # ps
rng = np.random.default_rng(6)
moves = rng.normal(size=(FRAMES, 2 * ATOMS, 3)) * STEP
moves[0] = 0
walk = np.cumsum(moves, axis=0)
start = rng.random((2 * ATOMS, 3))


def dump(name, positions, edge, wrapped):
    """A LAMMPS dump with x y z and image flags, or with unwrapped coordinates."""
    columns = "x y z ix iy iz" if wrapped else "xu yu zu"
    with open(name, "w") as out:
        for frame, places in enumerate(positions):
            out.write(f"ITEM: TIMESTEP\n{frame * 1000}\nITEM: NUMBER OF ATOMS\n{2 * ATOMS}\n")
            out.write("ITEM: BOX BOUNDS pp pp pp\n" + f"0.0 {edge}\n" * 3 + f"ITEM: ATOMS id type {columns}\n")
            for i, place in enumerate(places):
                image = np.floor(place / edge).astype(int) if wrapped else np.zeros(3, int)
                values = [f"{x:.8f}" for x in place - image * edge] + [str(n) for n in image if wrapped]
                out.write(f"{i + 1} {1 + i // ATOMS} {' '.join(values)}\n")


def right():
    """The same method with numpy: the collective displacement of each species in each part, and its mean square."""
    total = np.stack((walk[:, :ATOMS].sum(axis=1), walk[:, ATOMS:].sum(axis=1)))
    parts = total.reshape(2, PARTS, -1, 3)
    parts = parts - parts[:, :, :1]
    square = np.einsum("iptd,jptd->ijt", parts, parts) / PARTS
    time = np.arange(square.shape[-1])
    late = time >= TRANSIENT
    return np.array([[np.polyfit(time[late], curve[late], 1)[0] / 6 for curve in row] for row in square])


found = {}
for edge in (10.0, 200.0):
    for wrapped in (False, True):
        name = f"{'wrapped' if wrapped else 'unwrapped'} coordinates, cell of {edge:.0f} A"
        dump("walk.dump", start * edge + walk, edge, wrapped)
        found[edge, wrapped] = get_onsager_matrix("walk.dump", PARTS, timestep=0.001, transient_time=TRANSIENT).matrix
        print(f"{name}: {np.array2string(found[edge, wrapped], precision=2).replace(chr(10), '')}")
known, exact = right(), ATOMS * STEP**2 / 2
print(f"right: {np.array2string(known, precision=2).replace(chr(10), '')}, exact without noise: {exact:.2f}, 0")
print(f"distance at the end: {np.sqrt(np.mean(np.sum(walk[-1] ** 2, axis=-1))):.1f} A")
facts = {
    "small cell: less than half": all(np.all(np.diag(found[10.0, w]) < 0.5 * np.diag(known)) for w in (False, True)),
    "both kinds of dump agree": all(np.allclose(found[e, False], found[e, True], rtol=1e-4, atol=1e-3) for e in (10.0, 200.0)),
    "large cell: right": np.allclose(found[200.0, False], known, rtol=1e-4, atol=1e-3),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
QT_QPA_PLATFORM=offscreen env/bin/python -W ignore probe.py
