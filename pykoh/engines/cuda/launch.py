"""Calls of the Triton kernels: the operators of :mod:`pykoh.engines.operators` on a GPU.

A call launches one kernel and never waits for the device, so that it can be captured in a CUDA
graph; kernels are compiled at the first call and kept on disk by Triton.
"""

from __future__ import annotations

from typing import Any, TypeVar

import torch

from pykoh.engines.cuda import loops

# Rows times channels of a tile: a few numbers for each of the threads, times (max_ell + 1)² sums.
TILE = {torch.float32: 512, torch.float64: 256}
WARPS = 4
MOST_CHANNELS = 64  # of a program, in the forward pass

T = TypeVar("T")
Terms = tuple[tuple[tuple[int, int, int], ...], ...]
_terms_of: dict[int, tuple[torch.Tensor, tuple[int, int, int], Terms]] = {}


def power_of_two(n: int) -> int:
    """Return the smallest power of two that is not below n."""
    return 1 << max(n - 1, 0).bit_length()


def rows_of_tile(channels: int, dtype: torch.dtype) -> int:
    """Return how many rows a program takes at a time."""
    return max(min(TILE[dtype] // channels, 16), 2)


def sum_neighbours(
    y: torch.Tensor,
    distance: torch.Tensor,
    pair: torch.Tensor,
    sender: torch.Tensor,
    start: torch.Tensor,
    sent: torch.Tensor,
    table: torch.Tensor,
    pair_table: torch.Tensor,
    cutoff: float,
) -> torch.Tensor:
    """Return the sums ``[M, n, C]`` of the operator of that name."""
    n_atoms, n_channels = start.numel() - 1, sent.size(1)
    if n_atoms < 1 or sent.size(0) == 0:
        return sent.new_zeros((y.size(0), max(n_atoms, 0), n_channels))
    sums = sent.new_empty((y.size(0), n_atoms, n_channels))
    channels = min(power_of_two(n_channels), MOST_CHANNELS)
    loops.sum_neighbours[(n_atoms, -(-n_channels // channels))](
        *_contiguous(start, y, distance, pair, sender, sent, table, pair_table),
        sums,
        n_atoms,
        distance.numel(),
        CUTOFF=cutoff,
        N_INTERVALS=table.size(1),
        N_ELL=table.size(2),
        N_CHANNELS=n_channels,
        ROWS=rows_of_tile(channels, sent.dtype),
        CHANNELS=channels,
        num_warps=WARPS,
    )
    return sums


def sum_neighbours_back(
    upstream: torch.Tensor,
    y: torch.Tensor,
    distance: torch.Tensor,
    pair: torch.Tensor,
    sender: torch.Tensor,
    start: torch.Tensor,
    sent: torch.Tensor,
    table: torch.Tensor,
    pair_table: torch.Tensor,
    cutoff: float,
    grad_y: torch.Tensor,
    grad_distance: torch.Tensor,
    grad_sent: torch.Tensor | None,
    adds: bool = True,
) -> None:
    """Add to the derivatives: see :mod:`pykoh.engines.operators`.

    Args (beyond those of the operator):
        grad_sent: None if nobody asks for it.
        adds: if not, ``grad_y`` and ``grad_distance`` are written in all rows of the atoms.
    """
    n_atoms, n_channels = start.numel() - 1, sent.size(1)
    if n_atoms < 1 or sent.size(0) == 0:
        return
    channels = power_of_two(n_channels)
    loops.sum_neighbours_back[(n_atoms,)](
        *_contiguous(upstream, start, y, distance, pair, sender, sent, table, pair_table),
        grad_y,
        grad_distance,
        grad_y if grad_sent is None else grad_sent,
        n_atoms,
        distance.numel(),
        CUTOFF=cutoff,
        N_INTERVALS=table.size(1),
        N_ELL=table.size(2),
        N_CHANNELS=n_channels,
        ROWS=rows_of_tile(channels, sent.dtype),
        CHANNELS=channels,
        ADDS=adds,
        GRAD_SENT=grad_sent is not None,
        num_warps=WARPS,
    )


def contract(
    x: torch.Tensor,
    species: torch.Tensor,
    coefficients: torch.Tensor,
    factors: torch.Tensor,
    n_cubic: int,
    n_quadratic: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return value ``[n, C]`` and derivative ``[M, n, C]``: see :mod:`pykoh.engines.operators`."""
    return contract_terms(x, species, coefficients, kept_terms(factors, n_cubic, n_quadratic))


def contract_terms(
    x: torch.Tensor, species: torch.Tensor, coefficients: torch.Tensor, terms: Terms
) -> tuple[torch.Tensor, torch.Tensor]:
    """Do the same with terms from :func:`terms_by_component`."""
    n_components, n_atoms, n_channels = x.shape
    begins, flat = flattened(terms + ((),) * (n_components - len(terms)))
    value, derivative = x.new_empty((n_atoms, n_channels)), x.new_empty(x.shape)
    if x.numel() == 0:
        return value, derivative
    channels = min(power_of_two(n_channels), MOST_CHANNELS)
    loops.contract[(n_atoms, -(-n_channels // channels))](
        *_contiguous(x, species, coefficients),
        value,
        derivative,
        n_atoms,
        N_SPECIES=coefficients.size(1),
        TERMS=flat,
        BEGINS=begins,
        N_COMPONENTS=n_components,
        N_CHANNELS=n_channels,
        CHANNELS=channels,
        num_warps=2,
    )
    return value, derivative


def terms_by_component(factors: list[list[int]], n_cubic: int, n_quadratic: int) -> Terms:
    """Return the terms of the derivative by each component, as the kernel wants them.

    Args:
        factors: ``[K, 3]`` as the loop for a CPU takes them.
        n_cubic: terms with two factors.
        n_quadratic: terms with one.
    """
    found: list[list[tuple[int, int, int]]] = []
    for k, (a, b, c) in enumerate(factors):
        while len(found) <= a:
            found.append([])
        if k < n_cubic:
            found[a].append((k, b, c))
        else:
            found[a].append((k, b if k < n_cubic + n_quadratic else -1, -1))
    return tuple(tuple(terms) for terms in found)


def flattened(nested: tuple[tuple[T, ...], ...]) -> tuple[tuple[int, ...], tuple[T, ...]]:
    """Return where each part begins (and all end), and the entries of all parts.

    Triton takes tuples of tuples as constants, but nothing deeper.
    """
    begins = [0]
    for part in nested:
        begins.append(begins[-1] + len(part))
    return tuple(begins), tuple(entry for part in nested for entry in part)


def kept_terms(factors: torch.Tensor, n_cubic: int, n_quadratic: int) -> Terms:
    """Return the terms of a tensor of factors, read from the device at its first call only.

    The tensor is kept with them, so that no other can have its address.
    """
    key = factors.data_ptr()
    kept = _terms_of.get(key)
    numbers = (n_cubic, n_quadratic, factors._version)
    if kept is None or kept[1] != numbers or kept[0].shape != factors.shape:
        terms = terms_by_component(factors.tolist(), n_cubic, n_quadratic)
        _terms_of[key] = kept = (factors, numbers, terms)
    return kept[2]


def _contiguous(*tensors: torch.Tensor) -> tuple[Any, ...]:
    return tuple(tensor.contiguous() for tensor in tensors)
