"""One run from one or several consecutive files, as blocks of frames with unwrapped coordinates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pykoh.errors import TrajectoryError
from pykoh.trajectory.blocks import BlockBuilder, FrameBlock
from pykoh.trajectory.clock import Clock, source_of, time_of
from pykoh.trajectory.continuous import ContinuousCoordinates, LongStep
from pykoh.trajectory.dump import Bookmark, RawFrame
from pykoh.trajectory.frame_reader import LARGEST_A
from pykoh.trajectory.header import PS_PER_TIME_UNIT, FrameHeader
from pykoh.trajectory.opening import TrajectoryFile, open_trajectory
from pykoh.trajectory.option_values import check_values
from pykoh.trajectory.plausible import TimeSource, check_clock
from pykoh.trajectory.species import Atoms, SpeciesMap
from pykoh.trajectory.streams import STDIN, STDIN_NAME

__all__ = ["FrameBlock", "ReadOptions", "Run"]

_ATOM_FRAMES_PER_BLOCK = 1 << 16

# State of a run for continuing, besides its atoms, its coordinates and the place in the file.
_PLAIN = (
    "notes", "n_frames", "_bytes_before", "_dropped", "_first_of_file", "_velocities",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Options of reading a run.

    Attributes:
        timestep_fs: MD step in fs, for dumps without ``ITEM: TIME``.
        units: LAMMPS unit style of dumps that do not name it: ``metal`` or ``real``.
        species_map: elements of the types.
        stride: use every n-th frame.
        start_ps: first time to use, or None.
        stop_ps: last time to use, or None.
        topology: file with the atoms, for formats that do not hold them, or None.
        interval_ps: time between frames, for formats that do not hold it, or None.
        temperature_K: temperature of the run, for a check of the times, or None.

    Raises:
        TrajectoryError: a value is not in the range that it can have.
    """

    timestep_fs: float | None = None
    units: str = "metal"
    species_map: SpeciesMap = field(default_factory=SpeciesMap)
    stride: int = 1
    start_ps: float | None = None
    stop_ps: float | None = None
    topology: str | None = None
    interval_ps: float | None = None
    temperature_K: float | None = None

    def __post_init__(self) -> None:
        check_values(self)


