"""Evaluation of the radial tables, and rows sorted by the neighbour's element."""

from __future__ import annotations

from typing import Any, Tuple

import torch


def flat(coefficients: Any) -> torch.Tensor:
    """Return spline coefficients as ``[4, n_tables · (n_intervals + 1), n_features]``."""
    return torch.from_numpy(coefficients).flatten(1, 2).contiguous()


def place(
    distance: torch.Tensor, table: torch.Tensor, n_intervals: int, cutoff: float
) -> Tuple[torch.Tensor, torch.Tensor]:
    """Return the spline interval ``[P]`` and the position t ``[P, 1]`` within it."""
    scaled = distance * (n_intervals / cutoff)
    interval = torch.clamp(torch.floor(scaled), max=float(n_intervals)).to(torch.int64)
    # A distance that is not a number must not become an index; t passes it on.
    interval = torch.clamp(interval, min=0)
    t = (scaled - interval.to(scaled.dtype)).unsqueeze(1)
    return interval + table * (n_intervals + 1), t


def cubic(
    table: torch.Tensor, interval: torch.Tensor, t: torch.Tensor
) -> Tuple[torch.Tensor, torch.Tensor]:
    """Return value and t-derivative ``[P, n]`` of the cubic of each row at t ``[P, 1]``."""
    c3 = table[3].index_select(0, interval)
    b2 = torch.addcmul(table[2].index_select(0, interval), t, c3)
    b1 = torch.addcmul(table[1].index_select(0, interval), t, b2)
    value = torch.addcmul(table[0].index_select(0, interval), t, b1)
    return value, torch.addcmul(b1, t, torch.addcmul(b2, t, c3))


def one_hot(species: torch.Tensor, n_species: int, dtype: torch.dtype) -> torch.Tensor:
    """Return ``[n_species, n]``: 1 where an entry is of the species."""
    kinds = torch.arange(n_species, device=species.device).unsqueeze(1)
    return (species == kinds).to(dtype)


def by_species(y: torch.Tensor, species: torch.Tensor, n_species: int) -> torch.Tensor:
    """Return ``[n_species · M, n]``: Y ``[M, n]`` of the rows of each species, else 0."""
    is_of = one_hot(species, n_species, y.dtype)
    return (is_of.unsqueeze(1) * y.unsqueeze(0)).flatten(0, 1)
