"""The fast graph with fixed shapes: same results, and nothing that keeps it from being captured."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from launches import as_on_a_gpu, launches
from potentials import calculator_of, random_mace, water_like_box
from pykoh.engines.artifact import load_artifact
from pykoh.engines.contents import open_graph, open_script, without_compiled_loops
from pykoh.engines.fixed_shapes import FixedShapes
from pykoh.errors import EngineError
from pykoh.export.export import export_model

MODELS = {
    "scalar": {},
    "vector": {"hidden": "6x0e+6x1o", "max_ell": 2},
    "density": {"first": "Density", "block": "DensityResidual", "max_ell": 2, "n_layers": 3},
}
# What makes the host wait for the device, or gives shapes that only the device knows.
WAITS = {"_local_scalar_dense", "nonzero", "item", "unique", "masked_select", "is_nonzero"}


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], torch.jit.ScriptModule]:
    folder = tmp_path_factory.mktemp("fixed")

    def make(name: str) -> torch.jit.ScriptModule:
        model, target = folder / f"{name}.model", folder / f"{name}.pt"
        if not target.exists():
            export_model(random_mace(model, **MODELS[name]), target, "float64", route="fast")
        # What a GPU runs.
        return open_script(load_artifact(target)[1], torch.device("cpu"), torch.float64)

    return make


def edges_of(seed: int, n_water: int = 10) -> tuple[torch.Tensor, ...]:
    """Return the graph's arguments for a box whose atoms are shaken."""
    from vesin import NeighborList

    box = water_like_box(2, n_water)
    box.positions += np.random.default_rng(seed).normal(scale=0.15, size=box.positions.shape)
    finder = NeighborList(cutoff=4.5, full_list=True, sorted=True)
    i, j, rij = finder.compute(box.positions, np.asarray(box.cell), True, "ijD")
    species = np.searchsorted([1, 8, 19], box.numbers)
    i, j, species = (torch.from_numpy(x.astype(np.int64)) for x in (i, j, species))
    return torch.from_numpy(rij), j, i, species


@pytest.mark.parametrize("name", MODELS)
def test_fixed_shapes_give_the_same_forces(
    name: str, graph: Callable[[str], torch.jit.ScriptModule]
) -> None:
    free = graph(name)
    fixed = FixedShapes(free, torch.float64, torch.device("cpu"))
    shapes = set()
    for seed in range(6):
        rij, sender, receiver, species = edges_of(seed, n_water=10 if seed < 5 else 8)
        n = len(species)
        energies, gradient = free(rij, sender, receiver, species, n)
        assert gradient.abs().max() > 0.01
        padded_energies, padded_gradient = fixed(rij, sender, receiver, species, n)
        assert padded_energies.shape == energies.shape and padded_gradient.shape == gradient.shape
        torch.testing.assert_close(padded_energies, energies, rtol=1e-12, atol=1e-10)
        torch.testing.assert_close(padded_gradient, gradient, rtol=1e-9, atol=1e-11)
        shapes.add((fixed.n_atoms, fixed.n_edges, fixed.width))
    assert len({len(edges_of(seed)[0]) for seed in range(5)}) > 1, "the number of edges changed"
    assert len(shapes) == fixed.growths == 1


