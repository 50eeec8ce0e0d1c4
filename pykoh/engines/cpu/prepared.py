"""What the compiled loops need of the modules of a graph, made once for each of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray

from pykoh.engines.loops import contraction, contraction_many
from pykoh.engines.loops.lanes import CHANNELS_TOGETHER
from pykoh.engines.loops.paths import GRAD_G_WIDTHS

T = TypeVar("T")
Array = NDArray[np.floating[Any]]

_prepared: WeakKeyDictionary[torch.nn.Module, tuple[torch.dtype, Any]] = WeakKeyDictionary()


def prepared(module: Any, like: torch.Tensor, make: Callable[[], T]) -> T:
    """Return what was made of a module in its present precision; it is made at the first call."""
    found = _prepared.get(module)
    if found is None or found[0] != like.dtype:
        found = _prepared[module] = (like.dtype, make())
    made: T = found[1]
    return made


def padded(x: torch.Tensor) -> torch.Tensor:
    """Return a tensor with zeros behind its last dimension, up to two groups of channels."""
    missing = -x.size(-1) % (2 * CHANNELS_TOGETHER)
    return torch.nn.functional.pad(x, [0, missing]) if missing else x


def filled(matrix: torch.Tensor) -> torch.Tensor:
    """Return a matrix with rows and columns filled up."""
    return padded(padded(matrix).transpose(-1, -2)).transpose(-1, -2)


def flat(x: torch.Tensor) -> Array:
    """Return a tensor as the one-dimensional array that a compiled loop takes."""
    found: Array = x.contiguous().view(-1).numpy()
    return found


def _grouped(table: torch.Tensor) -> torch.Tensor:
    """Return ``[A, W / 16, T n_intervals + 1, 6, 16]`` from ``[T, n_intervals, A, 6, W]``.

    The last interval is one of zeros.
    """
    groups = table.unflatten(4, (-1, CHANNELS_TOGETHER)).permute(2, 4, 0, 1, 3, 5).flatten(2, 3)
    return torch.cat([groups, torch.zeros_like(groups[:, :, :1])], 2)


class Sums:
    """The sums over neighbours of one layer: its radial table as the loops want it.

    Args:
        table: ``[T, n_intervals, A, 6, C]`` of the A radial functions of each channel.
        pair_table: which table is that of a pair of elements.
        cutoff: Å.
    """

    def __init__(self, table: torch.Tensor, pair_table: torch.Tensor, cutoff: float) -> None:
        self.n_channels = table.shape[4]
        table = padded(table)
        self.n_tables, self.n_intervals, self.n_ell = table.shape[:3]
        self.width, self.cutoff = table.shape[4], cutoff
        self.tables = _grouped(table).flatten(1).numpy()
        self.table = self.tables.reshape(-1)
        self.pair_table = pair_table.numpy()
        self.per_angstrom = self.n_intervals / self.cutoff


@dataclass(frozen=True, slots=True)
class Path:
    """One path of a tensor product, from l1 of the sender over l2 of Y to l3 of the message.

    Attributes:
        table: of its radial functions.
        n_sent: 2 l1 + 1.
        first_sent: where l1 begins in a padded row of features.
        n_message: 2 l3 + 1.
        first_message: of its messages among those of all paths.
        l2: of Y.
        couple: ``[2 l2 + 1, (2 l1 + 1) (2 l3 + 1)]``: from Y to g.
        back: from ``grad_g`` to ``grad_y`` (:mod:`pykoh.engines.loops.paths`).
    """

    table: Array
    n_sent: int
    first_sent: int
    n_message: int
    first_message: int
    l2: int
    couple: torch.Tensor
    back: torch.Tensor


class PathSums(Sums):
    """The sums over neighbours of a layer whose senders have vectors.

    Args:
        source: its :class:`pykoh.engines.graph.vectors.VectorMessages`.
        pair_table: which table is that of a pair of elements.
    """

    def __init__(self, source: Any, pair_table: torch.Tensor) -> None:
        super().__init__(source.radial_table, pair_table, source.radial.cutoff)
        self.groups = [(group.d1, group.n_channels) for group in source.groups]
        self.row_width = sum(d1 for d1, _ in self.groups) * self.width
        self.n_messages = len(source.coupling.coupling)
        self.paths = list(self._paths(source))

    def _paths(self, source: Any) -> Any:
        number = first_sent = 0
        for group in source.groups:
            before = 0
            for l2, end, first_sum in zip(group.ells, group.ends, group.sums, strict=True):
                d2, n = 2 * l2 + 1, end - before
                # Sums lie as (m2, path, m1).
                columns = first_sum + torch.arange(d2 * n * group.d1).view(d2, n, group.d1)
                for k in range(n):
                    yield self._path(source, columns[:, k], l2, self.tables[number], first_sent)
                    number += 1
                before = end
            first_sent += group.d1 * self.width

    def _path(
        self, source: Any, columns: torch.Tensor, l2: int, table: Array, first_sent: int
    ) -> Path:
        own = source.coupling.coupling[:, columns]  # [messages, m2, m1]
        used = own.flatten(1).any(1).nonzero().flatten()
        first, n_message = int(used[0]), int(used[-1] - used[0]) + 1
        d2, n_sent = columns.shape
        coupling = own[first : first + n_message].permute(1, 2, 0)  # [m2, m1, m3]
        width = GRAD_G_WIDTHS[(n_message - 1) // 2]
        # Derivatives with respect to Y, then that with respect to the distance; Y_00 is constant.
        back = coupling.new_zeros((n_sent, width, d2 + 1))
        back[:, :n_message, :d2] = coupling.permute(1, 2, 0)
        back[:, n_message, d2] = 1.0
        if l2 == 0:
            back = back[:, :, d2:]
        return Path(
            table, n_sent, first_sent, n_message, first, l2,
            coupling.flatten(1).contiguous(), back.flatten(0, 1).contiguous(),
        )  # fmt: skip

    def padded_rows(self, sent: torch.Tensor) -> torch.Tensor:
        """Return features ``[S, F]`` with the channels of each component filled up."""
        parts = sent.split([d1 * n for d1, n in self.groups], 1)
        shaped = zip(parts, self.groups, strict=True)
        return torch.cat([padded(part.unflatten(1, g)).flatten(1) for part, g in shaped], 1)

    def unpadded_rows(self, sent: torch.Tensor) -> torch.Tensor:
        """Return ``[S, F]`` from what :meth:`padded_rows` gives."""
        parts = sent.split([d1 * self.width for d1, _ in self.groups], 1)
        shaped = zip(parts, self.groups, strict=True)
        return torch.cat(
            [part.unflatten(1, (d1, -1))[:, :, :n].flatten(1) for part, (d1, n) in shaped], 1
        )


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
        self.runs = np.searchsorted(places, wanted).reshape(-1)
        self.factors = np.stack(factors, 1)[order].reshape(-1)
        chosen = source.coefficients[torch.from_numpy(order)]
        groups = padded(chosen).unflatten(2, (-1, CHANNELS_TOGETHER)).permute(2, 1, 0, 3)
        self.coefficients = groups.contiguous().numpy().reshape(-1)


class ManyTerms:
    """The polynomials of a contraction to several components, monomial by monomial."""

    def __init__(self, source: Any) -> None:
        pair = torch.stack([source.pair_b, source.pair_c], 1)
        none = torch.zeros_like(source.triple_a[:1])
        single, double = source.single.unsqueeze(1), pair[source.of_double]
        triple = torch.cat([source.triple_a.unsqueeze(1), pair[source.triple_pair]], 1)
        filled = [
            torch.cat([own, none.expand(len(own), 3 - own.size(1))], 1)
            for own in (single, double, triple)
        ]
        self.factors = torch.cat(filled).numpy()
        self.degrees = np.cumsum([0, *(len(own) for own in filled)])
        order = torch.argsort(source.monomial, stable=True)
        counts = torch.bincount(source.monomial, minlength=len(self.factors))
        self.first_term = np.concatenate([[0], counts.cumsum(0).numpy()])
        ends = torch.tensor(source.ends)
        self.output = torch.searchsorted(ends, order, right=True).numpy()
        self.coefficients = padded(source.coefficients[order]).contiguous().numpy().reshape(-1)

    def arguments(self, x: torch.Tensor, species: torch.Tensor, n_species: int) -> tuple[Any, ...]:
        """Return what both loops take of x ``[M, n, W]``."""
        return (
            x.size(1), x.size(2), x.view(-1).numpy(), species.contiguous().numpy(), n_species,
            self.factors, self.degrees, self.first_term, self.output, self.coefficients,
        )  # fmt: skip


def contract(
    source: Any, x: torch.Tensor, species: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return value ``[n, C]`` and derivative ``[M, n, C]`` of a contraction of x ``[M, n, C]``."""
    terms = prepared(source, x, lambda: Terms(source, x.size(0)))
    n_channels = x.size(2)
    x = padded(x).contiguous()
    value, derivative = torch.empty_like(x[0]), torch.empty_like(x)
    contraction.contract(
        x.size(1), x.size(2), x.view(-1).numpy(), species.contiguous().numpy(),
        source.coefficients.size(1), terms.coefficients, terms.factors, terms.runs,
        value.view(-1).numpy(), derivative.view(-1).numpy(),
    )  # fmt: skip
    if n_channels < x.size(2):
        return value[:, :n_channels].contiguous(), derivative[:, :, :n_channels].contiguous()
    return value, derivative


