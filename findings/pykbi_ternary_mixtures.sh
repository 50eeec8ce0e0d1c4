#!/usr/bin/env bash
# pykbi 1.0.0: partial molar volumes, compressibility and thermodynamic factors of ternary mixtures are wrong, since Kirkwood-Buff
# integrals are multiplied where they must be added. And the extrapolation of an integral takes two points of the curve.
#
# pykbi integrates radial distribution functions to Kirkwood-Buff integrals, and computes properties from them. Two places, each
# without a message:
# 1. KBdata3comp.CalculateProperties() (pykbi/fct.py) has D12 = G11 * G22 - 2 G12, and the same for 13 and 23. It must be
#    G11 + G22 - 2 G12, as in the class for binary mixtures of the same file. A product of two volumes minus a volume depends on the
#    unit of length. Everything but the B matrix contains it.
# 2. RDF.FindValues() (pykbi/rdf.py) of a closed system should fit a line to the integral over 1/R "between" two values. It takes
#    the list of the first and the last index as if it were a range. So the line goes through two points of the noisy curve. The
#    fit always has an R-squared of 1 and a standard error of 0, which PrintState() prints.
#
# Remedy: the inverse of the B matrix (Ben-Naim) for 1, and numpy.polyfit over rdf.rint and rdf.kbi for 2.
#
# Seen with pykbi 1.0.0, numpy 1.26.4, scipy 1.13.1 (newer ones have no scipy.integrate.trapz): a mixture whose partial molar volumes
# are 0.0311, 0.0497 and 0.0377 nm^3 gets 0.0374, 0.0598 and 0.0453, all 20 % too large, and so is the compressibility. The sum of
# c v, which must be 1, is 1.20. The same numbers in Angstrom give -0.129, -0.207 and -0.157 nm^3. The binary class is right. For
# g(r) with noise, the integral has a spread of 0.0097 nm^3, and of 0.0074 nm^3 with a line through all 167 points.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==1.26.4 scipy==1.13.1 matplotlib==3.11.2
"$place/env/bin/python" -m pip install --quiet --no-compile --no-deps pykbi==1.0.0  # it asks for old versions of the others
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys

import numpy as np
import pykbi
from pykbi.fct import KBdata2comp, KBdata3comp

print("pykbi", importlib.metadata.version("pykbi"))


def by_hand(G, c):
    """Partial molar volumes and k T times the compressibility from the B matrix (Ben-Naim)."""
    B = np.diag(c) + G * np.outer(c, c)
    inverse = np.linalg.inv(B)  # (d mu_i / d N_j) V / kT
    total = c @ inverse @ c
    return inverse @ c / total, 1 / total


# Water, alcohol and salt, nm^3 and 1/nm^3, of usual size
c = np.array([25.0, 4.0, 0.6])
G = np.array([[-0.010, -0.060, -0.020], [-0.060, 0.050, -0.090], [-0.020, -0.090, 0.300]])


def ternary(scale=1.0, c=c):
    """The same mixture, with lengths in units of scale^(1/3) nm."""
    g = G / scale
    made = KBdata3comp(g[0, 0], g[1, 1], g[2, 2], g[0, 1], g[0, 2], g[1, 2], *(c * scale))
    made.CalculateProperties()
    return np.array([made.pmv0, made.pmv1, made.pmv2]) * scale, made.isothermal_compress * scale, made.gamma0


volumes, compress, gamma = ternary()
right_volumes, right_compress = by_hand(G, c)
print(f"partial molar volumes: {np.round(volumes, 4).tolist()} nm^3, right: {np.round(right_volumes, 4).tolist()}")
print(f"sum of c v: {c @ volumes:.3f} (right: 1), by hand {c @ right_volumes:.3f}")
print(f"k T times compressibility: {compress:.5f} nm^3, right: {right_compress:.5f}")
other, other_compress, other_gamma = ternary(1e-3)
print(f"the same in Angstrom: {np.round(other, 4).tolist()} nm^3, compressibility {other_compress:.5f} nm^3")
two = KBdata2comp(G[0, 0], G[1, 1], G[0, 1], *c[:2])
two.CalculateProperties()
none, none_compress, _ = ternary(c=np.array([25.0, 4.0, 1e-9]))
right_two, right_two_compress = by_hand(G[:2, :2], c[:2])
print(f"without salt: binary class {two.pmv1:.4f}, {two.pmv2:.4f}, by hand {right_two.round(4).tolist()}", end="")
print(f", ternary class with 1e-9 salt {np.round(none[:2], 4).tolist()}")

# Extrapolation: g(r) of a fluid with noise
rng = np.random.default_rng(0)
r = np.arange(0.005, 3.0, 0.01)  # nm
smooth = np.where(r < 0.3, 0, 1 + np.exp(-(r - 0.3) / 0.3) * np.cos(2 * np.pi * (r - 0.3) / 0.35))
LIMITS = (0.4, 1.2)  # 1/nm
results, fits, errors = [], [], []
for _ in range(200):
    rdf = pykbi.RDF(r, smooth + (r > 0.3) * 0.01 * rng.normal(size=len(r)), closed=True)
    rdf.Integrate()
    rdf.FindValues(LIMITS)
    inside = (1 / rdf.rint > LIMITS[0]) & (1 / rdf.rint < LIMITS[1])
    results.append(rdf.integral_value["G"])
    errors.append((rdf.integral_value["r_value"] ** 2, rdf.integral_value["std_error"]))
    fits.append(np.polyfit(1 / rdf.rint[inside], rdf.kbi[inside], 1)[1])
ends = [int(i) for i in rdf.integral_value["index_limit"]]
x, y = 1 / rdf.rint[ends], rdf.kbi[ends]
through = y[0] - x[0] * (y[1] - y[0]) / (x[1] - x[0])
print(f"extrapolation: R-squared {min(e[0] for e in errors):.6f}, standard error {max(e[1] for e in errors):.2g} in all of 200 cases")
print(f"spread of G: {np.std(results):.4f} nm^3, with a line through all {inside.sum()} points {np.std(fits):.4f} nm^3")
facts = {
    "by hand, the sum of c v is 1": abs(c @ right_volumes - 1) < 1e-9,
    "ternary: it is not": abs(c @ volumes - 1) > 0.1,
    "ternary: a partial molar volume is wrong by more than 10 %": np.abs(volumes / right_volumes - 1).max() > 0.1,
    "ternary: it depends on the unit": abs(other[0] / volumes[0] - 1) > 0.05,
    "binary: right": bool(np.allclose([two.pmv1, two.pmv2, two.isothermal_compress], [*right_two, right_two_compress])),
    "ternary with next to no third component: not the binary one": not np.allclose(none[:2], right_two, rtol=0.05),
    "extrapolation: R-squared is always 1": min(e[0] for e in errors) > 1 - 1e-9,
    "extrapolation: the line through two points": abs(rdf.integral_value["G"] - through) < 1e-9,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
