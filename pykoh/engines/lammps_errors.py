"""What LAMMPS says when it stops, in one line and with the remedy."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pykoh.errors import EngineError, PykohError

_SENTENCE = re.compile(r"Unknown command: '([^']+)'")
_AGAIN = "write it again, with pykoh build or the run that it is from"
_REMEDIES = {
    "Last input line: read_restart": "give an older restart file its name (NAME.restart.STEP), or "
    "move the files of this run away and start it again",
    "Unexpected end of data file": f"the box (--var data) is empty or cut off: {_AGAIN}",
    "Last input line: read_data": f"the box (--var data) cannot be read: {_AGAIN}",
    "Lost atoms": "the simulation has blown up; use a shorter --var timestep_fs (0.5), or "
    "equilibrate the box first (equilibrate.in)",
}
"""What to do, by a part of LAMMPS's message; the first that fits counts."""


@contextmanager
def lammps_errors(script: Path, raise_kept: Callable[[], None] | None) -> Iterator[None]:
    """Turn exceptions of LAMMPS into an error of one line.

    Args:
        script: the input.
        raise_kept: raises what went wrong in the callback, which LAMMPS does not pass on; or None.

    Raises:
        EngineError: LAMMPS stopped.
    """
    try:
        yield
    except PykohError:
        raise
    except Exception as error:
        if raise_kept is not None:
            raise_kept()
        message = " ".join(str(error).split())
        # The inputs stop with a sentence in quotation marks, which is no command.
        if own := _SENTENCE.search(message):
            raise EngineError(f"{script}: {own[1]}") from error
        remedy = next((f"; {text}" for line, text in _REMEDIES.items() if line in message), "")
        raise EngineError(f"{script}: LAMMPS says {message}{remedy}") from error
    if raise_kept is not None:
        raise_kept()
