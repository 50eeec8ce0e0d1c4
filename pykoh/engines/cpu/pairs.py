"""The pairs of one force call: those within the cutoff, and their harmonics."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pykoh.engines.loops import rows, totals

Array = NDArray[np.floating[Any]]
Indices = NDArray[np.int64]


class Pairs:
    """Pairs within the cutoff and what is computed of them once.

    Attributes:
        n: of them.
        order: of the pairs given, where their receivers did not ascend.
        species: ``[n_total]``.
        start: ``[n_local + 1]``, first row of each atom.
        pair: ``[n]``, place in ``rij``; this and the following are there after :meth:`fill`.
        neighbour: ``[n]``, the sender.
        kinds: ``[n]``, species of the receiver times the number of species plus that of the sender.
        distance: ``[n]`` Å.
        unit: ``[3, n]``.

    Args:
        rij: ``[E, 3]`` Å.
        sender: ``[E]``.
        receiver: ``[E]``.
        species: ``[n_total]``.
        n_local: atoms with rows.
        n_species: elements of the potential.
        cutoff: Å.
    """

    def __init__(
        self,
        rij: torch.Tensor,
        sender: torch.Tensor,
        receiver: torch.Tensor,
        species: torch.Tensor,
        n_local: int,
        n_species: int,
        cutoff: float,
    ) -> None:
        of_pairs = [each.contiguous().numpy() for each in (rij, sender, receiver)]
        first_pair, self.start = np.zeros(n_local + 1, np.int64), np.zeros(n_local + 1, np.int64)
        self.order: Indices | None = None
        count: tuple[Any, ...] = of_pairs[0], of_pairs[2], cutoff, first_pair, self.start
        if not totals.count_rows(*count):
            self.order = np.argsort(of_pairs[2], kind="stable")
            of_pairs = [each[self.order] for each in of_pairs]
        n, dtype = int(self.start[-1]), of_pairs[0].dtype
        self.n = n
        self.pair, self.neighbour, self.kinds = (np.empty(n, np.int64) for _ in range(3))
        self.distance, self.unit = np.empty(n, dtype), np.empty((3, n), dtype)
        self.species = species.contiguous().numpy()
        self._limits = n_species, cutoff
        self._of_pairs = *of_pairs, self.species
        self._rows = (
            first_pair, self.start, self.pair, self.neighbour, self.kinds, self.distance, self.unit,
        )  # fmt: skip

    @property
    def arrays(self) -> tuple[Any, ...]:
        """What was given and what :meth:`fill` writes to, with receivers that ascend."""
        return *self._of_pairs, *self._rows

    def fill(self, low: int, high: int) -> None:
        """Write the rows of some atoms."""
        given: tuple[Any, ...] = *self._of_pairs, *self._limits, *self._rows
        rows.near_rows(low, high, *given)
        if self.order is not None:
            of_atoms = slice(self.start[low], self.start[high])
            self.pair[of_atoms] = self.order[self.pair[of_atoms]]


class Harmonics:
    """The harmonics of a graph for the compiled loops."""

    def __init__(self, source: Any, dtype: Any) -> None:
        self.n_ell = source.max_ell + 1
        lower, axis = [source.lower_2 + 1, source.lower_3 + 4], [source.axis_2, source.axis_3]
        last = max(min(self.n_ell - 2, 2), 0)
        nothing = torch.zeros(0, dtype=torch.int64)
        self.monomials = tuple(torch.cat([nothing, *each[:last]]).numpy() for each in (lower, axis))
        of_y = source.coefficients.double().numpy()
        self.of_y = _not_zero(of_y, dtype)
        self.of_slopes = _not_zero(
            source.derivative.double().numpy().reshape(3, len(of_y), -1), dtype
        )

    def forward(self, pairs: Pairs, low: int, high: int, y: Array, grad_y: Array) -> None:
        """Write the harmonics of some rows, and zeros for derivatives by them."""
        of_rows = low, high, pairs.n, self.n_ell, pairs.unit
        given: tuple[Any, ...] = (*of_rows, *self.monomials, *self.of_y, y, grad_y)
        rows.harmonics(*given)

    def backward(self, pairs: Pairs, low: int, high: int, grad_y: Array, gradient: Array) -> None:
        """Write the derivatives with respect to the vectors of some rows."""
        of_rows = low, high, pairs.n, self.n_ell, pairs.unit, pairs.distance
        results = grad_y, pairs.pair, gradient
        given: tuple[Any, ...] = (*of_rows, *self.monomials, *self.of_slopes, *results)
        rows.gradient_of_pairs(*given)


def _not_zero(x: Array, dtype: Any) -> tuple[Any, ...]:
    """Return where an array is not zero, dimension by dimension, and its numbers there."""
    places = np.nonzero(x)
    return (*map(np.ascontiguousarray, places), x[places].astype(dtype))
