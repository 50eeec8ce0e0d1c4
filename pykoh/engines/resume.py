"""Continuing a run without repeated or missing frames."""

from __future__ import annotations

from pathlib import Path

_BLOCK = 1 << 24
_MARK = b"ITEM: TIMESTEP\n"


def truncate_dump(path: Path, step: int) -> int:
    """Cut a LAMMPS text dump before its first frame at or after ``step``.

    A run continued from a restart at ``step`` writes those frames again. Reads from the end, so
    that it is quick for a large file.

    Returns:
        The number of frames that were cut off, one that was half written included.
    """
    removed = 0
    with path.open("r+b") as stream:
        end = stream.seek(0, 2)
        while end > 0:
            frame = last_frame(stream, end)
            if frame is None:
                break
            start, found = frame
            if found is not None and found < step:
                break
            end = start
            removed += 1
        if removed:
            stream.truncate(end)
    return removed


def last_frame(stream, end: int) -> tuple[int, int | None] | None:  # type: ignore[no-untyped-def]
    """Return offset and step of the last frame that begins before ``end``; step None if cut."""
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
            return start, int(line) if whole and line.strip().isdigit() else None
    return None
