#!/usr/bin/env bash
# mlip-arena 0.2.0: a run with the Nose-Hoover thermostat or barostat begins with another crystal than the given one, if the cell is
# not rectangular and along the axes. And a run at constant pressure that is continued gets the cell of its beginning.
#
# mlip-arena runs benchmark tasks for machine-learned potentials with ASE. Two places in tasks/md.py, each without a message:
# 1. ASE's NPT wants an upper triangular matrix of the cell. So the cell has to be rotated. mlip-arena takes the Schur form of the
#    matrix. This multiplies the matrix from both sides. It does not rotate the lattice, but makes other lattice vectors, and
#    the atoms are scaled into them. The task takes the real part of complex numbers, and then even the volume changes. atomate2
#    had the same line until 2025 (issue 1254).
# 2. With restart=True, which is the default, a run continues from the last frame of the trajectory file. It takes the positions
#    and the momenta from there, but not the cell. After a run at constant pressure, the atoms are in a cell of another size.
#
# Remedy: 1. give a cell that is upper triangular, from atoms.cell.standard_form("upper"). 2. give the last frame with its cell as
# the initial structure.
#
# Seen with mlip-arena 0.2.0, ASE 3.26.0, the EMT potential of ASE: a primitive cell of copper, 3 x 3 x 3, has 12 neighbours at
# 2.54 A. The first frame of the run has a rectangular cell, and 4 neighbours at 1.80 A. Its energy is 5.78 eV per atom higher. A
# cubic cell of copper that is turned by 45 degrees about z has half of the volume. A run at 20 GPa ends after 200 fs with 364.6
# A^3. Its continuation begins with 371.4 A^3.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet --no-compile numpy==2.4.6 scipy==1.17.1 ase==3.26.0 prefect==3.6.0 loguru==0.7.3 \
  tqdm==4.70.1 PyYAML==6.0.3
"$place/env/bin/python" -m pip install --quiet --no-compile --no-deps mlip-arena==0.2.0  # the rest is for the models
cd "$place"
cat > probe.py <<'PY'
import contextlib
import importlib.metadata
import io
import sys
import warnings

import numpy as np
from ase import units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import read

warnings.simplefilter("ignore")
with contextlib.redirect_stderr(io.StringIO()):
    from mlip_arena.tasks.md import run

print(*(f"{name} {importlib.metadata.version(name)}" for name in ("mlip-arena", "ase")))


def frames(atoms, name, **options):
    """The frames of a run. run.fn is the function without the server of Prefect."""
    with contextlib.redirect_stderr(io.StringIO()):
        run.fn(atoms, EMT(), dynamics="nose-hoover", time_step=1.0, velocity_seed=0, traj_file=name, **options)
    return read(name, ":")


def energy(atoms):
    copy = atoms.copy()
    copy.calc = EMT()
    return copy.get_potential_energy() / len(copy)


def shell(atoms):
    """Nearest distance of the first atom, and the number of atoms at it."""
    found = np.sort(atoms.get_distances(0, range(1, len(atoms)), mic=True))
    return float(found[0]), int(np.sum(found < found[0] * 1.05))


# 1. A primitive cell, and a cubic one that is turned.
fixed = {"ensemble": "nvt", "total_time": 2, "temperature": 50.0, "restart": False}
fixed["dynamics_kwargs"] = {"ttime": 25 * units.fs, "pfactor": None}
primitive = bulk("Cu", a=3.594) * (3, 3, 3)
first = frames(primitive, "primitive.traj", **fixed)[0]
rise = energy(first) - energy(primitive)
print(f"given: cell {np.round(primitive.cell.cellpar(), 2)}, {shell(primitive)[1]} neighbours at {shell(primitive)[0]:.2f} A")
print(f"first frame: cell {np.round(first.cell.cellpar(), 2)}, {shell(first)[1]} neighbours at {shell(first)[0]:.2f} A", end="")
print(f", energy {rise:.2f} eV per atom higher")
upper = primitive.copy()
upper.set_cell(primitive.cell.standard_form("upper")[0], scale_atoms=True)
print(f"ASE's standard_form: {shell(upper)[1]} neighbours at {shell(upper)[0]:.2f} A")
cubic = bulk("Cu", a=3.594, cubic=True) * (2, 2, 2)
turned = cubic.copy()
turned.rotate(45, "z", rotate_cell=True)
second = frames(turned, "turned.traj", **fixed)[0]
print(f"turned cubic cell: {turned.get_volume():.1f} A^3, first frame {second.get_volume():.1f} A^3")

# 2. A run at constant pressure, and its continuation.
barostat = {"ttime": 25 * units.fs, "pfactor": (75 * units.fs) ** 2 * 100 * units.GPa}
options = {"ensemble": "npt", "temperature": 300.0, "pressure": 20 * units.GPa}
before = frames(cubic, "npt.traj", total_time=200, restart=False, dynamics_kwargs=dict(barostat), **options)
after = frames(cubic, "npt.traj", total_time=203, restart=True, dynamics_kwargs=dict(barostat), **options)
volumes = [frame.get_volume() for frame in after]
end, begin = volumes[len(before) - 1], volumes[len(before)]
print(f"at constant pressure: {volumes[0]:.1f} A^3 at the beginning, {end:.1f} A^3 after 200 fs, continued with {begin:.1f} A^3")
facts = {
    "other lattice vectors": np.allclose(first.cell.angles(), 90, atol=0.1) and not np.allclose(primitive.cell.angles(), 90),
    "4 neighbours at a/2 instead of 12": shell(first) == (shell(first)[0], 4) and abs(shell(first)[0] - 1.797) < 0.05,
    "the given crystal has 12": shell(primitive)[1] == shell(upper)[1] == 12,
    "the energy rises": 5 < rise < 7,
    "half of the volume": abs(second.get_volume() / turned.get_volume() - 0.5) < 1e-6,
    "the continuation has the first cell": abs(begin / volumes[0] - 1) < 1e-9 and end < 0.99 * volumes[0],
}
for fact, holds in facts.items():
    print(f"{fact}: {holds}")
sys.exit(not all(facts.values()))
PY
env/bin/python -W ignore probe.py
