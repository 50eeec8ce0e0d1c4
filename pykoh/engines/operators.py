"""The operators by which a fast graph calls the compiled loops of :mod:`pykoh.engines.kernels`.

For CUDA tensors they are the Triton kernels of :mod:`pykoh.engines.cuda`. Importing this module
registers them (``torch.ops.pykoh.…``), before ``torch.jit.load``; the loops are compiled at
the first call, and kept on disk by numba.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from types import ModuleType
from typing import Any

import torch

from pykoh.errors import EngineError

# Fewer atoms are not worth waking up another thread.
ATOMS_PER_PART = 64

_pools: dict[tuple[int, int], ThreadPoolExecutor] = {}


def compiled_loops(name: str = "kernels") -> ModuleType:
    """Return :mod:`pykoh.engines.kernels`, or another module of compiled loops.

    Raises:
        EngineError: numba finds no folder that it may write compiled code to.
    """
    try:
        return import_module(f"pykoh.engines.{name}")
    except RuntimeError as err:
        raise EngineError(
            "numba finds no folder to keep compiled code in (neither beside pykoh nor in the home "
            "folder); set NUMBA_CACHE_DIR to one that can be written to"
        ) from err


def _in_parts(n_atoms: int, work: Callable[[int, int, int], None]) -> None:
    """Call ``work(part, low, high)`` for shares of the atoms, in as many threads as torch uses."""
    n_parts = _n_parts(n_atoms)
    if n_parts == 1:
        work(0, 0, n_atoms)
        return
    # A process that was forked has none of the threads of its parent.
    key = (os.getpid(), n_parts)
    if key not in _pools:
        _pools[key] = ThreadPoolExecutor(n_parts - 1, thread_name_prefix="pykoh")
    ends = [n_atoms * part // n_parts for part in range(n_parts + 1)]
    others = [
        _pools[key].submit(work, part, ends[part], ends[part + 1]) for part in range(1, n_parts)
    ]
    work(0, 0, ends[1])
    for other in others:
        other.result()


def _n_parts(n_atoms: int) -> int:
    return max(min(torch.get_num_threads(), n_atoms // ATOMS_PER_PART), 1)


def _arrays(*tensors: torch.Tensor) -> tuple[Any, ...]:
    return tuple(tensor.contiguous().numpy() for tensor in tensors)


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
    """Return the sums ``[M, n, C]`` of :func:`pykoh.engines.kernels.sum_neighbours`."""
    kernels = compiled_loops()
    n_atoms = start.numel() - 1
    sums = sent.new_zeros((y.size(0), n_atoms, sent.size(1)))
    if n_atoms < 1 or sent.size(0) == 0:
        return sums
    arrays = _arrays(start, y, distance, pair, sender, sent, table, pair_table)
    result = sums.numpy()

    def work(_: int, low: int, high: int) -> None:
        given: tuple[Any, ...] = (low, high, *arrays, cutoff, result)
        kernels.sum_neighbours(*given)

    _in_parts(n_atoms, work)
    return sums


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
    to_y: torch.Tensor,
    to_distance: torch.Tensor,
    to_sent: torch.Tensor,
) -> None:
    """Add to the three derivatives: :func:`pykoh.engines.kernels.sum_neighbours_back`."""
    kernels = compiled_loops()
    n_atoms = start.numel() - 1
    if n_atoms < 1 or sent.size(0) == 0:
        return
    arrays = _arrays(start, y, distance, pair, sender, sent, table, pair_table)
    up = upstream.contiguous().numpy()
    # Rows belong to one atom, senders do not: each thread adds up its own.
    n_parts = _n_parts(n_atoms)
    own = to_sent.new_zeros((n_parts - 1, *to_sent.shape))
    to_senders = [to_sent.numpy(), *own.numpy()]

    def work(part: int, low: int, high: int) -> None:
        targets = (to_y.numpy(), to_distance.numpy(), to_senders[part])
        given: tuple[Any, ...] = (low, high, *arrays, cutoff, up, *targets)
        kernels.sum_neighbours_back(*given)

    _in_parts(n_atoms, work)
    if n_parts > 1:
        to_sent.add_(own.sum(0))


def _contract(
    x: torch.Tensor,
    species: torch.Tensor,
    coefficients: torch.Tensor,
    factors: torch.Tensor,
    n_cubic: int,
    n_quadratic: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return value ``[n, C]`` and derivative ``[M, n, C]`` of a polynomial of x ``[M, n, C]``."""
    kernels = compiled_loops()
    derivative = torch.zeros_like(x, memory_format=torch.contiguous_format)
    value = x.new_zeros(x.shape[1:])
    arrays = _arrays(x, species, coefficients, factors)

    def work(_: int, low: int, high: int) -> None:
        results = (value.numpy(), derivative.numpy())
        given: tuple[Any, ...] = (low, high, *arrays, n_cubic, n_quadratic, *results)
        kernels.contract(*given)

    _in_parts(x.size(1), work)
    return value, derivative


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
