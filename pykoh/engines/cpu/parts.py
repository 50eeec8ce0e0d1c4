"""Atoms shared out among threads."""

from __future__ import annotations

import itertools
import os
import threading
from bisect import bisect_left
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from pykoh.engines.loops.waiting import wait

T = TypeVar("T")
Part = tuple[int, int]

# Fewer atoms are not worth waking up another thread.
ATOMS_PER_PART = 64

# About 10 ms: longer than what is between the force calls of two MD steps.
TURNS = 15000
_FAR = 8  # numbers from one count to the next: each is in a cache line of its own

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
        # How often work was given, and how often each one has finished.
        self._given, self._done = np.zeros(_FAR, np.int64), np.zeros(_FAR * n, np.int64)
        for k in range(n):
            threading.Thread(target=self._live, args=(k,), name=f"pykoh-{k}", daemon=True).start()

    def run(self, work: Callable[[int], T], own: Callable[[], T]) -> list[T] | None:
        """Call ``work`` in each thread and ``own`` in this one, and return what they return.

        None, and nothing is done, where the threads work for somebody else.
        """
        me = object()
        try:
            # Ctrl-C may come between any two steps: each one leaves the team fit for use.
            if self._user.setdefault("now", me) is not me:
                return None
            wanted = self._task[0] + 1
            self._task = (wanted, work)
            self._given[0] = wanted
            for asleep, calls in zip(self._asleep, self._calls, strict=True):
                if asleep:
                    calls.put(None)
            try:
                first = own()
            finally:
                self._wait(wanted)
            found, self._found = self._found, [(None, None)] * len(self._found)
            for _, error in found:
                if error is not None:
                    raise error
            return [first, *(result for result, _ in found)]
        finally:
            if self._user.get("now") is me:
                self._task = (self._task[0], None)
                del self._user["now"]

    def _wait(self, wanted: int) -> None:
        """Wait until all are ready, also after Ctrl-C: they write to what belongs to the caller."""
        interrupt: BaseException | None = None
        k = 0
        while k < len(self._found):
            try:
                if wait(self._done, _FAR * k, wanted, TURNS):
                    k += 1
                elif self._asleep[k]:
                    self._calls[k].put(None)
            except KeyboardInterrupt as error:
                interrupt = error
        if interrupt is not None:
            raise interrupt

    def _live(self, k: int) -> None:
        torch.set_num_threads(1)
        seen = 0
        while True:
            if not wait(self._given, 0, seen + 1, TURNS):
                self._asleep[k] = True
                while self._given[0] <= seen:
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
            self._done[_FAR * k] = seen


def in_parts(parts: list[Part], work: Callable[[int, int, int], T]) -> list[T]:
    """Return what ``work(part, low, high)`` returns for all parts, each in a thread.

    Torch's own operations have one thread in each.
    """
    found = None
    if len(parts) > 1:
        # A process that was forked has none of the threads of its parent.
        key = (os.getpid(), len(parts))
        if key not in _teams:
            _teams[key] = _Team(len(parts) - 1)
        found = _teams[key].run(lambda k: work(k + 1, *parts[k + 1]), lambda: work(0, *parts[0]))
    if found is None:
        found = [work(k, *part) for k, part in enumerate(parts)]
    return found


def parts_of(n_atoms: int, n_threads: int, start: NDArray[np.int64]) -> list[Part]:
    """Return shares of the atoms with as many rows each."""
    n_parts = max(min(n_threads, n_atoms // ATOMS_PER_PART), 1)
    wanted = [int(start[-1]) * k // n_parts for k in range(1, n_parts)]
    # (numpy's search takes longer between compiled loops, which use all of the cache.)
    ends = [0, *(bisect_left(start, rows, hi=n_atoms) for rows in wanted), n_atoms]
    return list(itertools.pairwise(ends))
