#!/usr/bin/env bash
# huckelpy 0.3: the total energy of a radical counts its unpaired electron once for each pair of electrons. That of OH is 34 eV too
# low, and the energy of a hydrogen atom is 0.
#
# ExtendedHuckel(...).get_total_energy() should be the sum of the energies of the electrons: 2 for each filled orbital, and 1 for
# the one with the unpaired electron. With an even number of electrons it is. With an odd one, get_total_energy() in
# huckelpy/__init__.py has the doubled energies in a list, and adds the last energy to it by +=. With a number of Python this
# would be an error. But the energy is a number of numpy: numpy makes an array of the list, and adds the number to each of its
# elements. Then the sum is taken. So a radical with n pairs counts the unpaired electron n times. There is no message.
#
# Ionization energies, energies of bonds that break into radicals (H-OH, H-CH3), and heats of reactions are wrong. The package
# knows the multiplicity 2 of such molecules.
# Remedy: occupations times get_mo_energies().
#
# Seen with huckelpy 0.3, numpy 2.4.6, scipy 1.17.1: the energy of H is 0 instead of -0.462 Hartree, that of OH (3 pairs) -6.768
# instead of -5.535, that of CH3 -5.060 instead of -4.242. OH- and H2O are right. The bond H-OH has an energy of -13 eV instead of
# +8 eV: water would fall apart.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile huckelpy==0.3 numpy==2.4.6 scipy==1.17.1 pyyaml==6.0.4
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys

import numpy as np
from huckelpy import ExtendedHuckel

HARTREE = 27.211386  # eV
SHORT, LONG = 1.08 * np.cos(np.pi / 3), 1.08 * np.sin(np.pi / 3)
CASES = {  # name: elements, places in A, charge
    "H": (["H"], [[0, 0, 0]], 0),
    "OH": (["O", "H"], [[0, 0, 0], [0, 0, 0.97]], 0),
    "CH3": (["C", "H", "H", "H"], [[0, 0, 0], [1.08, 0, 0], [-SHORT, LONG, 0], [-SHORT, -LONG, 0]], 0),
    "OH-": (["O", "H"], [[0, 0, 0], [0, 0, 0.97]], -1),
    "H2O": (["O", "H", "H"], [[0, 0, 0], [0.76, 0.59, 0], [-0.76, 0.59, 0]], 0),
}
print("huckelpy", importlib.metadata.version("huckelpy"), "numpy", np.__version__)
found, right, repeated = {}, {}, {}
for name, (elements, places, charge) in CASES.items():
    molecule = ExtendedHuckel(np.array(places, float), elements, charge=charge)
    energies = np.array(molecule.get_mo_energies())
    pairs, odd = divmod(molecule.number_of_electrons, 2)
    right[name] = 2 * energies[:pairs].sum() + odd * energies[pairs]
    repeated[name] = 2 * energies[:pairs].sum() + odd * pairs * energies[pairs]
    found[name] = float(molecule.get_total_energy())
    print(
        f"{name}: {molecule.number_of_electrons} electrons, multiplicity {molecule.multiplicity}: {found[name]:.6f} instead of "
        f"{right[name]:.6f} Hartree"
    )
bond = {key: (e["H"] + e["OH"] - e["H2O"]) * HARTREE for key, e in (("huckelpy", found), ("right", right))}
print(f"H-OH to H and OH: {bond['huckelpy']:.1f} eV instead of {bond['right']:.1f} eV")
radicals, closed = ("H", "OH", "CH3"), ("OH-", "H2O")
facts = {
    "even numbers of electrons are right": all(abs(found[k] - right[k]) < 1e-9 for k in closed),
    "odd numbers are wrong": all(abs(found[k] - right[k]) > 0.4 for k in radicals),
    "they count the odd electron once for each pair": all(abs(found[k] - repeated[k]) < 1e-9 for k in radicals),
    "the energy of H is 0": found["H"] == 0,
    "OH is wrong by more than 33 eV": (right["OH"] - found["OH"]) * HARTREE > 33,
    "the bond of water has the wrong sign or size": abs(bond["huckelpy"] - bond["right"]) > 10,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
