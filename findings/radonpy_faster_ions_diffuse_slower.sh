#!/usr/bin/env bash
# radonpy-pypi 0.2.11: the diffusion coefficient from a trajectory is the inverse of what it should be. The faster the particles
# diffuse, the smaller it is. For 1e-9 m^2/s it is 270 times too large.
#
# RadonPy computes properties of polymers and of their ions from molecular dynamics by LAMMPS. Analyze.analyze_traj(traj,
# "diffusion_coeff") (radonpy/sim/lammps.py) should give the self-diffusion coefficient in m^2/s, from the squared displacement.
# 1. It calls stats.linregress(msd, time). The first argument is x, the second one is y. The slope is the time per squared
#    displacement, the inverse of the right one. self_diffusion(), for the column v_msd of the log file, has the right order.
# 2. mdtraj gives nm. The conversion is that of A^2/ps.
# 3. The "msd" is the square of mdtraj.rmsd(), which moves and rotates each frame to fit the first one. What all particles have in
#    common is lost.
# There is no message. (RadonPy itself calls only self_diffusion() when it makes its tables.)
#
# Remedy: Analyze.self_diffusion() with `compute msd` in LAMMPS, or MDAnalysis.analysis.msd.
#
# Seen with radonpy-pypi 0.2.11, mdtraj 1.11.1.post2, numpy 2.4.6, scipy 1.17.1, pandas 3.1.1, rdkit 2026.9.1:
# ions with D = 1e-10, 1e-9 and 1e-8 m^2/s. analyze_traj() gives 3.3e-6, 2.7e-7 and 3.0e-8 m^2/s, self_diffusion() with the log file
# 8.7e-11, 1.1e-9 and 9.6e-9 m^2/s.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile radonpy-pypi==0.2.11 mdtraj==1.11.1.post2 numpy==2.4.6 scipy==1.17.1 \
  pandas==3.1.1 rdkit==2026.9.1 matplotlib==3.11.2 psutil==7.2.2
cd "$place"
cat > probe.py <<'PY'
import importlib.metadata
import pathlib
import sys
import warnings

import mdtraj
import numpy as np
from radonpy.sim.lammps import Analyze

warnings.simplefilter("ignore")
rng = np.random.default_rng(1)
IONS, FRAMES, DT = 200, 1501, 1.0  # frames every ps


def simulation(d):
    """Ions which diffuse with d in A^2/ps: a trajectory, and the log file of LAMMPS with `compute msd`."""
    places = 50 * rng.random((1, IONS, 3)) + np.cumsum(rng.normal(0, np.sqrt(2 * d * DT), (FRAMES, IONS, 3)), axis=0)
    topology = mdtraj.Topology()
    chain = topology.add_chain()
    for _ in range(IONS):
        topology.add_atom("NA", mdtraj.element.sodium, topology.add_residue("NA", chain))
    trajectory = mdtraj.Trajectory(places / 10, topology, time=DT * np.arange(FRAMES))
    trajectory.save_xtc("run.xtc")
    trajectory[0].save_pdb("topology.pdb")
    msd = ((places - places[0]) ** 2).sum(2).mean(1)
    lines = ["Per MPI rank memory allocation (min/avg/max) = 3.1 | 3.1 | 3.1 Mbytes", "   Step   Time   Temp   v_msd"]
    lines += [f"{1000 * i:10d} {1000 * DT * i:14.1f} {300:14.1f} {value:14.6f}" for i, value in enumerate(msd)]
    pathlib.Path("radon_md.log").write_text("\n".join([*lines, "Loop time of 1 on 1 procs for 1500000 steps with 200 atoms", ""]))
    return msd


print("radonpy-pypi", importlib.metadata.version("radonpy-pypi"), "mdtraj", importlib.metadata.version("mdtraj"))
found, log, slopes = {}, {}, {}
for d in (0.01, 0.1, 1.0):
    msd = simulation(d)
    slopes[d] = np.polyfit(DT * np.arange(FRAMES), msd, 1)[0]  # A^2/ps
    analysis = Analyze(log_file="radon_md.log", traj_file="run.xtc", pdb_file="topology.pdb")
    traj = analysis.read_traj()
    assert np.isclose(((traj.xyz[-1] - traj.xyz[0]) ** 2).sum(1).mean() * 100, msd[-1], rtol=0.01)
    _, data = analysis.analyze_traj(traj, "diffusion_coeff", init=1000, width=500, printout=False)
    found[d] = float(data["mean"])
    log[d] = float(Analyze.self_diffusion(analysis.dfs[-1]))
    print(f"exact {d * 1e-8:.1e} m^2/s: analyze_traj() {found[d]:.2e}, from the log file {log[d]:.2e},", end=" ")
    print(f"by hand {slopes[d] / 6 * 1e-8:.2e} m^2/s")
facts = {
    "by hand it is right": all(bool(np.isclose(slopes[d] / 6, d, rtol=0.15)) for d in slopes),
    "from the log file it is right": all(bool(np.isclose(log[d], slopes[d] / 6 * 1e-8, rtol=0.01)) for d in log),
    "ten times faster, ten times smaller": all(6 < found[d] / found[10 * d] < 15 for d in (0.01, 0.1)),
    "it is the inverse slope, per nm^2": all(bool(np.isclose(found[d], 100 / slopes[d] / 6 * 1e-8, rtol=0.3)) for d in found),
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python probe.py
