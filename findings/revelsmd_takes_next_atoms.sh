#!/usr/bin/env bash
# revelsMD 0.1.5: a radial distribution function from a GROMACS trajectory is that of the next atoms in the file: O-K becomes H-O. From
# a LAMMPS dump the atoms are mixed if the dump is not sorted, and `start` has no effect.
#
# revelsMD computes g(r) from forces, with less noise than a histogram. It has three sources of frames, all with silent surprises:
# 1. MDATrajectoryState takes the atoms of a name by `.ids` of MDAnalysis (revelsMD/trajectory_states.py), and uses these as row
#    numbers. The numbers in GRO, PDB and TPR files begin with 1, rows begin with 0. So each atom is replaced by the one after it: for
#    water (O H H) the function of the oxygen atoms is that of the first hydrogen atoms. Only the last atom of the file would give an
#    error. For LAMMPS the class subtracts 1. (run_rdf() stops with an error for this source, so it is run_rdf_lambda() that one uses.)
# 2. For a LAMMPS dump it goes by the order of lines, and never reads the column `id` (revels_tools/lammps_parser.py).
#    LAMMPS writes the lines in the order of the processors and of its own sorting, which changes. Which line is potassium comes from
#    the data file. Only a dump with `dump_modify sort id` has the right atoms.
# 3. run_rdf() and run_rdf_lambda() have `start`, "the first frame for which the radial distribution function will be calculated".
#    For a LAMMPS dump they only use it to count frames: start=200, stop=400 reads the frames 0 to 199, the equilibration.
#
# Remedy: read the frames with another program, and give them to NumpyTrajectoryState, which does all this as documented.
#
# Seen with revelsMD 0.1.5, MDAnalysis 2.11.0, numpy 2.4.6: K+ and 40 O, drawn from a known pair potential, so that g(r) is exp(-U/kT),
# 1.87 around 3 A. From arrays 1.89, from a sorted LAMMPS dump 1.89, from one that is not sorted 0.91, from GROMACS 0.99. With 600
# frames of a weaker potential before, and start=600, it is that of the weaker one, 1.17.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile revelsmd==0.1.5 MDAnalysis==2.11.0 numpy==2.4.6 scipy==1.17.1 lxml==6.1.3 \
  pymatgen==2026.10.24 pymatgen-core==2026.10.16 ase==3.29.0 tqdm==4.70.1
cd "$place"
cat > probe.py <<'PY'
import contextlib
import importlib.metadata
import io
import sys
import warnings

import MDAnalysis as mda
import numpy as np
from revelsMD.revels_rdf import RevelsRDF
from revelsMD.trajectory_states import LammpsTrajectoryState, MDATrajectoryState, NumpyTrajectoryState

warnings.simplefilter("ignore")
FRAMES, WATER, EDGE, T = 600, 40, 20.0, 300.0
KT = 0.0019872043 * T  # kcal/mol
NAMES = ["K"] + ["O", "H"] * WATER  # in the order of the file
PLACES = np.array([1.5, 3.0, 4.0])  # A
rng = np.random.default_rng(0)


def energy(r):  # kcal/mol: repulsion, and a well at 3 A
    return 3 * np.exp(-((r / 1.5) ** 2)) - 0.44 * np.exp(-((r - 3.0) ** 2))


def draw(scale=1.0):
    """K at random, O around it as exp(-U/kT) wants it, H at 1 A from its O and without forces: the O don't see each other."""
    position, force = np.zeros((2, len(NAMES), 3))
    oxygen = []
    while len(oxygen) < WATER:
        d = EDGE * (rng.random(3) - 0.5)
        if rng.random() < np.exp(-scale * (energy(np.linalg.norm(d)) + 0.44) / KT):
            oxygen.append(d)
    d = np.array(oxygen)
    r = np.linalg.norm(d, axis=1)
    slope = scale * (energy(r + 1e-4) - energy(r - 1e-4)) / 2e-4
    position[0] = EDGE * rng.random(3)
    position[1::2], force[1::2] = position[0] + d, -slope[:, None] * d / r[:, None]
    force[0] = -force[1::2].sum(0)
    turn = rng.normal(size=(WATER, 3))
    position[2::2] = position[1::2] + turn / np.linalg.norm(turn, axis=1)[:, None]
    return position % EDGE, force


