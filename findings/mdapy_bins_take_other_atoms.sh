#!/usr/bin/env bash
# mdapy 1.0.9: SpatialBinning gives each bin the right number of atoms, but not the atoms that are in it. Every profile of a mean
# or a sum comes out flat: a temperature that rises from 280 to 320 K is 300 K everywhere, and the charges of two layers of ions
# vanish. Only data that are sorted along the axis are binned correctly.
#
# SpatialBinning divides the box into slabs, and compute(name, operation) gives the mean, the sum, the sum per volume, the
# smallest or the largest value of a column for each slab. Its docstring says that the statistics are those within each bin.
# _get_group() (mdapy/spatial_binning.py) groups the rows of the table by `(coordinate / bin_width).cast(Int32).sort()`. The .sort()
# should order the bins. But group_by() of polars evaluates it before it groups: it sorts the bin numbers of all rows, and takes
# the first number for the first row, and so on. So the slab at the bottom gets the first rows of the table, wherever these
# atoms are. The numbers of atoms do not depend on their order, so `count` is right, and looks like a check. There is no message.
#
# In a file of a simulation the atoms stand in the order of their ids, which has nothing to do with their places. Profiles of
# temperature, velocity (viscosity by shear), charge and mass (as a sum per volume) are wrong.
# Remedy: system.update_data(system.data.sort("z")) before, for an axis z; or numpy.bincount with weights.
#
# Seen with mdapy 1.0.9, polars 1.44.2, numpy 2.4.6: 8000 atoms in a box of 40 A, slabs of 5 A. The temperatures of the slabs should
# be 283, 287, ... 317 K. All are between 299.5 and 300.4 K. The charges of the first and of the last slab should be 1000 e and
# -1000 e. They are -14 and 11 e. Sorted by z, all is right.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile mdapy==1.0.9 polars==1.44.2 numpy==2.4.6
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys

import numpy as np
import polars as pl
from mdapy.box import Box
from mdapy.spatial_binning import SpatialBinning

EDGE, WIDTH, BINS, ATOMS = 40.0, 5.0, 8, 8000
rng = np.random.default_rng(0)

# Atoms anywhere in the box. The temperature rises along z, cations are in the first slab, and as many anions in the last one.
z = (np.arange(BINS)[:, None] + rng.random((BINS, ATOMS // BINS))).ravel() * WIDTH
rng.shuffle(z)
place = np.column_stack([EDGE * rng.random((ATOMS, 2)), z])
slab = (z / WIDTH).astype(int)
temperature = 280 + z  # K
charge = np.where(slab == 0, 1.0, np.where(slab == BINS - 1, -1.0, 0.0))
data = pl.DataFrame({"x": place[:, 0], "y": place[:, 1], "z": z, "T": temperature, "q": charge})


def profiles(data):
    found = SpatialBinning(data, Box(np.diag([EDGE] * 3)), "z", WIDTH).compute(["T", "q"], ["mean", "sum", "count"])
    found = found.sort("coor_z")
    return [found[name].to_numpy() for name in ("coor_z", "count_T", "mean_T", "sum_q")]


number = np.bincount(slab)
right_T, right_q = (np.bincount(slab, weights=values) for values in (temperature, charge))
right_T /= number
print("mdapy", importlib.metadata.version("mdapy"), "polars", pl.__version__)
centre, counted, found_T, found_q = profiles(data)
_, _, sorted_T, sorted_q = profiles(data.sort("z"))
for i in range(BINS):
    print(
        f"z = {centre[i]:4.1f} A: {counted[i]} atoms, {found_T[i]:.1f} K (right: {right_T[i]:.1f}), "
        f"charge {found_q[i]:.0f} (right: {right_q[i]:.0f})"
    )
facts = {
    "the numbers of atoms are right": bool(np.all(counted == number)),
    "the right temperatures rise by 35 K": bool(34 < np.ptp(right_T) < 36),
    "mdapy's temperatures differ by less than 4 K": bool(np.ptp(found_T) < 4),
    "mdapy's charges are less than a fifth of the right ones": bool(np.abs(found_q).max() < 200 < right_q[0]),
    "sorted along z: temperatures and charges are right": bool(np.allclose(sorted_T, right_T) and np.allclose(sorted_q, right_q)),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
