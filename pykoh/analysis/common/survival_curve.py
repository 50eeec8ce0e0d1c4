"""The value that a survival function is."""

from __future__ import annotations

from dataclasses import dataclass

from pykoh.analysis.common.estimate import Estimate
from pykoh.arrays import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class SurvivalCurve:
    """How long a partner is kept (:mod:`pykoh.analysis.common.survival`).

    Attributes:
        lag_ps: [n], ps, of the intermittent function.
        intermittent: [n], C(t): held at 0 and at t.
        intermittent_stderr: [n].
        time_ps: [m], ps, of the continuous function; empty if nothing ended.
        continuous: [m], S(t): held from 0 to t without a break.
        intermittent_ps: time at which C falls to 1/e, with an error from that of C and its slope
            there; or None if it does not fall that far.
        continuous_ps: ∫ S dt, the mean time from a random moment to the end, in which long spells
            count more; with the error of spells that follow an exponential law; or None.
    """

    lag_ps: FloatArray
    intermittent: FloatArray
    intermittent_stderr: FloatArray
    time_ps: FloatArray
    continuous: FloatArray
    intermittent_ps: Estimate | None
    continuous_ps: Estimate | None
