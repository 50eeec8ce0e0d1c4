"""Small labelled boxes for the tests of labelling, training and transfer."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.calculators.lj import LennardJones
from ase.io import write

from potentials import water_like_box

# (KOH, H2O) of small boxes at 3.5 and 9.3 mol/L.
BOXES = {"dilute": (1, 14), "dense": (2, 10)}


@cache
def _packed(kind: str) -> Atoms:
    return water_like_box(*BOXES[kind])


def frames(kind: str, run: str, n_frames: int, seed: int) -> list[Atoms]:
    """Return frames of one trajectory: a packed box, shaken."""
    rng = np.random.default_rng(seed)
    box = _packed(kind).copy()
    box.positions += rng.normal(scale=0.05, size=box.positions.shape)
    result = []
    for _ in range(n_frames):
        frame = box.copy()
        frame.positions += rng.normal(scale=0.03, size=frame.positions.shape)
        frame.info["run"] = run
        result.append(frame)
    return result


def lennard_jones() -> LennardJones:
    """Return a cheap potential that stands for a teacher."""
    return LennardJones(sigma=1.0, epsilon=0.004, rc=2.5, smooth=True)


def label(atoms: Atoms, level: str = "lj") -> Atoms:
    """Return a frame with the energy and forces of :func:`lennard_jones`."""
    frame = atoms.copy()
    frame.calc = lennard_jones()
    frame.info["REF_energy"] = float(frame.get_potential_energy())
    frame.arrays["REF_forces"] = frame.get_forces()
    frame.calc = None
    frame.info.update(level=level, core_s=36.0)
    return frame


def isolated(level: str = "lj") -> list[Atoms]:
    """Return the isolated atoms of H, O and K."""
    atoms = []
    for symbol, energy in (("H", -0.1), ("O", -0.2), ("K", -0.3)):
        atom = Atoms(symbol, cell=[12.0] * 3, pbc=True)
        atom.info.update(REF_energy=energy, config_type="IsolatedAtom", level=level)
        atom.arrays["REF_forces"] = np.zeros((1, 3))
        atoms.append(atom)
    return atoms


def label_file(path: Path, level: str = "lj", n_frames: int = 3, n_runs: int = 3) -> Path:
    """Write isolated atoms and labelled trajectories at two concentrations."""
    content = isolated(level)
    for number, kind in enumerate(BOXES):
        for run in range(n_runs):
            made = frames(kind, f"{kind}_{run}", n_frames, seed=10 * number + run)
            content += [label(frame, level) for frame in made]
    write(path, content, format="extxyz")
    return path
