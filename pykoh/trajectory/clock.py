"""When the frames of a run were written, and whether they are evenly spaced."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pykoh.errors import TrajectoryError
from pykoh.trajectory.frame_reader import FrameReader
from pykoh.trajectory.header import PS_PER_TIME_UNIT, FrameHeader
from pykoh.trajectory.plausible import TimeSource
from pykoh.trajectory.unused_options import check_atoms_and_units, check_times

if TYPE_CHECKING:
    from pykoh.trajectory.opening import TrajectoryFile
    from pykoh.trajectory.run import ReadOptions

_OFF_GRID = 0.01  # of the spacing
_COARSE = 0.1  # of the spacing; times that are less exact cannot tell one frame from the next


def time_of(header: FrameHeader, file: TrajectoryFile, options: ReadOptions) -> float:
    """Return the time of a frame, ps.

    Raises:
        TrajectoryError: neither the file nor an option gives it, or the units are unknown.
    """
    units = header.units or file.units or options.units
    if units not in PS_PER_TIME_UNIT:
        raise TrajectoryError(
            f"{file.name}: its units are '{units}'; only LAMMPS 'metal' and 'real' are supported"
        )
    if header.time is not None:
        return header.time * PS_PER_TIME_UNIT[units]
    if options.timestep_fs is None:
        raise TrajectoryError(
            f"{file.name}: its times are unknown (no 'ITEM: TIME'); give the MD time step with "
            "--timestep FS, or write the dump with 'dump_modify ID time yes'"
        )
    return header.step * options.timestep_fs * 1e-3


def source_of(header: FrameHeader, file: TrajectoryFile, options: ReadOptions) -> TimeSource:
    """Return what gave the time of a frame."""
    if isinstance(file, FrameReader):
        return TimeSource(file.time_source, options.units, options.timestep_fs, options.interval_ps)
    if header.time is None:
        source = "timestep"
    else:
        source = "units" if header.units is None and file.units is None else "lammps"
    units = header.units or file.units or options.units
    return TimeSource(source, units, options.timestep_fs, options.interval_ps)


class Clock:
    """The even grid of times that the first two frames of a run define.

    Args:
        options: of reading.

    Attributes:
        interval_ps: time between frames that are used; known after two frames.
        spacing_ps: time between frames of the file; 0 before two frames.
        n: frames on the grid so far.
        last_ps: time of the last of them; None before the first.
    """

    def __init__(self, options: ReadOptions) -> None:
        self._options = options
        self.interval_ps: float | None = None
        self.spacing_ps = 0.0
        self.n = 0
        self.last_ps: float | None = None
        self._first_ps, self._first_step = 0.0, 0

    def state(self) -> dict[str, Any]:
        """Return JSON values for :meth:`restore`."""
        return {name: value for name, value in vars(self).items() if name != "_options"}

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a state."""
        vars(self).update(state)

    def begin(self, time: float, file: TrajectoryFile, header: FrameHeader) -> list[str]:
        """Take the first frame; return notes for the user.

        Raises:
            TrajectoryError: an option contradicts the file.
        """
        self._first_ps, self._first_step = time, header.step
        return check_atoms_and_units(file, header, self._options)

    def space(self, time: float, file: TrajectoryFile, header: FrameHeader) -> list[str]:
        """Take the second frame, which defines the spacing; return notes for the user.

        Raises:
            TrajectoryError: an option contradicts the times, or they are too coarse.
        """
        self._set_spacing(time - self._first_ps)
        n_steps = header.step - self._first_step
        notes = check_times(file, n_steps, header, self.spacing_ps, self._options)
        if header.resolution > _COARSE * self.spacing_ps:
            raise TrajectoryError(
                f"{file.name}: its times are in single precision, with an error of "
                f"{header.resolution:g} ps; this is too large for frames {self.spacing_ps:g} ps "
                "apart: give the time between frames with --interval PS"
            )
        return notes

    def is_next(
        self, time: float, file: TrajectoryFile, header: FrameHeader, damaged: str | None
    ) -> bool:
        """Return whether a later frame is the next one of the grid; else it lies between two.

        Args:
            time: of the frame, ps.
            file: that holds it.
            header: of the frame.
            damaged: what is known of a damaged frame before it, or None.

        Raises:
            TrajectoryError: frames are missing before it.
        """
        expected = self._first_ps + self.n * self.spacing_ps
        # Printed times are rounded; each frame makes their mean spacing more precise.
        if abs(time - expected) <= _OFF_GRID * self.spacing_ps + 3.0 * header.resolution:
            self._set_spacing((time - self._first_ps) / self.n)
            return True
        if time < expected:
            return False
        last = self.last_ps or 0.0
        if damaged is not None:
            raise TrajectoryError(
                f"{file.name}: {damaged}; analyse the part before with --stop {last:g}, or the "
                f"part behind with --start {time:g}"
            )
        raise TrajectoryError(
            f"{file.name}: frames are not evenly spaced: {self.spacing_ps:g} ps at first, but "
            f"{time - last:g} ps before {time:g} ps (step {header.step}); analyse the parts "
            "separately, or choose one with --start and --stop"
        )

    def count(self, time: float) -> None:
        """Count a frame that is used for the grid."""
        self.last_ps = time
        self.n += 1

    def _set_spacing(self, spacing_ps: float) -> None:
        self.spacing_ps = spacing_ps
        self.interval_ps = spacing_ps * self._options.stride
