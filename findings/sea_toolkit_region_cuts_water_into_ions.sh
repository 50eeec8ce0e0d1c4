#!/usr/bin/env bash
# SEA-toolkit 1.0.0: in a region of the box, intact water molecules that are cut by its faces count as hydroxide and protons. g(r)
# of a region falls to a third. And atoms below z = 0 get lost, or pile up at the top.
#
# SEA-toolkit (Solid Electrolyte Analysis) evaluates water at solid electrolytes from XYZ files. input.txt gives the "Dimension" of
# the box and the "Region" to evaluate; the example in the docstring is a layer of 7 A.
# 1. run_dissociation() (SEA_toolkit/analysis/dissociation.py) takes only the atoms in the region, atom by atom, and looks for
#    molecules among these. The O of a water molecule at a face that has one H inside becomes OH-, and the H of an O outside is
#    counted as H+. Pure, undissociated water seems to dissociate, the more the thinner the region is.
# 2. run_rdf() (analysis/rdf.py) takes the neighbours from the region only, without those above and below it, and divides by the
#    volume of the full spheres. For a layer of thickness h, g(r) of an ideal gas is 1 - r/2h, and h/2r beyond h. In the example
#    of 7 A it ends at 0.35 for the default r_max of 10 A.
# 3. run_atom_density_z() wraps z to 0 ... c, whatever the lower end of the box is, and makes the histogram from the lower to the
#    upper end. With c = -20:30 the 40 % of the atoms below 0 get lost. run_water_density() wraps in the same way, and puts all
#    molecules above the upper end in the last bin.
# There is no message.
#
# Remedy: the whole box as the region for 1 and 2; a box that begins at 0 for 3.
#
# Seen with SEA-toolkit 1.0.0, numpy 2.4.6, matplotlib 3.10.8: a box with 216 intact water molecules. In the whole box 216
# H2O and no ions are counted. In a layer of 8 A 57.3 H2O, 12.7 OH- and 15.0 H+, in one of 3 A 19.7 H2O, 9.7 OH- and 7.7 H+. g(r) of
# an ideal gas in a layer of 7 A is 0.87 at 1.5 A and 0.37 at 9.5 A. In the box z = -10:14, 126 of 216 O atoms are in the profile,
# and 90 molecules in the last bin of the water density.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile sea-toolkit==1.0.0 numpy==2.4.6 matplotlib==3.10.8
cd "$place"
cat > probe.py <<'PY'
import contextlib
import importlib.metadata
import io
import pathlib
import sys

import numpy as np
from SEA_toolkit.analysis.atom_density_z import run_atom_density_z
from SEA_toolkit.analysis.dissociation import run_dissociation
from SEA_toolkit.analysis.rdf import run_rdf
from SEA_toolkit.analysis.water_density import run_water_density

rng = np.random.default_rng(1)
print("SEA-toolkit", importlib.metadata.version("sea-toolkit"))
pathlib.Path("para.txt").write_text("Bond_length:\nO-H = 0.9-1.1\nH-O = 0.9-1.1\nBond_angle:\nH-O-H = 100-110\n")
pathlib.Path("elements.txt").write_text("Elements:\nO\n")


def write(name, symbols, frames):
    with open(name, "w") as file:
        for frame in frames:
            file.write(f"{len(symbols)}\n\n")
            file.writelines(f"{symbol} {x:.5f} {y:.5f} {z:.5f}\n" for symbol, (x, y, z) in zip(symbols, frame, strict=True))


def box(c, region=None, pairs="", edge=24):
    text = f"Dimension:\na = 0:{edge}\nb = 0:{edge}\nc = {c}\n\n"
    if region is not None:
        text += f"Region:\nA = 0:{edge}\nB = 0:{edge}\nC = {region}\n\n"
    pathlib.Path("input.txt").write_text(text + f"PBC:\nT T T\n\nBin_size = 1.0\n\n{pairs}")


def quiet(function, *arguments, **options):
    with contextlib.redirect_stdout(io.StringIO()):
        return function(*arguments, **options)


