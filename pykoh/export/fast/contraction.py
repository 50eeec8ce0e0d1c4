"""MACE's symmetric contraction to scalars as a polynomial, with its derivative.

For scalar output the contraction (Batatia et al., NeurIPS 2022, arXiv:2206.07697, eq. 10) of one
atom and channel is a polynomial of degree at most 3 in the (max_ell + 1)² components X_a of its
message, with coefficients that depend on element and channel. Few monomials have a coefficient
other than zero, e.g. 35 of 9 components. What is computed is the derivative

    G_a = ∂f/∂X_a = l_a + Σ_b q_ab X_b + Σ_bc c_abc X_b X_c,

which the forces need anyway; by Euler's theorem its parts of degree d - 1, times X_a and summed,
are d times the parts of degree d of f itself.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Dict, List, Tuple

import torch

Monomial = Tuple[int, ...]

# On a CPU: their terms stay in the cache, and memory does not grow with the system.
ATOMS_AT_A_TIME = 32


def monomials(contraction: torch.nn.Module, n_species: int) -> Dict[Monomial, torch.Tensor]:
    """Return the coefficient ``[n_species, n_channels]`` of each monomial of a contraction.

    Args:
        contraction: MACE's ``Contraction`` to ``0e``.
        n_species: a contraction that is the same for all elements is repeated.
    """
    found: Dict[Monomial, torch.Tensor] = {}
    weights = [*list(contraction.weights)[::-1], contraction.weights_max]
    for degree, weight in enumerate(weights, start=1):
        couplings = contraction.U_tensors(degree).detach().double()
        for entry in couplings.nonzero().tolist():
            *components, path = entry
            key = tuple(sorted(components))
            term = couplings[tuple(entry)] * weight.detach().double()[:, path]
            found[key] = found[key] + term if key in found else term
    return {key: value.expand(n_species, -1) for key, value in found.items()}


class Polynomial(torch.nn.Module):
    """The polynomial and its derivative for all atoms and channels of a layer.

    Args:
        terms: from :func:`monomials`.
        n_components: (max_ell + 1)².
    """

    def __init__(self, terms: Dict[Monomial, torch.Tensor], n_components: int) -> None:
        super().__init__()
        # One row per term of G: which G_a it belongs to, the X that multiply, its coefficient.
        rows: Dict[int, Dict[Tuple[int, Monomial], torch.Tensor]] = defaultdict(dict)
        for key, value in terms.items():
            for a in sorted(set(key)):
                rest = list(key)
                rest.remove(a)
                rows[len(key)][a, tuple(rest)] = key.count(a) * value
        pairs = sorted({rest for _, rest in rows[3]})
        self.register_buffer("pair_b", _indices([b for b, _ in pairs]))
        self.register_buffer("pair_c", _indices([c for _, c in pairs]))
        self.register_buffer("of_pair", _indices([pairs.index(rest) for _, rest in rows[3]]))
        self.register_buffer("of_single", _indices([rest[0] for _, rest in rows[2]]))
        ordered = [(a, d) for d in (3, 2, 1) for a, _ in rows[d]]
        coefficients = [value for d in (3, 2, 1) for value in rows[d].values()]
        self.register_buffer("coefficients", torch.stack(coefficients).contiguous())
        # Rows of this matrix add up G, then Σ_d (part of degree d of G) / d.
        collect = torch.zeros((2, n_components, len(ordered)), dtype=torch.float64)
        for row, (a, degree) in enumerate(ordered):
            collect[0, a, row] = 1.0
            collect[1, a, row] = 1.0 / degree
        self.register_buffer("collect", collect.reshape(2 * n_components, -1))
        self.atoms_at_a_time = ATOMS_AT_A_TIME

    def forward(self, x: torch.Tensor, species: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
        """Evaluate.

        Args:
            x: ``[n_components, n_atoms, n_channels]``.
            species: ``[n_atoms]``.

        Returns:
            f ``[n_atoms, n_channels]`` and its derivative, shaped as ``x``.
        """
        n_atoms = x.size(1)
        step = n_atoms if x.is_cuda else self.atoms_at_a_time
        values: List[torch.Tensor] = []
        derivatives: List[torch.Tensor] = [x[:, :0]]
        for first in range(0, n_atoms, max(step, 1)):
            last = min(first + step, n_atoms)
            value, derivative = self.some_atoms(x[:, first:last].contiguous(), species[first:last])
            values.append(value)
            derivatives.append(derivative)
        if n_atoms == 0:
            values.append(x[0])
        return torch.cat(values, 0), torch.cat(derivatives, 1)

    def some_atoms(
        self, x: torch.Tensor, species: torch.Tensor
    ) -> Tuple[torch.Tensor, torch.Tensor]:
        """Evaluate for atoms whose terms fit into the cache together."""
        n_pair, n_single = self.of_pair.size(0), self.of_single.size(0)
        pairs = x.index_select(0, self.pair_b) * x.index_select(0, self.pair_c)
        rows = self.coefficients.index_select(1, species)
        rows[:n_pair].mul_(pairs.index_select(0, self.of_pair))
        rows[n_pair : n_pair + n_single].mul_(x.index_select(0, self.of_single))
        sums = torch.matmul(self.collect, rows.flatten(1)).view(2, x.size(0), x.size(1), x.size(2))
        return (sums[1] * x).sum(0), sums[0]


def _indices(values: List[int]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.int64)
