#!/usr/bin/env bash
# janus-core 0.9.8: the "Fourier transformed" velocity autocorrelation function is not one. For all atoms it is the plain
# function of the first atom of the file. And compute_rdf() ignores which frames and which elements it shall take.
#
# compute_vaf(fft=True), or vaf_fft in `janus md --post-process-kwargs`, should give the vibrational spectrum. The table that
# it transforms has a row for each atom and a column for each time. np.fft.fft(vafs, axis=0) in
# janus_core/processing/post_process.py transforms along the atoms. Then the rows are averaged. The mean of all
# elements of a Fourier transform is the first element of what was transformed: atom 0, as a function of time. The result
# comes with a list of frequencies, and has as many values, so it looks like a spectrum. For one atom alone nothing is
# transformed. For some elements (atoms_filter) the result is a sum over all atoms with some complex factors.
#
# compute_rdf() in the same file has an argument `index` ("images to analyze") and an argument `elements` ("returns RDF of
# total system filtered by elements"). It turns `index` into a slice, and does not use it. `elements` plays a role only if
# by_elements=True. rdf_start, rdf_stop, rdf_step and rdf_elements of `janus md` go the same way: the equilibration is always
# part of the mean. Without rdf_start the program asks for the last frame alone, and gets the mean over all. There is no message.
#
# Remedy: np.fft.fft of the function without fft; compute_rdf(frames[start:]), with by_elements=True.
#
# Seen with janus-core 0.9.8, ase 3.29.0, numpy 2.4.6: K, O and two H that each vibrate with a frequency of their own, 400
# frames of 1 fs. The true spectrum has its four highest peaks at these frequencies, 0.02 to 0.15 per fs. That of
# janus-core has them at 0 to 0.44 per fs, and equals the autocorrelation function of K to 4e-16. Pairs of atoms for five
# frames, then single atoms for five more: the first bin of g(r) is 55.7 in the first half, 0 in the second, and 27.9 over all
# frames. janus-core gives 27.9 for any `index`, and for any element.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile janus-core==0.9.8 ase==3.29.0 numpy==2.4.6 scipy==1.17.1 \
  phonopy==4.10.0 pymatgen==2026.10.24 pymatgen-core==2026.10.16 spglib==2.8.0
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys

import numpy as np
from ase import Atoms
from janus_core.processing.post_process import compute_rdf, compute_vaf

rng = np.random.default_rng(0)

# Four atoms, each of which vibrates with its own frequency.
FRAMES, STEP, OWN = 400, 1.0, np.array([0.02, 0.05, 0.10, 0.15])  # fs, 1/fs
phases = rng.uniform(0, 2 * np.pi, (4, 3))
vibrating = []
for time in STEP * np.arange(FRAMES):
    atoms = Atoms("KOH2", cell=[10.0] * 3, pbc=True)
    atoms.set_velocities(np.cos(2 * np.pi * OWN[:, None] * time + phases))
    vibrating.append(atoms)


def vaf(**options):
    """The abscissa, and the first of the functions."""
    axis, found = compute_vaf(vibrating, use_velocities=True, time_step=STEP, **options)
    return axis, found[0]


def highest(spectrum):
    """The frequencies of the four highest values."""
    half = np.abs(spectrum[: FRAMES // 2])
    return np.sort(frequencies[np.argsort(half)[-4:]])


lags, function = vaf()
by_numpy = np.zeros(FRAMES)
v = np.array([atoms.get_velocities() for atoms in vibrating])
for lag in range(FRAMES):
    by_numpy[lag] = (v[lag:] * v[: FRAMES - lag]).sum() / 4 / (FRAMES - lag)
if not (np.allclose(function, by_numpy) and np.allclose(lags, STEP * np.arange(FRAMES))):
    sys.exit("the function itself is not right: this probe is no good here")
frequencies, spectrum = vaf(fft=True)
if not np.allclose(highest(np.fft.fft(function)), OWN):
    sys.exit("the true spectrum does not have the peaks that it should have: this probe is no good here")
first = vaf(atoms_filter=((0,),))[1]
alone = vaf(atoms_filter=((3,),))[1]
print("janus-core", importlib.metadata.version("janus-core"))
print(f"highest peaks: {highest(np.fft.fft(function))} in theory and by numpy, {highest(spectrum)} by janus-core, 1/fs")
print(f"largest difference between the 'spectrum' and the function of atom 0: {np.abs(spectrum - first).max():.1e}")
facts = {
    "fft=True: as many values as frequencies": len(spectrum) == len(frequencies),
    "fft=True: is the function of the first atom": bool(np.allclose(spectrum, first, atol=1e-9)),
    "fft=True: the peaks are wrong": not np.allclose(highest(spectrum), OWN),
    "fft=True, one atom: is the function of this atom": bool(
        np.allclose(vaf(fft=True, atoms_filter=((3,),))[1], alone, atol=1e-9)
    ),
}

# Pairs at first, in five frames, and then a lattice of single atoms.
EDGE = 12.0
grid = np.stack(np.meshgrid(*[np.arange(4)] * 3), axis=-1).reshape(-1, 3)[:60] * EDGE / 4
frames = []
for frame in range(10):
    if frame < 5:
        ions = rng.uniform(0, EDGE, (30, 3))
        places = np.concatenate([ions, ions + 0.2])
    else:
        places = grid + rng.uniform(-0.2, 0.2, (60, 3))
    frames.append(Atoms("K20O40", positions=places, cell=[EDGE] * 3, pbc=True))


def rdf(chosen=frames, **options):
    """g(r) from 0 to 5 A in ten bins; or a few of these, by elements."""
    found = compute_rdf(chosen, rmax=5.0, nbins=10, **options)
    return found if isinstance(found, dict) else found[1]


everything, early, late = rdf(), rdf(frames[:5]), rdf(frames[5:])
oxygen = rdf(elements=("O",), by_elements=True)["O", "O"][1]
print(f"first bin of g(r): all frames {everything[0]:.1f}, first half {early[0]:.1f}, second half {late[0]:.1f}")
print(
    f"with index: {rdf(index=(0, 5, 1))[0]:.1f}, {rdf(index=(5, 10, 1))[0]:.1f}; with elements=('O',): "
    f"{rdf(elements=('O',))[0]:.1f}, O-O by_elements {oxygen[0]:.1f}"
)
facts |= {
    "g(r): the frames differ": bool(early[0] > 1.8 * everything[0] and late[0] == 0),
    "g(r): any index gives the mean over all frames": all(
        np.array_equal(rdf(index=chosen), everything) for chosen in ((0, 5, 1), (5, 10, 1), (9, 10, 1))
    ),
    "g(r): elements=('O',) gives that of all atoms": np.array_equal(rdf(elements=("O",)), everything)
    and not np.allclose(oxygen, everything, rtol=0.1),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
