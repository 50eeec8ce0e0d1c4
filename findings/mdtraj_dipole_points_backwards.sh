#!/usr/bin/env bash
# mdtraj 1.11.1: dipole_moments() gives every dipole moment with the wrong sign.
#
# The dipole of a water molecule points from its oxygen (negative) to its hydrogens (positive). mdtraj's points from the
# hydrogens to the oxygen. mdtraj.geometry.dipole_moments adds up two displacements for each atom, and multiplies the sum
# by the charge. It asks compute_displacements for the pairs (atom, first atom of the residue) and (first atom of the
# residue, atom 0). compute_displacements gives the position of the second minus that of the first. The sum is thus the
# vector from the atom to atom 0, and not from atom 0 to the atom (mdtraj/geometry/thermodynamic_properties.py).
# There is no message. The documentation says "dipole moments of each frame", and nothing about a direction.
# static_dielectric() of the same module uses the square, and is right. So the error does not show in its tests.
#
# This matters for all that depends on the sign: water that turns its oxygen to an electrode seems to turn its hydrogens
# to it; water seems to stand against an electric field; a potential drop across a slab has the wrong sign.
# Remedy: multiply by -1.
#
# Seen with mdtraj 1.11.1.post2, numpy 2.4.6: one water molecule, 64 water molecules, molecules across the boundary of the
# box, and one ion pair. The result is -1 times that of numpy in each case. 64 molecules that all point along a field of
# 1 V/nm have the energy -3.18 eV in this field. By mdtraj's dipole it is +3.18 eV.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet mdtraj==1.11.1.post2 numpy==2.4.6 scipy==1.17.1
cd "$place"
cat > probe.py <<'PY'
import sys

import mdtraj
import numpy as np
from mdtraj.geometry import dipole_moments

BOX = 2.0  # nm
WATER = np.array([[0, 0, 0], [0.0757, 0, 0.0586], [-0.0757, 0, 0.0586]])  # nm; the hydrogens are above the oxygen
CHARGES = np.array([-0.8476, 0.4238, 0.4238])  # SPC/E
rng = np.random.default_rng(0)


def topology(names):
    found = mdtraj.Topology()
    chain = found.add_chain()
    for molecule in names:
        residue = found.add_residue("MOL", chain)
        for name in molecule:
            found.add_atom(name, mdtraj.element.get_by_symbol(name), residue)
    return found


def trajectory(positions, names):
    return mdtraj.Trajectory(
        np.array([positions], dtype=np.float32), topology(names), unitcell_lengths=[[BOX] * 3], unitcell_angles=[[90.0] * 3]
    )


def turned():
    matrix, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    return WATER @ matrix.T


waters = [turned() + BOX * rng.random(3) for _ in range(64)]
upright = [WATER + BOX * rng.random(3) for _ in range(64)]
pair = np.array([[0.5, 0.5, 0.5], [0.5, 0.5, 0.7]])  # K+ and F- above it, in one residue
cases = {
    "one water molecule": (WATER + 1.0, [["O", "H", "H"]], CHARGES),
    "64 water molecules": (np.concatenate(waters), [["O", "H", "H"]] * 64, np.tile(CHARGES, 64)),
    "64, atoms put into the box": (np.concatenate(waters) % BOX, [["O", "H", "H"]] * 64, np.tile(CHARGES, 64)),
    "64, all along z": (np.concatenate(upright) % BOX, [["O", "H", "H"]] * 64, np.tile(CHARGES, 64)),
    "K+ below F-": (pair, [["K", "F"]], np.array([1.0, -1.0])),
}
exact = {
    "one water molecule": CHARGES @ WATER,
    "64 water molecules": sum(CHARGES @ x for x in waters),
    "64, atoms put into the box": sum(CHARGES @ x for x in waters),
    "64, all along z": 64 * CHARGES @ WATER,
    "K+ below F-": pair[0] - pair[1],
}
as_found = True
print("mdtraj", mdtraj.__version__)
for name, (positions, names, charges) in cases.items():
    (found,) = dipole_moments(trajectory(positions, names), charges)
    print(f"{name}: {np.round(found, 4)} by mdtraj, {np.round(exact[name], 4)} by numpy (e nm)")
    if not np.allclose(np.abs(found), np.abs(exact[name]), atol=1e-4):
        sys.exit("not even the size is the same: this probe is no good here")
    as_found &= bool(np.allclose(found, -exact[name], atol=1e-4))
    if name == "64, all along z":
        print(f"  energy in a field of 1 V/nm along z: {-found[2]:+.2f} eV by mdtraj, {-exact[name][2]:+.2f} eV by numpy")
        as_found &= bool(-found[2] > 1)
print("as found" if as_found else "CHANGED")
sys.exit(not as_found)
PY
env/bin/python probe.py
