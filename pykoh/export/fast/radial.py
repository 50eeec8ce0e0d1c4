"""The radial functions of one layer as tables, and the density of the blocks that have one."""

from __future__ import annotations

from typing import Tuple

import torch

from pykoh.export.fast.rows import Rows
from pykoh.export.fast.spline import cubic, flat, place
from pykoh.export.fast.tables import compress, pairs_of_species, radial_functions, tabulate


class Radial(torch.nn.Module):
    """Hidden radial features and density of the rows of one layer.

    Args:
        model: the eager model, float64.
        index: of the layer.
        weights: ``[n_hidden, n]``: what its hidden features are multiplied with.

    Attributes:
        weights: ``[Q, n]``, for the Q features that are tabulated.
    """

    def __init__(self, model: torch.nn.Module, index: int, weights: torch.Tensor) -> None:
        super().__init__()
        features, densities = radial_functions(model, index)
        self.cutoff = float(model.r_max)
        features, compressed = compress(features, weights.numpy(), self.cutoff)
        table = tabulate(features, self.cutoff)
        self.n_intervals = table.n_intervals
        self.n_features = compressed.shape[0]
        self.register_buffer("table", flat(table.coefficients))
        self.register_buffer("weights", torch.from_numpy(compressed).contiguous())
        self.register_buffer("pair_table", torch.from_numpy(pairs_of_species(model)[1]).flatten())
        self.has_density = densities is not None
        # A block without density has an empty table.
        self.register_buffer("density_table", torch.zeros((4, 0, 1), dtype=torch.float64))
        self.n_density_intervals = 1
        if densities is not None:
            density = tabulate(densities, self.cutoff)
            self.n_density_intervals = density.n_intervals
            self.density_table = flat(density.coefficients)
        self.per_angstrom = self.n_intervals / self.cutoff
        self.density_per_angstrom = self.n_density_intervals / self.cutoff

    def forward(
        self, distance: torch.Tensor, rows: Rows, low: int, high: int
    ) -> Tuple[torch.Tensor, torch.Tensor]:
        """Return features and slopes ``[high - low, Q]`` of some rows; slopes per interval."""
        pair = self.pair_table.index_select(0, rows.pair[low:high])
        interval, t = place(distance[low:high], pair, self.n_intervals, self.cutoff)
        return cubic(self.table, interval, t)

    @torch.jit.export
    def density(
        self, distance: torch.Tensor, rows: Rows, low: int, high: int
    ) -> Tuple[torch.Tensor, torch.Tensor]:
        """Return each row's part of the density and its slope per Å, ``[high - low]``."""
        pair = self.pair_table.index_select(0, rows.pair[low:high])
        interval, t = place(distance[low:high], pair, self.n_density_intervals, self.cutoff)
        values, slopes = cubic(self.density_table, interval, t)
        return values.squeeze(1), slopes.squeeze(1) * self.density_per_angstrom
