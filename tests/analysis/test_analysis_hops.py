"""Proton transfers, rattles and hops: scripted sequences with exact counts."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pykoh.analysis.hops.counter import HopCounter, window_grid
from pykoh.analysis.hops.grotthuss import grotthuss
from pykoh.analysis.hops.identity import HydroxideTracker, Transfers
from pykoh.chemistry import MASSES_U
from pykoh.trajectory.species import Atoms
from trajectories import Molecules

DT = 0.01
LINE = [[2.0 + 2.8 * k, 5.0, 5.0] for k in range(5)]
A, B, C, D = range(4)


def atoms_of(scene: Molecules) -> Atoms:
    species = np.array(scene.types, dtype=np.int8) - 1
    masses = np.array([MASSES_U[e] for e in ("H", "O", "K")])[species]
    return Atoms(np.arange(1, len(species) + 1), species, "K", masses)


def follow(scene: Molecules, blocks: int = 7) -> tuple[list[Transfers], HydroxideTracker]:
    tracker = HydroxideTracker(atoms_of(scene))
    positions = scene.positions
    found = []
    for part in np.array_split(np.arange(len(positions)), min(blocks, len(positions))):
        cells = np.broadcast_to(scene.cell, (len(part), 3, 3)).copy()
        found.append(tracker.add(positions[part], cells))
    return found, tracker


def count(
    scene: Molecules, window: float = 0.2, blocks: int = 7
) -> tuple[HopCounter, HydroxideTracker, list[Transfers]]:
    found, tracker = follow(scene, blocks)
    counter = HopCounter(tracker.n_identities, DT, window, window_grid(DT))
    for part in found:
        counter.add(part.events, part.vectors_A, len(part.carriers))
    counter.add(np.zeros((0, 4), dtype=np.int64), np.zeros((0, 3)), 0, last_block=True)
    return counter, tracker, found


def numbers(scene: Molecules, window: float = 0.2) -> tuple[int, int, int]:
    """Return transfers, rattles, hops."""
    counter, _, _ = count(scene, window)
    return counter.n_transfers, counter.n_transfers - counter.n_hops, counter.n_hops


def line() -> Molecules:
    return Molecules(LINE, [1, 2, 2, 2, 2])


def script(scene: Molecules, *moves: tuple[int, int, int]) -> Molecules:
    """Play moves (frames to wait, from, to), and wait a long time at the end."""
    for frames, ion, to in moves:
        scene.wait(frames)
        scene.hop(ion, to)
    scene.wait(100)
    return scene


def test_hops_and_rattles_are_counted() -> None:
    scene = script(line(), (5, A, B), (10, B, A), (50, A, B), (50, B, C))
    assert numbers(scene) == (4, 2, 2)


@pytest.mark.parametrize("frames, hops", [(19, 0), (20, 0), (21, 2)])
def test_the_window_is_inclusive(frames: int, hops: int) -> None:
    assert numbers(script(line(), (5, A, B), (frames, B, A))) == (2, 2 - hops, hops)


def test_nested_rattles_cancel_as_a_stack() -> None:
    scene = script(line(), (5, A, B), (4, B, C), (4, C, B), (4, B, A))
    assert numbers(scene) == (4, 4, 0)
    # the outer pair is too far apart
    scene = script(line(), (5, A, B), (9, B, C), (9, C, B), (9, B, A))
    assert numbers(scene) == (4, 2, 2)


def test_moving_on_before_coming_back_is_no_rattle() -> None:
    corners = [[2.0, 2.0, 5.0], [4.8, 2.0, 5.0], [3.4, 4.4, 5.0], [9.0, 9.0, 9.0]]
    scene = Molecules(corners, [1, 2, 2, 2])
    assert numbers(script(scene, (5, A, B), (3, B, C), (3, C, A))) == (3, 0, 3)


def test_half_way_back() -> None:
    assert numbers(script(line(), (5, A, B), (3, B, C), (3, C, B))) == (3, 2, 1)


def test_a_long_rattle() -> None:
    moves = [(5, A, B) if k % 2 == 0 else (5, B, A) for k in range(41)]
    assert numbers(script(line(), *moves)) == (41, 40, 1)
    assert numbers(script(line(), *moves), window=0.0) == (41, 0, 41)


def test_two_protons_between_two_frames() -> None:
    scene = line()
    scene.wait(5)
    scene.hop(A, B)
    scene.hop(B, C)
    scene.wait(50)
    counter, tracker, found = count(scene)
    assert (counter.n_transfers, counter.n_hops) == (2, 2)
    assert tracker.n_multiple_transfers == 1
    assert found[-1].carriers[-1].tolist() == [C]


def test_water_that_splits_for_a_moment_makes_no_hops() -> None:
    scene = line()
    scene.wait(5)
    scene.move(C, D)
    scene.wait(5)
    scene.move(D, C)
    scene.wait(5)
    counter, tracker, found = count(scene)
    assert counter.n_transfers == 0
    assert tracker.n_ionised_frames == 5
    assert all((part.carriers == A).all() for part in found)


def test_a_hop_by_way_of_hydronium() -> None:
    """C gives a proton to B first, then B gives one to A: the identity ends on C."""
    scene = line()
    scene.wait(5)
    scene.move(C, B)
    scene.wait(3)
    scene.move(B, A)
    scene.wait(30)
    counter, tracker, found = count(scene)
    carriers = np.concatenate([part.carriers for part in found])[:, 0]
    assert carriers.tolist() == [A] * 8 + [C] * 30
    assert counter.n_hops == 1
    assert tracker.n_ionised_frames == 3


def test_a_run_that_begins_with_split_water() -> None:
    scene = Molecules([*LINE, [2.0, 14.0, 14.0]], [1, 2, 2, 1, 3, 2])
    scene.wait(4)
    scene.move(4, 3)
    scene.wait(4)
    counter, tracker, found = count(scene)
    assert tracker.n_identities == 1
    assert counter.n_transfers == 0
    assert all((part.carriers == A).all() for part in found)


def test_oxide_for_a_moment_is_a_rattle_and_keeps_identities_apart() -> None:
    scene = Molecules(LINE, [1, 1, 2, 2, 2])
    scene.wait(5)
    scene.move(A, B)  # O2- at A, water at B
    scene.wait(3)
    scene.move(B, A)
    scene.wait(30)
    counter, _, found = count(scene)
    carriers = np.concatenate([part.carriers for part in found])
    assert carriers[0].tolist() == [A, B]
    assert carriers[-1].tolist() == [A, B]
    assert (counter.n_transfers, counter.n_hops) == (2, 0)


def test_two_hydroxides_do_not_swap() -> None:
    scene = Molecules(LINE, [1, 2, 2, 2, 1])
    scene.wait(5)
    scene.hop(A, B)
    scene.wait(30)
    scene.hop(4, 3)
    scene.wait(30)
    _, _, found = count(scene)
    assert found[-1].carriers[-1].tolist() == [B, D]


def test_path_over_the_periodic_boundary() -> None:
    """A hop through the face of the box, while everything drifts: parts add up."""
    scene = Molecules([[0.5, 5, 5], [18.0, 5, 5], [10.0, 10, 10]], [1, 2, 2], cell=20.0)
    scene.wait(3)
    scene.oxygens += [0.0, 0.3, 0.0]
    scene.wait(3)
    scene.hop(A, B)
    scene.oxygens += [0.0, 0.2, 0.0]
    scene.wait(3)
    scene.oxygens += [0.1, 0.0, 0.0]
    scene.wait(3)
    counter, _, found = count(scene)
    paths = np.concatenate([part.paths for part in found], axis=1)[:, :, 0]
    np.testing.assert_allclose(paths[1, -1], [0.1, 0.5, 0.0], atol=1e-12)
    np.testing.assert_allclose(paths[2, -1], [-2.5, 0.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(paths[0], paths[1] + paths[2], atol=1e-12)
    assert counter.hop_length is not None
    assert counter.hop_length.value == pytest.approx(2.5)
    # One hop says nothing about how hops scatter.
    assert counter.hop_length.stderr is None and "one hop" in counter.hop_length.reason


def reference_hops(events: list[tuple[int, int, int]], window: int) -> list[int]:
    """Return the frames of the hops of one identity, by a plain stack."""
    stack: list[tuple[int, int]] = []
    for frame, left, reached in events:
        if stack and stack[-1][1] == reached and frame - stack[-1][0] <= window:
            stack.pop()
        else:
            stack.append((frame, left))
    return [frame for frame, _ in stack]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 12), st.integers(0, 3), st.integers(0, 1)),
        min_size=1,
        max_size=40,
    ),
    st.integers(0, 15),
    st.integers(1, 200),
)
def test_counter_against_a_plain_stack(
    moves: list[tuple[int, int, int]], window: int, block: int
) -> None:
    events: list[list[int]] = []
    place, frame = [0, 1], 0
    for wait, to, identity in moves:
        frame += wait
        if to != place[identity]:
            events.append([frame, identity, place[identity], to])
            place[identity] = to
    n_frames = frame + 30
    grid = np.array([0.0, 3.0, 8.0])
    counter = HopCounter(2, 1.0, float(window), grid)
    table = np.array(events, dtype=np.int64).reshape(-1, 4)
    for start in range(0, n_frames, block):
        stop = min(start + block, n_frames)
        part = table[(table[:, 0] >= start) & (table[:, 0] < stop)]
        counter.add(part, np.tile([2.5, 0.0, 0.0], (len(part), 1)), stop - start)
    counter.add(np.zeros((0, 4), dtype=np.int64), np.zeros((0, 3)), 0, last_block=True)

    def hops(width: int) -> list[list[int]]:
        return [
            reference_hops([(e[0], e[2], e[3]) for e in events if e[1] == i], width)
            for i in range(2)
        ]

    expected = hops(window)
    assert counter.n_hops == sum(map(len, expected))
    curve = counter.curve()
    assert curve is not None
    assert curve.n_hops.tolist() == [sum(map(len, hops(int(w)))) for w in grid]
    waits = sorted(b - a for frames in expected for a, b in pairwise(frames))
    found = counter.waiting_times()
    if not waits:
        assert found is None
    else:
        assert found is not None
        assert found.counts.sum() == len(waits)
        binned, _ = np.histogram(waits, found.edges_ps)
        assert binned.tolist() == found.counts.tolist()


def poisson(rng: np.random.Generator, n: int, rate: float, n_frames: int) -> HopCounter:
    """Identities that move on along their own endless line at random times."""
    rows = []
    for i in range(n):
        frames = np.flatnonzero(rng.random(n_frames) < rate * DT)
        rows += [[f, i, k, k + 1] for k, f in enumerate(frames)]
    table = np.array(sorted(rows), dtype=np.int64).reshape(-1, 4)
    counter = HopCounter(n, DT, 0.2, window_grid(DT))
    for start in range(0, n_frames, 500):
        part = table[(table[:, 0] >= start) & (table[:, 0] < start + 500)]
        counter.add(part, np.tile([2.5, 0.0, 0.0], (len(part), 1)), min(500, n_frames - start))
    counter.add(np.zeros((0, 4), dtype=np.int64), np.zeros((0, 3)), 0, last_block=True)
    return counter


def test_rates_and_waiting_times_of_a_poisson_process() -> None:
    rng = np.random.default_rng(2)
    rates, errors, tails, tail_errors, amplitudes = [], [], [], [], []
    for _ in range(60):
        counter = poisson(rng, 4, 0.37, 10_000)
        rate = counter.rate_per_ps()
        waiting = counter.waiting_times()
        assert rate is not None and waiting is not None and waiting.fit is not None
        rates.append(rate.value)
        errors.append(rate.stderr)
        tails.append(waiting.fit.rate_per_ps.value)
        tail_errors.append(waiting.fit.rate_per_ps.stderr)
        amplitudes.append(waiting.fit.amplitude.value)
    scatter = np.std(rates, ddof=1)
    assert np.mean(rates) == pytest.approx(0.37, abs=4 * scatter / np.sqrt(60))
    # Poisson's, or a little more where the scatter is larger by chance.
    assert np.mean(errors) == pytest.approx(np.sqrt(0.37 / (4 * 9_999 * DT)), rel=0.06)
    assert scatter == pytest.approx(np.mean(errors), rel=0.3)
    assert np.mean(tails) == pytest.approx(0.37, rel=0.04)
    assert np.mean(tail_errors) == pytest.approx(np.std(tails, ddof=1), rel=0.35)
    assert np.mean(amplitudes) == pytest.approx(1.0, abs=0.1)


def test_no_hop_has_a_rate_of_zero_with_an_error() -> None:
    scene = line()
    scene.wait(50)
    counter, _, _ = count(scene)
    rate = counter.rate_per_ps()
    assert rate is not None
    assert (rate.value, rate.stderr) == (0.0, pytest.approx(1 / 0.49))
    assert rate.upper_limit == pytest.approx(3.0 / 0.49, rel=0.01)
    assert counter.hop_length is None
    assert counter.waiting_times() is None


def test_the_residence_time_of_one_hop_has_the_interval_of_its_rate() -> None:
    scene = line()
    scene.wait(20)
    scene.hop(0, 1)
    scene.wait(30)
    counter, _, _ = count(scene)
    found, _ = grotthuss(counter, 1, 0.2, 0.01, 0, 0, 50)
    rate, residence = found.hop_rate_per_ps, found.residence_time_ps
    assert rate is not None and residence is not None and residence.interval is not None
    assert rate.interval == pytest.approx((0.0253 / 0.49, 5.5716 / 0.49), rel=1e-3)
    assert residence.interval == pytest.approx((0.49 / 5.5716, 0.49 / 0.0253), rel=1e-3)


def test_hops_between_two_oxygens_that_stay_close_are_alike() -> None:
    """Ten hops of one length, then ten of another one: the error counts each length once."""
    rng = np.random.default_rng(4)
    n_hops, episodes, missed = 10, 60, 0
    for _ in range(200):
        lengths = np.repeat(rng.uniform(2.3, 2.7, episodes), n_hops)
        n = len(lengths)
        events = np.stack([20 * np.arange(1, n + 1), np.zeros(n), np.arange(n), np.arange(n) + 1])
        vectors = np.stack([lengths, np.zeros(n), np.zeros(n)], axis=1)
        counter = HopCounter(1, DT, 0.1, np.zeros(0))
        half = 20 * (n // 2) + 1
        first = events[0] < half
        parts = ((first, half, False), (~first, 20 * (n + 1) - half, True))
        for rows, frames, last in parts:
            counter.add(events.T[rows].astype(np.int64), vectors[rows], frames, last)
        found = counter.hop_length
        assert found is not None and found.stderr is not None and counter.n_hops == n
        assert found.value == pytest.approx(lengths.mean())
        missed += abs(found.value - 2.5) > 2.0 * found.stderr
    # About 10 expected; errors of independent hops are smaller by sqrt(10) and miss 110 times.
    assert missed < 25
