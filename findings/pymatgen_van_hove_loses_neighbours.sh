#!/usr/bin/env bash
# pymatgen-analysis-diffusion 2026.9.23: the distinct part of the van Hove function decays to 0 although nothing is
# correlated. And it does not see ion pairs. RadialDistributionFunction loses pairs of unwrapped coordinates, too.
#
# The distinct part G_d(r,t) tells how the neighbours of an ion at time 0 stand at time t. If the ions know nothing of
# each other, it is 1 at all distances and times. In VanHoveAnalysis it falls as soon as ions diffuse over some part of the
# cell. This looks like a physical result.
#
# The first cause: VanHoveAnalysis takes the positions from get_drift_corrected_structures(). These are not wrapped into
# the cell, even if the trajectory was. Then it looks at the images -1, 0 and +1 of each pair (`cell_range`), from the
# difference of these positions. For an ion that has moved by one or two cells, the nearest image is not among them. The
# pair is lost. RadialDistributionFunction does the same with the structures that it is given. A trajectory with unwrapped
# coordinates, as LAMMPS writes it with xu yu zu, has too small a g(r) and coordination number.
#
# The second cause: an ion and itself, in the same cell, must not count as a pair. VanHoveAnalysis compares the places of
# the two ions in their lists for this, also if the lists are of two elements. So the first K+ and the first Cl- never
# count, nor do the second ones. If each K+ has its Cl- as a contact pair, in the order of the file, the peak of the pairs is
# missing completely. RadialDistributionFunction compares the indices of the atoms, and is right in this. The files are
# pymatgen/analysis/diffusion/aimd/van_hove.py and rdf.py. There is no message, and the documentation does not speak of
# wrapped coordinates.
#
# Remedy: a larger cell_range for the first (slow); none for the second. For g(r): Structure(..., to_unit_cell=True).
#
# Seen with pymatgen-analysis-diffusion 2026.9.23, pymatgen-core 2026.10.16, numpy 2.4.6: independent random walks of 15 K+
# and 15 Cl- in a cell of 12 A: 1.0 at time 0, falls to 0.3 within 350 steps; 1.0 at all times by numpy. Four K-Cl contact
# pairs: each K+ has 0 Cl- near it instead of 1; if the Cl- are listed in another order, it has 1. g(r) of the same places
# with unwrapped coordinates: 0.1 instead of 0.9.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile pymatgen-analysis-diffusion==2026.9.23 pymatgen==2026.10.24 \
  pymatgen-core==2026.10.16 numpy==2.4.6 scipy==1.17.1
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys
import warnings

import numpy as np
from pymatgen.analysis.diffusion.aimd.rdf import RadialDistributionFunction
from pymatgen.analysis.diffusion.aimd.van_hove import VanHoveAnalysis
from pymatgen.analysis.diffusion.analyzer import DiffusionAnalyzer
from pymatgen.core import Lattice, Structure

warnings.simplefilter("ignore")
EDGE, FRAMES, SKIP = 12.0, 400, 50  # A
LOW, HIGH = 3.0, 5.0  # A: where the function is averaged
rng = np.random.default_rng(0)


def structures(positions, elements):
    return [Structure(Lattice.cubic(EDGE), elements, x, coords_are_cartesian=True) for x in positions]


def by_numpy(a, b, same):
    """The mean of g between LOW and HIGH, for each pair of frames in a and b; less than half a cell away."""
    found = []
    for x, y in zip(a, b):
        difference = x[:, None] - y[None]
        difference -= EDGE * np.round(difference / EDGE)
        distance = np.linalg.norm(difference, axis=-1)
        if same:
            np.fill_diagonal(distance, 0)
        volume = 4 / 3 * np.pi * (HIGH**3 - LOW**3)
        found.append(((distance > LOW) & (distance < HIGH)).sum() / (len(x) * len(y)) * EDGE**3 / volume)
    return np.mean(found)


