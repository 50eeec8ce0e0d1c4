#!/usr/bin/env bash
# mdorado 0.2.1: the coordination number of like atoms is too large by 1, since each atom is its own neighbour. Hydrogen bond
# correlations of other cutoffs are those of the run before. And mean squared displacements are in nm^2, which is written nowhere.
#
# mdorado analyses MDAnalysis trajectories of liquids: g(r), rotation, diffusion, hydrogen bonds. Three of its functions:
# 1. Gofr(universe, O, O, rmax) of a group with itself takes the pair of each atom with itself, at distance 0 (mdorado/gofr.py). The
#    first bin of g(r) is huge. This is easy to see, and to cut off. But the numbers of neighbours, which the docstring calls
#    "cumulative number of neighbors A in a sphere of radius r around particle B", begin at 1, not 0, and keep this 1 at all
#    distances. Four neighbours of water become five. With two different groups it is right.
# 2. calc_lifetime() writes ct_0.dat, ct_1.dat ... into the current folder, one for each donor. If such files are there and have as many
#    lines as the trajectory has frames, it takes them for its own and computes nothing, "in case program was restarted"
#    (mdorado/lifetime.py). The names don't depend on the cutoffs, the atoms or the trajectory. A second run with other cutoffs, or
#    for another concentration with the same number of frames, leaves the old results in place. The docstring doesn't say so.
# 3. unwrap() multiplies by 0.1, so that msd() gives nm^2. MDAnalysis, and the cutoffs and distances of mdorado, have
#    angstroms. Neither the docstrings nor the README name the unit of unwrap() and msd(); it is in a comment in the code.
# There is no message.
#
# Remedy: rmin=0.1 in Gofr; an empty folder for each calc_lifetime(); multiply msd() by 100.
#
# mdorado needs NumPy before 2.0. Seen with mdorado 0.2.1, MDAnalysis 2.7.0, numpy 1.26.4, scipy 1.13.1: four O in a tetrahedron, so that
# each has three neighbours: mdorado counts 4.00, and with rmin=0.1 3.00. <h> of H and Y within 3 A is 0.0068, within 6 A 0.0652; in one
# folder, one after the other, it is 0.0068 twice. Steps of 0.5 A give 0.0025 instead of 0.25 A^2.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile mdorado==0.2.1 MDAnalysis==2.7.0 numpy==1.26.4 scipy==1.13.1
cd "$place"
cat > probe.py <<'PY'
import contextlib
import importlib.metadata
import sys
import tempfile
import warnings
from pathlib import Path

import MDAnalysis as mda
import numpy as np
from mdorado.gofr import Gofr
from mdorado.lifetime import calc_lifetime
from mdorado.msd import msd, unwrap

warnings.simplefilter("ignore")
EDGE, FRAMES = 24.0, 40
rng = np.random.default_rng(0)


def universe(names, frames):
    u = mda.Universe.empty(len(names), trajectory=True)
    u.add_TopologyAttr("names", names)
    box = np.array([EDGE] * 3 + [90.0] * 3)
    return u.load_new(np.array(frames, dtype=np.float32) % EDGE, dimensions=box)


def lifetime(cutoff, folder):
    """The mean of h over all pairs: column 2 of the files at time 0."""
    with contextlib.chdir(folder):
        groups = [pairs.select_atoms(f"name {name}") for name in "XHY"]
        calc_lifetime(pairs, 1.0, groups[0], groups[1], cutoff, 0.0, cutoff, ygrp=groups[2], check_memory=False)
    return np.mean([np.loadtxt(path)[0, 1] for path in sorted(Path(folder).glob("ct_*.dat"))])


print("mdorado", importlib.metadata.version("mdorado"))
corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / 3**0.5
centres = EDGE * (np.array(np.meshgrid(*[range(2)] * 3)).reshape(3, -1).T + 0.5) / 2
cluster = (centres[:, None] + np.vstack([np.zeros(3), 2.8 * corners])).reshape(-1, 3)
u = universe(["C", "O", "O", "O", "O"] * 8, [cluster + EDGE * rng.random(3) for _ in range(FRAMES)])
C, O, both = u.select_atoms("name C"), u.select_atoms("name O"), u.atoms
counts = {}
for name, a, b, rmin in (("C-O", C, O, 0), ("C-C", C, C, 0), ("O-O", O, O, 0), ("O-O, rmin=0.1", O, O, 0.1)):
    rdf = Gofr(u, a, b, rmax=6.0, rmin=rmin, bins=120, outfilename="g.dat")
    counts[name] = [np.interp(r, rdf.rdat, rdf.bnnn) for r in (3.5, 5.0)]
    print(f"{name}: {counts[name][0]:.2f} neighbours within 3.5 A, {counts[name][1]:.2f} within 5 A, first bin {rdf.hist[0]:.0f}")

x = EDGE * rng.random((FRAMES, 60, 3))
pairs = universe(["X", "H", "Y"] * 20, x)
d = x[:, 1::3, None] - x[:, None, 2::3]
r = np.linalg.norm(d - EDGE * np.round(d / EDGE), axis=-1)
by_hand = {cutoff: (r < cutoff).mean() for cutoff in (3.0, 6.0)}
apart = {cutoff: lifetime(cutoff, tempfile.mkdtemp(dir=".")) for cutoff in by_hand}
same = tempfile.mkdtemp(dir=".")
together = {cutoff: lifetime(cutoff, same) for cutoff in by_hand}
for cutoff, right in by_hand.items():
    print(f"<h> within {cutoff} A: {apart[cutoff]:.4f}, in one folder {together[cutoff]:.4f} (right: {right:.4f})")

steps = rng.normal(size=(FRAMES, 100, 3))
walk = universe(["K"] * 100, np.cumsum(0.5 * steps / np.linalg.norm(steps, axis=-1, keepdims=True), axis=0))
_, curve = msd(unwrap(walk, walk.atoms), 1.0)
print(f"steps of 0.5 A: mean squared displacement {curve[1]:.5f} after one step")
facts = {
    "C-O: four neighbours, as in the input": bool(np.isclose(counts["C-O"][0], 4)),
    "C-C: one, where there is none": bool(np.allclose(counts["C-C"], 1)),
    "O-O within 5 A: four, where there are three": bool(np.isclose(counts["O-O"][1], 4)),
    "with rmin=0.1 it is three": bool(np.isclose(counts["O-O, rmin=0.1"][1], 3)),
    "each in its folder: <h> is right": all(bool(np.isclose(apart[c], by_hand[c], rtol=1e-3)) for c in by_hand),
    "in one folder: the second cutoff has no effect": together[6.0] == together[3.0],
    "the mean squared displacement is in nm^2": bool(np.isclose(curve[1], 0.0025, rtol=1e-3)),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
