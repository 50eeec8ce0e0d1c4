"""Another way is used only where it is right and faster, and nothing it does ends a run."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from potentials import random_mace
from pykoh.engines.artifact import load_artifact
from pykoh.engines.contents import open_graph, without_compiled_loops
from pykoh.engines.fixed_shapes import FixedShapes
from pykoh.engines.self_check import KERNELS, SWITCH, SelfChecked, Way, switch, ways
from pykoh.errors import EngineError
from pykoh.export.export import export_model
from test_fixed_shapes import edges_of

Graph = Callable[..., tuple[torch.Tensor, torch.Tensor]]


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    folder = tmp_path_factory.mktemp("checked")
    target = folder / "koh.pt"
    export_model(random_mace(folder / "koh.model"), target, "float64", route="fast")
    opened = open_graph(load_artifact(target)[1], torch.device("cpu"), torch.float64)
    without_compiled_loops(opened)
    return opened


def arguments(seed: int = 1, n_water: int = 10) -> tuple:
    rij, sender, receiver, species = edges_of(seed, n_water)
    return rij, sender, receiver, species, len(species)


class Fixed(FixedShapes):
    """Fixed shapes that can be made to err, and that count their calls."""

    error: float = 0.0
    failure: Exception | None = None
    fails_after = 0
    calls = 0

    def __call__(self, *given):
        self.calls += 1
        if self.failure is not None and self.calls > self.fails_after:
            raise self.failure
        energies, gradient = super().__call__(*given)
        return energies, gradient + self.error


def checked(graph: Graph, forced: str | None, **settings) -> tuple[SelfChecked, Fixed, list[str]]:
    fixed = Fixed(graph, torch.float64, torch.device("cpu"))
    for name, value in settings.items():
        setattr(fixed, name, value)
    lines: list[str] = []
    way = Way("the captured graph", fixed, captured=True)
    return SelfChecked(graph, [way], forced, lines.append), fixed, lines


def same(found: tuple, wanted: tuple) -> bool:
    return all(torch.allclose(a, b, atol=1e-10) for a, b in zip(found, wanted, strict=True))


def test_it_is_used_where_it_is_right_and_wanted(graph: Graph) -> None:
    potential, fixed, lines = checked(graph, SWITCH)
    for seed in range(3):
        given = arguments(seed)
        assert same(potential(*given), graph(*given))
    assert potential.used is not None and len(lines) == fixed.growths
    assert "36 atoms" in lines[0] and "the captured graph is used" in lines[0]
    before = fixed.calls
    potential(*arguments(0))
    assert fixed.calls == before + 1, "once it is tried, it alone is called"


def test_another_size_is_tried_again(graph: Graph) -> None:
    potential, fixed, lines = checked(graph, SWITCH)
    for n_water in (10, 14, 10):
        given = arguments(1, n_water)
        assert same(potential(*given), graph(*given))
    assert len(lines) == fixed.growths == 2 and "48 atoms" in lines[1]


@pytest.mark.parametrize("error", [1e-3, float("nan")])
def test_wrong_forces_never_reach_the_simulation(graph: Graph, error: float) -> None:
    potential, fixed, lines = checked(graph, SWITCH, error=error)
    for seed in range(3):
        given = arguments(seed)
        assert same(potential(*given), graph(*given))
    assert potential.used is None and fixed.calls == 1
    assert len(lines) == 2 and "NOT the same" in lines[0] and "the plain graph is used" in lines[1]


@pytest.mark.parametrize("fails_after", [0, 1, 8])
def test_an_exception_is_a_sentence_and_the_run_goes_on(graph: Graph, fails_after: int) -> None:
    failure = RuntimeError("CUDA error: operation not permitted when stream is capturing\nmore")
    potential, _, lines = checked(graph, SWITCH, failure=failure, fails_after=fails_after)
    for seed in range(6):
        given = arguments(seed)
        assert same(potential(*given), graph(*given))
    assert potential.used is None
    (failed,) = [line for line in lines if "failed" in line]
    assert "RuntimeError: CUDA error: operation not permitted" in failed
    assert "more" not in failed and "the plain graph goes on" in failed


@pytest.mark.parametrize("fastest", range(4))
def test_the_fastest_is_used(graph: Graph, fastest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("the captured graph", "the CUDA kernels", "the captured CUDA kernels")
    lines: list[str] = []
    candidates = [Way(name, graph) for name in names]
    potential = SelfChecked(graph, candidates, None, lines.append)
    times = [2.0] * 4
    times[fastest] = 1.0
    monkeypatch.setattr(potential, "_times", lambda *_: times)
    potential(*arguments())
    assert potential.used is (candidates[fastest - 1] if fastest else None)
    name = ("the plain graph", *names)[fastest]
    assert f"; {name} {'are' if name.endswith('kernels') else 'is'} used" in lines[0]
    assert lines[0].count("2000.00 ms") == 3


def test_if_one_way_fails_the_others_stay(graph: Graph) -> None:
    def broken(*_: object) -> tuple:
        raise ValueError("no such target: sm_90")

    lines: list[str] = []
    fixed = Fixed(graph, torch.float64, torch.device("cpu"))
    candidates = [Way("the CUDA kernels", broken, kernels=True), Way("the captured graph", fixed)]
    potential = SelfChecked(graph, candidates, SWITCH, lines.append)
    for seed in range(3):
        given = arguments(seed)
        assert same(potential(*given), graph(*given))
    assert potential.used is not None and potential.used.name == "the captured graph"
    assert "the CUDA kernels failed (ValueError: no such target" in lines[0]


def test_own_kernels_may_differ_as_much_as_the_tables(graph: Graph) -> None:
    for kernels, error, right in ((True, 1e-6, True), (True, 1e-4, False), (False, 1e-6, False)):
        fixed = Fixed(graph, torch.float64, torch.device("cpu"))
        fixed.error = error
        way = Way("the other way", fixed, kernels=kernels)
        potential = SelfChecked(graph, [way], KERNELS, [].append)
        potential(*arguments())
        assert (potential.used is way) is right


def test_no_pairs(graph: Graph) -> None:
    potential, _, _ = checked(graph, SWITCH)
    species = torch.zeros(2, dtype=torch.int64)
    none = torch.zeros(0, dtype=torch.int64)
    given = (torch.zeros((0, 3), dtype=torch.float64), none, none, species, 2)
    assert same(potential(*given), graph(*given))


@pytest.mark.parametrize("name", [SWITCH, KERNELS])
def test_the_switches(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for text, wanted in (("", None), ("0", False), ("1", True)):
        monkeypatch.setenv(name, text)
        assert switch(name) is wanted
    monkeypatch.setenv(name, "yes")
    with pytest.raises(EngineError, match=f"{name} is 'yes'; set it to 0"):
        switch(name)


@pytest.mark.parametrize(
    ("captured", "kernels", "wanted"),
    [
        (None, None, ["captured graph", "CUDA kernels", "captured CUDA kernels"]),
        (None, False, ["captured graph"]),
        (False, None, ["CUDA kernels"]),
        (True, None, ["captured graph", "captured CUDA kernels"]),
        (None, True, ["CUDA kernels", "captured CUDA kernels"]),
        (True, True, ["captured CUDA kernels"]),
        (False, False, []),
    ],
)
def test_which_ways_the_switches_leave(
    captured: bool | None, kernels: bool | None, wanted: list[str], graph: Graph
) -> None:
    cpu = torch.device("cpu")
    found = ways(graph, lambda: graph, torch.float64, cpu, captured, kernels, pytest.fail)
    assert [way.name.removeprefix("the ") for way in found] == wanted


def test_without_triton_a_line_says_so(graph: Graph) -> None:
    def fused() -> None:
        raise ModuleNotFoundError("No module named 'triton'")

    lines: list[str] = []
    cpu = torch.device("cpu")
    found = ways(graph, fused, torch.float64, cpu, None, None, lines.append)
    assert [way.name for way in found] == ["the captured graph"]
    assert lines == ["no CUDA kernels (ModuleNotFoundError: No module named 'triton')"]
