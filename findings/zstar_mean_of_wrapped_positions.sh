#!/usr/bin/env bash
# zstar 0.3.5: atoms at the edge of the box make the dielectric constant from molecular dynamics hundreds of times too large. A shift
# of all atoms by 1 A brings it back.
#
# zstar computes the static dielectric tensor from the fluctuations of the dipole in a trajectory (`zstar md`, compute_md_dielectric),
# with Born effective charges. It needs the displacement of each atom from its reference position. By default this is the mean of
# the coordinates over all frames, and displacements are taken with the minimum image. The mean itself knows no boundaries
# (_reference_positions() in md_dielectric.py): an atom that vibrates about x = 0 is in the file at 0.05 A or at 8.35 A, as LAMMPS
# writes x y z, or xs ys zs, of wrapped atoms. The mean is somewhere in the middle of the box. Each time that the atom crosses
# the edge, its displacement jumps by a length of the cell, and the dipole by charge times this length.
# Most crystals have atoms at the corner. The reference "first" has no such problem. Removal of the drift (--remove-global-translation)
# takes the mean of wrapped coordinates, too. There is no message. The help text speaks of the minimum image
# as the way to find displacements, and does not ask for unwrapped coordinates.
#
# Remedy: reference="first" (--reference first); or a dump with xu yu zu, or xsu ysu zsu.
#
# Seen with zstar 0.3.5, numpy 2.4.6: rock salt, charges +-2, independent vibrations of 0.05 A, 300 K, 200 frames: 1554 with atoms at the
# edge, 8.62 after a shift by 1 A, 8.62 with xu yu zu, 8.62 with the first frame as reference. For infinitely many frames: 8.56.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==2.4.6 scipy==1.17.1 PyYAML==6.0.4 matplotlib==3.11.2 spglib==2.8.0 \
    seekpath==2.2.2 phonopy==4.10.0
"$place/env/bin/python" -m pip install --quiet --no-compile --no-deps zstar==0.3.5
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys
from pathlib import Path

import numpy as np
from zstar.md_dielectric import compute_md_dielectric

LENGTH, WIDTH, CHARGE, KELVIN = 8.4, 0.05, 2.0, 300.0  # A, A, e, K
print("zstar", importlib.metadata.version("zstar"), "numpy", np.__version__)

corner = np.array([[0, 0, 0], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]])
grid = np.array(list(np.ndindex(2, 2, 2)))
cations = ((corner[None] + grid[:, None]) / 2).reshape(-1, 3)
sites = np.concatenate([cations, cations + [0.25, 0, 0]]) * LENGTH
charges = np.repeat([CHARGE, -CHARGE], len(cations))
np.save("charges.npy", charges[:, None, None] * np.eye(3))
vibration = np.random.default_rng(0).normal(0, WIDTH, (200, len(sites), 3))


def write(name, shift, columns):
    text = []
    for step, moved in enumerate(sites + shift + vibration):
        text.append(f"ITEM: TIMESTEP\n{10 * step}\nITEM: NUMBER OF ATOMS\n{len(sites)}\nITEM: BOX BOUNDS pp pp pp\n")
        text.append(f"0 {LENGTH}\n" * 3 + f"ITEM: ATOMS id type {columns}\n")
        if columns == "x y z":
            moved = moved % LENGTH
        text += [f"{i + 1} {1 if charges[i] > 0 else 2} {x:.6f} {y:.6f} {z:.6f}\n" for i, (x, y, z) in enumerate(moved)]
    Path(name).write_text("".join(text))


def constant(name, **options):
    result = compute_md_dielectric(dump_file=name, fixed_bec="charges.npy", temperature=KELVIN, **options)
    return np.trace(result.epsilon) / 3


write("edge.dump", 0.0, "x y z")
write("shifted.dump", 1.0, "x y z")
write("unwrapped.dump", 0.0, "xu yu zu")
found = {
    "atoms at the edge": constant("edge.dump"),
    "the same, drift removed": constant("edge.dump", remove_global_translation=True),
    "all atoms shifted by 1 A": constant("shifted.dump"),
    "unwrapped coordinates": constant("unwrapped.dump"),
    "reference: first frame": constant("edge.dump", reference="first"),
}
# 1 + <(M - <M>)^2> / (3 eps0 V k T), directly from the displacements, and for infinitely many frames.
dipole = np.einsum("i,tia->ta", charges, vibration)
factor = 1.602176634e-19**2 * 1e-20 / (8.8541878128e-12 * LENGTH**3 * 1e-30 * 1.380649e-23 * KELVIN)
right = 1 + factor * dipole.var(axis=0).mean()
exact = 1 + factor * len(sites) * CHARGE**2 * WIDTH**2
for name, value in found.items():
    print(f"{name}: {value:.2f}")
print(f"by a direct sum: {right:.2f}; exact for infinitely many frames: {exact:.2f}")
facts = {
    "at the edge it is more than 100 times too large": found["atoms at the edge"] > 100 * right,
    "without the drift it is still wrong": found["the same, drift removed"] > 10 * right,
    "a shift of all atoms makes it right": abs(found["all atoms shifted by 1 A"] - right) < 0.01,
    "unwrapped coordinates are right": abs(found["unwrapped coordinates"] - right) < 0.01,
    "the first frame as reference is right": abs(found["reference: first frame"] - right) < 0.01,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
