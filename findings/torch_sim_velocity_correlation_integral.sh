#!/usr/bin/env bash
# torch-sim 0.3.0: the integral of a velocity autocorrelation function over its window is always zero, so the diffusion
# coefficient from it is zero for every substance.
#
# VelocityAutoCorrelation cuts the run into windows of window_size frames. In each window it subtracts from every velocity
# component its own mean over this window, and it does not divide the sums of products by their number, which is
# window_size minus lag (torch_sim/properties/correlations.py). The sum of such a function over all lags, positive and
# negative, is the square of the sum of what is left of the velocities, which is zero. So the integral rises at first and
# then returns to zero, whatever the particles do. The function falls too fast, and is negative where the true one is
# positive. The mean of the velocity is the displacement in the window: what is subtracted is the diffusion itself.
# With normalize=False the function is also window_size times too large. The docstrings say nothing about all this. The
# pull request that added it (https://github.com/TorchSim/torch-sim/pull/115) names diffusion coefficients as a purpose.
#
# Remedy: write the velocities to a file and use another program. Or take windows of some hundred correlation times, and
# stop the integral early: each value is then too low by about 2 correlation times / window_size.
#
# Seen with torch-sim-atomistic 0.3.0, torch 2.13.0, numpy 2.4.6: velocities with the correlation exp(-lag / 5 frames), in
# windows of 100 frames. The integral is 5.02 frames in theory, 5.1 by plain averages, and 0.0000 here; its largest value
# on the way is 3.4. At a lag of 5 frames the function is 0.25 instead of 0.37.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet torch-sim-atomistic==0.3.0 torch==2.13.0 numpy==2.4.6
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys
import warnings
from types import SimpleNamespace

warnings.simplefilter("ignore")
import numpy as np
import torch
from torch_sim.properties.correlations import VelocityAutoCorrelation

torch.set_num_threads(1)
CPU = torch.device("cpu")
PARTICLES, WINDOW, WINDOWS, TIME = 40, 100, 10, 5.0  # the times in frames
rng = np.random.default_rng(0)
keep = np.exp(-1 / TIME)
frames = np.empty((WINDOW * WINDOWS, PARTICLES, 3))
frames[0] = rng.normal(size=frames[0].shape)
for k in range(1, len(frames)):
    frames[k] = keep * frames[k - 1] + np.sqrt(1 - keep**2) * rng.normal(size=frames[0].shape)


def correlate(normalize):
    """As a simulation would do it; only the velocities of a state are used."""
    calculator = VelocityAutoCorrelation(window_size=WINDOW, device=CPU, normalize=normalize)
    for velocities in frames:
        calculator(SimpleNamespace(velocities=torch.from_numpy(velocities), device=CPU))
    return calculator.vacf.numpy()


def integral(function):
    return np.concatenate([[0], np.cumsum((function[1:] + function[:-1]) / 2)])


normalized, raw = correlate(True), correlate(False)
lags = np.arange(WINDOW)
plain = np.array([(frames[: len(frames) - k] * frames[k:]).mean() for k in lags])
plain /= plain[0]
theory = (1 + keep) / (1 - keep) / 2
print("torch-sim-atomistic", importlib.metadata.version("torch-sim-atomistic"), "torch", torch.__version__)
print(f"at a lag of 5 frames: {normalized[5]:.2f} by torch-sim, {plain[5]:.2f} by averages, {keep**5:.2f} in theory")
print(
    f"integral: {integral(normalized)[-1]:.4f} by torch-sim (largest {integral(normalized).max():.1f}), "
    f"{integral(plain)[40]:.1f} by averages up to 40 frames, {theory:.2f} in theory"
)
print(f"normalize=False: {raw[0]:.1f} at lag 0; mean square of a component {(frames**2).mean():.3f}")
if not abs(integral(plain)[40] / theory - 1) < 0.15:
    sys.exit("the velocities are not correlated as they should be: this probe is no good here")
as_found = abs(integral(normalized)[-1]) < 0.01 and integral(normalized).max() > 3 and raw[0] > 80
print("as found" if as_found else "CHANGED")
sys.exit(not as_found)
PY
env/bin/python probe.py
