"""GROMACS XTC and TRR: coordinates with mdtraj, times and checks from the headers of the frames.

This module reads all headers before mdtraj's C code reads the file. The counts in a header must fit
the file. Its step makes the time exact, which the file holds only in single precision. Layout of
the headers: https://manual.gromacs.org/current/reference-manual/file-formats.html
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from pykoh.errors import TrajectoryError
from pykoh.trajectory.frame_data import FrameData
from pykoh.trajectory.trial import require_decodable

_PIECE = 64  # frames per read
_XTC_MAGIC, _TRR_MAGIC = 1995, 1993
_ANGSTROM_PER_NM = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class FrameIndex:
    """The headers of all complete frames.

    Attributes:
        steps: [n_frames].
        times: [n_frames], ps, in the precision of the file.
        cut_off: whether the file ends within a further frame.
    """

    steps: NDArray[np.int64]
    times: NDArray[np.float32]
    cut_off: bool


class _EndError(Exception):
    """The file ends within a frame."""


def _take(stream: IO[bytes], form: str) -> tuple[Any, ...]:
    size = struct.calcsize(form)
    data = stream.read(size)
    if len(data) < size:
        raise _EndError
    return struct.unpack(form, data)


def _xtc_header(stream: IO[bytes], n_atoms: int) -> tuple[int, float, int]:
    """Return step, time (ps) and number of bytes that follow; ValueError if it is not a frame."""
    magic, count, step, time = _take(stream, ">iiif")
    if magic != _XTC_MAGIC:
        raise ValueError("it does not begin like an XTC frame")
    if count != n_atoms:
        raise ValueError(f"it has {count} atoms, {n_atoms} were expected")
    _take(stream, ">9f")
    (coded,) = _take(stream, ">i")
    if coded != n_atoms:
        raise ValueError(f"it has coordinates of {coded} atoms")
    if n_atoms <= 9:
        return step, time, 12 * n_atoms
    precision, *limits, small, size = _take(stream, ">f6iii")
    # mdtraj's C code does not check these: the size of its buffer and the index of its table.
    room = 4 * (int(1.2 * 3 * n_atoms) - 3)
    sides = [high - low for low, high in zip(limits[:3], limits[3:], strict=True)]
    if not (0 <= size <= room and 9 <= small < 73 and np.isfinite(precision) and precision > 0):
        raise ValueError("the header of its coordinates is damaged")
    if not all(0 <= side < 1 << 31 for side in sides):
        raise ValueError("the header of its coordinates is damaged")
    return step, time, (size + 3) // 4 * 4


def _trr_header(stream: IO[bytes], n_atoms: int) -> tuple[int, float, int]:
    magic, _, length = _take(stream, ">iii")
    if magic != _TRR_MAGIC or not 0 < length <= 64:
        raise ValueError("it does not begin like a TRR frame")
    _take(stream, f">{(length + 3) // 4 * 4}s")
    sizes = _take(stream, ">10i")
    count, step, _ = _take(stream, ">3i")
    if count != n_atoms:
        raise ValueError(f"it has {count} atoms, {n_atoms} were expected")
    vectors = (0, 12 * n_atoms, 24 * n_atoms)
    if any(size not in (0, 36, 72) for size in sizes[:7]) or any(
        size not in vectors for size in sizes[7:]
    ):
        raise ValueError("its header is damaged")
    if sizes[7] == 0 or sizes[2] == 0:
        raise ValueError("it has no positions or no cell; write both at the same steps")
    double = sizes[7] == vectors[2]
    time, _ = _take(stream, ">dd" if double else ">ff")
    return step, time, sum(sizes)


def index_frames(path: Path, name: str, n_atoms: int) -> FrameIndex:
    """Return the steps and times of all complete frames of an XTC or TRR file.

    Args:
        path: the file; its suffix defines the format.
        name: its name in messages.
        n_atoms: expected number of atoms.

    Raises:
        TrajectoryError: a frame is damaged, or has other atoms.
    """
    header = _xtc_header if path.suffix.lower() == ".xtc" else _trr_header
    steps: list[int] = []
    times: list[float] = []
    end = path.stat().st_size
    cut_off = False
    with path.open("rb") as stream:
        while stream.tell() < end:
            try:
                step, time, size = header(stream, n_atoms)
                if size > end - stream.tell():
                    raise _EndError
                stream.seek(size, 1)
            except _EndError:
                cut_off = True
                break
            except ValueError as error:
                raise TrajectoryError(f"{name}: frame {len(steps) + 1}: {error}") from None
            steps.append(step)
            times.append(time)
    if not steps:
        raise TrajectoryError(f"{name}: {'ends within its first frame' if end else 'is empty'}")
    return FrameIndex(np.array(steps, dtype=np.int64), np.array(times, dtype=np.float32), cut_off)


def exact_times(index: FrameIndex, name: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the times and their errors, [n_frames] each, ps.

    The times of a file are in single precision: after 1000 ps their error is up to 6e-5 ps. The
    steps are exact. If all times are, within their precision, the step times the same factor, the
    times are computed from the steps.

    Raises:
        TrajectoryError: the times fall, or change their rate, while the steps rise.
    """
    times = index.times.astype(np.float64)
    if not np.isfinite(times).all():
        frame = int(np.flatnonzero(~np.isfinite(times))[0]) + 1
        raise TrajectoryError(f"{name}: frame {frame}: its time is not a finite number")
    precision = np.spacing(np.abs(index.times)).astype(np.float64)
    rises = np.diff(index.steps)
    if len(rises) == 0 or (rises <= 0).any():
        return times, precision
    elapsed = index.steps - index.steps[0]
    measured = (times[-1] - times[0]) / elapsed[-1]
    allowed = 1.5 * precision.max()
    # Use the factor with the fewest digits that agrees.
    for rate in (*(float(f"{measured:.{digits}g}") for digits in range(1, 8)), measured):
        start = times[0]
        if abs(start - index.steps[0] * rate) <= allowed:
            start = index.steps[0] * rate
        exact = start + elapsed * rate
        if measured > 0 and (np.abs(exact - times) <= allowed).all():
            return exact, np.zeros(len(times))
    _refuse_other_clock(times, rises, precision, name)
    return times, precision


