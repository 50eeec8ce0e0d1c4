#!/usr/bin/env bash
# rouse 0.1.2: MSD() and ACF() do not know bonds and tethers that were added after the model was made. A polymer that is tied to a
# point diffuses away without limit.
#
# The package has the Rouse model of a polymer: beads on springs with friction. Model(N) makes a linear chain; add_bonds() adds
# springs (a ring, a loop, a network), and add_tether() ties a bead to a point. Both note that the matrices of the dynamics are
# out of date. evolve(), propagate() and steady_state() look at this note, and compute them anew. MSD() and ACF() in rouse/rouse.py
# do not. They use the eigenvalues of the chain before the change. So the analytical mean squared displacement does not
# belong to the trajectories of evolve() from the same object. And it depends on the order of the calls: after one call of
# steady_state(), or one step of evolve(), the same MSD() is right. There is no message, and the documentation of add_tether and
# MSD does not ask for an update.
#
# Remedy: model.update_dynamics() after each change; bonds as an argument of Model().
#
# Seen with rouse 0.1.2, numpy 2.4.6, scipy 1.17.1, a chain of 20 beads, D = 1, k = 1, 3 dimensions: the first bead, tied to the
# origin, has a mean squared displacement of 337 after a time of 1000, as if it were free. It should be 6.0, and it is after
# steady_state(). The vector between the ends of a chain that was closed to a ring: 114 instead of 5.7.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile rouse==0.1.2 numpy==2.4.6 scipy==1.17.1
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys

import numpy as np
from rouse import Model

BEADS, TIME = 20, 1000.0
print("rouse", importlib.metadata.version("rouse"), "numpy", np.__version__)


def by_numpy(matrix, weights):
    """The mean squared displacement of weights @ x after TIME, in 3 dimensions, D = k = 1."""
    values, vectors = np.linalg.eigh(matrix)
    part = weights @ vectors
    safe = np.where(values > 1e-9, values, 1.0)
    grown = np.where(values > 1e-9, (1 - np.exp(-safe * TIME)) / safe, TIME)
    return 6 * np.sum(part**2 * grown)


def chain():
    matrix = 2 * np.eye(BEADS) - np.eye(BEADS, k=1) - np.eye(BEADS, k=-1)
    matrix[0, 0] = matrix[-1, -1] = 1
    return matrix


first = np.eye(BEADS)[0]
ends = first - np.eye(BEADS)[-1]
tied = chain()
tied[0, 0] += 1
ring = chain() + np.outer(ends, ends)
found = {}
for name, weights, matrix in (("free", first, chain()), ("tied", first, tied), ("ring", ends, ring)):
    model = Model(BEADS)
    if name == "tied":
        model.add_tether(0)
    if name == "ring":
        model.add_bonds([(0, BEADS - 1)])
    msd, acf = model.MSD(TIME, w=weights)[0], model.ACF(0.0, w=weights)[0]
    model.steady_state()
    found[name] = msd, model.MSD(TIME, w=weights)[0], by_numpy(matrix, weights), acf, model.ACF(0.0, w=weights)[0]
    print(
        f"{name}: MSD {found[name][0]:.2f}, after steady_state() {found[name][1]:.2f}, by numpy {found[name][2]:.2f}; "
        f"ACF(0) {found[name][3]:.2f}, after steady_state() {found[name][4]:.2f}"
    )
at_once = Model(BEADS, add_bonds=[(0, BEADS - 1)]).MSD(TIME, w=ends)[0]
print(f"ring made by Model(add_bonds=...): {at_once:.2f}")

# The trajectories of the tied chain, by evolve(): 2000 chains at once, as more dimensions
model = Model(BEADS, setup_dynamics=False)
model.add_tether(0)
model.update_dynamics(TIME)
np.random.seed(0)
moves = [model.evolve(start, check_dynamics=False)[0] - start[0] for start in (model.conf_ss() for _ in range(2000))]
walked = np.mean(np.sum(np.square(moves), axis=1))
print(f"tied, by trajectories of evolve(): {walked:.2f}")
facts = {
    "the free chain is right": abs(found["free"][0] / found["free"][2] - 1) < 1e-6,
    "tied: as the free chain": abs(found["tied"][0] / found["free"][0] - 1) < 1e-9,
    "tied: more than 50 times too large": found["tied"][0] > 50 * found["tied"][2],
    "tied: right after steady_state()": abs(found["tied"][1] / found["tied"][2] - 1) < 1e-6,
    "tied: the trajectories agree with numpy": abs(walked / found["tied"][2] - 1) < 0.05,
    "ring: more than 5 times too large": found["ring"][0] > 5 * found["ring"][2],
    "ring: right after steady_state()": abs(found["ring"][1] / found["ring"][2] - 1) < 1e-6,
    "ring: right if made at once": abs(at_once / found["ring"][2] - 1) < 1e-6,
    "ring: ACF changes as well": found["ring"][3] > 5 * found["ring"][4],
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
