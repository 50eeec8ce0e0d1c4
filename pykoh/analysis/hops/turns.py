"""How hops of a hydroxide that follow each other are related: does the next one lead back?

Errors of the share that leads back and of the mean cosine allow for hops that are correlated with
those before (:mod:`pykoh.analysis.hops.chains`).
"""

from __future__ import annotations

import numpy as np

from pykoh.analysis.common.estimate import Estimate, How
from pykoh.analysis.common.statistics import nothing_seen
from pykoh.analysis.hops.chains import Chains
from pykoh.analysis.hops.counter import Hops
from pykoh.analysis.hops.values import Directionality


class Turns:
    """Pairs of hops of one identity, one after the other.

    Args:
        n_identities: hydroxide identities.
    """

    STATE = ("_last", "_last_vector", "_sums", "_chains")

    def __init__(self, n_identities: int) -> None:
        self._last = np.full((n_identities, 2), -1, dtype=np.int64)  # from, to of the last hop
        self._last_vector = np.zeros((n_identities, 3))
        self._sums = np.zeros(4)  # pairs of hops, returns, Σ cos, Σ cos²
        self._chains = Chains(n_identities, 2)  # returned, cosine

    def add(self, hops: Hops) -> None:
        """Take in hops, in order of time for each identity."""
        for row, vector in zip(hops.events, hops.vectors_A, strict=True):
            i = row[1]
            if self._last[i, 0] >= 0:
                before = self._last_vector[i]
                size = np.sqrt((before @ before) * (vector @ vector))
                cosine = float(before @ vector / size) if size > 0 else 0.0
                returned = float(row[3] == self._last[i, 0] and row[2] == self._last[i, 1])
                self._sums += (1.0, returned, cosine, cosine**2)
                self._chains.add(i, np.array([returned, cosine]))
            self._last[i] = row[2:4]
            self._last_vector[i] = vector

    def directionality(self) -> Directionality | None:
        """Return how hops that follow each other are related, or None without two."""
        n, returns, cosines, squares = self._sums
        if n < 1:
            return None
        share, mean = returns / n, cosines / n
        # A share of none or all is not known better than one event would show.
        share_stderr = np.sqrt(max(share * (1.0 - share), 1.0 / (n + 2.0)) / n)
        spread = max(squares / n - mean**2, 0.0)
        # A few cosines of hops that all lead back are alike by chance: the next one may be any of
        # -1 to 1, twice the range of a share.
        scatter = max(np.sqrt(spread / (n - 1.0)), 2.0 * nothing_seen(n)[0]) if n > 1 else None
        variance = np.array([share * (1.0 - share), spread])
        more = np.sqrt(self._chains.inflation(np.array([share, mean]), variance, n))
        share_stderr *= more[0]
        if scatter is not None:
            scatter *= more[1]
        return Directionality(
            n_pairs=int(n),
            return_probability=Estimate.share_of_events(float(share), float(share_stderr)),
            mean_cosine=Estimate.number(
                mean, scatter, How.SCATTER, reason="only one pair of hops was seen"
            ),
        )
