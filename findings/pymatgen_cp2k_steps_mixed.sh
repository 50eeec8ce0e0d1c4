#!/usr/bin/env bash
# pymatgen-core 2026.10.16: Cp2kOutput gives energies in eV and forces in hartree/bohr, side by side in ionic_steps: the forces are
# 51 times too small. If a molecular dynamics run writes its positions less often than its forces and cells, each structure gets the
# forces, the stress and the cell of another step.
#
# Cp2kOutput(file).parse_ionic_steps() is the way from a run of CP2K to a list of structures with energies, forces and stresses,
# for training a potential, for instance; as_dict() hands the same list to databases. All is in pymatgen/io/cp2k/outputs.py:
# 1. parse_energies() multiplies the energies by Ha_to_eV. parse_forces() takes the numbers of the file *frc*.xyz (or of the output)
#    as they are, in hartree/bohr, and parse_stresses() those of the .stress file, in bar. pymatgen's reader of VASP gives eV and
#    eV/A. Neither the docstrings nor the pages on pymatgen.io.cp2k name units of forces and stress. A potential that is
#    trained on it learns forces that are almost 0, and energies that contradict them.
# 2. CP2K writes positions, forces, cell and stress to four files, each with its own &EACH, 1 step by default. The number of the
#    step stands in each of them. parse_structures() and parse_ionic_steps() go by the place in the file, and zip() or index
#    stops at the shortest. With `&TRAJECTORY ... &EACH MD 10` alone, the second structure, of step 10, gets the forces and the
#    cell of step 1. The energy is right, since it stands in the file of the positions. There is no message.
#
# Remedy: multiply the forces by 51.42 (hartree/bohr in eV/A); write all files with the same EACH, or read them with ASE by step.
#
# Seen with pymatgen-core 2026.10.16, numpy 2.4.6: a file set as CP2K 2023.1 writes it, NPT, 40 steps of 6 atoms. Forces of 1.0 eV/A
# (root mean square) are read as 0.020. With EACH 1 for all, the numbers are those of the right step. With EACH 10 for the positions,
# the forces of step 10 differ from the right ones by 1.6 times their own size, as unrelated ones do, and the edge of the cell in
# step 40 is 9.935 instead of 10.101 A.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile pymatgen-core==2026.10.16 numpy==2.4.6 scipy==1.17.1 pandas==3.1.1
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys
import warnings

import numpy as np
from pymatgen.io.cp2k.outputs import Cp2kOutput

warnings.simplefilter("ignore")
HARTREE, BOHR = 27.211386245988, 0.529177210903
EDGE, STEPS = 10.0, 40
SYMBOLS = ["K", "O", "H", "O", "H", "H"]
KINDS = {"K": (1, 9.0, 39.0983), "O": (2, 6.0, 15.9994), "H": (3, 1.0, 1.0079)}
rng = np.random.default_rng(0)
START = np.array([[2.0, 2, 2], [4.6, 2, 2], [5.4, 2.5, 2], [5, 7, 7], [5.9, 7.2, 7], [4.7, 7.9, 7]])
place = START + 0.05 * rng.normal(size=(STEPS + 1, 6, 3)).cumsum(axis=0)  # A
force = 0.02 * rng.normal(size=(STEPS + 1, 6, 3))  # hartree/bohr
energy = -62.0 + 0.01 * rng.normal(size=STEPS + 1)  # hartree
edge = EDGE * (1 + 0.004 * rng.normal(size=STEPS + 1).cumsum())  # A
stress = 1000.0 * rng.normal(size=(STEPS + 1, 3, 3))  # bar


