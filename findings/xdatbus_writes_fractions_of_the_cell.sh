#!/usr/bin/env bash
# xdatbus 0.3.8 unwraps a trajectory of VASP into an XYZ file of fractional coordinates. Displacements are too small by the size of
# the cell. And it converts the widths of the hills of metadynamics twice, and reads one hill too many.
#
# xdc_unwrap() reads XDATCAR files and writes an XYZ file with continuous coordinates. XYZ files have coordinates in A, and no cell.
# But the numbers in this one are fractions of the cell: xdatbus/c02a_xdc_unwrap.py takes frac_coords, and does not
# multiply by the lattice. Neither the file nor the documentation of the function says so. All programs read it as a tiny
# trajectory. The other function of the package, xyz_unwrap(), writes A.
#
# hillspot2hills() converts a HILLSPOT file of VASP to a HILLS file of PLUMED. sigma_conversion is a factor for the unit of length.
# The positions of the hills are multiplied by it once, their widths twice (xdatbus/fun_mtd.py). With 10 A per unit, a hill of
# 0.5 A becomes 5 A wide, and the free energy from PLUMED is flat.
#
# fes_1d(), fes_2d() and fes_3d() should read hills_count hills. They look at the number after they have added the hill, so they
# add hills_count + 1. There is no message in all cases.
#
# Remedy: multiply by the lattice; divide the column sigma by the factor; hills_count - 1.
#
# Seen with xdatbus 0.3.8, ase 3.29.0, pymatgen 2025.10.7, numpy 2.4.6: 20 K+ in a cell of 12 A, 200 frames: the mean squared
# displacement from the first to the last frame is 0.328 instead of 47.2 A^2 (144 times too small). Widths: 5.0 instead of 0.5.
# With hills_count = 1, two hills are there.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile xdatbus==0.3.8 ase==3.29.0 pymatgen==2025.10.7 MDAnalysis==2.11.0 \
  numpy==2.4.6 scipy==1.17.1 pandas==2.3.3 statsmodels==0.15.0 pyarrow==26.0.1 rich==15.0.0
cd "$place"
cat > probe.py <<'PY'
import contextlib
import importlib.metadata
import io
import sys
import warnings
from pathlib import Path

import numpy as np

warnings.simplefilter("ignore")
from ase import Atoms
from ase.io import read, write
from xdatbus import fes_1d, hillspot2hills, xdc_unwrap, xyz_unwrap

EDGE, FRAMES, IONS = 12.0, 200, 20  # A
for package in ("xdatbus", "pymatgen", "ase", "numpy"):
    print(package, importlib.metadata.version(package), end="; ")
print()
rng = np.random.default_rng(0)
walk = rng.random((IONS, 3)) * EDGE + np.cumsum(rng.normal(0, 0.3, (FRAMES, IONS, 3)), axis=0)
frames = [Atoms(f"K{IONS}", x % EDGE, cell=[EDGE] * 3, pbc=True) for x in walk]
write("XDATCAR", frames, format="vasp-xdatcar")
Path("plain.xyz").write_text(
    "".join(f"{IONS}\n\n" + "".join(f"K {x:.8f} {y:.8f} {z:.8f}\n" for x, y, z in a.positions) for a in frames)
)
with contextlib.redirect_stdout(io.StringIO()):
    xdc_unwrap("XDATCAR", "unwrapped.xyz")
    xyz_unwrap("plain.xyz", [EDGE] * 3)


def displacement(name):
    places = np.array([frame.positions for frame in read(name, index=":")])
    return len(places), places[-1] - places[0]


right = walk[-1] - walk[0]
count, found = displacement("unwrapped.xyz")
_, other = displacement("plain_unwrapped.xyz")
msd, msd_other, msd_right = ((each**2).sum(axis=1).mean() for each in (found, other, right))
print(f"{count} frames: mean square {msd:.4f} by xdc_unwrap, {msd_other:.2f} by xyz_unwrap, {msd_right:.2f} A^2 right")
print("a line of the file:", Path("unwrapped.xyz").read_text().splitlines()[2], "; in A:", np.round(walk[0, 0] % EDGE, 4))

Path("HILLSPOT").write_text("".join(f"{x:.4f} 0.1000 0.0500\n" for x in (0.2, 0.5, 0.8)))  # place, height, width
with contextlib.redirect_stdout(io.StringIO()):
    hillspot2hills("HILLSPOT", "HILLS", "d", sigma_conversion=10.0)
hills = np.loadtxt("HILLS")
print("HILLS:", "; ".join(" ".join(f"{value:g}" for value in row) for row in hills))
profile = fes_1d("HILLSPOT", 1, [0, 1], 100)
heights = [float(profile["potential_energy"][np.argmin(np.abs(profile["cv"] - x))]) for x in (0.2, 0.5, 0.8)]
print("with hills_count = 1, the energies at 0.2, 0.5 and 0.8:", np.round(heights, 4))
facts = {
    "all frames are there": count == FRAMES,
    "the displacements are fractions of the cell": bool(np.allclose(found * EDGE, right, atol=1e-4)),
    "the mean square is 144 times too small": abs(msd_right / msd - EDGE**2) < 0.1,
    "xyz_unwrap() is right": bool(np.allclose(other, right, atol=1e-4)),
    "the places of the hills are multiplied by 10": bool(np.allclose(hills[:, 1], [2, 5, 8])),
    "their widths are multiplied by 100": bool(np.allclose(hills[:, 2], 5.0)),
    "their heights stay": bool(np.allclose(hills[:, 3], 0.1)),
    "one hill asked for: two are there": bool(np.allclose(heights, [0.1, 0.1, 0.0], atol=1e-6)),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
