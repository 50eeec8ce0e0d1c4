"""Features of ghost atoms by atom tag, over MPI, for LAMMPS's plain ``mliap`` on several ranks."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray


def rows_of_tags(tags: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the row of each tag ``[max tag + 1]``; -1 for tags that are not there."""
    rows = np.full(int(tags.max(initial=0)) + 1, -1, dtype=np.int64)
    rows[tags] = np.arange(len(tags))
    return rows


class TagExchange:
    """Features of ghosts over MPI: each distinct ghost tag is sent once to each rank.

    Args:
        communicator: of mpi4py, with the ranks of LAMMPS.
        tags: ``[n_total]`` tags of this rank's atoms, then of its ghosts.
        n_local: how many of them are its own.
    """

    def __init__(self, communicator: Any, tags: NDArray[np.integer], n_local: int) -> None:
        self.communicator = communicator
        n_ranks = communicator.size
        own = np.ascontiguousarray(tags[:n_local], dtype=np.int64)
        counts = np.array(communicator.allgather(n_local))
        all_tags = np.empty(counts.sum(), dtype=np.int64)
        communicator.Allgatherv(own, [all_tags, counts])
        home = np.full(int(all_tags.max(initial=0)) + 1, -1, dtype=np.int64)
        row = np.zeros_like(home)
        home[all_tags] = np.repeat(np.arange(n_ranks), counts)
        row[all_tags] = np.concatenate([np.arange(count) for count in counts])
        wanted, which = np.unique(tags[n_local:], return_inverse=True)
        order = np.argsort(home[wanted], kind="stable")
        place = np.empty_like(order)
        place[order] = np.arange(len(order))
        self.receive_counts = np.bincount(home[wanted], minlength=n_ranks)
        self.send_counts = np.array(communicator.alltoall(list(self.receive_counts)))
        requests = np.ascontiguousarray(row[wanted][order])
        asked = np.empty(self.send_counts.sum(), dtype=np.int64)
        communicator.Alltoallv([requests, self.receive_counts], [asked, self.send_counts])
        self.send_rows = torch.from_numpy(asked)
        self.ghost_rows = torch.from_numpy(place[which].astype(np.int64))
        self.n_received = len(wanted)

    def forward(self, local: torch.Tensor, n_total: int) -> torch.Tensor:
        """Append to the local rows the rows of the ghosts' owners."""
        width = local.shape[1]
        sent = local.index_select(0, self.send_rows).contiguous()
        received = local.new_empty((self.n_received, width))
        self.communicator.Alltoallv(
            [sent.numpy(), self.send_counts * width],
            [received.numpy(), self.receive_counts * width],
        )
        return torch.cat([local, received.index_select(0, self.ghost_rows)], 0)

    def reverse(self, full: torch.Tensor, n_local: int) -> torch.Tensor:
        """Sum the ghosts' rows into their owners' rows."""
        width = full.shape[1]
        gathered = full.new_zeros((self.n_received, width))
        gathered.index_add_(0, self.ghost_rows, full[n_local:])
        returned = full.new_empty((len(self.send_rows), width))
        self.communicator.Alltoallv(
            [gathered.numpy(), self.receive_counts * width],
            [returned.numpy(), self.send_counts * width],
        )
        return full[:n_local].index_add(0, self.send_rows, returned)
