"""The captured graph is used only where it is right and faster, and nothing it does ends a run."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from potentials import random_mace
from pykoh.engines.artifact import load_artifact
from pykoh.engines.contents import open_graph, without_compiled_loops
from pykoh.engines.fixed_shapes import FixedShapes
from pykoh.engines.self_check import SWITCH, SelfChecked, switch
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


def checked(graph: Graph, wanted: bool | None, **settings) -> tuple[SelfChecked, Fixed, list[str]]:
    fixed = Fixed(graph, torch.float64, torch.device("cpu"))
    for name, value in settings.items():
        setattr(fixed, name, value)
    lines: list[str] = []
    return SelfChecked(graph, fixed, wanted, lines.append), fixed, lines


def same(found: tuple, wanted: tuple) -> bool:
    return all(torch.allclose(a, b, atol=1e-10) for a, b in zip(found, wanted, strict=True))


def test_it_is_used_where_it_is_right_and_wanted(graph: Graph) -> None:
    potential, fixed, lines = checked(graph, wanted=True)
    for seed in range(3):
        given = arguments(seed)
        assert same(potential(*given), graph(*given))
    assert potential.uses_captured and len(lines) == fixed.growths
    assert "36 atoms" in lines[0] and "captured graph is used" in lines[0]
    before = fixed.calls
    potential(*arguments(0))
    assert fixed.calls == before + 1, "once it is tried, it alone is called"


def test_another_size_is_tried_again(graph: Graph) -> None:
    potential, fixed, lines = checked(graph, wanted=True)
    for n_water in (10, 14, 10):
        given = arguments(1, n_water)
        assert same(potential(*given), graph(*given))
    assert len(lines) == fixed.growths == 2 and "48 atoms" in lines[1]


@pytest.mark.parametrize("error", [1e-3, float("nan")])
def test_wrong_forces_never_reach_the_simulation(graph: Graph, error: float) -> None:
    potential, _, lines = checked(graph, wanted=True, error=error)
    for seed in range(3):
        given = arguments(seed)
        assert same(potential(*given), graph(*given))
    assert not potential.uses_captured
    assert len(lines) == 1 and "NOT the same" in lines[0]


@pytest.mark.parametrize("fails_after", [0, 1, 8])
def test_an_exception_is_a_sentence_and_the_run_goes_on(graph: Graph, fails_after: int) -> None:
    failure = RuntimeError("CUDA error: operation not permitted when stream is capturing\nmore")
    potential, _, lines = checked(graph, True, failure=failure, fails_after=fails_after)
    for seed in range(6):
        given = arguments(seed)
        assert same(potential(*given), graph(*given))
    assert not potential.uses_captured
    assert "RuntimeError: CUDA error: operation not permitted" in lines[-1]
    assert "more" not in lines[-1] and sum("failed" in line for line in lines) == 1


def test_the_faster_is_used(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    for plain_s, captured_s in ((1.0, 2.0), (2.0, 1.0)):
        potential, _, lines = checked(graph, wanted=None)
        monkeypatch.setattr(potential, "_times", lambda _, times=(plain_s, captured_s): times)
        potential(*arguments())
        assert potential.uses_captured is (captured_s < plain_s)
        assert ("captured graph is used" in lines[0]) is (captured_s < plain_s)


def test_no_pairs(graph: Graph) -> None:
    potential, _, _ = checked(graph, wanted=True)
    species = torch.zeros(2, dtype=torch.int64)
    none = torch.zeros(0, dtype=torch.int64)
    given = (torch.zeros((0, 3), dtype=torch.float64), none, none, species, 2)
    assert same(potential(*given), graph(*given))


def test_the_switch(monkeypatch: pytest.MonkeyPatch) -> None:
    for text, wanted in (("", None), ("0", False), ("1", True)):
        monkeypatch.setenv(SWITCH, text)
        assert switch() is wanted
    monkeypatch.setenv(SWITCH, "yes")
    with pytest.raises(EngineError, match="set it to 0"):
        switch()
