#!/usr/bin/env bash
# softpotato 3.1.1: the current at a microband electrode is two to three times too large. The current of the second step of a
# double-step experiment depends on the diffusion coefficient of the product, which it must not.
#
# softpotato has equations for electrochemistry. Two of them are wrong, in the documentation as well as in the code, and give no
# message:
# 1. microband_limiting_current() (analytical/microelectrodes.py) divides by ln(0.64 D t / w^2). It must be ln(64 D t / w^2), see
#    Bard and Faulkner, Electrochemical Methods, section 5.3. A band of width w acts like half a cylinder of radius w/4, so that
#    4 D t / (w/4)^2 stands in the logarithm. For the same reason softpotato refuses times that are long enough.
# 2. cottrell_step() (analytical/step.py) takes the root of `D_red`, the diffusion coefficient of the product, for the second
#    step. It should take that of D, the one of the reactant. A product that diffuses more slowly stays at the electrode in a
#    higher concentration, c sqrt(D / D_red), and this cancels D_red. anson(), which gives the charge, does not have it.
#
# Remedy: 1. compute 2 pi n F D c l / ln(64 D t / w^2). 2. leave D_red away.
#
# Seen with softpotato 3.1.1, numpy 2.4.6, scipy 1.17.1: in units of n F D c l, the current at a band at D t / w^2 = 100 is 1.51.
# The equation with 64 gives 0.72, and a numerical solution of the diffusion equation 0.75. At 10 it is 3.38, 0.97 and 1.01. For
# D = 1 and D_red = 0.25, the current of the second step at twice the time of the first one is 0.083 in units of n F A c / s^0.5.
# It should be 0.165, and a numerical solution has 0.166.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==2.4.6 scipy==1.17.1 matplotlib==3.11.2 softpotato==3.1.1
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys

import numpy as np
from scipy import sparse
from scipy.linalg import solve_banded
from scipy.sparse.linalg import spsolve
from softpotato.analytical.microelectrodes import microband_limiting_current
from softpotato.analytical.step import anson, cottrell_step

print("softpotato", importlib.metadata.version("softpotato"))


def band(times, radial=160, angular=24, outer=7.5):
    """Current at a band of width 1 for D = 1 and c = 1, per length, from the diffusion equation in elliptic coordinates
    (mu, theta): x = cosh(mu) cos(theta) / 2, y = sinh(mu) sin(theta) / 2. The band is mu = 0. One quadrant is enough."""
    mu = np.linspace(0, outer, radial + 1)[1:]
    theta = (np.arange(angular) + 0.5) * np.pi / 2 / angular
    step, turn = mu[0], theta[1] - theta[0]
    along = sparse.diags([np.ones(radial - 1), -2 * np.ones(radial), np.ones(radial - 1)], [-1, 0, 1]).tolil()
    along[-1, -1] = -1
    around = sparse.diags([np.ones(angular - 1), -2 * np.ones(angular), np.ones(angular - 1)], [-1, 0, 1]).tolil()
    around[0, 0] = around[-1, -1] = -1
    laplace = sparse.kron(along / step**2, sparse.eye(angular)) + sparse.kron(sparse.eye(radial), around / turn**2)
    scale = sparse.diags(((np.cosh(mu)[:, None] ** 2 - np.cos(theta) ** 2) / 4).ravel())
    grid = np.unique(np.concatenate(([0.0], np.geomspace(1e-3, times[-1], 400), times)))
    c, found = np.ones(radial * angular), []
    for start, end in zip(grid[:-1], grid[1:]):
        c = spsolve((scale - (end - start) * laplace).tocsc(), scale @ c)
        if end in times:
            near = c.reshape(radial, angular)
            found.append(2 * turn * np.sum(4 * near[0] - near[1]) / (2 * step))
    return np.array(found)


times = np.array([10.0, 100.0, 1000.0])
solved, known = band(times), 2 * np.pi / np.log(64 * times)
given = microband_limiting_current(times, width=1.0, length=1.0, n=1, D=1.0, c_bulk=1.0, F=1.0)
for t, *row in zip(times, given, known, solved):
    print("band, D t / w^2 = {:4.0f}: softpotato {:.3f}, with 64 {:.3f}, numerical {:.3f}".format(t, *row))


def double_step(d_red, tau=1.0, steps=4000, points=1500, width=12.0):
    """Current at 2 tau for D = 1 and c = 1, from the diffusion equation of the reactant and the product."""
    x = width * np.linspace(0, 1, points + 1) ** 2  # fine at the electrode
    gap = np.diff(x)
    cell = np.concatenate(([gap[0] / 2], (gap[:-1] + gap[1:]) / 2, [gap[-1] / 2]))
    ox, red, current = np.ones(points + 1), np.zeros(points + 1), 0.0
    dt = 2 * tau / steps

    def advance(c, d, surface=None, inflow=0.0):
        """One step, with the given concentration at the electrode or the given flux from it."""
        out = d * dt / gap
        band = np.zeros((3, points + 1))
        band[1] = cell
        band[1, :-1] += out
        band[1, 1:] += out
        band[0, 1:] = band[2, :-1] = -out
        right = c * cell
        right[0] += inflow * dt
        if surface is not None:
            band[1, 0], band[0, 1], right[0] = 1.0, 0.0, surface
        return solve_banded((1, 1), band, right)

    for i in range(steps):
        if i < steps // 2:
            ox = advance(ox, 1.0, surface=0.0)
            red = advance(red, d_red, inflow=(ox[1] - ox[0]) / gap[0])
        else:
            red = advance(red, d_red, surface=0.0)
            current = d_red * (red[1] - red[0]) / gap[0]
    return current


right = (1 - np.sqrt(0.5)) / np.sqrt(np.pi)
slow = float(cottrell_step(2.0, tau=1.0, n=1, D=1.0, c_bulk=1.0, area=1.0, D_red=0.25, F=1.0))
same = float(cottrell_step(2.0, tau=1.0, n=1, D=1.0, c_bulk=1.0, area=1.0, F=1.0))
numerical = {d: double_step(d) for d in (1.0, 0.25)}
charge = [anson(t, D=1.0, c_bulk=1.0, area=1.0, tau=1.0, F=1.0) for t in (1.999, 2.001)]
slope = (charge[0] - charge[1]) / 0.002
print(f"second step, D_red = D: softpotato {same:.4f}, known {right:.4f}, numerical {numerical[1.0]:.4f}")
print(f"second step, D_red = D / 4: softpotato {slow:.4f}, known {right:.4f}, numerical {numerical[0.25]:.4f}", end="")
print(f", slope of anson() {slope:.4f}")
facts = {
    "band: 0.64 in the logarithm": np.allclose(given, 2 * np.pi / np.log(0.64 * times)),
    "more than 1.6 times as large as the numerical current": bool(np.all(given > 1.6 * solved)),
    "64 agrees with the numerical current": np.allclose(known, solved, rtol=0.05),
    "second step: half for D_red = D / 4": abs(slow / same - 0.5) < 1e-9 and abs(same / right - 1) < 1e-9,
    "the numerical current does not depend on it": all(abs(value / right - 1) < 0.01 for value in numerical.values()),
    "the slope of anson() neither": abs(slope / right - 1) < 1e-4,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python -W ignore probe.py
