#!/usr/bin/env bash
# cemd 0.2.0: msd_profile() takes the displacements of the first block and sorts them by the places of the atoms in the last block.
# A layer of slow liquid at an interface vanishes. And msd() of a single ion is 0.
#
# cemd models and evaluates cements and clays with water and ions, by means of MDAnalysis. All is in cemd/analysis/diffusion.py.
# 1. msd_profile() computes the mean squared displacement per layer at a liquid/solid interface, in many blocks of the trajectory.
#    The list positions_per_block is emptied at the start of each block. Only the places of the last block are left, once per atom.
#    The displacements of all blocks are in one array, block after block. The layers of the N atoms select the first N rows of it,
#    which are those of the first block. An atom that was at the wall then, and is in the middle in the last block, counts as one of
#    the middle. All other blocks are not used at all. With a single block, the result is right.
# 2. msd() takes each position relative to the mean of the positions of the selection, "to remove the drift". For a single ion, that
#    is the ion itself: its displacement is 0. And the positions are wrapped: when one of N ions crosses a face of the box, the mean
#    jumps by edge/N, and all of them seem to move. That adds some edge^2/(6 N) to xx, yy and zz. For thousands of water molecules
#    both are small.
# There is no message.
#
# Remedy: msd_profile(nblocks=1, gaplength=1, corrlength=n) of pieces of n + 1 frames, and the mean of these; for few ions take
# MDAnalysis.analysis.msd of unwrapped positions.
#
# Seen with cemd 0.2.0, MDAnalysis 2.11.0, pandas 2.3.3, numpy 2.4.6, scipy 1.17.1: a liquid that diffuses along x with 0.1 A^2/ps
# within 5 A of two walls, and with 1.0 A^2/ps in the middle. By hand 0.100, 1.014 and 0.097 A^2/ps (wall, middle, other wall).
# msd_profile() gives 0.52, 0.51 and 0.72 from 29 blocks, and 0.11, 1.03 and 0.12 from a single block. In a box of 20 A, ions with
# xx = 2.0 A^2 after 1 ps: 0 for a single ion, 5.1 A^2 for 8 ions, 2.0 A^2 for 1000 ions. After 5 to 15 ps, the 8 ions
# have 8.7 A^2 too much.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
# --no-deps: without the programs for building structures, which the evaluations do not need
"$place/env/bin/python" -m pip install --quiet --no-compile --no-deps cemd==0.2.0
"$place/env/bin/python" -m pip install --quiet --no-compile MDAnalysis==2.11.0 pandas==2.3.3 numpy==2.4.6 scipy==1.17.1 \
  matplotlib==3.10.8 tqdm==4.70.1
cd "$place"
export HOME="$place"  # cemd writes a file of settings there
cat > probe.py <<'PY'
import contextlib
import importlib.metadata
import io
import sys
import warnings

import MDAnalysis as mda
import numpy as np
from cemd.analysis.diffusion import msd, msd_profile

warnings.simplefilter("ignore")
rng = np.random.default_rng(1)
EDGE, DT = 20.0, 100.0  # A, fs between frames


def universe(places):
    u = mda.Universe.empty(places.shape[1], trajectory=True)
    u.add_TopologyAttr("types", ["W"] * places.shape[1])
    u.load_new((places % EDGE).astype(np.float32), dimensions=np.array([EDGE] * 3 + [90.0] * 3), dt=DT / 1000)
    return u


def quiet(function, *arguments, **options):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return function(*arguments, **options)


def slope(times, values):
    return np.polyfit(times, values, 1)[0] / 2  # A^2/ps


print("cemd", importlib.metadata.version("cemd"), "MDAnalysis", mda.__version__)
# A liquid between walls at z = 0 and 20 A: the diffusion along x and y is slow within 5 A of a wall
ATOMS, FRAMES, LENGTH, GAP, SLOW, FAST = 1000, 1510, 11, 50, 0.1, 1.0  # A^2/ps
walk = np.empty((FRAMES, ATOMS, 3))
walk[0] = EDGE * rng.random((ATOMS, 3))
for i in range(1, FRAMES):
    z = walk[i - 1, :, 2] % EDGE
    d = np.where((z < 5) | (z > 15), SLOW, FAST)
    width = np.sqrt(2 * np.column_stack([d, d, np.ones(ATOMS)]) * DT / 1000)
    walk[i] = walk[i - 1] + width * rng.normal(size=(ATOMS, 3))
LAYERS = {"wall": (1.0, 3.0), "middle": (8.0, 12.0), "other wall": (17.0, 19.0)}


def layers(**options):
    profile, _, _ = quiet(msd_profile, universe(options.pop("places", walk)), "W", dt=DT, corrlength=LENGTH, **options)
    xx = profile["xx"]
    return {name: slope(xx.index, xx.loc[:, (xx.columns > a) & (xx.columns < b)].mean(axis=1)) for name, (a, b) in LAYERS.items()}


def by_hand():
    blocks = [walk[start : start + LENGTH] for start in range(0, FRAMES - LENGTH, GAP)]
    squares = np.concatenate([((b - b[0])[..., 0] ** 2).T for b in blocks])
    heights = np.concatenate([(b[..., 2] - EDGE * np.floor(b[0, :, 2] / EDGE)).mean(0) for b in blocks])
    times = np.arange(LENGTH) * DT / 1000
    return {name: slope(times, squares[(heights > a) & (heights < b)].mean(0)) for name, (a, b) in LAYERS.items()}


right, found, single = by_hand(), layers(gaplength=GAP), layers(places=walk[: LENGTH + 1], nblocks=1, gaplength=1)
for name, value in right.items():
    exact = FAST if name == "middle" else SLOW
    print(f"{name}: D = {found[name]:.3f} A^2/ps, by hand {value:.3f}, single block {single[name]:.3f} (exact: {exact})")

D, ONE = 1.0, 10  # A^2/ps; frames in 1 ps
shifts, after = {}, {}
for ions in (1, 8, 1000):
    x = EDGE * rng.random((1, ions, 3)) + np.cumsum(rng.normal(0, np.sqrt(2 * D * DT / 1000), (1000, ions, 3)), axis=0)
    table = quiet(msd, universe(x), "W", dt=DT)[["xx", "yy", "zz"]].mean(axis=1)
    true = np.mean([((x[s : s + len(table)] - x[s]) ** 2).mean((1, 2)) for s in range(0, 500, 20)], axis=0)
    shifts[ions], after[ions] = float((table - true).iloc[50:150].mean()), (table.iloc[ONE], true[ONE])
    print(f"{ions} ions: xx after 1 ps {table.iloc[ONE]:.3f} A^2, by hand {true[ONE]:.3f} (exact: {2 * D});", end=" ")
    print(f"after 5 to 15 ps {shifts[ions]:+.2f} A^2 against by hand")
facts = {
    "by hand, the profile is right": all(bool(np.isclose(v, FAST if n == "middle" else SLOW, rtol=0.1)) for n, v in right.items()),
    "a single block is right": all(bool(np.isclose(single[name], right[name], rtol=0.3)) for name in right),
    "wall: at least four times too large": min(found["wall"], found["other wall"]) > 4 * SLOW,
    "middle: at most 0.8 of the right value": found["middle"] < 0.8 * right["middle"],
    "a single ion does not move": bool(np.isclose(after[1][0], 0, atol=1e-6) and after[1][1] > 1),
    "8 ions: edge^2/48 too much": bool(np.isclose(shifts[8], EDGE**2 / 48, rtol=0.25)),
    "1000 ions: nearly right": bool(np.allclose(*after[1000], rtol=0.02) and abs(shifts[1000]) < 0.2),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
