"""Continuing a run without repeated or missing frames."""

from __future__ import annotations

from pathlib import Path

from pykoh.engines.ending import end_all_ranks, rank

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
