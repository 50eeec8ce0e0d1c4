#!/usr/bin/env bash
# ectoolkits 0.4.4: the orientation profile of water at an electrode, "rho <cos theta> / g cm^-3", is no density. It is the sum of
# cos(theta) in each bin: with bins of 0.2 A it is twice as large as with bins of 0.1 A, and in a cell of twice the area, too.
#
# WaterOrientation in ectoolkits/analysis/water.py computes two profiles along z, between two surfaces. The density profile is
# converted to g/cm^3 with the volume of the bin. The orientation profile, weighted by cos(theta), is only divided by the number
# of frames, in _conclude(). It is plotted as "rho <cos theta> / g cm^-3", and save_profiles() writes it beside the density with
# the same unit in the header of the file. The shape is right. The height depends on the bin and on the area of the cell, so that
# profiles of different cells can't be compared, and its ratio to the density is not <cos theta>. If area times bin is 29.9 A^3,
# as for 300 A^2 and the default bin of 0.1 A, it happens to be right.
# There is no message.
#
# Remedy: multiply by 18.015/0.60221/(area dz), in A^2 and A, with the dz that the bins really have.
#
# Seen with ectoolkits 0.4.4, MDAnalysis 2.11.0, numpy 2.4.6, ase 3.29.0: water with 1.00 g/cm^3, where the angle of each dipole
# with z has a cosine of 0.8, so that rho <cos theta> is 0.80 g/cm^3. In a cell with an area of 154 A^2 it is 0.41 with bins of
# 0.1 A, 0.83 with bins of 0.2 A and 4.1 with bins of 1 A. In a cell of twice the area, with 1.13 g/cm^3, it is 0.93 with bins of
# 0.1 A. The densities are right. With numpy 1.24.4 and MDAnalysis 2.9.0, which its requirements lead to, it grows with the bin as
# well.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile MDAnalysis==2.11.0 numpy==2.4.6 scipy==1.17.1 ase==3.29.0 rdkit==2026.9.1
# ectoolkits asks for numpy <= 1.24.4. The module runs with this one as well, and the other packages that it asks for are not used.
"$place/env/bin/python" -m pip install --quiet --no-compile --no-deps ectoolkits==0.4.4
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import logging
import sys
import warnings

import numpy as np
from ase.cell import Cell
from ectoolkits.analysis.water import WaterOrientation

logging.disable()
warnings.simplefilter("ignore")
rng = np.random.default_rng(0)
HEIGHT, STEP, COSINE, FRAMES, ATOMS = 30.0, 3.1, 0.8, 60, 4  # A; ATOMS per surface


def write(name, edge):
    """Water on a jittered lattice from 2.5 to 27.3 A, between two layers at 1 and 29 A. All dipoles have the same angle with z."""
    grid = [np.arange(0.0, length - STEP / 2, length / round(length / STEP)) for length in (edge, edge)]
    places = np.stack(np.meshgrid(*grid, 2.5 + STEP * np.arange(8), indexing="ij"), axis=-1).reshape(-1, 3)
    pair = np.array([[0.757, 0, 0.586], [-0.757, 0, 0.586]])
    sine = np.sqrt(1 - COSINE**2)
    tilt = np.array([[COSINE, 0, -sine], [0, 1, 0], [sine, 0, COSINE]])  # turns z by this angle, about y
    surfaces = [[edge * x, edge * y, z] for z in (1.0, 29.0) for x in (0.25, 0.75) for y in (0.25, 0.75)]
    with open(name, "w") as file:
        for _ in range(FRAMES):
            file.write(f"{len(surfaces) + 3 * len(places)}\n\n" + "".join("Pt {} {} {}\n".format(*x) for x in surfaces))
            shift = STEP * rng.random()  # of all water, so that the mean density is the same everywhere
            for x in places + rng.uniform(-0.15, 0.15, size=places.shape):
                x[2] = 2.5 + (x[2] - 2.5 + shift) % (8 * STEP)
                turn = 2 * np.pi * rng.random()
                about = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
                for kind, place in zip("OHH", (x, *(x + pair @ (about @ tilt).T)), strict=True):
                    file.write(f"{kind} {place[0]:.5f} {place[1]:.5f} {place[2]:.5f}\n")
    return len(places) / (edge**2 * 8 * STEP) * 18.015 / 0.602214  # g/cm^3


print("ectoolkits", importlib.metadata.version("ectoolkits"))
found = {}
for edge in (12.4, 12.4 * np.sqrt(2)):
    rho = write("water.xyz", edge)
    for dz in (0.1, 0.2, 1.0) if edge == 12.4 else (0.1,):
        cell = Cell.fromcellpar([edge, edge, HEIGHT, 90, 90, 90])
        run = WaterOrientation("water.xyz", cell, np.arange(ATOMS), np.arange(ATOMS, 2 * ATOMS), dz=dz, oh_cutoff=1.2).run()
        (z, density), (_, orientation) = run.results.density_profile, run.results.orientation_profile
        inside = (z > 4) & (z < 24)
        volume = edge**2 * (z[1] - z[0])
        by_hand = orientation[inside].mean() * 18.015 / 0.602214 / volume
        found[round(edge**2), dz] = density[inside].mean(), orientation[inside].mean(), by_hand, rho
        print(f"area {edge**2:.0f} A^2, dz {dz} A: density {density[inside].mean():.3f} g/cm^3 (right: {rho:.3f}), orientation ", end="")
        print(f"{orientation[inside].mean():.3f} (right: {rho * COSINE:.3f}; converted by hand {by_hand:.3f})")
run.save_profiles("profiles.dat")
with open("profiles.dat") as file:
    header = file.readline().strip()
print("header of the file:", header)
small, large = found[154, 0.1], found[308, 0.1]
facts = {
    "the density is right": all(bool(np.isclose(d, rho, rtol=0.05)) for d, _, _, rho in found.values()),
    "converted by hand, the orientation is right": all(bool(np.isclose(h, COSINE * d, rtol=1e-3)) for d, _, h, _ in found.values()),
    "it grows as the bin": all(bool(np.isclose(found[154, dz][1] / dz, small[1] / 0.1, rtol=0.02)) for dz in (0.2, 1.0)),
    "and as the area": bool(np.isclose(large[1] / large[0], 2 * small[1] / small[0], rtol=0.03)),
    "the header gives it the unit of the density": header.count("[rho/cm3]") == 2,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
