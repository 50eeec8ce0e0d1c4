#!/usr/bin/env bash
# clff 26.7.3: a constant pressure run with ASE has a pressure that is 25670 times too large. At 0.0001 GPa, which is 1 bar, a crystal
# is compressed with 2.6 GPa. And the pressures in its output have the sign of a stress.
#
# clff makes training data for force fields ("concurrent learning"), and computes properties with them. Its script for molecular
# dynamics (clff/util/script_ase/cli_ase_md.py) takes the key `press`, in GPa. Two places, each without a message:
# 1. It converts GPa to eV/A^3, the unit of ASE, by `stress / units.GPa`. It must be `stress * units.GPa`. The result is too large by
#    1 / units.GPa^2 = 25670. The script for GPAW (cli_gpaw_aimd.py) has the same line. The one for LAMMPS multiplies.
# 2. The table calc_dyn_properties.txt has columns pxx, pyy and pzz. They are the stress, which is negative under pressure, so the
#    table shows a crystal that is pulled. They lack the kinetic part, too.
#
# Remedy: divide the pressure in GPa by 25670.
#
# Seen with clff 26.7.3, ase 3.29.0, numpy 2.4.6: copper with the potential EMT at 300 K has a pressure of 2.59 GPa
# and 11.54 A^3 per atom with press = 0.0001. ASE alone gives 11.77 A^3 at 1 bar, and 11.53 at 2.57 GPa. The columns pxx, pyy, pzz
# have a mean of -2.25. With press = 1 / 25670 the pressure is 1.02 GPa.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile ase==3.29.0 numpy==2.4.6 scipy==1.17.1 PyYAML==6.0.3
"$place/env/bin/python" -m pip install --quiet --no-compile --no-deps clff==26.7.3  # the script needs ASE and PyYAML only
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import pathlib
import subprocess
import sys
import warnings

import numpy as np
import yaml
from ase import units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import read, write
from ase.md.nose_hoover_chain import IsotropicMTKNPT
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution

warnings.simplefilter("ignore")
print("clff", importlib.metadata.version("clff"), "ase", importlib.metadata.version("ase"))
SCRIPT = importlib.metadata.distribution("clff").locate_file("clff/util/script_ase/cli_ase_md.py")
T, STEP, FRAMES, BETWEEN = 300, 5, 150, 10  # K, fs, frames, steps
crystal = bulk("Cu", cubic=True).repeat(2)
N = len(crystal)
write("crystal.extxyz", crystal)


def clff(name, press, barostat="iso_nose_hoover_chain", **more):
    """Mean volume per atom of the second half, mean of pxx + pyy + pzz over 3 in the table, and mean pressure of the frames."""
    folder = pathlib.Path(name)
    folder.mkdir()
    md = {"ensemble": "NPT", "barostat": barostat, "dt": STEP, "temp": T, "press": press, "tdamp": 20, "pdamp": 100}
    md |= {"num_frames": FRAMES, "traj_freq": BETWEEN} | more
    settings = {
        "calc_args": {"ase": {"py_script": ["from ase.calculators.emt import EMT", "calc_ase = EMT()"]}},
        "structure": {"from_extxyz": "../crystal.extxyz"},
        "md": md,
    }
    (folder / "param.yaml").write_text(yaml.safe_dump(settings))
    subprocess.run([sys.executable, SCRIPT, "param.yaml"], cwd=folder, check=True, capture_output=True)
    table = np.loadtxt(folder / "calc_dyn_properties.txt", skiprows=1)
    frames = read(folder / "traj_md.extxyz", index=":")[FRAMES // 2 :]
    volumes = [atoms.get_volume() / N for atoms in frames]
    pressures = [-atoms.get_stress(include_ideal_gas=True)[:3].mean() / units.GPa for atoms in frames]
    return np.mean(volumes), table[FRAMES // 2 :, 4:7].mean(), np.mean(pressures)


def ase(press):
    """The same with ASE alone."""
    atoms = crystal.copy()
    atoms.calc = EMT()
    MaxwellBoltzmannDistribution(atoms, temperature_K=T, rng=np.random.default_rng(1))
    fs = STEP * units.fs
    dynamics = IsotropicMTKNPT(atoms, timestep=fs, temperature_K=T, pressure_au=press * units.GPa, tdamp=20 * fs, pdamp=100 * fs)
    volumes = []
    dynamics.attach(lambda: volumes.append(atoms.get_volume() / N), interval=BETWEEN)
    dynamics.run(FRAMES * BETWEEN)
    return np.mean(volumes[FRAMES // 2 :])


BAR = 1e-4  # GPa
one, table, pressure = clff("one", BAR)
factor = 1 / units.GPa**2
right, large = ase(BAR), ase(BAR * factor)
print(f"1 / units.GPa^2 = {factor:.0f}")
print(f"press = 0.0001 GPa: {one:.3f} A^3 per atom, pressure {pressure:.2f} GPa", end="")
print(f"; ASE {right:.3f} at 1 bar, {large:.3f} at {BAR * factor:.2f} GPa")
print(f"columns pxx pyy pzz: mean {table:.2f} GPa")
_, _, pressure_corrected = clff("corrected", 1.0 / factor)
print(f"press = 1 GPa / {factor:.0f}: pressure {pressure_corrected:.2f} GPa")
facts = {
    "press = 1 bar: 2.6 GPa": 2.3 < pressure < 2.8,
    "press = 1 bar: the volume is that of 2.6 GPa": abs(one - large) < 0.3 * abs(right - large),
    "press = 1 GPa / 25670: 1 GPa": abs(pressure_corrected - 1) < 0.2,
    "the columns pxx pyy pzz are negative": table < -2,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
