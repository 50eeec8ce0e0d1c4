"""Energies and forces of this potential for the frames of its labels, to train inner.model on.

    python inner.py inner-labels.extxyz
    pykoh train inner-labels.extxyz -o inner.model --layers 1 --channels 32 --max-ell 2 --cutoff 4 \
      --epochs 40 --batch-size 4 --lr 0.01 --final-lr 0.0003
    pykoh export inner.model -o inner.pt

inner.pt is computed at each MD step of `pykoh run --inner`, this potential at every second or
fourth.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ase.io import write

from pykoh import Calculator
from pykoh.reference.frames import read_extxyz
from pykoh.reference.labels import ENERGY, FORCES, STRESS

FOLDER = Path(__file__).parents[1]
LABELS = FOLDER.parent / "data" / "koh-blyp-d3-labels.extxyz.xz"
KEPT = ("config_type", "molarity", "run", "split", "temperature_K")


def main() -> None:
    """Compute each frame and write the label file."""
    calculator = Calculator(FOLDER / "koh.pt", dtype="float64")
    labelled = []
    for frame in read_extxyz(LABELS):
        atoms = frame.copy()
        atoms.calc = calculator
        energy, forces = atoms.get_potential_energy(), atoms.get_forces()
        atoms.calc = None
        for key in (FORCES, STRESS):
            atoms.arrays.pop(key, None)
        atoms.info = {key: frame.info[key] for key in KEPT if key in frame.info}
        atoms.info |= {ENERGY: float(energy), "level": "koh-blyp-d3", "level_key": "koh-blyp-d3"}
        atoms.arrays[FORCES] = forces
        labelled.append(atoms)
    write(Path(sys.argv[1]), labelled, format="extxyz")
    print(f"{len(labelled)} frames")


if __name__ == "__main__":
    main()
