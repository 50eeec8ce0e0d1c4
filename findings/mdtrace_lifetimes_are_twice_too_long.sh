#!/usr/bin/env bash
# mdtrace 1.0.0: phonon lifetimes are twice too long. A LAMMPS dump that is not sorted gives noise. And the spectral energy density
# in "J*s" becomes four times smaller, if only every second frame is written.
#
# mdtrace (once pySED) computes the spectral energy density (SED) of phonons from a trajectory of LAMMPS or GPUMD, fits Lorentzians
# to it, and writes the "Phonon Lifetime (ps)". Three places, each without a message:
# 1. write_phonon_lifetime() (mdtrace/sed/FileIO.py) writes 1 / (2 pi hwhm), with the half width at half maximum in THz. The energy
#    of a phonon decays with exp(-t / tau), and its velocity with exp(-t / (2 tau)). So hwhm = 1 / (4 pi tau), as in the paper
#    that mdtrace cites for the method (Thomas et al. 2010: tau = 1 / (2 gamma), gamma is the half width in angular frequency).
#    The lifetime must be 1 / (4 pi hwhm). A thermal conductivity from these lifetimes is twice too large.
# 2. _read_lammps_block() (mdtrace/sed/Compressor.py) drops the column id, and takes the atoms in the order of the lines. LAMMPS
#    writes them in another order in each frame, if the dump has no `dump_modify sort id`. mdtrace says nothing of it.
# 3. The formula has an integral over time. mdtrace/sed/Phonon.py takes a sum over frames, and does not multiply it by the time
#    between frames. It divides by the length in seconds, and says "the unit for SED is convert to J*s".
#
# Remedy: divide the lifetimes by 2, sort the dump, and multiply the SED by the square of the time between frames in seconds.
#
# Seen with mdtrace 1.0.0, numpy 2.4.6, scipy 1.17.1, h5py 3.16.0: 80 oscillators of 5 THz with the lifetime 2 ps. mdtrace finds
# 5.00 THz and 3.88 ps, from the half width 0.0410 THz, which is nearly right (0.0398). Near 5 THz the SED is 374 times that of the
# other frequencies. With the lines of each frame in random order it is 3.8 times, and no line is found. The peak should be
# 1.6e-31 J s; mdtrace gives 3.9e-4 from frames every 20 fs, and 9.8e-5 from every second of them.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile mdtrace==1.0.0 numpy==2.4.6 scipy==1.17.1 \
  h5py==3.16.0 psutil==7.2.2 matplotlib==3.11.2 seaborn==0.13.2
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import os
import pathlib
import subprocess
import sys

import numpy as np

FREQUENCY, LIFETIME, STEP = 5.0, 2.0, 0.02  # THz, ps, ps between frames
BASIS, CELLS, FRAMES, BLOCKS = 40, 2, 16000, 4
ATOMS, EDGE, MASS, SPEED = BASIS * CELLS, 20.0, 28.0, 3.0  # A, u, A/ps
rng = np.random.default_rng(4)


def velocities():
    """Oscillators whose energy decays with exp(-t / LIFETIME), kept at the same mean energy by noise."""
    keep = np.exp((-2j * np.pi * FREQUENCY - 0.5 / LIFETIME) * STEP)
    kick = SPEED * np.sqrt(1 - abs(keep) ** 2)
    a = SPEED * (rng.normal(size=(ATOMS, 3)) + 1j * rng.normal(size=(ATOMS, 3)))
    v = np.empty((FRAMES, ATOMS, 3))
    for frame in v:
        a = keep * a + kick * (rng.normal(size=(ATOMS, 3)) + 1j * rng.normal(size=(ATOMS, 3)))
        frame[:] = a.real
    return v


