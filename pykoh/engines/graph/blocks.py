"""Equivariant linear maps of features ``[N, Σ_l (2l + 1) C_l]``, forward and backward.

Features lie component by component: all channels of l = 0, then those of (1, -1), (1, 0), (1, 1)
and so on.
"""

from __future__ import annotations

from typing import Dict, List

import torch

from pykoh.engines.scripting import exported


class EllMatrix(torch.nn.Module):
    """What one l is multiplied with.

    Args:
        matrix: ``[C_in, S · C_out]``, the matrices of S elements side by side (S may be 1).
        n_species: S.
        dimension: 2 l + 1.
        start_in: first column of this l in the input.
    """

    derived = ("matrix_back",)

    def __init__(self, matrix: torch.Tensor, n_species: int, dimension: int, start_in: int) -> None:
        super().__init__()
        self.dimension, self.start_in, self.n_species = dimension, start_in, n_species
        self.n_in, self.n_out = matrix.shape[0], matrix.shape[1] // n_species
        self.end_in = start_in + dimension * self.n_in
        self.register_buffer("matrix", matrix.contiguous())
        self.register_buffer("matrix_back", torch.empty(0, dtype=torch.float64))
        self.fill()

    def fill(self) -> None:
        """Compute the derived buffer."""
        back = self.matrix.view(self.n_in, self.n_species, self.n_out).permute(2, 1, 0).flatten(1)
        self.matrix_back = back.contiguous()

    def forward(self, x: torch.Tensor, species: torch.Tensor) -> torch.Tensor:
        """Return ``[N, dimension · C_out]`` from all features ``[N, F]``."""
        own = x[:, self.start_in : self.end_in]
        return self.times(own, self.matrix, self.n_in, self.n_out, species)

    @exported
    def backward(self, upstream: torch.Tensor, species: torch.Tensor) -> torch.Tensor:
        """Return ``[N, dimension · C_in]`` from ``[N, dimension · C_out]``."""
        return self.times(upstream, self.matrix_back, self.n_out, self.n_in, species)

    def times(
        self, x: torch.Tensor, matrix: torch.Tensor, n_in: int, n_out: int, species: torch.Tensor
    ) -> torch.Tensor:
        """Multiply every component; with several elements, by the matrix of each atom's own."""
        n = x.size(0)
        products = torch.matmul(x.reshape(n * self.dimension, n_in), matrix)
        if self.n_species > 1:
            # All elements' products are formed and one is taken: cheaper than a matrix per atom.
            products = products.view(n, self.dimension, self.n_species, n_out)
            own = species.view(n, 1, 1, 1).expand(n, self.dimension, 1, n_out)
            products = products.gather(2, own)
        return products.view(n, self.dimension * n_out)


class EllLinear(torch.nn.Module):
    """One matrix for each l, or one for each l and element.

    Args:
        matrices: by l: ``[C_in, C_out]``, or ``[S, C_in, C_out]``.
        channels_in: by l: channels of the input, whether used or not.
    """

    def __init__(self, matrices: Dict[int, torch.Tensor], channels_in: Dict[int, int]) -> None:
        super().__init__()
        starts, start = {}, 0
        for ell, channels in sorted(channels_in.items()):
            starts[ell] = start
            start += (2 * ell + 1) * channels
        self.width_in = start
        blocks = []
        for ell, matrix in sorted(matrices.items()):
            n_species = matrix.shape[0] if matrix.dim() == 3 else 1
            if matrix.dim() == 3:
                matrix = matrix.transpose(0, 1).flatten(1)
            blocks.append(EllMatrix(matrix, n_species, 2 * ell + 1, starts[ell]))
        self.blocks = torch.nn.ModuleList(blocks)
        self.width_out = sum(block.dimension * block.n_out for block in blocks)
        # Whether every column of the input is used.
        self.takes_all = sum(block.end_in - block.start_in for block in blocks) == self.width_in

    def forward(self, x: torch.Tensor, species: torch.Tensor) -> torch.Tensor:
        """Return ``[N, width_out]`` from ``[N, width_in]``."""
        found: List[torch.Tensor] = []
        for block in self.blocks:
            found.append(block(x, species))
        return found[0] if len(found) == 1 else torch.cat(found, 1)

    @exported
    def backward(self, upstream: torch.Tensor, species: torch.Tensor) -> torch.Tensor:
        """Return ``[N, width_in]`` from ``[N, width_out]``: the adjoint."""
        found: List[torch.Tensor] = []
        start = 0
        for block in self.blocks:
            end = start + block.dimension * block.n_out
            found.append(block.backward(upstream[:, start:end], species))
            start = end
        if self.takes_all:
            return found[0] if len(found) == 1 else torch.cat(found, 1)
        result = upstream.new_zeros((upstream.size(0), self.width_in))
        for i, block in enumerate(self.blocks):
            result[:, block.start_in : block.end_in] = found[i]
        return result
