"""Neighbours in the first shell over time, which do not change in equilibrium."""

from __future__ import annotations

import numpy as np

from pykoh.analysis.common.equilibration import Watched
from pykoh.analysis.structure.rdf import (
    BIN_A,
    KIND_CATION,
    KIND_OSTAR,
    KIND_OTHER_O,
    KIND_OW,
    PairHistograms,
    pair_index,
)

SHELL_A = 3.5
"""Neighbours up to here are those of the first shell: of O by O, and of K by O, to 0.2 Å."""

_OXYGENS = (KIND_OW, KIND_OSTAR, KIND_OTHER_O)


def shells(pairs: PairHistograms, cation: str) -> list[Watched]:
    """Return the neighbours in the first shell of O and of cations.

    Args:
        pairs: what was counted.
        cation: its element.
    """
    found = []
    bins = slice(0, round(SHELL_A / BIN_A))
    whole = slice(0, pairs.n_segments)
    for name, centres in (("O around O", _OXYGENS), (f"O around {cation}", (KIND_CATION,))):
        number = np.zeros(pairs.n_segments)
        for a in centres:
            for b in _OXYGENS:
                twice = 2.0 if a == b else 1.0
                row = pairs.histogram[whole, pair_index(a, b), bins]
                number += twice * row.sum(axis=1)
        counts = pairs.counts[whole][:, list(centres)].sum(axis=1)
        if counts.sum() > 0:
            found.append(Watched(f"{name} within {SHELL_A:g} Å", "", number, counts))
    return found
