"""The operators and the compiled loops against what they stand for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from potentials import random_mace, water_like_box
from pykoh.engines import cpu
from pykoh.engines.contents import without_compiled_loops
from pykoh.engines.cpu.parts import parts_of
from pykoh.engines.cpu.prepared import Sums
from pykoh.engines.graph.contraction import Contraction, Polynomial
from pykoh.engines.loops import messages
from pykoh.engines.periodic import PeriodicPotential
from pykoh.export.export import export_model

CUTOFF_A = 4.0
N_ATOMS, N_CHANNELS, N_TABLES, N_INTERVALS = 200, 5, 2, 7
Arguments = dict[str, torch.Tensor]


def arguments(max_ell: int, n_atoms: int = N_ATOMS, n_channels: int = N_CHANNELS) -> Arguments:
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
        "sent": normal(n_atoms, n_channels),
        "table": normal(N_TABLES, N_INTERVALS, max_ell + 1, 6, n_channels),
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
    shape = (len(ells), n_atoms, terms.shape[2])
    return torch.zeros(shape).double().index_add(1, atom, terms)


@pytest.mark.parametrize("max_ell", [0, 1, 2, 3])
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


def by_loops(
    given: Arguments, upstream: torch.Tensor, dtype: type, atoms: tuple[int, int]
) -> tuple[np.ndarray, ...]:
    """Return the sums and all derivatives of some atoms by the compiled loops."""
    sums = Sums(given["table"], given["pair_table"], CUTOFF_A)
    n, low, high = len(given["distance"]), *atoms
    distance = given["distance"].numpy().astype(dtype)
    at, position, sender = np.empty(n, np.int32), np.empty(n, dtype), np.empty(n, np.int32)
    messages.place_rows(
        0, n, distance, given["pair"].numpy(), sums.pair_table, sums.n_tables, sums.n_intervals,
        CUTOFF_A, given["sender"].numpy(), 0, sums.width, at, position, sender,
    )  # fmt: skip
    table, n_ell = sums.table.astype(dtype), sums.n_ell
    ells = range(n_ell)
    y = np.concatenate([given["y"].numpy()[e * e : (e + 1) ** 2].T.ravel() for e in ells])
    sent = np.zeros((len(given["sent"]), sums.width), dtype)
    sent[:, : sums.n_channels] = given["sent"]
    of_rows = given["start"].numpy(), y.astype(dtype), at, position, sender
    shared = low, high, n_ell, *of_rows, sent.ravel(), sums.width, table
    found = np.empty((n_ell**2, high - low, sums.width), dtype)
    messages.sum_neighbours(*shared, found.reshape(-1))
    up = np.zeros(found.shape, dtype)
    up[:, :, : sums.n_channels] = upstream[:, low:high]
    grad_y, grad_sent = np.zeros(messages.GRAD_Y_STARTS[n_ell] * n, dtype), np.zeros_like(sent)
    messages.sum_neighbours_backward(
        *shared, sums.per_angstrom, up.reshape(-1), grad_y, grad_sent.reshape(-1)
    )
    own_grad_y, own_grad_distance = np.zeros((n_ell**2, n)), np.zeros(n)
    for ell in ells:
        width = messages.GRAD_Y_WIDTHS[ell]
        part = grad_y[messages.GRAD_Y_STARTS[ell] * n :][: width * n].reshape(n, width)
        # Nobody needs the derivative with respect to Y_00, a constant.
        own_grad_y[ell**2 : (ell + 1) ** 2] = part[:, : 2 * ell + 1].T if ell else 0.0
        own_grad_distance += part[:, 2 * ell + 1 if ell else 0]
    return (
        found[:, :, : sums.n_channels],
        own_grad_y,
        own_grad_distance,
        grad_sent[:, : sums.n_channels],
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("max_ell", "n_channels"), [(0, 5), (1, 16), (2, 40), (3, 64)])
def test_the_loops_are_the_operators(max_ell: int, n_channels: int, dtype: type) -> None:
    given = arguments(max_ell, n_channels=n_channels)
    upstream = torch.randn((max_ell + 1) ** 2, N_ATOMS, n_channels).double()
    sums = torch.ops.pykoh.sum_neighbours(*given.values(), CUTOFF_A)
    derivatives = [torch.zeros_like(given[name]) for name in ("y", "distance", "sent")]
    torch.ops.pykoh.sum_neighbours_back(upstream, *given.values(), CUTOFF_A, *derivatives)
    derivatives[0][0] = 0.0
    parts = parts_of(N_ATOMS, 3, given["start"].numpy())
    assert len(parts) == 3 and parts[0][0] == 0 and parts[2][1] == N_ATOMS
    found = [by_loops(given, upstream, dtype, part) for part in parts]
    mine = [np.concatenate([each[0] for each in found], 1)]
    mine += [sum(each[k] for each in found) for k in (1, 2, 3)]
    tolerance = 1e-12 if dtype is np.float64 else 2e-5
    for one, exact in zip(mine, [sums, *derivatives], strict=True):
        assert np.abs(one - exact.numpy()).max() <= tolerance * exact.abs().max()


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
    mine = by_loops(given, torch.zeros_like(sums), np.float64, (0, N_ATOMS))[0]
    assert np.array_equal(np.isnan(mine), np.isnan(sums.numpy()))


def test_contraction_is_the_polynomial_it_says() -> None:
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


@pytest.mark.parametrize("n_channels", [5, 32, 40])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_contraction_to_components_is_the_polynomials_it_says(
    n_channels: int, dtype: torch.dtype
) -> None:
    random = torch.Generator().manual_seed(n_channels)
    keys = [(0,), (2,), (0, 0), (1, 3), (0, 1, 3), (2, 2, 2), (0, 2, 2), (1, 1, 3)]
    terms = [
        {key: torch.randn((3, n_channels), generator=random).double() for key in keys[k::2]}
        for k in (0, 1, 0)
    ]
    contraction = Contraction(terms, 4).to(dtype)
    x = torch.randn((4, N_ATOMS, n_channels), generator=random).double().requires_grad_()
    species = torch.randint(0, 3, (N_ATOMS,), generator=random)
    expected = torch.cat(
        [
            sum(c[species] * torch.stack([x[a] for a in key]).prod(0) for key, c in each.items())
            for each in terms
        ],
        1,
    )
    upstream = torch.randn(expected.shape, generator=random).double()
    slope = torch.autograd.grad(expected, x, upstream)[0]
    tolerance = 1e-11 if dtype is torch.float64 else 1e-4
    for compiled in (True, False):
        contraction.compiled = compiled
        own = x.detach().to(dtype)
        value, derivative = contraction(own, species)
        assert torch.allclose(value.double(), expected, atol=tolerance)
        found = contraction.backward(upstream.to(dtype), own, derivative, species)
        assert torch.allclose(found.double(), slope, atol=tolerance)


@pytest.mark.parametrize(
    "options",
    [
        {"hidden": "8x0e+8x1o", "max_ell": 3, "n_layers": 3},
        {"hidden": "40x0e+40x1o+40x2e", "max_ell": 2, "transform": "Agnesi"},
        {"hidden": "8x0e+8x1o", "first": "Density", "block": "DensityResidual", "max_ell": 1},
        {"hidden": "8x0e+8x1o+8x2e+8x3o", "block": "", "max_ell": 3},
        {"max_ell": 2, "transform": "Agnesi"},
        {"max_ell": 1, "first": "Density", "block": "DensityResidual", "n_layers": 3},
        {"max_ell": 1, "numbers": (1, 3, 7, 8, 9, 11, 17, 19)},
    ],
    ids=[
        "vectors",
        "up to l = 2, table of each pair",
        "vectors, density",
        "up to l = 3, mixed",
        "table of each pair",
        "density",
        "more elements than the first layer takes apart",
    ],
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


NO_FOLDER = """
from numba.core.caching import CacheImpl
CacheImpl._locator_classes = []
from pykoh.engines import cpu
from pykoh.errors import EngineError
try:
    cpu.compiled()
except EngineError as error:
    print(error)
"""


def test_no_folder_for_compiled_code_is_one_line() -> None:
    command = [sys.executable, "-c", NO_FOLDER]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "set NUMBA_CACHE_DIR" in said and said.count("\n") == 1


def test_nothing_is_compiled_or_imported_before_it_is_needed() -> None:
    code = "import sys, pykoh.engines.graph.graph as g; print('numba' in sys.modules)"
    command = [sys.executable, "-c", code]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said == "False\n"
    assert cpu.compiled("loops.pairs").select_pairs.targetoptions["nopython"]
