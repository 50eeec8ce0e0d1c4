"""The compiled force call: its parts in threads, and the update of the features."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from potentials import random_mace, water_like_box
from pykoh.engines import simulation
from pykoh.engines.cpu import evaluation
from pykoh.engines.cpu.parts import in_parts
from pykoh.engines.cpu.prepared import flat, padded
from pykoh.engines.cpu.sender import sender_of
from pykoh.engines.cpu.update import ScalarUpdate, scalar_update
from pykoh.engines.graph.graph import fast_graph
from pykoh.engines.loops.waiting import wait
from pykoh.engines.periodic import PeriodicPotential
from pykoh.export.export import export_model
from pykoh.resources import shipped

THREE = [(0, 5), (5, 7), (7, 12)]


def test_parts_are_done_at_the_same_time_by_threads_of_their_own() -> None:
    meet = threading.Barrier(len(THREE))

    def work(part: int, low: int, high: int) -> tuple[int, int, int, int]:
        meet.wait(timeout=30)  # nobody passes alone
        return part, low, high, threading.get_ident()

    found = in_parts(THREE, work)
    assert [each[:3] for each in found] == [(k, *part) for k, part in enumerate(THREE)]
    assert len({each[3] for each in found}) == 3 and found[0][3] == threading.get_ident()
    time.sleep(0.1)  # the threads sleep by now
    assert [each[3] for each in in_parts(THREE, work)] == [each[3] for each in found]


@pytest.mark.parametrize("bad", [(0,), (2,), (0, 2), (0, 1, 2)])
def test_an_error_in_a_part_is_raised_once(bad: tuple[int, ...]) -> None:
    def work(part: int, low: int, high: int) -> int:
        if part in bad:
            raise ValueError(f"part {part}")
        return high - low

    with pytest.raises(ValueError, match=f"part {bad[0]}"):
        in_parts(THREE, work)
    assert in_parts(THREE, lambda part, low, high: high - low) == [5, 2, 5]


def test_ctrl_c_waits_for_the_other_parts() -> None:
    """They write to arrays of the caller, and the next call must not find them at work."""
    ready: list[int] = []

    def work(part: int, low: int, high: int) -> None:
        if part == 0:
            raise KeyboardInterrupt
        time.sleep(0.1)
        ready.append(part)

    with pytest.raises(KeyboardInterrupt):
        in_parts(THREE, work)
    assert sorted(ready) == [1, 2]


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no such timer")
def test_after_ctrl_c_at_any_moment_each_part_is_done_once() -> None:
    random = np.random.default_rng(0)
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    interrupted = 0
    try:
        for _ in range(300):
            try:
                signal.setitimer(signal.ITIMER_REAL, random.uniform(2e-5, 4e-4))
                in_parts(THREE, lambda part, low, high: time.sleep(1e-4))
                signal.setitimer(signal.ITIMER_REAL, 0.0)
            except KeyboardInterrupt:
                interrupted += 1
            done = in_parts(THREE, lambda part, low, high: (part, threading.get_ident()))
            assert [part for part, _ in done] == [0, 1, 2]
            # The threads are free again: none of the parts was left to the caller.
            assert len({thread for _, thread in done}) == 3
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
    assert interrupted > 10


def test_a_second_caller_does_its_parts_itself() -> None:
    busy, leave = threading.Event(), threading.Event()

    def slow(part: int, low: int, high: int) -> int:
        busy.set()
        assert leave.wait(timeout=30)
        return part

    other = threading.Thread(target=in_parts, args=(THREE, slow))
    other.start()
    assert busy.wait(timeout=30)
    found = in_parts(THREE, lambda part, low, high: threading.get_ident())
    leave.set()
    other.join()
    assert found == [threading.get_ident()] * 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_has_threads_of_its_own() -> None:
    in_parts(THREE, lambda part, low, high: part)
    child = os.fork()
    if child == 0:
        found = in_parts(THREE, lambda part, low, high: threading.current_thread().name)
        os._exit(0 if len(set(found)) == 3 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_waiting_ends_with_the_count_or_after_its_turns() -> None:
    counts = np.zeros(8, np.int64)
    assert not wait(counts, 0, 1, 10)
    later = threading.Timer(0.05, lambda: counts.__setitem__(0, 3))
    later.start()
    assert wait(counts, 0, 3, 100_000_000)
    assert not wait(counts, 0, 4, 10)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"first": "Density", "block": "DensityResidual", "n_layers": 3},
        {"first": "Density", "block": "DensityResidual", "n_layers": 3, "hidden": "8x0e+8x1o"},
        {"n_layers": 1},
    ],
    ids=["compiled update", "density", "vectors", "one layer"],
)
def test_a_graph_has_the_same_forces_with_more_threads(options: dict, tmp_path: Path) -> None:
    target = tmp_path / "koh.pt"
    model = random_mace(tmp_path / "x.model", max_ell=2, **options)
    export_model(model, target, "float64", route="fast")
    potential = PeriodicPotential.from_file(target)
    box = water_like_box().repeat(2)
    assert len(box) >= 3 * 64
    given = box.positions, np.asarray(box.cell), potential.species_of(box.get_chemical_symbols())
    before = torch.get_num_threads()
    forces = []
    for threads in (1, 3):
        torch.set_num_threads(threads)
        forces.append(potential(*given).forces_eV_per_A)
        assert torch.get_num_threads() == threads
    torch.set_num_threads(before)
    assert np.abs(forces[0]).max() > 0.01
    assert forces[1] == pytest.approx(forces[0], abs=1e-11)


@pytest.mark.parametrize("block", ["Residual", "", "DensityResidual"])
def test_a_share_without_atoms_or_pairs_is_empty(block: str, tmp_path: Path) -> None:
    target = tmp_path / "koh.pt"
    export_model(random_mace(tmp_path / "x.model", block=block, max_ell=1), target, route="fast")
    potential = PeriodicPotential.from_file(target)
    cell, species = np.eye(3) * 200.0, np.zeros(200, np.int64)
    apart = np.stack([np.arange(200) % 10, np.arange(200) // 10 % 10, np.arange(200) // 100], 1)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        found = potential(apart * 20.0, cell, species)
    finally:
        torch.set_num_threads(before)
    assert np.ptp(found.energies_eV) == 0.0 and not found.forces_eV_per_A.any()
    none = torch.zeros(0, dtype=torch.int64)
    energies, gradient = potential.graph(torch.zeros((0, 3)), none, none, none, 0)
    assert energies.shape == (0,) and gradient.shape == (0, 3)


def test_pykoh_run_computes_with_the_threads_that_it_is_given(
    box: Path,
    artifact: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """LAMMPS sets the threads of torch to one when it starts, and at each `clear`."""
    variables = {"potential": str(artifact("scalar")), "data": str(box), "ps": "0.001"}
    seen: list[int] = []
    before = evaluation.force_call
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.chdir(tmp_path)

    def spy(*given: object) -> object:
        seen.append(torch.get_num_threads())
        return before(*given)

    monkeypatch.setattr(evaluation, "force_call", spy)
    threads = torch.get_num_threads()
    try:
        simulation.simulate(shipped("lammps_inputs") / "koh.in", variables, threads=3)
    finally:
        torch.set_num_threads(threads)
    assert set(seen) == {3}


UPDATES: dict[str, dict] = {
    "usual": {},
    "one layer": {"n_layers": 1},
    "three layers": {"n_layers": 3},
    "channels that fill no register": {"hidden": "5x0e", "max_ell": 1},
    "no self-connection": {"block": ""},
}


@pytest.mark.parametrize("options", UPDATES.values(), ids=UPDATES)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_compiled_update_is_that_of_the_graph(
    options: dict, dtype: torch.dtype, tmp_path: Path
) -> None:
    model = torch.load(random_mace(tmp_path / "x.model", **options), weights_only=False)
    layers = list(fast_graph(model).to(dtype).layers)
    random = torch.Generator().manual_seed(1)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=random, dtype=torch.float64).to(dtype)

    n, covered = 7, 0
    species = torch.tensor([0, 2, 1, 0, 0, 2, 0]) % layers[0].messages.n_species
    for layer in layers:
        messages, update = layer.messages, layer.update
        compiled = scalar_update(layer, normal(1))
        if compiled is None:
            assert update.mixes_by_element
            continue
        covered += 1
        sums = normal(messages.n_components, n, messages.n_sent)
        features = normal(n, update.skip.width_in)
        upstream = normal(n, update.n_out)
        nothing = features.new_zeros(0)
        x = torch.bmm(sums, messages.compiled_mix)
        new, energy, kept = update.forward(x, nothing, features, species)
        given = padded(sums).contiguous().view(-1).numpy()
        own = compiled.forward(given, features.numpy(), species.numpy())
        near = {"abs": 1e-11} if dtype == torch.float64 else {"abs": 2e-4, "rel": 2e-4}
        assert own[0][:, : update.n_out] == pytest.approx(new.numpy(), **near)
        assert own[1] == pytest.approx(energy.numpy(), **near)
        for up in (upstream, upstream[:0]):
            grad_x, _, grad_features = update.backward(up, 1.7, species, kept)
            grad_sums = torch.bmm(grad_x, messages.compiled_mix.transpose(1, 2))
            # Its backward pass uses up what was kept.
            again = compiled.forward(given, features.numpy(), species.numpy())[2]
            rows = padded(up).contiguous().view(-1).numpy()
            mine, mine_features = compiled.backward(rows, 1.7, species.numpy(), again)
            mine = mine.reshape(messages.n_components, n, -1)[:, :, : messages.n_sent]
            assert mine == pytest.approx(grad_sums.numpy(), **near)
            if not update.is_first:
                assert mine_features == pytest.approx(grad_features.numpy(), **near)
    assert covered > 0


@pytest.mark.parametrize("hidden", ["16x0e", "5x0e"])
def test_the_compiled_sender_is_that_of_the_graph(hidden: str, tmp_path: Path) -> None:
    model = torch.load(random_mace(tmp_path / "x.model", hidden=hidden), weights_only=False)
    layer = fast_graph(model).layers[1]
    random = torch.Generator().manual_seed(1)
    scalars, upstream = torch.randn((2, 7, layer.up.width_in), generator=random).double()
    species = torch.zeros(7, dtype=torch.int64)
    sender = sender_of(layer, scalars)
    assert sender is not None
    sent = np.full(7 * sender.width, np.nan)
    sender.forward(flat(padded(scalars)), sent)
    expected = padded(layer.up(scalars, species)).numpy()
    assert sent.reshape(7, -1) == pytest.approx(expected, abs=1e-12)
    back = sender.backward(flat(padded(upstream))).reshape(7, -1)
    expected = padded(layer.up.backward(upstream, species)).numpy()
    assert back == pytest.approx(expected, abs=1e-12)


def test_a_layer_that_sends_vectors_has_no_compiled_sender(tmp_path: Path) -> None:
    model = random_mace(tmp_path / "x.model", hidden="8x0e+8x1o")
    layer = fast_graph(torch.load(model, weights_only=False)).layers[1]
    assert sender_of(layer, torch.zeros(1, dtype=torch.float64)) is None


@pytest.mark.parametrize(
    "options",
    [
        {"first": "Density", "block": "DensityResidual"},
        {"hidden": "8x0e+8x1o"},
    ],
    ids=["density", "vectors"],
)
def test_an_update_with_other_steps_is_left_to_torch(options: dict, tmp_path: Path) -> None:
    model = torch.load(random_mace(tmp_path / "x.model", **options), weights_only=False)
    assert not ScalarUpdate.covers(fast_graph(model).layers[0])
