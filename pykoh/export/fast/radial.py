"""The radial functions of one layer as tables, and the density of the blocks that have one."""

from __future__ import annotations

from typing import Tuple

import torch

from pykoh.export.fast.spline import Places, cubic, flat
from pykoh.export.fast.tables import compress, radial_functions, tabulate


class Radial(torch.nn.Module):
    """Hidden radial features and density of the rows of one layer.

    Args:
        model: the eager model, float64.
        index: of the layer.
        weights: ``[n_hidden, n]``: what its hidden features are multiplied with.
        at_least: intervals of the tables.

    Attributes:
        weights: ``[Q, n]``, for the Q features that are tabulated.
        n_intervals: of both tables.
    """

    def __init__(
        self, model: torch.nn.Module, index: int, weights: torch.Tensor, at_least: int
    ) -> None:
        super().__init__()
        features, densities = radial_functions(model, index)
        self.cutoff = float(model.r_max)
        features, compressed = compress(features, weights.numpy(), self.cutoff)
        table = tabulate(features, self.cutoff, at_least)
        # A block without density has an empty table.
        self.has_density = densities is not None
        self.register_buffer("density_table", torch.zeros((0, 4), dtype=torch.float64))
        if densities is not None:
            density = tabulate(densities, self.cutoff, table.n_intervals)
            if density.n_intervals > table.n_intervals:
                table = tabulate(features, self.cutoff, density.n_intervals)
            self.density_table = flat(density.coefficients)
        self.n_intervals = table.n_intervals
        self.register_buffer("table", flat(table.coefficients))
        self.register_buffer("weights", torch.from_numpy(compressed).contiguous())
        self.n_features = compressed.shape[0]
        self.per_angstrom = self.n_intervals / self.cutoff

    def forward(self, places: Places, low: int, high: int) -> Tuple[torch.Tensor, torch.Tensor]:
        """Return features and slopes ``[high - low, Q]`` of some rows; slopes per interval."""
        return cubic(self.table, places.interval[low:high], places.t[low:high])

    @torch.jit.export
    def density(self, places: Places, low: int, high: int) -> Tuple[torch.Tensor, torch.Tensor]:
        """Return each row's part of the density and its slope per Å, ``[high - low]``."""
        values, slopes = cubic(self.density_table, places.interval[low:high], places.t[low:high])
        return values.squeeze(1), slopes.squeeze(1) * self.per_angstrom
