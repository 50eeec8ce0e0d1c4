"""Operators of the fast graph that a device may have kernels of its own for.

On a CPU they are plain torch operations, which say what they compute: pykoh's own force call
(:mod:`pykoh.engines.cpu`) does not need them, but scripts of earlier artifacts name them. For CUDA
tensors they are the Triton kernels of :mod:`pykoh.engines.cuda`. Importing this module registers
them (``torch.ops.pykoh.…``), before ``torch.jit.load``.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import torch


def _radial(
    distance: torch.Tensor,
    pair: torch.Tensor,
    table: torch.Tensor,
    pair_table: torch.Tensor,
    cutoff: float,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the radial functions ``[M, P, C]`` of rows and their derivatives per Å.

    ``table`` is ``[T, n_intervals, max_ell + 1, 6, C]``: coefficients of the powers of the position
    in equal intervals from 0 to the cutoff.
    """
    n_intervals, n_ell = table.shape[1:3]
    scaled = distance * (n_intervals / cutoff)
    interval = scaled.to(torch.int64).clamp(0, n_intervals - 1)
    t = (scaled - interval).view(-1, 1, 1)
    found = table[pair_table[pair], interval]
    value, slope = found[:, :, 5], torch.zeros_like(found[:, :, 5])
    for k in range(4, -1, -1):
        slope = slope * t + value
        value = value * t + found[:, :, k]
    near = ~(distance >= cutoff).view(-1, 1, 1)  # what is not a number has to be seen
    zero = torch.zeros_like(value)
    value, slope = torch.where(near, value, zero), torch.where(near, slope, zero)
    ells = [ell for ell in range(n_ell) for _ in range(2 * ell + 1)]
    per_angstrom = n_intervals / cutoff
    return value[:, ells].transpose(0, 1), slope[:, ells].transpose(0, 1) * per_angstrom


def _atoms(start: torch.Tensor) -> torch.Tensor:
    return torch.repeat_interleave(start.diff())


def _sum_neighbours(
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
    """Return Y_m R_l(r) s_c summed over each atom's rows, ``[M, n, C]``; l is that of m.

    Args:
        y: ``[M, P]`` spherical harmonics.
        distance: ``[P]`` Å.
        pair: ``[P]`` index into ``pair_table``.
        sender: ``[P]`` row of ``sent``.
        start: ``[n + 1]`` first row of each atom.
        sent: ``[S, C]`` s.
        table: of R: see :func:`_radial`.
        pair_table: which table is that of a pair.
        cutoff: Å.
    """
    radial, _ = _radial(distance, pair, table, pair_table, cutoff)
    messages = y.unsqueeze(2) * radial * sent[sender]
    sums = sent.new_zeros((y.size(0), start.numel() - 1, sent.size(1)))
    return sums.index_add_(1, _atoms(start), messages)


def _sum_neighbours_back(
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
    grad_sent: torch.Tensor,
) -> None:
    """Add to the three derivatives of :func:`_sum_neighbours`."""
    radial, slope = _radial(distance, pair, table, pair_table, cutoff)
    up, s = upstream[:, _atoms(start)], sent[sender]
    grad_y += (up * radial * s).sum(2)
    grad_distance += (up * slope * s * y.unsqueeze(2)).sum((0, 2))
    grad_sent.index_add_(0, sender, (up * radial * y.unsqueeze(2)).sum(0))


def _contract(
    x: torch.Tensor,
    species: torch.Tensor,
    coefficients: torch.Tensor,
    factors: torch.Tensor,
    n_cubic: int,
    n_quadratic: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return value ``[n, C]`` and derivative ``[M, n, C]`` of a polynomial of x ``[M, n, C]``.

    Args:
        x: its variables.
        species: ``[n]``.
        coefficients: ``[K, n_species, C]`` of the K terms of the derivative: those with two
            factors, then those with one, then those with none.
        factors: ``[K, 3]`` the component that a term is the derivative by, then its factors.
        n_cubic: terms with two factors.
        n_quadratic: terms with one.
    """
    terms = coefficients[:, species]
    end = n_cubic + n_quadratic
    terms[:end] *= x[factors[:end, 1]]
    terms[:n_cubic] *= x[factors[:n_cubic, 2]]
    derivative = torch.zeros_like(x).index_add_(0, factors[:, 0], terms)
    # By Euler's theorem x times a derivative of degree d - 1 is d times its part of the value.
    degree = torch.ones_like(terms[:, :1, :1])
    degree[:end], degree[:n_cubic] = 2.0, 3.0
    return (terms / degree * x[factors[:, 0]]).sum(0), derivative


_library = torch.library.Library("pykoh", "FRAGMENT")
_library.define(
    "sum_neighbours(Tensor y, Tensor distance, Tensor pair, Tensor sender, Tensor start, "
    "Tensor sent, Tensor table, Tensor pair_table, float cutoff) -> Tensor"
)
_library.define(
    "sum_neighbours_back(Tensor upstream, Tensor y, Tensor distance, Tensor pair, Tensor sender, "
    "Tensor start, Tensor sent, Tensor table, Tensor pair_table, float cutoff, Tensor(a!) to_y, "
    "Tensor(b!) to_distance, Tensor(c!) to_sent) -> ()"
)
_library.define(
    "contract(Tensor x, Tensor species, Tensor coefficients, Tensor factors, int n_cubic, "
    "int n_quadratic) -> (Tensor, Tensor)"
)
_library.impl("sum_neighbours", _sum_neighbours, "CPU")
_library.impl("sum_neighbours_back", _sum_neighbours_back, "CPU")
_library.impl("contract", _contract, "CPU")


def _on_cuda(name: str) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        return getattr(import_module("pykoh.engines.cuda.launch"), name)(*arguments)

    return call


for _name in ("sum_neighbours", "sum_neighbours_back", "contract"):
    _library.impl(_name, _on_cuda(_name), "CUDA")
