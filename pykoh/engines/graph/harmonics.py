"""Real spherical harmonics as polynomials of a unit vector, in the order and scale of e3nn."""

from __future__ import annotations

from itertools import combinations_with_replacement

import torch

from pykoh.engines.scripting import exported


class Harmonics(torch.nn.Module):
    """Spherical harmonics up to an l, and what their gradient needs.

    Y_lm is a homogeneous polynomial of degree l in the components of the unit vector; its
    coefficients are fitted, exactly, to the values of the source.

    Args:
        source: e3nn's ``SphericalHarmonics`` of the model, for l = 0, 1, … in order.
    """

    def __init__(self, source: torch.nn.Module) -> None:
        super().__init__()
        ells = [part.ir.l for part in source.irreps_out]
        self.max_ell = max(ells)
        exponents = [
            [axes.count(axis) for axis in range(3)]
            for ell in ells
            for axes in combinations_with_replacement(range(3), ell)
        ]
        rank = {tuple(e): i for i, e in enumerate(exponents)}
        # Each monomial of degree d > 1 is a monomial of degree d - 1 times one component.
        starts = [i for i, e in enumerate(exponents) if sum(e) >= 2]
        lower, axis_of = [], []
        for index in starts:
            e = list(exponents[index])
            axis = max(a for a in range(3) if e[a])
            e[axis] -= 1
            lower.append(rank[tuple(e)])
            axis_of.append(axis)
        n2 = sum(1 for e in exponents if sum(e) == 2)
        self.register_buffer("lower_2", torch.tensor(lower[:n2]) - 1)
        self.register_buffer("axis_2", torch.tensor(axis_of[:n2]))
        self.register_buffer("lower_3", torch.tensor(lower[n2:]) - 4)
        self.register_buffer("axis_3", torch.tensor(axis_of[n2:]))
        generator = torch.Generator().manual_seed(0)
        unit = torch.randn((200, 3), generator=generator, dtype=torch.float64)
        unit = unit / unit.norm(dim=1, keepdim=True)
        values = source(unit)
        powers = torch.stack(
            [torch.prod(unit ** torch.tensor(e, dtype=torch.float64), 1) for e in exponents], 1
        )
        coefficients = torch.zeros((values.shape[1], len(exponents)), dtype=torch.float64)
        derivative = torch.zeros((3, values.shape[1], len(exponents)), dtype=torch.float64)
        for ell in ells:
            rows = slice(ell * ell, (ell + 1) ** 2)
            columns = [i for i, e in enumerate(exponents) if sum(e) == ell]
            fit = torch.linalg.lstsq(powers[:, columns], values[:, rows]).solution.T
            fit[fit.abs() < 1e-12] = 0.0
            coefficients[rows, columns[0] : columns[-1] + 1] = fit
            for column in columns:
                for axis in range(3):
                    e = list(exponents[column])
                    if e[axis]:
                        e[axis] -= 1
                        derivative[axis, rows, rank[tuple(e)]] += (
                            exponents[column][axis] * coefficients[rows, column]
                        )
        self.register_buffer("coefficients", coefficients)
        self.register_buffer("derivative", derivative.reshape(-1, len(exponents)))

    def powers(self, unit: torch.Tensor) -> torch.Tensor:
        """Return the monomials ``[n_monomials, n]`` of unit vectors ``[3, n]``."""
        parts = [torch.ones_like(unit[:1])]
        if self.max_ell >= 1:
            parts.append(unit)
        if self.max_ell >= 2:
            second = unit.index_select(0, self.lower_2) * unit.index_select(0, self.axis_2)
            parts.append(second)
            if self.max_ell >= 3:
                parts.append(
                    second.index_select(0, self.lower_3) * unit.index_select(0, self.axis_3)
                )
        return torch.cat(parts, 0)

    def forward(self, powers: torch.Tensor) -> torch.Tensor:
        """Return Y ``[(max_ell + 1)², n]`` from :meth:`powers`."""
        return torch.matmul(self.coefficients, powers)

    @exported
    def gradient(self, powers: torch.Tensor, upstream: torch.Tensor) -> torch.Tensor:
        """Return ``[3, n]``: Σ_lm upstream_lm ∂Y_lm/∂u, u not held to unit length."""
        slopes = torch.matmul(self.derivative, powers).view(3, upstream.size(0), upstream.size(1))
        return (slopes * upstream).sum(1)
