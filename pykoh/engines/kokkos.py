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
    """

    def __init__(self, data: Any) -> None:
        self.data = data

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
        padded = torch.cat([local, local.new_zeros((n_ghost, local.shape[1]))], 0)
        return self._in_blocks(padded, self.data.forward_exchange)

    def reverse(self, full: torch.Tensor, n_local: int) -> torch.Tensor:
        """Sum the ghosts' rows into their owners'."""
        return self._in_blocks(full, self.data.reverse_exchange)[:n_local]


def owners_on_this_rank(
    data: Any, n_local: int, n_total: int, device: torch.device
) -> torch.Tensor:
    """Return the owner's row of every row, ``[n_total]``, when there is one rank."""
    rows = torch.zeros((n_total, 1), dtype=torch.float64, device=device)
    rows[:n_local, 0] = torch.arange(n_local, dtype=torch.float64, device=device)
    received = torch.empty_like(rows)
    data.forward_exchange(rows, received, 1)
    return received[:, 0].long()
