"""What an analysis finds about structure; see :mod:`pykoh.analysis.results`."""

from __future__ import annotations

from dataclasses import dataclass

from pykoh.analysis.common.estimate import Estimate
from pykoh.analysis.common.input_summary import InputSummary
from pykoh.analysis.common.shown import Output
from pykoh.analysis.common.survival_curve import SurvivalCurve
from pykoh.analysis.structure.shown import structure_output
from pykoh.arrays import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class RadialDistribution:
    """A partial radial distribution function.

    Attributes:
        pair: label ``centre-neighbour``, e.g. ``"O*-Ow"``, ``"K-O*"``.
        file: name of its CSV.
        r_A: [n_bins], Å, bin centres.
        g: [n_bins].
        g_stderr: [n_bins], from blocks of time.
        coordination: [n_bins], mean neighbours within the outer edge of each bin.
        first_peak_A: position of the first maximum, or None.
        first_peak_g: height of the peak, or None.
        first_minimum_A: position of the minimum after it, or None.
        coordination_number: neighbours within the first minimum, with an error from blocks of time
            and from the position of the minimum; or None.
    """

    pair: str
    file: str
    r_A: FloatArray
    g: FloatArray
    g_stderr: FloatArray
    coordination: FloatArray
    first_peak_A: Estimate | None
    first_peak_g: Estimate | None
    first_minimum_A: Estimate | None
    coordination_number: Estimate | None


@dataclass(frozen=True, slots=True)
class IonPairing:
    """Contact pairs of cations and hydroxide ions.

    Attributes:
        cutoff_A: first minimum of g(cation-O*), Å.
        fraction_of_cations_paired: cations with at least one O* within it.
        mean_hydroxides_per_cation: O* within it per cation.
    """

    cutoff_A: float
    fraction_of_cations_paired: Estimate
    mean_hydroxides_per_cation: Estimate


@dataclass(frozen=True, slots=True, eq=False)
class IonContacts:
    """Cations and hydroxide ions that touch: r(cation-O*) below a fixed distance.

    Clusters are sets of ions joined by contacts. A hydrogen bond between two hydroxide ions is
    bridged if one cation touches both.

    Attributes:
        cutoff_A: the distance, Å.
        cations_per_hydroxide: [n], fraction of O* with 0, 1, 2 ... cations in contact.
        hydroxides_per_cation: [n], fraction of cations with 0, 1, 2 ... O* in contact.
        bridging_fraction: cations that touch two O* or more, or None (no cations).
        free_hydroxide_fraction: O* without a cation, or None.
        bonded_pairs_bridged: hydrogen bonds OH- to OH- that a cation bridges, or None.
        cluster_sizes: [n], fraction of ions in clusters of 1, 2, 3 ... ions.
        clustered_fraction: ions in clusters of three or more, or None.
        mean_hydroxides_per_cation: O* in contact per cation, or None.
        mean_water_per_cation: Ow within the same distance per cation, or None. Unlike coordination
            numbers within the first minimum, numbers within a fixed distance can be compared
            between solutions: the minimum of g(K-Ow) moves from 3.9 to 4.6 Å with concentration.
    """

    cutoff_A: float
    cations_per_hydroxide: FloatArray
    hydroxides_per_cation: FloatArray
    bridging_fraction: Estimate | None
    free_hydroxide_fraction: Estimate | None
    bonded_pairs_bridged: Estimate | None
    cluster_sizes: FloatArray
    clustered_fraction: Estimate | None = None
    mean_hydroxides_per_cation: Estimate | None = None
    mean_water_per_cation: Estimate | None = None


@dataclass(frozen=True, slots=True, eq=False)
class HydroxidePairs:
    """Hydroxide ions whose oxygens are within the distance of a hydrogen bond, at any angle.

    Attributes:
        cutoff_A: the distance, Å.
        mean_partners: partners per hydroxide.
        fraction_paired: hydroxides with a partner.
        lifetime_ps: mean duration of a pair, each counts once: observed time of pairs /
            separations, or None without any.
        n_separations: pairs that were seen to part.
        survival: how long pairs last, or None.
    """

    cutoff_A: float
    mean_partners: Estimate
    fraction_paired: Estimate
    lifetime_ps: Estimate | None
    n_separations: int
    survival: SurvivalCurve | None


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """Radial distribution functions and ion pairing.

    Attributes:
        n_frames: frames that were sampled.
        sample_interval_ps: time between them.
        rdfs: one entry per pair that the box holds.
        ion_pairing: or None.
        contacts: contacts, bridges and clusters of ions, or None.
        hydroxide_pairs: or None (fewer than two hydroxides).
    """

    n_frames: int
    sample_interval_ps: float
    rdfs: tuple[RadialDistribution, ...]
    ion_pairing: IonPairing | None
    contacts: IonContacts | None = None
    hydroxide_pairs: HydroxidePairs | None = None

    def of(self, pair: str) -> RadialDistribution | None:
        """Return the distribution of one pair, e.g. ``"O*-O*"``, or None."""
        return next((entry for entry in self.rdfs if entry.pair == pair), None)

    def output(self, name: str, given: InputSummary) -> Output:
        """Return what is written and printed of it."""
        return structure_output(self, given)
