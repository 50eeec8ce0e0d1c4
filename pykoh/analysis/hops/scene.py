"""One net hop of a run with what is around it, to be looked at.

The frames of the last while are kept until a hop is certain: one that the hop counter counts, whose
frames before and after are in the run, and in which one H goes from the one oxygen to the other. It
is the first such hop. After that nothing more is kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pykoh.analysis.common.analysis_warning import AnalysisWarning
from pykoh.analysis.hops.counter import HopCounter
from pykoh.analysis.hops.hop_scene import HopScene
from pykoh.analysis.observable import Block, Observable, Outcome, System
from pykoh.trajectory.species import CATION, HYDROGEN, OXYGEN

SPAN_PS = 0.15
"""Frames are shown from this long before the hop to this long after it."""

NEAR_A = 4.5
"""Molecules and cations up to this far from one of the two oxygens are shown."""

_MOST_FRAMES = 30  # on either side of the hop
_FEWEST_FRAMES = 2
_MOST_BYTES = 64e6  # of kept positions

_KEPT = ("_frames", "_times", "_cells", "_positions", "_owners", "_carriers")


class HopWatch(Observable[HopScene | None]):
    """Keeps the atoms around the first well-observed net hop.

    Args:
        system: what is known of the run.
        rattle_window_ps: a transfer that leads back within this time is a rattle.
    """

    name = "hop_scene"
    STATE = ("_counter", "_hops", "_n_frames", "_chosen", *_KEPT)

    def __init__(self, system: System, rattle_window_ps: float) -> None:
        super().__init__(system)
        interval = system.interval_ps or 1.0
        n_atoms = len(system.atoms.ids)
        frames = round(SPAN_PS / interval)
        window = int(np.ceil(rattle_window_ps / interval))
        self._certain = window + 1
        self._every = max(1, int(np.ceil(frames / _MOST_FRAMES)))
        while (2 * frames + window) / self._every * n_atoms * 12 > _MOST_BYTES:
            self._every += 1
        half = frames // self._every
        self._reach = half * self._every
        self._back = self._reach + max(self._reach, self._certain) + 2 * self._every
        self._watches = half >= _FEWEST_FRAMES and system.n_identities > 0
        self._counter = HopCounter(
            system.n_identities, interval, rattle_window_ps, np.zeros(0)
        )  # counts for the one window
        self._hops = np.zeros((0, 4), dtype=np.int64)  # certain, not looked at yet
        self._chosen = np.zeros((0, 4), dtype=np.int64)
        self._n_frames = 0
        # Of the frames that are kept, one array for each block.
        self._frames: list[NDArray[np.int64]] = []
        self._times: list[NDArray[np.float64]] = []
        self._cells: list[NDArray[np.float64]] = []
        self._positions: list[NDArray[np.float32]] = []
        self._owners: list[NDArray[np.int32]] = []
        self._carriers: list[NDArray[np.int32]] = []

    @property
    def _done(self) -> bool:
        return not self._watches or len(self._chosen) > 0

    def add(self, block: Block, found: Any) -> None:
        """Take in frames that follow those before, until there is a hop."""
        if self._done:
            return
        n = len(block.positions)
        hops = self._counter.add(block.events, block.vectors_A, n).events
        self._hops = np.concatenate([self._hops, hops])
        kept = slice(-self._n_frames % self._every, None, self._every)
        self._frames.append(np.arange(self._n_frames, self._n_frames + n)[kept])
        self._times.append(block.times_ps[kept].copy())
        self._cells.append(block.cells[kept].copy())
        self._positions.append(block.positions[kept].astype(np.float32))
        self._owners.append(block.found.owner[kept].astype(np.int32))
        self._carriers.append(block.carriers[kept].astype(np.int32))
        self._n_frames += n
        self._choose(self._certain)
        if not self._done:
            self._forget()

    def _forget(self) -> None:
        """Drop blocks that no later hop needs."""
        needed = self._n_frames - self._back
        if len(self._hops):
            needed = min(needed, int(self._hops[:, 0].min()) - self._reach - self._every)
        while self._frames and (not len(self._frames[0]) or self._frames[0][-1] < needed):
            for name in _KEPT:
                getattr(self, name).pop(0)

    def _choose(self, certain: int) -> None:
        """Choose the first hop that can be shown, if there is one.

        Args:
            certain: frames after a hop in which an earlier one may still become certain.
        """
        order = np.lexsort((self._hops[:, 1], self._hops[:, 0]))
        while len(order):
            hop = self._hops[order[0]]
            if hop[0] + max(self._reach, certain) >= self._n_frames:
                break
            if hop[0] >= self._reach and self._direct(hop):
                self._chosen = hop[None].copy()
                self._cut(int(hop[0]))
                break
            order = order[1:]
        self._hops = self._hops[order]

    def _direct(self, hop: NDArray[np.int64]) -> bool:
        """Return whether one H goes from the new oxygen of the hydroxide to the old one."""
        frames = np.concatenate(self._frames)
        after = int(np.searchsorted(frames, hop[0]))
        if after == 0 or after == len(frames):
            return False
        owners = np.concatenate(self._owners)
        return len(_protons(owners[after - 1], owners[after], hop)) == 1

    def _cut(self, frame: int) -> None:
        """Keep only the frames around the chosen hop."""
        frames = np.concatenate(self._frames)
        shown = (frames >= frame - self._reach) & (frames <= frame + self._reach)
        for name in _KEPT:
            setattr(self, name, [np.concatenate(getattr(self, name))[shown]])

    def result(self, outcome: Outcome) -> tuple[HopScene | None, list[AnalysisWarning]]:
        """Return the hop, or None where none was well observed."""
        if not self._done:
            nothing = np.zeros((0, 4), dtype=np.int64), np.zeros((0, 3))
            hops = self._counter.add(*nothing, 0, last_block=True).events
            self._hops = np.concatenate([self._hops, hops])
            self._choose(0)
        if not len(self._chosen):
            return None, []
        return self._scene(self._chosen[0]), []

    def _scene(self, hop: NDArray[np.int64]) -> HopScene:
        """Return the surroundings of a hop whose frames are kept."""
        (frames,), (times,), (cells,) = self._frames, self._times, self._cells
        owners, carriers = self._owners[0], self._carriers[0]
        positions = np.asarray(self._positions[0], dtype=np.float64)
        system, species = self.system, self.system.atoms.species
        after = int(np.searchsorted(frames, hop[0]))
        proton = int(system.hydrogens[_protons(owners[after - 1], owners[after], hop)[0]])
        owner = np.full((len(frames), len(species)), -1)
        owner[:, system.hydrogens] = system.oxygens[owners]
        old, new = (int(system.oxygens[k]) for k in hop[2:4])

        # Oxygens and cations go to the image near the hydroxide, by as many cells in every frame;
        # each H goes to the image at its oxygen.
        fraction = positions @ np.linalg.inv(cells)
        fraction -= np.round(fraction[after] - fraction[after, old])
        of_h = system.hydrogens
        there = np.take_along_axis(fraction, owner[:, of_h, None], axis=1)
        fraction[:, of_h] -= np.round(fraction[:, of_h] - there)
        positions = fraction @ cells

        near = np.zeros(len(species), dtype=np.bool_)
        for frame in sorted({0, after, len(frames) - 1}):
            for centre in (old, new):
                apart = np.linalg.norm(positions[frame] - positions[frame, centre], axis=1)
                near |= (apart <= NEAR_A) & (species != HYDROGEN)
        near[of_h] = near[owner[:, of_h]].any(axis=0)
        shown = np.flatnonzero(near)
        place = np.full(len(species) + 1, -1)  # the last one is that of "no owner", -1
        place[shown] = np.arange(len(shown))
        middle = positions[:, [old, new]].mean(axis=1)
        names = {HYDROGEN: "H", OXYGEN: "O", CATION: system.atoms.cation}
        at = float(times[after] - (frames[after] - hop[0]) * (system.interval_ps or 0.0))
        return HopScene(
            frame=int(hop[0]),
            time_ps=at,
            times_ps=times,
            elements=tuple(names[int(species[k])] for k in shown),
            ids=system.atoms.ids[shown],
            positions_A=positions[:, shown] - middle[:, None],
            owner=place[owner[:, shown]],
            carrier=place[system.oxygens[carriers[:, hop[1]]]],
            old=int(place[old]),
            new=int(place[new]),
            proton=int(place[proton]),
        )


def _protons(
    before: NDArray[np.int32], after: NDArray[np.int32], hop: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return which H went from the new oxygen of the hydroxide to the old one."""
    return np.flatnonzero((before == hop[3]) & (after == hop[2])).astype(np.int64)
