#!/usr/bin/env bash
# MDANSE 2.0.1: if an analysis takes every second frame, the temperature is four times too high, and 25 times for every fifth.
# And the reorientational correlation function of a molecule is that of no axis of the molecule, if no atoms are named.
#
# MDANSE calculates velocities from positions, if the trajectory has none, or if interpolation_order is not 0. It reads the
# positions of the chosen frames, (first, last, step). Then it divides differences by frames["time_step"], which is the time
# between two frames of the file (`self["time_step"] = trajConfig["md_time_step"]` in FramesConfigurator.py), and not `step`
# times that. All velocities are `step` times too large: Temperature, VelocityCorrelationFunction, and so any diffusion
# coefficient from it, DensityOfStates, CurrentCorrelationFunction, Infrared. The axis of time is right. The docstring of
# Temperature says the opposite: velocities from positions "will be underestimated". There is no message.
#
# ReorientationalTimeCorrelationFunction takes the vector between two atoms, or from an atom to the centre of mass. "If no
# indices are given, the shortest axis of the moment of inertia (pm1) will be used", says its docstring. run_step() in
# ReorientationalTimeCorrelationFunction.py gets the three axes from numpy.linalg.eigh, which puts them in the columns of a
# matrix. The program takes eigenvectors[0], a row: the x components of all three axes. This row has length 1, so it looks
# like an axis. It is the x axis of the box, as the molecule sees it. And eigh chooses the sign of each axis anew in each
# frame. The program turns the sign of the whole row, but each number of a row belongs to another axis. So the row jumps, and
# correlation is lost. The result changes if x, y and z change their names, which means nothing for the molecules.
#
# Remedy: step 1 for all that needs velocities; name two atoms. Those of ("H2_O1", 1, 2), the hydrogen atoms of water, have the direction of pm1.
#
# Seen with MDANSE 2.0.1, numpy 2.4.6: ions that move freely at 300 K have 300, 1200 and 7500 K for the steps 1, 2 and 5.
# Water that only spins about the line through its hydrogen atoms: C1 should be 1 at all times. It is 1 for the two atoms,
# and 0.27 after 30 frames without atoms (0.23 with other names of x, y and z). For water that turns at random, C2 falls to
# 1/e after 31 frames by numpy and for the two atoms, and after 11 without atoms.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile MDANSE==2.0.1 ase==3.29.0 numpy==2.4.6 scipy==1.17.1 \
  h5py==3.16.0 MDAnalysis==2.11.0 rdkit==2026.9.1
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import pathlib
import sys

import h5py
import numpy as np
from ase import Atoms, units
from ase.io import write
from MDANSE.Framework.Converters.Converter import Converter
from MDANSE.Framework.Jobs.IJob import IJob
from scipy.spatial.transform import Rotation

FRAMES, LAGS, MOLECULES, EDGE = 200, 100, 16, 12.0
HERE = pathlib.Path.cwd()
HALF = np.deg2rad(104.5 / 2)
MASSES = np.array([15.999, 1.008, 1.008])
# The hydrogen atoms lie along x, the molecule in the plane of x and z.
WATER = 0.96 * np.array([[0, 0, 0], [np.sin(HALF), 0, np.cos(HALF)], [-np.sin(HALF), 0, np.cos(HALF)]])
WATER -= MASSES @ WATER / MASSES.sum()
PLACES = (np.stack(np.meshgrid(*[np.arange(3)] * 3), axis=-1).reshape(-1, 3)[:MOLECULES] + 0.5) * EDGE / 3


def molecules(turns):
    """Positions of rigid water (frame, molecule, atom, xyz). turns: the rotation in the frame of the molecule per step."""
    now = Rotation.random(MOLECULES, random_state=0)
    frames = []
    for turn in turns:
        frames.append([place + r.apply(WATER) for place, r in zip(PLACES, now, strict=True)])
        now = now * Rotation.from_rotvec(turn)
    return np.array(frames)


def by_numpy(x):
    """C1 and C2 of the axis with the smallest moment of inertia."""
    axes = np.zeros((*x.shape[:2], 3))
    for frame, molecule in np.ndindex(*x.shape[:2]):
        r = x[frame, molecule] - MASSES @ x[frame, molecule] / MASSES.sum()
        inertia = (MASSES * (r**2).sum(axis=1)).sum() * np.eye(3) - (MASSES[:, None] * r).T @ r
        axis = np.linalg.eigh(inertia)[1][:, 0]
        # The same end of the axis in all frames.
        axes[frame, molecule] = axis * np.sign(axis @ (r[1] - r[2]))
    origins = FRAMES - LAGS + 1
    cosines = [(axes[lag : lag + origins] * axes[:origins]).sum(axis=-1) for lag in range(LAGS)]
    return np.array([[c.mean(), (1.5 * c**2 - 0.5).mean()] for c in cosines]).T


def convert(name, atoms):
    """The trajectory for MDANSE: NAME.mdt."""
    write(f"{name}.extxyz", atoms, "extxyz")
    Converter.create("ASE").run(
        {
            "trajectory_file": f"{name}.extxyz",
            "time_step": 1.0,
            "time_unit": "fs",
            "n_steps": 0,
            "atom_aliases": "{}",
            "output_files": (str(HERE / name), 64, 128, "gzip", "no logs"),
        },
        status=False,
    )


