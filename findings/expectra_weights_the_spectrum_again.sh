#!/usr/bin/env bash
# expectra 1.0.5: the Fourier transform of an EXAFS spectrum changes the spectrum of the caller. The second transform of the same
# data has twice the weight k^n. And distances are wrong if the points of the spectrum are not 0.05 / A apart.
#
# expectra computes EXAFS from molecular dynamics. xafsft(r_min, r_max, k, chi, kweight) transforms the spectrum chi(k), with a
# weight k^kweight, to the distances of the neighbours. xafsft() in expectra/fft.py weights chi in place. So after the call, the
# array of the caller is k^n chi(k). A second transform, for another range of distances or another weight, has the sum of
# all weights so far. A plot of chi(k) made afterwards shows the weighted one.
#
# The distances follow from the step of k. The function gets the values of k, but takes 0.05 / A as the step, always. A spectrum
# with steps of 0.025 / A, as many programs write, has its peaks at half the distance. There is no message in both cases, and the
# documentation does not speak of them.
#
# Remedy: pass chi.copy(); interpolate to steps of 0.05 / A.
#
# Seen with expectra 1.0.5, numpy 2.4.6: one shell at 2.5 A, kweight = 2. The peak has a height of 98.6 in the first call, which is
# right, and of 9855 in the second one, with the same arguments. With steps of 0.025 / A the peak is at 1.26 A instead of 2.5 A.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==2.4.6
"$place/env/bin/python" -m pip install --quiet --no-compile --no-deps expectra==1.0.5
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys

import numpy as np
from expectra.fft import xafsft

SHELL = 2.5  # A
print("expectra", importlib.metadata.version("expectra"), "numpy", np.__version__)


def spectrum(step):
    k = np.arange(0.0, 15.0 + step / 2, step)
    return k, np.sin(2 * k * SHELL) * np.exp(-0.01 * k**2)


def by_sum(k, chi, weight, r):
    """The transform at the distances r, with the same factor: dk / sqrt(pi) sum of k^n chi exp(-2 i k r)."""
    step = k[1] - k[0]
    return step / np.sqrt(np.pi) * (chi * k**weight * np.exp(-2j * np.outer(r, k))).sum(axis=1)


def peak(r, transform):
    best = np.argmax(np.abs(transform))
    return r[best], abs(transform[best])


k, chi = spectrum(0.05)
original = chi.copy()
r, first = xafsft(1.0, 4.0, k, chi, kweight=2)
changed = np.abs(chi - original).max()
_, second = xafsft(1.0, 4.0, k, chi, kweight=2)
_, fresh = xafsft(1.0, 4.0, k, original.copy(), kweight=2)
for name, transform in (("first", first), ("second", second), ("with a copy", fresh)):
    print(f"{name} call: peak at {peak(r, transform)[0]:.3f} A, height {peak(r, transform)[1]:.3f}")
print(f"chi of the caller has changed by up to {changed:.2f}; its largest value was {np.abs(original).max():.2f}")
fine_k, fine_chi = spectrum(0.025)
fine_r, fine = xafsft(0.5, 4.0, fine_k, fine_chi.copy(), kweight=2)
right_r = np.linspace(0.5, 4.0, 1401)
right = by_sum(fine_k, fine_chi, 2, right_r)
print(f"steps of 0.025 / A: peak at {peak(fine_r, fine)[0]:.3f} A, by a sum at {peak(right_r, right)[0]:.3f} A")
facts = {
    "the first call is right": bool(np.allclose(np.abs(first), np.abs(by_sum(k, original, 2, r)), rtol=1e-6, atol=1e-9)),
    "after two calls, the caller's chi is k^4 chi": bool(np.allclose(chi, original * k**4)),
    "the second call has the weight k^4": bool(np.allclose(np.abs(second), np.abs(by_sum(k, original, 4, r)), rtol=1e-6)),
    "its peak is more than 20 times as high": peak(r, second)[1] > 20 * peak(r, first)[1],
    "with a copy, all is right": bool(np.allclose(fresh, first)),
    "steps of 0.025: the peak is at half the distance": abs(peak(fine_r, fine)[0] - SHELL / 2) < 0.05,
    "by a sum it is at 2.5 A": abs(peak(right_r, right)[0] - SHELL) < 0.02,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
