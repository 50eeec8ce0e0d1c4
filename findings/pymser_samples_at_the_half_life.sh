#!/usr/bin/env bash
# pymser 1.0.22: "uncorrelated" samples are still half correlated: errors are 1.9 times too small, and there are 2.9 times too many
# independent samples. For energies without correlation the enthalpy of adsorption is nan.
#
# pymser finds the equilibrated part of a simulation and its average. It fits exp(-t / tau) to the autocorrelation, and takes the half-life
# tau ln 2 for the autocorrelation time (calc_autocorrelation_time in pymser.py). The number of uncorrelated samples is the number
# of steps divided by it, and "uSE", the uncorrelated standard error, comes from blocks of this length. But the statistical
# inefficiency, the distance of independent samples, is the integral over the correlation on both sides: 2 tau, that is 2.9
# half-lives. Blocks of one half-life are correlated with each other. So the error does not depend on tau as it should: the factor
# of 1.9 stays, however long the run is. Of the 95 % intervals (2 uSE), only three of four contain the exact value.
# equilibrate_enthalpy() divides by the variance of N in each block. If the correlation time is 1, each block has one step, and the
# enthalpy is nan, without a word; the function for the whole data, enthalpy_of_adsorption(), is right.
# Comments in the code name the half-life; the README says "number of uncorrelated samples" and "autocorrelation time", no more.
#
# Remedy: uSE times 1.9, uncorr_samples divided by 2.9; enthalpy_of_adsorption() on the equilibrated part, with the error from few
# long blocks.
#
# Seen with pymser 1.0.22, torch 2.13.0, numpy 2.4.6: 200 series of 20000 steps, tau = 50: scatter of the averages 0.066, exact 0.071, uSE
# 0.038. 571 samples, right 200. Within 1 uSE 42 % (right 68 %), within 2 uSE 74 % (right 95 %).
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile torch==2.13.0 numpy==2.4.6
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==2.4.6 scipy==1.17.1 statsmodels==0.15.0 pymser==1.0.22
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys

import numpy as np
import torch
from pymser.pymser import calc_autocorrelation_time, calc_equilibrated_average, calc_equilibrated_enthalpy, enthalpy_of_adsorption
from scipy.signal import lfilter

torch.set_num_threads(1)
print("pymser", importlib.metadata.version("pymser"), "torch", torch.__version__, "numpy", np.__version__)
TAU, STEPS, MEAN = 50.0, 20000, 100.0
phi = np.exp(-1 / TAU)
rng = np.random.default_rng(1)
rows = []
for _ in range(200):
    noise = rng.normal(0, np.sqrt(1 - phi**2), STEPS + 2000)
    series = MEAN + lfilter([1], [1, -phi], noise)[2000:]  # exact: variance 1, correlation exp(-t / TAU)
    time, samples = calc_autocorrelation_time(series)
    average, error = calc_equilibrated_average(series, 0, "uSE", time)
    rows.append((time, samples, average, float(error)))
times, samples, averages, errors = np.array(rows).T
inefficiency = (1 + phi) / (1 - phi)
exact = np.sqrt(inefficiency / STEPS)
inside = [np.mean(np.abs(averages - MEAN) < n * errors) for n in (1, 2)]
print(f"autocorrelation time {times.mean():.1f} steps, half-life {TAU * np.log(2):.1f}, statistical inefficiency {inefficiency:.1f}")
print(f"uncorrelated samples {samples.mean():.0f}, right {STEPS / inefficiency:.0f}")
print(f"scatter of the averages {averages.std():.4f}, exact {exact:.4f}, mean uSE {errors.mean():.4f}")
print(f"within 1 uSE {inside[0]:.0%}, within 2 uSE {inside[1]:.0%} (right 68 % and 95 %)")

molecules = rng.poisson(20, 5000).astype(float)
energy = -1500 * molecules + rng.normal(0, 100, 5000)  # K
time = calc_autocorrelation_time(energy)[0]
blocks = calc_equilibrated_enthalpy(energy, molecules, 300.0, 0, "uSD", time)[0]
whole = enthalpy_of_adsorption(energy, molecules, 300.0)
right = (-1500 - 300) * 8.31446261815324e-3
print(f"enthalpy of adsorption: in blocks of {time:.0f} {blocks}, of all data {whole:.3f}, right {right:.3f} kJ / mol")
facts = {
    "the time is the half-life": abs(times.mean() - TAU * np.log(2)) < 4,
    "there are 2.9 times too many samples": 2.5 < samples.mean() / (STEPS / inefficiency) < 3.3,
    "the averages scatter as they should": abs(averages.std() / exact - 1) < 0.15,
    "uSE is 1.9 times too small": 1.7 < exact / errors.mean() < 2.1,
    "2 uSE contain the exact value in less than 85 % of the cases": inside[1] < 0.85,
    "the enthalpy of uncorrelated data is nan": bool(np.isnan(blocks)),
    "that of the whole data is right": abs(whole - right) < 0.1,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
OMP_NUM_THREADS=1 env/bin/python -W ignore probe.py
