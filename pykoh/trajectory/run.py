"""One run from one or several consecutive dumps, as blocks of frames in unwrapped coordinates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pykoh.errors import TrajectoryError
from pykoh.trajectory.dump import RawFrame
from pykoh.trajectory.header import PS_PER_TIME_UNIT, Cell, FrameHeader
from pykoh.trajectory.opening import TrajectoryFile, open_trajectory
from pykoh.trajectory.species import Atoms, SpeciesMap
from pykoh.trajectory.streams import STDIN
from pykoh.trajectory.unwrapping import to_cartesian, to_fractional, unwrap

LONGEST_WRAPPED_STEP = 0.25
"""Longest step between frames, as a fraction of the cell, that wrapped coordinates may show.

A step of more than half a cell cannot be told from the shorter one to the other image. Thermal
steps have no sharp upper end: while the longest of them all stays below a quarter of the cell, one
of twice that length, which would be the first to be misread, is out of reach.
"""

_ATOM_FRAMES_PER_BLOCK = 1 << 16


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How to read a run.

    Attributes:
        timestep_fs: MD step in fs, for dumps without ``ITEM: TIME``.
        units: LAMMPS unit style of dumps that do not say it: ``metal`` or ``real``.
        species_map: what types mean.
        stride: use every n-th frame.
        start_ps: first time that is used, or None.
        stop_ps: last time that is used, or None.
        topology: file with the atoms, for formats that do not hold them, or None.
        interval_ps: time between frames, for formats that do not hold it, or None.
    """

    timestep_fs: float | None = None
    units: str = "metal"
    species_map: SpeciesMap = field(default_factory=SpeciesMap)
    stride: int = 1
    start_ps: float | None = None
    stop_ps: float | None = None
    topology: str | None = None
    interval_ps: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """A block of frames that follow each other.

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


class Run:
    """Streams the frames of one run; memory holds one block.

    Frames are evenly spaced in time. Where files overlap (a restart repeats frames) the later file
    wins, because after a restart the run goes on from there.

    Args:
        paths: dumps in order of time; ``"-"`` is standard input.
        options: how to read them.

    Attributes:
        notes: what a user should know (frames dropped, cut off, stitched).
        frame_interval_ps: known after two frames.
        atoms: known after the first frame.

    Raises:
        TrajectoryError: from :meth:`blocks`; missing or broken files, times that do not rise or
            are unknown, frames that do not fit together.
    """

    def __init__(self, paths: Sequence[str | Path], options: ReadOptions) -> None:
        if not paths:
            raise TrajectoryError("no trajectory was given; name at least one LAMMPS dump")
        if len({str(path) for path in paths}) < len(paths):
            raise TrajectoryError("a trajectory file is named twice; name each file once")
        self.paths = [str(path) for path in paths]
        self.options = options
        self.notes: list[str] = []
        self.frame_interval_ps: float | None = None
        self.n_frames = 0
        self._atoms: Atoms | None = None
        self._file: TrajectoryFile | None = None
        self._bytes_before = 0
        self._last_time: float | None = None
        self._n_accepted = 0
        self._first_time = 0.0
        self._fractional: NDArray[np.float64] | None = None
        self._last_cell: Cell | None = None  # of a frame whose fractions were not needed

    @property
    def atoms(self) -> Atoms:
        """The atoms; known after the first frame."""
        if self._atoms is None:
            raise RuntimeError("no frame was read yet")
        return self._atoms

    @property
    def bytes_read(self) -> int:
        """Bytes of all files that were read so far."""
        return self._bytes_before + (self._file.position if self._file else 0)

    @property
    def bytes_total(self) -> int | None:
        """Bytes of all files, or None with standard input."""
        if STDIN in self.paths:
            return None
        return sum(Path(path).stat().st_size for path in self.paths)

    def _open(self, path: str, atoms: Atoms | None) -> TrajectoryFile:
        given = self.options
        return open_trajectory(path, given.species_map, atoms, given.topology, given.interval_ps)

    def blocks(self) -> Iterator[Frames]:
        """Yield the frames in blocks."""
        starts = self._start_times()
        block: _Block | None = None
        for number, path in enumerate(self.paths):
            with self._open(path, self._atoms) as file:
                self._file = file
                until = min(starts[number + 1 :], default=np.inf)
                for raw, time in self._frames(file, until):
                    if block is None:
                        n = len(self.atoms.ids)
                        size = max(2, min(1024, _ATOM_FRAMES_PER_BLOCK // n))
                        block = _Block(size, n, self._has_velocities(file))
                    unit = self._velocity_unit(file) if self._has_velocities(file) else np.nan
                    block.add(raw, time, self._last_positions, unit)
                    if block.full:
                        yield block.take()
                self.notes += file.notes
                self._bytes_before += file.size or 0
                self._file = None
        if block is not None and block.n:
            yield block.take()
        if self.n_frames == 0:
            raise TrajectoryError(
                f"{', '.join(self.paths)}: no frame lies between --start and --stop"
                if self.options.start_ps is not None or self.options.stop_ps is not None
                else f"{', '.join(self.paths)}: no frame can be used"
            )

    @staticmethod
    def _has_velocities(file: TrajectoryFile) -> bool:
        return file.layout is not None and file.layout.velocities

    def _velocity_unit(self, file: TrajectoryFile) -> float:
        """Return Å/ps per unit of velocity of the dump."""
        return 1.0 / PS_PER_TIME_UNIT[file.units or self.options.units]

    def _start_times(self) -> list[float]:
        """Return the time of the first frame of each file (-inf for standard input)."""
        starts = []
        for path in self.paths:
            if path == STDIN or len(self.paths) == 1:
                starts.append(-np.inf if path == self.paths[0] else np.inf)
                continue
            with self._open(path, None) as file:
                header = file.next_header()
                if header is None:
                    raise TrajectoryError(f"{path}: holds no whole frame")
                starts.append(self._time(header, file))
        for first, second, before, after in zip(
            self.paths, self.paths[1:], starts, starts[1:], strict=False
        ):
            if after <= before:
                raise TrajectoryError(
                    f"{second} begins at {after:g} ps, not after {first} ({before:g} ps); "
                    "name the files in order of time, and runs that are not one run separately"
                )
        return starts

    def _time(self, header: FrameHeader, file: TrajectoryFile) -> float:
        """Return the time of a frame in ps."""
        units = header.units or file.units or self.options.units
        if units not in PS_PER_TIME_UNIT:
            raise TrajectoryError(
                f"{file.name}: its units are '{units}'; only LAMMPS 'metal' and 'real' are "
                "supported"
            )
        if header.time is not None:
            return header.time * PS_PER_TIME_UNIT[units]
        if self.options.timestep_fs is None:
            raise TrajectoryError(
                f"{file.name}: its times are unknown (no 'ITEM: TIME'); give the MD step with "
                "--timestep FS, or write the dump with 'dump_modify ID time yes'"
            )
        return header.step * self.options.timestep_fs * 1e-3

    def _frames(self, file: TrajectoryFile, until: float) -> Iterator[tuple[RawFrame, float]]:
        """Yield the frames of one file that are used, and set ``_last_positions`` for each."""
        repeated = replaced = between = 0
        first_of_file = True
        while (header := file.next_header()) is not None:
            time = self._time(header, file)
            tolerance = 1e-9 * max(1.0, abs(time))
            if time > (np.inf if self.options.stop_ps is None else self.options.stop_ps) + 1e-9:
                break
            raw = file.body(header)
            if raw is None:
                continue
            self._atoms = file.atoms
            if time >= until - tolerance:
                replaced += 1
                continue
            if self._last_time is not None and time <= self._last_time + tolerance:
                if time < self._last_time - tolerance and not first_of_file:
                    raise TrajectoryError(
                        f"{file.name}: times do not rise: {time:g} ps (step {raw.header.step}) "
                        f"comes after {self._last_time:g} ps; split the file there and give the "
                        "parts in order"
                    )
                repeated += 1
                continue
            if self.options.start_ps is not None and time < self.options.start_ps - 1e-9:
                # Unwrapping needs an unbroken chain of frames only from the first used one on.
                continue
            if not self._on_grid(time, file, raw.header.step):
                between += 1
                continue
            self._place(raw, file, first_of_file)
            first_of_file = False
            self._last_time = time
            self._n_accepted += 1
            if (self._n_accepted - 1) % self.options.stride == 0:
                self.n_frames += 1
                yield raw, time
        for count, what in (
            (repeated, "repeated frames were dropped"),
            (replaced, "frames were dropped because the next file begins before them"),
            (between, "frames between the regular ones were dropped"),
        ):
            if count:
                self.notes.append(f"{file.name}: {count} {what}")

    def _on_grid(self, time: float, file: TrajectoryFile, step: int) -> bool:
        """Return whether a frame lies on the even grid of times that the first two define.

        Raises:
            TrajectoryError: frames are missing before it.
        """
        if self._n_accepted == 0:
            self._first_time = time
            return True
        if self._n_accepted == 1:
            self._spacing = time - self._first_time
            self.frame_interval_ps = self._spacing * self.options.stride
            return True
        expected = self._first_time + self._n_accepted * self._spacing
        # Printed times are rounded, and their mean spacing is known better with each frame.
        if abs(time - expected) <= 0.01 * self._spacing:
            self._spacing = (time - self._first_time) / self._n_accepted
            self.frame_interval_ps = self._spacing * self.options.stride
            return True
        if time < expected:
            return False
        raise TrajectoryError(
            f"{file.name}: frames are not evenly spaced: {self._spacing:g} ps at first, but "
            f"{time - (self._last_time or 0.0):g} ps before {time:g} ps (step {step}); "
            "analyse the parts separately, or choose one with --start and --stop"
        )

    def _place(self, raw: RawFrame, file: TrajectoryFile, first_of_file: bool) -> None:
        """Compute the unwrapped positions of a frame into ``_last_positions``."""
        layout = file.layout
        assert layout is not None
        cell = raw.header.cell
        n = len(raw.values)
        if self._fractional is None:
            self._fractional = np.zeros((n, 3))
            self._previous = np.zeros((n, 3))
            self._shift = np.zeros((n, 3))
            self._last_positions = np.zeros((n, 3))
        if self._n_accepted == 0 or first_of_file:
            self._offset: NDArray[np.float64] | None = None
        joins = first_of_file and self._n_accepted > 0
        if layout.unwrapped and not layout.scaled and self._offset is None and not joins:
            # Positions as they are; fractions only once a file has to be joined.
            self._last_positions[:] = raw.values[:, :3]
            self._last_cell = cell
            return
        if self._last_cell is not None:
            inverse = np.linalg.inv(self._last_cell.vectors).astype(np.float64)
            origin = self._last_cell.origin
            to_fractional(self._last_positions, False, False, inverse, origin, self._fractional)
            self._last_cell = None
        self._previous, self._fractional = self._fractional, self._previous
        if raw.header.cell is not getattr(self, "_cell", None):
            self._cell = raw.header.cell
            self._inverse = np.linalg.inv(cell.vectors).astype(np.float64)
        to_fractional(
            raw.values, layout.scaled, layout.images, self._inverse, cell.origin, self._fractional
        )
        if self._n_accepted:
            if not layout.unwrapped and not layout.images:
                self._unwrap(raw.header, file)
            elif first_of_file:
                self._stitch(file)
            elif self._offset is not None:
                self._fractional += self._offset
        to_cartesian(self._fractional, cell.vectors, cell.origin, self._last_positions)

    def _unwrap(self, header: FrameHeader, file: TrajectoryFile) -> None:
        assert self._fractional is not None
        atom, longest = unwrap(self._fractional, self._previous, LONGEST_WRAPPED_STEP, self._shift)
        if atom >= 0:
            raise TrajectoryError(
                f"{file.name}: step {header.step}: atom {self.atoms.ids[atom]} moves by "
                f"{longest:.2f} of the cell between frames ({self._spacing:g} ps), too far to "
                "unwrap coordinates without image flags; dump 'xu yu zu' or 'x y z ix iy iz', or "
                "dump more often"
            )

    def _stitch(self, file: TrajectoryFile) -> None:
        """Join unwrapped coordinates of a file to those before it where image flags were reset."""
        assert self._fractional is not None
        joined = self._fractional.copy()
        atom, _ = unwrap(joined, self._previous, LONGEST_WRAPPED_STEP, self._shift)
        if atom < 0 and self._shift.any():
            self._fractional[:] = joined
            self._offset = self._shift.copy()
            self.notes.append(
                f"{file.name}: its image flags were reset; it was joined to the file before it"
            )


class _Block:
    """Collects frames until there are enough for a block."""

    def __init__(self, size: int, n_atoms: int, velocities: bool) -> None:
        self.n = 0
        self._size = size
        self._n_atoms = n_atoms
        self._has_velocities = velocities
        self._new()

    @property
    def full(self) -> bool:
        return self.n == self._size

    def add(
        self,
        raw: RawFrame,
        time: float,
        positions: NDArray[np.float64],
        velocity_unit: float,
    ) -> None:
        self._steps[self.n] = raw.header.step
        self._times[self.n] = time
        self._cells[self.n] = raw.header.cell.vectors
        self._positions[self.n] = positions
        if self._velocities is not None:
            np.multiply(raw.values[:, 6:9], velocity_unit, out=self._velocities[self.n])
        self.n += 1

    def take(self) -> Frames:
        """Return the collected frames, and begin with new arrays."""
        n, self.n = self.n, 0
        velocities = None if self._velocities is None else self._velocities[:n]
        frames = Frames(
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
