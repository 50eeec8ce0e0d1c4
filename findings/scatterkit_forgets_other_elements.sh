#!/usr/bin/env bash
# scatterkit 0.1.1: the X-ray scattering intensity has no interference between different elements. Of K-Cl pairs, or of O and H in
# water, each element scatters as if it were alone. And the error of each bin is too large by the number of wave vectors in it.
#
# scatterkit is the part of MAICoS for scattering. Saxs computes "structure factors S(q) and scattering intensities I(q)" from a
# trajectory. Three places, each without a message:
# 1. Saxs._single_frame() (scatterkit/saxs.py) takes the atoms of one element after the other, squares the sum of their waves,
#    multiplies by the square of their form factor, and adds this up over the elements. But the waves of all atoms must be added
#    first: I(q) = |sum_j f_j(q) exp(i q r_j)|^2 / N. The terms 2 f_K f_Cl S_KCl are missing. The documentation has I = f^2 S for
#    "only one element", and does not say that more are taken as separate systems. S(q) lacks the same terms.
# 2. Saxs._conclude() divides the sums of a bin by the number of wave vectors in it, but not their standard errors.
# 3. RDFDiporder with two groups and grouping="molecules" divides by the number of molecules of the first group twice
#    (scatterkit/rdfdiporder.py). With grouping="residues", the default, it is right.
#
# Remedy: dynasor for partial structure factors, or sum by oneself.
#
# Seen with scatterkit 0.1.1, maicos 0.12, MDAnalysis 2.11.0, numpy 2.4.6: independent K-Cl pairs of 2.7 A have 0.75 times the right
# I(q) between 0.5 and 1.0 1/A, 1.06 times up to 1.5, and 1.23 times up to 2.0. If all atoms are K, it is right. A bin at 2.25 1/A is
# 197.6 +- 588.1; the right error is 3.75, and the bin has 157 wave vectors. For 5 molecules and 55 others, the dipole correlation
# by molecules is 11 times that by residues.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile scatterkit==0.1.1 maicos==0.12 MDAnalysis==2.11.0 numpy==2.4.6
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import logging
import sys
import warnings

import MDAnalysis as mda
import numpy as np
import scatterkit
from scatterkit.lib.math import atomic_form_factor

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
rng = np.random.default_rng(3)
print("scatterkit", importlib.metadata.version("scatterkit"), "maicos", importlib.metadata.version("maicos"))
BOX, PAIRS, DISTANCE, FRAMES, QMAX = 20.0, 60, 2.7, 20, 4.0  # A


def universe(elements, frames):
    n = len(elements)
    made = mda.Universe.empty(n, n_residues=n // 2, atom_resindex=np.arange(n) // 2, trajectory=True)
    made.add_TopologyAttr("elements", elements)
    made.add_TopologyAttr("masses", np.ones(n))
    made.add_TopologyAttr("charges", np.tile([1.0, -1.0], n // 2))
    made.add_TopologyAttr("molnums", np.arange(n // 2))
    dimensions = np.tile([BOX] * 3 + [90] * 3, (len(frames), 1)).astype(np.float32)
    return made.load_new(np.array(frames, dtype=np.float32), order="fac", dimensions=dimensions)


def gas():
    """Pairs at random places with random orientations."""
    first = BOX * rng.random((PAIRS, 3))
    direction = rng.normal(size=(PAIRS, 3))
    second = first + DISTANCE * direction / np.linalg.norm(direction, axis=1)[:, None]
    return np.stack([first, second], axis=1).reshape(-1, 3)


frames = [gas() for _ in range(FRAMES)]


def by_hand(elements, miller):
    """I(q) for each wave vector, mean over the frames."""
    q = 2 * np.pi / BOX * miller
    length = np.linalg.norm(q, axis=1)
    f = np.array([atomic_form_factor(length, element) for element in elements])
    per_frame = [np.abs((f * np.exp(1j * x.astype(np.float32).astype(float) @ q.T)).sum(axis=0)) ** 2 for x in frames]
    return length, np.array(per_frame) / len(elements)


options = {"unwrap": False, "pack": False, "qmax": QMAX}
edges = np.arange(0.5, QMAX, 0.5)
worst, mean_ratio = {}, {}
for name, elements in (("K only", ["K", "K"] * PAIRS), ("K-Cl", ["K", "Cl"] * PAIRS)):
    saxs = scatterkit.Saxs(universe(elements, frames).atoms, bin_spectrum=False, **options).run().results
    use = (saxs.scattering_vectors > 1e-6) & (saxs.scattering_intensities > 0) & (saxs.scattering_vectors < QMAX)
    length, right = by_hand(elements, saxs.miller_indices[use])
    found, right = saxs.scattering_intensities[use], right.mean(axis=0)
    worst[name] = np.abs(found / right - 1).max()
    which = np.digitize(length, edges)
    mean_ratio[name] = [found[which == i].mean() / right[which == i].mean() for i in range(1, len(edges))]
    print(f"{name}: I(q) to the right one in steps of 0.5 1/A from 0.5 on: {np.round(mean_ratio[name], 3).tolist()}")
# Errors of bins
binned = scatterkit.Saxs(universe(["K", "K"] * PAIRS, frames).atoms, bin_spectrum=True, dq=0.5, **options).run().results
miller = np.array(list(np.ndindex(14, 14, 14)))[1:]
length, per_frame = by_hand(["K", "K"] * PAIRS, miller)
in_bin = (length >= 2.0) & (length < 2.5)
i = int(np.argmin(np.abs(binned.scattering_vectors - 2.25)))
means = per_frame[:, in_bin].mean(axis=1)
right_error = means.std() / np.sqrt(FRAMES)
print(f"bin at 2.25 1/A: {binned.scattering_intensities[i]:.1f} +- {binned.dscattering_intensities[i]:.1f}", end="")
print(f" (right: {means.mean():.1f} +- {right_error:.2f}, {in_bin.sum()} wave vectors)")

# Dipoles: each molecule is one residue
u = universe(["K", "Cl"] * PAIRS, frames)
few, many = u.residues[:5].atoms, u.residues[5:].atoms
dipoles = {
    grouping: scatterkit.RDFDiporder(few, many, grouping=grouping, bin_width=1.0, rmax=9.0, unwrap=False, pack=False).run().results.rdf
    for grouping in ("residues", "molecules")
}
ratio = np.nanmedian(dipoles["molecules"] / dipoles["residues"])
print(f"dipole correlation of {few.n_residues} and {many.n_residues} molecules: by molecules {ratio:.3f} times that by residues")
facts = {
    "one element: right": worst["K only"] < 0.01,
    "K-Cl: more than 20 % too small below 1 1/A": mean_ratio["K-Cl"][0] < 0.8,
    "K-Cl: more than 15 % too large at some q": max(mean_ratio["K-Cl"]) > 1.15,
    "the bin itself is right": abs(binned.scattering_intensities[i] / means.mean() - 1) < 1e-3,
    "its error is too large by the number of wave vectors": abs(
        binned.dscattering_intensities[i] / right_error / in_bin.sum() - 1
    )
    < 0.05,
    "dipoles by molecules: 55/5 times too large": abs(ratio - 11) < 1e-3,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
