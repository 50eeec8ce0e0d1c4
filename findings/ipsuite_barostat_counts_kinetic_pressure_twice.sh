#!/usr/bin/env bash
# ipsuite 0.2.8: the barostat counts the pressure of the moving atoms twice. An ideal gas gets twice its volume, and water is kept at
# about -4 kbar. Its thermostat ignores a temperature ramp. And a ramp of the Berendsen thermostat begins at 3.5 million kelvin.
#
# ipsuite (IPSuite) runs molecular dynamics with machine learning potentials. Four places, each without a message:
# 1. StochasticVelocityCellRescaling.scale_positions_and_cell() (ipsuite/calculators/integrators.py), behind SVCRBarostat, takes
#    get_stress(include_ideal_gas=True), which contains the kinetic part, and adds 2/3 of the kinetic energy per volume to it. So
#    the real pressure is kept below the one that was asked for by N k T / V, which is 4 kbar for the atoms of water.
# 2. Its set_temperature() sets `temp`, but the velocities are scaled to `target_kinetic_energy`, which is computed at the start
#    and never again. TemperatureRampModifier calls set_temperature(), and has no effect.
# 3. TemperatureRampModifier (ipsuite/dynamics/transformations.py) divides the temperature of the thermostat by k, to get from eV to
#    kelvin. NVTBerendsen of ASE has it in kelvin.
# 4. NPTThermostat.get_thermostat() (ipsuite/dynamics/md.py) multiplies its own time_step by ase.units.fs each time it is called. A
#    second run with the same object has a time step that is ten times shorter.
#
# Remedy: pressure plus N k T / V for 1, or NPTBerendsen of ASE; start_temperature for 3; a new object for each run for 4.
#
# Seen with ipsuite 0.2.8, ase 3.29.0, numpy 2.4.6: an ideal gas at 100 bar has 2.06 times the volume N k T / p, and 1.00 times with
# NPTBerendsen of ASE. At the end of a ramp from 300 to 600 K it has 298 K, with the Langevin thermostat 565 K (right: 585 K). The
# first temperature of the ramp is 3.48e6 K with the Berendsen thermostat. Of 1 fs, NPTThermostat makes 0.098 fs in the second run.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile ipsuite==0.2.8 ase==3.29.0 numpy==2.4.6 scipy==1.17.1 \
  zntrack==0.8.10 laufband==0.2.1 znh5md==0.4.8 rdkit2ase==0.1.13
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import logging
import sys
import warnings

import numpy as np
from ase import Atoms, units
from ase.calculators.calculator import Calculator, all_changes
from ase.md.nptberendsen import NPTBerendsen
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
from ipsuite.dynamics.md import Berendsen, LangevinThermostat, NPTThermostat, SVCRBarostat  # noqa: E402
from ipsuite.dynamics.transformations import TemperatureRampModifier  # noqa: E402

N, T, PRESSURE, STEP = 200, 300.0, 100.0, 5.0  # K, bar, fs
print("ipsuite", importlib.metadata.version("ipsuite"), "ase", importlib.metadata.version("ase"))


class Ideal(Calculator):
    """Atoms that do not see each other."""

    implemented_properties = ["energy", "forces", "stress"]

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        self.results = {"energy": 0.0, "forces": np.zeros((len(atoms), 3)), "stress": np.zeros(6)}


right = N * units.kB * T / (PRESSURE * units.bar)


def gas():
    rng = np.random.default_rng(1)
    edge = right ** (1 / 3)
    atoms = Atoms(f"Ar{N}", positions=edge * rng.random((N, 3)), cell=[edge] * 3, pbc=True, calculator=Ideal())
    MaxwellBoltzmannDistribution(atoms, temperature_K=T, rng=rng)
    return atoms


def mean_volume(atoms, dynamics, steps=12000, skip=4000):
    volumes = []
    dynamics.attach(lambda: volumes.append(atoms.get_volume()))
    dynamics.run(steps)
    return np.mean(volumes[skip:])


compressibility = 1 / PRESSURE  # 1/bar, that of an ideal gas
np.random.seed(0)
atoms = gas()
svcr = SVCRBarostat(time_step=STEP, temperature=T, betaT=compressibility, pressure_au=PRESSURE, taut=500, taup=2000)
volume = {"ipsuite": mean_volume(atoms, svcr.get_thermostat(atoms))}
atoms = gas()
options = {"taut": 500 * units.fs, "taup": 2000 * units.fs, "compressibility_au": compressibility / units.bar}
berendsen = NPTBerendsen(atoms, timestep=STEP * units.fs, temperature_K=T, pressure_au=PRESSURE * units.bar, **options)
volume["ASE"] = mean_volume(atoms, berendsen)
print(f"ideal gas at {PRESSURE:.0f} bar: " + ", ".join(f"{name} {v / right:.3f} times N k T / p" for name, v in volume.items()))
water = 3 / 29.9 * units.kB * T / units.bar
print(f"N k T / V of the atoms of water: {water:.0f} bar")


def ramp(thermostat, steps=3000):
    """From 300 to 600 K, as ASEMD does it. Temperature of the last tenth."""
    np.random.seed(0)
    atoms = gas()
    dynamics, modifier, temperatures = thermostat.get_thermostat(atoms), TemperatureRampModifier(temperature=600), []
    for step in range(steps):
        modifier.modify(dynamics, step, steps)
        if step == 0:
            first = dynamics.temp / units.kB if hasattr(dynamics, "temp") else dynamics.temperature
        dynamics.run(1)
        temperatures.append(atoms.get_temperature())
    return np.mean(temperatures[-steps // 10 :]), first


langevin = ramp(LangevinThermostat(temperature=T, friction=0.01, time_step=STEP))
bussi = ramp(SVCRBarostat(time_step=STEP, temperature=T, taut=100))
broken = ramp(Berendsen(time_step=STEP, temperature=T), steps=20)
print(f"ramp from 300 to 600 K: Langevin {langevin[0]:.0f} K at the end, SVCRBarostat {bussi[0]:.0f} K (right: 585 K)")
print(f"first temperature of the ramp: Langevin {langevin[1]:.0f} K, Berendsen {broken[1]:.3g} K")
npt = NPTThermostat(time_step=1.0, temperature=T, pressure=0.0, ttime=25 * units.fs, pfactor=1.0)
steps = [npt.get_thermostat(gas()).dt / units.fs for _ in range(2)]
print(f"time step of NPTThermostat: {steps[0]:.4f} fs in the first run, {steps[1]:.4f} fs in the second")
facts = {
    "ASE: the volume of an ideal gas": abs(volume["ASE"] / right - 1) < 0.05,
    "SVCRBarostat: twice the volume": abs(volume["ipsuite"] / right - 2) < 0.15,
    "Langevin follows the ramp": abs(langevin[0] - 585) < 30,
    "SVCRBarostat stays at 300 K": abs(bussi[0] - 300) < 20,
    "Langevin ramp begins at 300 K": abs(langevin[1] - 300) < 1,
    "Berendsen ramp begins at 300 / k": abs(broken[1] / (300 / units.kB) - 1) < 1e-6,
    "NPTThermostat: first time step right, second one ten times shorter": abs(steps[0] - 1) < 1e-9 and steps[1] < 0.1,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
