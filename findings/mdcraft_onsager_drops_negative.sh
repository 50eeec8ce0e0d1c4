#!/usr/bin/env bash
# mdcraft 1.3.2: Onsager.calculate_transport_coefficients() throws away every point of a cross displacement that is not
# positive, before it fits the slope. A negative L_ij becomes nan, and a noisy one near zero becomes positive.
#
# L_ij of two species is the slope of <sum of dr_i * sum of dr_j>, which has either sign. The function keeps only points with
# y > 0 (`valid` in mdcraft/analysis/transport.py), for `scale="log"` (the default), where a logarithm needs it, and for
# `scale="linear"`, where nothing does. Nothing in its documentation says this, and there is no message.
#
# Negative coefficients are not rare. If the centre of mass rests (`center=True`, all atoms in the groups), the sum of
# m_j L_ij over j is zero. So every row must have a negative element. The conductivity is then nan, also if the negative
# coefficient is that of an ion with water: 0 times nan is nan. For ions that hardly feel each other, L_+- is noise
# around zero. Then some trajectories give nan, and the others a positive number. L_+- enters the conductivity with a minus
# sign, so the conductivity is too small on average, and a mean over trajectories or blocks doesn't help.
# Remedy: fit `results.msd_cross` with numpy.polyfit.
#
# Seen with mdcraft 1.3.2, MDAnalysis 2.11.0, numpy 2.3.5 (with numpy 2.4 the default scale ends in an error), scipy 1.17.1:
# random walks of 20 cations and 20 anions of one mass, 1001 frames, 30 trajectories. Independent ions: L_+- is
# negative in 18 of 30 trajectories by a straight line through all points, and in 3 (linear) or 0 (log) by mdcraft.
# The mean conductivity is 66 % (linear) and 82 % (log) of the right one. Centre of mass at rest: nan in all 30. Ions that
# drag each other along: the linear fit is right in all trajectories whose cross displacement is positive throughout.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile mdcraft==1.3.2 MDAnalysis==2.11.0 numpy==2.3.5 scipy==1.17.1
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys
import warnings

import MDAnalysis as mda
import numpy as np
from mdcraft.analysis.transport import Onsager

warnings.simplefilter("ignore")
EDGE, FRAMES, TRAJECTORIES, STEP = 20.0, 1001, 30, 0.1  # A, A per frame and direction
CHARGE = np.array([1.0, -1.0, 0.0])


def onsager(seed, counts, correlation=0.0, **options):
    """Walks of cations, anions and perhaps neutral particles. All have one mass."""
    rng = np.random.default_rng(seed)
    ions = counts[0]
    steps = rng.normal(0, STEP, (FRAMES - 1, sum(counts), 3))
    anions = slice(ions, 2 * ions)
    steps[:, anions] = correlation * steps[:, :ions] + np.sqrt(1 - correlation**2) * steps[:, anions]
    moved = np.concatenate([np.zeros((1, sum(counts), 3)), np.cumsum(steps, axis=0)])
    universe = mda.Universe.empty(sum(counts), trajectory=False)
    universe.add_TopologyAttr("masses", np.ones(sum(counts)))
    start = rng.random((1, sum(counts), 3)) * EDGE
    universe.load_new(start + moved, dimensions=[EDGE] * 3 + [90.0] * 3, dt=1.0)
    groups = [universe.atoms[k] for k in np.split(np.arange(sum(counts)), np.cumsum(counts)[:-1])]
    done = Onsager(groups, charges=CHARGE[: len(counts)], temperature=300, verbose=False, **options)
    return done.run()


def by_mdcraft(done, scale):
    done.calculate_transport_coefficients(scale=scale)
    done.calculate_conductivity()
    return done.results.L_ij[0], done.results.conductivity[0]


def straight_line(done):
    """The slopes of all points, in mdcraft's units."""
    slopes = [np.polyfit(done.results.times[1:], y[0, 1:], 1)[0] for y in done.results.msd_cross]
    size = len(done.results.L_ij[0])
    found = np.zeros((size, size))
    found[np.triu_indices(size)] = slopes
    found[np.tril_indices(size, -1)] = found.T[np.tril_indices(size, -1)]
    return found / (0.0083144626 * 300 * EDGE**3)  # kJ/mol, A^3


print("mdcraft", importlib.metadata.version("mdcraft"))
mean, nan, negative, close = {}, {}, {}, {}
for name, counts, options in (
    ("dragged along", (20, 20), {"correlation": 0.8}),
    ("independent", (20, 20), {}),
    ("salt, centre of mass at rest", (20, 20), {"center": True}),
    ("solution, centre of mass at rest", (20, 20, 60), {"center": True}),
):
    charge = CHARGE[: len(counts)]
    for scale in ("linear", "log"):
        rows = []
        for seed in range(TRAJECTORIES):
            done = onsager(seed, counts, **options)
            found, conductivity = by_mdcraft(done, scale)
            right = straight_line(done)
            positive = (done.results.msd_cross[:, 0, 1:] > 0).all()
            rows.append(
                (found[0, 1], right[0, 1], charge @ found @ charge, charge @ right @ charge, conductivity, positive)
            )
        found, right, kappa, kappa_right, given, positive = np.array(rows).T
        positive = positive.astype(bool)
        if not np.array_equal(np.isnan(kappa), np.isnan(given)):
            sys.exit("the conductivity is not made of L_ij: this probe is no good here")
        known = ~np.isnan(kappa)
        key = name, scale
        nan[key], negative[key] = int((~known).sum()), (int((found < 0).sum()), int((right < 0).sum()))
        mean[key] = kappa[known].mean() / kappa_right[known].mean() if known.any() else np.nan
        close[key] = positive.sum() > 10 and bool(np.allclose(found[positive], right[positive], rtol=1e-6))
        print(
            f"{name}, {scale}: L_+- negative in {negative[key][1]} of {TRAJECTORIES} trajectories by a straight line, in "
            f"{negative[key][0]} by mdcraft; conductivity nan in {nan[key]}; mean of the others {mean[key]:.2f} of the right one"
        )
facts = {
    "linear: right in those trajectories where all points are positive": close["dragged along", "linear"],
    "independent: negative in half of the trajectories": 10 < negative["independent", "linear"][1] < 20,
    "independent, log: never negative": negative["independent", "log"][0] == 0,
    "independent, linear: hardly ever negative": negative["independent", "linear"][0] < 6,
    "independent, linear: conductivity too small by more than 20 %": mean["independent", "linear"] < 0.8,
    "independent, log: conductivity too small by more than 10 %": mean["independent", "log"] < 0.9,
    "salt at rest: nan, for both scales": nan["salt, centre of mass at rest", "linear"]
    == nan["salt, centre of mass at rest", "log"]
    == TRAJECTORIES,
    "solution at rest: nan, for both scales": min(
        nan["solution, centre of mass at rest", s] for s in ("linear", "log")
    )
    > 0.9 * TRAJECTORIES,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
