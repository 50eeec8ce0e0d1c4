#!/usr/bin/env bash
# cp2kbrew 0.2.6: the cell of a constant pressure run becomes rectangular, whatever its angles are. And the stress has the wrong
# sign in an extended XYZ file: what ASE reads from it for a compressed crystal pulls it together even more.
#
# cp2kbrew makes training sets from outputs of CP2K: for DeePMD by its own write(fmt="deepmd@npy"), as extended XYZ by
# mdbrew.io.write() of mdbrew, on which it is built.
# 1. For a run with a variable cell, CP2K prints "MD| Cell lengths" and "MD| Cell angles" in each step. cp2kbrew/opener/log.py
#    only reads the lengths, and makes a rectangular cell of them. A hexagonal cell gets 1.15 times its volume, and its atoms get
#    neighbours at other distances across the boundaries. The virial is multiplied by the same factor. Both go into the files for
#    DeePMD.
# 2. What CP2K prints as "STRESS| Analytical stress tensor" is positive if the crystal is compressed: its trace/3 is the pressure.
#    ASE, and with it MACE, NequIP and others, take stress = dE/dstrain / V, which is negative then. The calculator of ASE for
#    CP2K multiplies by -1 and says "cp2k uses the opposite sign". cp2kbrew turns the tensor into eV/A^3, the unit of ASE, and
#    keeps the sign of CP2K, and mdbrew writes it as stress="...". ase.io.read() gives it to get_stress(). A potential that is
#    trained on it learns forces and stresses that contradict each other. The virial of "deepmd@npy" has the right sign.
#    (cp2kbrew's own "trj@extxyz" writes the same stress, beside elements that read "['Ar']", which ASE refuses.)
# There is no message.
#
# Remedy: for cells with other angles than 90 degrees take another program; multiply the stress by -1.
#
# Seen with cp2kbrew 0.2.6, mdbrew 0.0.10, numpy 1.26.4, ase 3.29.0: a hexagonal cell of 120 degrees is read as one of 90 degrees,
# already in the first step. Its volume and its virial are 1.155 times too large. Argon in a cubic cell, compressed by 3 % in each
# direction: dE/dV from the energies in the extended XYZ file is -0.00275 eV/A^3, and the mean of xx, yy and zz of the stress in
# the same file +0.00275 eV/A^3. Energies and forces are right.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile cp2kbrew==0.2.6 mdbrew==0.0.10 numpy==1.26.4 ase==3.29.0 scipy==1.17.1
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import inspect
import pathlib
import sys

import ase.io
import numpy as np
from ase import units
from ase.build import bulk
from ase.calculators.cp2k import CP2K
from ase.calculators.lj import LennardJones

import cp2kbrew
import mdbrew


def cell_lines(cell):
    for letter, row in zip("abc", cell, strict=True):
        yield f" CELL| Vector {letter} [angstrom]:" + "".join(f"{x:10.3f}" for x in row) + f"   |{letter}| ={np.linalg.norm(row):12.6f}"


def frame_lines(atoms):
    """Energy, forces and stress as CP2K 2022.1 prints them."""
    yield f"\n ENERGY| Total FORCE_EVAL ( QS ) energy [a.u.]:   {atoms.get_potential_energy() / units.Ha:22.15f}\n"
    yield " ATOMIC FORCES in [a.u.]\n\n # Atom   Kind   Element          X              Y              Z"
    for i, force in enumerate(atoms.get_forces() * units.Bohr / units.Ha):
        yield f"{i + 1:7d}{1:7d}      Ar  " + "".join(f"{x:15.8f}" for x in force)
    yield " SUM OF ATOMIC FORCES           0.00000000     0.00000000     0.00000000     0.00000000\n"
    yield " STRESS| Analytical stress tensor [GPa]\n STRESS|                        x                   y                   z"
    tensor = -atoms.get_stress(voigt=False) / units.GPa  # the sign of CP2K
    for letter, row in zip("xyz", tensor, strict=True):
        yield f" STRESS|      {letter}   " + "".join(f"{x:20.11E}" for x in row)
    yield f" STRESS| 1/3 Trace {np.trace(tensor) / 3:44.11E}\n"


def write(name, steps, after=None):
    lines = list(cell_lines(steps[0].cell))
    lines += ["\n MODULE QUICKSTEP:  ATOMIC COORDINATES IN angstrom\n"]
    lines += [" Atom  Kind  Element       X           Y           Z          Z(eff)       Mass"]
    for i, x in enumerate(steps[0].positions):
        lines.append(f"{i + 1:5d}   1 Ar  18 " + "".join(f"{value:12.6f}" for value in x) + "       8.0000     39.9480")
    for number, atoms in enumerate(steps):
        lines += ["\n Extrapolation method: ASPC\n"] if number else [""]
        lines += [*frame_lines(atoms), *(after(atoms) if after else [])]
    lines.append(" -" + " " * 28 + "DBCSR STATISTICS" + " " * 29 + "-")
    pathlib.Path(name).parent.mkdir(exist_ok=True)
    pathlib.Path(name).write_text("\n".join(lines) + "\n")
    return name


