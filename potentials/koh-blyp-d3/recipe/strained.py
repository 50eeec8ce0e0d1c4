"""Frames to label where the potential is weak: fresh from packing, hot, compressed, stretched.

    python strained.py --potential koh.pt --batch 0 --out strained_0.extxyz

Boxes fresh from packing, heating and the guards of a campaign meet such frames; an equilibrated
liquid does not. One batch is one trajectory at each concentration with three frames: 0.05 ps after
a short relaxation of the packed box, after 0.5 ps more at 500 K, and after another 0.25 ps with
each length changed by 3 % (stretched in even batches, compressed in odd ones). Needs pykoh[run].

A frame straight from the relaxation (30 steps of FIRE) is no use: CP2K found no converged
wavefunction for the one that was tried.
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
from sample import packed

from pykoh.engines.calculator import PykohCalculator
from pykoh.engines.memory import keep_freed_memory

# mol/L, atoms to aim at: most of them where the potential errs most.
BOXES = ((6.3, 81), (12.7, 93), (17.7, 84), (3.2, 106))
HOT_K = 500.0
CHANGE_OF_LENGTH = 0.03


def frames_of(
    calculator: PykohCalculator, molarity: float, n_atoms: int, seed: int, scale: float
) -> Iterator[Atoms]:
    """Yield the fresh, the hot and the strained frame of one box; steps of 0.5 fs."""
    rng = np.random.default_rng(seed)
    atoms, reached = packed(calculator, molarity, n_atoms, rng)

    def frame(kind: str) -> Atoms:
        taken = Atoms(atoms.symbols, positions=atoms.positions, cell=atoms.cell, pbc=True)
        taken.info["molarity"] = reached
        taken.info["kind"] = kind
        return taken

    thermalize_momenta(atoms, temperature_K=HOT_K / 2, rng=rng)
    atoms.set_constraint(FixCom())
    thermostat = Langevin(
        atoms, 0.5 * units.fs, temperature_K=HOT_K, friction=0.03 / units.fs, rng=rng, fixcm=False
    )
    thermostat.run(100)
    yield frame("fresh")
    thermostat.run(1000)
    yield frame("hot")
    atoms.set_cell(atoms.cell.array * scale, scale_atoms=True)
    thermostat.run(500)
    yield frame("stretched" if scale > 1 else "compressed")


def main() -> None:
    """Read the command line and write one batch."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--potential", type=Path, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    keep_freed_memory()
    calculator = PykohCalculator(args.potential)
    done = {f.info["run"] for f in iread(args.out, index=":")} if args.out.exists() else set()
    scale = 1 + CHANGE_OF_LENGTH * (-1) ** args.batch
    for number, (molarity, n_atoms) in enumerate(BOXES):
        name = f"s{args.batch}_{molarity:g}M"
        if name in done:
            continue
        seed = 500_000 + 1000 * args.batch + number
        frames = list(frames_of(calculator, molarity, n_atoms, seed, scale))
        for taken in frames:
            taken.info["run"] = name
        write(args.out, frames, append=True, format="extxyz")


if __name__ == "__main__":
    main()
