#!/usr/bin/env bash
# ProbingMC 2.9.0.post3 reads CIF files of ASE and pymatgen, and takes the multiplicity for x, x for y, and y for z. Its list of
# symmetry operations ends at the first one that exchanges axes. And atoms with a small coordinate vanish from its own XYZ files.
#
# A CIF file names its columns. ASE and pymatgen write: element, label, multiplicity, x, y, z, occupancy. load_structure_from_cif()
# in Structure/CIFIO.py does not read the names. It looks for a word with three numbers behind it. The word is the label, and
# the numbers are the multiplicity (1), x and y. So all atoms come to lie in the plane x = 1, and two atoms above each other
# in z are at the same place. ProbingMC depends on ASE, and has functions to exchange structures with it.
#
# The README says that the atoms are duplicated by the symmetry operations of the file. But the list is read only as long as x
# comes before y and y before z. At an operation like '-y,x,z' the reading ends; all later ones are lost. In crystals with 3-,
# 4- or 6-fold axes most atoms are missing.
#
# Structure.write_structure_to_xyz() writes numbers as Python prints them: 6e-17 or 5e-05. load_structure_from_xyz() in
# Structure/__init__.py knows no exponents, and skips such lines. After a rotation many molecules have such numbers. There is no
# message in all three cases.
#
# Remedy: read the file with ase.io.read(), and add_ase_structure().
#
# Seen with ProbingMC 2.9.0.post3, ase 3.29.0, numpy 2.4.6: K, O and H at (0.125, 0.2, 0.25), (0.5, 0.5, 0.5), (0.5, 0.5, 0.66) are
# read from the file of ASE at (1, 0.125, 0.2), (1, 0.5, 0.5), (1, 0.5, 0.5). The O-H distance is 0 instead of 0.97 A. With the 4
# operations of a 4-fold axis one atom stays one; with those of a 2-fold axis it becomes two. A water molecule, turned, shifted by
# 0.00005 A, written and read again, has 2 atoms.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile ProbingMC==2.9.0.post3 ase==3.29.0 numpy==2.4.6 scipy==1.17.1
cd "$place"
cat > probe.py <<'PY'
import contextlib
import importlib.metadata
import io
import sys
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import read, write
from Structure import Structure

print("ProbingMC", importlib.metadata.version("ProbingMC"), "ase", importlib.metadata.version("ase"), "numpy", np.__version__)
ase_koh = Atoms("KOH", [[0.5, 1.0, 1.5], [2.0, 2.5, 3.0], [2.0, 2.5, 3.97]], cell=[4, 5, 6], pbc=True)
write("koh.cif", ase_koh)
koh, again = Structure("koh.cif"), read("koh.cif")
fractions = np.array([atom.cryst_coors for atom in koh.atoms])
right = ase_koh.get_scaled_positions()
for atom, found, true in zip(koh.atoms, fractions, right):
    print(f"{atom.element}: {np.round(found, 4)} instead of {np.round(true, 4)}")
print(f"O-H: {koh.dist_between_atoms(1, 2):.3f} A instead of {again.get_distance(1, 2):.3f} A")

# The same columns without the multiplicity
cell = "data_k\n_cell_length_a 4.0\n_cell_length_b 4.0\n_cell_length_c 6.0\n"
cell += "_cell_angle_alpha 90\n_cell_angle_beta 90\n_cell_angle_gamma 90\n"
sites = "loop_\n_atom_site_label\n_atom_site_fract_x\n_atom_site_fract_y\n_atom_site_fract_z\n"
Path("plain.cif").write_text(cell + sites + "K1 0.1 0.2 0.3\n")
plain = Structure("plain.cif").atoms[0].cryst_coors


def with_symmetry(name, operations):
    symmetry = "loop_\n_symmetry_equiv_pos_as_xyz\n" + "".join(f"'{each}'\n" for each in operations)
    Path(name).write_text(cell + symmetry + sites + "K1 0.1 0.2 0.3\n")
    with contextlib.redirect_stdout(io.StringIO()):
        return sorted(tuple(np.round(atom.cryst_coors, 4).tolist()) for atom in Structure(name).atoms)


two = with_symmetry("two.cif", ["x,y,z", "-x,-y,z"])
four = with_symmetry("four.cif", ["x,y,z", "-y,x,z", "-x,-y,z", "y,-x,z"])
turns = [np.array(m) for m in ([[1, 0], [0, 1]], [[0, -1], [1, 0]], [[-1, 0], [0, -1]], [[0, 1], [-1, 0]])]
four_right = sorted((*np.round(turn @ [0.1, 0.2] % 1, 4).tolist(), 0.3) for turn in turns)
print(f"2-fold axis: {two}; 4-fold axis: {four}, right {four_right}")

# Water, turned by 90 degrees about z
Path("water.xyz").write_text("3\n\nO 0.0 0.0 0.0\nH 0.757 0.586 0.0\nH -0.757 0.586 0.0\n")
water = Structure("water.xyz")
before = water.number_of_atoms()
angle = np.pi / 2
water.rotate_structure([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
water.move_structure([0.0, 0.00005, 0.0], "cart", False)
with contextlib.redirect_stdout(io.StringIO()):
    water.write_structure_to_xyz(new_path_filename="turned.xyz")
turned, turned_ase = Structure("turned.xyz"), read("turned.xyz")
print(Path("turned.xyz").read_text())
print(f"water: {before} atoms, turned, written and read again: {turned.number_of_atoms()}, by ASE {len(turned_ase)}")
facts = {
    "ASE reads its file again": bool(np.allclose(again.get_scaled_positions(), right)),
    "ProbingMC takes 1, x, y for x, y, z": bool(np.allclose(fractions, np.column_stack([np.ones(3), right[:, :2]]))),
    "O and H are at the same place": koh.dist_between_atoms(1, 2) < 1e-9,
    "without the multiplicity it is right": bool(np.allclose(plain, [0.1, 0.2, 0.3])),
    "2-fold axis: both places": two == [(0.1, 0.2, 0.3), (0.9, 0.8, 0.3)],
    "4-fold axis: 1 place instead of 4": four == [(0.1, 0.2, 0.3)] and len(set(four_right)) == 4,
    "the water molecule has 3 atoms": before == 3 and len(turned_ase) == 3,
    "turned, written and read again, it has 2": turned.number_of_atoms() == 2,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
