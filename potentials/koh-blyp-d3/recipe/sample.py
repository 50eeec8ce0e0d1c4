"""Frames to label: molecular dynamics with a potential in freshly packed boxes.

    python sample.py --potential koh.pt --batch 0 --out batch_0.extxyz

One batch is one trajectory at each concentration. Batches differ in seed, and rotate the
temperatures over the concentrations. A trajectory that is already in the file is not run again.
Needs pykoh[run].
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.constraints import FixCom
from ase.io import iread, write
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import thermalize_momenta
from ase.optimize import FIRE

from pykoh.engines.calculator import PykohCalculator
from pykoh.engines.memory import keep_freed_memory
from pykoh.solution.composition import from_molarity
from pykoh.solution.packing import pack

# mol/L, atoms to aim at: 1 KOH + 32 H2O, 3 + 24, 7 + 24, 9 + 19.
BOXES = ((1.7, 99), (6.3, 81), (12.7, 93), (17.7, 84))
TEMPERATURES_K = (300.0, 333.0, 363.0, 400.0)


def packed(
    calculator: PykohCalculator, molarity: float, n_atoms: int, rng: np.random.Generator
) -> tuple[Atoms, float]:
    """Return a packed box after 80 steps of relaxation, and its molarity, mol/L.

    Protons weigh 2 u here: sampling wants configurations, whose distribution does not depend on
    masses, and may then take longer steps.
    """
    composition = from_molarity(molarity, n_atoms)
    box = pack(composition, rng)
    atoms = Atoms(
        list(box.symbols),
        positions=box.positions_A,
        cell=[composition.box_length_A] * 3,
        pbc=True,
        calculator=calculator,
    )
    FIRE(atoms, logfile=None, maxstep=0.1).run(fmax=1.0, steps=80)
    atoms.set_masses(np.where(atoms.numbers == 1, 2.0, atoms.get_masses()))
    return atoms, round(composition.molarity_mol_per_L, 4)


def trajectory(
    calculator: PykohCalculator, molarity: float, n_atoms: int, temperature: float, seed: int
) -> Iterator[Atoms]:
    """Yield frames: the first after 1.5 ps of Langevin dynamics, then one each 0.75 ps.

    Steps of 1 fs, which the protons of 2 u allow.
    """
    rng = np.random.default_rng(seed)
    atoms, reached = packed(calculator, molarity, n_atoms, rng)
    thermalize_momenta(atoms, temperature_K=temperature, rng=rng)
    atoms.set_constraint(FixCom())
    thermostat = Langevin(
        atoms,
        units.fs,
        temperature_K=temperature,
        friction=0.03 / units.fs,
        rng=rng,
        fixcm=False,
    )
    thermostat.run(750)
    while True:
        thermostat.run(750)
        frame = Atoms(atoms.symbols, positions=atoms.positions, cell=atoms.cell, pbc=True)
        frame.info["molarity"] = reached
        frame.info["temperature_K"] = temperature
        yield frame


def main() -> None:
    """Read the command line and write one batch."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--potential", type=Path, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--frames", type=int, default=7, help="of each trajectory")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    keep_freed_memory()
    calculator = PykohCalculator(args.potential)
    done = {f.info["run"] for f in iread(args.out, index=":")} if args.out.exists() else set()
    for number, (molarity, n_atoms) in enumerate(BOXES):
        name = f"b{args.batch}_{molarity:g}M"
        if name in done:
            continue
        turn = args.batch + args.batch // len(TEMPERATURES_K) + number
        temperature = TEMPERATURES_K[turn % len(TEMPERATURES_K)]
        seed = 1000 * (args.batch + 1) + number
        source = trajectory(calculator, molarity, n_atoms, temperature, seed)
        frames = [next(source) for _ in range(args.frames)]
        for frame in frames:
            frame.info["run"] = name
        write(args.out, frames, append=True, format="extxyz")


if __name__ == "__main__":
    main()
