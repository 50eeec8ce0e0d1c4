"""Proton hops of a run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pykoh.analysis.common.analysis_warning import AnalysisWarning
from pykoh.analysis.common.equilibration import halves_warning
from pykoh.analysis.common.statistics import SegmentedSums
from pykoh.analysis.common.survival import (
    Continuous,
    Intermittent,
    survival_curve,
    too_few_spells,
)
from pykoh.analysis.common.survival_curve import SurvivalCurve
from pykoh.analysis.hops.counter import HopCounter, Hops, window_grid
from pykoh.analysis.hops.events import HopEvents
from pykoh.analysis.hops.free_energy import proton_transfer_profile
from pykoh.analysis.hops.grotthuss import grotthuss
from pykoh.analysis.hops.intervals import CoarserFrames
from pykoh.analysis.hops.transfer_kernel import TRANSFER_SHAPE
from pykoh.analysis.hops.values import Grotthuss, IntervalDependence
from pykoh.analysis.observable import Block, Observable, Outcome, System


@dataclass(frozen=True, slots=True, eq=False)
class HopsFound:
    """Proton hops.

    Attributes:
        grotthuss: rates, times and profiles.
        counter: what was counted, or None without hydroxides.
    """

    grotthuss: Grotthuss
    counter: HopCounter | None


class ProtonHops(Observable[HopsFound]):
    """Rates of hops and rattles, residence on an oxygen, and what goes with a hop.

    Args:
        system: what is known of the run.
        rattle_window_ps: a transfer that leads back within this time is a rattle.
    """

    name = "grotthuss"
    STATE = (
        "_hops",
        "_coarser",
        "_events",
        "_intermittent",
        "_continuous",
        "_transfer",
        "_n_multiple",
        "_n_ionised",
    )

    def __init__(self, system: System, rattle_window_ps: float) -> None:
        super().__init__(system)
        interval, n_id = system.interval_ps or 1.0, system.n_identities
        window = rattle_window_ps
        self._window = window
        self._hops = HopCounter(n_id, interval, window, window_grid(interval)) if n_id else None
        self._coarser = CoarserFrames(system.atoms, interval, window)
        self._events = HopEvents(n_id, len(system.oxygens), interval, window, bonds=system.bonds)
        self._intermittent, self._continuous = Intermittent(n_id, 1, 1), Continuous(n_id, 1, 1)
        self._transfer = SegmentedSums(*TRANSFER_SHAPE)
        self._n_multiple = self._n_ionised = 0

    def add(self, block: Block, found: Any) -> None:
        """Take in frames that follow those before."""
        self._n_multiple = block.n_multiple_transfers
        self._n_ionised = block.n_ionised_frames
        if self._hops is not None:
            hops = self._hops.add(block.events, block.vectors_A, len(block.positions))
            self._coarser.add(block.positions, block.cells, block.found.owner)
            self._events.add(hops, block.carriers, block.found.accepted, block.found.donated)
            carrier = np.ascontiguousarray(block.carriers[:, :, None], dtype=np.int32)
            one = np.zeros(carrier.shape, dtype=np.int8)
            self._intermittent.add(carrier, one)
            self._continuous.add(carrier, one, np.zeros(carrier.shape[:2], dtype=np.int64))
        if self.system.bonds:
            self._transfer.add(block.found.transfer)

    def _close(
        self, interval: float | None
    ) -> tuple[IntervalDependence | None, SurvivalCurve | None]:
        """Count the hops that the end of the run makes certain."""
        if self._hops is None:
            return None, None
        n_id = self.system.n_identities
        nothing = np.zeros((0, 4), dtype=np.int64), np.zeros((0, 3))
        hops: Hops = self._hops.add(*nothing, 0, last_block=True)
        empty = np.zeros((0, len(self.system.oxygens)), dtype=np.uint8)
        self._events.add(hops, np.zeros((0, n_id), dtype=np.int64), empty, empty)
        intervals = self._coarser.result(self._hops, n_id)
        if interval is None:
            return intervals, None
        return intervals, survival_curve(self._intermittent, self._continuous, 0, interval)

    def result(self, outcome: Outcome) -> tuple[HopsFound, list[AnalysisWarning]]:
        """Return what is known of hops, and what is missing."""
        intervals, residence = self._close(outcome.interval_ps)
        found, warnings = grotthuss(
            self._hops,
            self.system.n_identities,
            self._window,
            outcome.interval_ps,
            self._n_multiple,
            self._n_ionised,
            outcome.n_frames,
            intervals,
        )
        if residence is not None and residence.continuous_ps is None:
            reason = too_few_spells("stays on an oxygen")
            warnings.append(AnalysisWarning("grotthuss.residence", reason))
        if outcome.interval_ps is not None and self._hops is not None:
            rate = "grotthuss.hop_rate_per_ps"
            warnings += halves_warning(rate, "per ps", *self._hops.segments())
            found = replace(
                found,
                residence=residence,
                directionality=self._events.directionality(),
                presolvation=self._events.presolvation(),
                proton_transfer=proton_transfer_profile(self._transfer),
            )
        return HopsFound(found, self._hops), warnings

    def shown(self, result: HopsFound) -> Grotthuss:
        """Return what is shown of hops."""
        return result.grotthuss
