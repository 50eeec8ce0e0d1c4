"""Ghost features through the communication of LAMMPS's Kokkos ML-IAP (``mliap/kk``)."""

from __future__ import annotations

from typing import Any

import torch

# A host build of LAMMPS sizes its communication buffers once for 9 columns and writes past their
# end for more (seen in the 4 Jul 2026 release); a GPU build lets them grow.
HOST_COLUMNS = 6


class KokkosExchange:
    """Exchange with the owners of ghosts, on this rank or another.

    Args:
        data: ``MLIAPDataPy`` of the Kokkos coupling, valid for one force call.
        n_local: atoms of this rank; the graph may see a phantom atom more, see mliap.py.
    """

    def __init__(self, data: Any, n_local: int) -> None:
        self.data = data
        self.n_local = n_local

    def _in_blocks(self, source: torch.Tensor, exchange: Any) -> torch.Tensor:
        if source.is_cuda:
            # LAMMPS works on its own stream.
            torch.cuda.current_stream().synchronize()
            result = torch.empty_like(source)
            exchange(source, result, source.shape[1])
            return result
        blocks = []
        for block in source.split(HOST_COLUMNS, dim=1):
            block = block.contiguous()
            received = torch.empty_like(block)
            exchange(block, received, block.shape[1])
            blocks.append(received)
        return torch.cat(blocks, 1)

    def forward(self, local: torch.Tensor, n_total: int) -> torch.Tensor:
        """Append the ghosts' rows to the local ones."""
        n_ghost = n_total - local.shape[0]
        own = local[: self.n_local]
        padded = torch.cat([own, own.new_zeros((n_ghost, own.shape[1]))], 0)
        received = self._in_blocks(padded, self.data.forward_exchange)
        return torch.cat([local, received[self.n_local :]], 0)

    def reverse(self, full: torch.Tensor, n_local: int) -> torch.Tensor:
        """Sum the ghosts' rows into their owners'."""
        phantoms = n_local - self.n_local
        summed = self._in_blocks(full[phantoms:], self.data.reverse_exchange)
        return torch.cat([full[:phantoms], summed[: self.n_local]], 0)


def owners_on_this_rank(
    data: Any, n_local: int, n_total: int, device: torch.device
) -> torch.Tensor:
    """Return the owner's row of every row, ``[n_total]``, when there is one rank."""
    rows = torch.zeros((n_total, 1), dtype=torch.float64, device=device)
    rows[:n_local, 0] = torch.arange(n_local, dtype=torch.float64, device=device)
    received = torch.empty_like(rows)
    data.forward_exchange(rows, received, 1)
    return received[:, 0].long()
