"""One LAMMPS text dump, frame by frame.

Format: https://docs.lammps.org/dump.html. :mod:`pykoh.trajectory.run` joins several dumps.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from pykoh.chemistry import CATIONS, MASSES_U
from pykoh.errors import TrajectoryError
from pykoh.trajectory import parsing
from pykoh.trajectory.header import LONGEST_HEADER, FrameHeader, HeaderReader
from pykoh.trajectory.layout import Layout
from pykoh.trajectory.line_errors import line_error
from pykoh.trajectory.seams import last_line_is_whole, seam_in
from pykoh.trajectory.species import CATION, Atoms, SpeciesMap, code_of
from pykoh.trajectory.streams import ByteStream

_CHUNK = 1 << 22
_LOOK_BACK = 256  # bytes before a header in which its beginning is searched
_MOST_ATOMS = 10**8  # of a frame, if the length of the text is unknown
_BLANKS = frozenset(b" \t\r\n")


@dataclass(frozen=True, slots=True, eq=False)
class RawFrame:
    """One frame of the dump. The arrays are reused for the next frame.

    Attributes:
        header: step, time, cell.
        values: [n_atoms, 9], coordinates (see :mod:`pykoh.trajectory.layout`), image flags,
            velocities; atoms sorted by id.
    """

    header: FrameHeader
    values: NDArray[np.float64]


Bookmark = tuple[int, int, str | None]
"""A place in a file: position, number of frames before it, units of the dump."""


class DumpFile:
    """Reads one dump as a stream; memory holds one frame and one chunk of bytes.

    Args:
        path: a file (plain, gzip, zstd, xz or bzip2) or ``"-"``.
        species_map: elements of the types.
        atoms: the expected atoms (from an earlier file of the run), or None.

    Attributes:
        atoms: known after the first frame.
        layout: known after the first frame.
        notes: notes for the user about the file (a frame is cut off ...).

    Raises:
        TrajectoryError: from the methods, with file, frame and atom.
    """

    def __init__(
        self, path: str | Path, species_map: SpeciesMap, atoms: Atoms | None = None
    ) -> None:
        self._stream = ByteStream(path)
        self.name = self._stream.name
        self.size = self._stream.size
        self.atoms = atoms
        self.layout: Layout | None = None
        self.notes: list[str] = []
        self.units: str | None = None
        self._map = species_map
        self._headers = HeaderReader()
        self._buffer = np.empty(_CHUNK + 1, dtype=np.uint8)
        self._start = self._stop = 0
        self._at_end = False
        self._n_frames = 0
        self._last_length = 0
        self._window = 2048
        self._attempts = 0
        self._last_seam = -1  # bytes from the beginning
        self._values = np.zeros((0, parsing.N_VALUES))

    @property
    def position(self) -> int:
        """Number of bytes read from the file."""
        return self._stream.position

    def __enter__(self) -> DumpFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.close()

    def bookmark(self) -> Bookmark:
        """Return the place after the last frame that was read."""
        return self._stream.consumed - (self._stop - self._start), self._n_frames, self.units

    def go_to(self, bookmark: Bookmark) -> None:
        """Continue from a place in the same file."""
        offset, self._n_frames, self.units = bookmark
        self._stream.skip_to(offset)
        self._start = self._stop = 0

    def next_header(self) -> FrameHeader | None:
        """Return the header of the next frame without moving, or None at the end."""
        while True:
            try:
                return self._next_header()
            except TrajectoryError:
                if not self._go_to_seam():
                    raise

    def _go_to_seam(self) -> bool:
        """Move to a header that a continued run wrote into an incomplete one.

        Returns:
            Whether there is such a header before any other frame.
        """
        if self._stop - self._start < LONGEST_HEADER and not self._at_end:
            self._fill(LONGEST_HEADER)
        first = max(self._start - _LOOK_BACK, 0)
        data = self._buffer[first : min(self._start + LONGEST_HEADER, self._stop)].tobytes()
        at = seam_in(data, self._start - first)
        if at is None:
            return False
        place = self._stream.consumed - self._stop + first + at
        if place <= self._last_seam:  # it was used before
            return False
        self._last_seam = place
        self._note(
            f"the header of frame {self._n_frames + 1} is incomplete; this frame is not used"
        )
        self._start = first + at
        if self._n_frames == 0:
            self.layout = None
        return True

    def _next_header(self) -> FrameHeader | None:
        self._skip_blank()
        if self._stop - self._start < self._last_length and not self._at_end:
            self._fill(self._last_length)
        window = self._window
        while True:
            end = min(self._start + window, self._stop)
            if end == self._start and self._at_end:
                self._finish()
                return None
            try:
                header = self._headers.read(self._buffer[self._start : end].tobytes())
            except TrajectoryError as error:
                raise TrajectoryError(f"{self.name}: {self._where()}: {error}") from None
            if header is not None:
                self._check(header)
                self._window = header.length + 64  # the next header has a similar length
                return header
            if end < self._stop:
                window = LONGEST_HEADER + 1
            elif self._at_end:
                self._end_incomplete()
                return None
            else:
                self._fill(window)

    def _where(self, header: FrameHeader | None = None) -> str:
        step = "" if header is None else f" (step {header.step})"
        return f"frame {self._n_frames + 1}{step}"

    def _skip_blank(self) -> None:
        while True:
            while self._start < self._stop and self._buffer[self._start] in _BLANKS:
                self._start += 1
            if self._start < self._stop or self._at_end:
                return
            self._fill(1)

    def _fill(self, wanted: int) -> None:
        """Move unread bytes to the front and read up to ``wanted`` bytes."""
        left = self._stop - self._start
        capacity = max(_CHUNK, int(1.25 * wanted), 2 * left if left > _CHUNK // 2 else 0)
        if capacity + 1 > len(self._buffer):
            larger = np.empty(capacity + 1, dtype=np.uint8)
            larger[:left] = self._buffer[self._start : self._stop]
            self._buffer = larger
        else:
            self._buffer[:left] = self._buffer[self._start : self._stop].copy()
        view = memoryview(self._buffer.data)[left:-1]
        got = self._stream.readinto(view)
        self._start, self._stop = 0, left + got
        self._at_end = got < len(view)

    def _finish(self) -> None:
        if self._n_frames == 0:
            raise TrajectoryError(
                f"{self.name}: holds no complete frame; a LAMMPS text dump was expected"
            )
        if self._stream.cut_off:
            self._note("its compressed data are incomplete; all complete frames are used")

    def _end_incomplete(self) -> None:
        if self._n_frames == 0:
            raise TrajectoryError(
                f"{self.name}: ends within its first frame; at least two frames are needed"
            )
        self._note(f"the last frame is incomplete and is left out; frames used: {self._n_frames}")
        self._start = self._stop

    def _note(self, text: str) -> None:
        self.notes.append(f"{self.name}: {text}")

    def _check(self, header: FrameHeader) -> None:
        if self.layout is not None:
            if header.columns != self.layout.names:
                raise TrajectoryError(
                    f"{self.name}: {self._where(header)} has columns "
                    f"'{' '.join(header.columns)}', the frames before it "
                    f"'{' '.join(self.layout.names)}'; analyse the parts separately"
                )
        else:
            try:
                self.layout = Layout.of(header.columns, with_velocities=True)
            except TrajectoryError as error:
                raise TrajectoryError(f"{self.name}: {error}") from None
        if header.units is not None:
            self.units = header.units
        if header.n_atoms < 1:
            raise TrajectoryError(
                f"{self.name}: {self._where(header)} has {header.n_atoms} atoms; "
                "the group of the dump is empty"
            )
        if self.atoms is not None and header.n_atoms == len(self.atoms.ids):
            return
        # Each column of an atom takes at least a blank and a character.
        most = self._stream.longest_text // (2 * len(header.columns))
        if header.n_atoms > min(most, _MOST_ATOMS):
            raise TrajectoryError(
                f"{self.name}: {self._where(header)} has {header.n_atoms} atoms, more than "
                "the file can hold; it is damaged at this place"
            )
        if self.atoms is not None:
            raise TrajectoryError(
                f"{self.name}: {self._where(header)} has {header.n_atoms} atoms, the first frame "
                f"has {len(self.atoms.ids)}; atoms were lost or added, or the dump's group "
                "changes: analyse the part before with --stop PS"
            )

    def body(self, header: FrameHeader) -> RawFrame | None:
        """Read the atoms after the last header of :meth:`next_header`.

        Returns:
            The frame, or None if it is incomplete.
        """
        assert self.layout is not None
        n = header.n_atoms
        if self.atoms is None or len(self._values) != n:
            self._values = np.zeros((n, parsing.N_VALUES))
            self._ids = np.zeros(n, dtype=np.int64)
            self._species = np.zeros(n, dtype=np.int8)
            self._row = np.zeros(parsing.N_VALUES)
            self._seen = np.full(n, -1, dtype=np.int64)
            words = self._map.words(self.layout.by_element)
            self._keys = np.array([parsing.pack(word) for word in words], dtype=np.uint64)
            self._codes = np.array([code_of(e) for e in words.values()], dtype=np.int8)
        known = self.atoms is not None
        while True:
            self._buffer[self._stop] = 10  # the sentinel of parse_atoms
            self._attempts += 1
            status, end, line, column = parsing.parse_atoms(
                self._buffer,
                self._start + header.length,
                self._stop,
                self.layout.roles,
                self._keys,
                self._codes,
                self.atoms.ids if self.atoms is not None else np.empty(0, dtype=np.int64),
                self.atoms.species if self.atoms is not None else np.empty(0, dtype=np.int8),
                self._ids,
                self._species,
                self._values,
                self._row,
                self._seen,
                self._attempts,
            )
            if status != parsing.NEED_MORE:
                break
            if self._at_end:
                if line == n - 1 and self._end_last_line(end, header):
                    continue
                self._end_incomplete()
                return None
            available = self._stop - self._start
            done = max(end - self._start, 1)
            self._fill(max(2 * available, int(1.1 * done * n / max(line, 1))))
        if status not in (parsing.WHOLE, parsing.NEXT_FRAME):
            seam = self._seam_near(end)
            if seam is not None:
                status, end = parsing.NEXT_FRAME, seam
        if status == parsing.NEXT_FRAME:
            self._note(
                f"the frame of step {header.step} is incomplete: it has {line} of {n} atoms, "
                "and another frame follows; it is not used"
            )
            self._start = end
            if self._n_frames == 0:
                self.layout = None
            return None
        if status != parsing.WHOLE:
            self._raise(status, header, end, line, column)
        self._last_length = end - self._start
        self._start = end
        if not known:
            self._take_atoms(header)
        self._n_frames += 1
        return RawFrame(header, self._values)

    def _end_last_line(self, start: int, header: FrameHeader) -> bool:
        """Add the line end to the last line of the file, if only that is missing."""
        text = self._buffer[self._start + header.length : self._stop].tobytes()
        if not last_line_is_whole(text, start - self._start - header.length, len(header.columns)):
            return False
        if self._stop + 2 > len(self._buffer):
            self._buffer = np.append(self._buffer, np.zeros(2, dtype=np.uint8))
        self._buffer[self._stop] = 10
        self._stop += 1
        return True

    def _seam_near(self, position: int) -> int | None:
        """Return where a header begins in the line at ``position`` or the line before."""
        first = position
        for _ in range(2):
            first -= 1
            while first > self._start and self._buffer[first - 1] != 10:
                first -= 1
        last = position
        while last < self._stop and self._buffer[last] != 10:
            last += 1
        at = seam_in(self._buffer[max(first, 0) : last + 1].tobytes(), 0)
        return None if at is None else max(first, 0) + at

    def _take_atoms(self, header: FrameHeader) -> None:
        order = np.argsort(self._ids, kind="stable")
        ids, species = self._ids[order], self._species[order]
        twice = np.flatnonzero(np.diff(ids) == 0)
        if len(twice):
            raise TrajectoryError(
                f"{self.name}: {self._where(header)}: atom id {ids[twice[0]]} occurs twice; "
                "the dump is damaged"
            )
        self._values[:] = self._values[order]
        self.atoms = Atoms(ids, species, *self._elements(species, header))

    def _elements(
        self, species: NDArray[np.int8], header: FrameHeader
    ) -> tuple[str, NDArray[np.float64]]:
        """Return the cation and the masses."""
        cation = self._cation(header)
        table = np.array([MASSES_U["H"], MASSES_U["O"], MASSES_U[cation]])
        return cation, table[species]

    def _cation(self, header: FrameHeader) -> str:
        """Return the alkali metal of the first frame.

        Without one, return that of ``--types``, or K. With ``dump_modify types labels`` the column
        ``type`` holds elements, which are then used.
        """
        assert self.layout is not None
        by_element = self.layout.by_element
        column = self.layout.names.index("element" if by_element else "type")
        first = self._start - self._last_length + header.length
        text = self._buffer[first : self._start].tobytes().decode("utf-8", "replace")
        words = {line.split()[column] for line in text.splitlines() if line.strip()}
        elements = self._map.words(by_element)
        cations = sorted({elements.get(word, "") for word in words} & set(CATIONS))
        if len(cations) > 1:
            raise TrajectoryError(
                f"{self.name}: has the cations {', '.join(cations)}; only one kind is supported"
            )
        given = () if by_element else self._map.types
        return next(iter(cations or [e for e in given if code_of(e) == CATION]), "K")

    def _raise(
        self, status: int, header: FrameHeader, position: int, line: int, column: int
    ) -> None:
        """Raise the error of a line."""
        assert self.layout is not None
        end = position
        while end < self._stop and self._buffer[end] != 10:
            end += 1
        words = self._buffer[position:end].tobytes().decode("utf-8", "replace").split()
        reason = line_error(status, words, line, column, self.layout, self._map)
        raise TrajectoryError(f"{self.name}: {self._where(header)}: {reason}")
