#!/usr/bin/env bash
# grsq 1.3.1: X-ray scattering of the displaced solvent has no interference between different solute atoms. For an ion pair K-Cl it
# is half of what it should be at small q. And rho_norm="N" has no effect on a scattering curve: I2 loses half of its interference.
#
# grsq computes X-ray scattering and structure factors from radial distribution functions (doi 10.1063/5.0164365). Three places in
# grsq/grsq.py, each without a message:
# 1. RDFSet.get_dv() gives each solute atom a form factor of the solvent that it displaces, and sums over pairs of them. The weight
#    of a pair must be n_l (n_m - kd) / V, where kd is 1 for like atoms and 0 for others. It is n_l n_m kd / V. So it is 0 for all
#    pairs of different atoms. For like atoms it has n where n - 1 must be. And it integrates g - 1, where structure_factor() of
#    the same file rightly takes g for two solute atoms, since they are one molecule and have no bulk.
# 2. RDF(rho_norm="N") is for g(r) that were normalised by N / V, "KD" for (N - 1) / V. But i_term2(), which makes the scattering,
#    always takes "KD". For many like atoms it makes no difference, but for the two of a solute it is a factor of 2.
# 3. RDF.coordination_number() always takes "N", although "KD" is the default.
#
# Remedy: compute 1 by hand; for 2, multiply g(r) of like atoms by N / (N - 1) first; for 3, multiply the result by (N - 1) / N.
#
# Seen with grsq 1.3.1, numpy 2.4.6, scipy 1.17.1, periodictable 2.1.0: the displaced solvent of K-Cl at 2.7 A, with holes of 3 A, is
# 0.50 times the right one at q = 0.02 1/A, 0.87 times at 1.0, and 1.24 times at 1.5. That of I2 is 1.41 times at 0.5, and 0.76 times
# at 1.5. That of one ion is right. The interference of I2 itself is 1.00 times the Debye formula with "KD", and 0.50 times with "N".
# Each I has 2.00 neighbours with "KD", and 1.00 with "N".
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile grsq==1.3.1 numpy==2.4.6 scipy==1.17.1 periodictable==2.1.0 \
  numba==0.68.1 ase==3.29.0 MDAnalysis==2.11.0
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys

import numpy as np
from grsq import RDF, Debye, RDFSet

print("grsq", importlib.metadata.version("grsq"))
VOLUME, STEP, HOLE, WATERS, DISTANCE = 40.0**3, 0.01, 3.0, 2000, 2.7  # A
q = np.linspace(0.02, 6.0, 300)
r = np.arange(STEP / 2, 20, STEP)
bin_of_pair = int(DISTANCE / STEP)
d = r[bin_of_pair]
wave = np.sinc(q * d / np.pi)  # sin(qd) / (qd)
form = {name: Debye(q).atomic_f0(name) for name in ("K", "Cl", "I", "O")}


def pair(first, second, norm):
    """One molecule of two atoms in the box: g(r) is one bin at their distance."""
    alike = first == second
    n = 2 if alike else 1
    neighbours = 1  # of each atom
    density = (n - int(alike and norm == "KD")) / VOLUME
    g = np.zeros_like(r)
    g[bin_of_pair] = neighbours / (4 * np.pi * d**2 * STEP * density)
    return RDF(r, g, first, second, "solute", "solute", n1=n, n2=n, volume=VOLUME, qvec=q, rho_norm=norm)


def hole(atom, n):
    """Solvent around a solute atom: nothing up to HOLE, bulk beyond."""
    return RDF(r, (r > HOLE).astype(float), atom, "O", "solute", "solvent", n1=n, n2=WATERS, volume=VOLUME, qvec=q)


def rdf_set(*rdfs):
    made = RDFSet()
    for rdf in rdfs:
        made.add_rdf(rdf)
        if rdf.region1 == rdf.region2 and rdf.name1 != rdf.name2:
            made.add_flipped(rdf)
    return made


# The molecule itself
f = form["I"]
iodine = {norm: rdf_set(pair("I", "I", norm)).get_solute(qvec=q) for norm in ("KD", "N")}
interference = {norm: (iodine[norm] - 2 * f**2) / (2 * f**2 * wave) for norm in iodine}
chloride = rdf_set(pair("K", "Cl", "KD")).get_solute(qvec=q)
right = form["K"] ** 2 + form["Cl"] ** 2 + 2 * form["K"] * form["Cl"] * wave
print(f"K-Cl itself: at most {np.abs(chloride / right - 1).max():.1e} from the Debye formula")
neighbours = {norm: float(pair("I", "I", norm).coordination_number(0, 5)) for norm in iodine}
for norm in iodine:
    print(f'I2, rho_norm="{norm}": interference {np.mean(interference[norm]):.3f} times the Debye formula', end="")
    print(f", {neighbours[norm]:.3f} neighbours (right: 1)")

# The solvent that it displaces: two holes with sharp edges
sphere = -WATERS / VOLUME * form["O"] * 4 * np.pi * (np.sin(q * HOLE) - q * HOLE * np.cos(q * HOLE)) / q**3
right_dv = 2 * sphere**2 * (1 + wave)
one = rdf_set(hole("K", 1)).get_dv(qvec=q)
two = rdf_set(pair("K", "Cl", "KD"), hole("K", 1), hole("Cl", 1)).get_dv(qvec=q)
alike = rdf_set(pair("I", "I", "KD"), hole("I", 2)).get_dv(qvec=q)
print(f"displaced solvent of one ion: {one[0] / sphere[0] ** 2:.3f} times that of a sphere at q = {q[0]} 1/A")
for name, dv in (("K-Cl", two), ("I2", alike)):
    ratios = ", ".join(f"{dv[i] / right_dv[i]:.3f} at q = {q[i]:.2f}" for i in (0, 24, 49, 74, 99))
    print(f"displaced solvent of {name} to the right one: {ratios}")
facts = {
    "K-Cl itself is right": bool(np.allclose(chloride, right)),
    "I2 itself with KD is right": bool(np.allclose(interference["KD"], 1, atol=1e-6)),
    "I2 with N: half of the interference": bool(np.allclose(interference["N"], 0.5, atol=1e-6)),
    "coordination number with N is right": abs(neighbours["N"] - 1) < 1e-6,
    "coordination number with KD, the default: twice too large": abs(neighbours["KD"] - 2) < 1e-6,
    "displaced solvent of one ion is right": bool(np.allclose(one, sphere**2, rtol=1e-2, atol=1e-4 * one[0])),
    "K-Cl: no interference at all": bool(np.allclose(two, 2 * sphere**2, rtol=1e-2, atol=1e-4 * two[0])),
    "K-Cl: half at small q": abs(two[0] / right_dv[0] - 0.5) < 0.01,
    "I2: wrong by more than 20 % at some q below 2": bool(np.any(np.abs(alike / right_dv - 1)[(q > 0.5) & (q < 1.4)] > 0.2)),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
