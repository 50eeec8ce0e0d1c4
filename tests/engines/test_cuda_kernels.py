"""The Triton kernels, run by Triton's interpreter on a CPU, against plain torch operations."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import pytest
import torch

from launches import needs_triton

needs_triton()
from pykoh.engines import operators  # noqa: F401  registers them
from pykoh.engines.cuda import launch

CUTOFF_A = 4.0
N_TABLES, N_INTERVALS = 2, 7
TOLERANCE = {torch.float64: 1e-12, torch.float32: 2e-5}
# Atoms with their numbers of rows, and channels: powers of two and others.
SHAPES = {
    "rows of unequal length": ([3, 0, 17, 1, 9, 40], 5),
    "one atom": ([6], 8),
    "one row": ([0, 1, 0], 1),
    "more channels than one block": ([2, 11], 70),
    "no pairs": ([0, 0, 0], 6),
    "no atoms": ([], 4),
}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


def arguments(
    shape: str, max_ell: int = 2, dtype: torch.dtype = torch.float64
) -> dict[str, torch.Tensor]:
    """Return arguments of the operators; some rows are at or beyond the cutoff."""
    random = torch.Generator().manual_seed(max_ell)
    per_atom, n_channels = SHAPES[shape]
    counts = torch.tensor(per_atom, dtype=torch.int64)
    n_atoms, n_rows, m = len(counts), int(counts.sum()), (max_ell + 1) ** 2

    def normal(*size: int) -> torch.Tensor:
        return torch.randn(size, generator=random, dtype=torch.float64).to(dtype)

    distance = 0.5 + 4.0 * torch.rand(n_rows, generator=random, dtype=torch.float64)
    distance[1:2] = CUTOFF_A
    return {
        "y": normal(m, n_rows),
        "distance": distance.to(dtype),
        "pair": torch.randint(0, 4, (n_rows,), generator=random),
        "sender": torch.randint(0, max(n_atoms, 1), (n_rows,), generator=random),
        "start": torch.cat([torch.zeros(1, dtype=torch.int64), counts.cumsum(0)]),
        "sent": normal(n_atoms, n_channels),
        "table": normal(N_TABLES, N_INTERVALS, max_ell + 1, 6, n_channels),
        "pair_table": torch.tensor([0, 1, 1, 0]),
    }


def assert_same(found: torch.Tensor, wanted: torch.Tensor) -> None:
    assert found.dtype == wanted.dtype and found.shape == wanted.shape
    scale = max(float(wanted.abs().max()), 1.0) if wanted.numel() else 1.0
    torch.testing.assert_close(found, wanted, rtol=0.0, atol=TOLERANCE[found.dtype] * scale)


CASES = [(shape, 2, dtype) for shape in SHAPES for dtype in TOLERANCE]
CASES += [("rows of unequal length", ell, torch.float64) for ell in (0, 1, 3)]


@pytest.mark.parametrize(("shape", "max_ell", "dtype"), CASES)
def test_sums_over_neighbours_both_ways(shape: str, max_ell: int, dtype: torch.dtype) -> None:
    given = list(arguments(shape, max_ell, dtype).values())
    sums = launch.sum_neighbours(*given, CUTOFF_A)
    wanted = torch.ops.pykoh.sum_neighbours(*given, CUTOFF_A)
    assert_same(sums, wanted)
    if sum(SHAPES[shape][0]) > 1:
        assert wanted.abs().max() > 0.1
    upstream = torch.randn(wanted.shape, generator=torch.Generator().manual_seed(1)).to(dtype)
    targets = [torch.ones_like(given[place]) for place in (0, 1, 5)]
    mine = [each.clone() for each in targets]
    torch.ops.pykoh.sum_neighbours_back(upstream, *given, CUTOFF_A, *targets)
    launch.sum_neighbours_back(upstream, *given, CUTOFF_A, *mine)
    for found, exact in zip(mine, targets, strict=True):
        assert_same(found, exact)


def test_written_instead_of_added() -> None:
    given = list(arguments("rows of unequal length").values())
    upstream = torch.randn(torch.ops.pykoh.sum_neighbours(*given, CUTOFF_A).shape).double()
    wanted = [torch.zeros_like(given[place]) for place in (0, 1, 5)]
    torch.ops.pykoh.sum_neighbours_back(upstream, *given, CUTOFF_A, *wanted)
    # Rows beyond the cutoff are written too: what was there before is not to stay.
    found = [torch.full_like(each, float("nan")) for each in wanted[:2]]
    launch.sum_neighbours_back(upstream, *given, CUTOFF_A, *found, None, adds=False)
    for mine, exact in zip(found, wanted[:2], strict=True):
        assert_same(mine, exact)


def test_rows_of_some_atoms() -> None:
    given = arguments("rows of unequal length")
    whole = launch.sum_neighbours(*given.values(), CUTOFF_A)
    given["start"] = given["start"][2:5]
    assert_same(launch.sum_neighbours(*given.values(), CUTOFF_A), whole[:, 2:4].contiguous())


def test_what_is_not_a_number_stays_so() -> None:
    given = arguments("one atom")
    given["distance"][3] = float("nan")
    assert torch.isnan(launch.sum_neighbours(*given.values(), CUTOFF_A)).all()


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("n_atoms", "n_channels"), [(7, 5), (1, 64), (3, 1), (0, 4)])
def test_contraction(n_atoms: int, n_channels: int, dtype: torch.dtype) -> None:
    random = torch.Generator().manual_seed(0)
    # The last component occurs in no term.
    factors = torch.tensor(
        [[0, 1, 1], [1, 0, 1], [2, 2, 2], [0, 2, 3], [3, 0, 2], [1, 1, 0], [3, 2, 0], [0, 0, 0]]
    )
    coefficients = torch.randn((8, 3, n_channels), generator=random).to(dtype)
    x = torch.randn((5, n_atoms, n_channels), generator=random).to(dtype)
    species = torch.randint(0, 3, (n_atoms,), generator=random)
    for n_cubic, n_quadratic in ((5, 2), (0, 7), (8, 0), (0, 0)):
        wanted = torch.ops.pykoh.contract(x, species, coefficients, factors, n_cubic, n_quadratic)
        found = launch.contract(x, species, coefficients, factors, n_cubic, n_quadratic)
        for mine, exact in zip(found, wanted, strict=True):
            assert_same(mine, exact)


def test_the_operators_have_kernels_for_cuda() -> None:
    for name in ("sum_neighbours", "sum_neighbours_back", "contract"):
        for key in ("CPU", "CUDA"):
            assert torch._C._dispatch_has_kernel_for_dispatch_key(f"pykoh::{name}", key)
