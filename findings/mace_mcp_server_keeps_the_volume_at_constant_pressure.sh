#!/usr/bin/env bash
# mace-mcp-server 0.1.1: a run at constant pressure has a constant volume. The drift of the energy is that of the potential energy. A
# cell that is still under pressure is called converged. And the derivative of the bulk modulus is always 0.
#
# mace-mcp-server lets a language model run calculations with MACE potentials and ASE. Five places in engine/runner.py, each
# without a message:
# 1. run_molecular_dynamics() with ensemble="NPT" makes ASE's NPT with pfactor=None. In ASE this means: no barostat. The pressure is
#    not used.
# 2. The result energy_drift_eV_per_atom_per_ps is "for NVE conservation check". It is the change of the potential energy. A run
#    that begins with a relaxed crystal always has a large one, because half of the kinetic energy goes there. The total energy is
#    conserved.
# 3. The file of output_file, "Path to save trajectory", has the last frame only.
# 4. run_optimization() with optimize_cell=True looks at the forces on the atoms for `converged`, and not at the stress. If symmetry
#    makes the forces zero, one step is enough.
# 5. run_equation_of_state() returns bulk_modulus_derivative as the number 0.0.
#
# Remedy: use ASE itself, with a pfactor, atoms.get_total_energy(), a Trajectory, the forces of the cell filter, and eos.eos_parameters.
#
# Seen with mace-mcp-server 0.1.1, ASE 3.26.0, copper with the EMT potential of ASE: at 0 and at 20 GPa the volume is 371.385 A^3, as at
# the beginning. 0.2 ps at constant energy have a drift of 0.25 eV per atom and ps. That of the total energy is 0.0001. The file
# has one frame. A cell of 3.80 A is converged after one step with 3.73 A, at a stress of 11.8 GPa. After more steps it has 3.59 A.
# The derivative of the bulk modulus is 4.2 by a fit to the same energies.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==2.4.6 scipy==1.17.1 ase==3.26.0 mcp==1.26.0
"$place/env/bin/python" -m pip install --quiet --no-compile --no-deps mace-mcp-server==0.1.1  # without MACE
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import logging
import sys
import warnings

import numpy as np

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
from ase import Atoms, units  # noqa: E402
from ase.build import bulk  # noqa: E402
from ase.calculators.emt import EMT  # noqa: E402
from ase.eos import EquationOfState  # noqa: E402
from ase.io import read  # noqa: E402
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution  # noqa: E402
from ase.md.verlet import VelocityVerlet  # noqa: E402
from mace_mcp_server.engine import runner  # noqa: E402

print(*(f"{name} {importlib.metadata.version(name)}" for name in ("mace-mcp-server", "ase")))
copper = bulk("Cu", cubic=True, a=3.594) * (2, 2, 2)

# 1. and 3. Two pressures.
volumes = {}
for pressure in (0.0, 20.0):
    runner.run_molecular_dynamics(copper, EMT(), "NPT", 300.0, num_steps=200, pressure_GPa=pressure, output_file="run.xyz")
    frames = read("run.xyz", ":")
    volumes[pressure] = frames[-1].get_volume()
    print(f"{pressure:.0f} GPa: {volumes[pressure]:.4f} A^3 (given: {copper.get_volume():.4f}), {len(frames)} frame in the file")

# 2. The drift at constant energy, and that of the total energy in the same kind of run with ASE.
np.random.seed(0)
drift = runner.run_molecular_dynamics(copper, EMT(), "NVE", 600.0, num_steps=200)["energy_drift_eV_per_atom_per_ps"]
moving = copper.copy()
moving.calc = EMT()
np.random.seed(0)
MaxwellBoltzmannDistribution(moving, temperature_K=600.0)
before = moving.get_total_energy()
VelocityVerlet(moving, 1.0 * units.fs).run(200)
total = (moving.get_total_energy() - before) / len(moving) / 0.2
print(f"drift {drift:.3f} eV per atom and ps, total energy {total:.4f}")

# 4. A cell that is too large.
once = runner.run_optimization(bulk("Cu", a=3.8), EMT(), fmax=0.01, max_steps=1, optimize_cell=True)
more = runner.run_optimization(bulk("Cu", a=3.8), EMT(), fmax=0.01, max_steps=200, optimize_cell=True)
edge = {name: float(abs(np.linalg.det(result["optimized_cell"]) * 4) ** (1 / 3)) for name, result in (("once", once), ("more", more))}
left = Atoms("Cu", cell=once["optimized_cell"], pbc=True, calculator=EMT())
stress = float(np.mean(left.get_stress()[:3]) / units.GPa)
print(f"one step: converged {once['converged']}, {edge['once']:.3f} A, stress {stress:.1f} GPa; 200 steps: {edge['more']:.3f} A")

# 5. The derivative of the bulk modulus.
state = runner.run_equation_of_state(bulk("Cu", a=3.6), EMT())
fit = EquationOfState(state["volumes_A3"], state["energies_eV"], eos="birchmurnaghan")
fit.fit()
derivative = float(fit.eos_parameters[2])
print(f"derivative of the bulk modulus: {state['bulk_modulus_derivative']} (fit: {derivative:.2f})")
facts = {
    "constant volume": all(abs(volume / copper.get_volume() - 1) < 1e-6 for volume in volumes.values()),
    "one frame": len(frames) == 1,
    "drift of the potential energy": drift > 0.1 and abs(total) < 0.01,
    "converged under stress": once["converged"] and stress > 5 and edge["once"] - edge["more"] > 0.1,
    "no derivative": state["bulk_modulus_derivative"] == 0.0 and 3 < derivative < 8,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python -W ignore probe.py
