#!/usr/bin/env bash
# cp2kdata 0.7.3: the macroscopic average of a potential from a cube file of CP2K is multiplied by a number that depends on the grid,
# on a usual one between 0.85 and 1.15. The average of a potential around -0.5 hartree can be -0.43. And get_integration() up to the
# edge of the cell leaves out the last plane of the grid.
#
# The class Cp2kCube reads cube files of potentials and densities. All three are in cp2kdata/cube/cube.py.
# 1. get_mav(l1, l2, ncov) averages the planar average over a window of the length l1, and for ncov=2 over l2 again. This is how one
#    lines up the potential of an electrolyte, an electrode and the vacuum. square_wave_filter() makes a window of the height 1/l1, and
#    puts it on the grid points. But a window is seldom a whole number of steps: one of 11.9 steps has 11 points. The sum of the
#    weights is 11/11.9 = 0.92 then, and 0.85 for ncov=2. With 12.2 steps it has 13 points, and the sum is 1.07. An average must leave
#    a constant as it is. The error is the larger the coarser the grid is, and CP2K writes every second point by default.
#    With interpolate=True it is below 1 %, but the default is False. The curve is smooth and has the right shape.
# 2. get_integration(start_z=0, end_z=c) with the length c of the cell takes the index of the nearest plane, and goes up to this one
#    without taking it. So the last plane is missing. Two halves of a cell don't add up to the whole one: electrons get lost.
# 3. reduce_resolution(stride) makes the step longer by the stride. If the stride does not divide the number of points, the
#    cell becomes longer than it was. So does the cell in the file of write_cube(), and the number of electrons is larger.
# There is no message.
#
# Remedy: get_mav(..., interpolate=True); no end_z for the upper part of a cell; a stride that divides the grid.
#
# Seen with cp2kdata 0.7.3, numpy 2.4.6, scipy 1.17.1, ase 3.29.0: a potential in layers of 4 bohr around -0.5 hartree, 40 bohr in 119
# steps. Average over 4 bohr: -0.46, and -0.43 hartree for ncov=2 (2 eV off). With interpolate=True -0.50. Of 250 electrons, the two
# halves of the cell have 247.9 together. 264.7 electrons and a cell of 42.4 bohr are left after reduce_resolution(9, axis="z").
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile cp2kdata==0.7.3 numpy==2.4.6 scipy==1.17.1 ase==3.29.0 dpdata==1.1.0 \
  monty==2026.10.21 regex==2026.11.19 asciichartpy==1.5.25 matplotlib==3.11.2
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import logging
import sys

import numpy as np
from cp2kdata.cube.cube import Cp2kCube

logging.disable()
POINTS, EDGES = np.array([4, 4, 119]), np.array([5.0, 5.0, 40.0])  # bohr
STEP, LAYER, LEVEL, DENSITY = EDGES / POINTS, 4.0, -0.5, 0.25  # hartree, electrons per bohr^3
z = np.arange(POINTS[2]) * STEP[2]


def write(name, line):
    """A cube file as CP2K writes it, the same along x and y, with one atom."""
    with open(name, "w") as file:
        file.write("-Quickstep-\n cube\n" + f"{1:5d}{0:12.6f}{0:12.6f}{0:12.6f}\n")
        for axis in range(3):
            row = np.eye(3)[axis] * STEP[axis]
            file.write(f"{POINTS[axis]:5d}" + "".join(f"{value:12.6f}" for value in row) + "\n")
        file.write(f"{19:5d}{9:12.6f}{2.5:12.6f}{2.5:12.6f}{20:12.6f}\n")
        for _ in range(POINTS[0] * POINTS[1]):
            for start in range(0, len(line), 6):
                file.write("".join(f"{value:13.5E}" for value in line[start : start + 6]) + "\n")
    return Cp2kCube(name)


print("cp2kdata", importlib.metadata.version("cp2kdata"))
layers = LEVEL + 0.3 * np.cos(2 * np.pi * z / LAYER)  # hartree; ten layers, the mean over each is LEVEL
cubes = {"layers": write("v.cube", layers), "constant": write("c.cube", np.full(len(z), LEVEL))}
_, planar = cubes["layers"].get_pav()
print(f"planar average: {planar.min():.3f} to {planar.max():.3f}, mean {planar.mean():.4f} hartree")
fine = np.interp(np.arange(4000) / 100, np.append(z, EDGES[2]), np.append(planar, planar[0]))  # in steps of 0.01 bohr
by_hand = np.array([np.roll(fine, -shift)[:400].mean() for shift in range(0, 4000, 7)])
print(f"average over 4 bohr, by hand: {by_hand.min():.4f} to {by_hand.max():.4f} hartree")
found = {}
for name, cube in cubes.items():
    for ncov in (1, 2):
        for interpolate in (False, True):
            _, curve = cube.get_mav(LAYER, LAYER, ncov, interpolate=interpolate)
            found[name, ncov, interpolate] = curve
            print(f"get_mav, {name}, ncov={ncov}, interpolate={interpolate}: {curve.min():.4f} to {curve.max():.4f} hartree")
weights = {}
for length in (4.1, 4.67, 5.2):
    weights[length] = cubes["constant"].get_mav(length, length, 2)[1].mean() / LEVEL
    print(f"windows of {length} bohr, ncov=2: a constant is multiplied by {weights[length]:.3f}")

density = write("n.cube", np.full(len(z), DENSITY))
whole, electrons = density.get_integration(), DENSITY * EDGES.prod()
lower, upper = density.get_integration(start_z=0, end_z=20.0), density.get_integration(start_z=20.0, end_z=40.0)
fewer = density.reduce_resolution(9, axis="z")
print(f"electrons: {whole:.1f} (right: {electrons:.1f}); lower half {lower:.1f}, upper half {upper:.1f}")
long = fewer.cell.grid_spacing_matrix[2, 2] * fewer.cell.grid_point[2]
print(f"with every ninth plane: {fewer.get_integration():.1f} electrons, cell of {long:.1f} bohr")
short = 11 / (LAYER / STEP[2])  # 11 points in a window of 11.9 steps
facts = {
    "the input is right: planar average, and average by hand": bool(
        np.allclose(planar, layers, atol=1e-5) and np.allclose(by_hand, LEVEL, atol=1e-3)
    ),
    "a constant is multiplied by 0.92, and by 0.85 for ncov=2": all(
        bool(np.allclose(found["constant", ncov, False], LEVEL * short**ncov)) for ncov in (1, 2)
    ),
    "so is the average of the layers": all(
        bool(np.isclose(found["layers", ncov, False].mean(), LEVEL * short**ncov, rtol=1e-3)) for ncov in (1, 2)
    ),
    "with interpolation it is right within 1 %": all(
        bool(np.allclose(found[name, ncov, True], LEVEL, rtol=0.01)) for name in cubes for ncov in (1, 2)
    ),
    "the factor goes up and down with the window": weights[4.1] > 1.1 > 0.9 > weights[4.67] < weights[5.2] < 1,
    "the whole cell is right, the two halves lack a plane": bool(
        np.isclose(whole, electrons) and np.isclose(lower + upper, electrons * 118 / 119)
    ),
    "every ninth plane: 126/119 of the electrons and of the cell": bool(
        np.isclose(fewer.get_integration(), electrons * 126 / 119) and np.isclose(long, EDGES[2] * 126 / 119)
    ),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
