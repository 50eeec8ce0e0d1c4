#!/usr/bin/env bash
# PMDA 0.3.0: a radial distribution function of every tenth frame is a hundred times too small, and one of the last half of the
# trajectory is four times too small. The coordination numbers from it are too small by ten and two.
#
# PMDA is the parallel version of the analyses of MDAnalysis. Its InterRDF and InterRDF_s (pmda/rdf.py) add up the counts and
# the volumes of the frames that they are told to take, by `start`, `stop` and `step` of run(). But they divide both by the
# number of all frames of the trajectory. The mean volume gets too small by the fraction of frames that was taken, and so do the
# counts, so that g(r) has the square of this fraction. There is no message. MDAnalysis itself divides by the frames that it
# takes.
#
# Remedy: multiply g(r) by (all frames / taken frames)^2, and `cdf` by all frames / taken frames.
#
# Seen with PMDA 0.3.0, MDAnalysis 2.4.3, numpy 1.23.5: 40 frames of an ideal gas, where g(r) is 1. With all frames it is 1.00.
# With step=2 it is 0.25, with step=10 it is 0.010, with start=20 it is 0.25. MDAnalysis has 1.00, 1.01 and 1.00 for the same
# frames. The mean number of pairs within 14 A is 1064, 533, 107 and 530.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
# PMDA asks for no versions, and needs an array of arrays of different length, which numpy 1.24 refuses.
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==1.23.5 scipy==1.10.1 MDAnalysis==2.4.3 six==1.17.0 \
  "dask[complete]==2023.5.0" pandas==2.0.3
"$place/env/bin/python" -m pip install --quiet --no-compile --no-deps pmda==0.3.0
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys
import warnings

import numpy as np

warnings.simplefilter("ignore")
import MDAnalysis as mda  # noqa: E402
from MDAnalysis.analysis.rdf import InterRDF as Serial  # noqa: E402
from pmda.rdf import InterRDF, InterRDF_s  # noqa: E402

print("pmda", importlib.metadata.version("pmda"), "MDAnalysis", mda.__version__)
ATOMS, FRAMES, EDGE, OUTER = 100, 40, 30.0, 14.0  # A
rng = np.random.default_rng(0)
gas = mda.Universe.empty(ATOMS, trajectory=True)
positions = (rng.random((FRAMES, ATOMS, 3)) * EDGE).astype(np.float32)
gas.load_new(positions, order="fac", dimensions=np.array([EDGE] * 3 + [90.0] * 3))
gas.add_TopologyAttr("name", ["K"] * ATOMS)
gas.atoms.write("gas.gro")
gas.atoms.write("gas.dcd", frames="all")
universe = mda.Universe("gas.gro", "gas.dcd")
first, second = universe.atoms[:50], universe.atoms[50:]
bins = {"nbins": 14, "range": (0.0, OUTER)}
FAR = slice(6, None)


def exact_pairs(frames):
    """Mean number of pairs within OUTER, by numpy."""
    delta = positions[frames, :50, None] - positions[frames, None, 50:]
    delta -= EDGE * np.round(delta / EDGE)
    return np.mean(np.sum(np.linalg.norm(delta, axis=-1) < OUTER, axis=(1, 2)))


g, pairs, sites, serial, right = {}, {}, {}, {}, {}
for name, options in (("all frames", {}), ("step=2", {"step": 2}), ("step=10", {"step": 10}), ("start=20", {"start": 20})):
    rdf = InterRDF(first, second, **bins).run(n_jobs=1, n_blocks=1, **options)
    g[name], pairs[name] = rdf.rdf[FAR].mean(), rdf.cdf[-1]
    by_site = InterRDF_s(universe, [[first, second]], **bins).run(n_jobs=1, n_blocks=1, **options)
    sites[name] = np.sum(by_site.rdf[0], axis=(0, 1))[FAR].mean()
    serial[name] = Serial(first, second, **bins).run(**options).results.rdf[FAR].mean()
    right[name] = exact_pairs(slice(options.get("start"), None, options.get("step")))
    print(f"{name}: g(r) {g[name]:.4f}, by sites {sites[name]:.4f} (MDAnalysis: {serial[name]:.4f})", end="")
    print(f", pairs within {OUTER:.0f} A {pairs[name]:.1f} (right: {right[name]:.1f})")
fraction = {"all frames": 1.0, "step=2": 0.5, "step=10": 0.1, "start=20": 0.5}
facts = {
    "all frames: right": abs(g["all frames"] / serial["all frames"] - 1) < 1e-4,
    "g(r) has the square of the fraction": all(abs(g[x] / serial[x] / fraction[x] ** 2 - 1) < 1e-3 for x in fraction),
    "by sites, too": all(abs(sites[x] / g[x] - 1) < 1e-3 for x in fraction),
    "the pairs have the fraction": all(abs(pairs[x] / right[x] / fraction[x] - 1) < 1e-3 for x in fraction),
    "MDAnalysis is right": all(abs(value - 1) < 0.03 for value in serial.values()),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python -W ignore probe.py
