"""The symmetric contraction, to a scalar or to more components, and its derivative."""

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
def _by_species(n_atoms: int, species: Indices, n_species: int) -> Indices:
    """Return the atoms element by element, an even number of each: one may come twice."""
    order = np.empty(n_atoms + n_species, np.int64)
    n = 0
    for kind in range(n_species):
        for atom in range(n_atoms):
            if species[atom] == kind:
                order[n] = atom
                n += 1
        if n % 2 == 1:
            order[n] = order[n - 1]
            n += 1
    return order[:n]


@kernel(
    "(int64, int64, float32[::1], int64[::1], int64, float32[::1], int64[:,::1], "
    "int64[:,::1], float32[::1], float32[::1])",
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
    of_component, of_element = n_atoms * width, len(factors) * CHANNELS_TOGETHER
    order = _by_species(n_atoms, species, n_species)
    for channel in range(0, width, 64 // x.itemsize):
        # Two atoms of one element at a time: they share the coefficients, which stay in the cache.
        for i in range(0, len(order), 2):
            atom, other = order[i], order[i + 1]
            group = channel // CHANNELS_TOGETHER * n_species + species[atom]
            first = group * of_element + channel % CHANNELS_TOGETHER
            here, there = atom * width + channel, other * width + channel
            total, next_total = nothing, nothing
            for a in range(len(runs)):
                cubic, next_cubic = nothing, nothing
                for k in range(runs[a, 0], runs[a, 1]):
                    b, c = factors[k, 0] * of_component, factors[k, 1] * of_component
                    weight = load(coefficients, first + k * CHANNELS_TOGETHER)
                    both = times(load(x, b + here), load(x, c + here))
                    cubic = plus_product(cubic, both, weight)
                    both = times(load(x, b + there), load(x, c + there))
                    next_cubic = plus_product(next_cubic, both, weight)
                square, next_square = nothing, nothing
                for k in range(runs[a, 1], runs[a, 2]):
                    b = factors[k, 0] * of_component
                    weight = load(coefficients, first + k * CHANNELS_TOGETHER)
                    square = plus_product(square, load(x, b + here), weight)
                    next_square = plus_product(next_square, load(x, b + there), weight)
                linear = nothing
                for k in range(runs[a, 2], runs[a, 3]):
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


@kernel(fastmath=MATH)
def contract_many(
    n_atoms: int,
    width: int,
    x: Array,
    species: Indices,
    n_species: int,
    factors: Indices,
    degrees: Indices,
    first_term: Indices,
    output: Indices,
    coefficients: Array,
    found: Array,
) -> None:
    """Evaluate the polynomials of a symmetric contraction to several components.

    Args:
        n_atoms: n.
        width: W channels, a multiple of two groups (:data:`lanes.CHANNELS_TOGETHER`).
        x: ``[M, n, W]``.
        species: ``[n]``.
        n_species: S.
        factors: ``[K, 3]`` the components that a monomial is a product of; those of lower degree
            have fewer.
        degrees: ``[4]`` the first monomial of degree 1, 2 and 3, and K.
        first_term: ``[K + 1]`` of each monomial.
        output: of each term: its polynomial.
        coefficients: ``[T, S, W]`` of the T terms, monomial by monomial.
        found: ``[O, n, W]`` of the O polynomials, added to.
    """
    step, of_component, of_term = 64 // x.itemsize, n_atoms * width, n_species * width
    one = spread(x.dtype.type(1.0))
    for channel in range(0, width, 2 * step):
        for atom in range(n_atoms):
            here, kind = atom * width + channel, species[atom] * width + channel
            for degree in range(3):
                for k in range(degrees[degree], degrees[degree + 1]):
                    # Two values at a time: neither waits for the other's last sum.
                    product, next_product = one, one
                    for j in range(degree + 1):
                        own = factors[k, j] * of_component + here
                        product = times(product, load(x, own))
                        next_product = times(next_product, load(x, own + step))
                    for term in range(first_term[k], first_term[k + 1]):
                        own, w = output[term] * of_component + here, term * of_term + kind
                        total = plus_product(load(found, own), product, load(coefficients, w))
                        store(found, own, total)
                        own, w = own + step, w + step
                        total = plus_product(load(found, own), next_product, load(coefficients, w))
                        store(found, own, total)


@kernel(fastmath=MATH)
def contract_many_backward(
    n_atoms: int,
    width: int,
    x: Array,
    species: Indices,
    n_species: int,
    factors: Indices,
    degrees: Indices,
    first_term: Indices,
    output: Indices,
    coefficients: Array,
    upstream: Array,
    grad_x: Array,
) -> None:
    """Add the derivatives of :func:`contract_many`, whose arguments come first, by x.

    Args:
        n_atoms: n.
        width: W.
        x: ``[M, n, W]``.
        species: ``[n]``.
        n_species: S.
        factors: ``[K, 3]``.
        degrees: ``[4]``.
        first_term: ``[K + 1]``.
        output: of each term.
        coefficients: ``[T, S, W]``.
        upstream: ``[O, n, W]``.
        grad_x: ``[M, n, W]``, added to.
    """
    step, of_component, of_term = 64 // x.itemsize, n_atoms * width, n_species * width
    nothing = zeros(x, 1)[0]
    for channel in range(0, width, step):
        for atom in range(n_atoms):
            here, kind = atom * width + channel, species[atom] * width + channel
            for degree in range(3):
                for k in range(degrees[degree], degrees[degree + 1]):
                    weight = nothing
                    for term in range(first_term[k], first_term[k + 1]):
                        up = load(upstream, output[term] * of_component + here)
                        weight = plus_product(weight, up, load(coefficients, term * of_term + kind))
                    a = factors[k, 0] * of_component + here
                    if degree == 0:
                        store(grad_x, a, plus(load(grad_x, a), weight))
                        continue
                    b = factors[k, 1] * of_component + here
                    of_a, of_b = times(weight, load(x, b)), times(weight, load(x, a))
                    if degree == 2:
                        c = factors[k, 2] * of_component + here
                        of_c = times(of_b, load(x, b))
                        store(grad_x, c, plus(load(grad_x, c), of_c))
                        of_a, of_b = times(of_a, load(x, c)), times(of_b, load(x, c))
                    # One after the other: two factors may be the same component.
                    store(grad_x, a, plus(load(grad_x, a), of_a))
                    store(grad_x, b, plus(load(grad_x, b), of_b))
