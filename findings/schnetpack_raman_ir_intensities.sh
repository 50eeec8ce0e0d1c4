#!/usr/bin/env bash
# schnetpack 2.2.0 (SchNetPack): the bands of an infrared spectrum have no right relation to each other: a weak band becomes as
# strong as the strongest one. In Raman spectra the same happens, and bands at high wavenumbers come out too weak, 8 times at 3400
# cm^-1 relative to 300 cm^-1.
#
# IRSpectrum and RamanSpectrum compute spectra from the dipole moments and polarizabilities that a molecular dynamics run of
# SchNetPack has written. All is in schnetpack/md/data/spectra.py and schnetpack/units.py.
# 1. fft_autocorrelation() divides each component by its own standard deviation, before x, y and z of the dipole are summed. So
#    the three directions get the same weight, whatever they absorb. A band along x whose dipole moves a tenth as much as that of
#    a band along z has 1 % of <mu^2>, and comes out as strong as the other one. The docstring says "Sum over the three Cartesian
#    components". This concerns all that does not turn freely: a molecule without rotation, a crystal, an interface.
# 2. For RamanSpectrum(averaged=True), the isotropic part and each of the six terms of the anisotropic part are scaled to 1 in the
#    same way, before they are put together as isotropic + 4/45 anisotropic. So the ratio of the anisotropic scattering to the
#    isotropic one is always the same. A liquid whose bands are almost all isotropic gets strong anisotropic bands.
# 3. The cross section has the factor 1/(1 - exp(-h c w/kT)), with the constant units.hbar2icm for h c. This constant is 260000
#    times too small: it has an atomic unit of time in it, where the unit of time of SchNetPack should be, and no 2 pi. The factor
#    is then kT/(h c w) times a constant at all wavenumbers. Each band grows as the temperature, also that of a stiff O-H bond.
# There is no message, apart from numpy's "divide by zero" at the wavenumber 0. Positions of bands are right. So is a single band.
#
# Remedy: take the dipole moments with HDF5Loader.get_property(), and sum autocorrelations that are not normalised.
#
# Seen with schnetpack 2.2.0, torch 2.13.0, numpy 2.4.6, h5py 3.16.0, ase 3.29.0: a water molecule with a strong band along z and
# two weak bands. IR: The band at 2000 cm^-1 should have 4 % of the intensity of that at 1000 cm^-1, it has 102 %. At 3000 cm^-1
# it should be 9 %, it is 105 %. Raman: an anisotropic band should have 2 % of the intensity of an isotropic one, it has 32 %.
# Bands whose polarizability has the same derivative, at 3400 and 300 cm^-1: the ratio should be 0.033, it is 0.0041. From 300 to
# 600 K the band at 3400 cm^-1 should stay as it is, it becomes twice as strong.
#
# SchNetPack 2.2.0 asks for Python 3.12. It also runs in Python 3.11, hence --ignore-requires-python. 2.1.1 has the same two
# files.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile torch==2.13.0 numpy==2.4.6 h5py==3.16.0 ase==3.29.0 hydra-core==1.3.8 \
  pytorch-lightning==2.6.6 torchmetrics==1.9.0 hydra-colorlog==1.2.0 rich==15.0.0 fasteners==0.20 dirsync==2.2.6 torch-ema==0.3 \
  matscipy==1.3.1 tensorboardX==2.6.5 tqdm==4.70.1 PyYAML==6.0.4 vesin==0.5.8 progressbar==2.5
"$place/env/bin/python" -m pip install --quiet --no-compile --no-deps --ignore-requires-python schnetpack==2.2.0
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import json
import sys
import warnings

import h5py
import numpy as np
import schnetpack.units as units
from schnetpack.md.data import HDF5Loader, IRSpectrum, RamanSpectrum

warnings.simplefilter("ignore")  # division by zero at the wavenumber 0
DT, STEPS = 0.5, 20_000  # fs
LASER, C = 19455.25, 2.99792458e-5  # cm^-1 (514 nm), cm/fs
times = DT * np.arange(STEPS)
rng = np.random.default_rng(0)


def wave(wavenumber):
    return np.cos(2 * np.pi * C * wavenumber * times + 2 * np.pi * rng.random())


def speed(wavenumber):
    """The amplitude of the derivative of wave() by central differences."""
    return np.sin(2 * np.pi * C * wavenumber * DT) / DT


def cross_section(wavenumber, temperature):
    bose = 1 / (1 - np.exp(-1.438777 * wavenumber / temperature))  # h c/k in cm K
    return (LASER - wavenumber) ** 4 / wavenumber * bose


