#!/usr/bin/env bash
# ASE 3.29.0: get_rdf() does not count an atom whose only neighbour within rmax is the first atom of the system. If the first
# atom is the only ion, g(r) of water around it is 0 at all distances. If it is one of two ions, a quarter or more is missing.
#
# ase.geometry.rdf.get_rdf(elements=("O", "K")) goes through the oxygen atoms, and takes those neighbours that are potassium.
# It leaves out an atom without neighbours, and asks for it by `np.count_nonzero(j_indices) == 0` (_get_rdf_per_frame in
# ase/geometry/rdf.py). This counts the indices that are not 0, and not the indices. An atom with no other neighbour than
# atom 0 is left out as well. The order ("K", "O") is right, since each ion has many neighbours.
# The docstring says that partial functions satisfy g_ij(r) = g_ji(r) since 3.27.0. There is no message.
#
# It is the case of the dilute solution, with the ion in front of the water in the file. With several ions the loss depends on
# the distance: it is largest near the ion, where an oxygen atom sees no second ion. For the same reason it gets smaller with a
# larger rmax: the same bins have another value then. The total function (elements=None) and those of like atoms are right, since
# each atom is in its own list of neighbours there.
# Remedy: the rarer element first in `elements`; or distance_matrix=atoms.get_all_distances(mic=True).
#
# Seen with ase 3.29.0, numpy 2.4.6, scipy 1.17.1: 200 O and 1, 2 or 4 K at random places in a cell of 20 A, 12 frames. g(r) is
# 1, except for noise. The mean of g_OK over 2 to 6 A is 0, 0.58 and 0.83 of that of g_KO for rmax=6, and 0, 0.74 and 0.96 for
# rmax=9. It is the same as that of g_KO in all cases, if the K stand behind the O, or if the distances are given.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile ase==3.29.0 numpy==2.4.6 scipy==1.17.1
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys
import warnings

import numpy as np
from ase import Atoms
from ase.geometry.rdf import get_rdf

warnings.simplefilter("error")  # a message of ASE would end the probe
EDGE, OXYGEN, FRAMES = 20.0, 200, 12


def mean(images, elements, rmax, given=False):
    """The mean of g(r) over 2 to 6 A. The bins are 0.5 A wide."""
    functions = []
    for image in images:
        distances = image.get_all_distances(mic=True) if given else None
        functions.append(get_rdf(image, rmax, int(2 * rmax), distances, elements, no_dists=True))
    return np.mean(functions, axis=0)[4:12].mean()


print("ase", importlib.metadata.version("ase"))
rng = np.random.default_rng(0)
share, given, behind, right = {}, {}, {}, {}
for ions in (1, 2, 4):
    places = rng.random((FRAMES, ions + OXYGEN, 3)) * EDGE
    cell = {"cell": [EDGE] * 3, "pbc": True}
    front = [Atoms(["K"] * ions + ["O"] * OXYGEN, x, **cell) for x in places]
    turned = [Atoms(["O"] * OXYGEN + ["K"] * ions, x[::-1], **cell) for x in places]
    for rmax in (6.0, 9.0):
        key = ions, rmax
        right[key] = mean(front, ("K", "O"), rmax)
        share[key] = mean(front, ("O", "K"), rmax) / right[key]
        given[key] = mean(front, ("O", "K"), rmax, given=True) / right[key]
        behind[key] = mean(turned, ("O", "K"), rmax) / right[key]
        print(
            f"{ions} K, rmax={rmax:.0f}: mean of g_KO {right[key]:.2f}; g_OK / g_KO {share[key]:.2f}, with given distances "
            f"{given[key]:.2f}, with K behind O {behind[key]:.2f}"
        )
facts = {
    "g_KO is 1, but for noise": all(abs(g - 1) < 0.2 for g in right.values()),
    "one ion: g_OK is 0": share[1, 6.0] == share[1, 9.0] == 0,
    "two ions: at least a quarter is missing": max(share[2, 6.0], share[2, 9.0]) < 0.75,
    "four ions: some is missing, less for larger rmax": share[4, 6.0] < 0.9 and share[4, 6.0] < share[4, 9.0] < 0.99,
    "given distances, or K behind O: right": bool(np.allclose([*given.values(), *behind.values()], 1)),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
