"""An observable of your own: the residence time of water at a cation.

Use it from Python,

    pykoh.analyze("koh.dump", observables=[WaterAtCation])

or from ``pykoh analyze``, by an entry point of a package that is installed beside pykoh:

    [project.entry-points."pykoh.observables"]
    water_at_cation = "my_package:WaterAtCation"
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pykoh.analysis.common.statistics import SegmentedSums, ratio_stderr
from pykoh.analysis.observable import Block, Frames, Observable, Outcome, System
from pykoh.analysis.results import AnalysisWarning, Curve, Row, Shown
from pykoh.arrays import FloatArray

MOST_WATERS = 16
AT_RISK, LOST, CATIONS = range(3)
"""Columns of the sums: waters at a cation that could leave, those that left, cations."""


@dataclass(frozen=True)
class Residence:
    """How long water stays at a cation.

    Attributes:
        time_ps: residence time, ps; None if no water left.
        stderr_ps: its standard error, ps, or None.
        shares: [MOST_WATERS], share of the cations by the number of waters at them.
    """

    time_ps: float | None
    stderr_ps: float | None
    shares: FloatArray


class WaterAtCation(Observable[Residence]):
    """Residence time of water at a cation, if leaving follows an exponential law.

    A water is at a cation while its O is nearer than the cutoff. The residence time is the time
    that all waters spent at a cation over the number of them that left: the estimate of maximum
    likelihood. A water that becomes a hydroxide is no longer watched; it has not left.

    Args:
        system: what is known of the run.
        cutoff_A: O-cation distance, Å; the default is the first minimum of g(K-O).
    """

    name = "water_at_cation"
    STATE = ("_sums", "_number", "_close", "_water")

    def __init__(self, system: System, cutoff_A: float = 3.6) -> None:
        super().__init__(system)
        self._cutoff = cutoff_A
        self._sums = SegmentedSums(3)
        self._number = np.zeros(MOST_WATERS)
        # The last frame of the block before; empty before the first one.
        self._close = np.zeros((0, len(system.cations), len(system.oxygens)), dtype=np.bool_)
        self._water = np.zeros((0, len(system.oxygens)), dtype=np.bool_)

    def per_frame(self, frames: Frames) -> NDArray[np.bool_]:
        """Return [n_frames, n_cations, n_o], whether each O is near each cation.

        The cutoff must be less than half of the cell.
        """
        oxygens = frames.positions[:, self.system.oxygens]
        inverse = np.linalg.inv(frames.cells)
        close = []
        for cation in self.system.cations:
            d = oxygens - frames.positions[:, [cation]]
            d -= np.round(d @ inverse) @ frames.cells
            close.append((d**2).sum(axis=2) < self._cutoff**2)
        shape = len(oxygens), 0, oxygens.shape[1]
        return np.stack(close, axis=1) if close else np.zeros(shape, dtype=np.bool_)

    def add(self, block: Block, found: NDArray[np.bool_]) -> None:
        """Take in frames that follow those before."""
        is_water = block.found.counts == 2
        waters = (found & is_water[:, None]).sum(axis=2)
        self._number += np.bincount(
            np.minimum(waters, MOST_WATERS - 1).ravel(), minlength=MOST_WATERS
        )
        close = np.concatenate([self._close, found])
        water = np.concatenate([self._water, is_water])
        risk = close[:-1] & (water[:-1] & water[1:])[:, None]
        lost = risk & ~close[1:]
        columns = [risk.sum(axis=(1, 2)), lost.sum(axis=(1, 2)), np.full(len(risk), found.shape[1])]
        self._sums.add(np.stack(columns, axis=1).astype(np.float64))
        self._close, self._water = found[-1:].copy(), is_water[-1:].copy()

    def result(self, outcome: Outcome) -> tuple[Residence, list[AnalysisWarning]]:
        """Return the residence time, and why it is missing."""
        risk, lost, _ = self._sums.sums.sum(axis=0)
        shares = self._number / max(self._number.sum(), 1.0)
        if lost == 0 or outcome.interval_ps is None:
            reason = "no water was seen to leave a cation; run longer"
            return Residence(None, None, shares), [AnalysisWarning(f"custom.{self.name}", reason)]
        whole = self._sums.whole()
        time = float(risk / lost) * outcome.interval_ps
        of_rate = ratio_stderr(whole[:, LOST], whole[:, AT_RISK]) or 0.0
        relative = max(float(lost) ** -0.5, of_rate * float(risk / lost))
        return Residence(time, time * relative, shares), []

    def shown(self, result: Residence) -> Shown:
        """Return the number and the distribution, for all places where results are shown."""
        ion = f"{self.system.atoms.cation}+"
        name = f"residence time of water at {ion}"
        about = f"share of {ion} by the number of waters within {self._cutoff:g} Å"
        numbers = np.arange(MOST_WATERS, dtype=np.float64)
        return Shown(
            title=f"Water at {ion}",
            text=f"A water is at {ion} while its O is nearer than {self._cutoff:g} Å. The "
            "residence time is the time spent there over the number of waters that left.",
            rows=(Row("residence_time_ps", name, result.time_ps, result.stderr_ps, "ps"),),
            curves=(Curve("number", about, ("waters", "share"), (numbers, result.shares)),),
        )
