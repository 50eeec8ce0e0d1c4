#!/usr/bin/env bash
# scicomp-molecular-mcp 0.1.6: the radial distribution function is always 1, the potential energy is always -3, and the phase is always
# liquid, with a confidence of 0.85. A run at constant temperature has no forces, one at constant pressure does not run, and
# Coulomb interactions do nothing.
#
# The package is a server of molecular dynamics for language models. Its README lists Lennard-Jones and Coulomb interactions, runs
# at constant energy, temperature and pressure, and analyses. Most of them are not there, but return success and numbers. All
# are in molecular_mcp/server.py:
# 1. compute_rdf returns ones, and analyze_temperature 1.5 for the kinetic and -3.0 for the potential energy. detect_phase_transition
#    returns "liquid" and 0.85. None of them looks at the trajectory.
# 2. run_nvt sets the forces to zero in each step, whatever potentials there are. Its temperature is the mean of v^2 without
#    the number of dimensions. So it is three times too low in three dimensions.
# 3. run_npt makes an empty trajectory.
# 4. add_potential takes "coulomb". Nothing computes it.
# 5. compute_msd divides the last mean square displacement by 2 and by the number of frames, and calls this the diffusion
#    coefficient. The time and the dimensions are not used.
#
# Remedy: use another program.
#
# Seen with scicomp-molecular-mcp 0.1.6, mcp 1.26.0: for a gas and for a crystal, compute_rdf, analyze_temperature and
# detect_phase_transition return the same. In run_nvt at a temperature of 2, two atoms that repel each other at 0.9 sigma stay on
# straight lines, with a mean v^2 of 2 instead of 6. run_npt has 0 frames. With Coulomb interactions, atoms at rest stay at rest.
# Atoms with a diffusion coefficient of 0.5 have one of 0.014, when the time between two frames is 0.01.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==2.4.6 mcp==1.26.0 kdl-py==1.2.0
"$place/env/bin/python" -m pip install --quiet --no-compile --no-deps scicomp-molecular-mcp==0.1.6 scicomp-mcp-common==0.1.6
cd "$place"
cat > probe.py <<'PY'
import ast
import asyncio
import importlib.metadata
import sys

import numpy as np
from molecular_mcp import server

print("scicomp-molecular-mcp", importlib.metadata.version("scicomp-molecular-mcp"))


def call(tool, **arguments):
    """What a language model gets from a tool."""
    return ast.literal_eval(asyncio.run(server.call_tool(tool, arguments))[0]["text"])


def system(positions, edge, velocities=None):
    made = call("create_particles", n_particles=len(positions), box_size=[edge] * 3)["system_id"]
    inside = server._systems[made.replace("system://", "")]
    inside["positions"] = np.array(positions, float)
    inside["velocities"] = np.zeros_like(inside["positions"]) if velocities is None else np.array(velocities, float)
    return made


def trajectory(name):
    return server._trajectories[name.replace("trajectory://", "")]


# 1. A gas and a crystal.
rng = np.random.default_rng(0)
grid = np.indices((4, 4, 4)).reshape(3, -1).T * 1.55
answers = []
for positions in (rng.random((64, 3)) * 30, grid):
    made = system(positions, 6.2 if positions is grid else 30.0)
    run = call("run_md", system_id=made, n_steps=1, dt=1e-6)["trajectory_id"]
    answers.append([call(tool, trajectory_id=run) for tool in ("compute_rdf", "analyze_temperature", "detect_phase_transition")])
print(f"gas: g(r) {answers[0][0]['g_r'][:3]}, {answers[0][1]}, {answers[0][2]}")
print(f"the same for a crystal: {answers[0] == answers[1]}")

# 2. Two atoms that repel each other, at constant temperature.
made = system([[5.0, 5.0, 5.0], [5.9, 5.0, 5.0]], 10.0, [[0, 1.0, 0.3], [0, -1.0, 0.2]])
call("add_potential", system_id=made, potential_type="lennard_jones")
run = call("run_nvt", system_id=made, n_steps=100, temperature=2.0, dt=0.001)["trajectory_id"]
frames = np.array(trajectory(run)["trajectory"])
steps = np.diff(frames, axis=0)[1:]
square = float(np.mean(np.sum((steps / 0.001) ** 2, axis=-1)))
free = float(np.abs(steps[..., 0]).max())
there = call("run_md", system_id=made, n_steps=100, dt=0.001)["trajectory_id"]
pushed = float(np.abs(np.diff(np.array(trajectory(there)["trajectory"]), axis=0)[..., 0]).max())
print(f"run_nvt: largest step along the line of the atoms {free} (run_md: {pushed:.4f}), mean v^2 {square:.3f} (right: 6)")

# 3. Constant pressure.
empty = call("run_npt", system_id=made, n_steps=100, temperature=2.0, pressure=1.0)["trajectory_id"]
print(f"run_npt: {call('get_trajectory', trajectory_id=empty)}")

# 4. Coulomb.
made = system([[4.0, 5.0, 5.0], [6.0, 5.0, 5.0]], 10.0)
print(call("add_potential", system_id=made, potential_type="coulomb", epsilon=10.0))
rest = call("run_md", system_id=made, n_steps=100, dt=0.01)["trajectory_id"]
moved = float(np.ptp(np.array(trajectory(rest)["trajectory"]), axis=0).max())
print(f"two charges at rest, moved by {moved}")

# 5. A random walk with D = 0.5 per dimension: the square displacement is 6 D t.
walk = np.cumsum(rng.normal(size=(101, 500, 3)) * np.sqrt(2 * 0.5 * 0.01), axis=0)
server._trajectories["walk"] = {"trajectory": list(walk), "n_steps": 101, "dt": 0.01}
diffusion = call("compute_msd", trajectory_id="trajectory://walk")["diffusion_coefficient"]
right = float(np.mean(np.sum((walk[-1] - walk[0]) ** 2, axis=-1))) / 6
print(f"diffusion coefficient {diffusion:.4f} (right: {right:.3f})")
facts = {
    "the same for a gas and a crystal": answers[0] == answers[1] and set(answers[0][0]["g_r"]) == {1.0},
    "invented energies and phase": answers[0][1]["potential_energy"] == -3.0 and answers[0][2]["confidence"] == 0.85,
    "no forces at constant temperature": free == 0.0 and pushed > 1e-4,
    "a third of the temperature": abs(square - 2) < 1e-6,
    "no run at constant pressure": len(trajectory(empty)["trajectory"]) == 0,
    "no Coulomb forces": moved == 0.0,
    "no time in the diffusion coefficient": abs(right - 0.5) < 0.05 and 0.01 < diffusion < 0.02,
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python -W ignore probe.py
