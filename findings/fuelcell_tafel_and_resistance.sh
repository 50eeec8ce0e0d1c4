#!/usr/bin/env bash
# fuelcell 0.4.0: the current of a sweep is shifted by its minimum before its logarithm is taken, so that Tafel slopes come out 20 %
# too small. The high frequency resistance of a depressed semicircle is too small, and that of a perfect one is 0.
#
# fuelcell processes measurements of fuel cells and electrolysers. Four places in fuelcell/datums.py, each without a message:
# 1. lsv_process() takes log10(i - min(i) + 0.000001) as log(i) for plot_tafel(), which fits all points unless told otherwise. The
#    first point becomes -6, whatever its current is. For a cathodic current (hydrogen evolution) the logarithm is upside down: the
#    smallest current gets the largest value, and the largest gets -6.
# 2. lsv_process() stores the potential where the overpotential belongs: get_overpotential_data() gives the potential.
# 3. fit_eis_semicircle() fits an arc with the centre (h, k) and the radius r, and gives h - r as the resistance. That is the
#    leftmost point of the circle. The arc cuts the real axis at h - sqrt(r^2 - k^2), which is in the source as a comment. k is not
#    0 for an electrode with a constant phase element, that is, for most.
# 4. If that fit fails, the resistance is 0. It fails for a perfect semicircle.
#
# Remedy: numpy.log10 of the current, and the numbers of get_semicircle_params(), which are r, h and k.
#
# Seen with fuelcell 0.4.0, numpy 2.4.6, scipy 1.17.1, pandas 3.1.1: a sweep from 1.40 to 1.60 V with exactly 60 mV per decade and an
# exchange current of 1e-3 A/m^2 gives 48 mV and 5.9e-5 A/m^2. Its upper half alone gives 59.7 mV. Its first overpotential is 1.40 V
# instead of 0.17 V. Arcs that begin at 0.1000 ohm with the exponents 1, 0.9 and 0.8 give 0, 0.0969 and 0.0871 ohm.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==2.4.6 scipy==1.17.1 pandas==3.1.1 matplotlib==3.11.2
"$place/env/bin/python" -m pip install --quiet --no-compile --no-deps fuelcell==0.4.0  # it also requires two versions of Qt
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys
import warnings

import matplotlib
import numpy as np
import pandas as pd

matplotlib.use("Agg")
warnings.simplefilter("ignore")
from fuelcell import datums, visuals  # noqa: E402
from fuelcell.model import Datum  # noqa: E402

print("fuelcell", importlib.metadata.version("fuelcell"))
AREA, SLOPE, EXCHANGE = 5.0, 0.060, 1e-7  # cm^2, V per decade, A/cm^2


def measured(kind, **columns):
    datum = Datum("x", pd.DataFrame(columns))
    datum.set_expt_type(kind)
    return datum


def sweep(first, last, equilibrium):
    """A current that follows Tafel's law exactly."""
    v = np.linspace(first, last, 400)
    eta = v - equilibrium
    i = np.sign(eta) * EXCHANGE * 10 ** (np.abs(eta) / SLOPE) * AREA
    datum = measured("lsv", v=v, i=i)
    datums.lsv_process([datum], area=AREA, thermo_potential=equilibrium)
    return datum, eta, i / AREA * 1e4  # A/m^2


oxygen, eta, density = sweep(1.40, 1.60, 1.23)
visuals.plot_tafel([oxygen])
slope, exchange = oxygen.get_tafel_slope(), oxygen.get_exchg_curr()
visuals.plot_tafel([oxygen], imin=1.5, imax=3.1)
upper = oxygen.get_tafel_slope()
print(f"oxygen evolution: {slope:.4f} V per decade (right: {SLOPE}), {exchange:.2e} A/m^2 (right: {EXCHANGE * 1e4:.0e})")
print(f"only the upper half of the sweep: {upper:.4f} V per decade")
table = oxygen.get_processed_data()
print(f"first point: log(i) {table['log(i)'].iloc[0]:.2f} (right: {np.log10(density[0]):.2f})", end="")
print(f", overpotential {oxygen.get_overpotential_data()[0]:.2f} V (right: {eta[0]:.2f} V)")
hydrogen, _, density = sweep(-0.05, -0.40, 0.0)
table = hydrogen.get_processed_data()
for i in (0, -1):
    print(f"hydrogen evolution at {table['v'].iloc[i]:.2f} V: log(i) {table['log(i)'].iloc[i]:.2f}", end="")
    print(f" (right: {np.log10(-density[i]):.2f})")

OHM, ARC, TAU = 0.100, 0.500, 0.01  # ohm, ohm, s
omega = 2 * np.pi * np.logspace(5, -2, 200)
found, crossing = {}, {}
for exponent in (1.0, 0.9, 0.8):
    z = OHM + ARC / (1 + (1j * omega * TAU) ** exponent)
    (arc,) = datums.eis_process([measured("eis", real=z.real, imag=-z.imag)], area=AREA)
    found[exponent] = arc.get_hfr()
    r, h, k = arc.get_semicircle_params()
    crossing[exponent] = h - np.sqrt(r**2 - k**2)
    print(f"arc with the exponent {exponent}: {found[exponent]:.4f} ohm (right: {OHM:.4f})", end="")
    print(f"; from its own r, h, k: {crossing[exponent]:.4f}")
facts = {
    "Tafel slope: 20 % too small": 0.75 < slope / SLOPE < 0.85,
    "exchange current: more than 10 times too small": exchange < EXCHANGE * 1e4 / 10,
    "from the upper half it is right": abs(upper / SLOPE - 1) < 0.03,
    "hydrogen evolution: log(i) falls where it must rise": table["log(i)"].iloc[0] > 3 > -5 > table["log(i)"].iloc[-1],
    "the overpotential is the potential": bool(np.allclose(oxygen.get_overpotential_data(), eta + 1.23)),
    "depressed arcs: 3 % and 13 % too small": abs(found[0.9] / OHM - 0.97) < 0.01 and abs(found[0.8] / OHM - 0.87) < 0.01,
    "h - sqrt(r^2 - k^2) is right for them": all(abs(crossing[n] / OHM - 1) < 1e-3 for n in (0.9, 0.8)),
    "a perfect semicircle has 0 ohm": found[1.0] == 0,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
