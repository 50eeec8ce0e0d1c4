#!/usr/bin/env bash
# pyztraj 0.8.0: g(r) knows no periodic boundaries, it falls to less than half at half of the box edge, and counts each atom as its
# own neighbour. Hydrogen bonds across the boundary are missing. And the minimum image distance is wrong in triclinic boxes.
#
# pyztraj evaluates trajectories with a library in Zig. Its README shows compute_rdf(sel1_coords, sel2_coords, box_volume=1000.0).
# 1. compute_rdf() (pyztraj/analysis.py, rdf.zig) takes the volume of the box for the density. It gets no box vectors, and takes
#    the distances without periodic boundaries. Atoms near a face of the box have neighbours on one side only, so g(r) is too
#    small, and the more the larger r is. For equal selections the N distances of 0 are counted in the first bin. The comment in
#    the source says "For an ideal gas, g(r) = 1.0 everywhere"; the docstring says nothing of periodic boundaries.
# 2. detect_hbonds(), compute_contacts() and analyze_all(), which counts both in each frame, have no argument for the box,
#    either. In a box of water the bonds across the faces are missing.
# 3. minimum_image_distance() takes "(3, 3) box vectors". In a triclinic box, as the truncated octahedron of GROMACS, it subtracts
#    the rounded fractional coordinates. That does not always give the nearest image.
# 4. The frames of open_dcd() have the "time" in "picoseconds". It is in the unit of the file, 0.0489 ps.
# There is no message.
#
# Remedy: MDAnalysis or mdtraj for 1 to 3; times 0.04888821 for 4.
#
# Seen with pyztraj 0.8.0, numpy 2.4.6, MDAnalysis 2.11.0: g(r) of an ideal gas in a cube of 20 A is 0.91 at 1.25 A, 0.67 at 4.75 A
# and 0.41 at 9.75 A. For equal selections it is 8.7 in the first bin of 0.5 A. A box of water has 588 of 686 hydrogen bonds.
# 14 % of the minimum image distances in a truncated octahedron, and 16 % in a rhombic dodecahedron, are too large, by up to 12 A
# for an edge of 30 A. In a cube they are right. Frames every 2 ps in a DCD file have the times 0, 40.9, 81.8.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile pyztraj==0.8.0 numpy==2.4.6 MDAnalysis==2.11.0
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import itertools
import sys
import warnings

import MDAnalysis as mda
import numpy as np
import pyztraj

warnings.simplefilter("ignore")
rng = np.random.default_rng(1)
print("pyztraj", importlib.metadata.version("pyztraj"))

EDGE, ATOMS, RMAX, BINS = 20.0, 2000, 10.0, 20
edges = np.linspace(0, RMAX, BINS + 1)
shells = 4 / 3 * np.pi * np.diff(edges**3)
gas = [(EDGE * rng.random((ATOMS, 3))).astype(np.float32) for _ in range(2)]


def by_hand(a, b, boundaries):
    vectors = a[:, None].astype(float) - b[None]
    if boundaries:
        vectors -= EDGE * np.round(vectors / EDGE)
    counts = np.histogram(np.linalg.norm(vectors, axis=-1), edges)[0]
    return counts / (len(a) * len(b) / EDGE**3 * shells)


g = [pyztraj.compute_rdf(gas[0], other, EDGE**3, r_max=RMAX, n_bins=BINS)[1] for other in gas[::-1]]
right, without = (by_hand(*gas, boundaries) for boundaries in (True, False))
for r in (1.25, 4.75, 9.75):
    print(f"ideal gas, g({r} A): {g[0][int(2 * r)]:.3f} (with boundaries by hand: {right[int(2 * r)]:.3f})")
print(f"equal selections, first bin: {g[1][0]:.2f}, of this {EDGE**3 / ATOMS / shells[0]:.2f} from the self pairs (right: about 1)")

CELLS = 7  # waters on a simple cubic lattice, each gives a hydrogen bond to its neighbours in x and y
SPACING = 2.8
with open("water.pdb", "w") as file:
    file.write("CRYST1" + f"{CELLS * SPACING:9.3f}" * 3 + "  90.00  90.00  90.00 P 1\n")
    serial = itertools.count(1)
    for number, place in enumerate(itertools.product(range(CELLS), repeat=3)):
        for name, shift in {"O": (0, 0, 0), "H1": (0.96, 0, 0), "H2": (0, 0.96, 0)}.items():
            x = SPACING * np.array(place) + shift
            file.write(f"HETATM{next(serial):5d}  {name:<3s} HOH A{number + 1:4d}    {x[0]:8.3f}{x[1]:8.3f}{x[2]:8.3f}")
            file.write(f"  1.00  0.00          {name[0]:>2s}\n")
    file.write("END\n")
water = pyztraj.load_pdb("water.pdb")
found, every, inside = len(pyztraj.detect_hbonds(water, water.coords)), 2 * CELLS**3, 2 * CELLS**2 * (CELLS - 1)
print(f"water: {found} hydrogen bonds of {every}, {every - inside} are across the boundary")

wrong = {}
for name, box in {
    "cube": np.eye(3),
    "truncated octahedron": [[1, 0, 0], [1 / 3, np.sqrt(8) / 3, 0], [-1 / 3, np.sqrt(2) / 3, np.sqrt(6) / 3]],
    "rhombic dodecahedron": [[1, 0, 0], [0, 1, 0], [0.5, 0.5, np.sqrt(0.5)]],
}.items():
    box = (30 * np.array(box)).astype(np.float32)
    images = np.array(list(itertools.product((-2, -1, 0, 1, 2), repeat=3))) @ box
    pairs = rng.random((2000, 2, 3)).astype(np.float32) @ box
    exact = np.linalg.norm((pairs[:, 1] - pairs[:, 0])[:, None] + images, axis=-1).min(1)
    got = np.array([pyztraj.minimum_image_distance(a, b, box) for a, b in pairs])
    wrong[name] = np.mean(np.abs(got - exact) > 1e-3)
    print(f"{name}: {100 * wrong[name]:.1f} % of the distances are wrong, at most {np.abs(got - exact).max():.2f} A too large")

u = mda.Universe.empty(2, trajectory=True)
u.load_new(np.zeros((5, 2, 3), dtype=np.float32), dt=2.0)
with mda.Writer("run.dcd", 2, dt=2.0) as writer:
    for _ in u.trajectory:
        writer.write(u.atoms)
with pyztraj.open_dcd("run.dcd", 2) as reader:
    times = [frame.time for frame in reader]
kept = [round(ts.time, 2) for ts in mda.coordinates.DCD.DCDReader("run.dcd")]
print("DCD, frames every 2 ps:", np.round(times, 2).tolist(), "MDAnalysis:", kept)
facts = {
    "by hand, g(r) of the gas is 1": bool(np.allclose(right[5:], 1, atol=0.03)),
    "pyztraj: as without boundaries": bool(np.allclose(g[0], without, rtol=1e-3)),
    "less than half at half of the edge": g[0][-1] < 0.5,
    "self pairs are counted": g[1][0] > EDGE**3 / ATOMS / shells[0] > 5,
    "the hydrogen bonds across the boundary are missing": found == inside,
    "cube: the minimum image is right": wrong["cube"] == 0,
    "triclinic boxes: it is wrong for a part of the pairs": min(list(wrong.values())[1:]) > 0.05,
    "the time of DCD files is not in ps": bool(np.allclose(np.diff(times), 2 / 0.04888821, rtol=1e-3)),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
