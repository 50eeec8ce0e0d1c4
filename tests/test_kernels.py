"""The compiled loops against what they stand for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from potentials import random_mace, water_like_box
from pykoh.engines.contents import without_compiled_loops
from pykoh.engines.operators import compiled_loops
from pykoh.engines.periodic import PeriodicPotential
from pykoh.errors import EngineError
from pykoh.export.export import export_model
from pykoh.export.fast.contraction import Polynomial

CUTOFF_A = 4.0
N_ATOMS, N_CHANNELS, N_TABLES, N_INTERVALS = 200, 5, 2, 7
Arguments = dict[str, torch.Tensor]


@pytest.fixture
def three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def arguments(max_ell: int, n_atoms: int = N_ATOMS) -> Arguments:
    """Return random arguments of the operator, some rows at and beyond the cutoff."""
    random = torch.Generator().manual_seed(max_ell)
    per_atom = torch.randint(0, 9, (n_atoms,), generator=random)
    n_rows = int(per_atom.sum())
    m = (max_ell + 1) ** 2

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=random, dtype=torch.float64)

    distance = 0.5 + 4.0 * torch.rand(n_rows, generator=random, dtype=torch.float64)
    distance[:1] = CUTOFF_A
    return {
        "y": normal(m, n_rows),
        "distance": distance,
        "pair": torch.randint(0, 4, (n_rows,), generator=random),
        "sender": torch.randint(0, max(n_atoms, 1), (n_rows,), generator=random),
        "start": torch.cat([torch.zeros(1, dtype=torch.int64), per_atom.cumsum(0)]),
        "sent": normal(n_atoms, N_CHANNELS),
        "table": normal(N_TABLES, N_INTERVALS, max_ell + 1, 6, N_CHANNELS),
        "pair_table": torch.tensor([0, 1, 1, 0]),
    }


def plain_sums(given: Arguments) -> torch.Tensor:
    """Return Σ Y R s as one would write it down, differentiable."""
    scaled = given["distance"] * (N_INTERVALS / CUTOFF_A)
    interval = scaled.detach().long().clamp(max=N_INTERVALS - 1)
    t = (scaled - interval).view(-1, 1, 1)
    coefficients = given["table"][given["pair_table"][given["pair"]], interval]
    radial = sum(coefficients[:, :, k] * t**k for k in range(6))
    radial = radial * (given["distance"].detach() < CUTOFF_A).view(-1, 1, 1)
    ells = [ell for ell in range(radial.shape[1]) for _ in range(2 * ell + 1)]
    terms = (
        given["y"].unsqueeze(2) * radial[:, ells].transpose(0, 1) * given["sent"][given["sender"]]
    )
    n_atoms = len(given["start"]) - 1
    atom = torch.repeat_interleave(torch.arange(n_atoms), given["start"].diff())
    return torch.zeros((len(ells), n_atoms, N_CHANNELS)).double().index_add(1, atom, terms)


@pytest.mark.parametrize("max_ell", [0, 1, 2, 3, 4])
def test_sums_over_neighbours_and_their_derivatives(max_ell: int) -> None:
    given = arguments(max_ell)
    asked = [given[name].requires_grad_() for name in ("y", "distance", "sent")]
    expected = plain_sums(given)
    upstream = torch.randn_like(expected)
    derivatives = torch.autograd.grad(expected, asked, upstream)
    plain = [tensor.detach() for tensor in given.values()]
    sums = torch.ops.pykoh.sum_neighbours(*plain, CUTOFF_A)
    assert torch.allclose(sums, expected, atol=1e-11)
    # They are added to what is there.
    found = [torch.ones_like(each) for each in derivatives]
    torch.ops.pykoh.sum_neighbours_back(upstream, *plain, CUTOFF_A, *found)
    for mine, exact in zip(found, derivatives, strict=True):
        assert torch.allclose(mine - 1.0, exact, atol=1e-10)


def test_threads_share_the_atoms(three_threads: None) -> None:
    given = arguments(2)
    plain = list(given.values())
    upstream = torch.randn(9, N_ATOMS, N_CHANNELS).double()

    def everything() -> list[torch.Tensor]:
        found = [torch.zeros_like(given[name]) for name in ("y", "distance", "sent")]
        torch.ops.pykoh.sum_neighbours_back(upstream, *plain, CUTOFF_A, *found)
        return [torch.ops.pykoh.sum_neighbours(*plain, CUTOFF_A), *found]

    shared = everything()
    torch.set_num_threads(1)
    for mine, alone in zip(shared, everything(), strict=True):
        assert torch.allclose(mine, alone, atol=1e-12)


def test_no_atoms_and_no_neighbours() -> None:
    for n_atoms in (0, 3):
        given = arguments(1, n_atoms=n_atoms)
        for name in ("y", "distance", "pair", "sender"):
            given[name] = given[name][..., :0]
        given["start"] = torch.zeros(n_atoms + 1, dtype=torch.int64)
        sums = torch.ops.pykoh.sum_neighbours(*given.values(), CUTOFF_A)
        assert sums.shape == (4, n_atoms, N_CHANNELS) and not sums.any()


def test_what_is_not_a_number_stays_so() -> None:
    given = arguments(1)
    row = int(given["start"][5]) if given["start"][6] > given["start"][5] else 0
    given["distance"][row] = float("nan")
    sums = torch.ops.pykoh.sum_neighbours(*given.values(), CUTOFF_A)
    assert torch.isnan(sums).any()


def test_contraction_is_the_polynomial_it_says(three_threads: None) -> None:
    random = torch.Generator().manual_seed(0)
    keys = [(0,), (2,), (0, 0), (1, 3), (0, 1, 3), (2, 2, 2), (0, 2, 2), (3, 3, 1)]
    terms = {key: torch.randn((3, N_CHANNELS), generator=random).double() for key in keys}
    polynomial = Polynomial(terms, 4).double()
    x = torch.randn((4, N_ATOMS, N_CHANNELS), generator=random).double().requires_grad_()
    species = torch.randint(0, 3, (N_ATOMS,), generator=random)
    expected = sum(
        coefficient[species] * torch.stack([x[a] for a in key]).prod(0)
        for key, coefficient in terms.items()
    )
    slope = torch.autograd.grad(expected.sum(), x)[0]
    for compiled in (True, False):
        polynomial.compiled = compiled
        value, derivative = polynomial(x.detach(), species)
        assert torch.allclose(value, expected, atol=1e-12)
        assert torch.allclose(derivative, slope, atol=1e-12)


@pytest.mark.parametrize(
    "options",
    [
        {"max_ell": 2, "transform": "Agnesi"},
        {"max_ell": 1, "first": "Density", "block": "DensityResidual", "n_layers": 3},
        {"max_ell": 1, "numbers": (1, 3, 7, 8, 9, 11, 17, 19)},
    ],
    ids=["table of each pair", "density", "more elements than the first layer takes apart"],
)
def test_a_graph_gives_the_same_with_and_without(options: dict, tmp_path: Path) -> None:
    target = tmp_path / "koh.pt"
    export_model(random_mace(tmp_path / "x.model", **options), target, "float64", route="fast")
    potential = PeriodicPotential.from_file(target)
    box = water_like_box()
    species = potential.species_of(box.get_chemical_symbols())
    compiled = potential(box.positions, np.asarray(box.cell), species)
    without_compiled_loops(potential.graph)
    plain = potential(box.positions, np.asarray(box.cell), species)
    assert np.abs(plain.forces_eV_per_A).max() > 0.01
    # Not the same tables: each is right to some 1e-6 eV/Å.
    assert plain.energies_eV == pytest.approx(compiled.energies_eV, abs=1e-6)
    assert plain.forces_eV_per_A == pytest.approx(compiled.forces_eV_per_A, abs=1e-5)
    assert not np.array_equal(plain.forces_eV_per_A, compiled.forces_eV_per_A)


def test_no_folder_for_compiled_code_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from numba.core.caching import CacheImpl

    monkeypatch.setattr(CacheImpl, "_locator_classes", [])
    monkeypatch.delitem(sys.modules, "pykoh.engines.kernels", raising=False)
    monkeypatch.delattr("pykoh.engines.kernels", raising=False)
    with pytest.raises(EngineError, match="set NUMBA_CACHE_DIR") as refusal:
        compiled_loops()
    assert "\n" not in str(refusal.value)
