"""The value that a survival function is."""

from __future__ import annotations

from dataclasses import dataclass

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
        intermittent_ps: time at which C falls to 1/e, or None if it does not.
        continuous_ps: ∫ S dt, or None.
        intermittent_stderr_ps: standard error of the first, from that of C and its slope there.
        continuous_stderr_ps: of the second, if spells follow an exponential law.
    """

    lag_ps: FloatArray
    intermittent: FloatArray
    intermittent_stderr: FloatArray
    time_ps: FloatArray
    continuous: FloatArray
    intermittent_ps: float | None
    continuous_ps: float | None
    intermittent_stderr_ps: float | None = None
    continuous_stderr_ps: float | None = None
