"""What happens around a hop: where the next one leads, and how the ion is solvated.

A hop needs a change of solvation first (presolvation: Tuckerman, Marx and Parrinello, Nature 417
(2002) 925, doi:10.1038/nature00797): the hydroxide loses an accepted hydrogen bond, and the water
that gives its proton is solvated like a hydroxide already. Times are those of the frame in which
the proton belongs to its new oxygen.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pykoh.analysis.common.statistics import nothing_seen
from pykoh.analysis.hops.counter import Hops
from pykoh.analysis.hops.turns import Turns
from pykoh.analysis.hops.values import Directionality, Presolvation
from pykoh.arrays import FloatArray
from pykoh.kernels import kernel

SPAN_PS = 0.5
"""Solvation is followed from this long before a hop to this long after it."""

_MOST_FRAMES = 128  # on either side of a hop; further apart than single frames beyond


@kernel(
    "(int64[:,::1], int32[:,::1], uint8[:,::1], uint8[:,::1], int64, int64, int64, float64[:,::1])",
)
def _solvation(
    hops: NDArray[np.int64],
    carriers: NDArray[np.int32],
    accepted: NDArray[np.uint8],
    donated: NDArray[np.uint8],
    first_kept: int,
    half: int,
    step: int,
    sums: FloatArray,
) -> None:
    """Add the bonds around each hop.

    Args:
        hops: [n, 4], frame, identity, from, to.
        carriers: [n_kept, n_id], ring over frames.
        accepted: [n_kept, n_o], ring.
        donated: [n_kept, n_o], ring.
        first_kept: first frame that is still in the rings.
        half: steps on either side.
        step: frames per step.
        sums: [2 half + 1, 7], state: hops; accepted by the ion, squares; donated by it, squares;
            accepted by the oxygen that the ion comes to, squares.
    """
    n_kept = carriers.shape[0]
    for e in range(hops.shape[0]):
        for k in range(2 * half + 1):
            frame = hops[e, 0] + (k - half) * step
            if frame < first_kept:
                continue
            slot = frame % n_kept
            ion = carriers[slot, hops[e, 1]]
            a = float(accepted[slot, ion])
            d = float(donated[slot, ion])
            b = float(accepted[slot, hops[e, 3]])
            sums[k, 0] += 1.0
            sums[k, 1] += a
            sums[k, 2] += a * a
            sums[k, 3] += d
            sums[k, 4] += d * d
            sums[k, 5] += b
            sums[k, 6] += b * b


class HopEvents:
    """Directionality of hops that follow each other, and solvation around hops.

    Args:
        n_identities: hydroxide identities.
        n_oxygens: oxygens.
        interval_ps: time between frames.
        window_ps: rattle window; a hop is known to be one only after it.
        bonds: hydrogen bonds are known.
    """

    STATE = (
        "_turns",
        "_carriers",
        "_accepted",
        "_donated",
        "_n_frames",
        "_waiting",
        "_sums",
    )

    def __init__(
        self, n_identities: int, n_oxygens: int, interval_ps: float, window_ps: float, bonds: bool
    ) -> None:
        self._interval = interval_ps
        self._turns = Turns(n_identities)
        self._bonds = bonds
        frames = max(1, round(SPAN_PS / interval_ps))
        self._step = int(np.ceil(frames / _MOST_FRAMES))
        self._half = max(1, frames // self._step)
        window = int(np.ceil(window_ps / interval_ps)) + 2
        self._reach = self._half * self._step
        self._n_kept = 2 * self._reach + window + 2
        self._carriers = np.zeros((0, n_identities), dtype=np.int32)
        self._accepted = np.zeros((0, n_oxygens), dtype=np.uint8)
        self._donated = np.zeros((0, n_oxygens), dtype=np.uint8)
        self._n_frames = 0
        self._waiting = np.zeros((0, 4), dtype=np.int64)
        self._sums = np.zeros((2 * self._half + 1, 7))

    def add(
        self,
        hops: Hops,
        carriers: NDArray[np.int64],
        accepted: NDArray[np.uint8] | None,
        donated: NDArray[np.uint8] | None,
    ) -> None:
        """Take in frames that follow those before, and the hops that became certain by them.

        Args:
            hops: of any of the frames so far, in order of time for each identity.
            carriers: [n_frames, n_id], oxygen of each identity.
            accepted: [n_frames, n_o], bonds that each oxygen accepts, or None.
            donated: [n_frames, n_o], bonds that it donates, or None.
        """
        self._turns.add(hops)
        if not self._bonds or accepted is None or donated is None:
            self._n_frames += len(carriers)
            return
        self._waiting = np.concatenate([self._waiting, hops.events])
        size = self._n_kept + len(carriers)
        if len(self._carriers) < size:
            self._enlarge(size)
        slots = np.arange(self._n_frames, self._n_frames + len(carriers)) % len(self._carriers)
        self._carriers[slots] = carriers
        self._accepted[slots] = accepted
        self._donated[slots] = donated
        self._n_frames += len(carriers)
        ready = self._waiting[:, 0] + self._reach < self._n_frames
        _solvation(
            self._waiting[ready],
            self._carriers,
            self._accepted,
            self._donated,
            max(0, self._n_frames - len(self._carriers)),
            self._half,
            self._step,
            self._sums,
        )
        self._waiting = self._waiting[~ready]

    def _enlarge(self, size: int) -> None:
        """Make the rings longer, keeping what is in them."""
        old = len(self._carriers)
        frames = np.arange(max(0, self._n_frames - old), self._n_frames)
        for name in ("_carriers", "_accepted", "_donated"):
            ring = getattr(self, name)
            larger = np.zeros((size, ring.shape[1]), dtype=ring.dtype)
            if old:
                larger[frames % size] = ring[frames % old]
            setattr(self, name, larger)

    def directionality(self) -> Directionality | None:
        """Return how hops that follow each other are related, or None without two."""
        return self._turns.directionality()

    def presolvation(self) -> Presolvation | None:
        """Return the hydrogen bonds around a hop, or None without any."""
        n = self._sums[:, 0]
        if not self._bonds or n.max() < 2:
            return None
        keep = n >= 2
        steps = (np.arange(len(n)) - self._half) * self._step
        lag = np.asarray(steps * self._interval, dtype=np.float64)
        columns = []
        for first in (1, 3, 5):
            mean = self._sums[keep, first] / n[keep]
            variance = np.maximum(self._sums[keep, first + 1] / n[keep] - mean**2, 0.0)
            # Equal numbers at the few hops of a short run do not make the next one certain.
            least = np.array([nothing_seen(count)[0] for count in n[keep]])
            columns += [mean, np.maximum(np.sqrt(variance / (n[keep] - 1.0)), least)]
        return Presolvation(int(n.max()), lag[keep], *columns)
