#!/usr/bin/env bash
# cvsim 1.0.0: in a cyclic voltammogram with a chemical reaction of the product, the rate constants are per step and not per second.
# A slow reaction looks like a fast one, the peak of the way back vanishes, and the result depends on the step.
#
# cvsim simulates cyclic voltammograms by semi-integration. Its documentation says that k_forward and k_backward are in 1/s. The
# mechanism E_qC (mechanisms.py) weights the current of earlier steps by exp(-(k_forward + k_backward) n), where n is a number of steps.
# It should be the number of steps times the duration of a step, step_size / scan_rate. With 1 mV and 0.1 V/s this is
# 0.01 s, so that the reaction is a hundred times too fast. SquareScheme has the same. There is no message.
#
# Remedy: multiply the rate constants by step_size / 1000 / scan_rate before.
#
# Seen with cvsim 1.0.0, numpy 2.4.6, scipy 1.17.1: a reduction at 0.1 V/s with a reaction of 0.1/s of the product. cvsim has a
# current of 0.045 uA at the peak of the way back, and 0.032 uA, if the step is 2 mV instead of 1 mV. A numerical solution of the
# diffusion equation has 9.57 uA. With the remedy, cvsim has 9.56 uA for both steps. Without a reaction, cvsim and the numerical
# solution have 14.12 and 14.13 uA.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==2.4.6 scipy==1.17.1
"$place/env/bin/python" -m pip install --quiet --no-compile --no-deps cvsim==1.0.0
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys

import numpy as np
from cvsim.mechanisms import E_qC
from scipy import constants, sparse
from scipy.sparse.linalg import spsolve

print("cvsim", importlib.metadata.version("cvsim"))
RATE, TURN, D, C, RADIUS, T = 0.1, 0.3, 1e-9, 1.0, 1.5e-3, 298.0  # V/s, V, m^2/s, mol/m^3, m, K
F = constants.value("Faraday constant")
AREA = np.pi * RADIUS**2


def package(step, forward, backward):
    """Peak current of the way back in uA, for a step in mV."""
    scheme = E_qC(
        start_potential=TURN, switch_potential=-TURN, reduction_potential=0.0, scan_rate=RATE, c_bulk=C,
        diffusion_reactant=D * 1e4, diffusion_product=D * 1e4, alpha=0.5, k0=1.0, k_forward=forward, k_backward=backward,
        step_size=step, disk_radius=RADIUS * 1e3, temperature=T,
    )
    current = scheme.simulate()[1]
    return float(np.max(current[len(current) // 2 :]) * 1e6)


def numerical(forward, backward, steps=2400, points=250):
    """The same from the diffusion equation of the reactant O and the product R, which reacts to P, with O and R in equilibrium at
    the electrode. With the same D for all, O + R + P is C, and W = forward R - backward P only diffuses and decays."""
    duration = 4 * TURN / RATE
    dt, total = duration / steps, forward + backward
    width = 6 * np.sqrt(D * duration)
    x = width * np.linspace(0, 1, points + 1) ** 2
    gap = np.diff(x)
    cell = np.concatenate(([gap[0] / 2], (gap[:-1] + gap[1:]) / 2, [gap[-1] / 2]))
    out = D * dt / gap
    main = np.zeros(points + 1)
    main[:-1] += out
    main[1:] += out
    move = sparse.diags([-out, main, -out], [-1, 0, 1]).tolil()
    grid = sparse.diags(cell)
    oxidized, w, best = np.full(points + 1, C), np.zeros(points + 1), 0.0
    n = points + 1
    for i in range(1, steps + 1):
        time = i * dt
        potential = TURN - RATE * time if time < duration / 2 else -TURN + RATE * (time - duration / 2)
        ratio = np.exp(F * potential / (constants.R * T))
        matrix = sparse.bmat([[grid + move, None], [None, grid * (1 + total * dt) + move]]).tolil()
        right = np.concatenate((cell * oxidized, cell * w))
        # At the electrode: O = ratio R, with R = (backward (C - O) + W) / total, instead of the balance of O.
        # What is missing in the balance of O goes into that of W, times -forward.
        balance, known = matrix[0].toarray().ravel(), right[0]
        matrix[0] = 0
        matrix[0, 0], matrix[0, n], right[0] = 1 + ratio * backward / total, -ratio / total, ratio * backward * C / total
        row = matrix[n].toarray().ravel() + forward * balance
        matrix[n], right[n] = row, right[n] + forward * known
        solved = spsolve(matrix.tocsc(), right)
        current = F * AREA * (balance @ solved - known) / dt
        oxidized, w = solved[:n], solved[n:]
        if time > duration / 2:
            best = max(best, current)
    return best * 1e6


slow = (0.1, 1e-4)
second = {step: step / 1000 / RATE for step in (1.0, 2.0)}  # duration of a step
found = {step: package(step, *slow) for step in second}
remedy = {step: package(step, *(k * second[step] for k in slow)) for step in second}
none, right, without = package(1.0, 1e-12, 1e-3), numerical(*slow), numerical(1e-9, 1e-3)
print(f"reaction of 0.1/s: {found[1.0]:.3f} uA, with a step of 2 mV {found[2.0]:.3f} uA, numerical {right:.2f} uA")
print(f"rate constants times the duration of a step: {remedy[1.0]:.2f} uA, with a step of 2 mV {remedy[2.0]:.2f} uA")
print(f"no reaction: {none:.2f} uA, numerical {without:.2f} uA")
facts = {
    "the peak of the way back is lost": found[1.0] < 0.02 * right,
    "it depends on the step": not 0.8 < found[2.0] / found[1.0] < 1.25,
    "right with the duration of a step": all(abs(value / right - 1) < 0.03 for value in remedy.values()),
    "right without a reaction": abs(none / without - 1) < 0.02,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python -W ignore probe.py
