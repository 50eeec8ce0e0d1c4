"""What an analysis finds: frozen values, each with its standard error beside it.

Everything here is a plain value: ``results.json`` and the CSVs (:mod:`pykoh.analysis.write`) and
the report are views of it. A number that the trajectory cannot give is None, and
:attr:`AnalysisResults.warnings` says why. A standard error is one standard deviation of the
estimate. Lengths are in Å and times in ps (LAMMPS ``metal``) unless a name says otherwise;
diffusion coefficients and conductivities are in SI, with the unit in the name.

Two kinds of oxygen are told apart: ``O*`` is the oxygen of a hydroxide ion (the O that is nearest
to exactly one H), ``Ow`` that of a water molecule (exactly two H).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

HYDROGEN_BOND_CLASSES = ("OH-_OH-", "H2O_OH-", "OH-_H2O", "H2O_H2O")
"""Classes of hydrogen bonds, each ``donor_acceptor``."""


@dataclass(frozen=True, slots=True)
class AnalysisWarning:
    """Why a quantity is missing or should be trusted less.

    Attributes:
        quantity: what it concerns, as a path in ``results.json``, e.g. ``"diffusion.OH-"``.
        reason: one sentence: what was found, and what would mend it.
    """

    quantity: str
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class InputSummary:
    """What was read.

    Attributes:
        files: the trajectory files, in the order in which they were read.
        cation: element of the cation, e.g. ``"K"``.
        n_frames: frames that were used.
        n_atoms: atoms in each.
        n_koh: cations in the box.
        n_hydroxide: net hydroxide ions by stoichiometry, 2 n(O) - n(H).
        n_h2o: water molecules, n(O) - n_hydroxide.
        frame_interval_ps: time between frames that follow each other; None for a single frame.
        start_ps: time of the first frame.
        duration_ps: from the first to the last frame.
        cell_A: [3, 3], Å, time-averaged cell vectors in rows.
        volume_A3: time-averaged volume, Å³.
        molarity_mol_per_L: n_koh per volume.
        temperature_K: given by the user or from velocities; None if unknown.
        temperature_stderr_K: its standard error; None if given by the user or unknown.
        temperature_source: ``"option"``, ``"velocities"`` or ``"unknown"``.
        notes: what happened while reading (a last frame cut off, repeated frames dropped ...).
    """

    files: tuple[str, ...]
    cation: str
    n_frames: int
    n_atoms: int
    n_koh: int
    n_hydroxide: int
    n_h2o: int
    frame_interval_ps: float | None
    start_ps: float
    duration_ps: float
    cell_A: FloatArray
    volume_A3: float
    molarity_mol_per_L: float
    temperature_K: float | None
    temperature_stderr_K: float | None
    temperature_source: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class DisplacementCurve:
    """A mean-square displacement over lag times.

    Attributes:
        lag_ps: [n_lags], ps, rising.
        msd_A2: [n_lags], Å² (e²·Å² for the charge displacement of a conductivity).
        stderr_A2: [n_lags], same unit as ``msd_A2``.
        n_independent: [n_lags], non-overlapping windows × particles behind each point.
    """

    lag_ps: FloatArray
    msd_A2: FloatArray
    stderr_A2: FloatArray
    n_independent: FloatArray


@dataclass(frozen=True, slots=True)
class LineFit:
    """A straight line through a mean-square displacement: MSD = intercept + slope · lag.

    Attributes:
        start_ps: first lag in the fit.
        end_ps: last lag in the fit.
        slope_A2_per_ps: slope.
        slope_stderr_A2_per_ps: its standard error.
        intercept_A2: intercept.
        exponent: log-log slope d ln MSD / d ln t in the window; 1 is diffusion.
        exponent_stderr: its standard error.
    """

    start_ps: float
    end_ps: float
    slope_A2_per_ps: float
    slope_stderr_A2_per_ps: float
    intercept_A2: float
    exponent: float
    exponent_stderr: float


@dataclass(frozen=True, slots=True, eq=False)
class SpeciesDiffusion:
    """Self-diffusion of one species.

    Attributes:
        species: ``"K+"`` (or the other cation), ``"OH-"``, ``"OH-_vehicular"``,
            ``"OH-_structural"``, ``"H2O"``, ``"H"`` or ``"O"``.
        n_particles: particles (mean over time for H2O).
        D_m2_per_s: diffusion coefficient in the box, m²/s, or None.
        stderr_m2_per_s: its standard error.
        D_infinite_m2_per_s: with the Yeh-Hummer correction to infinite size, or None.
        D_infinite_stderr_m2_per_s: its standard error.
        fit: the line behind D, or None.
        msd: the curve.
    """

    species: str
    n_particles: float
    D_m2_per_s: float | None
    stderr_m2_per_s: float | None
    D_infinite_m2_per_s: float | None
    D_infinite_stderr_m2_per_s: float | None
    fit: LineFit | None
    msd: DisplacementCurve


@dataclass(frozen=True, slots=True, eq=False)
class Diffusion:
    """Diffusion of all species.

    Attributes:
        species: one entry per species, in the order of the keys of ``results.json``.
        viscosity_mPa_s: what the Yeh-Hummer correction used, or None.
        yeh_hummer_m2_per_s: the correction that was added, ξ kT / (6 π η L), or None.
    """

    species: tuple[SpeciesDiffusion, ...]
    viscosity_mPa_s: float | None
    yeh_hummer_m2_per_s: float | None

    def of(self, species: str) -> SpeciesDiffusion | None:
        """Return the entry of one species, or None if the box has none of it."""
        return next((entry for entry in self.species if entry.species == species), None)


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
        amplitude: a, the weight of the exponential (1 if it holds for all waiting times).
        amplitude_stderr: its standard error.
        rate_per_ps: λ, 1/ps.
        rate_stderr_per_ps: its standard error.
        start_ps: where the tail begins.
        n_waiting_times: waiting times in the tail.
    """

    amplitude: float
    amplitude_stderr: float
    rate_per_ps: float
    rate_stderr_per_ps: float
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