print("cp2kbrew", importlib.metadata.version("cp2kbrew"), "ase", ase.__version__)
says = [line.strip() for line in inspect.getsource(CP2K).splitlines() if "opposite sign" in line]
print("the calculator of ASE for CP2K:", says[0])
settings = {"sigma": 3.4, "epsilon": 0.0104, "rc": 9.0, "smooth": True}
crystals = []
for scale in (0.969, 0.97, 0.971, 1.05):
    atoms = bulk("Ar", cubic=True, a=5.26).repeat(2)
    atoms.rattle(0.05, seed=1)
    atoms.set_cell(np.round(atoms.cell * scale, 3), scale_atoms=True)
    atoms.calc = LennardJones(**settings)
    crystals.append(atoms)
brewer = cp2kbrew.brewer([write(f"run{i}/out.log", [atoms]) for i, atoms in enumerate(crystals)])
mdbrew.io.write("set.extxyz", brewer.mdstates)
brewer.write(path="set", fmt="deepmd@npy")
frames = ase.io.read("set.extxyz", ":")
virials = np.load("set/set.000/virial.npy").reshape(-1, 3, 3)
energies, volumes = (np.array([f() for f in column]) for column in zip(*((a.get_potential_energy, a.get_volume) for a in frames)))
slope = (energies[2] - energies[0]) / (volumes[2] - volumes[0])
mean = [np.trace(atoms.get_stress(voigt=False)) / 3 for atoms in frames]
right = [np.trace(atoms.get_stress(voigt=False)) / 3 for atoms in crystals]
print(f"compressed, from the file: dE/dV {slope:+.5f}, stress {mean[1]:+.5f} (right: {right[1]:+.5f}) eV/A^3")
print(f"expanded, from the file: stress {mean[3]:+.5f} (right: {right[3]:+.5f}) eV/A^3")
exact = [-atoms.get_volume() * atoms.get_stress(voigt=False) for atoms in crystals]


def hexagonal(a, c):
    places = [(0, 0, 0), (1 / 3, 2 / 3, 1 / 2)]
    atoms = ase.Atoms("Ar2", scaled_positions=places, cell=[a, a, c, 90, 90, 120], pbc=True).repeat((3, 3, 2))
    atoms.calc = LennardJones(**settings)
    return atoms


def lengths(atoms):
    a, b, c, *angles = atoms.cell.cellpar()
    yield f" MD| Cell lengths [ang]          {a:16.8E}{b:16.8E}{c:16.8E}"
    yield " MD| Cell angles [deg]           " + "".join(f"{x:16.8E}" for x in angles)


steps = [hexagonal(3.7, 6.1), hexagonal(3.71, 6.12)]
run = cp2kbrew.brewer(write("npt/out.log", steps, lengths))
boxes = run.brew(what="box")
ratios = [np.linalg.det(box) / atoms.get_volume() for box, atoms in zip(boxes, steps, strict=True)]
virial = run.brew(what="virial")[1][0, 0] / (-steps[1].get_volume() * steps[1].get_stress(voigt=False)[0, 0])
print("hexagonal cell: a, b, c =", np.round(boxes[1], 3).tolist())
print(f"volume / right: {ratios[0]:.4f} and {ratios[1]:.4f}, virial / right: {virial:.4f}")
facts = {
    "the input is right: dE/dV is the mean of the stress": bool(np.isclose(slope, right[1], rtol=0.01)),
    "energies and forces are right": all(
        bool(np.isclose(f.get_potential_energy(), c.get_potential_energy(), atol=1e-6))
        and bool(np.allclose(f.get_forces(), c.get_forces(), atol=1e-6))
        for f, c in zip(frames, crystals, strict=True)
    ),
    "the stress in the extended XYZ file has the wrong sign": all(
        bool(np.allclose(f.get_stress(), -c.get_stress(), atol=1e-6)) for f, c in zip(frames, crystals, strict=True)
    )
    and mean[1] > 0.002,
    "the virial for DeePMD has the right sign": bool(np.allclose(virials, exact, atol=1e-2)),
    "ASE says that CP2K has the opposite sign": bool(says),
    "the hexagonal cell becomes rectangular": bool(
        np.allclose(ratios, 2 / np.sqrt(3), rtol=1e-3) and np.allclose(boxes, [np.diag(np.diag(box)) for box in boxes])
    ),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
