#!/usr/bin/env bash
# kinisi 2.1.0: one trajectory gives two diffusion coefficients, some 22 to 32 % apart, if its time step is
# called 1 fs or 0.001 ps.
#
# kinisi numbers the time intervals 1, 2, 3, ... frames. It multiplies the numbers by time_step and step_skip, divides by
# the product of both, and makes integers of the result: `(self.dt / (time_step * step_skip)).astype(int)` in parser.py.
# In binary, 3 * 0.001 * 100 / (0.001 * 100) is 2.9999999999999996, and astype(int) cuts it off to 2. The
# mean-squared displacement over 2 frames then also stands at the interval of 3 frames, which is 33 % too little there.
# There is no message. The covariance matrix is made with the wrong numbers, too.
# With 0.001 ps and every 100th step a quarter of all intervals is wrong, with 0.0005 ps and every 20th step an eighth.
# This is with the default of `dt`. Intervals that the user gives go through the same line.
# kinisi's documentation allows any unit of time for time_step.
# Remedy: femtoseconds, or any time_step whose product with step_skip is a whole number.
#
# Seen with kinisi 2.1.0, scipp 26.8.0, numpy 2.4.6, ase 3.29.0: of 1000 intervals are wrong: 0 (1 fs), 256 (0.001 ps),
# 0 (0.5 fs), 129 (0.0005 ps). D of this random walk: 0.044 A^2/ps (1 fs), 0.030 A^2/ps (0.001 ps). Three other walks
# gave the same picture.
#
# Exit 0: it is as described. Exit 1: it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet kinisi==2.1.0 scipp==26.8.0 numpy==2.4.6 ase==3.29.0
cat > "$place/probe.py" <<'PY'
import sys

import numpy as np
import scipp as sc
from ase import Atoms
from kinisi.analyze import DiffusionAnalyzer


def analyse(walk, step, unit, skip):
    """The walkers are potassium; an oxygen at rest is kinisi's framework."""
    frames = [
        Atoms(f"K{len(x)}O", positions=[*x, (0, 0, 0)], cell=[20, 20, 20], pbc=True) for x in walk
    ]
    return DiffusionAnalyzer.from_ase(
        trajectory=frames, specie="K", time_step=sc.scalar(step, unit=unit),
        step_skip=sc.scalar(skip), progress=False,
    )


def diffusion(analysis, start):
    analysis.diffusion(start, progress=False, random_state=np.random.RandomState(1))
    return sc.to_unit(sc.mean(analysis.D), "angstrom**2/ps").value


rng = np.random.default_rng(3)
long_walk = np.cumsum(rng.normal(0, 0.1, (1000, 1, 3)), axis=0)
settings = ((1.0, "fs", 100), (0.001, "ps", 100), (0.5, "fs", 20), (0.0005, "ps", 20))
for step, unit, skip in settings:
    intervals = analyse(long_walk, step, unit, skip).trajectory.dt_index.values
    wrong = int((intervals != np.arange(1, 1001)).sum())
    print(f"{step} {unit}, every {skip} steps: {intervals[:6].tolist()}, {wrong} of 1000 intervals are wrong")

rng = np.random.default_rng(3)
walk = np.cumsum(rng.normal(0, 0.1, (300, 32, 3)), axis=0) + rng.uniform(0, 20, (1, 32, 3))
femto, pico = analyse(walk, 1.0, "fs", 100), analyse(walk, 0.001, "ps", 100)
same = (femto.msd.values[2] != femto.msd.values[1], pico.msd.values[2] == pico.msd.values[1])
print("2 and 3 frames differ with fs, are the same with ps:", *same)
d_femto = diffusion(femto, sc.scalar(2000.0, unit="fs"))
d_pico = diffusion(pico, sc.scalar(2.0, unit="ps"))
print(f"D with fs {d_femto:.4f}, with ps {d_pico:.4f} A^2/ps", file=sys.stderr)
print("D with ps is more than 20 % below D with fs:", d_pico < 0.8 * d_femto)
PY
found=$("$place/env/bin/python" -W ignore "$place/probe.py")
echo "$found"
expected="1.0 fs, every 100 steps: [1, 2, 3, 4, 5, 6], 0 of 1000 intervals are wrong
0.001 ps, every 100 steps: [1, 2, 2, 4, 5, 5], 256 of 1000 intervals are wrong
0.5 fs, every 20 steps: [1, 2, 3, 4, 5, 6], 0 of 1000 intervals are wrong
0.0005 ps, every 20 steps: [1, 2, 3, 4, 5, 6], 129 of 1000 intervals are wrong
2 and 3 frames differ with fs, are the same with ps: True True
D with ps is more than 20 % below D with fs: True"
[ "$found" = "$expected" ] || { echo "kinisi behaves otherwise now" >&2; exit 1; }
