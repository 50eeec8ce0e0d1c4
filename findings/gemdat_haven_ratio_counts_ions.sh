#!/usr/bin/env bash
# GEMDAT 1.8.1: haven_ratio() is too large by a factor of the number of ions. It gives 64 for 64 ions that move
# independently, where the Haven ratio is 1, and never less than about 1.
#
# The Haven ratio is D*/D_sigma. D* is the tracer diffusion coefficient. D_sigma belongs to the sum of all displacements:
# <|sum of dr|^2> / (6 N t). The centre of mass moves by (sum of dr) / N. So D_sigma is N times the diffusion coefficient
# of the centre of mass. haven_ratio() in gemdat/metrics.py divides by that of the centre of mass itself, and there is no
# N anywhere. Its documentation says only "Calculate Haven's ratio". The formula of D_sigma in the issue that asked for
# it (GEMDAT-repos/GEMDAT, 269) is the right one, with the N. The pull request (283) shows a ratio of 24 for lithium,
# with the remark that it is not clear whether the numbers make sense.
#
# By the Cauchy-Schwarz inequality the result of GEMDAT is 1 or more for any ions of one kind. A chemist reads that as ions
# that hinder each other. Whoever divides tracer_conductivity() by it gets a conductivity that is N times too small. The
# number changes with the size of the box, too. tracer_diffusivity() and tracer_conductivity() are not affected.
# Remedy: divide haven_ratio() by the number of ions of the filtered trajectory.
#
# Seen with GEMDAT 1.8.1, pymatgen-analysis-diffusion 2026.9.23, pymatgen-core 2026.10.16, numpy 2.4.6: random walks of K+,
# with the trajectory filtered for K, as in the README. 64 ions: about 63 if they move independently (right: 1), 31 if
# they move in pairs (1/2), 1 if all move as one (1/64). pymatgen's DiffusionAnalyzer gives 1/N for the last case.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile gemdat==1.8.1 pymatgen-analysis-diffusion==2026.9.23 \
  pymatgen==2026.10.24 pymatgen-core==2026.10.16 numpy==2.4.6 scipy==1.17.1
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys
import warnings

import numpy as np
from gemdat import Trajectory
from pymatgen.analysis.diffusion.analyzer import DiffusionAnalyzer
from pymatgen.core import Element, Lattice, Structure

warnings.simplefilter("ignore")
EDGE, FRAMES, WALKS, STEP = 20.0, 11, 200, 1e-13  # A, frames, trajectories, s
RIGHT = {"alone": lambda n: 1, "in pairs": lambda n: 1 / 2, "as one": lambda n: 1 / n}
rng = np.random.default_rng(0)


def walk(ions, kind):
    """Positions of the ions, not wrapped."""
    free = {"alone": ions, "in pairs": ions // 2, "as one": 1}[kind]
    steps = np.repeat(rng.normal(0, 0.1, (FRAMES - 1, free, 3)), ions // free, axis=1)
    moved = np.concatenate([np.zeros((1, ions, 3)), np.cumsum(steps, axis=0)])
    return rng.random((1, ions, 3)) * EDGE + moved


def gemdat(x):
    """A box with K+ and oxygen atoms at rest; then K alone, as GEMDAT's authors do it."""
    rest = np.broadcast_to(np.linspace(0, 15, 12).reshape(1, 4, 3), (len(x), 4, 3))
    whole = Trajectory(
        species=[Element("K")] * x.shape[1] + [Element("O")] * 4,
        coords=np.concatenate([x, rest], axis=1) / EDGE,
        lattice=Lattice.cubic(EDGE).matrix,
        constant_lattice=True,
        time_step=STEP,
        metadata={"temperature": 300},
    )
    metrics = whole.filter("K").metrics()
    return (
        float(metrics.tracer_diffusivity()),
        float(metrics.tracer_diffusivity_center_of_mass()),
        float(metrics.haven_ratio()),
    )


def exact(x):
    dr = x[-1] - x[0]
    return (dr**2).sum(axis=1).mean(), (dr.sum(axis=0) ** 2).sum() / len(dr)


print("GEMDAT", importlib.metadata.version("gemdat"))
as_found = True
for kind, right in RIGHT.items():
    for ions in (8, 64):
        found, here = [], []
        for _ in range(WALKS):
            x = walk(ions, kind)
            found.append(gemdat(x))
            here.append(exact(x))
        found, here = np.array(found), np.array(here)
        if not np.allclose(found[:, 0] * 6 * STEP * FRAMES * 1e20, here[:, 0], rtol=1e-6):
            sys.exit("the displacements are not those of the walk: this probe is no good here")
        by_definition = here[:, 0] / here[:, 1]
        as_found &= bool(np.allclose(found[:, 2] / by_definition, ions, rtol=1e-6))
        as_found &= found[:, 2].min() > 1 - 1e-6
        # D* and D_com, each as a mean over all trajectories
        mean, mean_right = found[:, 0].mean() / found[:, 1].mean(), here[:, 0].mean() / here[:, 1].mean()
        if not 0.75 < mean_right / right(ions) < 1.33:
            sys.exit("the walks have not the Haven ratio that they should have: this probe is no good here")
        print(
            f"{ions} ions, {kind}: Haven ratio {mean:.2f} by GEMDAT's D* and D of the centre of mass, {mean_right:.3f} by the "
            f"definition ({right(ions):.3f} for endless walks); haven_ratio() is "
            f"{np.mean(found[:, 2] / by_definition):.6f} times the right one"
        )

# The same by another program.
x = walk(8, "as one")
structures = [
    Structure(Lattice.cubic(EDGE), ["K"] * 8 + ["O"], np.concatenate([f, np.zeros((1, 3))]), coords_are_cartesian=True)
    for f in x
]
by_pymatgen = DiffusionAnalyzer.from_structures(structures, "K", 300, 100, 1, smoothed=False).haven_ratio
by_gemdat = gemdat(x)[2]
print(f"8 ions that move as one: pymatgen {by_pymatgen:.4f} = 1/8, GEMDAT {by_gemdat:.4f}")
as_found &= bool(np.isclose(by_pymatgen, 1 / 8, rtol=1e-6) and np.isclose(by_gemdat, 1, rtol=1e-6))
print("as found" if as_found else "CHANGED")
sys.exit(not as_found)
PY
env/bin/python probe.py
