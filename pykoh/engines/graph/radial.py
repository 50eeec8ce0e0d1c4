"""The radial functions of one layer as tables, and the density of the blocks that have one."""

from __future__ import annotations

from collections.abc import Callable
from typing import List, Tuple

import numpy as np
import torch

from pykoh.engines.graph.interpolation import Spline
from pykoh.engines.graph.spline import Places, cubic, flat
from pykoh.engines.graph.tables import (
    at_knots,
    coefficients,
    compress,
    interpolate,
    products,
    radial_functions,
    tabulate,
)
from pykoh.engines.scripting import exported, unscripted

# Largest errors relative to the largest value: of the splines that all tables are made of, and of
# the table of the compiled loops, which is faster the fewer intervals it has. With these forces are
# right to 1e-6 eV/Å.
KNOT_ERROR = 1e-8
COMPILED_ERROR = 2e-8


class Radial(torch.nn.Module):
    """Hidden radial features and density of the rows of one layer.

    What is kept of them is their values at the knots of a spline of degree 5; the tables follow.

    Args:
        model: the eager model, float64.
        index: of the layer.
        weights: ``[n_hidden, n]``: what its hidden features are multiplied with.
        at_least: intervals of the tables.

    Attributes:
        weights: ``[Q, n]``, for the Q features that are tabulated.
        knots: ``[n_tables, n_knots, Q]`` values of the features.
        n_intervals: of both tables.
    """

    derived = ("table", "density_table")

    def __init__(
        self, model: torch.nn.Module, index: int, weights: torch.Tensor, at_least: int
    ) -> None:
        super().__init__()
        features, densities = radial_functions(model, index)
        self.cutoff = float(model.r_max)
        features, compressed = compress(features, weights.numpy(), self.cutoff)
        self.register_buffer("weights", torch.from_numpy(compressed).contiguous())
        self.n_features = compressed.shape[0]
        weighted = products(features, compressed)
        n_knots = tabulate(weighted, self.cutoff, degree=5, error=KNOT_ERROR).n_intervals
        self.register_buffer("knots", self.at_knots(features, n_knots))
        found = tabulate(weighted, self.cutoff, degree=5, error=COMPILED_ERROR)
        self.compiled_intervals = found.n_intervals
        # A block without density has an empty table.
        self.has_density = densities is not None
        self.register_buffer("density_knots", torch.zeros((0, 1, 1), dtype=torch.float64))
        self.n_intervals = tabulate(self.splines(self.knots), self.cutoff, at_least).n_intervals
        if densities is not None:
            n_knots = tabulate(densities, self.cutoff, degree=5, error=KNOT_ERROR).n_intervals
            self.density_knots = self.at_knots(densities, n_knots)
            splines = self.splines(self.density_knots)
            self.n_intervals = tabulate(splines, self.cutoff, self.n_intervals).n_intervals
        self.per_angstrom = self.n_intervals / self.cutoff
        for name in self.derived:
            self.register_buffer(name, torch.empty(0, dtype=torch.float64))
        self.fill()

    @unscripted
    def at_knots(self, functions: List[Callable], n_intervals: int) -> torch.Tensor:
        """Return the values of functions at the knots, ``[n_tables, n_intervals + 1, n]``."""
        values = [at_knots(function, self.cutoff, n_intervals) for function in functions]
        return torch.from_numpy(np.stack(values)).contiguous()

    @unscripted
    def splines(self, knots: torch.Tensor) -> List[Callable]:
        """Return the splines of degree 5 through values at knots ``[n_tables, n_knots, n]``."""
        return [Spline(values, self.cutoff, 5) for values in knots.numpy()]

    @unscripted
    def fill(self) -> None:
        """Compute the tables from the knots."""
        for table, knots in zip(self.derived, (self.knots, self.density_knots), strict=True):
            if len(knots):
                splines = [
                    interpolate(spline, self.cutoff, self.n_intervals, 3)
                    for spline in self.splines(knots)
                ]
                found = flat(coefficients(splines))
            else:
                found = torch.zeros((0, 4), dtype=torch.float64)
            setattr(self, table, found)

    @unscripted
    def weighted_table(self) -> torch.Tensor:
        """Return ``[n_tables, n_intervals, 6, n]``: degree 5 pieces of features times weights."""
        n = self.compiled_intervals
        splines = [
            interpolate(spline, self.cutoff, n, 5)
            for spline in self.splines(torch.matmul(self.knots, self.weights))
        ]
        found = coefficients(splines)
        # Without the row that stands for what is beyond the cutoff.
        return torch.from_numpy(found[:, :, :-1]).permute(1, 2, 0, 3)

    def forward(self, places: Places, low: int, high: int) -> Tuple[torch.Tensor, torch.Tensor]:
        """Return features and slopes ``[high - low, Q]`` of some rows; slopes per interval."""
        return cubic(self.table, places.interval[low:high], places.t[low:high])

    @exported
    def density(self, places: Places, low: int, high: int) -> Tuple[torch.Tensor, torch.Tensor]:
        """Return each row's part of the density and its slope per Å, ``[high - low]``."""
        values, slopes = cubic(self.density_table, places.interval[low:high], places.t[low:high])
        return values.squeeze(1), slopes.squeeze(1) * self.per_angstrom
