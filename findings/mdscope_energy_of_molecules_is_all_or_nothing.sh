#!/usr/bin/env bash
# mdscope 0.2.0: the energy of two molecules is 0, as soon as one of their atoms is farther away than the cutoff from one of the
# other molecule. Of long molecules that touch each other, nothing is left. Clusters by the criterion of Hill fall apart.
#
# mdscope computes properties of fluids of molecules. inter_molecular_pe() (mdscope/compute.py) sums Lennard-Jones and Coulomb
# energies over the pairs of atoms of two molecules. At the first pair beyond the cutoff it returns 0, where it should go on
# with the next pair. The lines for "r < cutoff" stand beside it as a comment. There is no message. All functions
# hill_criterion() ... hill_criterion4() take these energies for their clusters.
#
# Remedy: give a cutoff that is larger than the largest distance between two atoms of molecules that touch each other, for
# example the cutoff plus the length of both molecules.
#
# Seen with mdscope 0.2.0, numpy 2.3.5, numba 0.62.1: two chains of eight united atoms lie side by side, 4 A apart, without
# charges. Their ends are 9.8 A apart. With a cutoff of 9 A their energy is -2.947 kcal/mol, and mdscope gives 0. With 10 A it
# is -2.950, and mdscope is right. Of ten chains in a row, Hill's criterion finds one cluster of ten with a cutoff of 30 A, and
# ten clusters of one with 9 A.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==2.3.5 numba==0.62.1 scipy==1.16.3 pandas==2.3.3 \
  mdscope==0.2.0
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys

import numpy as np
from mdscope.compute import hill_criterion, inter_molecular_pe
from mdscope.graph import bfs_connected_components

print("mdscope", importlib.metadata.version("mdscope"))
BOX = np.array([200.0, 200.0, 200.0])


def energy(first, second, types, eps, sig, cutoff):
    """Sum over the pairs of atoms that are nearer than the cutoff."""
    total = 0.0
    for i, a in enumerate(first):
        for j, b in enumerate(second):
            r = np.linalg.norm(a - b)
            if r < cutoff:
                s = (sig[types[i], types[j]] / r) ** 6
                total += 4 * eps[types[i], types[j]] * (s * s - s)
    return total


# 1. Two chains side by side: united atoms CH2, without charges.
chain = np.array([[1.27 * i, 0.3 * (-1) ** i, 0.0] for i in range(8)]) + 50
types = np.zeros(8, dtype=np.int64)
eps, sig, q = np.array([[0.0914]]), np.array([[3.95]]), np.array([0.0])
beside = chain + [0, 0, 4.0]
arguments = (types, types, eps, sig, q, BOX)
largest = max(np.linalg.norm(a - b) for a in chain for b in beside)
for cutoff in (9.0, 10.0, 12.0):
    ours, right = inter_molecular_pe(chain, beside, *arguments, cutoff), energy(chain, beside, types, eps, sig, cutoff)
    print(f"two chains, cutoff {cutoff} A (largest distance {largest:.1f} A): {ours:.3f} kcal/mol (right: {right:.3f})")
short = inter_molecular_pe(chain, beside, *arguments, 9.0), energy(chain, beside, types, eps, sig, 9.0)
long = inter_molecular_pe(chain, beside, *arguments, 12.0), energy(chain, beside, types, eps, sig, 12.0)

# 2. Clusters of ten cold chains in a row.
row = np.array([chain + [0, 0, 4.4 * i] for i in range(10)])
none = np.zeros((0, 8, 3))
sizes = {}
for cutoff in (9.0, 30.0):
    mass = np.array([14.027])
    adjacent, _ = hill_criterion(row, none, np.zeros_like(row), none, types, types, eps, sig, q, mass, BOX, cutoff)
    sizes[cutoff] = sorted(int(size) for size in bfs_connected_components(adjacent.astype(np.int64))[0])
    print(f"ten chains in a row, cutoff {cutoff} A: clusters of {sizes[cutoff]}")
facts = {
    "chains beyond the cutoff at their ends: 0": short[0] == 0 and short[1] < -2.5,
    "chains within the cutoff: right": abs(long[0] / long[1] - 1) < 1e-6,
    "Hill: one cluster falls into ten": sizes == {9.0: [1] * 10, 30.0: [10]},
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
NUMBA_NUM_THREADS=1 env/bin/python probe.py
