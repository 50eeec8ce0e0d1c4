"""What an analysis finds about hydrogen bonds; see :mod:`pykoh.analysis.results`."""

from __future__ import annotations

from dataclasses import dataclass

from pykoh.analysis.common.estimate import Estimate
from pykoh.analysis.common.input_summary import InputSummary
from pykoh.analysis.common.shown import Output
from pykoh.analysis.common.survival_curve import SurvivalCurve
from pykoh.analysis.hydrogen_bonds.shown import bonds_output
from pykoh.arrays import FloatArray

HYDROGEN_BOND_CLASSES = ("OH-_OH-", "H2O_OH-", "OH-_H2O", "H2O_H2O")
"""Classes of hydrogen bonds, each ``donor_acceptor``."""


@dataclass(frozen=True, slots=True, eq=False)
class HydrogenBondClass:
    """Hydrogen bonds from one kind of molecule to another.

    Attributes:
        name: ``donor_acceptor``, one of :data:`HYDROGEN_BOND_CLASSES`.
        mean_per_donor: bonds per donor molecule, or None (no such molecule, or a single hydroxide).
        mean_per_acceptor: bonds per acceptor molecule.
        fraction_of_donors_bonded: donor molecules with at least one such bond.
        lifetime_ps: mean duration of a bond, each counts once: observed bond time / observed
            breakings, or None without breakings.
        n_breakings: bonds that were seen to break.
        donor_distribution: [n], fraction of donor molecules that donate 0, 1, 2 ... such bonds.
        acceptor_distribution: [n], fraction of acceptors that accept 0, 1, 2 ... such bonds.
        survival: how long bonds last, or None.

    Where no such bond was seen, the means and the fraction are 0 with an upper limit.
    """

    name: str
    mean_per_donor: Estimate | None
    mean_per_acceptor: Estimate | None
    fraction_of_donors_bonded: Estimate | None
    lifetime_ps: Estimate | None
    n_breakings: int
    donor_distribution: FloatArray
    acceptor_distribution: FloatArray
    survival: SurvivalCurve | None = None


@dataclass(frozen=True, slots=True, eq=False)
class AngleMap:
    """How often an H of a donor is seen at r(DA) and angle H-D-A, for each class.

    Attributes:
        r_A: [n_r + 1], Å, edges.
        angle_deg: [n_angle + 1], degrees, edges.
        density: [4, n_r, n_angle], pairs per frame, Å and degree.
    """

    r_A: FloatArray
    angle_deg: FloatArray
    density: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class HydrogenBonds:
    """Hydrogen bonds of all classes.

    Attributes:
        max_distance_A: r(donor O - acceptor O) below which a bond counts, Å.
        max_angle_deg: angle H-D-A below which a bond counts, degrees.
        classes: one entry per class, in the order of :data:`HYDROGEN_BOND_CLASSES`.
        criterion: name of the criterion.
        criterion_words: the criterion as a formula.
        criterion_source: where it was published.
        criterion_doi: its DOI.
        angle_map: or None.
    """

    max_distance_A: float
    max_angle_deg: float
    classes: tuple[HydrogenBondClass, ...]
    criterion: str = "luzar-chandler"
    criterion_words: str = "r(DA) < 3.5 Å and angle H–D–A < 30°"
    criterion_source: str = "Luzar and Chandler, Phys. Rev. Lett. 76 (1996) 928"
    criterion_doi: str = "10.1103/PhysRevLett.76.928"
    angle_map: AngleMap | None = None

    def output(self, name: str, given: InputSummary) -> Output:
        """Return what is written and printed of it."""
        return bonds_output(self)