def mdtrace(name, v, x, step, shuffle):
    """The command line tool in a folder of its own. Returns frequencies, SED at q = 0, and the fitted lines."""
    folder = pathlib.Path(name)
    folder.mkdir()
    for file, columns, data in (("vels.dat", "vx vy vz", v), ("pos.dat", "x y z", x)):
        order = np.random.default_rng(5)
        with open(folder / file, "w") as out:
            for number, frame in enumerate(data):
                out.write(f"ITEM: TIMESTEP\n{number}\nITEM: NUMBER OF ATOMS\n{ATOMS}\nITEM: BOX BOUNDS pp pp pp\n")
                out.write(f"0 {CELLS * EDGE}\n0 {EDGE}\n0 {EDGE}\nITEM: ATOMS id type {columns}\n")
                ids = order.permutation(ATOMS) if shuffle else range(ATOMS)
                out.write("".join(f"{i + 1} 1 {frame[i, 0]:.5f} {frame[i, 1]:.5f} {frame[i, 2]:.5f}\n" for i in ids))
    with open(folder / "basis.in", "w") as out:
        out.write("crystal\natoms_ids unitcell_index basis_index mass_types\n")
        for i in range(ATOMS):
            out.write(f"{i + 1} {i // BASIS + 1} {i % BASIS + 1} {MASS}\n")
    settings = {
        "action": "thinking", "method": "sed", "num_atoms": ATOMS, "total_num_steps": len(v), "time_step": 1000 * step,
        "output_data_stride": 1, "file_format": "lammps", "lammps_unit": "metal", "supercell_dim": f"{CELLS} 1 1",
        "prim_unitcell": f"{EDGE} 0 0 0 {EDGE} 0 0 0 {EDGE}", "num_splits": BLOCKS, "use_parallel": 0, "num_qpaths": 1,
        "q_path_name": "GX", "q_path": "0 0 0 0.5 0 0", "lorentz": 1, "qpoint_slice_index": 0, "initial_guess_hwhm": 0.05,
        "peak_prominence": PROMINENCE, "peak_height": PROMINENCE,
    }  # fmt: skip
    (folder / "input.in").write_text("".join(f"{key} = {value}\n" for key, value in settings.items()))
    tool = pathlib.Path(sys.executable).with_name("mdtrace")
    run = subprocess.run(
        [tool, "input.in"], cwd=folder, env=os.environ | {"MPLBACKEND": "Agg"}, text=True, capture_output=True, check=True
    )
    rows = (folder / "LORENTZ-0-th-Qpoints.Fre_lifetime").read_text().splitlines()[2:]
    lines = np.array([row.split() for row in rows], dtype=float).reshape(-1, 2)
    return np.loadtxt(folder / "mdtrace.THz"), np.loadtxt(folder / "mdtrace.SED")[:, 0], lines, run.stdout


def by_hand(v, step):
    """SED at q = 0 in J s: sum of m |integral of v dt|^2 / (4 pi T N)."""
    block = len(v) // BLOCKS
    total = 0
    for part in v.reshape(BLOCKS, block, CELLS, BASIS, 3):
        waves = np.fft.fft(part.sum(axis=1) * 100, axis=0) * step * 1e-12  # m
        total = total + (np.abs(waves) ** 2).sum(axis=(1, 2)) * MASS * 1.66054e-27
    return (total / BLOCKS / (4 * np.pi * block * step * 1e-12 * CELLS))[: block // 2]


print("mdtrace", importlib.metadata.version("mdtrace"))
v = velocities()
x = np.empty_like(v)
x[:] = EDGE * (np.arange(ATOMS) // BASIS)[:, None] * [1, 0, 0]
right = by_hand(v, STEP)
PROMINENCE = 0.4 * right.max() / (STEP * 1e-12) ** 2  # in the scale of mdtrace
thz, sed, lines, text = mdtrace("sorted", v, x, STEP, False)
width = 1 / (2 * np.pi * lines[0, 1])
print(f"right: one line at {FREQUENCY} THz, lifetime {LIFETIME} ps, half width {1 / (4 * np.pi * LIFETIME):.4f} THz")
print(f"mdtrace: {len(lines)} line at {lines[0, 0]:.3f} THz, lifetime {lines[0, 1]:.2f} ps, half width {width:.4f} THz")
scale = sed / right
print(f"peak of the SED: {sed.max():.3g}, by hand {right.max():.3g} J s, ratio times dt^2: {np.mean(scale) * (STEP * 1e-12) ** 2:.4f}")
_, mixed, mixed_lines, mixed_text = mdtrace("mixed", v, x, STEP, True)
near = np.abs(thz - FREQUENCY) < 0.1
print(f"unsorted dump: {len(mixed_lines)} lines, SED near 5 THz {mixed[near].mean() / mixed[~near].mean():.2f} times the rest", end="")
print(f" (sorted: {sed[near].mean() / sed[~near].mean():.0f} times)")
PROMINENCE /= 4
thz2, sed2, lines2, _ = mdtrace("half", v[::2], x[::2], 2 * STEP, False)
right2 = by_hand(v[::2], 2 * STEP)
print(f"every second frame: peak {sed2.max():.3g}, ratio {sed2.max() / sed.max():.3f}, by hand {right2.max() / right.max():.3f}")
facts = {
    "the frequency is right": abs(lines[0, 0] - FREQUENCY) < 0.01,
    "the half width is right": abs(width * 4 * np.pi * LIFETIME - 1) < 0.1,
    "the lifetime is twice too long": 1.8 < lines[0, 1] / LIFETIME < 2.2,
    "unsorted dump: no line is found": not len(mixed_lines),
    "unsorted dump: the peak is 50 times less above the rest": mixed[near].mean() / mixed[~near].mean() < 8
    and sed[near].mean() / sed[~near].mean() > 300,
    "unsorted dump: nothing is said": "sort" not in mixed_text.lower(),
    "the SED is that of the sum of frames, it lacks the square of the time step": bool(
        np.allclose(scale * (STEP * 1e-12) ** 2, 1, rtol=1e-2)
    ),
    "it is said to be in J*s": "the unit for SED is convert to J*s" in text,
    "every second frame: four times smaller, by hand it is the same": abs(sed2.max() / sed.max() - 0.25) < 0.02
    and abs(right2.max() / right.max() - 1) < 0.05,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
