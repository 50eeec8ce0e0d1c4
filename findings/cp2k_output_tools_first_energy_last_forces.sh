#!/usr/bin/env bash
# cp2k-output-tools 0.5.0: of an optimisation, cp2kparse gives the energy and the charges of the first geometry beside the
# forces of the last one. And the density of states of cp2k_pdos is proportional to its step, and its total sum is a thousand
# times too small.
#
# cp2k-output-tools is the parser of the developers of CP2K. Two places, each without a message:
# 1. blocks/energies.py and blocks/mulliken.py take the first match in the output. blocks/forces.py goes through all, and keeps
#    the last one. In an output with several steps, the result is a mixture. Nothing in it tells of which step a number is.
# 2. scripts/pdos.py multiplies each Gaussian by the step `--de`, so that the points add up to the number of states. They are no
#    states per energy: with half of the step, all heights are half as large, and two curves with other steps cannot be
#    compared. `--total-sum` multiplies by the step once more.
#
# Remedy: 1. cut the output into steps, and parse each. 2. divide by the step (0.001 hartree if nothing else is given). For the
# total sum, divide it by the step.
#
# Seen with cp2k-output-tools 0.5.0, numpy 1.26.4: of three steps with energies of -17.10, -17.15 and -17.16 hartree, it gives
# -17.10, the charges of the first, and the forces of the third. One state with the weight 1 has the height 0.0199 with --de
# 0.001, and 0.0100 with --de 0.0005. Its total sum is 0.001, and 0.0005.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==1.26.4 click==8.3.1 regex==2021.11.10 \
  cp2k-output-tools==0.5.0
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import json
import pathlib
import subprocess
import sys

import numpy as np

print("cp2k-output-tools", importlib.metadata.version("cp2k-output-tools"))
BIN = pathlib.Path(sys.executable).parent

# 1. Three steps of an optimisation of OH-, as CP2K 7 writes them.
STEPS = [(-17.10, -0.90, 0.05), (-17.15, -0.95, 0.02), (-17.16, -0.99, 0.001)]  # hartree, charge of O, force on O along z
text = ""
for energy, charge, force in STEPS:
    text += "\n Mulliken Population Analysis\n\n #  Atom  Element  Kind  Atomic population                  Net charge\n"
    text += f"       1     O        1          {6 - charge:.6f}                           {charge:.6f}\n"
    text += f"       2     H        2          {2 + charge:.6f}                           {-1 - charge:.6f}\n"
    text += f" # Total charge                            {8:.6f}                            {-1:.6f}\n\n"
    text += f" ENERGY| Total FORCE_EVAL ( QS ) energy (a.u.):             {energy:.15f}\n\n"
    text += " ATOMIC FORCES in [a.u.]\n\n # Atom   Kind   Element          X              Y              Z\n"
    text += f"      1      1      O           0.00000000     0.00000000     {force:.8f}\n"
    text += f"      2      2      H           0.00000000     0.00000000     {-force:.8f}\n"
    text += " SUM OF ATOMIC FORCES           0.00000000     0.00000000     0.00000000     0.00000000\n\n"
pathlib.Path("geo_opt.out").write_text(text)
parsed = json.loads(subprocess.run([BIN / "cp2kparse", "geo_opt.out"], check=True, capture_output=True, text=True).stdout)
energy = parsed["energies"]["total force_eval"]
charge = parsed["mulliken population analysis"]["per atom"][0]["charge"]
force = parsed["forces"]["atomic"]["per_atom"][0]["z"]
step = {
    "energy": [one[0] for one in STEPS].index(energy) + 1,
    "charge": [one[1] for one in STEPS].index(charge) + 1,
    "force": [one[2] for one in STEPS].index(force) + 1,
}
print(f"energy {energy} hartree, charge of O {charge}, force {force}: they are of the steps {step} of {len(STEPS)}")

# 2. One state, s only, with the weight 1, at -0.2 hartree. The Fermi energy is 0.
head = "# Projected DOS for atomic kind O at iteration step i = 0, E(Fermi) =      0.000000 a.u.\n"
head += "#     MO Eigenvalue [a.u.]      Occupation                 s\n"
pathlib.Path("one.pdos").write_text(head + "  1  -0.200000  2.000000  1.00000000\n" * 2)
SIGMA = 0.02  # hartree
heights, sums, integrals = {}, {}, {}
for de in (0.001, 0.0005):
    command = [BIN / "cp2k_pdos", "one.pdos", "--sigma", str(SIGMA), "--de", str(de), "--total-sum"]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    x, y = np.loadtxt(run.stdout.splitlines()[1:]).T
    heights[de] = y.max() / 2  # two equal lines in the file, since one line alone is refused
    sums[de] = float(run.stderr.split()[-1]) / 2
    integrals[de] = np.trapz(y, x / 27.211384) / 2
    print(f"--de {de}: height {heights[de]:.5f}, integral over energy {integrals[de]:.6f}, total sum {sums[de]:.6f}", end="")
    print(f" (right: {1 / SIGMA / np.sqrt(2 * np.pi):.5f} per hartree, 1, 1)")
facts = {
    "energy and charge of the first step, forces of the last": step == {"energy": 1, "charge": 1, "force": 3},
    "the height is proportional to the step": abs(heights[0.001] / heights[0.0005] - 2) < 0.01,
    "the integral is the step": all(abs(integrals[de] / de - 1) < 0.01 for de in integrals),
    "the total sum is the step, and not 1": all(abs(sums[de] / de - 1) < 0.01 for de in sums),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
