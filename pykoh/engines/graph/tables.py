"""Spline tables of functions of a distance.

The radial network of a MACE layer depends on one number, the distance (with a distance transform
also on the two elements), so that everything up to its last, linear layer can be tabulated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from pykoh.engines.graph.interpolation import Spline

Array = NDArray[np.float64]

# Largest error of a table between its knots, relative to the largest value (slope) it holds.
VALUE_ERROR = 1e-8
SLOPE_ERROR = 1e-6
# The error is measured from here on: atoms of no use ever come closer.
CLOSEST_A = 0.5
# For numerical derivatives.
STEP_A = 1e-5
INTERVALS = {
    3: (512, 1024, 2048, 4096, 8192),
    5: (128, 192, 256, 384, 512, 768, 1024, 2048),
}
# Tables of 64 features on 2048 intervals take 4 MB each.
MAX_PAIR_TABLES = 10


@dataclass(frozen=True, slots=True)
class RadialTable:
    """Piecewise cubics on equal intervals from 0 to the cutoff.

    Attributes:
        coefficients: ``[degree + 1, n_tables, n_intervals + 1, n_features]``: value = Σ_k c_k t^k,
            with t in 0 … 1 within an interval. The last row is zero: it stands for all distances
            at and beyond the cutoff.
        n_intervals: per table.
        value_error: largest error midway between the knots, relative to the largest value.
    """

    coefficients: Array
    n_intervals: int
    value_error: float


def tabulate(
    functions: list[Callable[[Array], Array]],
    cutoff: float,
    at_least: int = 0,
    degree: int = 3,
    error: float = VALUE_ERROR,
) -> RadialTable:
    """Return tables of smooth functions that vanish with zero slope at the cutoff.

    Args:
        functions: each maps distances ``[n]`` (Å) to ``[n, n_features]``.
        cutoff: Å.
        at_least: intervals; more are taken if the error asks for it.
        degree: 3 or 5: of the pieces.
        error: bound on that of values, relative to the largest; that of slopes is
            SLOPE_ERROR / VALUE_ERROR times as much.
    """
    for n in INTERVALS[degree]:
        if n < at_least:
            continue
        splines = [interpolate(function, cutoff, n, degree) for function in functions]
        knots = np.linspace(0.0, cutoff, n + 1)
        probes = knots[knots > CLOSEST_A][:-1] + 0.5 * cutoff / n
        worst = slope = 0.0
        for function, spline in zip(functions, splines, strict=True):
            exact = function(probes)
            exact_slope = _slope(function, probes)
            worst = max(worst, _relative(spline(probes) - exact, exact))
            slope = max(slope, _relative(spline(probes, 1) - exact_slope, exact_slope))
        if worst <= error and slope <= error * SLOPE_ERROR / VALUE_ERROR:
            break
    return RadialTable(coefficients(splines), n, worst)


def at_knots(function: Callable[[Array], Array], cutoff: float, n_intervals: int) -> Array:
    """Return the values ``[n_intervals + 1, n_features]`` that a spline goes through; 0 at last."""
    knots = np.linspace(0.0, cutoff, n_intervals + 1)
    knots[0] = 1e-6
    values = function(knots)
    values[-1] = 0.0
    return values


def interpolate(
    function: Callable[[Array], Array], cutoff: float, n_intervals: int, degree: int
) -> Spline:
    """Return the spline of degree 3 or 5 of a function on equal intervals."""
    return Spline(at_knots(function, cutoff, n_intervals), cutoff, degree)


def coefficients(splines: list[Spline]) -> Array:
    """Return the coefficients of :class:`RadialTable`."""
    tables = [spline.pieces for spline in splines]
    beyond = [np.concatenate([table, np.zeros_like(table[:, :1])], axis=1) for table in tables]
    return np.stack(beyond, axis=1)


def compress(
    functions: list[Callable[[Array], Array]], weights: Array, cutoff: float
) -> tuple[list[Callable[[Array], Array]], Array]:
    """Return fewer functions, and weights, whose product is the same within the tables' error.

    Functions of one distance are far from independent: of 64 hidden features about 45 are left.

    Args:
        functions: each maps distances ``[n]`` (Å) to ``[n, n_features]``.
        weights: ``[n_features, m]``: what the features are multiplied with.
        cutoff: Å.
    """
    r = np.linspace(CLOSEST_A, cutoff - STEP_A, 3000)
    values = np.concatenate([function(r) @ weights for function in functions])
    slopes = np.concatenate([_slope(function, r) @ weights for function in functions])
    basis_rows = np.linalg.svd(values, full_matrices=False)[2]
    for rank in range(8, weights.shape[0], 4):
        basis = basis_rows[:rank]
        left_over = np.eye(weights.shape[1]) - basis.T @ basis
        if (
            _relative(values @ left_over, values) <= VALUE_ERROR
            and _relative(slopes @ left_over, slopes) <= SLOPE_ERROR
        ):
            onto = weights @ basis.T
            return [_product(function, onto) for function in functions], basis
    return functions, weights


def products(
    functions: list[Callable[[Array], Array]], weights: Array
) -> list[Callable[[Array], Array]]:
    """Return each function's features ``[n, n_features]`` times weights ``[n_features, m]``."""
    return [_product(function, weights) for function in functions]


