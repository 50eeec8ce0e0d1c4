#!/usr/bin/env bash
# radialdf 0.0.1: the radial distribution function of points in a plane is divided by the volumes of spheres. It falls as 1/r, and
# changes with the unit of length.
#
# inner_rdf() takes the points as an array [n, k], and its documentation says that k is the number of dimensions, and the limits
# an array [k, 2]. So ions in a layer or at an electrode (k = 2) are allowed, and pass its check of the shapes. The
# neighbours are searched in two dimensions, and the density is the number per area. But the number of neighbours in a ring is
# divided by the volume of a spherical shell (radialdf/__init__.py), for all k. For points without any structure the result
# should be 1 everywhere. It is 1 / (2 r), in the unit in which the points are given: with A it looks like a strong
# attraction below 0.5 A and like a depletion after that. There is no message.
#
# Remedy: multiply by 2 r (precisely (4/3) (b^3 - a^3) / (b^2 - a^2) for a ring from a to b).
#
# Seen with radialdf 0.0.1, numpy 1.26.4 (it needs numpy.product, which numpy 2 lacks), scipy 1.17.1: 20000 random points in a
# square of 40 A: 0.35 at r = 1.5 A, 0.17 at 3 A, 0.07 at 7 A; by rings 1.00 at all of them. In nm the same points have ten times as
# much. 20000 random points in a cube are right: 1.00 at all distances.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile radialdf==0.0.1 numpy==1.26.4 scipy==1.17.1
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys
import warnings

import numpy as np
from radialdf import inner_rdf
from scipy.spatial import KDTree

warnings.simplefilter("ignore")
EDGE, RANGE, STEP = 40.0, 8.0, 0.25
rng = np.random.default_rng(0)
middle = (np.arange(RANGE / STEP) + 0.5) * STEP


def by_radialdf(points, unit=1.0):
    limits = [[0, EDGE * unit]] * points.shape[1]
    return inner_rdf(limits, points * unit, RANGE * unit, STEP * unit)[: len(middle)]


def rings(points):
    """g(r) of points in a plane, with rings: pairs from a point at least RANGE from the edge."""
    inner = points[np.all((points > RANGE) & (points < EDGE - RANGE), axis=1)]
    edges = np.arange(0, RANGE + STEP / 2, STEP)
    counts = KDTree(inner).count_neighbors(KDTree(points), edges) - len(inner)  # without the point itself
    return np.diff(counts) / len(inner) / (np.pi * np.diff(edges**2)) / (len(points) / EDGE**2)


def at(g, r):
    return g[np.abs(middle - r) < 0.5].mean()


print("radialdf", importlib.metadata.version("radialdf"), "numpy", np.__version__)
plane, cube = rng.random((20000, 2)) * EDGE, rng.random((20000, 3)) * EDGE
found, in_nm, right, found_3d = by_radialdf(plane), by_radialdf(plane, 0.1), rings(plane), by_radialdf(cube)
for r in (1.5, 3.0, 4.5, 6.0, 7.0):
    print(
        f"r = {r:.1f}: plane {at(found, r):.4f} (1 / 2r = {1 / (2 * r):.4f}), with a tenth of the unit {at(in_nm, r):.4f}, "
        f"by rings {at(right, r):.3f}; cube {at(found_3d, r):.3f}"
    )
edges = np.arange(0, RANGE + STEP / 2, STEP)
mended = found * 4 / 3 * np.diff(edges**3) / np.diff(edges**2)
facts = {
    "by rings: 1 within 3 % from r = 1": bool(np.abs(right[middle > 1] - 1).max() < 0.03),
    "radialdf in a plane: 1 / (2 r) within 4 % from r = 1": bool(np.abs(found * 2 * middle - 1)[middle > 1].max() < 0.04),
    "it changes with the unit of length": bool(np.allclose(in_nm[4:-1], 10 * found[4:-1], rtol=0.02)),
    "the right factor mends it": bool(np.allclose(mended[4:-1], right[4:-1], rtol=0.01)),
    "radialdf in a cube: 1 within 5 % from r = 3": bool(np.abs(found_3d[middle > 3] - 1).max() < 0.05),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