@dataclass(frozen=True, slots=True, eq=False)
class Grotthuss:
    """Proton transfers to hydroxide ions: n_transfers = n_rattles + n_hops.

    Attributes:
        n_hydroxides: identities that were followed.
        rattle_window_ps: a return within this time is a rattle.
        n_transfers: all changes of the oxygen that carries a hydroxide.
        n_rattles: those of them that were reverted (both events of each pair).
        n_hops: those that were not.
        hop_rate_per_ps: hops per hydroxide and ps, or None (no hydroxide, one frame).
        hop_rate_stderr_per_ps: its standard error, at least Poisson's.
        residence_time_ps: mean time between hops, 1 / rate; None without hops.
        residence_time_stderr_ps: its standard error.
        hop_length_A: mean O-O distance of a hop, or None.
        hop_length_stderr_A: its standard error.
        n_multiple_transfers: changes of identity over more than one proton within one frame
            interval; many mean that frames are too far apart.
        n_ionised_frames: frames with an oxygen that had neither one nor two H.
        rate_vs_window: hop rate over rattle windows, or None.
        waiting_times: distribution of the times between hops, or None.
    """

    n_hydroxides: int
    rattle_window_ps: float
    n_transfers: int
    n_rattles: int
    n_hops: int
    hop_rate_per_ps: float | None
    hop_rate_stderr_per_ps: float | None
    residence_time_ps: float | None
    residence_time_stderr_ps: float | None
    hop_length_A: float | None
    hop_length_stderr_A: float | None
    n_multiple_transfers: int
    n_ionised_frames: int
    rate_vs_window: HopRateCurve | None
    waiting_times: WaitingTimes | None


