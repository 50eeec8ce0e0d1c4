"""Blocks of frames of a run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pykoh.trajectory.dump import RawFrame


@dataclass(frozen=True, slots=True, eq=False)
class FrameBlock:
    """A block of consecutive frames.

    Attributes:
        steps: [n_frames], MD steps.
        times_ps: [n_frames], ps.
        cells: [n_frames, 3, 3], Å, cell vectors in rows.
        positions: [n_frames, n_atoms, 3], Å, unwrapped, atoms sorted by id.
        velocities: [n_frames, n_atoms, 3], Å/ps, or None; NaN where a file of the run has none.
    """

    steps: NDArray[np.int64]
    times_ps: NDArray[np.float64]
    cells: NDArray[np.float64]
    positions: NDArray[np.float64]
    velocities: NDArray[np.float64] | None


class BlockBuilder:
    """Collects frames until a block is full."""

    def __init__(self, size: int, n_atoms: int, velocities: bool) -> None:
        self.n = 0
        self._size = size
        self._n_atoms = n_atoms
        self._has_velocities = velocities
        self._new()

    @property
    def full(self) -> bool:
        """Whether the block is full."""
        return self.n == self._size

    def add(
        self,
        raw: RawFrame,
        time: float,
        positions: NDArray[np.float64],
        velocity_unit: float,
    ) -> None:
        """Add a frame.

        Args:
            raw: the frame.
            time: ps.
            positions: [n_atoms, 3], Å; copied.
            velocity_unit: Å/ps per unit of its velocities.
        """
        self._steps[self.n] = raw.header.step
        self._times[self.n] = time
        self._cells[self.n] = raw.header.cell.vectors
        self._positions[self.n] = positions
        if self._velocities is not None:
            np.multiply(raw.values[:, 6:9], velocity_unit, out=self._velocities[self.n])
        self.n += 1

    def take(self) -> FrameBlock:
        """Return the collected frames, and start a new block."""
        n, self.n = self.n, 0
        velocities = None if self._velocities is None else self._velocities[:n]
        frames = FrameBlock(
            self._steps[:n], self._times[:n], self._cells[:n], self._positions[:n], velocities
        )
        self._new()
        return frames

    def _new(self) -> None:
        self._steps = np.zeros(self._size, dtype=np.int64)
        self._times = np.zeros(self._size)
        self._cells = np.zeros((self._size, 3, 3))
        self._positions = np.zeros((self._size, self._n_atoms, 3))
        self._velocities = (
            np.zeros((self._size, self._n_atoms, 3)) if self._has_velocities else None
        )
