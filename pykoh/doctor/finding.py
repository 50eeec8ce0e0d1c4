"""One thing that was looked for, and programs asked for their version."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Status = Literal["ok", "missing", "warning"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one thing.

    Attributes:
        name: of the thing.
        status: ``missing`` is an error only for who needs it.
        found: version and place, or what is wrong.
        needed_for: what the thing is needed for.
        remedy: what to type or to change; "" if nothing.
    """

    name: str
    status: Status
    found: str
    needed_for: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """How a program ended.

    Attributes:
        ok: whether it ended by itself with status 0.
        output: its standard output.
        error: its standard error, or why it could not be run.
    """

    ok: bool
    output: str
    error: str

    @property
    def last_line(self) -> str:
        """Return the last line of the error (else of the output) that says something."""
        lines = [line.strip() for line in (self.error or self.output).splitlines()]
        return next((line for line in reversed(lines) if line), "it says nothing")


def ask(
    arguments: list[str],
    timeout_s: float = 60.0,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Answer:
    """Run a program and return what it says; a program that hangs is killed.

    Args:
        arguments: program and arguments.
        timeout_s: seconds it may take.
        folder: where it runs.
        environment: variables to set.
    """
    try:
        done = subprocess.run(
            arguments,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_s,
        )
    except subprocess.TimeoutExpired:
        return Answer(False, "", f"no answer in {timeout_s:g} s")
    except OSError as error:
        return Answer(False, "", error.strerror or str(error))
    output, said = (stream.decode(errors="replace") for stream in (done.stdout, done.stderr))
    if done.returncode < 0:
        said += f"\nkilled by signal {-done.returncode}"
    return Answer(done.returncode == 0, output, said)


def ask_python(code: str, timeout_s: float = 120.0) -> tuple[dict[str, Any], str]:
    """Run code that prints JSON in this Python.

    Returns:
        What it printed (empty if it failed), and why it failed ("" if it did not).
    """
    # The parent's path, so that a checkout that is not installed works too.
    path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
    answer = ask([sys.executable, "-c", code], timeout_s, environment={"PYTHONPATH": path})
    lines = answer.output.strip().splitlines()
    if not answer.ok or not lines:
        return {}, answer.last_line
    values: dict[str, Any] = json.loads(lines[-1])
    return values, ""
