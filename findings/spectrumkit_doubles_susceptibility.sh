#!/usr/bin/env bash
# spectrumkit 0.1.0: every dielectric susceptibility is twice as large as it should be. And WienerKhinchin() gives a spectrum that
# depends on the time of the first frame, and angular frequencies.
#
# spectrumkit computes dielectric spectra from the fluctuation of the dipole moment of the box. It comes from the developers of
# MAICoS, whose module DielectricSpectrum it takes over. All is in spectrumkit/dielectricspectrum.py and spectrumkit/lib/math.py.
# 1. The docstrings give the formula chi(f) = -1/(3 V kT eps0) L[theta(t) <P(0) dP(t)/dt>]. Its value at frequency 0 is
#    <P^2>/(3 V kT eps0), and its imaginary part is omega/2 times the power spectrum of P. MAICoS divides by 2 at the end, for this
#    1/2. calculate_spectrum_from_dipole(), calculate_spectrum_from_current() and DielectricSpectrum don't do it any more, and
#    WienerKhinchin() doesn't, either. Real part, imaginary part and standard deviation are too large by 2: water would have a
#    dielectric constant of 140 to 160. The relaxation time, read from the position of the maximum, is right.
# 2. WienerKhinchin(time, ...) takes "time steps of the data in ps". It divides by the time of the last frame, t[-1], for the length
#    of the series. Frames from 1000 to 2000 ps give half of the spectrum of the same frames from 0 to 1000 ps.
#    And the "frequencies" that it returns are omega in rad/ps. The other functions return the frequency in THz.
# There is no message.
#
# Remedy: divide by 2, or use maicos.DielectricSpectrum; subtract the first time before WienerKhinchin(), divide its frequencies by 2 pi.
#
# Seen with spectrumkit 0.1.0, maicos 0.11.2, MDAnalysis 2.11.0, numpy 2.4.6, scipy 1.17.1: a dipole that relaxes with 1 ps (Debye),
# static susceptibility 21.87. At the maximum, 0.16 THz, the imaginary part should be 10.9. From dipoles 22.4, from currents 22.4, by
# WienerKhinchin 21.6 with times from 0 ps, and 10.8 with times from 1000 ps. The class gives 2.00 times the spectrum of MAICoS.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile spectrumkit==0.1.0 maicos==0.11.2 mdacli==0.1.34 MDAnalysis==2.11.0 \
  numpy==2.4.6 scipy==1.17.1
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import logging
import sys
import warnings

import maicos
import MDAnalysis as mda
import numpy as np
import spectrumkit.dielectricspectrum as sk
from scipy import constants
from scipy.signal import lfilter

logging.disable()  # maicos tells that the atoms have no types
warnings.simplefilter("ignore")
N, DT, TAU, EDGE, T, SIZE = 400_000, 0.05, 1.0, 20.0, 300.0, 5.0  # ps, A, K, e A per component
rng = np.random.default_rng(1)
keep = np.exp(-DT / TAU)
P = SIZE * np.sqrt(1 - keep**2) * lfilter([1], [1, -keep], rng.normal(size=(N, 3)), axis=0)
static = 3 * (SIZE * constants.e) ** 2 / (3 * EDGE**3 * 1e-10 * constants.k * T * constants.epsilon_0)


def debye(frequency):
    return static / (1 - 2j * np.pi * frequency * TAU)


def at(frequency, axis, spectrum):
    """The mean of the spectrum from 0.8 to 1.2 times this frequency."""
    return spectrum[np.abs(axis - frequency) < 0.2 * frequency].mean()


print("spectrumkit", importlib.metadata.version("spectrumkit"), "maicos", importlib.metadata.version("maicos"))
by_hand = static * (P**2).sum(1).mean() / (3 * SIZE**2)
print(f"static susceptibility {static:.2f}, from the fluctuation of these dipoles {by_hand:.2f}")
settings = {"dt": DT, "volume": EDGE**3, "temperature": T, "segs": 200, "nobin": True}
dipole = sk.calculate_spectrum_from_dipole(P, **settings)
current = sk.calculate_spectrum_from_current(np.gradient(P, DT, axis=0), **settings)
low, peak = 0.02, 1 / (2 * np.pi * TAU)
found = {"dipole, real, 0.02 THz": (at(low, dipole["nu"], dipole["susc"]).real, debye(low).real)}
found["dipole, maximum"] = at(peak, dipole["nu"], dipole["susc"]).imag, debye(peak).imag
found["current, maximum"] = at(peak, current["nu"], current["susc"]).imag, debye(peak).imag
short = P[:20_000]  # 1000 ps
for start in (0.0, 1000.0):
    axis, spectrum = sk.WienerKhinchin(start + DT * np.arange(len(short)), short, EDGE**3, T)
    found[f"WienerKhinchin, maximum, from {start:.0f} ps"] = at(2 * np.pi * peak, axis, spectrum).imag, debye(peak).imag
for name, (value, right) in found.items():
    print(f"{name}: {value:.2f} (right: {right:.2f}), ratio {value / right:.2f}")

u = mda.Universe.empty(2, n_residues=1, atom_resindex=[0, 0], trajectory=True)  # the same dipoles, as two atoms
for name, values in {"charges": [1, -1], "masses": [1, 1], "names": ["A", "B"], "bonds": [(0, 1)], "resids": [1]}.items():
    u.add_TopologyAttr(name, values)
half = short[:, None] / 10 * np.array([[1.0], [-1.0]])  # smaller by 5, to stay in the box
u.load_new((EDGE / 2 + half).astype(np.float32), dimensions=np.array([EDGE] * 3 + [90.0] * 3), dt=DT)
classes = []
for module in (sk, maicos):
    out = module.DielectricSpectrum(u.atoms, temperature=T, segs=20, nobin=True, unwrap=False, pack=False).run().results
    classes.append(at(peak, out.nu, out.susc).imag * 25)
print(f"the class of spectrumkit, maximum: {classes[0]:.2f}, of maicos: {classes[1]:.2f} (right: {debye(peak).imag:.2f})")
ratios = [value / right for value, right in found.values()]
facts = {
    "the input is right: the fluctuation gives the static value": bool(np.isclose(by_hand, static, rtol=0.02)),
    "maicos is right": bool(np.isclose(classes[1], debye(peak).imag, rtol=0.1)),
    "the class is twice that of maicos": bool(np.isclose(classes[0], 2 * classes[1], rtol=0.05)),
    "dipole and current: twice the right value": all(bool(np.isclose(r, 2, rtol=0.08)) for r in ratios[:3]),
    "WienerKhinchin: twice from 0 ps, and half of that from 1000 ps": bool(
        np.isclose(ratios[3], 2, rtol=0.08) and np.isclose(ratios[4], ratios[3] / 2, rtol=0.01)
    ),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
