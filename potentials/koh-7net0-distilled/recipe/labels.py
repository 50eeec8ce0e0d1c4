"""Labels of the SevenNet-0 teacher: seed dynamics, frames the student visits, energies and forces.

    python labels.py seed  --out seed.extxyz                         # the teacher's own dynamics
    python labels.py visit --potential koh.pt --out visited.extxyz   # the student's dynamics
    python labels.py label visited.extxyz --out labels.extxyz        # resumable

Needs pykoh[run] and the PyPI package sevenn, whose wheel holds the teacher's weights.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.calculators.calculator import Calculator
from ase.io import iread, write
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution
from ase.optimize import FIRE

from pykoh.engines.memory import keep_freed_memory
from pykoh.solution.composition import (
    AVOGADRO_PER_MOL,
    WATER_MASS,
    Composition,
    hydroxide_mass,
)
from pykoh.solution.density import koh_density
from pykoh.solution.packing import pack

# (KOH, H2O) in each box: 0, 1.4, 1.8, 3.8, 6.1, 7.4, 12.1, 15.4 and 18.3 mol/L at their
# experimental density, and three denser ones beyond saturation, so that no concentration of
# interest is at the edge of the data.
BOXES = [
    (1, 31), (2, 28), (3, 25), (4, 27), (6, 22), (8, 21), (10, 20), (12, 15), (13, 12), (14, 13),
    (0, 32), (1, 40),
]  # fmt: skip
TEMPERATURES_K = (300.0, 330.0, 363.0, 400.0)


def teacher() -> Calculator:
    """Return SevenNet-0 on the CPU."""
    os.environ["TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"] = "1"
    from sevenn.calculator import SevenNetCalculator

    return SevenNetCalculator("7net-0", device="cpu")


def packed(n_koh: int, n_water: int, rng: np.random.Generator) -> Atoms:
    """Return a packed box at the density of Gilliam 2007, also beyond saturation."""
    grams = (n_koh * hydroxide_mass("K") + n_water * WATER_MASS) / AVOGADRO_PER_MOL
    fraction = n_koh * hydroxide_mass("K") / AVOGADRO_PER_MOL / grams
    density = koh_density(fraction, 25.0)
    volume = grams / (density * 1e-27)
    molarity = n_koh / AVOGADRO_PER_MOL / (volume * 1e-27)
    box = pack(
        Composition("K", n_koh, n_water, 298.15, volume, molarity, fraction, density, "Gilliam"),
        rng,
    )
    atoms = Atoms(
        list(box.symbols), positions=box.positions_A, cell=[volume ** (1 / 3)] * 3, pbc=True
    )
    atoms.info["molarity"] = molarity
    return atoms


def dynamics(args: argparse.Namespace, calculator: Calculator) -> None:
    """Relax and heat each box, run Langevin dynamics, keep every ``args.every``-th frame.

    Protons weigh 2 u here: sampling wants configurations, not dynamics, and allows 1 fs steps.
    """
    for number, (n_koh, n_water) in enumerate(BOXES):
        rng = np.random.default_rng(args.seed + number)
        temperature = TEMPERATURES_K[(number + args.seed) % len(TEMPERATURES_K)]
        atoms = packed(n_koh, n_water, rng)
        atoms.calc = calculator
        FIRE(atoms, logfile=None, maxstep=0.1).run(fmax=1.0, steps=80)
        atoms.set_masses(np.where(atoms.numbers == 1, 2.0, atoms.get_masses()))
        MaxwellBoltzmannDistribution(atoms, temperature_K=temperature, rng=rng)
        thermostat = Langevin(
            atoms, units.fs, temperature_K=temperature, friction=0.03 / units.fs, rng=rng
        )
        for _ in range(args.steps // args.every):
            thermostat.run(args.every)
            frame = atoms.copy()
            del frame.arrays["momenta"], frame.arrays["masses"]
            frame.info["run"] = f"{args.out.stem}_{number}"
            write(args.out, frame, append=True, format="extxyz")


def label(args: argparse.Namespace) -> None:
    """Write the teacher's energy and forces of each frame; go on where a kill left off."""
    done = sum(1 for _ in iread(args.out, index=":")) if args.out.exists() else 0
    calculator = teacher()
    for number, atoms in enumerate(iread(args.frames, index=":")):
        if number < done:
            continue
        atoms.calc = calculator
        frame = atoms.copy()
        frame.info["REF_energy"] = float(atoms.get_potential_energy())
        frame.arrays["REF_forces"] = atoms.get_forces()
        write(args.out, frame, append=True, format="extxyz")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=["seed", "visit", "label"])
    parser.add_argument("frames", type=Path, nargs="?")
    parser.add_argument("--potential", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--every", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1000)
    args = parser.parse_args()
    keep_freed_memory()
    if args.stage == "label":
        label(args)
    elif args.stage == "seed":
        dynamics(args, teacher())
    else:
        from pykoh.engines.calculator import PykohCalculator

        dynamics(args, PykohCalculator(args.potential))


if __name__ == "__main__":
    main()
