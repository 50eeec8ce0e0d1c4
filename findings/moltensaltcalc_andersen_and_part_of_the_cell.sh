#!/usr/bin/env bash
# moltensaltcalc 0.1.6: the Andersen thermostat collides ten times too often for a time step of 1 fs, so that the diffusion is ten
# times too slow. And g(r) of a part of the cell is too large by the inverse of this part.
#
# moltensaltcalc runs and evaluates molecular dynamics of molten salts with machine-learned potentials, by means of ASE.
# 1. run_nvt_simulation(nvt_dyn="andersen", tdamp_fs=...) (moltensaltcalc/simulator.py) gives ASE the collision probability
#    1/(tdamp_fs * units.fs). This is a rate in ASE's unit of time, 10.18 fs. A probability per step is timestep_fs/tdamp_fs. With
#    1 fs and the default of 100 fs it is 0.102 instead of 0.01, with 4 fs 0.102 instead of 0.04. ASE says that this thermostat
#    disturbs the diffusion. Here it does so ten times more than asked for. "nosehoover", "langevin", "bussi" get the right time.
# 2. compute_rdf(cell_constraints=[(xmin, xmax), ...]) (moltensaltcalc/analyzer.py) computes g(r) "only for a subpart of the cell".
#    It removes the other atoms, and normalises with the density of the rest in the volume of the whole cell. For the half of a
#    cell g(r) starts at 2 where it should be 1. It falls with r, for the removed atoms are missing as neighbours.
# 3. _print_status() prints "P = ... bar". The number is the pressure in eV/A^3: it is 1.6 million times too small.
# 4. compute_temperature_vs_time() returns "Temperatures in K and equilibrium times". These are numbers of frames. The times that
#    compute_viscosity() returns with the autocorrelation function start at the time of the first frame, not at 0.
# There is no message.
#
# Remedy: nvt_dyn="langevin" or "bussi"; or tdamp_fs * 10.18 / timestep_fs for "andersen". g(r) of the whole cell.
#
# Seen with moltensaltcalc 0.1.6, ase 3.29.0, numpy 2.4.6, scipy 1.17.1: free sodium atoms at 1000 K with a time
# constant of 100 fs, D = 0.00362 A^2/fs. With "langevin" 0.0036 A^2/fs, with "andersen" 0.00034 for 1 fs and 0.0015 for 4 fs. g(r)
# of an ideal gas is 1.90 in a half and 3.46 in a quarter of the cell at 0.75 A, 0.98 in the whole cell. Compressed argon has 9088
# bar, "0.00567 bar" is printed. The temperatures of 40 to 70 fs have the times 4 to 7.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile moltensaltcalc==0.1.6 ase==3.29.0 numpy==2.4.6 scipy==1.17.1 \
  myplots==0.1.5 tqdm==4.70.1
cd "$place"
cat > probe.py <<'PY'
import contextlib
import importlib.metadata
import io
import re
import sys
import warnings

import numpy as np
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.lj import LennardJones
from ase.io import Trajectory
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution
from moltensaltcalc import MoltenSaltAnalyzer, MoltenSaltSimulator

warnings.simplefilter("ignore")
rng = np.random.default_rng(1)
np.random.seed(1)
T, TAU = 1000, 100.0  # K, fs


class Nothing(Calculator):
    """Atoms without forces: D = kT/m times the time after which a velocity is forgotten."""

    implemented_properties = ["energy", "forces", "stress"]

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        self.results = {"energy": 0.0, "forces": np.zeros((len(atoms), 3)), "stress": np.zeros(6)}


def run(atoms, steps, **settings):
    """Runs, and returns what it prints."""
    text = io.StringIO()
    simulator = MoltenSaltSimulator(device="cpu")
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(io.StringIO()):
        simulator.run_nvt_simulation(atoms, T, steps=steps, logfile=None, **settings)
    return text.getvalue()


