"""Force errors of a potential on strained frames, by kind and concentration.

    python strained_errors.py ../koh.pt ../../data/koh-blyp-d3-strained-2.extxyz.xz [--split test]

Root-mean-square over force components, meV/Å, with the 95 % interval of a bootstrap over boxes: the
frames of one box are one trajectory.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from pykoh.engines.periodic import PeriodicPotential
from pykoh.reference.frames import read_extxyz
from pykoh.reference.labels import FORCES

SAMPLES = 2000


def squares(potential: PeriodicPotential, frame: Atoms) -> NDArray[np.float64]:
    """Return the square errors ``[n, 3]`` of the forces of a frame, (meV/Å)²."""
    species = potential.species_of(frame.get_chemical_symbols())
    found = potential(frame.positions, np.asarray(frame.cell), species)
    squared: NDArray[np.float64] = 1e6 * (found.forces_eV_per_A - frame.arrays[FORCES]) ** 2
    return squared


def line(frames: list[tuple[Atoms, NDArray[np.float64]]], rng: np.random.Generator) -> str:
    """Return number of frames and boxes, the error with its interval, and those of elements."""
    boxes = defaultdict(list)
    for frame, error in frames:
        boxes[frame.info["run"]].append((error.sum(), error.size))
    sums = np.array([np.sum(own, axis=0) for own in boxes.values()])
    drawn = sums[rng.integers(len(sums), size=(SAMPLES, len(sums)))].sum(axis=1)
    low, high = np.percentile(np.sqrt(drawn[:, 0] / drawn[:, 1]), [2.5, 97.5])
    total = np.sqrt(sums[:, 0].sum() / sums[:, 1].sum())
    elements = [
        np.sqrt(np.concatenate([e[f.symbols == symbol].ravel() for f, e in frames]).mean())
        for symbol in ("H", "O", "K")
    ]
    of_elements = ", ".join(f"{value:.0f}" for value in elements)
    return (
        f"{len(frames)} of {len(sums)} boxes: {total:.0f} ({low:.0f} to {high:.0f}); {of_elements}"
    )


def main() -> None:
    """Read the command line and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("potential", type=Path)
    parser.add_argument("labels", type=Path, nargs="+")
    parser.add_argument("--split", help="only train, test or valid")
    given = parser.parse_args()
    potential = PeriodicPotential.from_file(given.potential)
    frames = [frame for path in given.labels for frame in read_extxyz(path) if "kind" in frame.info]
    chosen = [f for f in frames if given.split in (None, f.info["split"])]
    found = [(frame, squares(potential, frame)) for frame in chosen]
    rng = np.random.default_rng(0)
    groups = defaultdict(list)
    for each in found:
        groups[each[0].info["kind"]].append(each)
        groups[str(each[0].info["run"]).split("_")[1].replace("M", " mol/L")].append(each)
    for name, own in groups.items():
        print(f"{name}: {line(own, rng)}")
    print(f"all: {line(found, rng)}")


if __name__ == "__main__":
    main()
