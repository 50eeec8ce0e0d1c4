#!/bin/bash
# MDAnalysis 2.11.0 and mdtraj 1.11.1 cannot open a LAMMPS dump with times.
#
# `dump_modify ID time yes units yes` writes ITEM: UNITS and ITEM: TIME before ITEM: TIMESTEP
# (https://docs.lammps.org/dump_modify.html). LAMMPS, ASE, OVITO and chemfiles read such a dump. These two
# programs expect fixed line numbers instead: MDAnalysis ends with "No id column
# found in dump file" (with ITEM: UNITS first: "invalid literal for int() with base 10"), mdtraj with
# "This file does not appear to be a valid lammpstrj file".
#
# Exit 0: the problem exists. Exit 1: one of them reads the dump now (or neither could be tested).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet MDAnalysis==2.11.0 mdtraj==1.11.1.post2
cd "$folder"
venv/bin/python - <<'PYTHON'
import sys
import warnings

warnings.simplefilter("ignore")
import MDAnalysis
import mdtraj
from mdtraj.formats import LAMMPSTrajectoryFile


def frame(step, with_time):
    before = f"ITEM: TIME\n{step * 0.0005}\n" if with_time else ""
    return (
        f"{before}ITEM: TIMESTEP\n{step}\nITEM: NUMBER OF ATOMS\n3\nITEM: BOX BOUNDS pp pp pp\n"
        "0 9\n0 9\n0 9\nITEM: ATOMS id type x y z\n"
        "1 1 0.1 0.2 0.3\n2 2 1.1 1.2 1.3\n3 1 2.1 1.2 1.3\n"
    )


def with_mdanalysis(name):
    return len(MDAnalysis.Universe(name, format="LAMMPSDUMP").trajectory)


def with_mdtraj(name):
    with LAMMPSTrajectoryFile(name) as file:
        return len(file.read()[0])


surprising = True
for with_time in (False, True):
    name = "timed.lammpstrj" if with_time else "plain.lammpstrj"
    with open(name, "w") as stream:
        stream.write("".join(frame(step, with_time) for step in (0, 20)))
    for program, read in ((MDAnalysis, with_mdanalysis), (mdtraj, with_mdtraj)):
        try:
            found = f"{read(name)} frames"
        except (ValueError, OSError) as error:
            found = f"refused: {str(error).splitlines()[-1]}"
        print(f"{program.__name__} {program.__version__}, {name}: {found}")
        surprising &= found.startswith("refused") == with_time
print("as found" if surprising else "CHANGED")
sys.exit(not surprising)
PYTHON
