#!/usr/bin/env bash
# imani 0.1.2: the analyses of flip-flops and of hydration take the first frame of the trajectory again and again. A molecule that
# crosses a membrane makes no flip-flop, and the distance to the surface of a micelle depends on where the micelle is in the cell.
#
# imani analyses molecules in membranes and micelles, with MDAnalysis. Four places, each without a message:
# 1. FlipFlopAnalysis.analyze() and HydrationAnalysis.calculate_hydration() make a list of the frames before they begin. In
#    MDAnalysis there is only one frame object, which changes as one reads on. The list has this object many times. At the end
#    of the trajectory it is back at the first frame. So all times and positions are those of the first frame.
# 2. analyze() calls the 5 A around the middle of the membrane a region of its own. A molecule that comes through this region
#    comes from there, and not from the other half. It is not counted. A molecule that jumps over it is not counted either.
# 3. calculate_hydration() subtracts the z coordinate of the centre of the micelle from the distance to this centre. It should
#    subtract the radius of the micelle. calculate_interface() finds the atoms for it, but they are not used.
# 4. OrientationAnalysis takes the same normal for both halves of a membrane. The line that should turn it has the same vector
#    twice. A molecule and its mirror image have tilt angles of 30 and 150 degrees.
#
# Remedy: 1. and 2. write the positions down in a loop over the trajectory, and count the changes between the halves. 3. and 4.
# compute the distance and the angle with MDAnalysis.
#
# Seen with imani 0.1.2, MDAnalysis 2.11.0: a molecule goes from the upper to the lower half in 41 frames, from z = 60 to 20 A. All
# 41 times are 0, all positions are 60, and there are 0 flip-flops. If it reads the frames one by one, there are 0 flip-flops, too.
# An atom with 0 to 4 waters in 5 frames has 0 in each. An atom 15 A from the centre of a micelle has a distance of -25 A to its
# surface, or of -35 A, if the whole is shifted by 10 A.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==2.4.6 MDAnalysis==2.11.0 tqdm==4.70.1
"$place/env/bin/python" -m pip install --quiet --no-compile --no-deps imani==0.1.2
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys
import types
import warnings

import numpy as np

warnings.simplefilter("ignore")
import MDAnalysis as mda  # noqa: E402
from imani.flipflop_analysis import FlipFlopAnalysis  # noqa: E402
from imani.hydration_analysis import HydrationAnalysis  # noqa: E402
from imani.orientation_analysis import OrientationAnalysis  # noqa: E402

print("imani", importlib.metadata.version("imani"), "MDAnalysis", mda.__version__)


def write(name, atoms, frames):
    """A .gro and an .xtc; atoms: (residue name, atom name, residue), frames: positions in A, 1 ps apart."""
    residues = sorted({atom[2] for atom in atoms})
    universe = mda.Universe.empty(
        len(atoms), len(residues), atom_resindex=[residues.index(atom[2]) for atom in atoms], trajectory=True
    )
    universe.add_TopologyAttr("name", [atom[1] for atom in atoms])
    universe.add_TopologyAttr("resname", [next(a[0] for a in atoms if a[2] == residue) for residue in residues])
    universe.add_TopologyAttr("resid", residues)
    universe.dimensions = [100.0, 100.0, 100.0, 90.0, 90.0, 90.0]
    with mda.Writer(name + ".xtc", len(atoms)) as writer:
        for time, positions in enumerate(frames):
            universe.atoms.positions = positions
            universe.trajectory.ts.time = float(time)
            writer.write(universe.atoms)
            if time == 0:
                universe.atoms.write(name + ".gro")
    return name + ".gro", name + ".xtc"


