"""Continuing a run without repeated or missing frames."""

from __future__ import annotations

import re
from pathlib import Path
from typing import BinaryIO

from pykoh.engines.ending import end_all_ranks, rank

_BLOCK = 1 << 24
_MARK = b"ITEM: TIMESTEP\n"
_COUNT = b"ITEM: NUMBER OF ATOMS\n"
_ATOMS = b"ITEM: ATOMS"
_BEFORE = re.compile(rb"(?:ITEM: (?:UNITS|TIME)\n[^\n]*\n)+\Z")
"""What LAMMPS writes before the step: it belongs to the frame that follows."""
_LONGEST_BEFORE = 1024


def truncate_dump(path: Path, step: int) -> int:
    """Cut a LAMMPS text dump before its first frame at or after ``step``.

    A run continued from a restart at ``step`` writes those frames again. Reads from the end, so
    that it is quick for a large file.

    Returns:
        The number of frames that were cut off, one that was half written included.
    """
    return cut(path, step)[0]


def cut(path: Path, step: int) -> tuple[int, bytes]:
    """Do what :func:`truncate_dump` does; return also what was cut off, if that is one frame.

    A run that was at its end already makes no step, and so does not write its last frame again.
    """
    removed = 0
    tail = b""
    with path.open("r+b") as stream:
        end = stream.seek(0, 2)
        while end > 0:
            frame = last_frame(stream, end)
            if frame is None:
                break
            start, found = frame
            if found is not None and found < step:
                whole = _end_of_frame(stream, start, end)
                if whole is not None:
                    removed += whole < end  # the beginning of a header
                    end = whole
                    break
            end = start
            removed += 1
        if removed == 1:
            stream.seek(end)
            tail = stream.read()
        if removed:
            stream.truncate(end)
    return removed, tail


def give_back(path: Path, tail: bytes, size: int) -> bool:
    """Append what :func:`cut` cut off, if nothing was written since; return whether it was done.

    Args:
        path: the dump.
        tail: what was cut off.
        size: of the dump after that.
    """
    if not tail or path.stat().st_size != size:
        return False
    with path.open("ab") as stream:
        stream.write(tail)
    return True


def _end_of_frame(stream: BinaryIO, start: int, end: int) -> int | None:
    """Return where the atoms of the frame at ``start`` end, None if some are missing."""
    stream.seek(start)
    data = stream.read(end - start)
    count, atoms = data.find(_COUNT), data.find(_ATOMS)
    number = data[count + len(_COUNT) :].split(b"\n", 1)[0].strip()
    if count < 0 or atoms < 0 or not number.isdigit():
        return end if count < 0 else None
    place = data.find(b"\n", atoms)
    for _ in range(int(number)):
        if place < 0:
            return None
        place = data.find(b"\n", place + 1)
    return None if place < 0 else start + place + 1


def cut_dump(path: str, step: int) -> None:
    """Cut a dump before ``step``, once for all ranks; called from the input scripts.

    LAMMPS itself appends: a continued run would leave the frame of its restart, and those between
    it and a kill, in the dump twice. Ends all ranks with one sentence if the file can't be cut.

    Args:
        path: of a LAMMPS text dump that rank 0 writes.
        step: first step of the run that continues it.
    """
    if rank() > 0:
        return
    try:
        truncate_dump(Path(path), step)
    except OSError as error:
        end_all_ranks(
            f"{path}: cannot be continued ({error.strerror}); set name or make it writable"
        )


def last_frame(stream: BinaryIO, end: int) -> tuple[int, int | None] | None:
    """Return offset and step of the last frame that begins before ``end``; step None if cut.

    The frame begins with ``ITEM: UNITS`` and ``ITEM: TIME``, where it has them.
    """
    low = end
    tail = b""
    while low > 0:
        size = min(_BLOCK, low)
        low -= size
        stream.seek(low)
        tail = stream.read(size) + tail[: len(_MARK)]
        at = tail.rfind(_MARK)
        if at >= 0:
            start = low + at
            stream.seek(start + len(_MARK))
            line = stream.readline(64)
            whole = line.endswith(b"\n") and stream.tell() <= end
            step = int(line) if whole and line.strip().isdigit() else None
            return _with_time(stream, start), step
    return None


def _with_time(stream: BinaryIO, start: int) -> int:
    """Return where the lines with units and time begin that stand before ``ITEM: TIMESTEP``."""
    low = max(start - _LONGEST_BEFORE, 0)
    stream.seek(low)
    found = _BEFORE.search(stream.read(start - low))
    return start if found is None else low + found.start()
