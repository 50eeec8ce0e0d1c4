#!/usr/bin/env bash
# mdtraj 1.11.1.post2: compute_neighborlist(periodic=True) misses neighbours without a message, if atoms lie outside the
# box that begins at 0: 8 % of all pairs in a box that is centred at 0, and 68 % after unwrapping.
#
# mdtraj divides the box into columns and looks for neighbours only in columns nearby (geometry/src/neighborlist.cpp).
# An atom outside the box is put into a wrong column: z is wrapped into the box, but y is reduced by the wrong element of
# the box (the tilt, which is 0, in place of the side), and then cut off at the edge. x is never wrapped. The search
# allows for a periodic image on either side of x, and only for atoms near a face of the box from 0 to L.
# The code comes from OpenMM, where all atoms are in the box at this place. (https://github.com/openmm/openmm/issues/4141
# asks about the line with the wrong element.)
# In the same program, compute_neighbors and compute_distances are right for the same atoms. The docstring
# promises the minimum image convention for periodic=True, and does not say that atoms must be in the box.
#
# Atoms lie outside as a rule: LAMMPS boxes often go from -L/2 to L/2, and diffusion needs unwrapped coordinates (xu yu
# zu). A number of bound water molecules around K+ that comes from these lists is too small.
# Remedy: `t.xyz -= np.floor(t.xyz / side) * side` before (box with right angles), or compute_neighbors.
#
# Seen with mdtraj 1.11.1.post2, numpy 2.4.6: 800 atoms in 20 A, 3.5 A. Of 14408 neighbours the list has 14408 if all are
# in the box from 0 to L, 13308 for the same atoms from -L/2 to L/2, 4646 for the same atoms unwrapped.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet mdtraj==1.11.1.post2 numpy==2.4.6
cd "$place"
cat > probe.py <<'PY'
import sys

import mdtraj
import numpy as np

SIDE, CUTOFF, ATOMS = 2.0, 0.35, 800  # nm
rng = np.random.default_rng(0)
inside = rng.uniform(0, SIDE, (ATOMS, 3))
centred = inside - SIDE * (inside > SIDE / 2)
unwrapped = inside + SIDE * rng.integers(-1, 2, inside.shape)

topology = mdtraj.Topology()
residue = topology.add_residue("O", topology.add_chain())
for _ in range(ATOMS):
    topology.add_atom("O", mdtraj.element.oxygen, residue)


def neighbours(positions):
    """From the list, from compute_neighbors, and from plain numpy: they should be the same."""
    frame = mdtraj.Trajectory(
        positions[None].astype(np.float32), topology,
        unitcell_lengths=[[SIDE] * 3], unitcell_angles=[[90] * 3],
    )
    listed = sum(map(len, mdtraj.compute_neighborlist(frame, CUTOFF, periodic=True)))
    single = 0
    for i in range(ATOMS):
        others = np.delete(np.arange(ATOMS), i)
        single += len(mdtraj.compute_neighbors(frame, CUTOFF, [i], haystack_indices=others)[0])
    away = positions[:, None] - positions[None]
    away -= SIDE * np.round(away / SIDE)
    plain = int((np.linalg.norm(away, axis=-1) < CUTOFF).sum()) - ATOMS
    return listed, single, plain


print("mdtraj", mdtraj.__version__)
listed = []
for name, positions in (("0 to L", inside), ("-L/2 to L/2", centred), ("unwrapped", unwrapped)):
    found, single, plain = neighbours(positions)
    print(f"{name}: {found} in the list, {single} by compute_neighbors, {plain} by numpy")
    if not single == plain == 14408:
        sys.exit("the other ways to count differ: this probe is no good here")
    listed.append(found)
as_found = listed[0] == 14408 and listed[1] < 13800 and listed[2] < 6000
print("as found" if as_found else "CHANGED")
sys.exit(not as_found)
PY
env/bin/python probe.py
