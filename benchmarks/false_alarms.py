"""How often runs in equilibrium get a warning of drift, or of different halves.

Run: OMP_NUM_THREADS=1 python benchmarks/false_alarms.py [--first-seed 0] [--runs 400]

Nothing changes in these runs (their generators are in tests/exact.py), so each warning is
false. Prints a Markdown table for docs/trust.md: the share of runs with a warning, by quantity.
Takes a few minutes on one core.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

import exact
from pykoh.analysis.common.equilibration import drift, halves
from pykoh.analysis.common.statistics import N_SEGMENTS, SegmentedSums
from pykoh.analysis.transport.waypoints import Waypoints

DT = 0.1
Parts = tuple[np.ndarray, np.ndarray]
"""Sums over segments of time, in order: numerator and denominator, [n] each."""


def noise(rng: np.random.Generator, duration: int, memory: float) -> Parts:
    """Return a temperature with a correlation time of ``memory`` ps."""
    n = round(duration / DT)
    length = n // N_SEGMENTS
    x = 300.0 + 10.0 * exact.ornstein_uhlenbeck(rng, N_SEGMENTS * length, (1,), memory, DT)
    return x.reshape(N_SEGMENTS, length).sum(axis=1), np.full(N_SEGMENTS, float(length))


def _counted(counts: np.ndarray, n: int) -> Parts:
    sums = SegmentedSums(1)
    sums.add(counts[:, None].astype(np.float64))
    whole = sums.whole()[:, 0]
    return whole, np.full(len(whole), float(n * sums.length))


def bonded(rng: np.random.Generator, duration: int, n: int) -> Parts:
    """Return the share of ``n`` donors that are bonded; bonds last 2 ps."""
    state = exact.telegraph(rng, round(duration / DT), n, 0.05, 0.02)
    return _counted(state.sum(axis=1), n)


def hops(rng: np.random.Generator, duration: int, n: int) -> Parts:
    """Return the hops of ``n`` hydroxides."""
    counts = np.zeros(round(duration / DT) + 1)
    for _ in range(n):
        np.add.at(counts, exact.hop_times(rng, len(counts), 0.04, 3), 1.0)
    return _counted(counts, n)


def moved(rng: np.random.Generator, duration: int, n: int, returns: float | None) -> Parts:
    """Return squared displacements of walkers, or of ions whose hops may lead back."""
    frames = round(duration / DT) + 1
    path = (
        exact.walkers(rng, frames, n, 0.2, DT)
        if returns is None
        else exact.hoppers(rng, frames, n, DT, 0.5, returns)[0]
    )
    waypoints = Waypoints(n)
    waypoints.add(path)
    return waypoints.squares(DT, 1.0 if returns is None else 4.0)


def cases() -> list[tuple[str, str, Callable[[np.random.Generator], Parts]]]:
    """Return the warning, the name of the quantity, and its generator."""
    found: list[tuple[str, str, Callable[[np.random.Generator], Parts]]] = []
    for duration in (20, 100, 400):
        for memory in (0.1, 1.0, 5.0):
            name = f"temperature, memory {memory:g} ps, {duration} ps"
            found.append(("drift", name, lambda r, t=duration, m=memory: noise(r, t, m)))  # type: ignore[misc]
    for n in (3, 16, 64):
        name = f"share of {n} donors bonded, 100 ps"
        found.append(("drift", name, lambda r, n=n: bonded(r, 100, n)))  # type: ignore[misc]
        found.append(("halves", name, lambda r, n=n: bonded(r, 100, n)))  # type: ignore[misc]
    for n in (1, 3, 16):
        for duration in (100, 400):
            name = f"hops of {n} hydroxides, {duration} ps"
            found.append(("halves", name, lambda r, n=n, t=duration: hops(r, t, n)))  # type: ignore[misc]
    for n in (1, 3, 16):
        for words, returns in (("walkers", None), ("hops, half of them lead back", 0.5)):
            name = f"D of {n} ions, {words}, 100 ps"
            found.append(("halves", name, lambda r, n=n, p=returns: moved(r, 100, n, p)))  # type: ignore[misc]
    return found


def alarms(kind: str, make: Callable[[np.random.Generator], Parts], first: int, runs: int) -> int:
    """Return the number of runs with a warning."""
    rule = drift if kind == "drift" else halves
    return sum(
        rule(*make(np.random.default_rng([first, seed]))) is not None for seed in range(runs)
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--runs", type=int, default=400)
    options = parser.parse_args()
    print(f"| warning | quantity | false, of {options.runs} runs |\n|---|---|---|")
    for kind, name, make in cases():
        n = alarms(kind, make, options.first_seed, options.runs)
        print(f"| {kind} | {name} | {100 * n / options.runs:.1f} % |", flush=True)


if __name__ == "__main__":
    main()
