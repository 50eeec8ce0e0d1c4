"""The two parts of the hydroxide's motion: which hops are steps, and what frames do not change."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
from numpy.typing import NDArray

from pykoh.analysis.hops.lasting import LastingMoves
from pykoh.analysis.hops.windows import LASTING_PS
from pykoh.analysis.state import gather, put_back
from pykoh.arrays import FloatArray

DT = 0.01
Events = NDArray[np.int64]


def split(
    total: FloatArray, events: Events, vectors: FloatArray, dt: float = DT, sizes: int = 10**9
) -> tuple[FloatArray, FloatArray]:
    """Return vehicular and structural displacement, given blocks of a size."""
    moves = LastingMoves(total.shape[1], dt, 0.2)
    found = []
    for first in range(0, len(total), sizes):
        own = (events[:, 0] >= first) & (events[:, 0] < first + sizes)
        found.append(moves.add(total[first : first + sizes], events[own], vectors[own]))
    found.append(moves.finish())
    vehicular, structural = (np.concatenate(each) for each in zip(*found, strict=True))
    return vehicular, structural


def scene(*steps: tuple[int, int, int, float]) -> tuple[Events, FloatArray]:
    """Return transfers (frame, from, to, Å along x) of one hydroxide."""
    events = np.array([(frame, 0, start, end) for frame, start, end, _ in steps], dtype=np.int64)
    vectors = np.array([(x, 0.0, 0.0) for *_, x in steps])
    return events.reshape(-1, 4), vectors.reshape(-1, 3)


A, B, C = 0, 1, 2
SOON, LATE = 100 + int(LASTING_PS / DT), 101 + int(LASTING_PS / DT)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([(100, A, B, 2.5)], {99: 0.0, 100: 2.5, 999: 2.5}),
        # A way back within 2 ps cancels the way there, from the first frame of the visit on.
        ([(100, A, B, 2.5), (SOON, B, A, -2.8)], {99: 0.0, 100: 0.0, SOON: 0.0, 999: 0.0}),
        ([(100, A, B, 2.5), (LATE, B, A, -2.8)], {99: 0.0, 100: 2.5, LATE: -0.3, 999: -0.3}),
        # A visit from B to C does not change that B was reached, nor that A is left.
        ([(100, A, B, 2.5), (150, B, C, 2.6), (170, C, B, -2.7)], {100: 2.5, 160: 2.5, 999: 2.5}),
        ([(100, A, B, 2.5), (150, B, C, 2.6), (170, C, B, -2.7), (190, B, A, -2.4)],
         {100: 0.0, 160: 0.0, 999: 0.0}),
        # Back by another way is no way back.
        ([(100, A, B, 2.5), (110, B, C, 2.6), (120, C, A, -2.7)], {100: 2.5, 110: 5.1, 999: 2.4}),
        # Nobody knows whether it would have come back after the end.
        ([(990, A, B, 2.5)], {989: 0.0, 990: 2.5, 999: 2.5}),
    ],
)  # fmt: skip
@pytest.mark.parametrize("size", [1, 37, 10**9])
def test_a_hop_is_a_step_if_the_ion_does_not_come_back_soon(steps, expected, size):
    rng = np.random.default_rng(1)
    total = rng.normal(size=(1000, 1, 3))
    vehicular, structural = split(total, *scene(*steps), sizes=size)
    assert len(vehicular) == len(structural) == 1000, "each frame is split once"
    for frame, x in expected.items():
        assert structural[frame, 0] == pytest.approx([x, 0.0, 0.0]), f"frame {frame}"
    assert vehicular + structural == pytest.approx(total)


def test_it_goes_on_from_its_state():
    rng = np.random.default_rng(2)
    total = rng.normal(size=(600, 1, 3))
    events, vectors = scene((100, A, B, 2.5), (250, B, C, 2.6), (330, C, B, -2.7), (590, B, A, 2.4))
    first = LastingMoves(1, DT, 0.2)
    begun = first.add(total[:300], events[:2], vectors[:2])
    again = LastingMoves(1, DT, 0.2)
    put_back(again, *deepcopy(gather(first)))
    for moves in (first, again):
        parts = [begun, moves.add(total[300:], events[2:], vectors[2:]), moves.finish()]
        found = [np.concatenate(each) for each in zip(*parts, strict=True)]
        assert np.array_equal(found, split(total, events, vectors))


def visits(seed: int, stride: int) -> tuple[FloatArray, Events, FloatArray]:
    """Return ions that never leave their oxygen for long, as frames that are apart show them.

    Oxygens A diffuse with 0.05 Å²/ps. Each has a neighbour B at about 2.8 Å, whose distance
    fluctuates in 0.3 ps. The ion visits B and comes back, each after 0.05 ps in the mean: more than
    nine of ten times.
    """
    rng = np.random.default_rng([3, seed])
    n, ions, diffusion = 40_000, 12, 0.05
    a = np.cumsum(rng.normal(scale=np.sqrt(2 * diffusion * DT), size=(n, ions, 3)), axis=0)
    decay = np.exp(-DT / 0.3)
    kicks = rng.normal(scale=0.4 * np.sqrt(1 - decay**2), size=(n, ions, 3))
    apart = np.zeros((n, ions, 3))
    for k in range(1, n):
        apart[k] = decay * apart[k - 1] + kicks[k]
    b = a + apart + [2.8, 0.0, 0.0]
    at_b = (np.cumsum(rng.random((n, ions)) < DT / 0.05, axis=0) % 2).astype(bool)
    at_b[0] = at_b[-1] = False
    a, b, at_b = a[::stride], b[::stride], at_b[::stride]
    total = np.where(at_b[:, :, None], b, a)
    frames, who = np.nonzero(at_b[1:] != at_b[:-1])
    there = at_b[frames + 1, who]
    events = np.stack([frames + 1, who, 2 * who + ~there, 2 * who + there], axis=1).astype(np.int64)
    vectors = (b - a)[frames + 1, who] * np.where(there, 1.0, -1.0)[:, None]
    return total - total[0], events, vectors


def slope(path: FloatArray, dt: float) -> float:
    """Return D, Å²/ps, from lags of 4 and 12 ps."""
    near, far = (
        float(np.square(path[lag:] - path[:-lag]).sum(axis=2).mean())
        for lag in (round(4.0 / dt), round(12.0 / dt))
    )
    return (far - near) / (8.0 * 6.0)


@pytest.mark.parametrize("stride", [1, 10])
def test_visits_are_no_motion_whatever_the_time_between_frames(stride):
    """The ion goes where its oxygen goes: all of its motion is vehicular."""
    dt = DT * stride
    runs = [[slope(path, dt) for path in split(*visits(seed, stride), dt)] for seed in range(4)]
    vehicular, structural = np.mean(runs, axis=0)
    stderr = np.std(runs, axis=0, ddof=1) / 2.0
    assert vehicular == pytest.approx(0.05, abs=max(3.0 * stderr[0], 0.004))
    assert abs(structural) < 0.002