class Run:
    """Reads the frames of one run as a stream, with one block in memory.

    Frames are evenly spaced in time. If files overlap (a restart repeats frames), the frames of the
    later file are used, because the run continued from them.

    Args:
        paths: files in order of time; ``"-"`` is standard input.
        options: of reading.

    Attributes:
        notes: notes for the user (frames dropped, cut off, joined).
        n_frames: frames to use that were read so far.

    Raises:
        TrajectoryError: from :meth:`blocks`: a file is missing or damaged, times are unknown or do
            not rise, or frames do not fit together.
    """

    def __init__(self, paths: Sequence[str | Path], options: ReadOptions) -> None:
        if not paths:
            raise TrajectoryError("no trajectory was given; name at least one file")
        if len({str(path) for path in paths}) < len(paths):
            raise TrajectoryError("a trajectory file is named twice; name each file once")
        self.paths = [str(path) for path in paths]
        self.options = options
        self.notes: list[str] = []
        self.n_frames = 0
        self._atoms: Atoms | None = None
        self._file: TrajectoryFile | None = None
        self._bytes_before = 0
        self._clock = Clock(options)
        self._coordinates = ContinuousCoordinates()
        self._number = 0  # of the present file
        self._dropped = [0, 0, 0]  # its frames: repeated, replaced, between the regular ones
        self._first_of_file = True
        self._velocities: bool | None = None
        self._damaged: str | None = None  # the frame before this one, if it was left out
        self._bookmark: Bookmark | None = None  # place to continue in it
        self._unchecked_source: TimeSource | None = None  # of the first frame, until it is checked

    def rewind(self) -> None:
        """Start again at the first frame."""
        Run.__init__(self, self.paths, self.options)

    @property
    def atoms(self) -> Atoms:
        """The atoms; known after the first frame."""
        if self._atoms is None:
            raise RuntimeError("no frame was read yet")
        return self._atoms

    @property
    def frame_interval_ps(self) -> float | None:
        """Time between frames, ps; known after two frames."""
        return self._clock.interval_ps

    @property
    def last_positions(self) -> NDArray[np.float64]:
        """[n_atoms, 3], Å, of the last frame that was read."""
        return self._coordinates.positions

    @property
    def bytes_read(self) -> int:
        """Number of bytes read so far from all files."""
        return self._bytes_before + (self._file.position if self._file else 0)

    @property
    def bytes_total(self) -> int | None:
        """Size of all files in bytes, or None with standard input."""
        if STDIN in self.paths:
            return None
        return sum(Path(path).stat().st_size for path in self.paths)

    def state(self) -> tuple[dict[str, NDArray[np.float64]], dict[str, Any]]:
        """Return arrays and JSON values for continuing after the last block."""
        file = self._file
        arrays = self._coordinates.state()
        plain = {name: getattr(self, name) for name in _PLAIN}
        mark = None if file is None else file.bookmark()
        where = 0 if file is None else file.position
        plain["clock"] = self._clock.state()
        return arrays, {**plain, "number": self._number, "bookmark": mark, "bytes": where}

    def restore(
        self, arrays: dict[str, NDArray[np.float64]], plain: dict[str, Any], atoms: Atoms
    ) -> None:
        """Continue from a state; :meth:`blocks` begins there.

        Args:
            arrays: from :meth:`state`.
            plain: from :meth:`state`.
            atoms: the atoms of the run.
        """
        self._atoms = atoms
        self._number = plain["number"]
        if plain["bookmark"] is not None:
            self._bookmark = (plain["bookmark"][0], plain["bookmark"][1], plain["bookmark"][2])
        for name in _PLAIN:
            setattr(self, name, plain[name])
        self.restore_clock(plain["clock"])
        self._coordinates.restore(arrays)

    def restore_clock(self, state: dict[str, Any]) -> None:
        """Continue with the times of :meth:`state`, under ``clock``."""
        self._clock.restore(state)

    def _open(self, path: str, atoms: Atoms | None) -> TrajectoryFile:
        given = self.options
        return open_trajectory(
            path, given.species_map, atoms, given.topology, given.interval_ps, given.units
        )

    def blocks(self) -> Iterator[FrameBlock]:
        """Yield the frames in blocks."""
        starts = self._start_times()
        block: BlockBuilder | None = None
        for number in range(self._number, len(self.paths)):
            with self._open(self.paths[number], self._atoms) as file:
                self._file = file
                self._number = number
                if self._bookmark is None:
                    self._dropped, self._first_of_file = [0, 0, 0], True
                else:
                    file.go_to(self._bookmark)
                    self._bookmark = None
                until = min(starts[number + 1 :], default=np.inf)
                for raw, time in self._frames(file, until):
                    if block is None:
                        n = len(self.atoms.ids)
                        size = max(2, min(1024, _ATOM_FRAMES_PER_BLOCK // n))
                        if self._velocities is None:
                            self._velocities = self._has_velocities(file)
                        block = BlockBuilder(size, n, self._velocities)
                    unit = self._velocity_unit(file) if self._has_velocities(file) else np.nan
                    block.add(raw, time, self._coordinates.positions, unit)
                    if block.full:
                        yield self._checked(block.take(), file.name)
                self.notes += file.notes
                self._bytes_before += file.size or 0
                self._file = None
                self._number = number + 1
        if block is not None and block.n:
            yield self._checked(block.take(), self.paths[-1])
        if self.n_frames == 0:
            raise TrajectoryError(
                f"{', '.join(self.paths)}: no frame is between --start and --stop"
                if self.options.start_ps is not None or self.options.stop_ps is not None
                else f"{', '.join(self.paths)}: no frame can be used"
            )

    def _checked(self, frames: FrameBlock, name: str) -> FrameBlock:
        """Return a block of frames after checks.

        Raises:
            TrajectoryError: an atom is far outside of any box, or the times are impossible.
        """
        if max(frames.positions.max(), -frames.positions.min()) > LARGEST_A:
            frame, atom, _ = np.argwhere(np.abs(frames.positions) > LARGEST_A)[0]
            x = " ".join(f"{value:g}" for value in frames.positions[frame, atom])
            raise TrajectoryError(
                f"{name}: step {frames.steps[frame]}: atom {self.atoms.ids[atom]} is at {x} Å; the "
                "simulation was unstable or the file is damaged: analyse the part before with "
                "--stop PS"
            )
        if self._unchecked_source is not None:
            try:
                check_clock(frames, self.atoms, self._unchecked_source, self.options.temperature_K)
            except TrajectoryError as error:
                raise TrajectoryError(f"{self.paths[0]}: {error}") from None
            self._unchecked_source = None
        return frames

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
                    raise TrajectoryError(f"{path}: holds no complete frame")
                starts.append(time_of(header, file, self.options))
        for first, second, before, after in zip(
            self.paths, self.paths[1:], starts, starts[1:], strict=False
        ):
            if after <= before:
                raise TrajectoryError(
                    f"{second} begins at {after:g} ps, not after {first} ({before:g} ps); "
                    "name the files in order of time, and analyse different runs separately"
                )
        return starts

    def _frames(self, file: TrajectoryFile, until: float) -> Iterator[tuple[RawFrame, float]]:
        """Yield the frames of one file to use; ``_coordinates`` has the positions of each."""
        dropped = self._dropped
        began: float | None = None
        while (header := file.next_header()) is not None:
            time = time_of(header, file, self.options)
            tolerance = 1e-9 * max(1.0, abs(time))
            if time > (np.inf if self.options.stop_ps is None else self.options.stop_ps) + 1e-9:
                break
            raw = file.body(header)
            if raw is None:
                where = f"frame {file.bookmark()[1] + 1} ({time:g} ps, step {header.step})"
                self._damaged = f"{where} is damaged, a line is missing or incomplete"
                continue
            self._atoms = file.atoms
            began = time if began is None else began
            if time >= until - tolerance:
                if began == time and self._first_of_file and file.name == STDIN_NAME:
                    # The first frames of files are compared before any is read.
                    raise TrajectoryError(
                        f"{file.name} begins at {time:g} ps, not before the next file "
                        f"({until:g} ps); name the files in order of time, and analyse different "
                        "runs separately"
                    )
                dropped[1] += 1
                continue
            last = self._clock.last_ps
            if last is not None and time <= last + tolerance:
                if time < last - tolerance and not self._first_of_file:
                    raise TrajectoryError(
                        f"{file.name}: times do not rise: {time:g} ps (step {raw.header.step}) "
                        f"comes after {last:g} ps; split the file there and give the "
                        "parts in order"
                    )
                dropped[0] += 1
                continue
            if self.options.start_ps is not None and time < self.options.start_ps - 1e-9:
                # Unwrapping needs consecutive frames only from the first used frame on.
                continue
            if not self._on_grid(time, file, raw.header):
                dropped[2] += 1
                continue
            self._place(raw, file)
            self._first_of_file, self._damaged = False, None
            self._clock.count(time)
            if (self._clock.n - 1) % self.options.stride == 0:
                self.n_frames += 1
                yield raw, time
        if file.name == STDIN_NAME and self._first_of_file and dropped[0] > 1:
            raise TrajectoryError(
                f"{file.name} holds no frame after {self._clock.last_ps or 0.0:g} ps, where the "
                "file before it ends; name the files in order of time"
            )
        reasons = (
            ("repeated frame was dropped", "repeated frames were dropped"),
            (
                "frame is also in the next file; it is counted once",
                "frames are also in the next file; they are counted once",
            ),
            (
                "frame between the regular times was dropped",
                "frames between the regular times were dropped",
            ),
        )
        for count, (one, many) in zip(dropped, reasons, strict=True):
            if count:
                self.notes.append(f"{file.name}: {count} {one if count == 1 else many}")

    def _on_grid(self, time: float, file: TrajectoryFile, header: FrameHeader) -> bool:
        """Return whether a frame is on the even grid of times that the first two define.

        Raises:
            TrajectoryError: frames are missing before it.
        """
        clock = self._clock
        if clock.n == 0:
            self.notes += clock.begin(time, file, header)
            self._unchecked_source = source_of(header, file, self.options)
            return True
        if clock.n == 1:
            self.notes += clock.space(time, file, header)
            return True
        return clock.is_next(time, file, header, self._damaged)

    def _place(self, raw: RawFrame, file: TrajectoryFile) -> None:
        """Compute the unwrapped positions of a frame."""
        assert file.layout is not None
        joins = self._first_of_file and self._clock.n > 0
        try:
            joined = self._coordinates.add(raw, file.layout, joins)
        except LongStep as error:
            raise TrajectoryError(
                f"{file.name}: step {raw.header.step}: atom {self.atoms.ids[error.atom]} moves by "
                f"{error.longest:.2f} of the cell between frames ({self._clock.spacing_ps:g} "
                "ps), too far to unwrap coordinates without image flags; dump 'xu yu zu' or "
                "'x y z ix iy iz', or dump more often"
            ) from None
        if joined and joins:
            self.notes.append(
                f"{file.name}: its image flags were reset; it was joined to the file before it"
            )
        elif joined and not any(
            note.startswith(f"{file.name}: ") and "image flags" in note for note in self.notes
        ):
            self.notes.append(
                f"{file.name}: step {raw.header.step}: image flags were reset; the frames that "
                "follow were joined to those before"
            )
