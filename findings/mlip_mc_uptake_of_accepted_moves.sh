#!/usr/bin/env bash
# mlip-mc 0.1.3: the uptake of a grand canonical Monte Carlo run is the mean over the accepted moves only. In the Henry regime it is
# 0.5 to 0.75 molecules per cell at any pressure. The Henry constant of a Widom run leaves out insertions that hit the framework.
#
# mlip-mc simulates the adsorption of gases with machine-learned potentials (MACE, fairchem, orb-models), as ASE calculators.
# 1. In a Monte Carlo run the old state counts once more when a move is rejected. MLP_GCMC.run() (mlip_mc/src/gcmc.py) writes a
#    record to the log and to results_*.json only after an accepted move. run_gcmc() takes the mean of these records as the uptake
#    and as the energy of the isotherm (run_single_pressure() in mlip_mc/main.py), and so does the example in the docstring of
#    read_binary_log(). The README calls the log "all iteration data".
#    A state counts by the number of moves that lead into it. An empty framework is left by an insertion, and entered by a deletion:
#    one record each, however many thousands of insertions were rejected in between. With one molecule, translations and
#    rotations are accepted, too. For any low pressure there are one to three records of 1 for each record of 0.
# 2. MLP_Widom.run() (src/widom.py) skips an insertion that overlaps with the van der Waals radii of the framework: "Overlap =
#    Infinite energy = 0 probability", says the comment. These zeros belong to the mean of exp(-E/kT). The
#    "average_boltzmann_factor" in widom_results.json, and the printed Henry constant, are means over the other insertions. They are
#    too large by attempts / valid insertions.
# There is no message.
#
# Remedy: the log has the number of the step: give each record the number of steps until the next one as its weight. Multiply the
# average Boltzmann factor by valid_insertions / attempts. The "widom_adsorption_energy" is right.
#
# Seen with mlip-mc 0.1.3, ase 3.29.0, numpy 2.4.6, scipy 1.17.1: Lennard-Jones guests in a cubic framework of 8 atoms, 298 K. By
# Henry's law 0.02 and 0.2 molecules per cell at 1.06 and 10.6 bar. The mean over all steps is 0.0208 and 0.207. The mean over the
# records, which is the uptake of the isotherm, is 0.74 and 0.89. At 106 bar it is 1.81 instead of 1.57. Widom: 665 of 2000
# insertions are valid, the mean of exp(-E/kT) is 2.29, it should be 0.78.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile mlip-mc==0.1.3 ase==3.29.0 numpy==2.4.6 scipy==1.17.1
cd "$place"
cat > probe.py <<'PY'
import contextlib
import importlib.metadata
import inspect
import io
import json
import sys

import mlip_mc.main
import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.data import vdw_radii
from ase.units import bar, kB
from mlip_mc import MLP_GCMC, MLP_Widom, read_binary_log

SPACING, T = 5.0, 298.0
EDGE, VOLUME = 2 * SPACING, (2 * SPACING) ** 3
EPSILON, SIGMA = 0.01, 3.2  # eV, A
corners = SPACING * np.array([(i, j, k) for i in (0, 1) for j in (0, 1) for k in (0, 1)])
host, guest = Atoms("Ne8", positions=corners, cell=[EDGE] * 3, pbc=True), Atoms("Ar")
TOUCH = vdw_radii[10] + vdw_radii[18] - 2 * 0.35  # mlip-mc makes each radius smaller by 0.35 A


def distances(places, others=corners):
    vectors = places[:, None] - others
    return np.linalg.norm(vectors - EDGE * np.round(vectors / EDGE), axis=-1)


def interaction(places, others=corners):
    """The energy of each guest with the host. The guests do not see each other."""
    r6 = (SIGMA / distances(places, others)) ** 6
    return 4 * EPSILON * (r6**2 - r6).sum(1)


class Model(Calculator):
    implemented_properties = ["energy"]

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes):
        super().calculate(atoms, properties, system_changes)
        here = [atoms.positions[atoms.numbers == number] for number in (18, 10)]
        self.results["energy"] = float(interaction(*here).sum())


axis = (np.arange(60) + 0.5) / 60 * SPACING  # one eighth of the cell; the others are the same
grid = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
free = distances(grid).min(1) >= TOUCH
exact = np.where(free, np.exp(-interaction(grid) / (kB * T)), 0).mean()  # the mean of exp(-E/kT), overlaps are zero
print("mlip-mc", importlib.metadata.version("mlip-mc"), "ase", importlib.metadata.version("ase"))
np.random.seed(1)
settings = {"model": Model(), "atoms_frame": host, "atoms_ads": guest, "T": T, "device": "cpu", "vdw_radii": vdw_radii}
with contextlib.redirect_stdout(io.StringIO()):
    MLP_Widom(**settings, output_dir="widom").run(2000)
with open("widom/widom_results.json") as file:
    widom = json.load(file)
factor, share = widom["average_boltzmann_factor"], widom["valid_insertions"] / widom["attempts"]
print(f"Widom: {widom['valid_insertions']} of {widom['attempts']} insertions are valid.", end=" ")
print(f"Mean of exp(-E/kT) {factor:.3f}, right: {exact:.3f}")
print(f"    times valid / attempts: {factor * share:.3f}")

package, weighted, ideal = [], [], []
for number, steps in ((0.02, 40_000), (0.2, 20_000), (2, 3_000)):
    fugacity = number * kB * T / (VOLUME * exact)  # Henry's law: this many molecules per cell
    run = MLP_GCMC(**settings, P=fugacity, fugacity=fugacity, output_dir=f"gcmc{number}")
    with contextlib.redirect_stdout(io.StringIO()):
        run.run(steps)
    log = read_binary_log(str(run.log_file_path))
    at, uptake = (np.array([record[name] for record in log]) for name in ("step", "uptake"))
    states = np.zeros(steps + 1, dtype=int)  # the state after each step
    for start, value in zip(at, uptake, strict=True):
        states[start:] = value
    begin = steps // 5  # equilibration
    ideal.append(number)
    package.append(uptake[at > begin].mean())  # as in run_single_pressure()
    weighted.append(states[begin + 1 :].mean())
    print(f"GCMC, {fugacity / bar:.3g} bar: {len(log)} records of {steps} steps, their mean {package[-1]:.3f} per cell;", end=" ")
    print(f"over all steps {weighted[-1]:.4f}; Henry's law {number}")
taken = "d['uptake'] for d in log_data" in inspect.getsource(mlip_mc.main.run_single_pressure)
facts = {
    "the mean over all steps follows Henry's law": bool(np.allclose(weighted[:2], ideal[:2], rtol=0.15)),
    "the mean over the records is 0.75 at the lowest pressure": bool(np.isclose(package[0], 0.75, atol=0.03)),
    "30 times too large": package[0] > 30 * ideal[0],
    "ten times the pressure gives nearly the same": package[1] < 1.25 * package[0],
    "at the highest pressure it is still too large": package[2] > 1.1 * weighted[2],
    "run_gcmc() takes the mean over the records": taken,
    "Widom: too large by attempts / valid": bool(np.isclose(factor, exact / share, rtol=0.04) and share < 0.5),
    "Widom: right with the zeros": bool(np.isclose(factor * share, exact, rtol=0.06)),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