def _product(function: Callable[[Array], Array], onto: Array) -> Callable[[Array], Array]:
    return lambda distances: function(distances) @ onto


def _slope(function: Callable[[Array], Array], r: Array) -> Array:
    difference: Array = function(r + STEP_A) - function(r - STEP_A)
    return difference / (2 * STEP_A)


def _relative(error: Array, exact: Array) -> float:
    return float(np.abs(error).max() / max(np.abs(exact).max(), 1e-300))


def pairs_of_species(model: torch.nn.Module) -> tuple[list[tuple[int, int]], NDArray[np.int64]]:
    """Return the pairs (receiver, sender) that need a table each, and the table of every pair.

    Without a distance transform one table serves all pairs. Blocks that feed the elements of
    sender and receiver to their radial network tell a pair from its reverse.
    """
    n = int(model.atomic_numbers.numel())
    if any(hasattr(block, "source_embedding") for block in model.interactions):
        return [(a, b) for a in range(n) for b in range(n)], np.arange(n * n).reshape(n, n)
    if not hasattr(model.radial_embedding, "distance_transform"):
        return [(0, 0)], np.zeros((n, n), dtype=np.int64)
    pairs = [(a, b) for a in range(n) for b in range(a, n)]
    table = np.zeros((n, n), dtype=np.int64)
    for index, (a, b) in enumerate(pairs):
        table[a, b] = table[b, a] = index
    return pairs, table


def radial_steps(block: torch.nn.Module) -> list[torch.nn.Module]:
    """Return the steps of a block's radial network, the last of which is linear."""
    network = block.conv_tp_weights
    return list(getattr(network, "net", network))


def radial_functions(
    model: torch.nn.Module, layer: int
) -> tuple[list[Callable[[Array], Array]], list[Callable[[Array], Array]] | None]:
    """Return, per pair of species, the last hidden radial features of a layer and its density.

    The features include the cutoff function, whether MACE multiplies it in before or after its
    radial network. If the last, linear layer has a bias, one more feature is the cutoff function
    itself: the bias is its weight. The density functions are None for blocks that have none.
    """
    block = model.interactions[layer]
    *hidden, last = radial_steps(block)
    has_bias = getattr(last, "bias", None) is not None
    pairs, _ = pairs_of_species(model)
    n_species = int(model.atomic_numbers.numel())
    edge = torch.tensor([[0], [1]])

    def embedding(distances: Array, pair: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
        r = torch.from_numpy(np.ascontiguousarray(distances, dtype=np.float64)).reshape(-1, 1)
        receiver, sender = pair
        attributes = torch.eye(n_species, dtype=torch.float64)[[sender, receiver]]
        features, cutoff = model.radial_embedding(
            r, attributes, edge.expand(2, len(r)), model.atomic_numbers
        )
        if hasattr(block, "source_embedding"):
            source = block.source_embedding(attributes[:1]).expand(len(r), -1)
            target = block.target_embedding(attributes[1:]).expand(len(r), -1)
            features = torch.cat([features, source, target], 1)
        return features, torch.ones_like(r) if cutoff is None else cutoff

    def features_of(pair: tuple[int, int]) -> Callable[[Array], Array]:
        def evaluate(distances: Array) -> Array:
            with torch.no_grad():
                x, cutoff = embedding(distances, pair)
                for step in hidden:
                    x = step(x)
                if has_bias:
                    x = torch.cat([x, torch.ones_like(cutoff)], 1)
                values: Array = (x * cutoff).numpy()
                return values

        return evaluate

    def density_of(pair: tuple[int, int]) -> Callable[[Array], Array]:
        def evaluate(distances: Array) -> Array:
            with torch.no_grad():
                x, cutoff = embedding(distances, pair)
                values: Array = (torch.tanh(block.density_fn(x) ** 2) * cutoff).numpy()
                return values

        return evaluate

    densities = [density_of(pair) for pair in pairs] if hasattr(block, "density_fn") else None
    return [features_of(pair) for pair in pairs], densities
