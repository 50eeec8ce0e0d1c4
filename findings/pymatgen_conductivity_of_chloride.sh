#!/usr/bin/env bash
# pymatgen-analysis-diffusion 2026.9.23: DiffusionAnalyzer gives a conductivity that is 25 times too large for Cl-, F-, Br-,
# I- and Zn2+, 100 times too large for Cu+, 4 times for O2-, and 9 times too small for Al3+. K+, Na+, Li+ and Ca2+ are right.
#
# The conductivity comes from the diffusion coefficient by the Nernst-Einstein equation, with the square of the charge. For
# the charge, get_conversion_factor (pymatgen/analysis/diffusion/analyzer.py) takes the oxidation state of the species, if
# it has one. Otherwise it takes the number of electrons in the last subshell of the neutral atom. That is 1 for K (4s1)
# and 5 for Cl (3p5). So chloride counts as an ion of charge 5. Zn has 10 (3d10), and Al has 1 (3p1).
# The docstring of this function calls it "the number of valence electrons (usually a good guess, esp for main group
# ions)". Cl has 7 valence electrons by any count, and neither 5 nor 7 is the size of its charge.
#
# It does not help to give the structures oxidation states. DiffusionAnalyzer looks for sites whose element symbol equals
# `specie`. So specie must be "Cl"; and "Cl" has no oxidation state. With "Cl-" it finds no ion at all: it says "Not enough
# data", or gives nan without smoothing. So the branch with the oxidation state is never of use here.
# There is no warning. `conductivity`, `conductivity_components`, `chg_conductivity` and their errors are all affected. The
# diffusion coefficients, the Haven ratio and an activation energy are right.
# Remedy: calculate the conductivity from `diffusivity` by hand.
#
# Seen with pymatgen-analysis-diffusion 2026.9.23, pymatgen-core 2026.10.16, numpy 2.4.6: random walks of 20 ions.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile pymatgen-analysis-diffusion==2026.9.23 pymatgen==2026.10.24 \
  pymatgen-core==2026.10.16 numpy==2.4.6 scipy==1.17.1
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys
import warnings

import numpy as np
from pymatgen.analysis.diffusion.analyzer import DiffusionAnalyzer
from pymatgen.core import Lattice, Structure
from scipy.constants import e, k

warnings.simplefilter("ignore")  # about means of nothing, for "Cl-"
IONS, EDGE, FRAMES, TEMPERATURE = 20, 20.0, 300, 300  # edge in A
rng = np.random.default_rng(0)
start = rng.random((2 * IONS, 3)) * EDGE
steps = rng.normal(0, 0.1, (FRAMES - 1, 2 * IONS, 3))
steps[:, IONS:] = 0  # the other half are Xe atoms at rest, as a frame of reference
walk = start + np.concatenate([np.zeros((1, 2 * IONS, 3)), np.cumsum(steps, axis=0)])


def analyse(element, specie, charge=None, **options):
    structures = []
    for positions in walk:
        found = Structure(Lattice.cubic(EDGE), [element] * IONS + ["Xe"] * IONS, positions, coords_are_cartesian=True)
        if charge is not None:
            found.add_oxidation_state_by_element({element: charge, "Xe": 0})
        structures.append(found)
    return DiffusionAnalyzer.from_structures(structures, specie, TEMPERATURE, time_step=10, step_skip=1, **options)


def nernst_einstein(diffusivity, charge):
    """mS/cm from cm^2/s."""
    density = IONS / (EDGE * 1e-10) ** 3
    return density * (charge * e) ** 2 * diffusivity * 1e-4 / (k * TEMPERATURE) * 10


print("pymatgen-analysis-diffusion", importlib.metadata.version("pymatgen-analysis-diffusion"))
EXPECTED = {
    "K": (1, 1), "Ca": (2, 1), "Cl": (-1, 25), "F": (-1, 25), "I": (-1, 25),
    "O": (-2, 4), "Zn": (2, 25), "Cu": (1, 100), "Al": (3, 1 / 9),
}  # fmt: skip
as_found = True
for element, (charge, expected) in EXPECTED.items():
    ratios = []
    for given in (None, charge):
        found = analyse(element, element, given)
        if not 4e-5 < found.diffusivity < 6e-5:
            sys.exit("the diffusion coefficient is not that of the walk (5e-5 cm^2/s): this probe is no good here")
        ratios.append(found.conductivity / nernst_einstein(found.diffusivity, charge))
    print(
        f"{element}, charge {charge:+d}: {found.conductivity:.0f} mS/cm by pymatgen, "
        f"{nernst_einstein(found.diffusivity, charge):.0f} by Nernst-Einstein; ratio {ratios[0]:.3f}, "
        f"with oxidation states in the structures {ratios[1]:.3f}"
    )
    as_found &= bool(np.allclose(ratios, expected, rtol=1e-6))
try:
    analyse("Cl", "Cl-", -1)
    as_found = False
except ValueError as error:
    print("specie Cl-:", error)
unsmoothed = analyse("Cl", "Cl-", -1, smoothed=False)
print("specie Cl-, not smoothed:", unsmoothed.conductivity)
as_found &= bool(np.isnan(unsmoothed.conductivity))
print("as found" if as_found else "CHANGED")
sys.exit(not as_found)
PY
env/bin/python probe.py
