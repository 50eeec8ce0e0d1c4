#!/usr/bin/env bash
# solvation-analysis 0.4.2: ions without a neighbour don't exist in its results. The fraction of free ions is 0, and a
# solvent that no ion touches has no share in the diluent. And coordination_numbers_by_frame is divided by the number of
# frames once too often.
#
# All results come from a table of the pairs of an ion and a molecule within the cutoff. What has no pair is not in it:
#  - speciation.speciation_fraction has no row for ions with an empty shell. calculate_shell_fraction({"Cl": 0}) gives 0 if
#    Cl- is the only "solvent" that was asked for, whatever the truth (`_compute_speciation` in speciation.py). The other
#    rows are right, so that the fractions do not add up to 1.
#  - pairing.pairing_by_frame has no value for a frame without any pair. Its mean over the frames is too large.
#    pairing.solvent_pairing is right.
#  - pairing.diluent_composition, the composition of "everything that is not coordinated with the solute", counts only
#    molecules of a kind that has a pair in this frame (`_diluent_composition` in pairing.py). It leaves out the real
#    diluent, and takes the free Cl- for 100 % of it.
# The last is another thing: coordination.coordination_numbers_by_frame, "the mean coordination number in each frame", takes
# the values that were divided by the number of frames for the sum over frames (`_mean_cn` in coordination.py).
# There is no message. A missing kind is known as a nuisance in https://github.com/MDAnalysis/solvation-analysis/issues/91.
#
# Remedy: free ions: 1 - speciation_fraction["fraction"].sum(). By frame: times the number of frames, and 0 for NaN.
#
# Seen with solvation-analysis 0.4.2, MDAnalysis 2.11.0, numpy 2.4.6, pandas 3.1.1: 10 K+ and 10 Cl-, with 3 contact pairs in
# every second of 20 frames, 2 water molecules at each K+, and 30 molecules of a diluent far away. Free K+: 0 instead of
# 0.85. Waters by frame: 0.1 instead of 2. Diluent: 100 % Cl- instead of 22 %.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile solvation-analysis==0.4.2 MDAnalysis==2.11.0 numpy==2.4.6 \
  scipy==1.17.1 pandas==3.1.1 statsmodels==0.15.0
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys
import warnings

import MDAnalysis
import numpy as np
from solvation_analysis.solute import Solute

warnings.simplefilter("ignore")
FRAMES, IONS, PAIRS, DILUENT = 20, 10, 3, 30
names = ["K"] * IONS + ["CL"] * IONS + ["OW"] * 2 * IONS + ["DIL"] * DILUENT
universe = MDAnalysis.Universe.empty(len(names), n_residues=len(names), atom_resindex=range(len(names)), trajectory=True)
for attribute in ("names", "types", "resnames"):
    universe.add_TopologyAttr(attribute, names)
universe.add_TopologyAttr("resids", range(1, len(names) + 1))
rng = np.random.default_rng(0)
potassium = np.arange(IONS)[:, None] * [10, 0, 0] + [5, 5, 5]
walk = []
for frame in range(FRAMES):
    chloride = np.arange(IONS)[:, None] * [10, 0, 0] + [5, 25, 5]  # 20 A from the K+
    if frame % 2 == 0:
        chloride[:PAIRS] = potassium[:PAIRS] + [3, 0, 0]
    far = rng.random((DILUENT, 3)) * [100, 5, 20] + [0, 35, 20]
    walk.append(np.concatenate([potassium, chloride, potassium + [0, 0, 2.8], potassium + [0, 2.8, 0], far]))
walk = np.array(walk, dtype=np.float32)
universe.load_new(walk, dimensions=np.tile(np.float32([100, 50, 50, 90, 90, 90]), (FRAMES, 1)))


def analyse(**kinds):
    groups = {kind: universe.select_atoms(f"name {name}") for kind, name in kinds.items()}
    found = Solute.from_atoms(universe.select_atoms("name K"), groups, radii=dict.fromkeys(kinds, 3.5))
    found.run()
    return found


# By numpy: the number of molecules of a kind within 3.5 A of each K+. No distance in question crosses the boundary.
distances = np.linalg.norm(walk[:, :IONS, None] - walk[:, None, IONS:], axis=-1)
near = distances < 3.5
chlorides, waters = near[:, :, :IONS].sum(axis=2), near[:, :, IONS : 3 * IONS].sum(axis=2)
free = IONS - near[:, :, :IONS].any(axis=1).sum(axis=1)  # Cl-, in each frame
share = (free / (free + DILUENT)).mean()

ions = analyse(Cl="CL")
all_kinds = analyse(Cl="CL", water="OW", diluent="DIL")
shells = {n: ions.speciation.calculate_shell_fraction({"Cl": n}) for n in (0, 1)}
by_frame = all_kinds.coordination.coordination_numbers_by_frame.loc["water"]
by_frame_pairs = ions.pairing.pairing_by_frame.loc["Cl"]
diluent = all_kinds.pairing.diluent_composition
print("solvation-analysis", importlib.metadata.version("solvation-analysis"))
print(f"K+ with 0 and 1 Cl-: {shells}; by numpy {(chlorides == 0).mean():.2f} and {(chlorides == 1).mean():.2f}")
print(f"waters at a K+: {all_kinds.coordination.coordination_numbers['water']:.2f}, by numpy {waters.mean():.2f}")
print(f"the same, frame by frame: {by_frame.mean():.2f}, by numpy {waters.mean(axis=1).mean():.2f}")
print(f"K+ with a Cl-: {ions.pairing.solvent_pairing['Cl']:.2f}; mean of the frames {by_frame_pairs.mean():.2f}, "
      f"of {len(by_frame_pairs)} frames of {FRAMES}; by numpy {(chlorides > 0).mean():.2f}")
print(f"diluent: {diluent}; by numpy Cl- {share:.2f}, diluent {1 - share:.2f}")
facts = {
    "right: K+ with one Cl-": np.isclose(shells[1], (chlorides == 1).mean()),
    "right: mean coordination number": np.isclose(all_kinds.coordination.coordination_numbers["water"], waters.mean()),
    "right: mean pairing": np.isclose(ions.pairing.solvent_pairing["Cl"], (chlorides > 0).mean()),
    "free K+: 0 instead of 0.85": shells[0] == 0 and np.isclose((chlorides == 0).mean(), 0.85),
    "coordination by frame: divided by the number of frames": np.allclose(by_frame * FRAMES, waters.mean(axis=1)),
    "pairing by frame: twice as large in the mean": np.isclose(by_frame_pairs.mean(), 2 * (chlorides > 0).mean()),
    "diluent: all Cl-, no diluent": diluent["Cl"] == 1 and "diluent" not in diluent and share < 0.25,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
