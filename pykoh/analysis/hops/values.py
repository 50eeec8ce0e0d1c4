"""What an analysis finds about proton hops; see :mod:`pykoh.analysis.results`."""

from __future__ import annotations

from dataclasses import dataclass

from pykoh.analysis.common.estimate import Estimate
from pykoh.analysis.common.input_summary import InputSummary
from pykoh.analysis.common.shown import Output
from pykoh.analysis.common.survival_curve import SurvivalCurve
from pykoh.analysis.hops.shown import hops_output
from pykoh.arrays import FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class HopRateCurve:
    """The hop rate as a function of the rattle window.

    Attributes:
        window_ps: [n], ps.
        hop_rate_per_ps: [n], hops per hydroxide and ps.
        stderr_per_ps: [n].
        n_hops: [n].
    """

    window_ps: FloatArray
    hop_rate_per_ps: FloatArray
    stderr_per_ps: FloatArray
    n_hops: IntArray


@dataclass(frozen=True, slots=True)
class WaitingTimeFit:
    """The long-time tail of the waiting-time distribution: p(t) = a · λ · exp(-λ t), t > start.

    Attributes:
        amplitude: a, the weight of the exponential: 1 if it holds for all waiting times, more where
            short ones are missing (rattles are no hops).
        rate_per_ps: λ, 1/ps.
        start_ps: where the tail begins.
        n_waiting_times: waiting times in the tail.
    """

    amplitude: Estimate
    rate_per_ps: Estimate
    start_ps: float
    n_waiting_times: int


@dataclass(frozen=True, slots=True, eq=False)
class WaitingTimes:
    """Times between hops of the same hydroxide that follow each other, in logarithmic bins.

    Attributes:
        edges_ps: [n_bins + 1], ps.
        counts: [n_bins].
        density_per_ps: [n_bins], probability density, 1/ps.
        density_stderr_per_ps: [n_bins].
        fit: the exponential tail, or None.
    """

    edges_ps: FloatArray
    counts: IntArray
    density_per_ps: FloatArray
    density_stderr_per_ps: FloatArray
    fit: WaitingTimeFit | None


@dataclass(frozen=True, slots=True)
class Directionality:
    """How hops of one hydroxide that follow each other are related.

    Attributes:
        n_pairs: pairs of such hops.
        return_probability: share of hops that lead back to the oxygen that the hop before left.
        mean_cosine: mean cosine of the angle between the two; -1: always back, 0: random.
    """

    n_pairs: int
    return_probability: Estimate
    mean_cosine: Estimate


@dataclass(frozen=True, slots=True, eq=False)
class Presolvation:
    """Hydrogen bonds around net hops, averaged over them.

    Attributes:
        n_hops: hops that were averaged.
        lag_ps: [n], ps, time after the hop (negative: before).
        accepted: [n], bonds that the hydroxide accepts (before: on its old oxygen).
        accepted_stderr: [n].
        donated: [n], bonds that the hydroxide donates.
        donated_stderr: [n].
        accepted_by_target: [n], bonds accepted by the oxygen that the hydroxide comes to.
        accepted_by_target_stderr: [n].
    """

    n_hops: int
    lag_ps: FloatArray
    accepted: FloatArray
    accepted_stderr: FloatArray
    donated: FloatArray
    donated_stderr: FloatArray
    accepted_by_target: FloatArray
    accepted_by_target_stderr: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class ProtonTransferProfile:
    """Free energy of the proton that is nearest to a transfer to a hydroxide, -ln P in kT.

    δ = r(H-O*) - r(H-Ow) is 0 when the proton is shared; the profile is symmetric about it.

    Attributes:
        delta_A: [n], Å, bin centres.
        free_energy_kT: [n], relative to its minimum; NaN where nothing was seen.
        stderr_kT: [n], from blocks of time.
        r_A: [m], Å, bin centres of r(OO).
        map_kT: [n, m], free energy along both.
        barrier_kT: at δ = 0 above the minimum, or None.
        map_stderr_kT: [n, m], standard error of the map, from blocks of time.
    """

    delta_A: FloatArray
    free_energy_kT: FloatArray
    stderr_kT: FloatArray
    r_A: FloatArray
    map_kT: FloatArray
    barrier_kT: Estimate | None
    map_stderr_kT: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class IntervalDependence:
    """What the run would have shown with every 2nd, 4th ... frame only.

    Attributes:
        interval_ps: [n], ps, time between frames, from that of the run on.
        transfer_rate_per_ps: [n], transfers per hydroxide and ps.
        hop_rate_per_ps: [n], hops per hydroxide and ps, with the same rattle window.
        hop_rate_stderr_per_ps: [n].
        needed_ps: interval at which the hop rate would be within 5 % of its limit, perhaps only a
            lower limit of it; None if the run does not tell.
    """

    interval_ps: FloatArray
    transfer_rate_per_ps: FloatArray
    hop_rate_per_ps: FloatArray
    hop_rate_stderr_per_ps: FloatArray
    needed_ps: Estimate | None


@dataclass(frozen=True, slots=True, eq=False)
class Grotthuss:
    """Proton transfers to hydroxide ions: n_transfers = n_rattles + n_hops.

    Attributes:
        n_hydroxides: identities that were followed.
        rattle_window_ps: a transfer and the next one are a rattle if the next one leads back
            within this time.
        n_transfers: all changes of the oxygen that carries a hydroxide.
        n_rattles: those of them in pairs whose second leads back (both count).
        n_hops: all others.
        hop_rate_per_ps: hops per hydroxide and ps, with an error of at least Poisson's; None
            without a hydroxide or with one frame.
        residence_time_ps: mean time between hops, 1 / rate; None without hops.
        hop_length_A: mean O-O distance of a hop, or None.
        n_multiple_transfers: changes of identity over more than one proton within one frame
            interval; many mean that frames are too far apart.
        n_ionised_frames: frames with an oxygen that had neither one nor two H.
        rate_vs_window: hop rate over rattle windows, or None.
        waiting_times: distribution of the times between hops, or None.
        residence: how long a hydroxide stays on its oxygen, or None.
        directionality: how hops that follow each other are related, or None.
        presolvation: hydrogen bonds around a hop, or None.
        proton_transfer: free energy along the transfer of the proton, or None.
        intervals: the same run with longer dump intervals, or None.
    """

    n_hydroxides: int
    rattle_window_ps: float
    n_transfers: int
    n_rattles: int
    n_hops: int
    hop_rate_per_ps: Estimate | None
    residence_time_ps: Estimate | None
    hop_length_A: Estimate | None
    n_multiple_transfers: int
    n_ionised_frames: int
    rate_vs_window: HopRateCurve | None
    waiting_times: WaitingTimes | None
    residence: SurvivalCurve | None = None
    directionality: Directionality | None = None
    presolvation: Presolvation | None = None
    proton_transfer: ProtonTransferProfile | None = None
    intervals: IntervalDependence | None = None

    def output(self, name: str, given: InputSummary) -> Output:
        """Return what is written and printed of it."""
        return hops_output(self)
