r"""Hops as a random walk: what they remember, and the diffusion that they add up to.

Hops with the rate k, the mean square length l² and the mean cosine c between one and the next make

    D_hops = (k l² / 6) (1 + c) / (1 - c),

exact where the direction of a hop depends on the one before it only (Compaan and Haven, Trans.
Faraday Soc. 52 (1956) 786, doi:10.1039/TF9565200786). A hop that leads back has the cosine -1, so
that returns make D smaller. In KOH the direction depends on more: an ion may hop to and fro between
two oxygens several times. Hops that last (:mod:`pykoh.analysis.hops.lasting`) remember little, and
D is calculated from these.

The mean-square displacement of such a walk with independent waiting times is not straight before
this memory is over: its slope is above that of diffusion by

    -2 c / (1 + c) · exp[-k (1 - c) t]

of D_hops (c < 0). A fit must begin where this is small. A cation that goes a part p of
each hop along has p² of this in its own displacement.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pykoh.analysis.common.estimate import Estimate, How
from pykoh.analysis.common.wording import counted
from pykoh.analysis.hops.counter import HopCounter
from pykoh.analysis.hops.values import Directionality
from pykoh.analysis.transport.fitting import DEFAULT_EARLIEST_PS

TOLERATED = 0.05
"""A fit begins where hops that lead back raise the slope by no more than this share."""

FEWEST_HOPS = 60
"""Fewer hops do not tell how many lead back: at a cosine of -0.5 the factor (1 + c) / (1 - c) is
known to 30 % then, and so are the memory of the hops and D. It is a rule about the run: it looks at
how much was seen, not at how far the ions went."""

_LARGEST_COSINE = 0.95
_FEWEST_PAIRS = 5  # of hops; fewer say nothing about their correlation


def too_few_hops(n_hops: float, earliest_ps: float) -> str | None:
    """Return why hops cannot tell where a fit may begin, or None if they can.

    Args:
        n_hops: of all hydroxides.
        earliest_ps: what they remember, or the rattle window where that is longer. Transfers that
            are reverted within it are no hops, but are part of the displacement.
    """
    if n_hops >= FEWEST_HOPS or earliest_ps <= DEFAULT_EARLIEST_PS:
        return None
    return (
        f"{counted(n_hops, 'hop', ('is', 'are'))} too few to tell how many of them lead back; "
        f"at least {FEWEST_HOPS} are needed: run longer, or a larger box"
    )


@dataclass(frozen=True, slots=True)
class HopWalk:
    """Hops of one hydroxide.

    Attributes:
        rate_per_ps: hops per hydroxide and ps.
        square_length_A2: mean square O-O distance of a hop, Å².
        cosine: mean cosine between one hop and the next.
        n_hops: how many were seen, of all hydroxides.
    """

    rate_per_ps: Estimate
    square_length_A2: float
    cosine: Estimate
    n_hops: float = np.inf

    def too_few(self, earliest_ps: float) -> str | None:
        """Return why hops cannot tell where a fit may begin, or None if they can.

        Args:
            earliest_ps: their memory (:meth:`memory_ps`); one of 1 ps or less is no matter.
        """
        return too_few_hops(self.n_hops, earliest_ps)

    def free(self) -> float:
        """Return what D of the hops would be if none led back, Å²/ps."""
        return self.rate_per_ps.value * self.square_length_A2 / 6.0

    def diffusion(self) -> Estimate:
        """Return D of the hops, Å²/ps."""
        cosine = float(np.clip(self.cosine.value, -_LARGEST_COSINE, _LARGEST_COSINE))
        free = self.free()
        value = free * (1.0 + cosine) / (1.0 - cosine)
        rate, of_cosine = self.rate_per_ps, self.cosine.stderr or 0.0
        from_rate = (rate.stderr or 0.0) / max(rate.value, 1e-300) * value
        from_cosine = free * 2.0 / (1.0 - cosine) ** 2 * of_cosine
        return Estimate.positive(value, float(np.hypot(from_rate, from_cosine)), How.PARTS)

    def memory_ps(self, vehicular_A2_per_ps: float = 0.0, part: float = 1.0) -> float:
        """Return the lag from which on returns raise the slope by 5 % at most, ps; 0 if always.

        The cosine is taken one standard error on the side of more memory.

        Args:
            vehicular_A2_per_ps: D of the motion besides the hops, Å²/ps, at least 0.
            part: of each hop that is gone along with: 1 for the hydroxide itself, less for a cation
                that it drags along.
        """
        safe = self.cosine.value - (self.cosine.stderr or 0.0)
        cosine = float(np.clip(safe, -_LARGEST_COSINE, 0.0))
        free = part**2 * self.free()
        if free <= 0:
            return 0.0
        whole = vehicular_A2_per_ps + free * (1.0 + cosine) / (1.0 - cosine)
        excess = -2.0 * cosine / (1.0 - cosine) * free / whole
        if excess <= TOLERATED:
            return 0.0
        return float(np.log(excess / TOLERATED) / (self.rate_per_ps.value * (1.0 - cosine)))


def hop_walk(counter: HopCounter | None, turns: Directionality | None) -> HopWalk | None:
    """Return the walk of the hops that were seen, or None if they are too few.

    Args:
        counter: what was counted, or None without hydroxides.
        turns: how hops that follow each other are related, or None.
    """
    if counter is None or turns is None or turns.n_pairs < _FEWEST_PAIRS:
        return None
    rate = counter.rate_per_ps()
    if rate is None:
        return None
    return HopWalk(
        rate,
        counter.mean_square_length,
        turns.mean_cosine,
        counter.n_hops,
    )
