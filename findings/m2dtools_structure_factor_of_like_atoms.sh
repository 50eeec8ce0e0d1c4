#!/usr/bin/env bash
# m2dtools 0.1.0: S(Q) - 1 of like atoms is twice as large as it should be, so that S(Q) becomes negative. Coordination numbers of
# large systems are too large by 1, since each atom is its own neighbour. And g(r) of unwrapped coordinates lacks most of its
# pairs.
#
# m2dtools has functions for the structure of liquids and glasses, in m2dtools/basic/structure.py and basic.py.
# 1. pdf_sq_cross() and pdf_sq_cross_mask() compute g(r) and S(Q) "for two types of particles (can be same type)". The density in
#    front of the Fourier integral is (n1 + n2)/V. If both sets are the same atoms, which is the way to leave bonded pairs out,
#    each atom is counted twice: S(Q) is 1 + 2 (S(Q) - 1). The peaks are too high, and where S(Q) is below 1/2 it becomes
#    negative, which it can't be. g(r) is right. pdf_sq_1type() has the right density.
# 2. CN() and CN_large() are both described as giving coordination numbers within a cutoff. CN() leaves out the distance 0.
#    CN_large(), for "large systems", does not, and counts the atom itself. It is in the lists of neighbours, too, with the
#    distance 0.
# 3. CN() shifts a pair by the box as often as necessary, CN_large() too. pdf_sq_1type() and the other two shift it once. With
#    unwrapped coordinates (xu yu zu of LAMMPS, or what compute_msd_pbc() makes) pairs that are neighbours are more than a box
#    apart, and don't count. g(r) becomes too small at all distances.
# 4. calc_compressibility() says ":return: Compressibility in 1/Pa" and gives 1/GPa.
# There is no message.
#
# Remedy: use pdf_sq_1type() for like atoms, or take 1 + (S - 1)/2; subtract 1 from CN_large(); wrap coordinates first.
#
# Seen with m2dtools 0.1.0, numpy 1.26.4 (it does not run with NumPy 2.4), scipy 1.17.1: 280 hard spheres of 3 A in a box of 24 A.
# S(Q) around its maximum, at 1.9 to 2.2 1/A: 1.35 directly from the positions, 1.30 by pdf_sq_1type(), 1.61 by pdf_sq_cross().
# Around 1 1/A: 0.20, 0.21 and -0.58. A simple cubic lattice has 6 neighbours by CN(), and 7 by CN_large(). With unwrapped
# coordinates g(r) around 7 A becomes 0.14 instead of 1.00.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile m2dtools==0.1.0 numpy==1.26.4 scipy==1.17.1 pandas==2.3.3 matplotlib==3.10.8
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys

import numpy as np
from m2dtools.basic.basic import CN, CN_large, calc_compressibility
from m2dtools.basic.structure import pdf_sq_1type, pdf_sq_cross

rng = np.random.default_rng(0)
N, EDGE, SIZE, FRAMES, CUTOFF = 280, 24.0, 3.0, 12, 12.0
box = np.eye(3) * EDGE


def draw():
    """Hard spheres, put in one after the other."""
    placed = np.empty((0, 3))
    while len(placed) < N:
        point = EDGE * rng.random(3)
        d = placed - point
        if not len(placed) or np.linalg.norm(d - EDGE * np.round(d / EDGE), axis=1).min() > SIZE:
            placed = np.vstack([placed, point])
    return placed


def direct(x):
    """S(Q) = |sum exp(iQr)|^2 / N for all Q that fit into the box."""
    n = np.array([m for m in np.ndindex(21, 21, 21)]) - 10
    q = 2 * np.pi / EDGE * n
    length = np.linalg.norm(q, axis=1)
    keep = (length > 0.5) & (length < 2.5)
    return length[keep], np.abs(np.exp(1j * q[keep] @ x.T).sum(1)) ** 2 / len(x)


def bands(q, s):
    return np.array([s[(q > low) & (q < high)].mean() for low, high in ((1.9, 2.2), (0.8, 1.2))])


print("m2dtools", importlib.metadata.version("m2dtools"))
frames = [draw() for _ in range(FRAMES)]
s = {"direct": [bands(*direct(x)) for x in frames], "pdf_sq_1type": [], "pdf_sq_cross": []}
g = {"pdf_sq_1type": [], "pdf_sq_cross": [], "unwrapped": [], "unwrapped, by hand": []}
curves = []
for x in frames:
    r, g1, q, s1 = pdf_sq_1type(EDGE, N, x, r_cutoff=CUTOFF, delta_r=0.05)
    _, g2, _, s2 = pdf_sq_cross(box, x, x, None, r_cutoff=CUTOFF, delta_r=0.05)
    curves.append((s1, s2))
    s["pdf_sq_1type"].append(bands(q, s1))
    s["pdf_sq_cross"].append(bands(q, s2))
    unwrapped = x + EDGE * rng.integers(-2, 3, size=x.shape)
    for name, values in {"pdf_sq_1type": g1, "pdf_sq_cross": g2, "unwrapped": pdf_sq_1type(EDGE, N, unwrapped, CUTOFF, 0.05)[1]}.items():
        g[name].append(values[(r > 6) & (r < 8)].mean())
    d = unwrapped[:, None] - unwrapped
    d = np.linalg.norm(d - EDGE * np.round(d / EDGE), axis=2)
    g["unwrapped, by hand"].append(((d > 6) & (d < 8)).sum() / (N * N / EDGE**3 * 4 / 3 * np.pi * (8**3 - 6**3)))
s = {name: np.mean(values, axis=0) for name, values in s.items()}
g = {name: np.mean(values) for name, values in g.items()}
for name, (top, low) in s.items():
    print(f"S(Q), {name}: {top:.2f} at 1.9 to 2.2, {low:.2f} at 0.8 to 1.2 1/A")
for name, value in g.items():
    print(f"g(6 to 8 A), {name}: {value:.3f}")
one, two = np.mean(curves, axis=0)
lattice = 3.0 * np.array(list(np.ndindex(5, 5, 5)), dtype=float)
counts = [set(map(int, f(np.eye(3) * 15.0, lattice, 3.5)[0])) for f in (CN, CN_large)]
print(f"neighbours in a simple cubic lattice: CN {counts[0]}, CN_large {counts[1]} (right: 6)")
volumes = 30 + 0.02 * rng.normal(size=100_000)  # nm^3
right = np.var(volumes * 1e-27) / (volumes.mean() * 1e-27 * 1.380649e-23 * 300)  # 1/Pa
kappa = calc_compressibility(volumes, T=300)
print(f"compressibility, documented as 1/Pa: {kappa:.3e} (right: {right:.3e} 1/Pa)")
facts = {
    "pdf_sq_1type is right": bool(np.allclose(s["pdf_sq_1type"], s["direct"], atol=0.15)),
    "g(r) is the same": bool(np.isclose(g["pdf_sq_1type"], g["pdf_sq_cross"])),
    "pdf_sq_cross: S - 1 is doubled at all Q": bool(np.allclose(two - 1, 2 * (one - 1), atol=1e-6)),
    "it becomes negative": bool(s["pdf_sq_cross"][1] < 0 < s["direct"][1]),
    "CN is right, CN_large is too large by 1": counts == [{6}, {7}],
    "unwrapped coordinates: less than half of g(r)": bool(
        g["unwrapped"] < 0.5 * g["unwrapped, by hand"] and np.isclose(g["unwrapped, by hand"], g["pdf_sq_1type"], rtol=0.03)
    ),
    "the compressibility is in 1/GPa": bool(np.isclose(kappa, right * 1e9)),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
