"""The one contract of every analysis of a run: what it takes from frames, and what it returns.

Frames come in blocks, and a run is read once. Of each block,

1. :meth:`Observable.per_frame` works out what its frames tell by themselves. Blocks are looked at
   in any order, by any worker, in this process or another one.
2. :meth:`Observable.add` takes the block in. Blocks come in the order of time.
3. :meth:`Observable.result` is asked for once, after the last block.

An interrupted analysis goes on from the state of its observables: the attributes that
:attr:`Observable.STATE` names. The numbers depend neither on the workers nor on interruptions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from pykoh.analysis.common.analysis_warning import AnalysisWarning
from pykoh.analysis.common.equilibration import Watched
from pykoh.analysis.common.findings import Findings
from pykoh.analysis.common.input_summary import InputSummary
from pykoh.analysis.common.shown import Showable
from pykoh.arrays import FloatArray
from pykoh.trajectory.species import CATION, HYDROGEN, OXYGEN, Atoms

R = TypeVar("R")

Submit = Callable[..., "Future[FloatArray]"]
"""Runs a function of arrays, perhaps in another thread."""


@dataclass(frozen=True, slots=True, eq=False)
class System:
    """What is known of a run before its first frame is analysed.

    Attributes:
        atoms: the atoms.
        interval_ps: time between the first two frames; None for a single frame.
        height_A: smallest distance between opposite faces of the cell, Å.
        bonds: hydrogen bonds are looked for; in a cell that is too small for them they are not.
        structure_stride: frames apart that structure is sampled.
        is_part: the user has left out the beginning or the end of the run.
    """

    atoms: Atoms
    interval_ps: float | None
    height_A: float
    bonds: bool
    structure_stride: int
    is_part: bool = False

    @property
    def cations(self) -> NDArray[np.int64]:
        """[n_cations], which atoms are cations."""
        return self.atoms.indices(CATION)

    @property
    def hydrogens(self) -> NDArray[np.int64]:
        """[n_h], which atoms are H."""
        return self.atoms.indices(HYDROGEN)

    @property
    def oxygens(self) -> NDArray[np.int64]:
        """[n_o], which atoms are O."""
        return self.atoms.indices(OXYGEN)

    @property
    def n_hydroxides(self) -> int:
        """Hydroxide ions by stoichiometry, 2 n(O) - n(H); negative in an acid."""
        return 2 * len(self.oxygens) - len(self.hydrogens)

    @property
    def n_identities(self) -> int:
        """Hydroxide ions that are followed: those by stoichiometry, at least 0."""
        return max(self.n_hydroxides, 0)


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """A block of frames, each by itself.

    Attributes:
        first_frame: number of the first frame in the run, 0 for the first one.
        positions: [n_frames, n_atoms, 3], Å, unwrapped.
        cells: [n_frames, 3, 3], Å, vectors in rows.
        found: owners of the protons and hydrogen bonds.
        structure_stride: frames apart that structure is sampled.
    """

    first_frame: int
    positions: FloatArray
    cells: FloatArray
    found: Findings
    structure_stride: int

    @property
    def sampled(self) -> slice:
        """The frames of the block that structure is sampled in."""
        return slice(-self.first_frame % self.structure_stride, None, self.structure_stride)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A block of frames that follows those before, with what depends on their order.

    Attributes:
        times_ps: [n_frames], ps.
        positions: [n_frames, n_atoms, 3], Å, unwrapped, drift of the centre of mass removed.
        cells: [n_frames, 3, 3], Å, vectors in rows.
        velocities: [n_frames, n_atoms, 3], Å/ps, or None.
        found: owners of the protons and hydrogen bonds.
        carriers: [n_frames, n_identities], oxygen (index among the oxygens) of each hydroxide.
        paths: [3, n_frames, n_identities, 3], Å: total, vehicular and structural displacement of
            each hydroxide since the first frame, where each transfer is a step. (In results.json
            only hops that last are steps: :mod:`pykoh.analysis.hops.lasting`.)
        events: [n_events, 4], proton transfers: frame, identity, oxygen that it left, oxygen that
            it came to.
        vectors_A: [n_events, 3], Å, from the one to the other.
        n_multiple_transfers: moves of an identity over more than one proton between two frames,
            since the first frame.
        n_ionised_frames: frames with an oxygen that has neither one nor two H, since the first.
        submit: runs a function of arrays, perhaps in another thread.
    """

    times_ps: FloatArray
    positions: FloatArray
    cells: FloatArray
    velocities: FloatArray | None
    found: Findings
    carriers: NDArray[np.int64]
    paths: FloatArray
    events: NDArray[np.int64]
    vectors_A: FloatArray
    n_multiple_transfers: int
    n_ionised_frames: int
    submit: Submit


