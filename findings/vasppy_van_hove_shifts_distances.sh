#!/usr/bin/env bash
# vasppy 1.0.0: VanHoveAnalysis puts all distances at wrong places if r_min is not 0, and its self part depends on the size of
# the cell. RadialDistributionFunction gives a coordination number of 101 instead of 2.5, if the weights of 40 frames add up
# to 1.
#
# All three are in vasppy/rdf.py. VanHoveAnalysis makes the axis r, and the volumes of the shells, from r_min to r_max. It
# counts the distances from 0 to r_max, with the same number of bins: range=(0.0, r_max). A distance d is then shown at
# r_min + d (r_max - r_min) / r_max, and divided by the volume of another shell. It is right only for r_min=0.
# The self part is divided by the number density of the ions, as the distinct part is, but not by a volume. Its sum over all
# bins is the volume per ion, V/N, instead of 1. So curves of two concentrations cannot be compared.
# RadialDistributionFunction multiplies the counts of each frame by its weight for rdf, not for coordination_number. It divides
# both by the sum of the weights. For weights 1/M of M frames, coordination_number is M times too large. For other weights it
# is not the integral of rdf. The documentation calls it "Volume integral of the RDF". There is no message in any case.
#
# Remedy: r_min=0, and cut the arrays afterwards; self part times N/V; numpy.cumsum of rdf times 4 pi r^2 dr times the density.
#
# Seen with vasppy 1.0.0, pymatgen-core 2026.10.16, numpy 2.4.6: 20 pairs of K at 4.05 A, 40 frames. The peak of the
# distinct part is at 4.05 A, and at 5.04 A with r_min=2, r_max=8. Ions that move by 1.05 A in a step seem to move by 2.79 A.
# The sum of the self part is 346 and 2765 for cells of 24 and 48 A. The coordination number up to 5 A is 2.45 without weights.
# It is 98 with the weight 1/40 for each frame, where the integral of rdf is 2.45.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile vasppy==1.0.0 pymatgen==2026.10.24 \
  pymatgen-core==2026.10.16 numpy==2.4.6 scipy==1.17.1
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys

import numpy as np
from pymatgen.core import Lattice, Structure
from vasppy.rdf import RadialDistributionFunction, VanHoveAnalysis

PAIRS, FRAMES, APART, STEP = 20, 40, 4.05, 1.05  # A: in the middle of a bin
IONS = list(range(2 * PAIRS))


def directions(rng, number):
    found = rng.normal(size=(number, 3))
    return found / np.linalg.norm(found, axis=1)[:, None]


def trajectory(edge, step):
    """Pairs of ions. Each ion moves by `step` from one frame to the next, in any direction."""
    rng = np.random.default_rng(0)
    first = rng.random((PAIRS, 3)) * edge
    x = np.concatenate([first, first + APART * directions(rng, PAIRS)])
    structures = []
    for _ in range(FRAMES):
        structures.append(Structure(Lattice.cubic(edge), ["K"] * len(x), x, coords_are_cartesian=True))
        x = x + step * directions(rng, len(x))
    return structures


def counts(structures, later, distinct, r_max, bins):
    """By numpy: how many distances fall into each bin from 0 to r_max, in all frames."""
    found = np.zeros(bins)
    for one, other in zip(structures, structures[later:], strict=False):
        vectors = one.frac_coords[:, None] - other.frac_coords[None]
        distances = np.linalg.norm((vectors - np.round(vectors)) * one.lattice.a, axis=-1)
        found += np.histogram(distances[np.eye(len(IONS), dtype=bool) ^ distinct], bins, (0, r_max))[0]
    return found


def van_hove(structures, r_min):
    return VanHoveAnalysis(structures, IONS, d_steps=1, nbins=80, r_min=r_min, r_max=8.0)


print("vasppy", importlib.metadata.version("vasppy"))
slow, fast = trajectory(24.0, 0.002), trajectory(24.0, STEP)
r = (np.arange(80) + 0.5) / 10
if not (
    abs(r[np.argmax(counts(slow, 1, True, 8.0, 80) / r**2)] - APART) < 0.1
    and abs(r[np.argmax(counts(fast, 1, False, 8.0, 80))] - STEP) < 0.1
):
    sys.exit("the ions are not where they should be: this probe is no good here")
peak, moved, sums = {}, {}, {}
for r_min in (0.0, 2.0):
    found = van_hove(slow, r_min)
    peak[r_min] = found.r[np.argmax(found.gdrt)]
    found = van_hove(fast, r_min)
    moved[r_min] = found.r[np.argmax(found.gsrt)]
    print(
        f"r_min={r_min:.0f}: pairs at {peak[r_min]:.2f} A (right: {APART}), "
        f"steps of {moved[r_min]:.2f} A (right: {STEP})"
    )
for edge in (24.0, 48.0):
    sums[edge] = van_hove(trajectory(edge, STEP), 0.0).gsrt.sum()
    print(f"cell of {edge:.0f} A: sum of the self part {sums[edge]:.1f}, volume per ion {edge**3 / len(IONS):.1f} A^3")
right = counts(slow, 0, True, 5.0, 100).sum() / FRAMES / len(IONS)
number, integral = {}, {}
for name, weights in (("none", None), ("1", [1.0] * FRAMES), ("1/40", [1 / FRAMES] * FRAMES)):
    found = RadialDistributionFunction(slow, IONS, nbins=100, r_max=5.0, weights=weights)
    number[name] = found.coordination_number[-1]
    shells = 4 / 3 * np.pi * np.diff(found.intervals**3)
    integral[name] = (found.rdf * shells).sum() * len(IONS) / 24.0**3
    print(
        f"weights {name}: coordination number up to 5 A {number[name]:.2f}, integral of rdf {integral[name]:.2f} "
        f"(right: {right:.2f})"
    )
facts = {
    "r_min=0: distances are right": abs(peak[0.0] - APART) < 0.1 and abs(moved[0.0] - STEP) < 0.1,
    "r_min=2: distances are at 2 + d (8 - 2) / 8": all(
        abs(there - 2 - d * 6 / 8) < 0.1 for there, d in ((peak[2.0], APART), (moved[2.0], STEP))
    ),
    "the sum of the self part is the volume per ion": all(
        np.isclose(sums[edge], edge**3 / len(IONS), rtol=1e-6) for edge in sums
    ),
    "the integral of rdf is right for all weights": all(np.isclose(i, right, rtol=1e-6) for i in integral.values()),
    "coordination number, no weights or 1: right": bool(np.allclose([number["none"], number["1"]], right, rtol=1e-6)),
    "coordination number, 1/40: 40 times too large": bool(np.isclose(number["1/40"], FRAMES * right, rtol=1e-6)),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