print("moltensaltcalc", importlib.metadata.version("moltensaltcalc"), "ase", importlib.metadata.version("ase"))
found = {}
for dynamics in ("langevin", "andersen"):
    for step in (1.0, 4.0):
        atoms = Atoms("Na400", positions=20 * rng.random((400, 3)), cell=[20] * 3, pbc=True, calculator=Nothing())
        MaxwellBoltzmannDistribution(atoms, temperature_K=T, rng=rng)
        settings = {"nvt_dyn": dynamics, "timestep_fs": step, "tdamp_fs": TAU, "print_status": False}
        run(atoms, int(8000 / step), traj_file="run.traj", write_interval=int(100 / step), **settings)
        analyzer = MoltenSaltAnalyzer(traj_files_nvt="run.traj", temperatures_nvt=[T])
        right = units.kB * T / atoms.get_masses()[0] * TAU * units.fs**2  # A^2/fs
        found[dynamics, step] = analyzer.compute_diffusion_coefficient(T)["Na"] / right
        print(f"{dynamics}, {step:.0f} fs: D = {found[dynamics, step] * right:.5f} A^2/fs (right: {right:.5f})")

EDGE, FRAMES = 24.0, 8
with Trajectory("gas.traj", "w") as file:
    for frame in range(FRAMES):
        atoms = Atoms("Na1200", positions=EDGE * rng.random((1200, 3)), cell=[EDGE] * 3, pbc=True)
        atoms.info["time_fs"] = 10.0 * frame
        MaxwellBoltzmannDistribution(atoms, temperature_K=T, rng=rng)
        file.write(atoms)
analyzer = MoltenSaltAnalyzer(traj_files_nvt="gas.traj", temperatures_nvt=[T])
g = {}
for part in (1.0, 0.5, 0.25):
    box = [(0.0, EDGE), (0.0, EDGE), (0.0, part * EDGE)]
    r, values, _ = analyzer.compute_rdf(T, pairs=[("Na", "Na")], rmax=4.0, nbins=8, cell_constraints=box)[("Na", "Na")]
    g[part] = values
    print(f"ideal gas, {part} of the cell: g(r) = {values[1]:.2f} at {r[1]:.2f} A, {values[-1]:.2f} at {r[-1]:.2f} A (right: 1)")
_, times = analyzer.compute_temperature_vs_time(T=T, eq_fraction=0.5)
print("temperatures, times in fs:", np.asarray(times).tolist(), "right:", [40.0, 50.0, 60.0, 70.0])

argon = bulk("Ar", cubic=True, a=5.0).repeat(3)
argon.calc = LennardJones(sigma=3.4, epsilon=0.0104, rc=7.0, smooth=True)
MaxwellBoltzmannDistribution(argon, temperature_K=T, rng=rng)
text = run(argon, 1, timestep_fs=1e-6, print_interval=1, traj_file="argon.traj", write_interval=1)
printed = float(re.search(r"P = +(\S+) bar", text).group(1))
true = -argon.get_stress()[:3].mean() / units.bar
print(f"compressed argon: prints P = {printed:.3g} bar, without the kinetic part it is {true:.4g} bar")
with Trajectory("argon.traj") as file, Trajectory("later.traj", "w") as out:
    for frame in range(20):
        atoms = file[-1].copy()
        atoms.rattle(0.01, rng=rng)
        atoms.calc = argon.calc
        atoms.get_stress()
        atoms.info["time_fs"] = 1000.0 + 10 * frame
        out.write(atoms)
later = MoltenSaltAnalyzer(traj_files_nvt="later.traj", temperatures_nvt=[T])
_, (_, lags) = later.compute_viscosity(T, eq_fraction=1.0, tmax_fs=100)
print(f"viscosity: the lag times start at {lags[0]:.0f} fs (right: 0)")
facts = {
    "langevin is right": all(bool(np.isclose(found["langevin", step], 1, rtol=0.2)) for step in (1.0, 4.0)),
    "andersen, 1 fs: D a tenth": bool(np.isclose(found["andersen", 1.0], 0.1, rtol=0.25)),
    "andersen, 4 fs: D less than half": 0.3 < found["andersen", 4.0] < 0.5,
    "g(r) of the whole cell is right": bool(np.allclose(g[1.0][1:], 1, atol=0.05)),
    "g(r) of a half of the cell: about 2": bool(np.isclose(g[0.5][1], 2, rtol=0.12)),
    "g(r) of a quarter of the cell: about 4": bool(np.isclose(g[0.25][1], 4, rtol=0.15)),
    '"bar" is eV/A^3': bool(np.isclose(printed, true * units.bar, rtol=0.02) and true > 1000),
    "times are numbers of frames": np.asarray(times).tolist() == [4, 5, 6, 7],
    "lag times start at the first frame": bool(np.isclose(lags[0], 1000)),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
