"""A force call in Triton kernels, run by Triton's interpreter, against the loops for a CPU."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from launches import launches, needs_triton

needs_triton()
from potentials import random_mace
from pykoh.engines.artifact import load_artifact
from pykoh.engines.contents import open_graph
from pykoh.engines.cuda import loops, step
from pykoh.engines.cuda.graph import FusedGraph, fused_graph
from pykoh.engines.fixed_shapes import FixedShapes
from pykoh.engines.self_check import KERNELS, SelfChecked, Way
from pykoh.errors import EngineError
from pykoh.export.export import export_model

CPU = torch.device("cpu")
CUTOFF_A = 3.0  # few neighbours: the interpreter takes milliseconds for each tile
MODELS: dict[str, dict[str, Any]] = {
    "scalar": {"max_ell": 2, "hidden": "6x0e"},
    "one layer, l = 3": {"n_layers": 1, "max_ell": 3, "hidden": "3x0e"},
    "three layers": {"n_layers": 3, "max_ell": 1, "numbers": (8, 19, 1), "hidden": "4x0e"},
    "table of each pair": {"max_ell": 1, "transform": "Agnesi", "hidden": "4x0e"},
    "more elements": {"max_ell": 1, "hidden": "4x0e", "numbers": (1, 3, 7, 8, 9, 11, 17, 19)},
}
Pair = tuple[FusedGraph, Callable[..., tuple[torch.Tensor, torch.Tensor]]]


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Pair]:
    folder = tmp_path_factory.mktemp("fused")

    def make(name: str, dtype: torch.dtype = torch.float64) -> Pair:
        target = folder / f"{name}.pt"
        if not target.exists():
            model = random_mace(folder / "koh.model", cutoff=CUTOFF_A, **MODELS[name])
            export_model(model, target, "float64", route="fast")
        packed = load_artifact(target)[1]
        assert packed.tree is not None
        return fused_graph(packed.tree, dtype, CPU), open_graph(packed, CPU, dtype)

    make.folder = folder  # type: ignore[attr-defined]
    return make


def edges_of(n_species: int = 3, seed: int = 0) -> tuple[torch.Tensor, ...]:
    """Return the graph's arguments for a cluster of six atoms, some pairs beyond the cutoff."""
    random = np.random.default_rng(seed)
    grid = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1, 2)], dtype=float)
    positions = 1.2 * random.permutation(grid)[:6] + random.normal(scale=0.1, size=(6, 3))
    rij = positions - positions[:, None]
    i, j = np.nonzero((np.linalg.norm(rij, axis=2) < CUTOFF_A + 0.2) & ~np.eye(6, dtype=bool))
    species = random.integers(0, n_species, 6)
    i, j, species = (torch.from_numpy(x.astype(np.int64)) for x in (i, j, species))
    return torch.from_numpy(rij[i, j]), j, i, species


@pytest.mark.parametrize("name", MODELS)
def test_the_same_energies_and_forces(name: str, graphs: Callable[..., Pair]) -> None:
    fused, graph = graphs(name)
    given = edges_of(len(MODELS[name].get("numbers", (1, 8, 19))))
    assert float(given[0].norm(dim=1).max()) > CUTOFF_A, "a pair is beyond the cutoff"
    energies, gradient = fused(*given, len(given[3]))
    wanted, expected = graph(*given, len(given[3]))
    assert expected.abs().max() > 0.01
    torch.testing.assert_close(energies, wanted, rtol=0.0, atol=1e-10)
    torch.testing.assert_close(gradient, expected, rtol=0.0, atol=1e-11)


def test_single_precision(graphs: Callable[..., Pair]) -> None:
    fused, graph = graphs("scalar", torch.float32)
    rij, sender, receiver, species = edges_of()
    given = (rij.float(), sender, receiver, species, len(species))
    (energies, gradient), (wanted, expected) = fused(*given), graph(*given)
    assert energies.dtype == torch.float64 and gradient.dtype == torch.float32
    torch.testing.assert_close(energies, wanted, rtol=0.0, atol=1e-5)
    torch.testing.assert_close(gradient, expected, rtol=0.0, atol=1e-5)


def test_one_atom_and_no_pairs(graphs: Callable[..., Pair]) -> None:
    fused, graph = graphs("scalar")
    none = torch.zeros(0, dtype=torch.int64)
    for n_atoms in (1, 3):
        given = (torch.zeros((0, 3)).double(), none, none, torch.arange(n_atoms), n_atoms)
        energies, gradient = fused(*given)
        torch.testing.assert_close(energies, graph(*given)[0], rtol=0.0, atol=1e-10)
        assert gradient.shape == (0, 3)


def test_fixed_shapes_fill_up_and_never_wait(graphs: Callable[..., Pair]) -> None:
    fused, graph = graphs("scalar")
    fixed = FixedShapes(fused, torch.float64, CPU, by_width=False)
    sizes = set()
    for seed in (0, 1):
        given = edges_of(seed=seed)
        n = len(given[3])
        energies, gradient = fixed(*given, n)
        wanted, expected = graph(*given, n)
        torch.testing.assert_close(energies, wanted, rtol=0.0, atol=1e-10)
        torch.testing.assert_close(gradient, expected, rtol=0.0, atol=1e-11)
        sizes.add(len(given[0]))
    assert fixed.growths == 1 and max(sizes) < fixed.n_edges


