"""The header of one frame of a LAMMPS text dump: step, time, cell and columns.

Format: https://docs.lammps.org/dump.html and https://docs.lammps.org/Howto_triclinic.html
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pykoh.errors import TrajectoryError

PS_PER_TIME_UNIT = {"metal": 1.0, "real": 1e-3}
"""LAMMPS unit styles that have Å as length, and their time unit in ps."""

_COUNT = b"ITEM: NUMBER OF ATOMS"

_LARGEST_STEP = 1 << 62
_LONGEST_SIDE = 1e6  # Å; a longer one is damage

LONGEST_HEADER = 1 << 16
"""Largest length of a header in bytes; far more than LAMMPS writes."""


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """A periodic cell.

    Attributes:
        vectors: [3, 3], Å, cell vectors in rows.
        origin: [3], Å, lower corner.
    """

    vectors: NDArray[np.float64]
    origin: NDArray[np.float64]

    def heights(self) -> NDArray[np.float64]:
        """Return [3], Å: the distances between opposite faces."""
        heights: NDArray[np.float64] = 1.0 / np.linalg.norm(np.linalg.inv(self.vectors), axis=0)
        return heights


@dataclass(frozen=True, slots=True, eq=False)
class FrameHeader:
    """The header of a frame.

    Attributes:
        step: MD step.
        time: in the time unit of the dump, or None without ``ITEM: TIME``.
        units: LAMMPS unit style, or None if the dump does not hold it.
        n_atoms: number of atoms.
        cell: the periodic cell.
        columns: names of the columns of the atoms.
        length: bytes of the header.
        resolution: error of the time, ps, for files in single precision.
    """

    step: int
    time: float | None
    units: str | None
    n_atoms: int
    cell: Cell
    columns: tuple[str, ...]
    length: int
    resolution: float = 0.0


def checked_cell(vectors: NDArray[np.float64], origin: NDArray[np.float64]) -> Cell:
    """Return a cell from vectors in rows and the lower corner, Å.

    Raises:
        ValueError: the cell is impossible for a liquid.
    """
    if not np.isfinite(vectors).all() or not np.isfinite(origin).all():
        raise ValueError("numbers that are not finite")
    if np.abs(vectors).max() > _LONGEST_SIDE or np.abs(origin).max() > _LONGEST_SIDE:
        raise ValueError(f"a cell of more than {_LONGEST_SIDE:g} Å")
    if abs(np.linalg.det(vectors)) < 1e-6:
        raise ValueError("a cell without volume")
    return Cell(vectors, origin)


def _step(text: bytes) -> int:
    step = int(text)
    if abs(step) > _LARGEST_STEP:
        raise ValueError
    return step


def _cell(style: bytes, lines: list[bytes]) -> Cell:
    """Return the cell of ``ITEM: BOX BOUNDS`` with the words ``style`` after it.

    Raises:
        ValueError: there are not three lines of numbers, or the cell has no volume.
        TrajectoryError: a boundary is not periodic.
    """
    words = style.split()
    numbers = [[float(word) for word in line.split()] for line in lines]
    for word in words:
        # After the tilt names come the boundaries, e.g. "pp pp ff".
        if word not in (b"xy", b"xz", b"yz", b"abc", b"origin") and word != b"pp":
            raise TrajectoryError(
                f"boundary '{word.decode(errors='replace')}' is not periodic; "
                "bulk transport needs 'boundary p p p'"
            )
    if b"abc" in words:
        table = np.array(numbers, dtype=float)
        if table.shape != (3, 4):
            raise ValueError("three lines 'x y z origin' were expected")
        vectors, origin = np.ascontiguousarray(table[:, :3]), np.ascontiguousarray(table[:, 3])
    elif b"xy" in words:
        table = np.array(numbers, dtype=float)
        if table.shape != (3, 3):
            raise ValueError("three lines 'lo hi tilt' were expected")
        xy, xz, yz = table[:, 2]
        # LAMMPS writes the bounding box of the tilted cell; subtract the tilts.
        xlo = table[0, 0] - min(0.0, xy, xz, xy + xz)
        xhi = table[0, 1] - max(0.0, xy, xz, xy + xz)
        ylo = table[1, 0] - min(0.0, yz)
        yhi = table[1, 1] - max(0.0, yz)
        zlo, zhi = table[2, :2]
        vectors = np.array([[xhi - xlo, 0, 0], [xy, yhi - ylo, 0], [xz, yz, zhi - zlo]])
        origin = np.array([xlo, ylo, zlo])
    else:
        table = np.array(numbers, dtype=float)
        if table.shape != (3, 2):
            raise ValueError("three lines 'lo hi' were expected")
        vectors, origin = np.diag(table[:, 1] - table[:, 0]), table[:, 0].copy()
    return checked_cell(vectors, origin)


class HeaderReader:
    """Reads headers; a repeated cell or column list is converted only once."""

    def __init__(self) -> None:
        self._cells: dict[tuple[bytes, ...], Cell] = {}
        self._columns: dict[bytes, tuple[str, ...]] = {}
        self._tail = b""  # the repeated part, from "ITEM: NUMBER OF ATOMS" to the end of the header
        self._last: FrameHeader | None = None

    def read(self, data: bytes) -> FrameHeader | None:
        """Return the header that begins at ``data[0]``, or None if ``data`` ends within it.

        Raises:
            TrajectoryError: this is not the header of a dump.
        """
        repeated = self._repeated(data)
        if repeated is not None:
            return repeated
        lines = data.split(b"\n", 24)
        step: int | None = None
        time: float | None = None
        units: str | None = None
        n_atoms: int | None = None
        cell: Cell | None = None
        i, length = 0, 0
        last = len(lines) - 1  # text after the last line end may continue in the next chunk
        while i < last:
            line = lines[i]
            length += len(line) + 1
            title = line.rstrip()
            if title.startswith(b"ITEM: ATOMS"):
                if step is None or n_atoms is None or cell is None:
                    raise TrajectoryError(
                        "'ITEM: ATOMS' comes before step, number of atoms and box; "
                        "a LAMMPS text dump (dump custom or atom) was expected"
                    )
                if title not in self._columns:
                    names = title[len(b"ITEM: ATOMS") :].decode("utf-8", "replace").split()
                    self._columns[title] = tuple(names)
                header = FrameHeader(step, time, units, n_atoms, cell, self._columns[title], length)
                start = max(data.find(_COUNT, 0, length), 0)
                self._tail, self._last = data[start:length], header
                return header
            rows = 3 if title.startswith(b"ITEM: BOX BOUNDS") else 1
            if i + rows >= last:
                break
            values = lines[i + 1 : i + 1 + rows]
            try:
                if title == b"ITEM: TIMESTEP":
                    step = _step(values[0])
                elif title == b"ITEM: NUMBER OF ATOMS":
                    n_atoms = int(values[0])
                elif title == b"ITEM: TIME":
                    time = float(values[0])
                    if not np.isfinite(time):
                        raise ValueError
                elif title == b"ITEM: UNITS":
                    units = values[0].strip().decode("utf-8", "replace")
                elif rows == 3:
                    cell = self._box(title, values)
                else:
                    shown = _shown(title)
                    raise TrajectoryError(
                        f"found '{shown}' where a frame should begin with 'ITEM: TIMESTEP'; "
                        "a LAMMPS text dump (dump custom or atom) was expected"
                    )
            except ValueError as error:
                shown = _shown(b" / ".join(values), 60)
                why = f" ({error})" if rows == 3 and str(error) else ""
                raise TrajectoryError(f"'{title.decode()}' is followed by '{shown}'{why}") from None
            length += sum(len(value) + 1 for value in values)
            i += 1 + rows
        if len(data) > LONGEST_HEADER or (i == 0 and not _may_begin(lines[0])):
            shown = _shown(lines[0])
            raise TrajectoryError(
                f"found '{shown}' where a frame should begin with 'ITEM: TIMESTEP'; "
                "a LAMMPS text dump (dump custom or atom) was expected"
            )
        return None

    def _repeated(self, data: bytes) -> FrameHeader | None:
        """Return a header that differs from the last one only in time and step, else None."""
        start = data.find(_COUNT, 0, 256)
        if start < 0 or self._last is None or not data.startswith(self._tail, start):
            return None
        last = self._last
        lines = data[:start].split(b"\n")
        # "ITEM: TIMESTEP", step, and with a time "ITEM: TIME", time before or behind them.
        if len(lines) != (3 if last.time is None else 5):
            return None
        time = None
        try:
            if last.time is None:
                if lines[0] != b"ITEM: TIMESTEP":
                    return None
                step = _step(lines[1])
            else:
                place = 1 if lines[0] == b"ITEM: TIME" else 3
                if lines[place - 1] != b"ITEM: TIME" or lines[3 - place] != b"ITEM: TIMESTEP":
                    return None
                step, time = _step(lines[4 - place]), float(lines[place])
        except ValueError:
            return None
        if time is not None and not math.isfinite(time):
            return None
        length = start + len(self._tail)
        return FrameHeader(step, time, None, last.n_atoms, last.cell, last.columns, length)

    def _box(self, title: bytes, values: list[bytes]) -> Cell:
        key = (title, *values)
        if key not in self._cells:
            if len(self._cells) > 64:  # with a barostat every frame has its own cell
                self._cells.clear()
            self._cells[key] = _cell(title[len(b"ITEM: BOX BOUNDS") :], values)
        return self._cells[key]


def _shown(data: bytes, length: int = 40) -> str:
    """Return the beginning of ``data`` as text that fits on a line."""
    text = data[:length].decode("utf-8", "replace").strip()
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _may_begin(line: bytes) -> bool:
    """Return whether ``line`` could be the beginning of an incomplete ITEM line."""
    return line.startswith(b"ITEM: ") or b"ITEM: ".startswith(line)