def waters(low):
    """Rigid water molecules with any orientation, on a lattice of 4 A in a box of 24 * 24 * 24 A."""
    grid = np.stack(np.meshgrid(*[np.arange(6)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    oxygen = 4 * (grid + 0.5) + rng.uniform(-0.7, 0.7, (len(grid), 3)) + (0, 0, low)
    u = rng.normal(size=(len(oxygen), 3))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    v = np.cross(u, rng.normal(size=u.shape))
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    half = np.radians(104.5) / 2
    hydrogen = [oxygen + 0.97 * (np.cos(half) * u + sign * np.sin(half) * v) for sign in (1, -1)]
    return np.stack([oxygen, *hydrogen], axis=1).reshape(-1, 3)


frames = [waters(rng.uniform(0, 4)) for _ in range(3)]  # the evaluation wraps them
write("water.xyz", ["O", "H", "H"] * (len(frames[0]) // 3), frames)
ions = {}
for region in ("0:24", "8:16", "10:13"):
    box("0:24", region)
    rows = quiet(run_dissociation, "water.xyz", "input.txt", "para.txt")
    ions[region] = [np.mean([row[key] for row in rows]) for key in ("H2O", "OH", "H_H3O")]
    print(f"intact water, region z = {region}: {ions[region][0]:.1f} H2O, {ions[region][1]:.1f} OH-, {ions[region][2]:.1f} H+/H3O+")

EDGE, ATOMS = 30.0, 1500
gas = [EDGE * rng.random((ATOMS, 3)) for _ in range(20)]
write("gas.xyz", ["O"] * ATOMS, gas)
g = {}
for region in ("0:30", "10:17"):
    box("0:30", region, "RDF_Settings:\nr_max = 10.0\nbin_size = 1.0\n\nRDF:\nO-O\n", edge=30)
    r, g[region] = quiet(run_rdf, "gas.xyz", "input.txt", verbose=False)["O-O"]
    print(f"ideal gas, region z = {region}: g(r) = {g[region][1]:.2f} at {r[1]} A, {g[region][-1]:.2f} at {r[-1]} A (right: 1)")
thickness = 7.0
law = np.where(r < thickness, 1 - r / (2 * thickness), thickness / (2 * r))

lost = {}
for low in (0, -10):
    frame = waters(low)
    write("shifted.xyz", ["O", "H", "H"] * (len(frame) // 3), [frame])
    box(f"{low}:{low + 24}")
    counts = quiet(run_atom_density_z, "shifted.xyz", "input.txt", "elements.txt", output_dir="out")["O"]
    _, density = quiet(run_water_density, "shifted.xyz", "input.txt", "para.txt", output_dir="out")
    number = density[0] * 24 * 24 * 1.0 * 0.0334
    lost[low] = counts.sum(), number[-1], len(frame) // 3
    print(f"box z = {low}:{low + 24} with {lost[low][2]} molecules: {counts.sum()} O atoms in the profile,", end=" ")
    print(f"{number[-1]:.0f} molecules in the last bin of 1 A (right: {lost[low][2]}, and at most 36)")
facts = {
    "whole box: the water is intact": ions["0:24"] == [216, 0, 0],
    "8 A: more than 5 % of the molecules become ions": min(ions["8:16"][1:]) > 0.05 * ions["8:16"][0],
    "3 A: more than 20 %": min(ions["10:13"][1:]) > 0.2 * ions["10:13"][0],
    "g(r) of the whole box is right": bool(np.allclose(g["0:30"][1:], 1, atol=0.1)),
    "g(r) of a layer falls as 1 - r/2h and h/2r": bool(np.allclose(g["10:17"][1:], law[1:], atol=0.07) and g["10:17"][-1] < 0.45),
    "box from 0: all O are in the profile": lost[0][0] == 216 and lost[0][1] <= 36,
    "box from -10: 40 % are lost": 0.35 < 1 - lost[-10][0] / 216 < 0.48,
    "box from -10: they are in the last bin of the water density": lost[-10][1] > 72,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
