#!/usr/bin/env bash
# ASE 3.29.0: DiffusionCoefficient(atom_indices=...) gives a diffusion coefficient that is too small, if only some atoms of
# an element are selected. For one oxygen atom out of 64 it is too small by a factor of 64.
#
# ase.md.analysis.DiffusionCoefficient adds up the squared displacements of the atoms in atom_indices. Then it divides by
# the number of all atoms of that element in the first image, selected or not (`no_of_atoms` in ase/md/analysis.py). The
# documentation says that atom_indices are "the indices of atoms whose Diffusion Coefficient is to be calculated
# explicitly". There is no message. The result is right if all atoms of an element are selected, for example all K+ of a
# solution. It is wrong for the oxygen of the hydroxide ions, the hydrogen of the water, or the water near a wall.
# The standard deviation between segments is too small by the same factor, so it gives no hint, and in the plot the mean
# squared displacements are too small, too.
#
# Remedy: `[image[indices] for image in trajectory]` instead of atom_indices; or multiply by the number of atoms of the
# element and divide by the number of selected ones.
#
# Seen with ase 3.29.0, numpy 2.4.6: random walks of 64 oxygen atoms. For 64, 32, 8 and 1 of them, the results are 1, 1/2,
# 1/8 and 1/64 of those from images that have only these atoms.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet ase==3.29.0 numpy==2.4.6 scipy==1.17.1
cd "$place"
cat > probe.py <<'PY'
import sys

import ase
import numpy as np
from ase import Atoms
from ase.md.analysis import DiffusionCoefficient
from ase.units import fs

STEP = 10 * fs  # between images
rng = np.random.default_rng(0)
walks = np.cumsum(rng.normal(0, 0.1, (200, 64, 3)), axis=0)
images = [Atoms("O64", positions=x, cell=[12] * 3, pbc=True) for x in walks]


def coefficient(trajectory, indices=None):
    """The diffusion coefficient in A^2/fs."""
    analysis = DiffusionCoefficient(trajectory, STEP, atom_indices=indices)
    analysis.calculate()
    (found,), _ = analysis.get_diffusion_coefficients()
    return found * fs


print("ase", ase.__version__)
as_found = True
for number in (64, 32, 8, 1):
    selected = list(range(number))
    by_index = coefficient(images, selected)
    alone = coefficient([image[selected] for image in images])
    plain = ((walks[:, :number] - walks[0, :number]) ** 2).mean(axis=1).sum(axis=1)
    slope = np.polyfit(10.0 * np.arange(len(walks)), plain, 1)[0] / 6
    print(
        f"{number} of 64 atoms: {by_index:.3e} A^2/fs with atom_indices, {alone:.3e} with these atoms alone, "
        f"{slope:.3e} by numpy; ratio {by_index / alone:.4f}"
    )
    if not np.isclose(alone, slope, rtol=1e-6):
        sys.exit("the coefficient of the atoms alone differs from numpy's: this probe is no good here")
    as_found &= bool(np.isclose(by_index / alone, number / 64))
print("as found" if as_found else "CHANGED")
sys.exit(not as_found)
PY
env/bin/python probe.py
