"""The rows of NAME.pressure.txt, which a run may be writing at this moment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np

from pykoh.arrays import FloatArray


def complete_rows(lines: Iterable[str], columns: Sequence[int]) -> FloatArray:
    """Return [n, n_columns], the numbers of all complete lines; n is 0 before the first one.

    Args:
        lines: of the file; those that begin with ``#`` are comments.
        columns: indices of the columns.

    Raises:
        ValueError: a line has no such column, or a word that is no number.
    """
    # A run that is going on may be writing its last row just now.
    whole = (line for line in lines if line.endswith("\n"))
    first = next((line for line in whole if line.split("#")[0].strip()), None)
    if first is None:  # of which numpy would print a warning
        return np.zeros((0, len(columns)))
    rows = np.loadtxt(chain([first], whole), comments="#", usecols=columns, ndmin=2)
    return np.asarray(rows, dtype=np.float64)
