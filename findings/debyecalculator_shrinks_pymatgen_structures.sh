#!/usr/bin/env bash
# debyecalculator 1.1.1 takes the fractional coordinates of a pymatgen Structure for coordinates in A. All atoms come to lie in a
# cube of 1 A, and the scattering is that of one heavy atom.
#
# DebyeCalculator computes I(Q), S(Q), F(Q) and G(r) from the positions of atoms by the formula of Debye. A Structure of pymatgen
# is one of the types of input that it accepts, and it installs pymatgen for this. _initialise_structure() in
# debyecalculator/debye_calculator.py takes site.a, site.b and site.c for the positions. In pymatgen these are the fractional
# coordinates; x, y and z are those in A. So the size of the cell does not matter at all: the result is the same for all
# lattice constants. There is no message. An Atoms object of ASE, an XYZ file and plain arrays are right.
#
# Remedy: (list of symbols, structure.cart_coords), or AseAtomsAdaptor.get_atoms(structure).
#
# Seen with debyecalculator 1.1.1, torch 2.13.0, pymatgen-core 2026.10.16, ase 3.29.0, numpy 2.4.6: 108 atoms of copper. The nearest
# neighbours are at 2.55 A, the largest value of G(r) is at 0.32 A. At 1 / A the intensity per atom is 97 times that of one atom
# instead of 0.2 times. It is the same for cells of 3.61 and of 7.22 A. From ASE all agree with the formula of Debye by numpy.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile debyecalculator==1.1.1 torch==2.13.0 pymatgen==2026.10.24 \
  pymatgen-core==2026.10.16 ase==3.29.0 numpy==2.4.6 scipy==1.17.1
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys
import warnings

import numpy as np

warnings.simplefilter("ignore")
from debyecalculator import DebyeCalculator
from pymatgen.core import Lattice, Structure
from pymatgen.io.ase import AseAtomsAdaptor

for package in ("debyecalculator", "torch", "pymatgen-core", "ase", "numpy"):
    print(package, importlib.metadata.version(package), end="; ")
print()


def copper(edge):
    basis = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
    cells = np.array([[i, j, k] for i in range(3) for j in range(3) for k in range(3)])
    return Structure(Lattice.cubic(3 * edge), ["Cu"] * 108, (cells[:, None] + basis).reshape(-1, 3) / 3)


def by_numpy(structure, q):
    """The formula of Debye, divided by its value for one atom and by the number of atoms: 1 without interference."""
    distances = np.linalg.norm(structure.cart_coords[:, None] - structure.cart_coords[None], axis=-1)
    return np.array([np.sinc(distances * each / np.pi).sum() for each in q]) / len(structure)


calculator = DebyeCalculator(qmin=1.0, qmax=20.0, qstep=0.05, rmax=12.0, biso=0.0, radiation_type="neutron")
_, one = calculator.iq((["Cu"], np.zeros((1, 3))))
intensity, peaks = {}, {}
for edge in (3.61, 7.22):
    structure = copper(edge)
    for name, source in (("pymatgen", structure), ("ASE", AseAtomsAdaptor.get_atoms(structure))):
        q, found = calculator.iq(source)
        intensity[name, edge] = np.ravel(found) / np.ravel(one) / len(structure)
        r, g = calculator.gr(source)
        peaks[name, edge] = np.ravel(r)[np.argmax(np.ravel(g))]
    intensity["numpy", edge] = by_numpy(structure, np.ravel(q))
    nearest = np.sort(structure.distance_matrix[0])[1]
    for name in ("pymatgen", "ASE", "numpy"):
        low = intensity[name, edge][np.abs(np.ravel(q) - 1.0) < 0.3].mean()
        print(f"edge {edge} A, {name}: intensity per atom {low:.2f} for Q near 1 / A, largest {intensity[name, edge].max():.2f}")
    print(f"  nearest neighbours at {nearest:.2f} A; largest G(r) at {peaks['pymatgen', edge]:.2f} A (ASE: {peaks['ASE', edge]:.2f} A)")
same = intensity["pymatgen", 3.61], intensity["pymatgen", 7.22]
in_a_cube = copper(1.0 / 3)
facts = {
    "from ASE: as by numpy": all(np.allclose(intensity["ASE", e], intensity["numpy", e], rtol=1e-3, atol=0.02) for e in (3.61, 7.22)),
    "from pymatgen: another intensity": np.abs(same[0] - intensity["numpy", 3.61]).max() > 20,
    "from pymatgen: the edge of the cell does not matter": bool(np.allclose(*same)),
    "from pymatgen: that of a cube of 1 A": bool(np.allclose(same[0], by_numpy(in_a_cube, np.ravel(q)), rtol=1e-3, atol=0.02)),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
