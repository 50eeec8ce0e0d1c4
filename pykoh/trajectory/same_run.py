"""Are two runs of a series independent? A copy of a run, or its next part, is not another run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pykoh.arrays import FloatArray
from pykoh.errors import TrajectoryError
from pykoh.trajectory.blocks import FrameBlock
from pykoh.trajectory.run import ReadOptions, Run
from pykoh.trajectory.streams import STDIN

_SAME_A = 0.02  # XTC rounds to 0.005 Å
# Between frames, atoms move by 0.05 Å (10 fs) to 1 Å (1 ps). In other runs they are elsewhere.
_NEXT_FRAME_A = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Beginning:
    """The first frames of a run.

    Attributes:
        species: [n_atoms], of :mod:`pykoh.trajectory.species`.
        frames: the first block.
    """

    species: np.ndarray
    frames: FrameBlock


def beginning(path: str, options: ReadOptions) -> Beginning | None:
    """Return the first frames of a file; None if it cannot be read, or not twice."""
    if path == STDIN:
        return None
    run = Run([path], options)
    try:
        frames = next(iter(run.blocks()), None)
    except TrajectoryError:  # its analysis says why
        return None
    return None if frames is None else Beginning(run.atoms.species, frames)


def _apart(one: FloatArray, other: FloatArray, cell: FloatArray) -> FloatArray:
    """Return [n_atoms], Å, the distances of atoms in two frames, by the nearest image."""
    fraction = (one - other) @ np.linalg.inv(cell)
    apart: FloatArray = np.linalg.norm((fraction - np.round(fraction)) @ cell, axis=1)
    return apart


def is_copy(one: Beginning, other: Beginning) -> bool:
    """Return whether two runs have the same frames at their beginning.

    Runs that start at the same positions with other velocities are not copies: the last frame that
    both blocks have is compared, too.
    """
    if one.species.shape != other.species.shape or (one.species != other.species).any():
        return False
    n = min(len(one.frames.positions), len(other.frames.positions))
    return all(
        _apart(one.frames.positions[k], other.frames.positions[k], one.frames.cells[k]).max()
        < _SAME_A
        for k in (0, n - 1)
    )


def continues(end: FloatArray, before: Beginning, following: Beginning) -> bool:
    """Return whether a run begins where another one ended.

    Runs that start from one box are near to each other for some time. So the run has to begin
    nearer to the end of the other one than to its beginning.

    Args:
        end: [n_atoms, 3], Å, positions in the last frame of the other run.
        before: the beginning of the other run.
        following: the beginning of the run.
    """
    kinds = before.species
    if kinds.shape != following.species.shape or (kinds != following.species).any():
        return False
    frames = following.frames
    first, cell = frames.positions[0], frames.cells[0]
    to_end, to_beginning = (
        float(np.sqrt((_apart(place, first, cell) ** 2).mean()))
        for place in (end, before.frames.positions[0])
    )
    return to_end < _NEXT_FRAME_A and to_end < to_beginning
