#!/usr/bin/env bash
# mace-inference 0.1.0: a pressure in a run at constant pressure pulls on the cell. All elastic constants and moduli are negative. And
# the number of neighbours of a metal atom depends on the order of the atoms in the file.
#
# mace-inference runs common tasks with MACE potentials and ASE. Three of them are wrong, with any calculator, and without a
# message:
# 1. run_npt_md() (tasks/dynamics.py) gives minus the pressure to ASE's NPT, as `externalstress`. ASE takes a single number for
#    the pressure, and changes the sign by itself. So pressure_GPa=5 is a tension of 5 GPa.
# 2. calculate_elastic_constants() (tasks/mechanics.py) takes minus the change of the stress of ASE. In ASE a stretched crystal
#    has a positive stress, so that there must be no minus. C11, C12, C44, the bulk modulus K, the shear modulus G and Young's
#    modulus E come out negative. The Poisson ratio and the anisotropy, which are ratios, look right.
#    calculate_bulk_modulus(), which fits energies, is right.
# 3. analyze_coordination() (tasks/adsorption.py) uses a neighbour list of ASE with bothways=False. It has each pair at only one of
#    its two atoms. Neighbours that stand before the metal atom in the file are mostly lost.
#
# Remedy: 1. give the pressure with the opposite sign. 2. change the sign of C. 3. put the metal atoms first, or count with
# ase.neighborlist.neighbor_list("ij", ...).
#
# Seen with mace-inference 0.1.0, ASE 3.26.0, copper with the EMT potential of ASE, at 50 K: the volume per atom is 11.60 A^3 at
# 0 GPa, 12.12 A^3 at 5 GPa, and 11.22 A^3 at -5 GPa. C11, C12 and C44 are -170, -114 and -89 GPa. K is -133 GPa, and from the
# energies 134 GPa. Of Zn(H2O)4, Zn has 4 neighbours, if it is the first atom, and 0, if it is the last one.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==2.4.6 scipy==1.17.1 ase==3.26.0 phonopy==4.10.0 click==8.5.1
"$place/env/bin/python" -m pip install --quiet --no-compile --no-deps mace-inference==0.1.0
cd "$place"
# The package imports torch only to ask for a GPU. An empty module is enough for calculations without MACE.
touch torch.py
cat > probe.py <<'PY'
import contextlib
import importlib.metadata
import io
import sys

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import read
from ase.neighborlist import natural_cutoffs, neighbor_list
from mace_inference.tasks import analyze_coordination, calculate_bulk_modulus, calculate_elastic_constants, run_npt_md

print(*(f"{name} {importlib.metadata.version(name)}" for name in ("mace-inference", "ase")))
copper = bulk("Cu", cubic=True, a=3.594)

# 1. The volume per atom at three pressures, mean over the second half.
volume = {}
for pressure in (0.0, 5.0, -5.0):
    np.random.seed(0)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        run_npt_md(
            copper * (3, 3, 3), EMT(), temperature_K=50, pressure_GPa=pressure, timestep=2.0, steps=2000,
            trajectory="npt.traj", log_interval=10,
        )
    frames = read("npt.traj", ":")
    volume[pressure] = np.mean([frame.get_volume() / len(frame) for frame in frames[len(frames) // 2 :]])
    print(f"{pressure:4.0f} GPa: {volume[pressure]:.2f} A^3 per atom")

# 2. Elastic constants.
elastic = calculate_elastic_constants(copper, EMT())
energies = calculate_bulk_modulus(copper, EMT())["B_GPa"]
print(", ".join(f"{key} {elastic[key]:.1f}" for key in ("C11", "C12", "C44", "K_H", "G_H", "E_H")), "GPa", end="")
print(f", bulk modulus from energies {energies:.1f} GPa, Poisson ratio {elastic['nu_H']:.2f}")

# 3. A zinc ion with four oxygen atoms, and their hydrogen atoms.
corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
side = np.cross(corners, [0.3, 0.5, 0.8])
side /= np.linalg.norm(side, axis=1)[:, None]
water = [("O", 2.0 * corner) for corner in corners]
water += [("H", 2.59 * corner + sign * 0.76 * across) for corner, across in zip(corners, side) for sign in (1, -1)]
found, known = {}, {}
for name, order in (("first", [("Zn", np.zeros(3)), *water]), ("last", [*water, ("Zn", np.zeros(3))])):
    cluster = Atoms([symbol for symbol, _ in order], positions=[place for _, place in order])
    data = analyze_coordination(cluster)["coordination"]
    (found[name],) = (value["coordination_number"] for value in data.values())
    pairs = neighbor_list("i", cluster, natural_cutoffs(cluster, mult=1.2))
    known[name] = int(np.sum(pairs == next(iter(data))))
    print(f"Zn(H2O)4 with Zn {name}: {found[name]} neighbours (neighbor_list: {known[name]})")
facts = {
    "5 GPa make the cell larger": volume[5.0] > volume[0.0] * 1.02,
    "-5 GPa make it smaller": volume[-5.0] < volume[0.0] * 0.98,
    "negative elastic constants": all(elastic[key] < -30 for key in ("C11", "C12", "C44", "K_H", "G_H", "E_H")),
    "with the right size": abs(elastic["K_H"] / energies + 1) < 0.05 and 0.2 < elastic["nu_H"] < 0.4,
    "neighbours depend on the order": found == {"first": 4, "last": 0} and known == {"first": 4, "last": 4},
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python -W ignore probe.py
