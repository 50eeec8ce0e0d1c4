#!/usr/bin/env bash
# munkres-rmsd 0.0.1.post4.dev0: the root mean square deviation of two molecules is the root of the sum. It grows with the number
# of atoms. Hydrogens that should be left out are added, or counted.
#
# CalcLigRMSD(mol1, mol2) matches the atoms of two molecules by the Hungarian algorithm, and should return their root mean square
# deviation in A. It is used to compare poses, where 2 A is a usual limit for "the same". If all atoms are moved by 1 A, it
# should be 1 A for all molecules. CalcLigRMSD() in munkres_rmsd/RMSD.py takes the root of the sum of the squared distances, and
# does not divide by the number of atoms. A molecule of 25 atoms looks 5 times as different.
#
# A comment in the code says that hydrogens are excluded, but the call is Chem.AddHs(). Hydrogens that the molecule has already are
# counted. Those that are added have no places: rdkit puts all of them at the origin, in both molecules. There is no message.
#
# Remedy: divide by the root of the number of atoms that are not hydrogens; rdkit.Chem.rdMolAlign.CalcRMS.
#
# Seen with munkres-rmsd 0.0.1.post4.dev0, rdkit 2026.9.1, numpy 2.4.6: molecules moved by 1 A along x: methanol (2 heavy atoms)
# 1.41, butanol (5) 2.24, a chain of 25 carbons 5.00; rdkit gives 1.00 for all. Methanol with its 4 hydrogens: 2.45.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile munkres-rmsd==0.0.1.post4.dev0 rdkit==2026.9.1 \
  numpy==2.4.6 scipy==1.17.1
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys

import numpy as np
from munkres_rmsd import CalcLigRMSD
from rdkit import Chem
from rdkit.Chem import rdMolAlign
from rdkit.Geometry import Point3D


def moved(molecule, shift):
    """A copy, moved by the shift along x."""
    copy = Chem.Mol(molecule)
    conformer = copy.GetConformer()
    for i in range(copy.GetNumAtoms()):
        place = conformer.GetAtomPosition(i)
        conformer.SetAtomPosition(i, Point3D(place.x + shift, place.y, place.z))
    return copy


def build(smiles, hydrogens=False):
    """A molecule with places 3 A apart, so that each atom's own image is the nearest one."""
    molecule = Chem.MolFromSmiles(smiles)
    if hydrogens:
        molecule = Chem.AddHs(molecule)
    conformer = Chem.Conformer(molecule.GetNumAtoms())
    for i in range(molecule.GetNumAtoms()):
        conformer.SetAtomPosition(i, Point3D(10.0 + 3.0 * (i % 5), 3.0 * (i // 5), 1.0))
    molecule.AddConformer(conformer)
    return molecule


for package in ("munkres-rmsd", "rdkit", "numpy"):
    print(package, importlib.metadata.version(package), end="; ")
print()
cases = {"methanol": build("CO"), "butanol": build("CCCCO"), "chain": build("C" * 25), "methanol with H": build("CO", True)}
found, right, atoms = {}, {}, {}
for name, molecule in cases.items():
    other = moved(molecule, 1.0)
    atoms[name] = molecule.GetNumAtoms()
    found[name] = float(CalcLigRMSD(molecule, other))
    right[name] = rdMolAlign.CalcRMS(Chem.Mol(other), molecule)
    print(f"{name}: {atoms[name]} atoms, all moved by 1 A: {found[name]:.3f} A, by rdkit {right[name]:.3f} A")
one, two = (float(CalcLigRMSD(cases["chain"], moved(cases["chain"], shift))) for shift in (0.0, 0.5))
print(f"chain: not moved {one:.3f} A, moved by 0.5 A {two:.3f} A")
facts = {
    "rdkit finds 1 for all": all(abs(value - 1) < 1e-6 for value in right.values()),
    "munkres-rmsd finds the root of the number of atoms": all(abs(found[k] - np.sqrt(atoms[k])) < 1e-6 for k in cases),
    "the same molecule with its hydrogens has another value": abs(found["methanol with H"] - found["methanol"]) > 1,
    "a molecule and itself: 0": abs(one) < 1e-9,
    "25 atoms moved by 0.5 A: 2.5 A": abs(two - 2.5) < 1e-6,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
