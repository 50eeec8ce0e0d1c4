"""Evaluation of the radial tables, and rows sorted by the neighbour's element."""

from __future__ import annotations

from typing import Any, NamedTuple, Tuple

import torch


class Places(NamedTuple):
    """Where in the tables each of P rows is.

    Attributes:
        interval: ``[P]`` int64, row of the table.
        t: ``[P, 1]`` in 0 … 1, position within the interval.
        distance: ``[P]`` Å, for tables with other intervals.
    """

    interval: torch.Tensor
    t: torch.Tensor
    distance: torch.Tensor


def flat(coefficients: Any) -> torch.Tensor:
    """Return spline coefficients as ``[n_tables · (n_intervals + 1), 4 n_features]``."""
    return torch.from_numpy(coefficients).flatten(1, 2).transpose(0, 1).flatten(1).contiguous()


def place(
    distance: torch.Tensor,
    pair_table: torch.Tensor,
    pair: torch.Tensor,
    n_intervals: int,
    cutoff: float,
) -> Places:
    """Return where distances are in the tables of a layer.

    Args:
        distance: ``[P]`` Å.
        pair_table: ``[S²]`` table of each pair of species.
        pair: ``[P]`` of each distance.
        n_intervals: of each table.
        cutoff: Å, the end of each table.
    """
    scaled = distance * (n_intervals / cutoff)
    # A distance that is not a number must not become an index; t passes it on.
    interval = torch.clamp(scaled.to(torch.int64), 0, n_intervals)
    t = (scaled - interval).unsqueeze(1)
    table = pair_table.index_select(0, pair)
    return Places(interval + table * (n_intervals + 1), t, distance)


def cubic(
    table: torch.Tensor, interval: torch.Tensor, t: torch.Tensor
) -> Tuple[torch.Tensor, torch.Tensor]:
    """Return value and t-derivative ``[P, n]`` of the cubic of each row at t ``[P, 1]``."""
    c0, c1, c2, c3 = table.index_select(0, interval).chunk(4, 1)
    b2 = torch.addcmul(c2, t, c3)
    b1 = torch.addcmul(c1, t, b2)
    value = torch.addcmul(c0, t, b1)
    return value, torch.addcmul(b1, t, torch.addcmul(b2, t, c3))


def one_hot(species: torch.Tensor, n_species: int, dtype: torch.dtype) -> torch.Tensor:
    """Return ``[n_species, n]``: 1 where an entry is of the species."""
    kinds = torch.arange(n_species, device=species.device).unsqueeze(1)
    return (species == kinds).to(dtype)


def by_species(y: torch.Tensor, is_of: torch.Tensor) -> torch.Tensor:
    """Return ``[n_species · M, n]``: Y ``[M, n]`` of the rows of each species, else 0."""
    return (is_of.unsqueeze(1) * y.unsqueeze(0)).flatten(0, 1)
