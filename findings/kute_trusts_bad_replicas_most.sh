#!/usr/bin/env bash
# KUTE 1.3.4: the average over replicas gives the largest weight to the replica with the largest uncertainty. A few short runs
# beside a long one make the transport coefficient seven times less accurate than the long run alone.
#
# KUTE means "green-Kubo Uncertainty-based Transport properties Estimator". Inside one replica it averages over times and over
# components with the weight 1/u^2, where u is the uncertainty, as it should be. IntegralEnsemble averages over replicas:
# get_average_over_components() in kute/_kute.py says `replica_weights[i, :] = FACTOR * uval`. So the weight is u itself. What
# is known to 1 % counts a tenth of what is known to 10 %, instead of a hundred times as much. The program
# `kute calculate_transport_coefficient` uses this class for two files or more: conductivity, viscosity, diffusion coefficient.
# The docstrings speak of "the running average ... across all replicas", and not of weights. There is no message. If all
# replicas have the same length, their uncertainties are similar, and the error is smaller.
#
# In the same file get_average_correlation_function() with one component returns the correlation function twice: the second
# time as its uncertainty (`self.caf[keys[0]][:, 0]`, which should be [:, 1]).
#
# Remedy: one GreenKuboIntegral with the rows of all runs, in windows of the same length. caf["11"][:, 1] for the uncertainty
# of one component.
#
# Seen with kute 1.3.4, numpy 2.4.6, scipy 1.17.1: currents whose integral is 10.01. In 20 trials a run of 64 windows comes
# together with three runs of one window. The root mean square error is 0.41 for the long run alone, 0.38 for all rows in one
# integral, 1.63 for the mean of the four runs with the weights 1/u^2 (the u of a short run is not well known), and 2.84 for
# IntegralEnsemble. In the first trial the runs give 10.2 +- 0.3, 5.0 +- 1.2, 8.4 +- 2.9 and 2.3 +- 2.6, and KUTE 5.6.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile kute==1.3.4 numpy==2.4.6 scipy==1.17.1 h5py==3.16.0 \
  MDAnalysis==2.11.0
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys

import numpy as np
from kute import GreenKuboIntegral, IntegralEnsemble
from scipy.signal import lfilter

DECAY, STEPS, WINDOWS, TRIALS = 10.0, 2000, 64, 20
START = 60  # where the integral is on its plateau: 6 decay times
KEEP = np.exp(-1 / DECAY)
# The current has the correlation function KEEP^k after k steps. This is its integral by the trapezoidal rule.
EXACT = 0.5 * (1 + KEEP) / (1 - KEEP)
rng = np.random.default_rng(0)


def current(windows):
    """An Ornstein-Uhlenbeck process of variance 1, in each window."""
    kicks = rng.normal(scale=np.sqrt(1 - KEEP**2), size=(windows, STEPS))
    kicks[:, 0] = rng.normal(size=windows)
    return lfilter([1.0], [1.0, -KEEP], kicks, axis=1)


def replica(currents):
    return GreenKuboIntegral(np.arange(float(STEPS)), *currents)


def error(values):
    return np.sqrt(np.mean((np.array(values) - EXACT) ** 2))


print("kute", importlib.metadata.version("kute"))
long, together, by_kute, by_weights, weighted_with_u = [], [], [], [], []
for trial in range(TRIALS):
    runs = [[current(windows) for _ in range(3)] for windows in (WINDOWS, 1, 1, 1)]
    replicas = [replica(run) for run in runs]
    results = [one.get_isotropic_running_average() for one in replicas]
    values, u = np.array([result[1] for result in results]), np.array([result[2] for result in results])
    average = IntegralEnsemble(replicas).get_isotropic_average()[1]
    weighted_with_u.append(np.allclose(average, (values * u).sum(axis=0) / u.sum(axis=0)))
    long.append(values[0, START])
    pooled = replica([np.concatenate(component) for component in zip(*runs, strict=True)])
    together.append(pooled.get_isotropic_running_average()[1][START])
    by_kute.append(average[START])
    by_weights.append(((values / u**2).sum(axis=0) / (1 / u**2).sum(axis=0))[START])
    if trial == 0:
        each = ", ".join(f"{v:.1f} +- {du:.1f}" for v, du in zip(values[:, START], u[:, START], strict=True))
        print(f"first trial: {each}; IntegralEnsemble {average[START]:.1f} (right: {EXACT:.2f})")
print(
    f"root mean square error in {TRIALS} trials: long run alone {error(long):.2f}, all rows in one integral "
    f"{error(together):.2f}, weights 1/u^2 {error(by_weights):.2f}, IntegralEnsemble {error(by_kute):.2f}"
)
one = replicas[0]
_, function, uncertainty = one.get_average_correlation_function(["11"])
print(f"correlation function at time 0: {function[0]:.3f} +- {uncertainty[0]:.3f}, by caf {one.caf['11'][0, 1]:.3f}")
facts = {
    "the long run alone, and all rows in one integral: right": max(error(long), error(together)) < 0.1 * EXACT,
    "the weight of a replica is its uncertainty": all(weighted_with_u),
    "IntegralEnsemble: at least 4 times the error of the long run": error(by_kute) > 4 * error(long),
    "IntegralEnsemble: a larger error than with 1/u^2": error(by_kute) > 1.3 * error(by_weights),
    "one component: the function is its own uncertainty": np.array_equal(function, uncertainty)
    and bool(one.caf["11"][0, 1] < 0.1),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
