"""Radial distribution functions, coordination numbers and ion pairing from pair histograms.

g_AB(r) is the number of B around A in a shell over that of an ideal gas of the same density,
N_A (N_B - δ_AB) / V; the coordination number is the mean number of B around A up to the first
minimum of g_AB, where one is resolved (:mod:`pykoh.analysis.structure.first_shell`). A cation and a
hydroxide are a contact pair within the first minimum of g(cation-O*).
"""

from __future__ import annotations

import numpy as np

from pykoh.analysis.common.analysis_warning import AnalysisWarning
from pykoh.analysis.common.estimate import Estimate, How
from pykoh.analysis.common.statistics import ratio_stderr, ratio_stderrs, share_stderr
from pykoh.analysis.common.wording import counted
from pykoh.analysis.structure.first_peak import first_peak
from pykoh.analysis.structure.first_shell import first_shell, point_errors
from pykoh.analysis.structure.rdf import (
    BIN_A,
    KIND_CATION,
    KIND_H,
    KIND_OSTAR,
    KIND_OTHER_O,
    KIND_OW,
    PairHistograms,
    pair_index,
)
from pykoh.analysis.structure.values import IonPairing, RadialDistribution, Structure

_ALL_O = (KIND_OW, KIND_OSTAR, KIND_OTHER_O)


def _pairs(cation: str) -> dict[str, tuple[tuple[int, ...], tuple[int, ...]]]:
    """Return label -> kinds of the centre, kinds of the neighbour."""
    star, water, ion, hydrogen = (KIND_OSTAR,), (KIND_OW,), (KIND_CATION,), (KIND_H,)
    return {
        "O*-O*": (star, star),
        "O*-Ow": (star, water),
        "O*-H": (star, hydrogen),
        f"{cation}-O*": (ion, star),
        f"{cation}-Ow": (ion, water),
        f"{cation}-O": (ion, _ALL_O),
        f"{cation}-{cation}": (ion, ion),
        "Ow-Ow": (water, water),
        "O-O": (_ALL_O, _ALL_O),
        "O-H": (_ALL_O, hydrogen),
        "H-H": (hydrogen, hydrogen),
    }


def _file(pair: str) -> str:
    """Return the CSV name of a pair; O* becomes Oh, since * is special to shells."""
    return f"rdf_{pair.replace('O*', 'Oh')}.csv"


class _Sums:
    """Ordered pairs, their ideal number and the centres of one pair, per segment of time."""

    def __init__(
        self, pairs: PairHistograms, centre: tuple[int, ...], neighbour: tuple[int, ...]
    ) -> None:
        n_bins = pairs.n_bins
        self.histogram = np.zeros((len(pairs.histogram), n_bins))
        self.ideal = np.zeros(len(pairs.histogram))  # Σ N_A (N_B - δ) / V
        for a in centre:
            for b in neighbour:
                double = 2.0 if a == b else 1.0
                self.histogram += double * pairs.histogram[:, pair_index(a, b)]
                self.ideal += pairs.products[:, a, b]
        self.centres = sum((pairs.counts[:, a] for a in centre), np.zeros(len(self.ideal)))
        self.n = pairs.n_segments


