#!/usr/bin/env bash
# gdpx 0.0.11: the compressibility of the barostat is squared, so that the volume does not change in a constant pressure run. And its
# force-bias Monte Carlo moves atoms only in the negative direction, at a temperature of 3.5 million kelvin.
#
# gdpx (GDPy) runs simulations with machine learning potentials, and trains them on the frames. Three places:
# 1. BerendsenBarostat (gdpx/computation/asedriver.py), "berendsen_npt" of the ASE backend, has
#    `compressibility *= compressibility / units.bar` where `compressibility /= units.bar` must be. With the default, 4.57e-5 1/bar,
#    the volume follows the pressure 22000 times more slowly: the time constant of 1 ps becomes 22 ns. There is no message.
# 2. TimeStampedMonteCarlo (gdpx/computation/mc/tfmc.py), "monte_carlo_nvt", gets temperature=300, and takes it as eV. ASE prints
#    "Specify the temperature in K using the 'temperature_K' argument", but nothing says that it is taken as eV.
# 3. The acceptance of a positive displacement x in the same file begins with exp(-g) where exp(g) must be (Bal and Neyts 2014:
#    (e^g - e^(g (2 x - 1))) / (e^g - e^-g)). So it is never positive, and no positive displacement is accepted. There is no
#    message. The default removes the motion of the centre of mass, which hides the drift.
#
# Remedy: params={"compressibility": ...} with the square root of the true value for 1; a thermostat instead of 2 and 3.
#
# Seen with gdpx 0.0.11, ase 3.26.0, numpy 2.2.6 (with 2.4 the Monte Carlo stops): an ideal gas at 100 bar that begins with 1.5 times
# its volume still has 1.500 times after 20 ps, 1.41 times with the compressibility of the gas given, and 1.00 times with the same
# barostat of ASE. All displacements of Monte Carlo are negative. Atoms in harmonic wells at 300 K have more than 30 times the
# right energy. With the Langevin thermostat of gdpx it is right.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile gdpx==0.0.11 ase==3.26.0 numpy==2.2.6 scipy==1.17.1
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
from gdpx.computation.asedriver import controllers  # noqa: E402

print("gdpx", importlib.metadata.version("gdpx"), "ase", importlib.metadata.version("ase"))
N, T, PRESSURE, STEPS = 100, 300.0, 100.0, 4000  # K, bar, steps of 5 fs
rng = np.random.default_rng(0)


class Wells(Calculator):
    """Harmonic wells, or no force at all for spring = 0."""

    implemented_properties = ["energy", "forces", "stress"]

    def __init__(self, sites, spring):
        super().__init__()
        self.sites, self.spring = sites, spring

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        d = atoms.positions - self.sites
        energy, forces = self.spring * (d**2).sum() / 2, -self.spring * d
        self.results = {"energy": energy, "forces": forces, "stress": np.zeros(6)}


right = N * units.kB * T / (PRESSURE * units.bar)


def gas():
    """Half as much again as the right volume."""
    edge = (1.5 * right) ** (1 / 3)
    x = edge * rng.random((N, 3))
    atoms = Atoms(f"Ar{N}", positions=x, cell=[edge] * 3, pbc=True, calculator=Wells(x, 0))
    MaxwellBoltzmannDistribution(atoms, temperature_K=T, rng=rng)
    return atoms


given = {"Tdamp": 100.0, "Pdamp": 1000.0}
volume, compressibility = {}, {}
for name, params in (("default", given), ("1/p", given | {"compressibility": 1 / PRESSURE})):
    make = controllers["berendsen_npt"](timestep=5.0, temperature=T, pressure=PRESSURE, params=dict(params)).params["driver_cls"]
    compressibility[name] = make.keywords["compressibility_au"]
    atoms = gas()
    make(atoms).run(STEPS)
    volume[name] = atoms.get_volume() / right
atoms = gas()
options = make.keywords | {"compressibility_au": 1 / PRESSURE / units.bar}
NPTBerendsen(atoms, **options).run(STEPS)
volume["ASE"] = atoms.get_volume() / right
slower = 4.57e-5 / units.bar / compressibility["default"]
print(f"default compressibility: {compressibility['default']:.3g} A^3/eV (right: {4.57e-5 / units.bar:.3g}), {slower:.0f} times too small")
print("ideal gas from 1.5 times its volume, after 20 ps: ", end="")
print(", ".join(f"{name} {value:.3f}" for name, value in volume.items()), "times N k T / p")

SPRING = 1.0  # eV/A^2
sites = np.zeros((N, 3))
sites[:, 0] = 10.0 * np.arange(N)


def sample(name, spring, steps, fix_com):
    """Mean energy in units of 3/2 N k T, and the part of the first displacements that is negative."""
    x = sites + rng.normal(size=(N, 3)) * np.sqrt(units.kB * T / SPRING)
    atoms = Atoms(f"Ar{N}", positions=x, cell=[1000, 10, 10], pbc=False, calculator=Wells(sites, spring))
    MaxwellBoltzmannDistribution(atoms, temperature_K=T, rng=rng)
    controller = controllers[name](timestep=1.0, temperature=T, params={}, fix_com=fix_com)
    dynamics, energies = controller.params["driver_cls"](atoms), []
    dynamics.run(1)
    negative = np.mean(atoms.positions - x < 0)
    for _ in range(steps):
        dynamics.run(1)
        energies.append(atoms.get_potential_energy())
    return np.mean(energies[steps // 3 :]) / (1.5 * N * units.kB * T), negative, dynamics


energy, _, carlo = sample("monte_carlo_nvt", SPRING, 600, True)
_, negative, _ = sample("monte_carlo_nvt", 1e-3, 1, False)
langevin, _, _ = sample("langevin_nvt", SPRING, 6000, False)
print(f"Monte Carlo: temperature {carlo.temp / units.kB:.4g} K", end="")
print(f", {100 * negative:.0f} % of the displacements under weak forces are negative (right: 50 %)")
print(f"energy of harmonic wells: Monte Carlo {energy:.3g} times 3/2 N k T, Langevin {langevin:.3f} times")
facts = {
    "ASE: the volume of an ideal gas": abs(volume["ASE"] - 1) < 0.05,
    "barostat with the default: the volume stays": abs(volume["default"] - 1.5) < 0.01,
    "barostat with 1/p: still far from it": volume["1/p"] > 1.2,
    "the default is 22000 times too small": abs(slower * 4.57e-5 - 1) < 1e-6,
    "Monte Carlo: 300 eV": abs(carlo.temp - 300) < 1e-9,
    "Monte Carlo: no positive displacement": negative == 1,
    "Monte Carlo: the energy is more than 10 times too large": energy > 10,
    "Langevin: right": abs(langevin - 1) < 0.1,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