def dump(name, sets, mix=False):
    with open(name, "w") as file:
        for step, (x, f) in enumerate(sets):
            box = f"0 {EDGE}\n" * 3
            file.write(f"ITEM: TIMESTEP\n{step}\nITEM: NUMBER OF ATOMS\n{len(x)}\nITEM: BOX BOUNDS pp pp pp\n{box}")
            file.write("ITEM: ATOMS id type x y z fx fy fz\n")
            for i in rng.permutation(len(x)) if mix else range(len(x)):
                file.write(f"{i + 1} {'KOH'.index(NAMES[i]) + 1} " + " ".join(f"{value:.6f}" for value in (*x[i], *f[i])) + "\n")
    return LammpsTrajectoryState(name, "topology.data", units="real", atom_style="id type x y z")


def g(state, a="K", b="O", **frames):
    with contextlib.redirect_stderr(io.StringIO()):  # the bars of progress
        r, values, _ = RevelsRDF.run_rdf_lambda(state, a, b, T, delr=0.1, **frames).T.astype(float)
    return [values[np.abs(r - centre) < 0.25].mean() for centre in PLACES]


print("revelsMD", importlib.metadata.version("revelsMD"))
sets = [draw() for _ in range(FRAMES)]
x, f = map(np.array, zip(*sets, strict=True))
with open("topology.data", "w") as file:
    file.write(f"K, O and H\n\n{len(NAMES)} atoms\n3 atom types\n\n")
    file.write("".join(f"0 {EDGE} {c}lo {c}hi\n" for c in "xyz") + "\nMasses\n\n1 39.1\n2 16.0\n3 1.0\n\nAtoms\n\n")
    file.write("".join(f"{i + 1} {'KOH'.index(n) + 1} {x[0, i, 0]} {x[0, i, 1]} {x[0, i, 2]}\n" for i, n in enumerate(NAMES)))
u = mda.Universe.empty(len(NAMES), trajectory=True, forces=True)
for name, values in {"names": NAMES, "resnames": ["SOL"], "resids": [1]}.items():
    u.add_TopologyAttr(name, values)
u.dimensions = [EDGE] * 3 + [90.0] * 3
u.atoms.positions = x[0]
u.atoms.write("run.gro")
with mda.Writer("run.trr", len(NAMES)) as writer:
    for u.trajectory.ts.frame, (positions, forces) in enumerate(sets):
        u.atoms.positions, u.atoms.forces = positions, forces * 4.184  # kJ/mol/A
        writer.write(u.atoms)
early = [draw(0.25) for _ in range(FRAMES)]  # the same with a weak interaction, before the run


def exact(scale=1.0):
    return [np.exp(-scale * energy(centre + np.linspace(-0.2, 0.2, 5)) / KT).mean() for centre in PLACES]


rows = mda.Universe("run.gro").select_atoms("name K O").indices + 1  # the atoms after K and O: O of the first water, and all H
others = ["after K"] + ["after O"] * WATER
found = {
    "exp(-U/kT)": exact(),
    "arrays": g(NumpyTrajectoryState(x, f, EDGE, EDGE, EDGE, NAMES)),
    "LAMMPS, sorted": g(dump("sorted.dump", sets), 1, 2, stop=FRAMES - 1),
    "LAMMPS, not sorted": g(dump("mixed.dump", sets, mix=True), 1, 2),
    "exp(-U/4kT)": exact(0.25),
    "LAMMPS, 600 frames with U/4 before, start=600": g(dump("two.dump", early + sets), 1, 2, start=FRAMES),
    "GROMACS": g(MDATrajectoryState("run.trr", "run.gro")),
    "arrays, the atoms after K and O": g(NumpyTrajectoryState(x[:, rows], f[:, rows], EDGE, EDGE, EDGE, others), *others[:2]),
}
for name, values in found.items():
    print(f"{name}: g(1.5 A) {values[0]:.2f}, g(3 A) {values[1]:.2f}, g(4 A) {values[2]:.2f}")
right = found["exp(-U/kT)"]


def near(name, values, tolerance=0.1):
    return bool(np.allclose(found[name], values, atol=tolerance))


facts = {
    "arrays and a sorted dump: g(r) is right": near("arrays", right) and near("LAMMPS, sorted", right),
    "a dump that is not sorted: no maximum at 3 A": found["LAMMPS, not sorted"][1] < 1.1,
    "start=600: it is that of the frames before": near("LAMMPS, 600 frames with U/4 before, start=600", found["exp(-U/4kT)"]),
    "GROMACS: it is that of the next atoms, 1": near("GROMACS", found["arrays, the atoms after K and O"], 1e-3) and near("GROMACS", 1),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