class Outcome:
    """The results of all observables of a run; each is worked out when it is first asked for.

    Args:
        observables: all of them; all frames were added.
        interval_ps: mean time between frames; None for a single frame.
        n_frames: frames that were added.
        submit: runs a function of arrays, perhaps in another thread.

    Attributes:
        summary: what was read. It is set before any result but the temperature is asked for.
    """

    summary: InputSummary

    def __init__(
        self,
        observables: Sequence[Observable[Any]],
        interval_ps: float | None,
        n_frames: int,
        submit: Submit,
    ) -> None:
        self.interval_ps = interval_ps
        self.n_frames = n_frames
        self.submit = submit
        self._observables = {each.name: each for each in observables}
        self._found: dict[str, tuple[Any, list[AnalysisWarning]]] = {}

    def named(self, name: str) -> tuple[Any, list[AnalysisWarning]]:
        """Return the result of an observable, and what is missing from it or doubtful about it.

        Raises:
            KeyError: the run has no such observable.
        """
        if name not in self._found:
            self._found[name] = self._observables[name].result(self)
        return self._found[name]

    def of(self, kind: type[Observable[R]]) -> R:
        """Return the result of the observable of a class.

        Raises:
            KeyError: the run has no such observable.
        """
        found: R = self.named(kind.name)[0]
        return found


class Observable(Generic[R]):
    """One analysis of a run.

    A class of a user's own is made from a :class:`System` alone; options are given by
    :func:`functools.partial`.

    Args:
        system: what is known before the first frame.

    Attributes:
        name: what it is called in ``results.json``: small letters, digits and ``_``; no two
            observables of a run have the same.
        STATE: names of the attributes that :meth:`add` changes: arrays, numbers, texts, None,
            objects of pykoh that collect (such as ``SegmentedSums``), and lists of these.
    """

    name: str = ""
    STATE: ClassVar[tuple[str, ...]] = ()

    def __init__(self, system: System) -> None:
        self.system = system

    def per_frame(self, frames: Frames) -> Any:
        """Return what frames tell by themselves; the default is nothing.

        It may run in another process, where what :attr:`STATE` names does not exist.
        """
        return None

    def add(self, block: Block, found: Any) -> None:
        """Take in frames that follow those before.

        Args:
            block: the frames.
            found: what :meth:`per_frame` returned for them.
        """
        raise NotImplementedError

    def settle(self) -> None:
        """Wait for what :meth:`add` lets other threads compute; the state is then complete."""

    def watched(self, start_ps: float, stop_ps: float) -> list[Watched]:
        """Return quantities that do not change in equilibrium, over the run.

        Args:
            start_ps: time of the first frame.
            stop_ps: time of the last frame.
        """
        return []

    def result(self, outcome: Outcome) -> tuple[R, list[AnalysisWarning]]:
        """Return the result, and what is missing from it or doubtful about it.

        Args:
            outcome: results of other observables.
        """
        raise NotImplementedError

    def shown(self, result: R) -> Showable | None:
        """Return what is shown of a result in files, terminal and report; None: nothing.

        An observable of a user's own returns a :class:`~pykoh.analysis.common.shown.Shown`. One of
        pykoh may also return a value with a method ``output``
        (:class:`~pykoh.analysis.common.shown.Showable`).
        """
        return None

    def __getstate__(self) -> dict[str, Any]:
        """Leave the state out of what is sent to other processes."""
        return {key: value for key, value in vars(self).items() if key not in self.STATE}


Factory = Callable[[System], Observable[Any]]
"""Makes an observable: a class, or a :func:`functools.partial` of one."""
