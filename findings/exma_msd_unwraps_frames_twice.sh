#!/usr/bin/env bash
# exma 0.6.1: the second mean squared displacement from the same frames is wrong, because the first one has changed them. The image
# flags are added once more each time. And the radial distribution function of K and all atoms is that of all and all atoms.
#
# MeanSquareDisplacement takes a list of frames, and an element, `type_e`. It uses the image flags (ix, iy, iz) of a LAMMPS dump to
# unwrap the path, as its docstring tells. For this it calls frame._unwrap() (exma/core.py), which writes the unwrapped positions
# into the frame itself, and leaves ix, iy and iz as they are. The frames belong to the caller. The next analysis of an atom that
# was unwrapped before adds the edges of the box again: a curve of all atoms, and after it those of each element, or one curve
# twice. There is no message. The curve begins at 0 and looks like that of a faster liquid.
#
# RadialDistributionFunction and CoordinationNumber name the central atoms by type_c and the others by type_i, each "all" by
# default. _local_configure() asks `if self.type_c == "all" or self.type_i == "all"` and then takes all atoms for both. So the
# environment of one element, type_c="K", is that of the whole system: the coordination number of the oxygen and hydrogen atoms.
#
# Remedy: copy.deepcopy(frames) for each mean squared displacement; sum over the elements for type_i="all".
#
# Seen with exma 0.6.1, numpy 2.4.6: 20 K and 180 O in a box of 12 A, a dump of 60 frames with x y z ix iy iz. The mean squared
# displacement of K after 59 frames is 45 A^2, from fresh frames and by numpy. After an analysis of all atoms it is 276 A^2, and
# the next time 780 A^2. K has 25.1 neighbours within 4 A. CoordinationNumber(frames, 4.0, type_c=1) finds 32.5, the mean of all atoms.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile exma==0.6.1 numpy==2.4.6 scipy==1.17.1 pandas==3.1.1 matplotlib==3.11.2 \
  scikit-learn==1.9.1 more-itertools==11.2.1
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys

import numpy as np
from exma.cn import CoordinationNumber
from exma.io.reader import read_lammpstrj
from exma.msd import MeanSquareDisplacement
from exma.rdf import RadialDistributionFunction

EDGE, FRAMES, IONS, OXYGEN, CUTOFF = 12.0, 60, 20, 180, 4.0
rng = np.random.default_rng(0)
ATOMS = IONS + OXYGEN
types = np.repeat([1, 2], [IONS, OXYGEN])


def far_from_ions():
    """The first frame: oxygen atoms in the upper three quarters of the box, ions anywhere in the lower half."""
    place = rng.random((ATOMS, 3)) * EDGE
    place[:IONS, 2] *= 0.5
    place[IONS:, 2] = EDGE * (0.25 + 0.75 * rng.random(OXYGEN))
    return place


steps = rng.normal(size=(FRAMES, ATOMS, 3)) * np.where(types == 1, 0.55, 0.3)[:, None]
steps[0] = far_from_ions()
path = np.cumsum(steps, axis=0)
with open("path.lammpstrj", "w") as dump:
    for number, x in enumerate(path):
        image = np.floor(x / EDGE).astype(int)
        dump.write(f"ITEM: TIMESTEP\n{number * 100}\nITEM: NUMBER OF ATOMS\n{ATOMS}\nITEM: BOX BOUNDS pp pp pp\n")
        dump.write(f"0.0 {EDGE}\n" * 3 + "ITEM: ATOMS id type x y z ix iy iz\n")
        for atom, (wrapped, flags) in enumerate(zip(x - image * EDGE, image, strict=True)):
            dump.write(f"{atom + 1} {types[atom]} {wrapped[0]:.6f} {wrapped[1]:.6f} {wrapped[2]:.6f} ")
            dump.write(f"{flags[0]} {flags[1]} {flags[2]}\n")


def msd(frames, kind):
    return float(MeanSquareDisplacement(frames, 1.0, type_e=kind).calculate()["msd"].iloc[-1])


print("exma", importlib.metadata.version("exma"))
right = float(((path[-1] - path[0])[types == 1] ** 2).sum(axis=1).mean())
frames = read_lammpstrj("path.lammpstrj")
fresh = msd(read_lammpstrj("path.lammpstrj"), 1)
everything = msd(frames, "all")
second, third = msd(frames, 1), msd(frames, 1)
print(f"mean squared displacement of K: {right:.1f} A^2 by numpy, {fresh:.1f} from fresh frames,")
print(f"{second:.1f} after an analysis of all atoms, {third:.1f} after one more")

apart = path[:1, :, None] - path[:1, None, :]
distance = np.sqrt(((apart - EDGE * np.round(apart / EDGE)) ** 2).sum(axis=-1))[0]
neighbours = ((distance < CUTOFF) & (distance > 0)).sum(axis=1)
first = read_lammpstrj("path.lammpstrj")[:1]
found = CoordinationNumber(first, CUTOFF, type_c=1).calculate()[0]
parts = sum(CoordinationNumber(first, CUTOFF, type_c=1, type_i=kind).calculate()[0] for kind in (1, 2))
g = {
    pair: RadialDistributionFunction(first, *pair, rmax=5.0).calculate()["rdf"].to_numpy()
    for pair in ((1, "all"), ("all", "all"))
}
print(f"neighbours of K: {neighbours[types == 1].mean():.1f}, of any atom: {neighbours.mean():.1f}")
print(f"exma: K and all {found:.1f}, K and K plus K and O {parts:.1f}")
facts = {
    "fresh frames: right": bool(np.isclose(fresh, right, rtol=1e-3)),
    "after an analysis of all atoms: three times too large at least": second > 3 * right,
    "once more: even larger": third > 1.5 * second,
    "K and all: the number of all atoms": bool(np.isclose(found, neighbours.mean(), rtol=1e-3)),
    "which is not that of K": abs(neighbours[types == 1].mean() / neighbours.mean() - 1) > 0.1,
    "K and K plus K and O: right": bool(np.isclose(parts, neighbours[types == 1].mean(), rtol=1e-3)),
    "g(r) of K and all is that of all and all": bool(np.array_equal(g[1, "all"], g["all", "all"])),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
