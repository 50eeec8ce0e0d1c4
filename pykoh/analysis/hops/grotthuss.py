"""Proton transfers, rattles and hops as results, with what limits them."""

from __future__ import annotations

from pykoh.analysis.common.analysis_warning import AnalysisWarning
from pykoh.analysis.common.estimate import Estimate, How
from pykoh.analysis.common.wording import counted, rounded_up
from pykoh.analysis.hops.counter import HopCounter
from pykoh.analysis.hops.values import Grotthuss, IntervalDependence
from pykoh.analysis.hops.waiting import FEWEST_IN_TAIL

FINE_INTERVAL_PS = 0.02
"""Frames further apart than this miss transfers that lead back at once (a rattle takes tens of
femtoseconds)."""


def grotthuss(
    counter: HopCounter | None,
    n_hydroxides: int,
    rattle_window_ps: float,
    interval_ps: float | None,
    n_multiple: int,
    n_ionised: int,
    n_frames: int,
    intervals: IntervalDependence | None = None,
) -> tuple[Grotthuss, list[AnalysisWarning]]:
    """Return the results of a hop counter and what is doubtful about them.

    Args:
        counter: what was counted, or None without hydroxides.
        n_hydroxides: identities that were followed.
        rattle_window_ps: a return within this time is a rattle.
        interval_ps: time between frames, or None with one frame.
        n_multiple: moves of an identity over more than one proton between two frames.
        n_ionised: frames with an oxygen that had neither one nor two H.
        n_frames: frames of the run.
        intervals: what a longer dump interval would have shown, or None.
    """
    warnings: list[AnalysisWarning] = []
    if n_ionised:
        reason = (
            f"{n_ionised} of {counted(n_frames, 'frame')} {'has' if n_ionised == 1 else 'have'} "
            "an oxygen with no H or with three (ionised water, oxide); each hydroxide is followed "
            "through these frames"
        )
        warnings.append(AnalysisWarning("grotthuss", reason))
    if counter is None or interval_ps is None:
        reason = "the box has no hydroxide ions" if n_hydroxides == 0 else "one frame shows no hops"
        warnings.append(AnalysisWarning("grotthuss", reason))
        none = None
        return (
            Grotthuss(
                n_hydroxides, rattle_window_ps, 0, 0, 0, none, none, none,
                n_multiple, n_ionised, none, none,
            ),
            warnings,
        )  # fmt: skip
    n_hops, rate = counter.n_hops, counter.rate_per_ps()
    residence = None
    if rate is not None and rate.stderr is not None and n_hops:
        stderr = rate.stderr / rate.value**2
        ends = None if rate.interval is None else (1.0 / rate.interval[1], 1.0 / rate.interval[0])
        residence = Estimate.number(1.0 / rate.value, stderr, How.COUNT, interval=ends)
    found = Grotthuss(
        n_hydroxides=n_hydroxides,
        rattle_window_ps=rattle_window_ps,
        n_transfers=counter.n_transfers,
        n_rattles=counter.n_transfers - n_hops,
        n_hops=n_hops,
        hop_rate_per_ps=rate,
        residence_time_ps=residence,
        hop_length_A=counter.hop_length,
        n_multiple_transfers=n_multiple,
        n_ionised_frames=n_ionised,
        rate_vs_window=counter.curve(),
        waiting_times=counter.waiting_times(),
        intervals=intervals,
    )
    return found, warnings + _doubts(found, interval_ps, (n_frames - 1) * interval_ps)


def _doubts(found: Grotthuss, interval_ps: float, duration_ps: float) -> list[AnalysisWarning]:
    """Return what is doubtful about the hops that were counted.

    Args:
        found: the hops.
        interval_ps: time between frames.
        duration_ps: length of the run.
    """
    warnings: list[AnalysisWarning] = []

    def warn(quantity: str, reason: str) -> None:
        warnings.append(AnalysisWarning(f"grotthuss.{quantity}", reason))

    if found.residence_time_ps is None:
        # The rule of three: no event in an exposure E excludes rates above 3 / E at 95 %.
        limit = 3.0 / (found.n_hydroxides * duration_ps)
        warn(
            "residence_time_ps",
            f"no hop in {duration_ps:.3g} ps of {counted(found.n_hydroxides, 'hydroxide')}; "
            f"the hop rate is below {rounded_up(limit)} /ps (95 %)",
        )
    if interval_ps > FINE_INTERVAL_PS * 1.001:
        warn(
            "n_transfers",
            f"frames are {1000 * interval_ps:.3g} fs apart, so transfers that lead back in "
            "between are missed and all counts are lower limits; "
            f"dump every {1000 * FINE_INTERVAL_PS:g} fs or less",
        )
    if found.n_hops and (reason := _too_coarse(found.intervals, interval_ps)) is not None:
        warn("hop_rate_per_ps", reason)
    if found.n_multiple_transfers:
        warn(
            "n_multiple_transfers",
            f"{counted(found.n_multiple_transfers, 'time')} a hydroxide moved over more than one "
            "proton between two frames; dump more often to see the order of these transfers",
        )
    if found.rattle_window_ps < interval_ps:
        warn(
            "n_rattles",
            f"the rattle window of {found.rattle_window_ps:g} ps is shorter than the time between "
            f"frames ({interval_ps:g} ps), so no transfer can be a rattle",
        )
    waiting = found.waiting_times
    if waiting is None or waiting.fit is None:
        n_waiting = 0 if waiting is None else int(waiting.counts.sum())
        warn(
            "waiting_time_fit",
            f"{counted(n_waiting, 'waiting time', ('is', 'are'))} too few to fit an exponential; "
            f"at least {FEWEST_IN_TAIL} long waiting times are needed; use a longer run",
        )
    return warnings


def _too_coarse(intervals: IntervalDependence | None, interval_ps: float) -> str | None:
    """Return why frames are too far apart to see all hops, or None.

    Args:
        intervals: what a longer dump interval would have shown, or None.
        interval_ps: time between frames.
    """
    if intervals is None or intervals.needed_ps is None:
        return None
    needed, rate = intervals.needed_ps.value, intervals.hop_rate_per_ps
    loss = 1.0 - float(rate[1] / rate[0])
    lost = abs(loss) * rate[0]
    if needed >= interval_ps or lost <= intervals.hop_rate_stderr_per_ps[0]:
        return None
    return (
        f"with every second frame the hop rate is {100 * abs(loss):.0f} % "
        f"{'lower' if loss > 0 else 'higher'}: frames are too far apart; "
        f"dump every {max(1000 * needed, 0.1):.2g} fs to lose less than 5 %"
    )