def analyse(job, trajectory, keys, **options):
    """Some results of a job, by their names."""
    options |= {
        "trajectory": f"{trajectory}.mdt",
        "output_files": (str(HERE / "results"), ["MDAFormat"], "no logs"),
        "running_mode": ("single-core",),
    }
    IJob.create(job).run(options, status=False)
    with h5py.File("results.mda") as found:
        return [found[key][:] for key in keys]


def reorientation(name, x, *choices):
    """C1 and C2 for each choice of an axis."""
    convert(name, [Atoms("OH2" * MOLECULES, f.reshape(-1, 3), cell=[EDGE] * 3, pbc=True) for f in x])
    # This finds the molecules.
    IJob.create("TrajectoryEditor").run(
        {
            "trajectory": f"{name}.mdt",
            "frames": (0, FRAMES, 1),
            "molecule_tolerance": [True, 0.04],
            "output_files": (str(HERE / f"{name}_molecules"), 64, 128, "gzip", "no logs"),
        },
        status=False,
    )
    return [
        np.array(
            analyse(
                "ReorientationalTimeCorrelationFunction",
                f"{name}_molecules",
                ["rtcf/l=1", "rtcf/l=2"],
                frames=(0, FRAMES, 1, LAGS),
                molecule_and_axis=("H2_O1", *atoms),
                polynomial_order=2,
                per_axis=False,
            )
        )
        for atoms in choices
    ]


def falls(function):
    """The first frame at which the function is below 1/e."""
    return int(np.argmax(function < np.exp(-1)))


print("MDANSE", importlib.metadata.version("MDANSE"))
# Ions that move freely, with a constant velocity.
rng = np.random.default_rng(0)
ions = Atoms("K64", positions=rng.random((64, 3)) * EDGE, cell=[EDGE] * 3, pbc=True)
velocities = rng.normal(size=(64, 3))
velocities -= velocities.mean(axis=0)
# 300 K for 63 ions: one is lost to the centre of mass.
kinetic = 0.5 * (ions.get_masses()[:, None] * velocities**2).sum()
velocities *= np.sqrt(1.5 * 63 * units.kB * 300 / kinetic)
per_frame = velocities * units.fs
convert("ions", [Atoms("K64", ions.positions + t * per_frame, cell=[EDGE] * 3, pbc=True) for t in range(60)])
right = (per_frame**2).mean() * 1e4  # nm^2/ps^2
temperature, vcf, clock = {}, {}, {}
for step in (1, 2, 5):
    found = analyse("Temperature", "ions", ["temp/temperature"], frames=(0, 60, step), interpolation_order=3)
    temperature[step] = found[0].mean()
    found = analyse(
        "VelocityCorrelationFunction",
        "ions",
        ["vcf/isotropic/total", "vcf/axes/time"],
        frames=(0, 60, step, 6),
        interpolation_order=3,
    )
    vcf[step], clock[step] = found[0].mean(), found[1]
    print(f"step {step}: {temperature[step]:.0f} K, velocity correlation {vcf[step] / right:.2f} times the right one")

spin = molecules(np.tile([0.05, 0.0, 0.0], (FRAMES, MOLECULES, 1)))
tumble = molecules(rng.normal(scale=0.11, size=(FRAMES, MOLECULES, 3)))
spin_numpy, tumble_numpy = by_numpy(spin), by_numpy(tumble)
spin_default, spin_hh = reorientation("spin", spin, (), (1, 2))
(renamed,) = reorientation("renamed", np.roll(spin, 1, axis=-1), ())
tumble_default, tumble_hh = reorientation("tumble", tumble, (), (1, 2))
if not np.allclose(spin_numpy, 1, atol=1e-6):
    sys.exit("the molecules do not spin as they should: this probe is no good here")
print(
    f"spin, C1 after 30 frames: {spin_numpy[0, 30]:.2f} by numpy, {spin_hh[0, 30]:.2f} with two atoms, "
    f"{spin_default[0, 30]:.2f} without atoms, {renamed[0, 30]:.2f} if x, y, z are renamed"
)
print(
    f"random turns, C2 falls to 1/e after {falls(tumble_numpy[1])} frames by numpy, {falls(tumble_hh[1])} with two "
    f"atoms, {falls(tumble_default[1])} without atoms"
)
facts = {
    "step 1: right": bool(np.isclose(temperature[1], 300, rtol=1e-3) and np.isclose(vcf[1], right, rtol=1e-3)),
    "steps 2 and 5: 4 and 25 times": all(
        np.isclose(temperature[k], 300 * k**2, rtol=1e-3) and np.isclose(vcf[k], right * k**2, rtol=1e-3)
        for k in (2, 5)
    ),
    "steps 2 and 5: the axis of time is right": all(
        np.allclose(clock[k], 0.001 * k * np.arange(6), rtol=1e-6) for k in (2, 5)
    ),
    "with two atoms: right": bool(
        np.allclose(spin_hh, spin_numpy, atol=1e-4) and np.allclose(tumble_hh, tumble_numpy, atol=1e-4)
    ),
    "without atoms, spin: the axis seems to turn": bool(spin_default[0, 30] < 0.7),
    "without atoms, spin: other names of x, y, z, other result": bool(np.abs(renamed - spin_default).max() > 0.05),
    "without atoms, random turns: less than half of the time": falls(tumble_default[1]) < 0.5 * falls(tumble_numpy[1]),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
