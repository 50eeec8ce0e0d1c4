"""Counts, distributions and lifetimes of each class of hydrogen bonds.

The bonds of each frame come from :mod:`pykoh.analysis.hydrogen_bonds.kernel`. D and A are each a
water molecule (O with two H) or a hydroxide (one H); other oxygens take no part.

The lifetime is that of an exponential law with the bonds that are cut off by the end of the run or
by a proton transfer along them as such: the observed time of all bonds over the number of
breakings, its maximum-likelihood estimate. A bond that breaks and forms again between two frames is
seen as unbroken, so the lifetime depends on the time between frames.

Where no bond of a class was seen, each donor is an independent observation once in two lifetimes of
the longest-lived other class (:mod:`pykoh.analysis.common.statistics`). A hydroxide that is the
only one of its box has no other to bond to: then nothing is known, and no limit is given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from pykoh.analysis.common.analysis_warning import AnalysisWarning
from pykoh.analysis.common.estimate import Estimate, How
from pykoh.analysis.common.estimate_views import limit_of
from pykoh.analysis.common.findings import Findings
from pykoh.analysis.common.statistics import SegmentedSums, nothing_seen, ratio_stderr
from pykoh.analysis.common.survival import Continuous, Intermittent, survival_curve, too_few_spells
from pykoh.analysis.hydrogen_bonds import kernel as s
from pykoh.analysis.hydrogen_bonds.criteria import Criterion
from pykoh.analysis.hydrogen_bonds.values import (
    HYDROGEN_BOND_CLASSES,
    AngleMap,
    HydrogenBondClass,
    HydrogenBonds,
)
from pykoh.arrays import FloatArray

_MOST_FOLLOWED = 16384
"""Hydrogens whose bonds are followed in time; enough for any statistics, and bounded memory."""

# Hydroxides per frame: there is one; water that splits for a moment may add a few.
_ALONE = 1.5

# Columns of the sums over time: those of the kernel, then frames at risk and breakings.
_RISK, _BROKEN = s.N_SUMS, s.N_SUMS + 4


class HydrogenBondCounter:
    """Collects the hydrogen bonds of the four classes.

    Args:
        n_hydrogens: hydrogens.
        criterion: what the bonds were found by.
    """

    STATE = ("_continuous", "_intermittent", "_sums", "_donated", "_accepted", "_map", "_n_mapped")

    def __init__(self, n_hydrogens: int, criterion: Criterion) -> None:
        self.criterion = criterion
        self._followed = min(n_hydrogens, _MOST_FOLLOWED)
        shape = (self._followed, s.MOST_BONDS, 4)
        self._continuous, self._intermittent = Continuous(*shape), Intermittent(*shape)
        self._sums = SegmentedSums(s.N_SUMS + 8)
        self._donated = np.zeros((4, s.MOST_COUNTED))
        self._accepted = np.zeros((4, s.MOST_COUNTED))
        self._map = np.zeros((4, *s.MAP_SHAPE))
        self._n_mapped = 0

    def add(self, found: Findings) -> None:
        """Take in the bonds of frames that follow those before."""
        n = self._followed
        # Copies only if some hydrogens are left out.
        partner = np.ascontiguousarray(found.partner[:, :n])
        kinds = np.ascontiguousarray(found.kinds[:, :n])
        owner = np.ascontiguousarray(found.owner[:, :n])
        lost = self._continuous.add(partner, kinds, owner)
        self._intermittent.add(partner, kinds)
        self._sums.add(np.concatenate([found.sums, lost[:, :, 0], lost[:, :, 1]], axis=1))
        self._donated += found.donated_shares
        self._accepted += found.accepted_shares
        self._map += found.angle_map
        self._n_mapped += found.n_mapped

    def segments(self) -> tuple[FloatArray, FloatArray]:
        """Return [n] each, bonds between water molecules and water molecules, over segments."""
        whole = self._sums.whole()
        return whole[:, s.BONDS + 3], whole[:, s.WATERS]

    def bonded(self, name: str) -> tuple[FloatArray, FloatArray]:
        """Return [n] each, donors that are bonded and donors, of a class, over segments."""
        whole, kind = self._sums.whole(), HYDROGEN_BOND_CLASSES.index(name)
        return whole[:, s.BONDED + kind], whole[:, s.HYDROXIDES if kind % 2 == 0 else s.WATERS]

    def result(self, interval_ps: float | None) -> HydrogenBonds:
        """Return counts, distributions and lifetimes of each class.

        Args:
            interval_ps: time between frames, or None with one frame.
        """
        rule = self.criterion
        r = np.linspace(*s.MAP_R_A, s.MAP_SHAPE[0] + 1)
        angle = np.linspace(0.0, 2.0 * s.MAP_SHAPE[1], s.MAP_SHAPE[1] + 1)
        area = (r[1] - r[0]) * (angle[1] - angle[0]) * max(self._n_mapped, 1)
        classes = [self._class_result(k, interval_ps) for k in range(4)]
        return HydrogenBonds(
            rule.max_distance_A,
            rule.max_angle_deg,
            tuple(self._limited(k, classes, interval_ps) for k in range(4)),
            rule.name,
            rule.words(),
            rule.source,
            rule.doi,
            AngleMap(r, angle, self._map / area),
        )

    def _class_result(self, kind: int, interval_ps: float | None) -> HydrogenBondClass:
        total, blocks = self._sums.sums.sum(axis=0), self._sums.whole()
        donor = s.HYDROXIDES if kind % 2 == 0 else s.WATERS
        acceptor = s.HYDROXIDES if kind < 2 else s.WATERS

        def mean(
            make: Callable[[float, float | None], Estimate], numerator: int, denominator: int
        ) -> Estimate | None:
            if total[denominator] == 0:
                return None
            value = float(total[numerator] / total[denominator])
            return make(value, ratio_stderr(blocks[:, numerator], blocks[:, denominator]))

        per_donor = mean(Estimate.number, s.BONDS + kind, donor)
        per_acceptor = mean(Estimate.number, s.BONDS + kind, acceptor)
        bonded = mean(Estimate.share, s.BONDED + kind, donor)
        breakings = int(total[_BROKEN + kind])
        lifetime = None
        if breakings and interval_ps is not None:
            value = float(total[_RISK + kind]) * interval_ps / breakings
            rate_stderr = ratio_stderr(blocks[:, _BROKEN + kind], blocks[:, _RISK + kind]) or 0.0
            relative = max(breakings**-0.5, rate_stderr * float(total[_RISK + kind]) / breakings)
            lifetime = Estimate.positive(value, value * relative, How.COUNT)
        survival = None
        if interval_ps is not None:
            survival = survival_curve(self._intermittent, self._continuous, kind, interval_ps)
        return HydrogenBondClass(
            HYDROGEN_BOND_CLASSES[kind],
            per_donor,
            per_acceptor,
            bonded,
            lifetime,
            breakings,
            _shares(self._donated[kind]),
            _shares(self._accepted[kind]),
            survival,
        )

    def _limited(
        self, kind: int, classes: list[HydrogenBondClass], interval_ps: float | None
    ) -> HydrogenBondClass:
        """Return a class; one of which no bond was seen gets an error and an upper limit."""
        entry = classes[kind]
        if entry.mean_per_donor is None or entry.mean_per_donor.value != 0.0:
            return entry
        n_frames = self._sums.n_frames
        total = self._sums.sums.sum(axis=0)
        if kind == 0 and total[s.HYDROXIDES] < _ALONE * n_frames:
            return replace(
                entry, mean_per_donor=None, mean_per_acceptor=None, fraction_of_donors_bonded=None
            )
        lifetimes = [other.lifetime_ps.value for other in classes if other.lifetime_ps is not None]
        windows = 1.0
        if lifetimes and interval_ps is not None:
            windows = max(1.0, (n_frames - 1) * interval_ps / (2.0 * max(lifetimes)))
        donors = float(total[s.HYDROXIDES if kind % 2 == 0 else s.WATERS]) / n_frames
        acceptors = float(total[s.HYDROXIDES if kind < 2 else s.WATERS]) / n_frames
        nothing = Estimate.unseen(*nothing_seen(donors * windows))
        per_acceptor = None
        if entry.mean_per_acceptor is not None:
            per_acceptor = Estimate.share(0.0, nothing_seen(acceptors * windows)[0])
        return replace(
            entry,
            mean_per_donor=nothing,
            mean_per_acceptor=per_acceptor,
            fraction_of_donors_bonded=nothing,
        )


def _shares(counts: FloatArray) -> FloatArray:
    """Return fractions, without the zeros at the end."""
    if counts.sum() == 0:
        return np.zeros(0)
    last = int(np.flatnonzero(counts)[-1]) + 1
    shares: FloatArray = counts[:last] / counts.sum()
    return shares


def no_bonds(rule: Criterion, height_A: float) -> tuple[HydrogenBonds, list[AnalysisWarning]]:
    """Return empty results of a box that is too small for the criterion, and the reason.

    Args:
        rule: the criterion.
        height_A: smallest distance between opposite faces, Å.
    """
    empty = np.zeros(0)
    none = (None,) * 4
    classes = tuple(
        HydrogenBondClass(name, *none, 0, empty, empty) for name in HYDROGEN_BOND_CLASSES
    )
    reason = (
        f"the cell is {height_A:.3g} Å high, less than twice the hydrogen-bond distance of "
        f"{rule.max_distance_A:g} Å; use a larger box"
    )
    found = HydrogenBonds(
        rule.max_distance_A, rule.max_angle_deg, classes, rule.name, rule.words(), rule.source,
        rule.doi,
    )  # fmt: skip
    return found, [AnalysisWarning("hydrogen_bonds", reason)]


def bond_warnings(found: HydrogenBonds, interval_ps: float | None) -> list[AnalysisWarning]:
    """Return what is missing from or doubtful about each class.

    Args:
        found: the bonds.
        interval_ps: time between frames, or None with one frame.
    """
    warnings = []
    hydroxides = found.classes[HYDROGEN_BOND_CLASSES.index("OH-_H2O")].mean_per_donor is not None
    for entry in found.classes:
        if entry.mean_per_donor is None and entry.name == "OH-_OH-" and hydroxides:
            reason = "the only hydroxide of a box has no other to bond to; use a box with several"
        elif entry.mean_per_donor is None:
            reason = "the box has no such donors"
        elif entry.mean_per_acceptor is None:
            reason = "the box has no such acceptors"
        elif entry.mean_per_donor.value == 0.0:
            reason = "no such bond was seen, so the lifetime is unknown"
            if (limit := limit_of(entry.fraction_of_donors_bonded)) is not None:
                reason += f"; less than {limit:.2g} of the donors are bonded (95 %)"
        elif entry.lifetime_ps is None:
            reason = "no bond was seen to break, so the lifetime is unknown"
        elif interval_ps is not None and entry.lifetime_ps.value < 3.0 * interval_ps:
            reason = (
                f"the lifetime is close to the time between frames ({interval_ps:g} ps) "
                "and limited by it; dump more often"
            )
        elif entry.survival is not None and entry.survival.continuous_ps is None:
            reason = too_few_spells("bonds")
        else:
            continue
        warnings.append(AnalysisWarning(f"hydrogen_bonds.{entry.name}", reason))
    return warnings