class Dispatched(TorchDispatchMode):
    """Lists the operators that a call dispatches."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.append(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", MODELS)
def test_nothing_in_the_graph_waits_for_the_device(name: str, tmp_path: Path) -> None:
    from pykoh.engines.graph.graph import FastGraph
    from pykoh.export.read import read_mace_model

    model = read_mace_model(random_mace(tmp_path / "m.model", **MODELS[name]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graph = FastGraph(model.double().eval()).eval()
    without_compiled_loops(graph)
    counts = []
    for seed in (0, 1):
        rij, sender, receiver, species = edges_of(seed)
        n = len(species)
        with Dispatched() as fixed:
            graph(rij, sender, receiver, species, n, 96)
        assert not WAITS & set(fixed.names)
        counts.append(len(fixed.names))
    assert counts[0] == counts[1] > 100
    with Dispatched() as control:
        torch.ones(2).max().item()
    assert WAITS & set(control.names), "the check sees an operator that waits"


# What turns a tensor into Python values inside TorchScript, which no dispatcher sees.
READS = {f"aten::{kind}" for kind in ("Int", "Float", "Bool", "item", "nonzero", "tolist")}
READS |= {f"aten::{kind}Implicit" for kind in ("Int", "Float", "Scalar")}
READS |= {"prim::tolist", "aten::masked_select", "aten::unique", "aten::_local_scalar_dense"}


def reads(block, given: bool = True) -> list[tuple[str, bool]]:
    """Return what reads tensors, and whether it does although the width is given."""
    found = []
    for node in block.nodes():
        inputs = list(node.inputs())
        if node.kind() in READS and inputs and str(inputs[0].type()) == "Tensor":
            found.append((node.kind(), given))
        test = inputs[0].node() if node.kind() == "prim::If" else None
        by_width = test is not None and "aten::gt(%width" in str(test)
        for number, inner in enumerate(node.blocks()):
            found += reads(inner, given and not (by_width and number == 1))
    return found


@pytest.mark.parametrize("name", MODELS)
def test_the_scripted_graph_reads_no_tensor_if_the_width_is_given(
    name: str, graph: Callable[[str], torch.jit.ScriptModule]
) -> None:
    found = reads(graph(name).inlined_graph)
    assert not [kind for kind, given in found if given]
    assert ("prim::tolist", False) in found, "the check sees the width being read otherwise"


def test_too_many_neighbours_are_no_silent_error(
    graph: Callable[[str], torch.jit.ScriptModule],
) -> None:
    rij, sender, receiver, species = edges_of(0)
    n = len(species)
    most = int(torch.bincount(receiver).max())
    enough, _ = graph("scalar")(rij, sender, receiver, species, n, most)
    short, _ = graph("scalar")(rij, sender, receiver, species, n, most - 1)
    assert enough.isfinite().all() and short.isnan().all()


def test_capacities_grow(graph: Callable[[str], torch.jit.ScriptModule]) -> None:
    free = graph("scalar")
    fixed = FixedShapes(free, torch.float64, torch.device("cpu"))
    for n_water in (4, 10, 16):
        rij, sender, receiver, species = edges_of(0, n_water)
        expected = free(rij, sender, receiver, species, len(species))[1]
        found = fixed(rij, sender, receiver, species, len(species))[1]
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-11)
    assert fixed.growths == 3


def test_what_fixed_shapes_refuse(graph: Callable[[str], torch.jit.ScriptModule]) -> None:
    fixed = FixedShapes(graph("scalar"), torch.float64, torch.device("cpu"))
    rij, sender, receiver, species = edges_of(0)
    with pytest.raises(EngineError, match="sorted"):
        fixed(rij, sender, receiver.flip(0), species, len(species))
    with pytest.raises(EngineError, match="one rank"):
        fixed(rij, sender, receiver, species, len(species) - 1)


@pytest.mark.parametrize("hidden", ["8x0e", "8x0e+8x1o"])
def test_a_third_of_the_kernels_of_mace(hidden: str, tmp_path: Path) -> None:
    model = random_mace(tmp_path / "a.model", hidden=hidden)
    export_model(model, tmp_path / "a.pt", "float64", route="fast")
    graph = open_graph(load_artifact(tmp_path / "a.pt")[1], torch.device("cpu"), torch.float64)
    as_on_a_gpu(graph)
    arguments = edges_of(0)
    mine = launches(lambda: graph(*arguments, len(arguments[3])))
    box = water_like_box(2, 10)
    calculator = calculator_of(model)
    theirs = launches(lambda: calculator.calculate(box))
    assert sum(mine.values()) < sum(theirs.values()) / 3
    fixed = launches(lambda: graph(*arguments, len(arguments[3]), 60))
    assert sum(fixed.values()) < 1.05 * sum(mine.values())
