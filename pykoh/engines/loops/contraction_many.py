"""The symmetric contraction to several components, and its derivative."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pykoh.engines.loops.lanes import MATH, load, plus, plus_product, spread, store, times, zeros
from pykoh.kernels import kernel

Array = NDArray[np.floating[Any]]
Indices = NDArray[np.int64]


@kernel(
    "(int64, int64, float32[::1], int64[::1], int64, int64[:,::1], int64[::1], int64[::1], "
    "int64[::1], float32[::1], float32[::1])",
    fastmath=MATH,
)
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


@kernel(
    "(int64, int64, float32[::1], int64[::1], int64, int64[:,::1], int64[::1], int64[::1], "
    "int64[::1], float32[::1], float32[::1], float32[::1])",
    fastmath=MATH,
)
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
