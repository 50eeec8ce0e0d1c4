"""Seams, where a dump was cut off and then continued, and a last line without line end.

A run that was killed leaves an incomplete line. The continued run (``dump_modify append yes``)
writes its first header directly after it, on the same line.
"""

from __future__ import annotations

import re

_SEAM = re.compile(rb"(?<!^)(?<!\n)ITEM: (?:UNITS|TIME|TIMESTEP)\r?\n")
_STEP = b"ITEM: TIMESTEP"


def seam_in(data: bytes, start: int) -> int | None:
    """Return where a header begins in the middle of a line, or None.

    Args:
        data: bytes of a dump.
        start: where a header should begin; only one frame may begin before the seam.
    """
    found = _SEAM.search(data)
    if found is None or data.count(_STEP, start, found.start()) > 1:
        return None
    return found.start()


def last_line_is_whole(atoms: bytes, last: int, n_columns: int) -> bool:
    """Return whether the last line of a dump, which has no line end, is complete.

    Its last number must have as many digits as the longest number in its column. An incomplete
    number has fewer.

    Args:
        atoms: the atom lines of a frame, with the last one.
        last: begin of the last line.
        n_columns: columns of a line.
    """
    words = atoms[last:].split()
    if len(words) != n_columns:
        return False
    others = [line.split() for line in atoms[:last].splitlines()]
    digits = [_digits(line[n_columns - 1]) for line in others if len(line) >= n_columns]
    return _digits(words[-1]) >= max(digits, default=0)


def _digits(word: bytes) -> int:
    """Return the number of digits after the point, or of all digits without a point."""
    whole, point, places = word.partition(b".")
    return len(places) if point else len(whole.lstrip(b"-"))
