"""The force call in one compiled loop: the same numbers as loop by loop, and threads that meet."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
import torch

from potentials import random_mace, water_like_box
from pykoh.engines.cpu import evaluation, whole
from pykoh.engines.cpu.parts import Signals, together
from pykoh.engines.graph.graph import fast_graph
from pykoh.engines.loops.entries import addresses, by_address
from pykoh.engines.loops.layout import ATOMS_TOGETHER
from pykoh.engines.loops.mixing import mix
from pykoh.engines.loops.waiting import FAR, begin, meet
from pykoh.engines.periodic import PeriodicPotential
from pykoh.export.export import export_model

THREE = [(0, 5), (5, 7), (7, 12)]

COVERED: dict[str, dict] = {
    "usual": {},
    "one layer": {"n_layers": 1},
    "three layers": {"n_layers": 3},
    "channels that fill no register": {"hidden": "5x0e", "max_ell": 1},
}


@pytest.mark.parametrize("precision", ["float64", "float32"])
@pytest.mark.parametrize("options", COVERED.values(), ids=COVERED)
def test_it_computes_the_same_as_loop_by_loop(
    options: dict, precision: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "koh.pt"
    export_model(random_mace(tmp_path / "x.model", **options), target, precision, route="fast")
    potential = PeriodicPotential.from_file(target)
    assert whole.whole_of(potential.graph) is not None
    box = water_like_box().repeat(2)
    assert len(box) > ATOMS_TOGETHER  # in more than one group
    given = box.positions, np.asarray(box.cell), potential.species_of(box.get_chemical_symbols())
    before = torch.get_num_threads()
    try:
        found = []
        for threads in (1, 3):
            torch.set_num_threads(threads)
            found.append(potential(*given))
        torch.set_num_threads(1)
        monkeypatch.setattr(evaluation, "whole_of", lambda graph: None)
        expected = potential(*given)
    finally:
        torch.set_num_threads(before)
    assert np.abs(expected.forces_eV_per_A).max() > 0.01
    near = 1e-12 if precision == "float64" else 1e-5
    for own in found:
        assert own.energies_eV == pytest.approx(expected.energies_eV, abs=near)
        assert own.forces_eV_per_A == pytest.approx(expected.forces_eV_per_A, abs=near)
        assert own.virial_eV == pytest.approx(expected.virial_eV, abs=100 * near)


def test_pairs_may_come_in_any_order(tmp_path: Path) -> None:
    graph = fast_graph(torch.load(random_mace(tmp_path / "x.model"), weights_only=False))
    random = torch.Generator().manual_seed(2)
    positions = torch.rand((9, 3), generator=random, dtype=torch.float64) * 6.0
    receiver, sender = (torch.arange(9)[:, None] != torch.arange(9)).nonzero().T
    species = torch.arange(9) % graph.n_species
    rij = positions[sender] - positions[receiver]
    energies, gradient = graph(rij, sender, receiver, species, 9)
    order = torch.randperm(len(rij), generator=random)
    again, other = graph(rij[order], sender[order], receiver[order], species, 9)
    assert gradient.abs().max() > 1e-3 and (gradient == 0.0).all(1).any()  # some are not near
    assert again.numpy() == pytest.approx(energies.numpy(), abs=1e-13)
    assert other.numpy() == pytest.approx(gradient[order].numpy(), abs=1e-13)


@pytest.mark.parametrize(
    "options",
    [
        {"first": "Density", "block": "DensityResidual"},
        {"hidden": "8x0e+8x1o"},
        {"block": "DensityResidual"},
        {"block": ""},
    ],
    ids=["density", "vectors", "density in a later layer", "mixed by element"],
)
def test_what_it_does_not_cover_is_left_to_other_loops(options: dict, tmp_path: Path) -> None:
    model = torch.load(random_mace(tmp_path / "x.model", **options), weights_only=False)
    assert whole.whole_of(fast_graph(model)) is None


def test_too_many_atoms_for_its_numbers_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "koh.pt"
    export_model(random_mace(tmp_path / "x.model"), target, route="fast")
    monkeypatch.setattr("pykoh.engines.cpu.layers.MOST_NUMBERS_SENT", 100)
    potential, box = PeriodicPotential.from_file(target), water_like_box()
    species = potential.species_of(box.get_chemical_symbols())
    with pytest.raises(Exception, match=r"too many for one rank; use more ranks"):
        potential(box.positions, np.asarray(box.cell), species)


@numba.njit(nogil=True)
def _three_meetings(part: int, n_parts: int, signals: Any, seen: Any, found: Any) -> None:
    """In each stage a thread writes its number, and reads those of all when they have met."""
    task, given, arrived = signals
    begin(part, given, task)
    for stage in range(3):
        seen[stage, part] = 1
        meet(part, n_parts, arrived, task, 2 * stage + 1)
        for other in range(n_parts):
            found[part] += seen[stage, other]
        meet(part, n_parts, arrived, task, 2 * stage + 2)


def _meetings(fail: tuple[int, ...] = ()) -> list[int]:
    seen, found = np.zeros((3, 3), np.int64), np.zeros(3, np.int64)
    calls: list[int] = []

    def work(part: int, n_parts: int, low: int, high: int, signals: Signals) -> None:
        calls.append(high - low)
        if part in fail:
            raise ValueError(f"part {part}")
        _three_meetings(part, n_parts, tuple(signals), seen, found)

    together(THREE, work)
    return sorted(calls) + sorted(found.tolist())


def test_threads_meet_in_compiled_code() -> None:
    for _ in range(200):
        assert _meetings() == [2, 5, 5, 9, 9, 9]


@pytest.mark.parametrize("bad", [(0,), (1,), (2,), (0, 2), (1, 2), (0, 1, 2)])
def test_nobody_waits_for_a_thread_with_an_error(bad: tuple[int, ...]) -> None:
    # The others may begin only with the first one.
    with pytest.raises(ValueError, match="part 0" if 0 in bad else "part [12]"):
        _meetings(bad)
    assert _meetings() == [2, 5, 5, 9, 9, 9]


def test_a_second_caller_computes_all_atoms_itself() -> None:
    busy, leave = threading.Event(), threading.Event()

    def slow(part: int, n_parts: int, low: int, high: int, signals: Signals) -> None:
        if part == 0:
            busy.set()
            assert leave.wait(timeout=30)
        _three_meetings(part, n_parts, tuple(signals), np.zeros((3, 3), int), np.zeros(3, int))

    other = threading.Thread(target=together, args=(THREE, slow))
    other.start()
    assert busy.wait(timeout=30)
    found = _meetings()
    leave.set()
    other.join(timeout=30)
    assert found == [12, 0, 0, 3] and not other.is_alive()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no such timer")
def test_after_ctrl_c_at_any_moment_threads_still_meet() -> None:
    random = np.random.default_rng(0)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    interrupted = 0
    try:
        _meetings()  # compiled
        for _ in range(500):
            try:
                signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-5, 3e-4))
                _meetings()
                signal.setitimer(signal.ITIMER_REAL, 0.0)
            except KeyboardInterrupt:
                interrupted += 1
            assert _meetings() == [2, 5, 5, 9, 9, 9]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
    assert interrupted > 10


def test_a_call_through_an_address_takes_only_what_the_kernel_takes() -> None:
    call = by_address(mix, 0)

    @numba.njit
    def mixed(addresses: Any, x: Any, matrix: Any, found: Any) -> None:
        call(addresses, 1, 2, 3, 32, x, matrix, found)

    @numba.njit
    def fewer(addresses: Any) -> None:
        call(addresses, 1, 2)

    x, matrix = np.arange(6.0).reshape(2, 3), np.arange(96.0).reshape(3, 32)
    for dtype in (np.float32, np.float64):
        own, found = addresses((mix,), dtype == np.float64), np.zeros(64, dtype)
        mixed(own, x.astype(dtype).reshape(-1), matrix.astype(dtype).reshape(-1), found)
        assert found.reshape(2, 32) == pytest.approx(x @ matrix)
    own = addresses((mix,), True)
    with pytest.raises(numba.core.errors.TypingError, match="mix takes 7 arguments"):
        fewer(own)
    with pytest.raises(numba.core.errors.TypingError, match=r"mix takes .*float64.*not .*float32"):
        mixed(own, x.reshape(-1), matrix.astype(np.float32).reshape(-1), np.zeros(64))


def test_counts_of_threads_are_in_cache_lines_of_their_own() -> None:
    assert FAR * np.dtype(np.int64).itemsize == 64
