"""Coordinates of a run that are continuous from frame to frame, whatever its dump holds.

Wrapped coordinates are unwrapped, image flags are used, and frames after image flags were reset are
joined to those before, whether a new file begins there or a run was continued in the same file.
"""

from __future__ import annotations

import numpy as np

from pykoh.arrays import FloatArray
from pykoh.trajectory.dump import RawFrame
from pykoh.trajectory.header import Cell
from pykoh.trajectory.layout import Layout
from pykoh.trajectory.unwrapping import to_cartesian, to_fractional, unwrap

LONGEST_WRAPPED_STEP = 0.25
"""Longest step between frames, as a fraction of the cell, that wrapped coordinates may have.

A step of more than half a cell looks like the shorter step to another image. Thermal steps have no
sharp upper limit. But if the longest of all steps is below a quarter of the cell, a step of half a
cell does not occur.
"""

LEAP = 0.4
"""Step between frames, as a fraction of the cell's smallest height, that is looked at again.

Atoms whose image flags were reset move by whole cell vectors, less what they moved by themselves.
"""

MOST_CELLS = 10_000
"""An atom that is farther away has left the simulation: its flags were not reset."""

# Key in a saved state -> attribute. The keys stay: a newer pykoh continues an older analysis.
_ARRAYS = {
    "fractional": "_fractional",
    "previous": "_previous",
    "shift": "_shift",
    "last_positions": "positions",
    "offset": "_offset",
}


class LongStep(Exception):  # noqa: N818  (always caught by the reader, which names file and frame)
    """An atom moved too far between two frames to unwrap its coordinates.

    Attributes:
        atom: index of the atom.
        longest: its step, as a fraction of the cell.
    """

    def __init__(self, atom: int, longest: float) -> None:
        super().__init__(atom, longest)
        self.atom, self.longest = atom, longest


class ContinuousCoordinates:
    """Unwraps the frames of a run, one after the other.

    Attributes:
        positions: [n_atoms, 3], Å, unwrapped, of the last frame. The array is used again.
    """

    def __init__(self) -> None:
        self.positions: FloatArray = np.zeros((0, 3))
        self._fractional: FloatArray | None = None
        self._previous: FloatArray = np.zeros((0, 3))
        self._shift: FloatArray = np.zeros((0, 3))
        self._offset: FloatArray | None = None  # cells to add, since image flags were reset
        self._last_cell: Cell | None = None  # of the last frame without fractional coordinates
        self._cell: Cell | None = None  # that _inverse belongs to
        self._inverse: FloatArray = np.zeros((3, 3))
        self._height_of: Cell | None = None
        self._height = 0.0

    def state(self) -> dict[str, FloatArray]:
        """Return arrays for continuing after the last frame."""
        if self._fractional is None:
            return {}
        arrays = {
            key: value
            for key, name in _ARRAYS.items()
            if (value := getattr(self, name)) is not None
        }
        if self._last_cell is not None:
            arrays["cell"], arrays["origin"] = self._last_cell.vectors, self._last_cell.origin
        return arrays

    def restore(self, arrays: dict[str, FloatArray]) -> None:
        """Continue from a state.

        Args:
            arrays: from :meth:`state`; other keys are ignored.
        """
        for key, name in _ARRAYS.items():
            if key in arrays:
                setattr(self, name, arrays[key])
        if "cell" in arrays:
            self._last_cell = Cell(arrays["cell"], arrays["origin"])

    def add(self, raw: RawFrame, layout: Layout, joins: bool) -> bool:
        """Compute the positions of the next frame.

        Args:
            raw: the frame.
            layout: columns of its file.
            joins: the frame is the first of a file that follows another one.

        Returns:
            Whether the frame was joined to the one before, because image flags were reset.

        Raises:
            LongStep: wrapped coordinates cannot be unwrapped.
        """
        first = self._fractional is None
        if self._fractional is None:
            n = len(raw.values)
            self._fractional, self._previous = np.zeros((n, 3)), np.zeros((n, 3))
            self._shift, self.positions = np.zeros((n, 3)), np.zeros((n, 3))
        if joins:
            self._offset = None
        cell = raw.header.cell
        given, as_given = raw.values[:, :3], layout.unwrapped and not layout.scaled
        if (
            as_given
            and self._offset is None
            and not joins
            and (first or not self._leaps(given, cell))
        ):
            # Fractional coordinates are only needed when frames are joined.
            self.positions[:] = given
            self._last_cell = cell
            return False
        if self._last_cell is not None:
            inverse = np.linalg.inv(self._last_cell.vectors).astype(np.float64)
            origin = self._last_cell.origin
            to_fractional(self.positions, False, False, inverse, origin, self._fractional)
            self._last_cell = None
        self._previous, self._fractional = self._fractional, self._previous
        if cell is not self._cell:
            self._cell = cell
            self._inverse = np.linalg.inv(cell.vectors).astype(np.float64)
        to_fractional(
            raw.values, layout.scaled, layout.images, self._inverse, cell.origin, self._fractional
        )
        joined = False
        if not first:
            if not layout.unwrapped and not layout.images:
                atom, longest = self._unwrap(self._fractional)
                if atom >= 0:
                    raise LongStep(atom, longest)
            else:
                if self._offset is not None:
                    self._fractional += self._offset
                if joins or np.abs(self._fractional - self._previous).max() > LEAP:
                    joined = self._join(self._fractional)
        to_cartesian(self._fractional, cell.vectors, cell.origin, self.positions)
        return joined

    def _unwrap(self, fractional: FloatArray) -> tuple[int, float]:
        atom, longest = unwrap(fractional, self._previous, LONGEST_WRAPPED_STEP, self._shift)
        return int(atom), float(longest)

    def _leaps(self, given: FloatArray, cell: Cell) -> bool:
        """Return whether an atom is far from where it was in the last frame."""
        if cell is not self._height_of:
            self._height_of, self._height = cell, float(cell.heights().min())
        return bool(np.abs(given - self.positions).max() > LEAP * self._height)

    def _join(self, fractional: FloatArray) -> bool:
        """Join unwrapped coordinates to those of the frame before, if image flags were reset.

        Then all atoms have moved by whole cell vectors and a little more. In a trajectory whose
        frames are so far apart that atoms do cross the cell, some are in between.
        """
        joined = fractional.copy()
        atom, _ = self._unwrap(joined)
        cells = float(np.abs(self._shift).max())
        if atom >= 0 or not 0.0 < cells < MOST_CELLS:
            return False
        fractional[:] = joined
        self._offset = self._shift + (0.0 if self._offset is None else self._offset)
        return True
