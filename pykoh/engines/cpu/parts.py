"""Atoms shared out among threads."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

T = TypeVar("T")
Part = tuple[int, int]

# Fewer atoms are not worth waking up another thread.
ATOMS_PER_PART = 64

_pools: dict[tuple[int, int], ThreadPoolExecutor] = {}


def in_parts(parts: list[Part], work: Callable[[int, int, int], T]) -> list[T]:
    """Return what ``work(part, low, high)`` returns for all parts, each in a thread.

    Torch's own operations have one thread in each.
    """
    if len(parts) == 1:
        return [work(0, *parts[0])]
    # A process that was forked has none of the threads of its parent.
    key = (os.getpid(), len(parts))
    if key not in _pools:
        _pools[key] = ThreadPoolExecutor(
            len(parts) - 1, "pykoh", initializer=lambda: torch.set_num_threads(1)
        )
    others = [_pools[key].submit(work, k, *part) for k, part in enumerate(parts) if k > 0]
    first = work(0, *parts[0])
    return [first, *(other.result() for other in others)]


def parts_of(n_atoms: int, n_threads: int, start: NDArray[np.int64]) -> list[Part]:
    """Return shares of the atoms with as many rows each."""
    n_parts = max(min(n_threads, n_atoms // ATOMS_PER_PART), 1)
    wanted = [start[-1] * k // n_parts for k in range(1, n_parts)]
    ends = [0, *(int(end) for end in np.searchsorted(start[:-1], wanted)), n_atoms]
    return list(itertools.pairwise(ends))
