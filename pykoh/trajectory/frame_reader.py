"""Checked frames of any format other than a LAMMPS dump."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType
from typing import TypeVar

import numpy as np

from pykoh.errors import TrajectoryError
from pykoh.trajectory.dump import Bookmark, RawFrame
from pykoh.trajectory.frame_data import FrameData
from pykoh.trajectory.header import Cell, FrameHeader
from pykoh.trajectory.layout import Layout
from pykoh.trajectory.parsing import N_VALUES
from pykoh.trajectory.species import Atoms

_Reader = TypeVar("_Reader", bound="FrameReader")

LARGEST_A = 1e6
"""Å. No atom diffuses so far in any run: in 3 µs at 10⁻⁸ m²/s it is 4000 Å."""

_FURTHEST_TIMES = 0.01  # allowed relative difference of the file's interval and the given one


class FrameReader:
    """A reader of frames.

    Args:
        name: for messages.
        atoms: the expected atoms, or None.
        interval_ps: time between frames, instead of the times in the file, or None.

    Attributes:
        atoms: the atoms, in the order of the frames.
        layout: known after the first frame.
        notes: notes for the user about the source (a frame is cut off ...).
        size: bytes of the file, or None.

    Raises:
        TrajectoryError: from the methods, with the source and the frame.
    """

    def __init__(self, name: str, atoms: Atoms | None, interval_ps: float | None) -> None:
        self.name = name
        self.size: int | None = None
        self.position = 0
        self.notes: list[str] = []
        self.units: str | None = "metal"
        self.layout: Layout | None = None
        self.atoms = atoms
        self._interval = interval_ps
        self._n_read = 0
        self._n_frames: int | None = None
        self._ahead: FrameData | None = None
        self._own_interval: float | None = None  # time between the first two frames in the file
        self._first_time: float | None = None
        self._frames: Iterator[FrameData] = iter(())

    def __enter__(self: _Reader) -> _Reader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop reading."""
        close = getattr(self._frames, "close", None)
        if close is not None:
            close()

    @property
    def time_source(self) -> str:
        """Source of the times: a ``source`` of :class:`pykoh.trajectory.plausible.TimeSource`."""
        return "file" if self._interval is None else "interval"

    def _check_order(self, frame: FrameData) -> None:
        """Refuse a first frame whose atoms cannot be in the order of :attr:`atoms`."""

    def bookmark(self) -> Bookmark:
        """Return the place after the last frame that was read."""
        return 0, self._n_read, None

    def go_to(self, bookmark: Bookmark) -> None:
        """Continue from a place in the same file; the frames before it are read again."""
        while self._n_read < bookmark[1] and (frame := next(self._frames, None)) is not None:
            self._set_layout(frame)
            self._n_read += 1

    def next_header(self) -> FrameHeader | None:
        """Return the header of the next frame without moving, or None at the end."""
        if self._ahead is None:
            self._ahead = next(self._frames, None)
        if self._ahead is None:
            if self._n_read == 0:
                raise TrajectoryError(f"{self.name}: holds no frame")
            return None
        frame = self._ahead
        self._check(frame)
        self._set_layout(frame)
        step = self._n_read if frame.step is None else frame.step
        resolution = 0.0 if self._interval is not None else frame.resolution_ps
        assert self.layout is not None
        return FrameHeader(
            step, self._time(frame), None, len(frame.positions), Cell(frame.cell, np.zeros(3)),
            self.layout.names, 0, resolution,
        )  # fmt: skip

    def _time(self, frame: FrameData) -> float:
        """Return the time of a frame, ps: from its file, or from the given interval."""
        if self._interval is not None:
            self._compare_interval(frame)
            return (self._n_read if frame.number is None else frame.number) * self._interval
        if frame.time_ps is None:
            raise TrajectoryError(
                f"{self.name}: its times are unknown; give the time between its frames with "
                "--interval PS"
            )
        return frame.time_ps

    def _compare_interval(self, frame: FrameData) -> None:
        """Add one note if the times of the file differ from the given interval."""
        if frame.time_ps is None or self._own_interval is not None:
            return
        if self._n_read == 0:
            self._first_time = frame.time_ps
        elif self._n_read == 1 and self._first_time is not None:
            assert self._interval is not None
            own = self._own_interval = frame.time_ps - self._first_time
            slack = _FURTHEST_TIMES * self._interval + 3.0 * frame.resolution_ps
            if own > 0 and abs(own - self._interval) > slack:
                self.notes.append(
                    f"{self.name}: in the file its frames are {own:g} ps apart; --interval "
                    f"{self._interval:g} was used"
                )

    def _check(self, frame: FrameData) -> None:
        place = f"{self.name}: frame {self._n_read + 1}"
        assert self.atoms is not None
        if len(frame.positions) != len(self.atoms.ids):
            raise TrajectoryError(
                f"{place} has {len(frame.positions)} atoms, {len(self.atoms.ids)} were expected"
            )
        # This is also true for NaN.
        wrong = ~(np.abs(frame.positions) < LARGEST_A).all(axis=1)
        if wrong.any():
            atom = int(np.flatnonzero(wrong)[0])
            x = " ".join(f"{value:g}" for value in frame.positions[atom])
            raise TrajectoryError(
                f"{place}: atom {atom + 1} is at {x} Å; the simulation was unstable or the file "
                "is damaged: analyse the part before with --stop PS"
            )
        cell = frame.cell
        if not np.isfinite(cell).all() or not 1e-6 < abs(np.linalg.det(cell)) < LARGEST_A**3:
            raise TrajectoryError(
                f"{place} has no periodic cell, which bulk transport needs: write the frames with "
                'their cell, as ASE does in extended XYZ (Lattice="…" in the second line)'
            )

    def _set_layout(self, frame: FrameData) -> None:
        """Store the layout of the first frame, and check the order of its atoms."""
        if self.layout is not None:
            return
        names = ("xu", "yu", "zu") if frame.unwrapped else ("x", "y", "z")
        self.layout = Layout(
            np.zeros(0, dtype=np.int64), names, True, False, frame.unwrapped,
            frame.images is not None, frame.velocities is not None,
        )  # fmt: skip
        self._check_order(frame)

    def body(self, header: FrameHeader) -> RawFrame | None:
        """Return the frame of the last header of :meth:`next_header`."""
        assert self._ahead is not None
        frame = self._ahead
        values = np.zeros((len(frame.positions), N_VALUES))
        values[:, :3] = frame.positions
        if frame.images is not None:
            values[:, 3:6] = frame.images
        if frame.velocities is not None:
            values[:, 6:9] = frame.velocities
        self._ahead = None
        self._n_read += 1
        if self._n_frames and self.size:
            self.position = self.size * self._n_read // self._n_frames
        return RawFrame(header, values)