def load(name, key, values):
    """A file as the FileLogger of SchNetPack writes it: one water molecule, and this property."""
    info = {"n_replicas": 1, "n_molecules": 1, "total_n_atoms": 3, "n_atoms": [3], "time_step": DT * units.fs, "entries": STEPS}
    info |= {"atom_types": [8, 1, 1], "masses": [15.999, 1.008, 1.008], "pbc": [[False] * 3], "has_velocities": False}
    with h5py.File(name, "w", libver="latest") as file:
        molecules = file.create_dataset("molecules", data=np.zeros((STEPS, 1, 1 + 9)))
        for entry, value in (info | {"has_cells": False}).items():
            molecules.attrs[entry] = value
        properties = file.create_dataset("properties", data=values.reshape(STEPS, 1, -1))
        properties.attrs["shapes"] = json.dumps({key: [1, *values.shape[1:]]})
        properties.attrs["positions"] = json.dumps({key: [0, values[0].size]})
    return HDF5Loader(name)


def band(spectrum, wavenumber):
    axis, intensities = spectrum
    return intensities[np.abs(axis - wavenumber) < 40].sum()


print("schnetpack", importlib.metadata.version("schnetpack"))
rows = {}  # name: found, right
ir = IRSpectrum(load("ir.h5", "dipole_moment", np.stack([0.1 * wave(2000), 0.1 * wave(3000), wave(1000)], axis=1)))
ir.compute_spectrum()
for weak in (2000, 3000):
    right = (0.1 * speed(weak) / speed(1000)) ** 2
    rows[f"IR: {weak} / 1000 cm^-1"] = band(ir.get_spectrum(), weak) / band(ir.get_spectrum(), 1000), right

a, b, c, d, e = (0.1 * wave(1600) for _ in range(5))  # a tensor without trace, beside an isotropic one
anisotropic = np.stack([a, c, d, c, b, e, d, e, -a - b], axis=1).reshape(-1, 3, 3)
polarizability = np.eye(3) * wave(1000)[:, None, None] + anisotropic
raman = RamanSpectrum(load("raman.h5", "polarizability", polarizability), LASER, 300.0, averaged=True)
raman.compute_spectrum()
gamma2 = 2 * (0.5 * ((a - b) ** 2 + (2 * b + a) ** 2 + (2 * a + b) ** 2) + 3 * (c**2 + d**2 + e**2)).mean()
right = 4 / 45 * gamma2 * (speed(1600) / speed(1000)) ** 2 * cross_section(1600, 300.0) / cross_section(1000, 300.0)
parallel = raman.get_spectrum()[0]
rows["Raman: anisotropic 1600 / isotropic 1000 cm^-1"] = band(parallel, 1600) / band(parallel, 1000), right

polarizability = np.zeros((STEPS, 3, 3))  # xx with the same derivative for both bands, and something else in xy
polarizability[:, 0, 0] = wave(300) / speed(300) + wave(3400) / speed(3400)
polarizability[:, 0, 1] = polarizability[:, 1, 0] = wave(1000)
data, bands = load("two.h5", "polarizability", polarizability), {}
for temperature in (300.0, 600.0):
    raman = RamanSpectrum(data, LASER, temperature)
    raman.compute_spectrum()
    bands[temperature] = np.array([band(raman.get_spectrum()[0], w) for w in (300, 3400)])
low, high = bands[300.0]
rows["Raman, 300 K: 3400 / 300 cm^-1"] = high / low, cross_section(3400, 300.0) / cross_section(300, 300.0)
right = cross_section(3400, 600.0) / cross_section(3400, 300.0)
rows["Raman, 3400 cm^-1: 600 K / 300 K"] = bands[600.0][1] / high, right
for name, (found, right) in rows.items():
    print(f"{name}: {found:.4f} (right: {right:.4f})")
constant = units.hbar2icm / units.kB  # in cm K
print(f"h c/k: {constant:.3e} cm K (right: 1.438777), too small by {1.438777 / constant:.0f}")
names = list(rows)
facts = {
    "IR: weak bands are as strong as the strong one": all(0.9 < rows[name][0] < 1.1 and rows[name][1] < 0.1 for name in names[:2]),
    "Raman: the anisotropic band is more than ten times too strong": rows[names[2]][0] > 10 * rows[names[2]][1],
    "Raman: 3400 cm^-1 is 8 times too weak": 7 < rows[names[3]][1] / rows[names[3]][0] < 9.5,
    "it grows as the temperature": bool(np.isclose(rows[names[4]][0], 2, rtol=1e-3) and np.isclose(rows[names[4]][1], 1, rtol=1e-3)),
    "h c is 260000 times too small": bool(np.isclose(1.438777 / constant, 2.6e5, rtol=0.01)),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
