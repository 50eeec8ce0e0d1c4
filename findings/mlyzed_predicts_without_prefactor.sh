#!/usr/bin/env bash
# mlyzed 0.2.3: Arrhenius.predict_diffusivity() leaves out the prefactor D0. The diffusion coefficients that it extrapolates are too
# large by 1/D0, some hundreds of times.
#
# Arrhenius takes temperatures and mean squared displacements, and fits D = D0 exp(-Ea/kT). The fit is right: `barrier` and
# `prefacor` (sic) are what they should be. Its author once fitted a straight line through ln D; the lines are still there as
# comments. Now the function exponent() is fitted, so that `intercept` is D0, and no longer ln D0 (mlyzed/arrhenius.py).
# predict_diffusivity() still calculates exp(intercept - slope / T). D0 in cm^2/s is small, so exp(D0) is 1, and what is left is
# exp(-Ea/kT). There is no message, and no docstring that would say so; plot() draws the right line. What one predicts is usually a
# value at 300 K from runs at 600 to 1000 K, which nothing in the data can contradict. The bounds that come with the value are
# not below and above it. (The attribute r_squared compares D with a straight line in T. It is hugely negative.)
#
# Remedy: fit.prefacor * numpy.exp(-fit.slope / T).
#
# Seen with mlyzed 0.2.3, numpy 2.4.6: 100 ions, 1000 frames of 1 ps, at 600, 700 ... 1000 K, D0 = 2.0e-3 cm^2/s, Ea = 0.25 eV.
# Fitted: 0.262 eV, 2.3e-3 cm^2/s. D(300 K) is 4.0e-5 cm^2/s instead of 9.3e-8 from the same fit, D(600 K), where there are data,
# 6.4e-3 instead of 1.5e-5.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile mlyzed==0.2.3 numpy==2.4.6 scipy==1.17.1 ase==3.29.0 vesin==0.6.2 \
  networkx==3.6.1 uncertainties==3.2.3 tqdm==4.70.1 matplotlib==3.11.2
cd "$place"
cat > probe.py <<'PY'
import contextlib
import importlib.metadata
import io
import sys

import mlyzed
import numpy as np

IONS, FRAMES, EDGE = 100, 1000, 20.0
D0, EA, K = 2e-3, 0.25, 8.617333e-5  # cm^2/s, eV, eV/K
TEMPERATURES = np.array([600.0, 700, 800, 900, 1000])
rng = np.random.default_rng(0)
np.random.seed(0)  # for the bootstrap of mlyzed


def right(T):
    return D0 * np.exp(-EA / (K * T))


def msd(T):
    """Ions that walk at random, a frame each picosecond."""
    step = np.sqrt(2 * right(T) * 1e4)  # A; 1 cm^2/s is 1e4 A^2/ps
    path = np.cumsum(step * rng.normal(size=(FRAMES, IONS, 3)), axis=0)
    cells = np.repeat(np.eye(3)[None] * EDGE, FRAMES, axis=0)
    ions = mlyzed.Trajectory(np.full(IONS, 19), path, cells)
    with contextlib.redirect_stderr(io.StringIO()):  # the bars of progress
        return mlyzed.windowed_msd(ions, specie="K", timestep=1000.0, correct_drift=False, n_bootstraps=10)


print("mlyzed", importlib.metadata.version("mlyzed"))
curves = [msd(T) for T in TEMPERATURES]
fit = mlyzed.Arrhenius(TEMPERATURES, curves)
print(f"fitted: {fit.barrier:.3f} eV, {fit.prefacor:.2e} cm^2/s (right: {EA}, {D0:.2e})")
by_hand = {T: fit.prefacor * np.exp(-fit.slope / T) for T in (300.0, 600.0)}
found = {T: fit.predict_diffusivity(T) for T in by_hand}
for T in by_hand:
    print(f"D({T:.0f} K): {found[T][0]:.2e} cm^2/s (from the same fit: {by_hand[T]:.2e}, right: {right(T):.2e})")
measured = curves[0].diffusivity[0]
print(f"measured at 600 K: {measured:.2e} cm^2/s")
facts = {
    "the fit is right: the data at 600 K within 20 %": abs(by_hand[600.0] / measured - 1) < 0.2,
    "the barrier is right within 20 %": abs(fit.barrier / EA - 1) < 0.2,
    "300 K and 600 K: too large by 1/D0": all(bool(np.isclose(found[T][0], by_hand[T] / fit.prefacor, rtol=0.01)) for T in by_hand),
    "that is 100 times at least": found[600.0][0] > 100 * right(600.0) and found[300.0][0] > 100 * right(300.0),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
