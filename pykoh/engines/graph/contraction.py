"""MACE's symmetric contraction as polynomials, with their derivatives.

The contraction (Batatia et al., NeurIPS 2022, arXiv:2206.07697, eq. 10) of one atom and channel
gives, for each component of its output, a polynomial of degree at most 3 in the (max_ell + 1)²
components X_a of the message, with coefficients that depend on element and channel. Few monomials
have a coefficient other than zero, e.g. 35 of 9 components for scalar output.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Dict, List, Tuple

import torch

from pykoh.engines import cpu
from pykoh.engines.scripting import exported, unscripted

Monomial = Tuple[int, ...]

# On a CPU: their terms stay in the cache, and memory does not grow with the system.
ATOMS_AT_A_TIME = 32
VECTOR_ATOMS_AT_A_TIME = 8


def monomials(contraction: torch.nn.Module, n_species: int) -> List[Dict[Monomial, torch.Tensor]]:
    """Return per component of the output the coefficient ``[n_species, n_channels]`` of monomials.

    Args:
        contraction: MACE's ``Contraction`` to one irrep.
        n_species: a contraction that is the same for all elements is repeated.
    """
    weights = [*list(contraction.weights)[::-1], contraction.weights_max]
    found: List[Dict[Monomial, torch.Tensor]] = []
    for degree, weight in enumerate(weights, start=1):
        couplings = contraction.U_tensors(degree).detach().double()
        if couplings.dim() == degree + 1:
            couplings = couplings.unsqueeze(0)  # scalars have no axis for their one component
        while len(found) < couplings.shape[0]:
            found.append({})
        for entry in couplings.nonzero().tolist():
            component, *components, path = entry
            key = tuple(sorted(components))
            term = couplings[tuple(entry)] * weight.detach().double()[:, path]
            terms = found[component]
            terms[key] = terms[key] + term if key in terms else term
    return [
        {key: value.expand(n_species, -1) for key, value in terms.items() if bool(value.any())}
        for terms in found
    ]


def contraction_of(product: torch.nn.Module, n_species: int) -> torch.nn.Module:
    """Return the contraction of a product block: a :class:`Polynomial` if its output is scalar."""
    terms = [
        component
        for contraction in product.symmetric_contractions.contractions
        for component in monomials(contraction, n_species)
    ]
    n_components = product.symmetric_contractions.contractions[0].U_tensors(1).shape[-2]
    if len(terms) == 1:
        return Polynomial(terms[0], n_components)
    return Contraction(terms, n_components)


class Polynomial(torch.nn.Module):
    """Contraction to a scalar.

    What is computed is the derivative

        G_a = ∂f/∂X_a = l_a + Σ_b q_ab X_b + Σ_bc c_abc X_b X_c,

    which the forces need anyway; by Euler's theorem its parts of degree d - 1, times X_a and
    summed, are d times the parts of degree d of f itself.

    Args:
        terms: from :func:`monomials`.
        n_components: (max_ell + 1)².

    Attributes:
        compiled: whether CPU tensors go through the compiled loop.
    """

    derived = ("collect",)

    def __init__(self, terms: Dict[Monomial, torch.Tensor], n_components: int) -> None:
        super().__init__()
        self.compiled = True
        self.n_components = n_components
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
        coefficients = [value for d in (3, 2, 1) for value in rows[d].values()]
        self.register_buffer("coefficients", torch.stack(coefficients).contiguous())
        # Of each term for the compiled loop: a, then its factors (filled up with 0).
        factors = [(a, *rest, 0, 0)[:3] for d in (3, 2, 1) for a, rest in rows[d]]
        self.register_buffer("factors", torch.tensor(factors, dtype=torch.int64))
        self.register_buffer("collect", torch.empty(0, dtype=torch.float64))
        self.fill()
        self.atoms_at_a_time = ATOMS_AT_A_TIME

    @unscripted
    def complete(self) -> None:
        """Add what artifacts of 0.1.0 before the compiled force call do not have."""
        if "n_components" not in self.__dict__:
            self.n_components = self.collect.size(0) // 2

    @unscripted
    def fill(self) -> None:
        """Compute the matrix whose rows add up G, then Σ_d (part of degree d of G) / d."""
        n_pair, n_single = self.of_pair.size(0), self.of_single.size(0)
        n_terms = self.factors.size(0)
        collect = torch.zeros((2, self.n_components, n_terms), dtype=torch.float64)
        for row, a in enumerate(self.factors[:, 0].tolist()):
            degree = 3 if row < n_pair else 2 if row < n_pair + n_single else 1
            collect[0, a, row] = 1.0
            collect[1, a, row] = 1.0 / degree
        self.collect = collect.flatten(0, 1)

    def forward(self, x: torch.Tensor, species: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
        """Evaluate.

        Args:
            x: ``[n_components, n_atoms, n_channels]``.
            species: ``[n_atoms]``.

        Returns:
            f ``[n_atoms, n_channels]`` and its derivative, shaped as ``x``.
        """
        if not torch.jit.is_scripting() and self.compiled and x.device.type == "cpu":
            return cpu.contract(self, x, species)
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

    @exported
    def backward(
        self,
        upstream: torch.Tensor,
        x: torch.Tensor,
        derivative: torch.Tensor,
        species: torch.Tensor,
    ) -> torch.Tensor:
        """Return the derivative with respect to x, given that of the result."""
        return derivative * upstream


class Contraction(torch.nn.Module):
    """Contraction to scalars, vectors and higher components.

    The terms are ordered by component of the output, f_o = Σ_k c_k m_k, with each monomial m a
    product of at most three X. What is kept for the backward pass is x alone.

    Args:
        terms: from :func:`monomials`, per component of the output.
        n_components: (max_ell + 1)² of the input.

    Attributes:
        compiled: whether CPU tensors go through the compiled loops.
    """

    def __init__(self, terms: List[Dict[Monomial, torch.Tensor]], n_components: int) -> None:
        super().__init__()
        self.compiled = True
        self.n_outputs = len(terms)
        every = sorted({key for each in terms for key in each}, key=lambda key: (len(key), key))
        self.n_single = sum(1 for key in every if len(key) == 1)
        # All pairs that occur, as monomials of degree 2 or within those of degree 3.
        pairs = sorted({key[-2:] for key in every if len(key) > 1})
        triples = [key for key in every if len(key) == 3]
        self.register_buffer("single", _indices([key[0] for key in every if len(key) == 1]))
        self.register_buffer("pair_b", _indices([b for b, _ in pairs]))
        self.register_buffer("pair_c", _indices([c for _, c in pairs]))
        doubles = [pairs.index(key) for key in every if len(key) == 2]
        self.register_buffer("of_double", _indices(doubles))
        self.n_double = len(doubles)
        self.register_buffer("triple_a", _indices([key[0] for key in triples]))
        self.register_buffer("triple_pair", _indices([pairs.index(key[1:]) for key in triples]))
        place = {key: i for i, key in enumerate(every)}
        self.register_buffer("monomial", _indices([place[key] for each in terms for key in each]))
        coefficients = torch.stack([value for each in terms for value in each.values()])
        self.register_buffer("coefficients", coefficients.contiguous())
        self.ends: List[int] = torch.tensor([len(each) for each in terms]).cumsum(0).tolist()
        self.n_monomials = len(every)
        self.atoms_at_a_time = VECTOR_ATOMS_AT_A_TIME

    @unscripted
    def complete(self) -> None:
        """Add what artifacts of 0.1.0 before the compiled loops of vectors do not have."""
        self.compiled = True

    def forward(self, x: torch.Tensor, species: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
        """Return ``[n_atoms, n_outputs n_channels]`` from ``[n_components, n_atoms, n_channels]``.

        (The second result stands where :class:`Polynomial` has its derivative; it is empty.)
        """
        if not torch.jit.is_scripting() and self.compiled and x.device.type == "cpu":
            return cpu.contract_many(self, x, species), x[:0]
        n_atoms = x.size(1)
        step = n_atoms if x.is_cuda else self.atoms_at_a_time
        found: List[torch.Tensor] = [x.new_zeros((0, self.n_outputs * x.size(2)))]
        for first in range(0, n_atoms, max(step, 1)):
            last = min(first + step, n_atoms)
            own = x[:, first:last].contiguous()
            pairs = own.index_select(0, self.pair_b) * own.index_select(0, self.pair_c)
            terms = self.coefficients.index_select(1, species[first:last])
            terms.mul_(self.products(own, pairs).index_select(0, self.monomial))
            parts: List[torch.Tensor] = []
            start = 0
            for end in self.ends:
                parts.append(terms[start:end].sum(0))
                start = end
            found.append(torch.cat(parts, 1))
        return torch.cat(found, 0), x[:0]

    def products(self, x: torch.Tensor, pairs: torch.Tensor) -> torch.Tensor:
        """Return all monomials ``[n_monomials, n, n_channels]``."""
        triples = x.index_select(0, self.triple_a) * pairs.index_select(0, self.triple_pair)
        singles = x.index_select(0, self.single)
        return torch.cat([singles, pairs.index_select(0, self.of_double), triples], 0)

    @exported
    def backward(
        self,
        upstream: torch.Tensor,
        x: torch.Tensor,
        derivative: torch.Tensor,
        species: torch.Tensor,
    ) -> torch.Tensor:
        """Return the derivative with respect to x, given that of the result."""
        if not torch.jit.is_scripting() and self.compiled and x.device.type == "cpu":
            return cpu.contract_many_backward(self, upstream, x, species)
        n_atoms = x.size(1)
        step = n_atoms if x.is_cuda else self.atoms_at_a_time
        found: List[torch.Tensor] = [x[:, :0]]
        for first in range(0, n_atoms, max(step, 1)):
            last = min(first + step, n_atoms)
            own = x[:, first:last].contiguous()
            found.append(self.some_backward(upstream[first:last], own, species[first:last]))
        return torch.cat(found, 1)

    def some_backward(
        self, upstream: torch.Tensor, x: torch.Tensor, species: torch.Tensor
    ) -> torch.Tensor:
        """Do the backward pass for atoms whose terms fit into the cache together."""
        outputs = upstream.view(x.size(1), self.n_outputs, x.size(2))
        terms = self.coefficients.index_select(1, species)
        start = 0
        for output, end in enumerate(self.ends):
            terms[start:end].mul_(outputs[:, output])
            start = end
        shape = (self.n_monomials, x.size(1), x.size(2))
        grad_products = x.new_zeros(shape).index_add_(0, self.monomial, terms)
        singles, doubles = self.n_single, self.n_single + self.n_double
        grad_triples = grad_products[doubles:]
        pairs = x.index_select(0, self.pair_b) * x.index_select(0, self.pair_c)
        grad_pairs = torch.zeros_like(pairs)
        grad_pairs.index_add_(0, self.of_double, grad_products[singles:doubles])
        grad_pairs.index_add_(0, self.triple_pair, grad_triples * x.index_select(0, self.triple_a))
        result = torch.zeros_like(x).index_add_(0, self.single, grad_products[:singles])
        result.index_add_(0, self.triple_a, grad_triples * pairs.index_select(0, self.triple_pair))
        result.index_add_(0, self.pair_b, grad_pairs * x.index_select(0, self.pair_c))
        return result.index_add_(0, self.pair_c, grad_pairs * x.index_select(0, self.pair_b))


def _indices(values: List[int]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.int64)
