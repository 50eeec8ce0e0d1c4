"""The fast route against MACE's own calculator and against the general route."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from potentials import (
    ARCHITECTURES,
    ENERGY_TOLERANCE_EV,
    FORCE_TOLERANCE,
    random_mace,
    reference,
    water_like_box,
)
from pykoh.cli import main
from pykoh.engines.artifact import load_artifact
from pykoh.engines.calculator import PykohCalculator
from pykoh.engines.contents import open_graph
from pykoh.engines.ghost import exchanging
from pykoh.engines.graph.harmonics import Harmonics
from pykoh.engines.graph.tables import tabulate
from pykoh.errors import ModelError
from pykoh.export.export import export_model

Make = Callable[[str], Path]

COVERED = {
    "scalar": {},
    "one_layer": {"n_layers": 1, "first": ""},
    "three_layers": {"n_layers": 3, "numbers": (8, 19, 1), "max_ell": 1},
    "two_heads": {"heads": ["pbe", "blyp"]},
    "agnesi": {"transform": "Agnesi", "max_ell": 2},
    "density": {"first": "Density", "block": "DensityResidual", "max_ell": 2},
    "eight_elements": {"numbers": (1, 3, 7, 8, 9, 11, 17, 19), "max_ell": 2},
    "vector": {"hidden": "8x0e+8x1o", "max_ell": 3},
    "vector_density": {
        "hidden": "6x0e+6x1o", "first": "Density", "block": "DensityResidual", "n_layers": 3,
        "max_ell": 2, "numbers": (19, 1, 8),
    },
    "vector_agnostic": {"hidden": "6x0e+6x1o", "first": "", "block": "", "max_ell": 1},
    "tensor": {"hidden": "4x0e+4x1o+4x2e", "max_ell": 2, "transform": "Agnesi"},
    "nonlinear": {**ARCHITECTURES["nonlinear"], "max_ell": 3},
    # Fewer channels on the edges; scalars alone; a conventional block after it.
    "nonlinear_scalar": {
        **ARCHITECTURES["nonlinear"], "hidden": "8x0e", "edge_irreps": "4x0e", "n_layers": 3,
    },
    "nonlinear_narrow": {
        **ARCHITECTURES["nonlinear"], "edge_irreps": "4x0e+4x1o", "heads": None,
        "readout": "NonLinearReadoutBlock", "use_last_readout_only": False,
    },
    "nonlinear_scalar_edges": {
        **ARCHITECTURES["nonlinear"], "edge_irreps": "8x0e", "numbers": (19, 1, 8),
    },
}  # fmt: skip
FALLS_BACK = {"zbl_agnesi": "ZBL"}


@pytest.fixture(scope="module")
def fast(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Path]]:
    folder = tmp_path_factory.mktemp("fast")

    def make(name: str) -> tuple[Path, Path]:
        model, target = folder / f"{name}.model", folder / f"{name}.pt"
        if not target.exists():
            random_mace(model, **COVERED[name])
            head = "blyp" if "blyp" in (COVERED[name].get("heads") or []) else None
            export_model(model, target, "float64", head, route="fast")
        return model, target

    return make


@pytest.mark.parametrize("name", COVERED)
def test_agrees_with_mace(name: str, fast: Callable[[str], tuple[Path, Path]]) -> None:
    model, target = fast(name)
    assert load_artifact(target)[0].route == "fast"
    box = water_like_box()
    box.set_cell(box.cell[:] @ np.array([[1, 0, 0], [0.2, 1, 0], [-0.1, 0.3, 1]]), scale_atoms=True)
    head = "blyp" if "blyp" in (COVERED[name].get("heads") or []) else "Default"
    energy, forces, stress = reference(model, box, head)
    assert np.abs(forces).max() > 0.01, "the reference has forces to compare"
    for dtype, tolerance in FORCE_TOLERANCE.items():
        box.calc = PykohCalculator(target, dtype=dtype)
        limit = ENERGY_TOLERANCE_EV * (1 if dtype == "float64" else 20)
        assert abs(box.get_potential_energy() - energy) / len(box) < limit
        assert np.abs(box.get_forces() - forces).max() < tolerance
        assert np.abs(box.get_stress(voigt=False) - stress).max() < tolerance / 10


@pytest.mark.parametrize("name", FALLS_BACK)
def test_falls_back_and_refuses_in_one_line(name: str, tmp_path: Path, mace_model: Make) -> None:
    assert name in ARCHITECTURES
    target = tmp_path / "koh.pt"
    with pytest.raises(ModelError, match=FALLS_BACK[name]) as refusal:
        export_model(mace_model(name), target, route="fast")
    assert "--route general" in str(refusal.value) and "\n" not in str(refusal.value)
    assert not target.exists()
    result = CliRunner().invoke(main, ["export", str(mace_model(name)), "-o", str(target)])
    assert result.exit_code == 0, result.output
    assert "general route" in result.output and "note" not in result.output
    assert load_artifact(target)[0].route == "general"


def test_disagreement_falls_back_aloud(
    tmp_path: Path, mace_model: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pykoh.engines.graph import radial

    honest = radial.coefficients
    monkeypatch.setattr(radial, "coefficients", lambda *given: 1.001 * honest(*given))
    target = tmp_path / "koh.pt"
    report = export_model(mace_model("scalar"), target)
    assert report.metadata.route == "general" == load_artifact(target)[0].route
    assert "took the general route" in report.note
    with pytest.raises(ModelError, match="nothing was written"):
        export_model(mace_model("scalar"), tmp_path / "other.pt", route="fast")


Graph = Callable[..., tuple[torch.Tensor, torch.Tensor]]


def _open(target: Path) -> Graph:
    _, archive = load_artifact(target)
    return open_graph(archive, torch.device("cpu"), torch.float64)


def _edges(
    rng: np.random.Generator, n_local: int, n_total: int, n_edges: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    direction = rng.normal(size=(n_edges, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    rij = torch.from_numpy(direction * rng.uniform(0.7, 4.4, (n_edges, 1)))
    receiver = torch.from_numpy(np.sort(rng.integers(0, max(n_local, 1), n_edges)))
    sender = torch.from_numpy(rng.integers(0, n_total, n_edges))
    return rij, sender, receiver, torch.from_numpy(rng.integers(0, 3, n_total))


@pytest.fixture(scope="module")
def both(fast: Callable[[str], tuple[Path, Path]]) -> tuple[Graph, Graph]:
    model, target = fast("scalar")
    general = target.with_name("general.pt")
    export_model(model, general, "float64", route="general")
    return _open(target), _open(general)


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), n_local=st.integers(1, 40), per_atom=st.integers(0, 12))
def test_any_edges_in_any_order_with_padding(
    both: tuple[Graph, Graph], seed: int, n_local: int, per_atom: int
) -> None:
    rng = np.random.default_rng(seed)
    fast_graph, general = both
    rij, sender, receiver, species = _edges(rng, n_local, n_local, per_atom * n_local)
    energies, gradient = general(rij, sender, receiver, species, n_local)
    order = torch.from_numpy(rng.permutation(len(rij)))
    shuffled = fast_graph(rij[order], sender[order], receiver[order], species, n_local)
    assert torch.allclose(shuffled[0], energies, atol=1e-7, rtol=0)
    assert torch.allclose(shuffled[1], gradient[order], atol=1e-6, rtol=0)
    # Edges at and beyond the cutoff count for nothing, exactly.
    far = torch.tensor([[4.5, 0.0, 0.0], [0.0, -4.6, 0.0], [60.0, 60.0, 60.0]]).double()
    ends = torch.zeros(3, dtype=torch.int64)
    padded = fast_graph(
        torch.cat([far, rij]), torch.cat([ends, sender]), torch.cat([ends, receiver]), species,
        n_local,
    )  # fmt: skip
    assert not padded[1][:3].any()
    assert torch.allclose(padded[0], energies, atol=1e-7, rtol=0)


class Counting:
    """An exchange that serves ghosts from the owners given and counts its calls."""

    def __init__(self, n_features_of: torch.Tensor) -> None:
        self.owners = n_features_of
        self.calls = [0, 0]

    def forward(self, local: torch.Tensor, n_total: int) -> torch.Tensor:
        self.calls[0] += 1
        ghosts = torch.ones((n_total - len(local), local.shape[1]), dtype=local.dtype)
        return torch.cat([local, ghosts], 0)

    def reverse(self, full: torch.Tensor, n_local: int) -> torch.Tensor:
        self.calls[1] += 1
        return full[:n_local].clone()


@pytest.mark.parametrize(("n_local", "n_edges"), [(0, 0), (1, 0), (3, 0), (2, 9)])
def test_every_rank_exchanges_equally_often(
    fast: Callable[[str], tuple[Path, Path]], n_local: int, n_edges: int
) -> None:
    graph = _open(fast("three_layers")[1])
    rng = np.random.default_rng(0)
    rij, sender, receiver, species = _edges(rng, n_local, n_local + 4, n_edges)
    exchange = Counting(torch.zeros(4, dtype=torch.int64))
    with exchanging(exchange):
        energies, gradient = graph(rij, sender, receiver, species, n_local)
    assert exchange.calls == [2, 2]
    assert energies.shape == (n_local,) and gradient.shape == (n_edges, 3)
    assert torch.isfinite(energies).all() and torch.isfinite(gradient).all()


def test_energy_of_heavy_atoms_survives_float32(tmp_path: Path) -> None:
    # A module cast to float32 rounds numbers of 1e3 eV by 1e-4 eV; E0 must not be one of them.
    model = random_mace(tmp_path / "heavy.model", numbers=(1, 8, 79))
    export_model(model, tmp_path / "heavy.pt", route="fast")
    single = PykohCalculator(tmp_path / "heavy.pt", dtype="float32")
    from ase import Atoms

    box = Atoms("Au2", positions=[[0, 0, 0], [0, 0, 2.5]], cell=[20] * 3, pbc=True)
    energy, _, _ = reference(model, box)
    box.calc = single
    assert abs(energy) > 6000
    assert box.get_potential_energy() == pytest.approx(energy, abs=2e-5)


def test_table_has_value_and_slope_and_ends_at_the_cutoff() -> None:
    def function(r: np.ndarray) -> np.ndarray:
        return np.stack([np.sin(3 * r), np.exp(-r)], 1) * ((1 - r / 5.0) ** 3)[:, None]

    table = tabulate([function], 5.0)
    r = np.random.default_rng(0).uniform(0.7, 5.0, 500)
    scaled = r * table.n_intervals / 5.0
    interval = scaled.astype(int)
    t = (scaled - interval)[:, None]
    c = table.coefficients[:, 0, interval]
    value = c[0] + t * (c[1] + t * (c[2] + t * c[3]))
    slope = (c[1] + t * (2 * c[2] + 3 * t * c[3])) * table.n_intervals / 5.0
    assert value == pytest.approx(function(r), abs=2e-8)
    exact = (function(r + 1e-5) - function(r - 1e-5)) / 2e-5
    assert slope == pytest.approx(exact, abs=5e-6)
    assert not table.coefficients[:, :, -1].any()


@pytest.mark.parametrize("max_ell", [1, 2, 3])
def test_harmonics_and_their_gradient(max_ell: int) -> None:
    from e3nn import o3

    source = o3.SphericalHarmonics(
        o3.Irreps.spherical_harmonics(max_ell), normalize=False, normalization="component"
    )
    harmonics = Harmonics(source)
    unit = torch.nn.functional.normalize(torch.randn(3, 50, dtype=torch.float64), dim=0)
    unit.requires_grad_(True)
    expected = source(unit.T).T
    powers = harmonics.powers(unit)
    assert torch.allclose(harmonics(powers), expected, atol=1e-12)
    upstream = torch.randn_like(expected)
    along = torch.autograd.grad((expected * upstream).sum(), unit)[0]
    found = harmonics.gradient(powers, upstream)
    # Only the part along the sphere is defined: polynomials may differ off it.
    difference = found - along
    difference = difference - unit * (unit * difference).sum(0)
    assert difference.abs().max() < 1e-11
