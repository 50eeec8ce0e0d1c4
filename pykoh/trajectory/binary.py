"""LAMMPS binary dumps (``dump custom N FILE.bin``), with the interface of a text dump.

The layout is that of LAMMPS' own tool ``binary2txt``: per frame a magic string, step,
the box, the names of the columns and chunks of doubles, one per MPI rank. Files from before 2021
do not name their columns and are refused.
"""

from __future__ import annotations

import struct
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from pykoh.chemistry import MASSES_U
from pykoh.errors import TrajectoryError
from pykoh.files import require_file
from pykoh.trajectory.dump import Bookmark, RawFrame
from pykoh.trajectory.header import Cell, FrameHeader, checked_cell
from pykoh.trajectory.layout import Layout
from pykoh.trajectory.parsing import ID, N_VALUES, SPECIES
from pykoh.trajectory.species import Atoms, SpeciesMap, code_of

BINARY_SUFFIX = ".bin"
_MAGIC = (b"DUMPCUSTOM", b"DUMPATOM")


class _EndError(Exception):
    """The file ends within a frame."""


class BinaryDump:
    """Reads one binary dump, frame by frame; arguments and attributes as in ``DumpFile``."""

    def __init__(
        self, path: str | Path, species_map: SpeciesMap, atoms: Atoms | None = None
    ) -> None:
        file = require_file(path, "LAMMPS binary dump", TrajectoryError)
        self.name = str(path)
        self.size: int | None = file.stat().st_size
        self.atoms = atoms
        self.layout: Layout | None = None
        self.notes: list[str] = []
        self.units: str | None = None
        self._stream = file.open("rb")
        self._map = species_map
        self._header: FrameHeader | None = None
        self._n_frames = 0

    @property
    def position(self) -> int:
        """Number of bytes read from the file."""
        return self._stream.tell()

    def __enter__(self) -> BinaryDump:
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
        return self._stream.tell(), self._n_frames, self.units

    def go_to(self, bookmark: Bookmark) -> None:
        """Continue from a place in the same file."""
        offset, self._n_frames, self.units = bookmark
        self._stream.seek(offset)

    def _take(self, form: str) -> tuple[int | float, ...]:
        size = struct.calcsize(form)
        data = self._stream.read(size)
        if len(data) < size:
            raise _EndError
        found: tuple[int | float, ...] = struct.unpack(form, data)
        return found

    def _text(self, length: int) -> bytes:
        if not 0 <= length < 1 << 16:
            raise TrajectoryError(f"{self._where()}: not a LAMMPS binary dump")
        data = self._stream.read(length)
        if len(data) < length:
            raise _EndError
        return data

    def _left(self) -> int:
        """Return the number of bytes that are left in the file."""
        return max((self.size or 0) - self._stream.tell(), 0)

    def _cell(self, vectors: NDArray[np.float64], origin: NDArray[np.float64]) -> Cell:
        try:
            return checked_cell(vectors, origin)
        except ValueError as error:
            raise TrajectoryError(f"{self._where()}: its box is damaged ({error})") from None

    def _where(self) -> str:
        return f"{self.name}: frame {self._n_frames + 1}"

    def next_header(self) -> FrameHeader | None:
        """Return the header of the next frame, or None at the end."""
        if self._header is not None:
            return self._header
        if self._stream.peek(1)[:1] == b"":
            if self._n_frames == 0:
                raise TrajectoryError(f"{self.name}: holds no complete frame")
            return None
        try:
            self._header = self._read_header()
        except _EndError:
            self._cut_off()
        return self._header

    def _cut_off(self) -> None:
        if self._n_frames == 0:
            raise TrajectoryError(f"{self.name}: ends within its first frame")
        self.notes.append(
            f"{self.name}: the last frame is incomplete and is left out; frames used: "
            f"{self._n_frames}"
        )
        self._stream.seek(0, 2)
        self._header = None

    def _read_header(self) -> FrameHeader:
        (first,) = self._take("<q")
        if first >= 0 or self._text(int(-first)) not in _MAGIC:
            raise TrajectoryError(
                f"{self._where()}: not a LAMMPS binary dump that names its columns (LAMMPS since "
                "2021 writes one with 'dump custom N FILE.bin'); a text dump can be used too"
            )
        endian, revision = self._take("<ii")
        if endian != 1:
            raise TrajectoryError(f"{self._where()}: written on a big-endian machine")
        step, n_atoms, triclinic = self._take("<qqi")
        boundary = self._take("<6i")
        if any(boundary):
            raise TrajectoryError(
                f"{self._where()}: a boundary is not periodic; bulk transport needs "
                "'boundary p p p'"
            )
        xlo, xhi, ylo, yhi, zlo, zhi = self._take("<6d") if triclinic != 2 else (0.0,) * 6
        if triclinic == 2:
            rows = np.array(self._take("<12d"))
            vectors, origin = rows[:9].reshape(3, 3), rows[9:]
        else:
            xy, xz, yz = self._take("<3d") if triclinic else (0.0, 0.0, 0.0)
            xlo, xhi = xlo - min(0.0, xy, xz, xy + xz), xhi - max(0.0, xy, xz, xy + xz)
            ylo, yhi = ylo - min(0.0, yz), yhi - max(0.0, yz)
            vectors = np.array([[xhi - xlo, 0, 0], [xy, yhi - ylo, 0], [xz, yz, zhi - zlo]])
            origin = np.array([xlo, ylo, zlo])
        cell = self._cell(vectors, origin)
        (width,) = self._take("<i")
        time = None
        names: tuple[str, ...] = ()
        if revision > 1:
            (length,) = self._take("<i")
            if length:
                self.units = self._text(int(length)).decode("utf-8", "replace")
            (timed,) = self._take("<b")
            if timed:
                (time,) = self._take("<d")
            (length,) = self._take("<i")
            names = tuple(self._text(int(length)).decode("utf-8", "replace").split())
        if len(names) != width or n_atoms < 1 or abs(step) > 1 << 62:
            raise TrajectoryError(
                f"{self._where()}: has {len(names)} column names, but {width} values per atom "
                f"({n_atoms} atoms); the file is damaged"
            )
        if 8 * n_atoms * width > self._left():
            raise _EndError
        if time is not None and not np.isfinite(time):
            raise TrajectoryError(f"{self._where()}: its time is not a finite number")
        if self.layout is None:
            try:
                self.layout = Layout.of(names, with_velocities=True)
            except TrajectoryError as error:
                raise TrajectoryError(f"{self.name}: {error}") from None
            if self.layout.by_element:
                raise TrajectoryError(f"{self.name}: a binary dump holds no elements; dump 'type'")
        elif names != self.layout.names:
            raise TrajectoryError(f"{self._where()} has other columns than earlier frames")
        if self.atoms is not None and n_atoms != len(self.atoms.ids):
            raise TrajectoryError(
                f"{self._where()} has {n_atoms} atoms, the first frame has {len(self.atoms.ids)}"
            )
        return FrameHeader(int(step), time, self.units, int(n_atoms), cell, names, 0)

    def body(self, header: FrameHeader) -> RawFrame | None:
        """Read the atoms after the header, sorted by id; None if they are incomplete."""
        assert self.layout is not None
        try:
            table = self._table(header.n_atoms * len(header.columns))
        except _EndError:
            self._cut_off()
            return None
        table = table.reshape(header.n_atoms, -1)
        roles = self.layout.roles
        id_column = table[:, int(np.flatnonzero(roles == ID)[0])]
        if not (np.abs(id_column) < 1 << 53).all():
            raise TrajectoryError(
                f"{self._where()}: an id is not a whole number; the file is damaged"
            )
        ids = id_column.astype(np.int64)
        table = table[np.argsort(ids, kind="stable")]
        self._check(np.sort(ids), table[:, int(np.flatnonzero(roles == SPECIES)[0])])
        values = np.zeros((header.n_atoms, N_VALUES))
        for column, role in enumerate(roles):
            if 0 <= role < N_VALUES:
                values[:, role] = table[:, column]
        if not np.isfinite(values).all():
            atom = int(np.sort(ids)[np.argwhere(~np.isfinite(values))[0, 0]])
            raise TrajectoryError(
                f"{self._where()} (step {header.step}): atom {atom} has a value that is not "
                "finite; the simulation was unstable: analyse the part before with --stop PS"
            )
        self._header = None
        self._n_frames += 1
        return RawFrame(header, values)

    def _table(self, n_values: int) -> NDArray[np.float64]:
        """Read [n_values]: the values of all atoms, one chunk from each MPI rank."""
        damaged = TrajectoryError(f"{self._where()}: the atoms are incomplete; the file is damaged")
        (n_pieces,) = self._take("<i")
        pieces: list[NDArray[np.float64]] = []
        missing = n_values
        for _ in range(int(n_pieces)):
            (size,) = self._take("<i")
            if not 0 <= size <= missing:
                raise damaged
            data = self._stream.read(8 * int(size))
            if len(data) < 8 * int(size):
                raise _EndError
            pieces.append(np.frombuffer(data, dtype="<f8"))
            missing -= int(size)
        if missing:
            raise damaged
        return np.concatenate(pieces)

    def _check(self, ids: np.ndarray, types: np.ndarray) -> None:
        """Store the atoms of the first frame, or compare with them."""
        words = self._map.words(by_element=False)
        if self.atoms is None:
            unknown = [t for t in np.unique(types) if f"{t:.0f}" not in words]
            if unknown:
                raise TrajectoryError(
                    f"{self._where()}: type {unknown[0]:.0f} maps to no element; give the element "
                    "of each type with --types"
                )
            elements = [words[f"{t:.0f}"] for t in types]
            cation = next((e for e in self._map.types if code_of(e) == 2), "K")
            self.atoms = Atoms(
                ids,
                np.array([code_of(e) for e in elements], dtype=np.int8),
                cation,
                np.array([MASSES_U[e] for e in elements]),
            )
            self._types = types
        elif not np.array_equal(ids, self.atoms.ids):
            raise TrajectoryError(f"{self._where()}: atoms must stay the same")