@dataclass(frozen=True, slots=True, eq=False)
class HydrogenBondClass:
    """Hydrogen bonds from one kind of molecule to another.

    Attributes:
        name: ``donor_acceptor``, one of :data:`HYDROGEN_BOND_CLASSES`.
        mean_per_donor: bonds per donor molecule, or None (no such molecule).
        mean_per_donor_stderr: its standard error.
        mean_per_acceptor: bonds per acceptor molecule.
        mean_per_acceptor_stderr: its standard error.
        fraction_of_donors_bonded: donor molecules with at least one such bond.
        fraction_of_donors_bonded_stderr: its standard error.
        lifetime_ps: observed bond time / observed breakings, or None without breakings.
        lifetime_stderr_ps: its standard error.
        n_breakings: bonds that were seen to break.
        donor_distribution: [n], fraction of donor molecules that donate 0, 1, 2 ... such bonds.
        acceptor_distribution: [n], fraction of acceptors that accept 0, 1, 2 ... such bonds.
    """

    name: str
    mean_per_donor: float | None
    mean_per_donor_stderr: float | None
    mean_per_acceptor: float | None
    mean_per_acceptor_stderr: float | None
    fraction_of_donors_bonded: float | None
    fraction_of_donors_bonded_stderr: float | None
    lifetime_ps: float | None
    lifetime_stderr_ps: float | None
    n_breakings: int
    donor_distribution: FloatArray
    acceptor_distribution: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class HydrogenBonds:
    """Hydrogen bonds of all classes.

    Attributes:
        max_distance_A: r(donor O - acceptor O) below which a bond counts, Å.
        max_angle_deg: angle H-D-A below which a bond counts, degrees.
        classes: one entry per class, in the order of :data:`HYDROGEN_BOND_CLASSES`.
    """

    max_distance_A: float
    max_angle_deg: float
    classes: tuple[HydrogenBondClass, ...]


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
        first_peak_g: its height, or None.
        first_minimum_A: position of the minimum after it, or None.
        coordination_number: neighbours within the first minimum, or None.
        coordination_number_stderr: its standard error, from blocks of time.
    """

    pair: str
    file: str
    r_A: FloatArray
    g: FloatArray
    g_stderr: FloatArray
    coordination: FloatArray
    first_peak_A: float | None
    first_peak_g: float | None
    first_minimum_A: float | None
    coordination_number: float | None
    coordination_number_stderr: float | None


@dataclass(frozen=True, slots=True)
class IonPairing:
    """Contact pairs of cations and hydroxide ions.

    Attributes:
        cutoff_A: first minimum of g(cation-O*), Å.
        fraction_of_cations_paired: cations with at least one O* within it.
        stderr: its standard error, from blocks of time.
        mean_hydroxides_per_cation: O* within it per cation.
        mean_hydroxides_per_cation_stderr: its standard error.
    """

    cutoff_A: float
    fraction_of_cations_paired: float
    stderr: float
    mean_hydroxides_per_cation: float
    mean_hydroxides_per_cation_stderr: float


@dataclass(frozen=True, slots=True, eq=False)
class Structure:
    """Radial distribution functions and ion pairing.

    Attributes:
        n_frames: frames that were sampled.
        sample_interval_ps: time between them.
        rdfs: one entry per pair that the box holds.
        ion_pairing: or None.
    """

    n_frames: int
    sample_interval_ps: float
    rdfs: tuple[RadialDistribution, ...]
    ion_pairing: IonPairing | None

    def of(self, pair: str) -> RadialDistribution | None:
        """Return the distribution of one pair, e.g. ``"O*-O*"``, or None."""
        return next((entry for entry in self.rdfs if entry.pair == pair), None)


@dataclass(frozen=True, slots=True, eq=False)
class Conductivity:
    """Ionic conductivity, S/m.

    Attributes:
        nernst_einstein_S_per_m: from the self-diffusion of the ions, or None.
        nernst_einstein_stderr_S_per_m: its standard error.
        einstein_S_per_m: from the collective displacement of all formal charges, or None.
        einstein_stderr_S_per_m: its standard error.
        experiment_S_per_m: Gilliam et al. 2007 at this molarity and temperature, or None.
        charge_displacement: mean-square displacement of the dipole of the formal charges, e²·Å².
        fit: the line behind the Einstein value, or None.
    """

    nernst_einstein_S_per_m: float | None
    nernst_einstein_stderr_S_per_m: float | None
    einstein_S_per_m: float | None
    einstein_stderr_S_per_m: float | None
    experiment_S_per_m: float | None
    charge_displacement: DisplacementCurve
    fit: LineFit | None


@dataclass(frozen=True, slots=True, eq=False)
class AnalysisResults:
    """Everything that ``pykoh analyze`` finds in a trajectory."""

    input: InputSummary
    diffusion: Diffusion
    grotthuss: Grotthuss
    hydrogen_bonds: HydrogenBonds
    structure: Structure
    conductivity: Conductivity
    warnings: tuple[AnalysisWarning, ...]

    def reasons(self, quantity: str) -> tuple[str, ...]:
        """Return the reasons given for ``quantity`` and for everything below it."""
        below = quantity + "."
        return tuple(
            warning.reason
            for warning in self.warnings
            if warning.quantity == quantity or warning.quantity.startswith(below)
        )
