"""Child processes that compute for hours: they end with pykoh, and their time is measured."""

from __future__ import annotations

import ctypes
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from pykoh.errors import PykohError


def available_cores() -> int:
    """Return the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _die_with_parent() -> None:
    pr_set_pdeathsig = 1
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


def start(command: list[str], folder: Path, output: Any, **environment: str) -> subprocess.Popen:
    """Start a program in a session of its own, without input; it is killed when pykoh is killed.

    Args:
        command: the program and its arguments.
        folder: working folder.
        output: open file for its output.
        environment: variables to set.
    """
    return subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        # Otherwise it would survive a kill -9 of pykoh and compute beside a resumed run.
        preexec_fn=_die_with_parent,
    )


def kill(process: subprocess.Popen) -> None:
    """Kill a process of :func:`start` and its children."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def core_seconds(pid: int) -> float:
    """Return the processor seconds of a running process, 0 if unknown."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Written:
    """What a command writes to files that may hold output of earlier ones.

    Made before the command is started.

    Args:
        output: to which it appends.
        own_log: which it begins anew, if it has one.
    """

    def __init__(self, output: Path, own_log: Path | None = None) -> None:
        self._output, self._own_log = output, own_log
        self._size = output.stat().st_size if output.exists() else 0
        self._changed = _changed(own_log)

    def last_line(self) -> str:
        """Return the last line with ERROR or Error that the command wrote, else its last line."""
        found = [_lines(self._output, self._size)]
        if self._own_log is not None and _changed(self._own_log) != self._changed:
            found.append(_lines(self._own_log))
        errors = [_last_error(lines) for lines in found if _last_error(lines)]
        last = [lines[-1] for lines in found if lines]
        return (errors or last or ["no output"])[0][:300]


def last_line(log: Path) -> str:
    """Return the last line of a log with ERROR or Error, else the last line."""
    lines = _lines(log)
    return (_last_error(lines) or (lines or ["no output"])[-1])[:300]


def _changed(path: Path | None) -> int:
    return path.stat().st_mtime_ns if path is not None and path.exists() else 0


def _lines(log: Path, first_byte: int = 0) -> list[str]:
    try:
        with log.open("rb") as stream:
            stream.seek(first_byte)
            text = stream.read().decode("utf-8", errors="replace")
    except OSError:
        return []
    return [line.strip() for line in text.replace("\r", "\n").splitlines() if line.strip()]


def _last_error(lines: list[str]) -> str:
    return next((line for line in lines[::-1] if line.startswith(("ERROR", "Error"))), "")


def split_command(command: str) -> list[str]:
    """Return the words of a command as a shell sees them.

    Raises:
        ValueError: a quotation mark has no partner.
    """
    try:
        return shlex.split(command)
    except ValueError as error:
        raise ValueError(f"{command!r}: a quotation mark is not closed") from error


def words_of(option: str, given: str) -> list[str]:
    """Return the words that an option of the command line holds.

    Raises:
        PykohError: a quotation mark has no partner.
    """
    try:
        return split_command(given)
    except ValueError as error:
        raise PykohError(f"{option} {error}; close it") from error


@contextmanager
def interruptible() -> Iterator[None]:
    """Treat SIGTERM like Ctrl-C in the block; also SIGINT if it was ignored (nohup)."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {s: signal.signal(s, interrupt) for s in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
