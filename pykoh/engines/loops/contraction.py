"""The symmetric contraction to a scalar, and its derivative."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pykoh.engines.loops.lanes import (
    CHANNELS_TOGETHER,
    MATH,
    load,
    plus,
    plus_product,
    spread,
    store,
    times,
    zeros,
)
from pykoh.kernels import kernel, step

Array = NDArray[np.floating[Any]]
Indices = NDArray[np.int64]


@step()
def _next_of(kind: int, atom: int, species: Indices, n_atoms: int) -> int:
    """Return the first atom of an element from an atom on, or the number of atoms."""
    while atom < n_atoms and species[atom] != kind:
        atom += 1
    return atom


@kernel(
    "(int64, int64, float32[::1], int64[::1], int64, float32[::1], int64[::1], "
    "int64[::1], float32[::1], float32[::1])",
    fastmath=MATH,
)
def contract(
    n_atoms: int,
    width: int,
    x: Array,
    species: Indices,
    n_species: int,
    coefficients: Array,
    factors: Indices,
    runs: Indices,
    value: Array,
    derivative: Array,
) -> None:
    """Evaluate the polynomial of a symmetric contraction to a scalar, and its derivative.

    Its derivative by a component is a sum of terms; by Euler's theorem x times the part of degree
    d - 1 of the derivative, summed over the components, is d times the part of degree d of the
    polynomial.

    Args:
        n_atoms: n.
        width: W channels, a multiple of a group (:data:`lanes.CHANNELS_TOGETHER`).
        x: ``[M, n, W]``.
        species: ``[n]``.
        n_species: S.
        coefficients: ``[W / 16, S, K, 16]`` of the K terms of the derivative, by component and
            degree.
        factors: ``[K, 2]`` the components that a term has as factors; of lower degree: fewer.
        runs: ``[M, 4]`` the terms of each component: first with two factors, first with one, first
            with none, end.
        value: ``[n, W]``, written to.
        derivative: ``[M, n, W]``, written to.
    """
    half, third = spread(x.dtype.type(0.5)), spread(x.dtype.type(1.0 / 3.0))
    nothing = zeros(x, 1)[0]
    of_component, of_element = n_atoms * width, len(factors) // 2 * CHANNELS_TOGETHER
    for channel in range(0, width, 64 // x.itemsize):
        # Two atoms of one element at a time: they share the coefficients, which stay in the cache.
        for kind in range(n_species):
            group = channel // CHANNELS_TOGETHER * n_species + kind
            first = group * of_element + channel % CHANNELS_TOGETHER
            atom = _next_of(kind, 0, species, n_atoms)
            while atom < n_atoms:
                other = _next_of(kind, atom + 1, species, n_atoms)
                if other == n_atoms:  # the last one is computed twice
                    other = atom
                here, there = atom * width + channel, other * width + channel
                total, next_total = nothing, nothing
                for a in range(len(runs) // 4):
                    cubic, next_cubic = nothing, nothing
                    for k in range(runs[4 * a], runs[4 * a + 1]):
                        b, c = factors[2 * k] * of_component, factors[2 * k + 1] * of_component
                        weight = load(coefficients, first + k * CHANNELS_TOGETHER)
                        both = times(load(x, b + here), load(x, c + here))
                        cubic = plus_product(cubic, both, weight)
                        both = times(load(x, b + there), load(x, c + there))
                        next_cubic = plus_product(next_cubic, both, weight)
                    square, next_square = nothing, nothing
                    for k in range(runs[4 * a + 1], runs[4 * a + 2]):
                        b = factors[2 * k] * of_component
                        weight = load(coefficients, first + k * CHANNELS_TOGETHER)
                        square = plus_product(square, load(x, b + here), weight)
                        next_square = plus_product(next_square, load(x, b + there), weight)
                    linear = nothing
                    for k in range(runs[4 * a + 2], runs[4 * a + 3]):
                        linear = plus(linear, load(coefficients, first + k * CHANNELS_TOGETHER))
                    own = a * of_component
                    store(derivative, own + here, plus(plus(cubic, square), linear))
                    store(derivative, own + there, plus(plus(next_cubic, next_square), linear))
                    part = plus_product(plus_product(linear, square, half), cubic, third)
                    total = plus_product(total, part, load(x, own + here))
                    part = plus_product(plus_product(linear, next_square, half), next_cubic, third)
                    next_total = plus_product(next_total, part, load(x, own + there))
                store(value, here, total)
                store(value, there, next_total)
                atom = _next_of(kind, other + 1, species, n_atoms)