def contract_many(source: Any, x: torch.Tensor, species: torch.Tensor) -> torch.Tensor:
    """Return the values ``[n, O C]`` of a contraction of x ``[M, n, C]`` to O components."""
    terms = prepared(source, x, lambda: ManyTerms(source))
    full = padded(x).contiguous()
    found = full.new_zeros((source.n_outputs, *full.shape[1:]))
    given = terms.arguments(full, species, source.coefficients.size(1))
    results: tuple[Any, ...] = (found.view(-1).numpy(),)
    contraction_many.contract_many(*given, *results)
    return found[:, :, : x.size(2)].transpose(0, 1).flatten(1)


def contract_many_backward(
    source: Any, upstream: torch.Tensor, x: torch.Tensor, species: torch.Tensor
) -> torch.Tensor:
    """Return the derivative ``[M, n, C]`` by x, given that of the values."""
    terms = prepared(source, x, lambda: ManyTerms(source))
    full = padded(x).contiguous()
    shaped = upstream.unflatten(1, (source.n_outputs, x.size(2))).transpose(0, 1)
    up, grad_x = padded(shaped).contiguous(), torch.zeros_like(full)
    given = terms.arguments(full, species, source.coefficients.size(1))
    results: tuple[Any, ...] = up.view(-1).numpy(), grad_x.view(-1).numpy()
    contraction_many.contract_many_backward(*given, *results)
    return grad_x[:, :, : x.size(2)].contiguous()