def write(every):
    """The files of a run whose positions are written every so many steps. All others are written at each step."""
    with open("koh.inp", "w") as file:
        file.write(f"""&GLOBAL
  PROJECT koh
  RUN_TYPE MD
&END GLOBAL
&FORCE_EVAL
  METHOD QS
  &DFT
    CHARGE 0
    MULTIPLICITY 1
    &XC
      &XC_FUNCTIONAL PBE
      &END XC_FUNCTIONAL
    &END XC
  &END DFT
  &SUBSYS
    &CELL
      ABC {EDGE} {EDGE} {EDGE}
    &END CELL
  &END SUBSYS
&END FORCE_EVAL
""")
    with open("koh.out", "w") as file:
        file.write(" CP2K| version string:                                          CP2K version 2023.1\n")
        file.write(" CP2K| Input file name                                                  koh.inp\n\n")
        file.write(" GLOBAL| Project name                                                       koh\n")
        file.write(" GLOBAL| Run type                                                            MD\n\n")
        file.write(" DFT| Spin restricted Kohn-Sham (RKS) calculation                           RKS\n")
        file.write(" DFT| Multiplicity                                                            1\n")
        file.write(" DFT| Charge                                                                  0\n\n")
        file.write(" POISSON| Solver                                                         PERIODIC\n")
        file.write(" POISSON| Periodicity                                                        XYZ\n\n")
        file.write(" ATOMIC KIND INFORMATION\n\n")
        for kind, (number, valence, _) in KINDS.items():
            file.write(f"  {number}. Atomic kind: {kind}     Number of atoms: {SYMBOLS.count(kind):7d}\n\n")
            file.write("     Orbital Basis Set                                         DZVP-MOLOPT-SR-GTH\n\n")
            file.write(f"     GTH Potential information for                                   GTH-PBE-q{valence:.0f}\n\n")
        file.write(" MOLECULE KIND INFORMATION\n\n TOTAL NUMBERS AND MAXIMUM NUMBERS\n\n")
        file.write(f"  Total number of            - Atomic kinds: {len(KINDS):35d}\n")
        file.write(f"                             - Atoms:        {len(SYMBOLS):35d}\n\n")
        file.write(" MODULE QUICKSTEP: ATOMIC COORDINATES IN ANGSTROM\n\n")
        file.write("   Atom Kind Element         X             Y             Z       Z(eff)     Mass\n")
        for number, (symbol, x) in enumerate(zip(SYMBOLS, place[0], strict=True)):
            kind, valence, mass = KINDS[symbol]
            nuclear = {"K": 19, "O": 8, "H": 1}[symbol]
            file.write(f"{number + 1:7d}{kind:5d} {symbol:>2} {nuclear:4d}{x[0]:14.6f}{x[1]:14.6f}{x[2]:14.6f}")
            file.write(f"{valence:12.4f}{mass:12.4f}\n")
        file.write("\n")
    files = {"koh-pos-1.xyz": (place, every), "koh-frc-1.xyz": (force, 1)}
    for name, (values, each) in files.items():
        with open(name, "w") as file:
            for step in range(0, STEPS + 1, each):
                file.write(f"{len(SYMBOLS):8d}\n i = {step:8d}, time = {step * 0.5:12.3f}, E = {energy[step]:20.10f}\n")
                for symbol, x in zip(SYMBOLS, values[step], strict=True):
                    file.write(f"{symbol:>3}{x[0]:20.10f}{x[1]:20.10f}{x[2]:20.10f}\n")
    with open("koh-1.cell", "w") as file:
        file.write("#   Step   Time [fs]       Ax [Angstrom] ...       Volume [Angstrom^3]\n")
        for step in range(STEPS + 1):
            cell = " ".join(f"{value:16.10f}" for value in (np.eye(3) * edge[step]).ravel())
            file.write(f"{step:8d}{step * 0.5:12.3f} {cell} {edge[step] ** 3:20.10f}\n")
    with open("koh-1.stress", "w") as file:
        file.write("#   Step   Time [fs]            xx [bar] ...            zz [bar]\n")
        for step in range(STEPS + 1):
            file.write(f"{step:8d}{step * 0.5:12.3f} " + " ".join(f"{value:16.8f}" for value in stress[step].ravel()) + "\n")


def read(every):
    write(every)
    steps = Cp2kOutput("koh.out").parse_ionic_steps()
    return [
        np.array(values)
        for values in (
            [step["structure"].cart_coords for step in steps],
            [step["E"] for step in steps],
            [step["forces"] for step in steps],
            [step["stress_tensor"] for step in steps],
            [step["structure"].lattice.a for step in steps],
        )
    ]


def size(values):
    return float(np.sqrt(np.mean(np.square(values))))


print("pymatgen-core", importlib.metadata.version("pymatgen-core"))
right_force = force * HARTREE / BOHR
x1, e1, f1, s1, a1 = read(1)
print(f"root mean square of the forces: {size(f1):.4f} (right: {size(right_force):.4f} eV/A)")
x10, e10, f10, s10, a10 = read(10)
here = np.arange(0, STEPS + 1, 10)
off = size(f10[1] * HARTREE / BOHR - right_force[10]) / size(right_force[10])
print(f"positions every 10 steps: {len(x10)} structures, the forces of step 10 differ by {off:.2f} times their size,")
print(f"edge in step {STEPS}: {a10[-1]:.3f} A (right: {edge[STEPS]:.3f})")
facts = {
    "each step: positions, energies in eV and cells are right": bool(
        np.allclose(x1, place) and np.allclose(e1, energy * HARTREE) and np.allclose(a1, edge)
    ),
    "each step: forces are those of the step, in hartree/bohr": bool(np.allclose(f1, force, atol=1e-8)),
    "each step: stresses are those of the step, in bar": bool(np.allclose(s1, stress)),
    "every 10 steps: positions and energies are right": bool(
        np.allclose(x10, place[here]) and np.allclose(e10, energy[here] * HARTREE)
    ),
    "every 10 steps: forces, stresses and cells are those of steps 0 to 4": bool(
        np.allclose(f10, force[:5], atol=1e-8) and np.allclose(s10, stress[:5]) and np.allclose(a10, edge[:5])
    ),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
