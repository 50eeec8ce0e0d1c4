"""What LAMMPS says when it stops, in one line and with the remedy."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pykoh.errors import EngineError, PykohError

_SENTENCE = re.compile(r"Unknown command: '([^']+)'")
_REMEDIES = {
    "Last input line: read_restart": "give an older restart file its name (NAME.restart.STEP), or "
    "move the files of this run away and start it again",
    "Last input line: read_data": "write the data file again, with pykoh build or the run "
    "that it is from",
}
"""What to do when LAMMPS cannot read a file, by the command that its message ends with."""


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
