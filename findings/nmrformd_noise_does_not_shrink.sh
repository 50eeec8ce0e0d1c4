#!/usr/bin/env bash
# NMRforMD 0.1.1: T1 and T2 at frequency 0, the default, hardly get more accurate with a longer run: the noise of all lag times is in
# them. And with frames one correlation time apart they are a third too small.
#
# NMRforMD computes the relaxation times of 1H from a trajectory. It correlates the dipolar functions F of all pairs, and transforms the
# correlation function G(t) to J(f). All is in nmrformd/utilities.py.
# 1. autocorrelation_function() gives G for all lag times up to the length of the run, each divided by the number of its
#    samples. The last one has one sample. fourier_transform() sums all of them with the same weight. G is 0 after some
#    correlation times. What follows is noise, which gets larger to the end, and there is no window and no largest lag time. The sum over
#    all lag times is about the square of one sum over the whole run, and such a number has an error of its own size, however
#    long the run is. It can even be negative. Only more pairs make the error smaller. The usual way is to integrate to some
#    correlation times.
# 2. fourier_transform() multiplies the sum by 2 dt. The integral from 0 has half the weight at t = 0, so J(0) = 2 dt (G(0)/2 + G(dt)
#    + ...). With full weight J(0) is too large by dt G(0), which is 58 % for an exponential with frames one correlation time apart.
#    Water relaxes in 2 to 5 ps, and one often writes a frame each picosecond.
# 3. f0, the frequency in MHz, is replaced by the nearest one of the transform, and these are 1/(length of the run) apart. For a run of
#    0.5 ns they are 0, 2000, 4000 MHz: f0=400 gives the value at 0.
# There is no message.
#
# Remedy: take the attributes gij, t and K, integrate by trapezoids up to where G has decayed: 1/T1 = K 5/6 J(0) 1e60, J in s.
#
# It needs scipy before 1.17. Seen with nmrformd 0.1.1, MDAnalysis 2.7.0, numpy 1.26.4, scipy 1.13.1: 12 pairs of H at 1.5 A, which turn with
# tau = 2 ps, so that 1/T1 is known. Ten runs of 75 ps give -0.3 to 3.1 times the right value, ten runs of 450 ps -0.2 to 2.9 times. G up to
# 5 tau, from the same objects, gives 0.5 to 1.3, and then 0.92 to 1.06. (With 1000 pairs, the 0.9 of the scatter would be 0.1.)
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile nmrformd==0.1.1 MDAnalysis==2.7.0 numpy==1.26.4 scipy==1.13.1
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys
import warnings

import MDAnalysis as mda
import numpy as np
from nmrformd import NMR
from nmrformd.utilities import fourier_transform

warnings.simplefilter("ignore")
PAIRS, DISTANCE, TAU, DT, EDGE, RUNS = 12, 1.5, 2.0, 0.5, 100.0, 10  # A and ps
rng = np.random.default_rng(0)


def turn(frames):
    """Unit vectors that diffuse on a sphere. Their second Legendre polynomial decays with TAU."""
    v = rng.normal(size=(PAIRS, 3))
    path = np.empty((frames, PAIRS, 3))
    for frame in range(frames):
        for _ in range(10):
            v = v + np.cross(np.sqrt(DT / 10 / (3 * TAU)) * rng.normal(size=(PAIRS, 3)), v)
            v /= np.linalg.norm(v, axis=1)[:, None]
        path[frame] = v
    return path


def nmr(path, **settings):
    u = mda.Universe.empty(2 * PAIRS, n_residues=PAIRS, atom_resindex=np.repeat(np.arange(PAIRS), 2), trajectory=True)
    u.add_TopologyAttr("names", ["H"] * 2 * PAIRS)
    u.add_TopologyAttr("resids", np.arange(PAIRS))
    x = np.full((len(path), 2 * PAIRS, 3), EDGE / 2, dtype=np.float32)
    x[:, 1::2] += DISTANCE * path
    u.load_new(x, dimensions=np.array([EDGE] * 3 + [90.0] * 3), dt=DT)
    return NMR(u, u.atoms, type_analysis="intra_molecular", **settings)


def rate(J, K):
    """1/T1 at frequency 0, J in A^-6 ps: the formula of NMRforMD."""
    return K * 1e60 * 5 / 6 * J * 1e-12


print("nmrformd", importlib.metadata.version("nmrformd"))
theirs, cut = {}, {}
for frames in (150, 900):
    theirs[frames], cut[frames] = [], []
    for _ in range(RUNS):
        run = nmr(turn(frames))
        right = rate(2 * TAU * 0.8 / DISTANCE**6, run.K)
        G = run.gij[0, : int(5 * TAU / DT)]
        theirs[frames].append(1 / run.T1 / right)
        cut[frames].append(rate(2 * DT * (G.sum() - G[0] / 2), run.K) / right)
    for name, values in (("NMRforMD", theirs[frames]), ("G to 5 tau", cut[frames])):
        print(f"{frames * DT:.0f} ps, {name}: 1/T1 in units of the right one {np.mean(values):.2f} +- {np.std(values, ddof=1):.2f}", end=", ")
        print(" ".join(f"{value:.2f}" for value in values))
last = nmr(turn(200), f0=400.0)
zero = 1 / last.R1[0]
print(f"run of 100 ps: frequencies {last.f[:3]} MHz, T1 at 400 MHz {last.T1:.3f} s, at 0 {zero:.3f} s")
J = {}
for step in (0.02, 2.0):
    t = np.arange(0, 100, step)
    J[step] = fourier_transform(np.vstack([t, np.exp(-t / TAU)]).T)[0, 1].real * 1e12
    print(f"exp(-t/tau), frames {step} ps apart: J(0) = {J[step]:.2f} ps (right: {2 * TAU:.2f})")
width = {name: [np.std(values[frames], ddof=1) for frames in (150, 900)] for name, values in (("theirs", theirs), ("cut", cut))}
facts = {
    "the input is right: G to 5 tau gives 1/T1 within 10 %": abs(np.mean(cut[900]) - 1) < 0.1,
    "G to 5 tau gets more accurate with a longer run": bool(width["cut"][1] < 0.7 * width["cut"][0]),
    "NMRforMD hardly does": bool(width["theirs"][1] > 0.7 * width["theirs"][0] and width["theirs"][1] > 2 * width["cut"][1]),
    "one frame each tau: J(0) is 58 % too large": bool(np.isclose(J[2.0] / (2 * TAU), 1 / (1 - np.exp(-1)), rtol=1e-3)),
    "with many frames it is right": bool(np.isclose(J[0.02], 2 * TAU, rtol=0.01)),
    "f0 of 400 MHz is 0": last.T1 == zero,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
