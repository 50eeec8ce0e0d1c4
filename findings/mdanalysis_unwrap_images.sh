#!/usr/bin/env bash
# MDAnalysis 2.11.0: unwrap_images=True for a LAMMPS dump is right only for columns x y z and an upright box. In a tilted box
# atoms jump when they cross a side. With xs ys zs, the columns of `dump atom`, they jump by the square of the edge, and with
# xu yu zu they are unwrapped twice.
#
# A dump with wrapped coordinates and image flags (ix iy iz) holds the unwrapped path: with the cell vectors a, b, c it is
# x + ix a + iy b + iz c. DumpReader adds ix, iy and iz times the lengths of the three vectors to x, y and z instead
# (`coords += images * ts.dimensions[:3]` in MDAnalysis/coordinates/LAMMPS.py). In a tilted box b and c do not point along y
# and z. Scaled coordinates are multiplied by the box only after this, so that the image flags are multiplied by it twice.
# xu yu zu need no image flags, and get them all the same. The documentation says that the coordinates will be unwrapped if the
# dump has image flags, and names all four kinds of columns and tilted boxes as supported. There is no message.
#
# Mean squared displacements and diffusion coefficients from such a trajectory are wrong. For scaled coordinates they are absurd.
# For a tilted box (NPT with a flexible cell, a crystalline electrode) and for xu they look like those of a faster liquid.
# Known upstream: https://github.com/MDAnalysis/mdanalysis/issues/5138 asks for unwrapping, and pull request 5470 had a correction
# in September 2026, and was closed for formal reasons.
# Remedy: `dump custom ... xu yu zu` without unwrap_images; or unwrap with the cell vectors and additional_columns=["ix", ...].
#
# Seen with MDAnalysis 2.11.0, numpy 2.4.6: 50 atoms that diffuse in a box with edges of 12 A, upright or tilted, 40 frames.
# The mean squared displacement after 10 frames is 18 A^2 in the upright box with x y z, as it should be, 8280 with xs ys zs and
# 116 with xu yu zu. In the tilted box it is 26 with x y z, 10942 with xs ys zs, and 148 with xu yu zu, instead of 20.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile MDAnalysis==2.11.0 numpy==2.4.6 scipy==1.17.1
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys
import warnings

import MDAnalysis
import numpy as np

ATOMS, FRAMES, LAG, STEP = 50, 40, 10, 0.8  # A
BOXES = {
    "upright": np.diag([12.0, 12, 12]),
    "tilted": np.array([[12.0, 0, 0], [4, 12, 0], [2, 3, 12]]),
}


def write(box, path, columns):
    """A dump as LAMMPS writes it: wrapped coordinates (but for xu) and image flags. The box begins at 0."""
    xy, xz, yz = box[1, 0], box[2, 0], box[2, 1]
    lengths = np.diag(box)
    if np.count_nonzero(box) == 3:
        bounds = "ITEM: BOX BOUNDS pp pp pp\n" + "".join(f"0.0 {length}\n" for length in lengths)
    else:
        # The bounds of the smallest upright box around the tilted one: docs.lammps.org/Howto_triclinic.html
        bounds = (
            "ITEM: BOX BOUNDS xy xz yz pp pp pp\n"
            f"{min(0, xy, xz, xy + xz)} {lengths[0] + max(0, xy, xz, xy + xz)} {xy}\n"
            f"{min(0, yz)} {lengths[1] + max(0, yz)} {xz}\n"
            f"0.0 {lengths[2]} {yz}\n"
        )
    with open("path.lammpstrj", "w") as dump:
        for number, x in enumerate(path):
            scaled = x @ np.linalg.inv(box)
            images = np.floor(scaled).astype(int)
            values = {"x y z": (scaled - images) @ box, "xs ys zs": scaled - images, "xu yu zu": x}[columns]
            dump.write(f"ITEM: TIMESTEP\n{number * 100}\nITEM: NUMBER OF ATOMS\n{len(x)}\n{bounds}")
            dump.write(f"ITEM: ATOMS id type {columns} ix iy iz\n")
            for atom, (value, image) in enumerate(zip(values, images, strict=True)):
                dump.write(f"{atom + 1} 1 {value[0]:.7f} {value[1]:.7f} {value[2]:.7f} {image[0]} {image[1]} {image[2]}\n")


def msd(path):
    return ((path[LAG:] - path[:-LAG]) ** 2).sum(axis=-1).mean()


def read(unwrap):
    universe = MDAnalysis.Universe("path.lammpstrj", format="LAMMPSDUMP", unwrap_images=unwrap)
    return np.array([frame.positions.copy() for frame in universe.trajectory])


warnings.simplefilter("ignore")  # about guessed masses; there is none about images
print("MDAnalysis", importlib.metadata.version("MDAnalysis"))
rng = np.random.default_rng(0)
found, right, plain = {}, {}, {}
for name, box in BOXES.items():
    steps = STEP * rng.normal(size=(FRAMES, ATOMS, 3))
    steps[0] = rng.random((ATOMS, 3)) @ box
    path = np.cumsum(steps, axis=0)
    right[name] = msd(path)
    for columns in ("x y z", "xs ys zs", "xu yu zu"):
        write(box, path, columns)
        found[name, columns] = msd(read(True))
        print(f"{name}, {columns}: mean squared displacement {found[name, columns]:.1f} A^2 (right: {right[name]:.1f})")
    plain[name] = msd(read(False))
    print(f"{name}, xu yu zu without unwrap_images: {plain[name]:.1f}")
facts = {
    "upright, x y z: right": bool(np.isclose(found["upright", "x y z"], right["upright"], rtol=1e-3)),
    "tilted, x y z: 20 % too large at least": found["tilted", "x y z"] > 1.2 * right["tilted"],
    "scaled: 100 times too large at least": all(found[name, "xs ys zs"] > 100 * right[name] for name in BOXES),
    "xu yu zu: unwrapped twice": all(found[name, "xu yu zu"] > 3 * right[name] for name in BOXES),
    "xu yu zu without unwrap_images: right": all(np.isclose(plain[name], right[name], rtol=1e-3) for name in BOXES),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