def van_hove(walk, elements, origins):
    """The distinct part of K and Cl at 0, 50, 100, ... steps."""
    frames = structures(walk % EDGE, elements)  # as VASP and LAMMPS write them
    analyzer = DiffusionAnalyzer.from_structures(frames, "K", 300, time_step=10, step_skip=1, smoothed=False)
    return VanHoveAnalysis(
        analyzer, avg_nsteps=origins, step_skip=SKIP, species=["K"], reference_species=["Cl"], rmax=6.0, ngrid=61
    )


def independent(ions, origins):
    """Random walks: the mean of the function at 0, 50, 100, ... steps, by pymatgen and by numpy."""
    elements = ["K"] * ions + ["Cl"] * ions + ["Xe"] * 4  # Xe at rest, as a frame of reference
    start = rng.random((len(elements), 3)) * EDGE
    steps = rng.normal(0, 1.0, (FRAMES - 1, len(elements), 3))
    steps[:, 2 * ions :] = 0
    walk = start + np.concatenate([np.zeros((1, len(elements), 3)), np.cumsum(steps, axis=0)])
    found = van_hove(walk, elements, origins)
    inside = (found.interval >= LOW) & (found.interval <= HIGH)
    lags = [k * SKIP for k in range(len(found.gdrt))]
    right = [by_numpy(walk[k : k + origins, :ions], walk[:origins, ions : 2 * ions], False) for k in lags]
    mean = found.gdrt[:, inside].mean(axis=1)
    print(f"{ions} K+, {ions} Cl-, independent; steps {lags}")
    print(f"  by pymatgen {np.round(mean, 2)}\n  by numpy    {np.round(right, 2)}")
    return mean, np.array(right)


def pairs(shift):
    """Four contact pairs of 3.1 A, 8 A apart: the number of Cl- less than 5 A from a K+, from the function at time 0."""
    potassium = EDGE / 2 * np.array([[0, 0, 0], [1, 1, 0], [1, 0, 1], [0, 1, 1]]) + 1
    chloride = np.roll(potassium + [0, 0, 3.1], shift, axis=0)
    sites = np.concatenate([potassium, chloride, rng.random((4, 3)) * EDGE])
    moves = rng.normal(0, 0.1, (FRAMES, len(sites), 3))
    moves[:, 8:] = 0
    found = van_hove(sites + moves, ["K"] * 4 + ["Cl"] * 4 + ["Xe"] * 4, 50)
    near = found.interval < 5
    shells = 4 * np.pi * found.interval**2 * (found.interval[1] - found.interval[0])
    return (found.gdrt[0] * shells)[near].sum() * 4 / EDGE**3


print("pymatgen-analysis-diffusion", importlib.metadata.version("pymatgen-analysis-diffusion"))
walks, walks_right = independent(15, 20)
in_order, out_of_order = pairs(0), pairs(1)
print(f"contact pairs: {in_order:.2f} Cl- near a K+ in order, {out_of_order:.2f} in another order; 1 is right")
wrapped = rng.random((40, 15, 3)) * EDGE
unwrapped = wrapped + EDGE * rng.integers(-2, 3, wrapped.shape)
radial = {}
for name, x in (("wrapped", wrapped), ("unwrapped", unwrapped)):
    found = RadialDistributionFunction.from_species(structures(x, ["K"] * 15), species=["K"], rmax=6.0, ngrid=61)
    inside = (found.interval >= LOW) & (found.interval < HIGH - 1e-6)
    radial[name] = found.raw_rdf[inside].mean()
    print(f"g(r) of {name} coordinates: {radial[name]:.2f} by pymatgen, {by_numpy(x, x, True):.2f} by numpy")
facts = {
    "numpy finds 1 within 0.15 at all times": abs(walks_right - 1).max() < 0.15,
    "pymatgen finds as much at time 0": abs(walks[0] - walks_right[0]) < 0.15,
    "pymatgen finds less than a half in the end": walks[-1] < 0.5,
    "contact pairs in order are missing": in_order < 0.05,
    "contact pairs in another order are found": abs(out_of_order - 1) < 0.1,
    "wrapped: g(r) as by numpy": abs(radial["wrapped"] - by_numpy(wrapped, wrapped, True)) < 0.05,
    "unwrapped: g(r) far too small": radial["unwrapped"] < 0.3,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