def _distribution(pair: str, sums: _Sums, n_frames: int) -> tuple[RadialDistribution, str | None]:
    """Return one pair, and why it has no minimum."""
    n_bins = sums.histogram.shape[1]
    edges = BIN_A * np.arange(n_bins + 1)
    shell = 4.0 / 3.0 * np.pi * np.diff(edges**3)
    counts = sums.histogram.sum(axis=0)
    per_count = 1.0 / (sums.ideal.sum() * shell)
    g = counts * per_count
    whole = sums.histogram[: sums.n], sums.ideal[: sums.n], sums.centres[: sums.n]
    g_stderr = ratio_stderrs(whole[0], whole[1][:, None] * shell)
    coordination = np.cumsum(counts) / sums.centres.sum()
    found = first_shell(g, counts, point_errors(counts, per_count, g_stderr, n_frames))
    peak, minimum = found.peak, found.minimum
    centres = 0.5 * (edges[1:] + edges[:-1])
    number = place = None
    if minimum is not None:
        error = ratio_stderr(whole[0][:, : minimum + 1].sum(axis=1), whole[2])
        if error is not None:
            # Neighbours per Å at the minimum, times how well its place is known.
            last = min(minimum + 1, n_bins - 1)
            per_A = (coordination[last] - coordination[max(minimum - 1, 0)]) / (2.0 * BIN_A)
            error = float(np.hypot(error, per_A * (found.minimum_stderr_A or 0.0)))
        number = Estimate.number(coordination[minimum], error)
        place = Estimate.number(edges[minimum + 1], found.minimum_stderr_A, How.LINE)
    top = None if peak is None else first_peak(sums.histogram, sums.ideal, sums.n, peak)
    highest = None if peak is None else Estimate.number(g[peak], g_stderr[peak])
    if top is not None and top.g is not None:
        highest = top.g
    rdf = RadialDistribution(
        pair=pair,
        file=_file(pair),
        r_A=centres,
        g=g,
        g_stderr=g_stderr,
        coordination=coordination,
        first_peak_A=None if top is None else top.r_A,
        first_peak_g=highest,
        first_minimum_A=place,
        coordination_number=number,
    )
    return rdf, found.reason


def neighbours_within(
    pairs: PairHistograms, centre: int, neighbour: int, distance_A: float
) -> Estimate | None:
    """Return the mean number of neighbours within a distance, with an error from blocks of time.

    A bin that the distance divides counts in proportion.

    Args:
        pairs: the histograms of the run.
        centre: kind of the atoms that have neighbours.
        neighbour: another kind.
        distance_A: Å.

    Returns:
        None without such centres, or where the histograms end before the distance.
    """
    sums = _Sums(pairs, (centre,), (neighbour,))
    bins = distance_A / BIN_A
    if sums.centres.sum() <= 0 or bins > pairs.n_bins + 1e-6:
        return None
    share = np.clip(bins - np.arange(pairs.n_bins), 0.0, 1.0)
    within = sums.histogram @ share
    error = ratio_stderr(within[: sums.n], sums.centres[: sums.n])
    return Estimate.number(float(within.sum() / sums.centres.sum()), error)


def _pairing(pairs: PairHistograms, rdf: RadialDistribution) -> IonPairing | None:
    if rdf.first_minimum_A is None or rdf.coordination_number is None:
        return None
    last = round(rdf.first_minimum_A.value / BIN_A)
    within = pairs.nearest[:, :last].sum(axis=1)
    cations = pairs.counts[:, KIND_CATION]
    n = pairs.n_segments
    share = float(within.sum() / cations.sum())
    stderr = share_stderr(within[:n], cations[:n], share, float(cations.sum() / pairs.n_frames))
    return IonPairing(
        cutoff_A=rdf.first_minimum_A.value,
        fraction_of_cations_paired=Estimate.share(share, stderr),
        mean_hydroxides_per_cation=rdf.coordination_number,
    )


def structure(
    pairs: PairHistograms, cation: str, interval_ps: float | None
) -> tuple[Structure, list[AnalysisWarning]]:
    """Return the structure and what is missing from it.

    Args:
        pairs: the histograms of the run.
        cation: element of the cation.
        interval_ps: time between frames, or None with one frame.
    """
    found: list[RadialDistribution] = []
    warnings: list[AnalysisWarning] = []
    pairing = None
    for pair, (centre, neighbour) in _pairs(cation).items():
        sums = _Sums(pairs, centre, neighbour)
        if sums.ideal.sum() <= 0:
            continue
        rdf, reason = _distribution(pair, sums, pairs.n_frames)
        found.append(rdf)
        if reason is not None:
            text = f"{reason} (below {pairs.r_max_A:.3g} Å, {counted(pairs.n_frames, 'frame')})"
            warnings.append(AnalysisWarning(f"structure.coordination.{pair}", text))
        if pair == f"{cation}-O*":
            pairing = _pairing(pairs, rdf)
    if pairing is None:
        warnings.append(
            AnalysisWarning("structure.ion_pairing", f"needs the first minimum of g({cation}-O*)")
        )
    sample = (interval_ps or 0.0) * pairs.stride
    return Structure(pairs.n_frames, sample, tuple(found), pairing), warnings
