"""Child processes that compute for hours: they end with pykoh, and their time is measured."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any


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


def last_line(log: Path) -> str:
    """Return the last line of a log with ERROR or Error, else the last line."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "no output"
    lines = [line.strip() for line in text.replace("\r", "\n").splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("ERROR", "Error"))]
    return ((errors or lines)[-1] if lines else "no output")[:300]


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