def test_pairs_that_are_not_sorted_are_no_silent_error(graphs: Callable[..., Pair]) -> None:
    fused, _ = graphs("scalar")
    rij, sender, receiver, species = edges_of()
    order = torch.arange(len(rij))
    order[[3, -3]] = order[[-3, 3]]
    gradient = fused(rij[order], sender[order], receiver[order], species, len(species))[1]
    assert gradient.isnan().any()


def test_ghosts_are_refused(graphs: Callable[..., Pair]) -> None:
    given = edges_of()
    with pytest.raises(EngineError, match="one rank"):
        graphs("scalar")[0](*given, len(given[3]) - 1)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"hidden": "4x0e+4x1o", "max_ell": 1}, "not to scalars"),
        ({"first": "Density", "block": "DensityResidual", "max_ell": 1}, "density"),
        ({"first": "", "block": "Residual", "max_ell": 1}, "element by element"),
    ],
)
def test_what_it_does_not_cover_is_said(options: dict, why: str, tmp_path: Path) -> None:
    model = random_mace(tmp_path / "x.model", **options)
    export_model(model, tmp_path / "x.pt", "float64", route="fast")
    tree = load_artifact(tmp_path / "x.pt")[1].tree
    assert tree is not None
    with pytest.raises(EngineError, match=f"none for this potential: .*{why}"):
        fused_graph(tree, torch.float64, CPU)


def test_the_self_check_takes_it(graphs: Callable[..., Pair]) -> None:
    fused, graph = graphs("scalar")
    lines: list[str] = []
    way = Way("the CUDA kernels", fused, kernels=True)
    checked = SelfChecked(graph, [way], KERNELS, lines.append)
    given = edges_of()
    for _ in range(2):
        gradient = checked(*given, len(given[3]))[1]
        torch.testing.assert_close(gradient, graph(*given, len(given[3]))[1], rtol=0, atol=1e-10)
    assert checked.used is way and "the CUDA kernels are used" in lines[0]


def test_launches_of_the_shipped_potential(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted are operators that compute, and own kernels (which are not run here)."""
    potential = Path(__file__).parents[2] / "potentials" / "koh-blyp-d3" / "koh.pt"
    tree = load_artifact(potential)[1].tree
    assert tree is not None
    own: Counter[str] = Counter()
    for module in (loops, step):
        for name, kernel in list(vars(module).items()):
            if hasattr(kernel, "arg_names") and not name.startswith("_"):
                monkeypatch.setattr(module, name, Launcher(own, name))
    fused = fused_graph(tree, torch.float32, CPU)
    fixed = FixedShapes(fused, torch.float32, CPU, by_width=False)
    rij, sender, receiver, species = edges_of()
    given = (rij.float(), sender, receiver, species, len(species))
    others = launches(lambda: fixed(*given))
    # (launches() calls three times)
    kernels = {name: count // 3 for name, count in own.items()}
    assert kernels == {
        "edges_forward": 1, "sum_neighbours": 2, "contract": 2, "atoms_forward": 2,
        "sum_neighbours_back": 2, "atoms_backward": 1, "edges_backward": 1,
    }  # fmt: skip
    assert not {"_local_scalar_dense", "item", "nonzero"} & set(others), "the host waits"
    # Five of them lay the arguments into the buffers of a captured graph.
    assert sum(kernels.values()) + sum(others.values()) <= 34, others


class Launcher:
    """Stands for a kernel and counts its launches."""

    def __init__(self, counts: Counter[str], name: str) -> None:
        self.counts, self.name = counts, name

    def __getitem__(self, grid: tuple[int, ...]) -> Callable[..., None]:
        assert all(size > 0 for size in grid)

        def launch(*_: object, **__: object) -> None:
            self.counts[self.name] += 1

        return launch


def test_the_object_of_lammps_offers_it(
    graphs: Callable[..., Pair], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    _, graph = graphs("scalar")
    potential = torch.load(graphs.folder / "scalar.pt", weights_only=False)  # type: ignore[attr-defined]
    opened = potential._open(CPU)
    assert potential._self_checked(opened, CPU) is None
    monkeypatch.setenv(KERNELS, "1")
    checked = potential._self_checked(opened, CPU)
    given = edges_of()
    checked(*given, len(given[3]))
    gradient = checked(*given, len(given[3]))[1]
    torch.testing.assert_close(gradient, graph(*given, len(given[3]))[1], rtol=0, atol=1e-10)
    assert [way.name for way in checked.ways] == ["the CUDA kernels"]
    assert "pykoh: 6 atoms" in capsys.readouterr().out
    monkeypatch.setenv(KERNELS, "2")
    with pytest.raises(EngineError, match="PYKOH_CUDA_KERNELS is '2'"):
        potential._self_checked(opened, CPU)
