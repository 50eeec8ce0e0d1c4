"""Atoms shared out among threads."""

from __future__ import annotations

import itertools
import os
import threading
from bisect import bisect_left
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from pykoh.engines.loops.waiting import FAR, STAGES, wait

T = TypeVar("T")
Part = tuple[int, int]

# Fewer atoms are not worth waking up another thread.
ATOMS_PER_PART = 64

# About 10 ms: longer than what is between the force calls of two MD steps.
TURNS = 15000


class Signals(NamedTuple):
    """How threads that do one task in compiled code tell each other how far they are.

    See :mod:`pykoh.engines.loops.waiting`.

    Attributes:
        task: number of the task.
        given: ``[FAR]``.
        arrived: ``[n FAR]``.
    """

    task: int
    given: NDArray[np.int64]
    arrived: NDArray[np.int64]


_teams: dict[tuple[int, int], _Team] = {}


class _Team:
    """Threads that wait for work.

    A force call gives them work several times, with little time in between. A thread that sleeps
    takes long to wake up, and Linux may wake it up on the core of the one that calls, where it has
    to wait. So it looks for work a while before it sleeps, and lets others have its core meanwhile.

    Args:
        n: of them.
    """

    def __init__(self, n: int) -> None:
        self._user: dict[str, object] = {}
        # The number of a task and the task: read at once, so that nobody does one for another.
        self._task: tuple[int, Callable[[int], Any] | None] = (0, None)
        self._found: list[tuple[Any, BaseException | None]] = [(None, None)] * n
        self._asleep = [False] * n
        self._calls: list[SimpleQueue[None]] = [SimpleQueue() for _ in range(n)]
        # The last task that may begin, and the last one that each thread has finished.
        self._given, self._done = np.zeros(FAR, np.int64), np.zeros(FAR * n, np.int64)
        # Of the caller and the threads: how far they are in a task in compiled code.
        self._arrived = np.zeros(FAR * (n + 1), np.int64)
        for k in range(n):
            threading.Thread(target=self._live, args=(k,), name=f"pykoh-{k}", daemon=True).start()

    def run(self, work: Callable[[int], T], own: Callable[[], T]) -> list[T] | None:
        """Call ``work`` in each thread and ``own`` in this one, and return what they return.

        None, and nothing is done, where the threads work for somebody else.
        """
        found: list[T] = []

        def call(task: int) -> None:
            interrupt: BaseException | None = None
            k, n = 0, len(self._asleep)
            try:
                self._given[0] = task
                first = own()
            finally:
                # Also after Ctrl-C all are waited for: they write to what belongs to the caller.
                while True:
                    try:
                        while k < n:
                            if wait(self._done, FAR * k, task, TURNS):
                                k += 1
                            elif self._asleep[k]:
                                self._calls[k].put(None)
                        break
                    except KeyboardInterrupt as error:
                        interrupt = error
            if interrupt is not None:
                raise interrupt
            found.extend((first, *(result for result, _ in self._found)))

        return found if self._with_task(work, call) else None

    def run_compiled(
        self, work: Callable[[int, Signals], None], own: Callable[[Signals], None]
    ) -> bool:
        """Call ``work`` in each thread and ``own`` in this one, which wait for each other inside.

        The threads begin when ``own`` tells them, in compiled code: Python's lock is free then, and
        Ctrl-C cannot keep ``own`` from coming. ``own`` also waits until they have ended.

        Returns:
            False, and nothing is done, where the threads work for somebody else.
        """

        def call(task: int) -> None:
            try:
                own(Signals(task, self._given, self._arrived))
            finally:
                # After an error nobody may wait for this one.
                self._arrived[0] = task * STAGES + STAGES - 1

        def of_thread(k: int) -> None:
            work(k, Signals(self._task[0], self._given, self._arrived))

        return self._with_task(of_thread, call)

    def _with_task(self, work: Callable[[int], Any], call: Callable[[int], None]) -> bool:
        """Call a function that gives the threads a task, whose number it takes."""
        me = object()
        try:
            # Ctrl-C may come between any two steps: each one leaves the team fit for use.
            if self._user.setdefault("now", me) is not me:
                return False
            task = self._task[0] + 1
            self._found = [(None, None)] * len(self._found)
            self._task = (task, work)
            for asleep, calls in zip(self._asleep, self._calls, strict=True):
                if asleep:
                    calls.put(None)
            call(task)
            for _, error in self._found:
                if error is not None:
                    raise error
            return True
        finally:
            # No function is called here: Python looks for Ctrl-C after each call, and would leave
            # the team in use for ever.
            if "now" in self._user and self._user["now"] is me:
                self._task = (self._task[0], None)
                del self._user["now"]

    def _live(self, k: int) -> None:
        torch.set_num_threads(1)
        seen = 0
        while True:
            while not wait(self._given, 0, seen + 1, TURNS):
                self._asleep[k] = True
                # A task that is there will be given soon: whoever gives it sees nobody asleep.
                task, work = self._task
                if task <= seen or work is None:
                    self._calls[k].get()
                self._asleep[k] = False
            seen, work = self._task
            result, error = None, None
            try:
                if work is not None:
                    result = work(k)
            except BaseException as caught:
                error = caught
            self._found[k] = (result, error)
            del work, result, error
            self._arrived[FAR * (k + 1)] = seen * STAGES + STAGES - 1
            self._done[FAR * k] = seen


def in_parts(parts: list[Part], work: Callable[[int, int, int], T]) -> list[T]:
    """Return what ``work(part, low, high)`` returns for all parts, each in a thread.

    Torch's own operations have one thread in each.
    """
    found = None
    if len(parts) > 1:
        team = _team_of(len(parts))
        found = team.run(lambda k: work(k + 1, *parts[k + 1]), lambda: work(0, *parts[0]))
    if found is None:
        found = [work(k, *part) for k, part in enumerate(parts)]
    return found


def together(parts: list[Part], work: Callable[[int, int, int, int, Signals], None]) -> None:
    """Call ``work(part, n_parts, low, high, signals)`` for all parts, each in a thread.

    It calls a compiled loop at once, which tells the other threads to begin
    (:func:`pykoh.engines.loops.waiting.begin`) and in which they wait for each other. Where no
    other threads are free it is called once, for all atoms.

    Args:
        parts: of the atoms, one after the other.
        work: called in each thread.
    """
    n = len(parts)
    if n > 1 and _team_of(n).run_compiled(
        lambda k, signals: work(k + 1, n, *parts[k + 1], signals),
        lambda signals: work(0, n, *parts[0], signals),
    ):
        return
    nobody = Signals(1, np.zeros(FAR, np.int64), np.zeros(FAR, np.int64))
    work(0, 1, parts[0][0], parts[-1][1], nobody)


def _team_of(n_parts: int) -> _Team:
    # A process that was forked has none of the threads of its parent.
    key = (os.getpid(), n_parts)
    if key not in _teams:
        _teams[key] = _Team(n_parts - 1)
    return _teams[key]


def parts_of(n_atoms: int, n_threads: int, start: NDArray[np.int64]) -> list[Part]:
    """Return shares of the atoms with as many rows each."""
    n_parts = max(min(n_threads, n_atoms // ATOMS_PER_PART), 1)
    wanted = [int(start[-1]) * k // n_parts for k in range(1, n_parts)]
    # (numpy's search takes longer between compiled loops, which use all of the cache.)
    ends = [0, *(bisect_left(start, rows, hi=n_atoms) for rows in wanted), n_atoms]
    return list(itertools.pairwise(ends))
