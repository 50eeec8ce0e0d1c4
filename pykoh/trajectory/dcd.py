"""DCD: coordinates by mdtraj; first step, interval and time step from the header.

LAMMPS writes the time step in its own unit of time (``dump_dcd.cpp``), CHARMM and NAMD in units of
48.888 fs, other programs write 1. Only the time step of LAMMPS is used, because LAMMPS writes its
name into the file. First step and interval have the same meaning in all programs, so that parts of
a run can be joined.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pykoh.errors import TrajectoryError
from pykoh.trajectory.frame_data import FrameData, cell_vectors

_PIECE = 64  # frames per read
_LONGEST_TITLE = 1 << 20


@dataclass(frozen=True, slots=True)
class DcdHeader:
    """The content of the header of a DCD file.

    Attributes:
        n_atoms: atoms of each frame.
        first_step: MD step of the first frame.
        every: MD steps between frames; 0 if unknown.
        timestep: in the unit of time of LAMMPS, or None if another program wrote the file.
        n_frames: complete frames, from the size of the file.
        cut_off: whether the file ends within a further frame.
    """

    n_atoms: int
    first_step: int
    every: int
    timestep: float | None
    n_frames: int
    cut_off: bool

    def number(self, frame: int) -> float:
        """Return the number in the whole run, from 0, of a frame of this file."""
        return frame + (self.first_step / self.every if self.every else 0.0)


def read_header(path: Path, name: str) -> DcdHeader:
    """Return the header of a DCD file.

    Raises:
        TrajectoryError: it is not a DCD file, or its header is damaged.
    """
    size = path.stat().st_size
    damaged = TrajectoryError(f"{name}: not a DCD file, or its header is damaged")
    with path.open("rb") as stream:
        head = stream.read(92)
        order = next((o for o in "<>" if head[:8] == struct.pack(f"{o}i4s", 84, b"CORD")), None)
        if order is None or len(head) < 92:
            raise damaged
        control = struct.unpack(f"{order}20i", head[8:88])
        timestep = struct.unpack(f"{order}f", head[44:48])[0]
        found = struct.unpack(f"{order}i", stream.read(4).ljust(4, b"\0"))
        if not 4 <= found[0] <= _LONGEST_TITLE:
            raise damaged
        title = stream.read(found[0] + 4)
        tail = stream.read(12)
        if len(tail) < 12:
            raise damaged
        before, n_atoms, after = struct.unpack(f"{order}iii", tail)
        begin = stream.tell()
    if before != 4 or after != 4 or n_atoms < 1 or control[8] != 0:
        raise damaged
    frame = 3 * (4 * n_atoms + 8) + (56 if control[10] else 0) + (4 * n_atoms + 8) * control[11]
    if control[11] not in (0, 1) or frame > size - begin:
        raise TrajectoryError(
            f"{name}: has a header for {n_atoms} atoms, but no complete frame of them"
        )
    first, every = max(control[1], 0), max(control[2], 0)
    known = b"LAMMPS" in title and every > 0 and np.isfinite(timestep) and timestep > 0
    step = float(str(np.float32(timestep))) if known else None
    whole, rest = divmod(size - begin, frame)
    return DcdHeader(n_atoms, first, every, step, whole, rest > 0)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what C code prints to standard output ("dcdplugin) ...") off the terminal."""
    flush = ctypes.CDLL(None).fflush
    try:
        sys.stdout.flush()
        saved = os.dup(1)
    except (OSError, ValueError):  # there is no standard output
        yield
        return
    flush(None)
    try:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 1)
        yield
    finally:
        flush(None)
        os.dup2(saved, 1)
        os.close(saved)


def dcd_frames(path: Path, name: str, header: DcdHeader, ps_per_unit: float) -> Iterator[FrameData]:
    """Yield the frames of a DCD file.

    Args:
        path: the file.
        name: its name in messages.
        header: from :func:`read_header`.
        ps_per_unit: ps per unit of time of LAMMPS.

    Raises:
        TrajectoryError: it has no periodic cell, or cannot be read.
    """
    try:
        import mdtraj.formats as formats
    except ImportError:
        raise TrajectoryError(
            f"{name}: DCD files are read by mdtraj: pip install 'pykoh[formats]'"
        ) from None
    done = 0
    try:
        with _quiet():
            opened = formats.DCDTrajectoryFile(str(path))
        with opened as file:
            while done < header.n_frames:
                wanted = min(_PIECE, header.n_frames - done)
                piece: Any = file.read(n_frames=wanted)
                positions = np.asarray(piece[0], dtype=np.float64)
                if len(positions) == 0:
                    raise ValueError("no further frame")
                if piece[1] is None or piece[2] is None:
                    raise TrajectoryError(f"{name}: has no periodic cell")
                for k, place in enumerate(positions):
                    step = header.first_step + (done + k) * header.every
                    time = None
                    if header.timestep is not None:
                        time = step * header.timestep * ps_per_unit
                    yield FrameData(
                        time, cell_vectors(piece[1][k], piece[2][k]), place, step,
                        number=header.number(done + k),
                    )  # fmt: skip
                done += len(positions)
    except (OSError, ValueError, TypeError, RuntimeError, MemoryError) as error:
        raise TrajectoryError(
            f"{name}: mdtraj cannot read it after {done} frames ({error})"
        ) from None
