#!/usr/bin/env bash
# ASE 3.29.0: a frame of a LAMMPS dump file that has forces gets the energy 0, although the file says nothing of an energy.
#
# A dump file has no energy of the frame. If it has the columns fx, fy, fz, ASE's reader attaches a SinglePointCalculator
# with these forces and with energy=0.0 (`_lammps_data_to_ase_atoms` in ase/io/lammpsrun.py). So get_potential_energy()
# returns 0.0 instead of an error. Without forces in the file there is an error, as there should be.
# The zero goes on silently: extended XYZ files written from these frames say energy=0.0 for each of them. A training set
# made like this has right forces, and the energy 0 for all frames. A program that trains with energies takes the zeros
# for data. It can't tell them from a missing energy. The documentation does not mention the energy. Text dumps and binary
# dumps go through the same function.
#
# Remedy: `del frame.calc.results["energy"]` after reading, or set it to the energy in the thermo output.
#
# Seen with ase 3.29.0, numpy 2.4.6: two argon atoms with a Lennard-Jones potential at 20 distances. The energies range
# from -0.0103 to +0.0098 eV. The forces come back correctly, the energies are all 0.0. The depth
# of the well is 0 if fitted to the energies, and right (0.0104 eV) if fitted to the forces.
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
from ase.calculators.calculator import PropertyNotImplementedError
from ase.io import read, write

DEPTH, SIGMA = 0.0104, 3.40  # eV, A: argon
distances = np.linspace(3.3, 6.0, 20)
shape = 4 * ((SIGMA / distances) ** 12 - (SIGMA / distances) ** 6)
pull = 4 * (12 * (SIGMA / distances) ** 12 - 6 * (SIGMA / distances) ** 6) / distances
energies, forces = DEPTH * shape, DEPTH * pull


def dump(name, with_forces):
    """What LAMMPS writes for `dump custom id type element x y z [fx fy fz]`, units metal."""
    columns = "id type element x y z" + " fx fy fz" * with_forces
    with open(name, "w") as stream:
        for step, (r, f) in enumerate(zip(distances, forces)):
            stream.write(f"ITEM: TIMESTEP\n{step}\nITEM: NUMBER OF ATOMS\n2\nITEM: BOX BOUNDS pp pp pp\n" + "0 20\n" * 3)
            stream.write(f"ITEM: ATOMS {columns}\n")
            stream.write("1 1 Ar 5 5 5" + f" {-f} 0 0" * with_forces + "\n")
            stream.write(f"2 1 Ar {5 + r} 5 5" + f" {f} 0 0" * with_forces + "\n")


def energy(frame):
    try:
        return frame.get_potential_energy()
    except (RuntimeError, PropertyNotImplementedError):
        return None


dump("forces.dump", True)
dump("none.dump", False)
frames = read("forces.dump", index=":", format="lammps-dump-text")
without = read("none.dump", index=":", format="lammps-dump-text")
write("training.xyz", frames, format="extxyz")
again = read("training.xyz", index=":")
facts = {
    "no forces in the file: no energy": all(energy(frame) is None for frame in without),
    "the forces are right": np.allclose([frame.get_forces()[1, 0] for frame in frames], forces, atol=1e-8),
    "forces in the file: the energy is 0.0": all(energy(frame) == 0.0 for frame in frames),
    "the real energies are not": abs(energies).max() > 0.01,
    "extended XYZ says energy=0.0": open("training.xyz").read().count("energy=0.0 ") == len(frames),
    "and is read as 0.0": all(energy(frame) == 0.0 for frame in again),
}
print("ase", ase.__version__)
print(f"energies from {energies.min():.4f} to {energies.max():.4f} eV, read as {sorted({energy(f) for f in again})}")
by_energy = np.linalg.lstsq(shape[:, None], np.array([energy(f) for f in again], float), rcond=None)[0][0]
by_force = np.linalg.lstsq(pull[:, None], np.array([f.get_forces()[1, 0] for f in again]), rcond=None)[0][0]
print(f"depth of the well: {by_energy:.4f} eV fitted to energies, {by_force:.4f} eV fitted to forces, {DEPTH} eV real")
for frame in frames:
    del frame.calc.results["energy"]
write("training.xyz", frames, format="extxyz")
facts["remedy: then there is no energy"] = all(energy(f) is None for f in read("training.xyz", index=":"))
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
