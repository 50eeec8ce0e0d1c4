#!/usr/bin/env bash
# sevenn 0.13.0 (SevenNet): a `structure_list` of VASP outputs puts frames into the training set that it does not name. Of
# "OUTCAR 0:5" all ten frames of the file get in, so also those that are kept for validation. Without a selection each frame
# except for the first is there twice.
#
# A structure_list names files and slices of frames. structure_list_reader() in sevenn/train/dataload.py goes through the chunks
# of an OUTCAR with the slice of the user (islice). For the first chunk that it gets, it starts another loop over the rest of the
# same stream, with the same slice again. This loop keeps what it finds: the slice counts from the wrong frame, and it is done
# again for each chunk that the outer loop still gets. Then comes an `else` that belongs to the `for`, so it is always executed:
# it reads the same file by ase.io.read, with the slice, and adds these frames. So the right frames are there, and others.
# The comments in the preset input files name structure_list as a format of training data. There is no message: the log only says
# how many frames there are.
#
# What follows: the error of validation is too small if training and validation come from one run; a stride that should leave out
# correlated frames has no effect; frames of the equilibration, cut off by "1000:", can come back; the weights of frames differ.
# Remedy: convert the files with ASE to extended XYZ, and name these in load_trainset_path. Their frames are right.
#
# Seen with sevenn 0.13.0, ase 3.29.0, torch 2.13.0, numpy 2.4.6: an OUTCAR with frames 0 to 9. No selection: 19 frames. "::2":
# 0, 2, 4, 6, 8 and 1, 3, 5, 7, 9. "0:5": 0, 1, 2, 3, 4 and 1, 2, 3, 4, 5, 7, 8, 9. "3:6": 3, 4, 5 and 7, 8, 9.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile sevenn==0.13.0 torch==2.13.0 ase==3.29.0 numpy==2.4.6
cd "$place"
cat > probe.py <<'PY'
import contextlib
import importlib.metadata
import io
import sys

import ase.io
import numpy as np
import sevenn._keys
from sevenn.train.graph_dataset import SevenNetGraphDataset

FRAMES, EDGE = 10, 10.0
PLACES = np.array([[1.0, 1, 1], [4, 4, 4], [7, 7, 7], [4.97, 4, 4], [7.97, 7, 7]])  # K, O, O, H, H
TITLES = ["PAW_PBE K_sv 06Sep2000", "PAW_PBE O 08Apr2002", "PAW_PBE H 15Jun2001"]


def energy(frame):
    return -30.0 - frame


def write():
    """The lines of an OUTCAR that tell species, cell, stress, positions, forces and energy, in VASP's form and order."""
    rng = np.random.default_rng(0)
    with open("OUTCAR", "w") as out:
        out.write(" vasp.6.4.2 20Jul23 (build) complex\n\n")
        for title in TITLES * 2:
            out.write(f" POTCAR:    {title}\n")
        out.write("   k-points           NKPTS =      1   k-points in BZ     NKDIM =      1   number of bands    NBANDS=     20\n")
        out.write("   ISPIN  =      1    spin polarized calculation?\n   ions per type =               1   2   2\n")
        out.write(" k-points in reciprocal lattice and weights: Gamma\n")
        out.write("   0.00000000  0.00000000  0.00000000      1.000\n\n")
        for frame in range(FRAMES):
            line = "-" * 39
            out.write(f"{line} Iteration {frame + 1:6d}(   1)  {line}\n")
            out.write("  in kB       1.00000     2.00000     3.00000     0.10000     0.20000     0.30000\n")
            out.write("      direct lattice vectors                 reciprocal lattice vectors\n")
            for row, column in zip(np.eye(3) * EDGE, np.eye(3) / EDGE, strict=True):
                out.write("  " + "".join(f"{value:13.9f}" for value in [*row, *column]) + "\n")
            out.write(f"\n POSITION                                       TOTAL-FORCE (eV/Angst)\n {'-' * 83}\n")
            for place in PLACES + 0.05 * rng.normal(size=PLACES.shape):
                values = [*place, *(0.1 * rng.normal(size=3))]
                out.write("  " + "".join(f"{value:13.5f}" for value in values) + "\n")
            out.write(f" {'-' * 83}\n\n  FREE ENERGIE OF THE ION-ELECTRON SYSTEM (eV)\n  {'-' * 51}\n")
            out.write(f"  free  energy   TOTEN  = {energy(frame):18.8f} eV\n\n")
            out.write(f"  energy  without entropy={energy(frame):16.8f}  energy(sigma->0) ={energy(frame):16.8f}\n\n")


def frames(file):
    with contextlib.redirect_stderr(io.StringIO()):  # the bar of progress
        graphs = SevenNetGraphDataset.file_to_graph_list(file, cutoff=4.0)
    return [round(-30 - float(graph[sevenn._keys.ENERGY])) for graph in graphs]


print("sevenn", importlib.metadata.version("sevenn"))
write()
read = ase.io.read("OUTCAR", index=":")
if [round(-30 - atoms.get_potential_energy()) for atoms in read] != list(range(FRAMES)):
    sys.exit("ASE does not read the ten frames: this probe is no good here")
right, found = {}, {}
for selection in ("", "::2", "0:5", "3:6"):
    with open("structure_list", "w") as file:
        file.write(f"[Aqueous]\nOUTCAR {selection}\n")
    right[selection] = list(range(FRAMES))[slice(*(int(i) if i else None for i in (selection or ":").split(":")))]
    found[selection] = frames("structure_list")
    print(f"OUTCAR {selection}: frames {found[selection]}, right: {right[selection]}")
ase.io.write("all.extxyz", read)
ase.io.write("some.extxyz", read[3:6])
facts = {
    "extended XYZ: the right frames": frames("all.extxyz") == list(range(FRAMES)) and frames("some.extxyz") == [3, 4, 5],
    "all right frames are there": all(set(right[selection]) <= set(found[selection]) for selection in found),
    "no selection: all but the first twice": sorted(found[""]) == sorted([*range(FRAMES), *range(1, FRAMES)]),
    "::2: the others, too": sorted(found["::2"]) == list(range(FRAMES)),
    "0:5: frames of the second half, too": set(found["0:5"]) & set(range(5, FRAMES)) == {5, 7, 8, 9},
    "3:6: 7, 8 and 9, too": sorted(found["3:6"]) == [3, 4, 5, 7, 8, 9],
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
CUDA_VISIBLE_DEVICES="" env/bin/python probe.py
