"""What the compiled loops need of the modules of a graph, made once for each of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
import torch

from pykoh.engines.cpu.pairs import Pairs
from pykoh.engines.loops import contraction, messages
from pykoh.engines.loops.lanes import CHANNELS_TOGETHER

T = TypeVar("T")

_prepared: WeakKeyDictionary[torch.nn.Module, tuple[torch.dtype, Any]] = WeakKeyDictionary()


def prepared(module: Any, like: torch.Tensor, make: Callable[[], T]) -> T:
    """Return what was made of a module in its present precision; it is made at the first call."""
    found = _prepared.get(module)
    if found is None or found[0] != like.dtype:
        found = _prepared[module] = (like.dtype, make())
    made: T = found[1]
    return made


def padded(x: torch.Tensor, multiple: int) -> torch.Tensor:
    """Return a tensor with zeros behind its last dimension, up to a multiple."""
    missing = -x.size(-1) % multiple
    return torch.nn.functional.pad(x, [0, missing]) if missing else x


class Sums:
    """The sums over neighbours of one layer: its radial table as the loops want it."""

    def __init__(self, source: Any) -> None:
        table = padded(source.radial_table, 2 * CHANNELS_TOGETHER)
        self.n_tables, self.n_intervals, self.n_ell = table.shape[:3]
        self.width, self.n_channels, self.cutoff = table.shape[4], source.n_sent, source.cutoff
        groups = table.unflatten(4, (-1, CHANNELS_TOGETHER)).permute(2, 4, 0, 1, 3, 5)
        groups = groups.flatten(2, 3)
        self.table = torch.cat([groups, torch.zeros_like(groups[:, :, :1])], 2).flatten().numpy()
        self.pair_table = source.pair_table.numpy()
        self.per_angstrom = self.n_intervals / self.cutoff

    def place(self, pairs: Pairs, low: int, high: int, at: Any, position: Any) -> None:
        """Write where some rows are in the table."""
        messages.place_rows(
            low, high, pairs.distance, pairs.kinds, self.pair_table, self.n_tables,
            self.n_intervals, self.cutoff, at, position,
        )  # fmt: skip


class Terms:
    """The polynomial of a contraction, its terms in the order of the compiled loop."""

    def __init__(self, source: Any, n_components: int) -> None:
        n_cubic, n_quadratic = source.of_pair.size(0), source.of_single.size(0)
        components, *factors = source.factors.numpy().T
        degree = np.repeat(
            [0, 1, 2], [n_cubic, n_quadratic, len(components) - n_cubic - n_quadratic]
        )
        order = np.lexsort((degree, components))
        places = components[order] * 3 + degree[order]
        wanted = np.arange(n_components)[:, None] * 3 + np.arange(4)
        self.runs = np.searchsorted(places, wanted)
        self.factors = np.ascontiguousarray(np.stack(factors, 1)[order])
        chosen = source.coefficients[torch.from_numpy(order)]
        self.coefficients = padded(chosen, 2 * CHANNELS_TOGETHER).contiguous().numpy().reshape(-1)


def contract(
    source: Any, x: torch.Tensor, species: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return value ``[n, C]`` and derivative ``[M, n, C]`` of a contraction of x ``[M, n, C]``."""
    terms = prepared(source, x, lambda: Terms(source, x.size(0)))
    n_channels = x.size(2)
    x = padded(x, 2 * CHANNELS_TOGETHER).contiguous()
    value, derivative = torch.empty_like(x[0]), torch.empty_like(x)
    contraction.contract(
        x.size(1), x.size(2), x.view(-1).numpy(), species.contiguous().numpy(),
        source.coefficients.size(1), terms.coefficients, terms.factors, terms.runs,
        value.view(-1).numpy(), derivative.view(-1).numpy(),
    )  # fmt: skip
    if n_channels < x.size(2):
        return value[:, :n_channels].contiguous(), derivative[:, :, :n_channels].contiguous()
    return value, derivative
