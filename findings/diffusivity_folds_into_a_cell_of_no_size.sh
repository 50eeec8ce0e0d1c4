#!/usr/bin/env bash
# diffusivity 0.1.1: the diffusion coefficient of tracers is zero, because the cell is made 100 million times smaller than it is. With
# the right cell it is three times too large, and the same along x, y and z. That of the centre of mass is no square.
#
# diffusivity computes diffusion coefficients from trajectories of VASP. It has changed the DiffusionCoefficient of ASE in four
# places (diffusion_coefficients.py). There is no message.
# 1. The constructor multiplies the cell by 1e-8, which would be for centimetres. The positions stay in A, as its own program
#    process.py and the documentation of the class have them. Each displacement is folded into this cell, and nothing is left.
# 2. calculate() takes the displacement since the first frame as the shortest distance in a periodic cell. An atom cannot move by
#    more than half of the cell.
# 3. It adds the square of this distance, which is dx^2 + dy^2 + dz^2, to each of x, y and z.
# 4. For calculation_type="com" it should square the displacement of the centre of mass. It adds the square to the displacement,
#    and does so for one species only, the last one. The sign of the drift matters.
#
# Remedy: take ase.md.analysis.DiffusionCoefficient with unwrapped positions.
#
# Seen with diffusivity 0.1.1, ASE 3.23.0: a random walk of 200 atoms in a cell of 400 A, with different steps along x, y and z. The
# coefficients should be 0.5, 2.0 and 4.5 A^2 per frame. ASE has 0.55, 1.97 and 3.95. diffusivity has 0.00, 0.00 and 0.00. If one
# makes the cell 1e8 times larger before, it has 6.47 three times. For two atoms of different species, which drift by 0.5 A per
# frame along x, it has squares of 1.0 and 2.0 A^2 after two frames, and of -1.0 and 0.0 for the other sign. It should be 1.0.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==1.26.4 scipy==1.11.4 matplotlib==3.8.4 ase==3.23.0
"$place/env/bin/python" -m pip install --quiet --no-compile --no-deps diffusivity==0.1.1
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys

import numpy as np
from ase import Atoms
from ase.md.analysis import DiffusionCoefficient as Original
from diffusivity.diffusion_coefficients import DiffusionCoefficient

print("diffusivity", importlib.metadata.version("diffusivity"), "ase", importlib.metadata.version("ase"))
ATOMS, FRAMES, EDGE = 200, 60, 400.0
STEPS = np.array([1.0, 2.0, 3.0])  # A, along x, y and z
rng = np.random.default_rng(0)
walk = np.full((ATOMS, 3), EDGE / 2) + np.cumsum(rng.normal(size=(FRAMES, ATOMS, 3)) * STEPS, axis=0)


def slopes(cls, images, **options):
    made = cls(images, 1.0, **options)
    made.calculate()
    return np.squeeze(made.slopes)


images = [Atoms(f"K{ATOMS}", positions=p, cell=[EDGE] * 3, pbc=True) for p in walk]
larger = [Atoms(f"K{ATOMS}", positions=p, cell=[EDGE * 1e8] * 3, pbc=True) for p in walk]
known = slopes(Original, images)
found = slopes(DiffusionCoefficient, images)
corrected = slopes(DiffusionCoefficient, larger)
print(f"exact: {STEPS**2 / 2}, ASE: {np.round(known, 3)}")
print(f"diffusivity: {np.round(found, 3)}, with a cell 1e8 times larger: {np.round(corrected, 3)}")

# 2. An atom that moves by 9 A per frame along x. The cell has an edge of 10 A for the class.
fast = [Atoms("K", positions=[[9.0 * i, 0, 0]], cell=[10e8] * 3, pbc=True) for i in range(3)]
made = DiffusionCoefficient(fast, 1.0)
made.calculate()
squares = made.xyz_segment_ensemble_average[0, 0, 0] * 2
print(f"9 A per frame in a cell of 10 A: squares {squares} (right: 0, 81, 324)")

# 4. Two species with the same drift along x.
drift = {}
for sign in (1, -1):
    frames = [Atoms("HK", positions=[[sign * 0.5 * i, 0, 0]] * 2, cell=[100.0] * 3) for i in range(3)]
    made = DiffusionCoefficient(frames, 1.0, calculation_type="com")
    made.calculate()
    drift[sign] = made.xyz_segment_ensemble_average[0, :, 0, 2] * 2
    print(f"drift {sign * 0.5} A per frame, after 2 frames: squares {drift[sign]} A^2 (right: 1.0 for both)")
facts = {
    "ASE is right": np.allclose(known, STEPS**2 / 2, rtol=0.2),
    "nothing is left in the small cell": np.all(np.abs(found) < 1e-6),
    "the sum of x, y and z three times": np.allclose(corrected, known.sum(), rtol=1e-6),
    "no more than half of the cell": np.allclose(squares, [0, 1, 4]),
    "centre of mass: the displacement plus its square": np.allclose(drift[1], [1.0, 2.0]) and np.allclose(drift[-1], [-1.0, 0.0]),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python -W ignore probe.py
