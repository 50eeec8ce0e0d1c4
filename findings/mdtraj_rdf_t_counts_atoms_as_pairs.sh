#!/usr/bin/env bash
# mdtraj 1.11.1.post2: compute_rdf_t(), the van Hove function g(r, t), is too small for few atoms at all distances, and its
# `period_length` scales the result.
#
# By default (self_correlation=True) the pair of each atom with itself is added to the pairs. Its distance is that which the
# atom has moved, so it is near r = 0. But the histogram is divided by the number of all pairs, these included
# (compute_rdf_t in geometry/rdf.py). What distinct atoms do is therefore too small by n_pairs / (n_pairs + n_atoms),
# which is (N - 1) / (N + 1) for N atoms of one kind: 18 % too small for 10 ions, 50 % for 3, 2 % for 100. The docstring says
# that g(r, 0) "is equal to the time-independent radial distribution function"; compute_rdf() gives 1 for the same atoms.
# `period_length`, "the length of each chunk of frames to consider when time-averaging", selects no frames and averages
# nothing. The result is multiplied by period_length / n_frames. There is no message in either case.
#
# Remedy: self_correlation=False for the distinct part, and leave period_length away.
#
# Seen with mdtraj 1.11.1.post2, numpy 2.4.6: 10 independent atoms at random places, 4000 frames, g(r) should be 1 from
# 0.1 to 1.4 nm: compute_rdf 1.00; compute_rdf_t at t = 0: 0.82 (9/11); with self_correlation=False 1.00; with
# period_length=1000: 0.20 (a fourth of it). With 3 atoms: 0.50.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'mdtraj==1.11.1.post2' 'numpy==2.4.6' 'setuptools<81'
cd "$folder"
cat > look.py <<'PYTHON'
import itertools
import sys

import mdtraj
import numpy as np

N_FRAMES, EDGE, SETTINGS = 4000, 3.0, {"r_range": (0.1, 1.4), "n_bins": 26}


def ideal(n_atoms):
    """Return atoms at random places, and all pairs of them."""
    topology = mdtraj.Topology()
    residue = topology.add_residue("K", topology.add_chain())
    for _ in range(n_atoms):
        topology.add_atom("K", mdtraj.element.potassium, residue)
    xyz = np.random.default_rng(7).uniform(0.0, EDGE, (N_FRAMES, n_atoms, 3))
    lengths, angles = np.full((N_FRAMES, 3), EDGE), np.full((N_FRAMES, 3), 90.0)
    found = mdtraj.Trajectory(xyz, topology, unitcell_lengths=lengths, unitcell_angles=angles)
    return found, np.array(list(itertools.combinations(range(n_atoms), 2)))


def mean(r, g):
    """Return g(r) averaged over the volume."""
    return float(np.average(g, weights=r**2))


at_once = np.stack([np.arange(N_FRAMES)] * 2, 1)


def of_t(trajectory, pairs, **more):
    """Return g(r, 0): each frame with itself, averaged over all frames."""
    r, g = mdtraj.compute_rdf_t(trajectory, pairs, at_once, **SETTINGS, **more)
    return mean(r, g.mean(0))


ten, pairs = ideal(10)
three, few = ideal(3)
seen = {
    "compute_rdf": mean(*mdtraj.compute_rdf(ten, pairs, **SETTINGS)),
    "compute_rdf_t": of_t(ten, pairs),
    "compute_rdf_t, self_correlation=False": of_t(ten, pairs, self_correlation=False),
    "compute_rdf_t, period_length=1000": of_t(ten, pairs, period_length=1000),
    "compute_rdf_t, 3 atoms": of_t(three, few),
}
wanted = dict(zip(seen, (1.0, 9 / 11, 1.0, 9 / 44, 0.5), strict=True))
changed = False
for name, value in seen.items():
    print(f"{name}: {value:.3f} (expected {wanted[name]:.3f})")
    changed |= abs(value - wanted[name]) > 0.05 * wanted[name]
sys.exit("the behaviour has changed" if changed else 0)
PYTHON
"$folder/venv/bin/python" look.py
