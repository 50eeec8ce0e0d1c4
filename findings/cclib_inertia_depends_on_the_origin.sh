#!/usr/bin/env bash
# cclib 1.8.1: moments of inertia and rotational constants depend on where the molecule is, and how it is turned. Moved by 3.7 A,
# water has rotational constants of 0.92, 0.09 and 0.05 / cm instead of 27.4, 14.6 and 9.5.
#
# cclib parses outputs of quantum chemistry programs. cclib.method.Nuclear computes from the last geometry moment_of_inertia_tensor(),
# principal_moments_of_inertia() and rotational_constants(). The tensor (method/nuclear.py) has two faults: the coordinates are
# those of the output, not relative to the centre of mass, though the class has center_of_mass(); and products of inertia have
# the wrong sign, + sum m x y instead of - sum m x y. The first one matters as soon as the output is not centred, the second one if
# the molecule is not along its axes. So also a centred molecule, turned, has other moments.
# Outputs with standard orientation (Gaussian) nearly hide both. In ORCA, or Gaussian with symmetry off, the molecule is where the user put it.
# Entropies and free energies of ions (H3O+) from these numbers would be wrong, too.
# There is no message. The docstrings say "principal moments of inertia and the principal axes" and "rotational constants", no more.
#
# Remedy: ase.Atoms.get_moments_of_inertia() with the masses of the isotopes, or numpy, as in this script.
#
# Seen with cclib 1.8.1, numpy 2.4.6, scipy 1.17.1, periodictable 2.1.0, in 1 / cm: right 27.42 14.60 9.53. Centred, along its axes: the
# same. Oxygen at the origin: 24.35 14.60 9.13. Centred and turned: 32.81 11.42 10.89. Moved by (1, 2, 3) A: 0.92 0.09 0.05.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==2.4.6 scipy==1.17.1 periodictable==2.1.0 packaging==26.4 cclib==1.8.1
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys

import numpy as np
from cclib.method import Nuclear
from cclib.parser.data import ccData
from scipy import constants
from scipy.spatial.transform import Rotation

print("cclib", importlib.metadata.version("cclib"), "numpy", np.__version__)
MASSES = np.array([15.9949146, 1.0078250, 1.0078250])  # u, 16-O and 1-H
half = np.radians(104.5 / 2)
water = 0.9572 * np.array([[0, 0, 0], [np.cos(half), np.sin(half), 0], [np.cos(half), -np.sin(half), 0]])
centred = water - MASSES @ water / MASSES.sum()
turn = Rotation.from_euler("zyx", [30, 40, 50], degrees=True).as_matrix()


def by_hand(coordinates):
    """Rotational constants in 1 / cm, from the tensor about the centre of mass."""
    r = coordinates - MASSES @ coordinates / MASSES.sum()
    tensor = (MASSES * (r**2).sum(axis=1)).sum() * np.eye(3) - np.einsum("i,ij,ik->jk", MASSES, r, r)
    moments = np.linalg.eigvalsh(tensor) * constants.atomic_mass * constants.angstrom**2
    return constants.h / (8 * np.pi**2 * constants.c * moments) / 100


def by_cclib(coordinates):
    data = ccData({"natom": 3, "atomcoords": np.array([coordinates]), "atomnos": np.array([8, 1, 1]), "charge": 0})
    return np.asarray(Nuclear(data).rotational_constants("invcm"))


places = {"centred": centred, "oxygen at the origin": water, "centred, turned": centred @ turn.T,
          "moved by (1, 2, 3) A": water + [1, 2, 3]}
found = {name: by_cclib(coordinates) for name, coordinates in places.items()}
for name, coordinates in places.items():
    print(f"{name}: cclib", np.round(found[name], 3), "by hand", np.round(by_hand(coordinates), 3))
right = by_hand(water)
facts = {
    "by hand it is always the same": all(np.allclose(by_hand(coordinates), right) for coordinates in places.values()),
    "centred and along its axes, cclib is right": bool(np.allclose(found["centred"], right, rtol=1e-4)),
    "with oxygen at the origin A is 10 % too small": 0.85 < found["oxygen at the origin"][0] / right[0] < 0.93,
    "centred and turned, one constant is 3 % off or more": abs(found["centred, turned"] / right - 1).max() > 0.03,
    "moved, all are 20 times too small or more": bool(np.all(found["moved by (1, 2, 3) A"] < right / 20)),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python -W ignore probe.py
