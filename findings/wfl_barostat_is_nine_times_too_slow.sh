#!/usr/bin/env bash
# wfl 0.3.5: the barostat is nine times slower than `pressure_tau` says, since the compressibility that wfl computes for it is
# nine times too small. And normal modes that are read from a file are shown with heavy atoms that move far too much.
#
# wfl ("Workflow") makes training data for machine-learned potentials. Two places, each without a message:
# 1. wfl/generate/md/utils.py: without `compressibility_au`, md() stretches all edges by 1 % and back, and takes the volume over
#    the second derivative of the energy with respect to this strain. But the volume changes by three times the strain. The
#    derivative is 9 V / compressibility, so that the result is the compressibility / 9. The Berendsen barostat of ASE takes it
#    as it is. A run of some `pressure_tau` does not reach its pressure.
# 2. wfl/generate/normal_modes.py: NormalModes(file) converts the displacements of the file to eigenvectors in place. What is
#    left in its `modes` is multiplied by the square root of the mass of each atom. view() draws these.
#
# Remedy: 1. give `compressibility_au`. 2. take the displacements from the arrays of the atoms, as they are in the file.
#
# Seen with wfl 0.3.5, ase 3.26.0, numpy 1.26.4: copper with the potential EMT (bulk modulus 125 GPa) at 10 K goes to 5 GPa with
# the time 1654 fs for pressure_tau = 200 fs, and after 1 ps has 1.0 GPa. With the right compressibility, it is 169 fs and 5.0
# GPa. In the stretching vibration of Au-H, the centre of mass is at rest, and Au moves 195 times less than H. Read from a file,
# it moves 14 times less than H, and takes the centre of mass with it.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile ase==3.26.0 numpy==1.26.4 scipy==1.17.1 docstring_parser==0.18.0 \
  PyYAML==6.0.3 click==8.3.1 pandas==2.3.3 expyre-wfl==0.1.6
"$place/env/bin/python" -m pip install --quiet --no-compile --no-deps wfl==0.3.5  # the rest is for its other calculators
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import sys
import warnings

import numpy as np

warnings.simplefilter("ignore")
from ase import Atoms, units  # noqa: E402
from ase.build import bulk  # noqa: E402
from ase.calculators.emt import EMT  # noqa: E402
from ase.io import read, write  # noqa: E402
from ase.optimize import BFGS  # noqa: E402
from wfl.autoparallelize import AutoparaInfo  # noqa: E402
from wfl.configset import ConfigSet, OutputSpec  # noqa: E402
from wfl.generate.md import md  # noqa: E402
from wfl.generate.normal_modes import NormalModes  # noqa: E402

print("wfl", importlib.metadata.version("wfl"))

# 1. The barostat.
TAU, GOAL, STEP = 200, 5.0, 5.0  # fs, GPa, fs
crystal = bulk("Cu", cubic=True).repeat(2)


def pressure_and_volume(scale):
    atoms = crystal.copy()
    atoms.calc = EMT()
    atoms.set_cell(atoms.cell * scale, scale_atoms=True)
    return -atoms.get_stress()[:3].mean(), atoms.get_volume()


(above, small), (below, large) = pressure_and_volume(0.999), pressure_and_volume(1.001)
modulus = (above - below) / (large - small) * crystal.get_volume()  # from the stress, eV/A^3


def run(**more):
    """Relaxation time of the pressure, and the mean pressure around 1 ps."""
    options = {"integrator": "Berendsen", "temperature": 10.0, "temperature_tau": 100.0, "pressure": GOAL, "pressure_tau": TAU}
    options |= {"steps": 400, "dt": STEP, "rng": np.random.default_rng(0)}
    options |= {"autopara_info": AutoparaInfo(num_python_subprocesses=0)}
    frames = list(md(ConfigSet(crystal.copy()), OutputSpec(), calculator=EMT(), **options, **more))[:-1]
    time = np.array([atoms.info["MD_time_fs"] for atoms in frames])
    pressure = np.array([-atoms.info["last_op__md_stress"][:3].mean() for atoms in frames]) / units.GPa
    away = GOAL - pressure
    until = np.argmax(away < 0.05 * GOAL) or len(away)
    return -1 / np.polyfit(time[:until], np.log(away[:until]), 1)[0], pressure[abs(time - 1000) < 50].mean()


own, reached = run()
given, reached_given = run(compressibility_au=1 / modulus)
print(f"bulk modulus {modulus / units.GPa:.0f} GPa, pressure_tau {TAU} fs, pressure {GOAL} GPa")
print(f"compressibility of wfl: relaxation time {own:.0f} fs, after 1 ps {reached:.2f} GPa")
print(f"right compressibility: relaxation time {given:.0f} fs, after 1 ps {reached_given:.2f} GPa")

# 2. The normal modes.
molecule = Atoms("HAu", [[0, 0, 0], [0, 0, 1.6]], calculator=EMT())
BFGS(molecule, logfile=None).run(fmax=1e-5)
modes = NormalModes(molecule.copy(), "emt_")
modes.derive_normal_mode_info(EMT(), parallel_hessian=False)
modes.atoms.calc = None
write("modes.xyz", modes.atoms)
ratio, centre = {}, {}
for name, which in (("computed", modes), ("read from a file", NormalModes("modes.xyz", "emt_"))):
    which.view(output_dir=name, normal_mode_numbers=[5])
    frames = read(f"{name}/nm_5.xyz", index=":")
    hydrogen, gold = np.ptp([atoms.positions[:, 2] for atoms in frames], axis=0)
    ratio[name] = hydrogen / gold
    centre[name] = np.ptp([atoms.get_center_of_mass()[2] for atoms in frames])
    print(f"stretching vibration, {name}: H moves {ratio[name]:.0f} times as far as Au, centre of mass by {centre[name]:.4f} A")
mass_h, mass_au = molecule.get_masses()
stored = read("modes.xyz").arrays["emt_normal_mode_displacements_5"][:, 2]
facts = {
    "the barostat is about nine times too slow": 8 < own / TAU < 10 and 8 < own / given < 11,
    "with the right compressibility it is right": abs(given / TAU - 1) < 0.25,
    "after 5 pressure_tau, less than a third of the pressure": reached < GOAL / 3 < 0.9 * GOAL < reached_given,
    "computed mode: right": abs(ratio["computed"] / (mass_au / mass_h) - 1) < 0.01 and centre["computed"] < 1e-6,
    "the file has the right mode": abs(abs(stored[0] / stored[1]) / (mass_au / mass_h) - 1) < 0.01,
    "mode from the file: the root of the mass too much": abs(ratio["read from a file"] / (mass_au / mass_h) ** 0.5 - 1) < 0.01,
    "it moves the centre of mass": centre["read from a file"] > 0.01,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