# 1. and 2. A molecule that goes through a membrane.
head = [("LIP", "P", 1), ("LIP", "P", 1), ("DRG", "C2", 2)]
z = np.arange(60.0, 19.0, -1.0)
crossing = write("crossing", head, [[[10, 10, 70], [10, 10, 10], [20, 20, height]] for height in z])
flip = FlipFlopAnalysis(*crossing)
flip.select_drugs("DRG")
flip.select_membrane("P")
flip.set_num_molecules(1)
listed = flip.analyze()
heights = np.ravel(listed["z_lig"])
print(f"{len(heights)} frames: z from {heights[0]:.0f} to {heights[-1]:.0f} (right: {z[0]:.0f} to {z[-1]:.0f})", end="")
print(f", last time {listed['times'][-1]} ns (right: 0.04), flip-flops {listed['total_flipflop_count']} (right: 1)")


class Frame:
    """A frame that is read when its time is asked for, which analyze() does first."""

    def __init__(self, trajectory, index):
        self.trajectory, self.index = trajectory, index

    @property
    def time(self):
        return self.trajectory[self.index].time


true = flip.u.trajectory
flip.u = types.SimpleNamespace(trajectory=[Frame(true, i) for i in range(len(true))])
one_by_one = flip.analyze()
path = np.ravel(one_by_one["z_lig"])
print(f"frames read one by one: z from {path[0]:.0f} to {path[-1]:.0f}", end="")
print(f", flip-flops {one_by_one['total_flipflop_count']} (right: 1)")


# 1. and 3. A micelle of six atoms with a radius of 10 A, an atom 15 A from its centre, and 4 waters, which come one by one.
def hydration(shift, frames):
    arms = np.concatenate((np.eye(3), -np.eye(3))) * 10
    centre = np.array([40.0, 40.0, 40.0 + shift])
    atoms = [("TRITO", f"C{i + 19}", 1) for i in range(6)] + [("DRG", "O1", 2)] + [("SOL", "OW", 3 + i) for i in range(4)]
    steps = []
    for near in range(frames):
        away = [[15 + (2 if i < near else 30), i * 0.5, 0] for i in range(4)]
        steps.append(np.concatenate((centre + arms, [centre + [15, 0, 0]], centre + away)))
    top, trj = write(f"micelle{shift}", atoms, steps)
    made = HydrationAnalysis(trj, top)
    made.select_drug_atoms("DRG", 1)
    made.select_micelle_atoms()
    made.calculate_interface()
    made.select_water_atoms()
    data, _ = made.calculate_hydration([3.0], skip=1)
    return [int(n) for n in data["O1"]["water_counts"]], float(data["O1"]["delta_r"][0])


waters, distance = hydration(0, 5)
_, shifted = hydration(10, 5)
print(f"waters by frame: {waters} (right: [0, 1, 2, 3, 4])")
print(f"distance to the surface: {distance:.2f} A, shifted by 10 A: {shifted:.2f} A (right: 5 A)")

# 4. A molecule in the upper half, and its mirror image in the lower half.
pair = [("LIP", "P", 1), ("LIP", "P", 1)] + [("DRG", name, residue) for residue in (2, 3) for name in ("C1", "C3")]
arm = 4 * np.array([np.sin(np.pi / 6), 0, np.cos(np.pi / 6)])
upper, lower = np.array([20, 20, 60.0]), np.array([30, 30, 20.0])
mirrored = write("mirror", pair, [[[10, 10, 70], [10, 10, 10], upper, upper + arm, lower, lower + arm * [1, 1, -1]]])
turn = OrientationAnalysis(mirrored[1], mirrored[0])
turn.select_drugs("DRG", ["C1", "C3"])
turn.select_membrane("name P")
angles = np.unique(np.round(turn.analyze_orientation()["tilt_angles"], 0))
print(f"tilt of a molecule and of its mirror image: {angles}")
facts = {
    "all frames are the first": np.allclose(heights, 60, atol=0.1) and max(listed["times"]) == 0 and len(heights) == len(z),
    "waters of the first frame only": waters == [0] * 5,
    "no flip-flop": listed["total_flipflop_count"] == 0,
    "no flip-flop of frames read one by one": one_by_one["total_flipflop_count"] == 0 and np.allclose(path, z, atol=0.1),
    "distance to the centre minus its z": abs(distance + 25) < 0.1 and abs(shifted + 35) < 0.1,
    "mirror images have two angles": np.allclose(angles, [30, 150], atol=1),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python -W ignore probe.py
