"""The result of one check, and calls of programs."""

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
    """The result of one check.

    Attributes:
        name: name of the program or package.
        status: ``missing`` is an error only for users who need it.
        found: version and path, or the problem.
        needed_for: its purpose.
        remedy: command to type or thing to change; "" if nothing.
    """

    name: str
    status: Status
    found: str
    needed_for: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The output of a program.

    Attributes:
        ok: whether it ended with status 0.
        output: its standard output.
        error: its standard error, or why it could not be run.
    """

    ok: bool
    output: str
    error: str

    @property
    def last_line(self) -> str:
        """Return the last line with text of the error, else of the output."""
        lines = [line.strip() for line in (self.error or self.output).splitlines()]
        return next((line for line in reversed(lines) if line), "it printed nothing")


def ask(
    arguments: list[str],
    timeout_s: float = 60.0,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Answer:
    """Run a program and return its output; kill it after ``timeout_s``.

    Args:
        arguments: program and arguments.
        timeout_s: time limit, seconds.
        folder: working folder.
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
        Its output (empty if it failed), and the reason of the failure ("" if it did not fail).
    """
    # With the parent's path, so that a checkout works without installation.
    path = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
    answer = ask([sys.executable, "-c", code], timeout_s, environment={"PYTHONPATH": path})
    lines = answer.output.strip().splitlines()
    if not answer.ok or not lines:
        return {}, answer.last_line
    values: dict[str, Any] = json.loads(lines[-1])
    return values, ""
