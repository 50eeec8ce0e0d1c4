"""The compiled sums over neighbours for graphs that have vector features in later layers.

There rows are laid out by chunks of atoms, filled up with rows beyond the cutoff, and components
come first (:mod:`pykoh.export.fast.rows`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pykoh.engines.cpu.prepared import Sums, padded, prepared
from pykoh.engines.loops import messages
from pykoh.engines.loops.lanes import CHANNELS_TOGETHER

Array = NDArray[np.floating[Any]]


class _Rows:
    """The rows of some chunks, as the compiled loops want them."""

    def __init__(
        self, source: Any, y: torch.Tensor, places: Any, sent: torch.Tensor, rows: Any, *chunks: int
    ) -> None:
        first, last = chunks
        low, high = rows.rows[first], rows.rows[last]
        self.rows = slice(low, high)
        self.n = high - low
        self.sums: Sums = prepared(source, sent, lambda: Sums(source))
        self.start = (rows.starts[rows.atoms[first] : rows.atoms[last] + 1] - low).numpy()
        self.n_atoms = len(self.start) - 1
        distance, pair = places.distance[low:high].numpy(), rows.pair[low:high].numpy()
        at, position = np.empty(self.n, np.int32), np.empty_like(distance)
        sums = self.sums
        messages.place_rows(
            0, self.n, distance, pair, sums.pair_table, sums.n_tables, sums.n_intervals,
            sums.cutoff, at, position,
        )  # fmt: skip
        sender = pair % source.n_species if source.by_species else rows.neighbour[low:high].numpy()
        n_ell = sums.n_ell
        by_ell = [y[ell**2 : (ell + 1) ** 2, low:high].t().flatten() for ell in range(n_ell)]
        self.sent = padded(sent, 2 * CHANNELS_TOGETHER).contiguous()
        self.arguments: tuple[Any, ...] = (
            0, self.n_atoms, n_ell, self.start, torch.cat(by_ell).numpy(), at, position,
            (sender * sums.width).astype(np.int32), self.sent.view(-1).numpy(), sums.width,
            sums.table,
        )  # fmt: skip


def ahead(
    source: Any,
    y: torch.Tensor,
    places: Any,
    sent: torch.Tensor,
    rows: Any,
    first: int,
    last: int,
    state: list[torch.Tensor],
) -> tuple[torch.Tensor, torch.Tensor]:
    """Do what :meth:`pykoh.export.fast.messages.ScalarMessages.ahead` does."""
    own = _Rows(source, y, places, sent, rows, first, last)
    sums = sent.new_empty((own.sums.n_ell**2, own.n_atoms, own.sums.width))
    given: tuple[Any, ...] = (*own.arguments, sums.view(-1).numpy())
    messages.sum_neighbours(*given)
    state.append(sent)
    density = y.new_empty((own.n_atoms if source.radial.has_density else 0,))
    if source.radial.has_density:
        for c in range(first, last):
            values, slopes = source.radial.density(places, rows.rows[c], rows.rows[c + 1])
            a, b = rows.atoms[c] - rows.atoms[first], rows.atoms[c + 1] - rows.atoms[first]
            density[a:b] = values.view(b - a, -1).sum(1)
            state.append(slopes)
    sums = source.with_gates(sums[:, :, : own.sums.n_channels])
    return torch.bmm(sums, source.compiled_mix), density


def back(
    source: Any,
    upstream: torch.Tensor,
    to_density: torch.Tensor,
    y: torch.Tensor,
    places: Any,
    rows: Any,
    first: int,
    last: int,
    state: list[torch.Tensor],
    to_y: torch.Tensor,
    to_distance: torch.Tensor,
    to_sent: torch.Tensor,
) -> None:
    """Do what :meth:`pykoh.export.fast.messages.ScalarMessages.back` does."""
    own = _Rows(source, y, places, state[0], rows, first, last)
    up = source.without_gates(torch.bmm(upstream, source.compiled_mix.transpose(1, 2)))
    up = padded(up, 2 * CHANNELS_TOGETHER).contiguous().view(-1)
    n_ell, n = own.sums.n_ell, own.n
    found = y.new_zeros(messages.TO_Y_STARTS[n_ell] * n)
    # Nobody asks for derivatives with respect to what an element sends.
    back_sent = own.sent.new_zeros((0 if source.by_species else own.sent.numel(),))
    results = up.numpy(), found.numpy(), back_sent.numpy()
    given: tuple[Any, ...] = (*own.arguments, own.sums.per_angstrom, *results)
    messages.sum_neighbours_back(*given)
    to_distance[own.rows] += found[:n]
    for ell in range(1, n_ell):
        begin, width = messages.TO_Y_STARTS[ell] * n, messages.TO_Y_WIDTHS[ell]
        of_ell = found[begin : begin + width * n].view(n, width)
        to_y[ell**2 : (ell + 1) ** 2, own.rows] += of_ell[:, : 2 * ell + 1].t()
        to_distance[own.rows] += of_ell[:, 2 * ell + 1]
    if not source.by_species:
        to_sent += back_sent.view(own.sent.shape)[:, : own.sums.n_channels]
    if source.radial.has_density:
        for c in range(first, last):
            low, high = rows.rows[c], rows.rows[c + 1]
            a, b = rows.atoms[c] - rows.atoms[first], rows.atoms[c + 1] - rows.atoms[first]
            slopes = state[1 + c - first].view(b - a, -1)
            to_distance[low:high] += (slopes * to_density[a:b].unsqueeze(1)).flatten()