def _refuse_other_clock(
    times: NDArray[np.float64],
    rises: NDArray[np.int64],
    precision: NDArray[np.float64],
    name: str,
) -> None:
    """Raise if the time per step changes from one frame to the next."""
    passed = np.diff(times)
    expected = rises * (passed[0] / rises[0])
    slack = 4.0 * precision[1:] + 4.0 * precision[1] * rises / rises[0]
    other = np.flatnonzero(np.abs(passed - expected) > slack)
    if len(other):
        frame = int(other[0]) + 1
        what = "runs back" if passed[other[0]] < 0 else "changes its pace"
        raise TrajectoryError(
            f"{name}: its time {what}, from {times[frame - 1]:g} to {times[frame]:g} ps at frame "
            f"{frame + 1}, while its steps rise: LAMMPS writes step times time step as the time "
            "of an XTC, which is wrong after a change of the time step; write one file for each "
            "time step, or a text dump with 'dump_modify ID time yes'"
        )


def gromacs_frames(path: Path, name: str, index: FrameIndex, timed: bool) -> Iterator[FrameData]:
    """Yield the frames of an XTC or TRR file.

    Args:
        path: the file.
        name: its name in messages.
        index: from :func:`index_frames`.
        timed: whether to use the times of the file.

    Raises:
        TrajectoryError: a frame is damaged, or the times are wrong.
    """
    try:
        import mdtraj.formats as formats
    except ImportError:
        raise TrajectoryError(
            f"{name}: {path.suffix} files are read by mdtraj: pip install 'pykoh[formats]'"
        ) from None
    xtc = path.suffix.lower() == ".xtc"
    if xtc:
        require_decodable(path, name)
    kind = formats.XTCTrajectoryFile if xtc else formats.TRRTrajectoryFile
    times, precision = exact_times(index, name) if timed else (None, None)
    done, n_frames = 0, len(index.steps)
    try:
        with kind(str(path)) as file:
            while done < n_frames:
                piece: Any = file.read(n_frames=min(_PIECE, n_frames - done))
                positions = np.asarray(piece[0], dtype=np.float64) * _ANGSTROM_PER_NM
                cells = np.asarray(piece[3], dtype=np.float64) * _ANGSTROM_PER_NM
                if len(positions) == 0:
                    raise ValueError("no further frame")
                for k, cell in enumerate(cells):
                    yield FrameData(
                        None if times is None else float(times[done + k]),
                        np.ascontiguousarray(cell),
                        positions[k],
                        int(index.steps[done + k]),
                        0.0 if precision is None else float(precision[done + k]),
                    )
                done += len(positions)
    except (OSError, ValueError, TypeError, RuntimeError, MemoryError) as error:
        raise TrajectoryError(
            f"{name}: mdtraj cannot read it after {done} frames ({error})"
        ) from None
