"""The fast graph with the same shapes step after step, as a captured CUDA graph needs them."""

from __future__ import annotations

from collections.abc import Callable

import torch

from pykoh.errors import EngineError

# Room for fluctuations before buffers have to grow.
HEADROOM = 1.1
ROUND_TO = 32
CALLS_BEFORE_CAPTURE = 3


class FixedShapes:
    """A fast graph called with padded arguments; on a GPU its kernels are launched all at once.

    Atoms, edges and neighbours per atom have capacities that grow when they are exceeded. For one
    rank: ghosts have been replaced by their owners.

    Args:
        graph: of an artifact whose route is ``fast``, or what is called like it.
        dtype: its precision.
        device: where it is.
        by_width: whether the graph fills up the rows of each atom, to as many as the fullest has;
            then the host waits once in each call, to count them.
    """

    def __init__(
        self,
        graph: Callable[..., tuple[torch.Tensor, torch.Tensor]],
        dtype: torch.dtype,
        device: torch.device,
        by_width: bool = True,
    ) -> None:
        self.graph, self.by_width = graph, by_width
        self.dtype, self.device = dtype, device
        self.n_atoms = self.n_edges = self.width = 0
        self.growths = 0
        self._captured: torch.cuda.CUDAGraph | None = None
        self._result = (torch.empty(0), torch.empty(0))

    def _grow(self, n_atoms: int, n_edges: int, most: int) -> None:
        if n_atoms <= self.n_atoms and n_edges <= self.n_edges and most <= self.width:
            return
        self.n_atoms = max(self.n_atoms, n_atoms)
        self.n_edges = max(self.n_edges, room(n_edges))
        self.width = max(self.width, min(room(most), max(n_edges, 1)))
        self.growths += 1
        self._captured = None
        self._rij = torch.zeros((self.n_edges, 3), dtype=self.dtype, device=self.device)
        self._sender = torch.zeros(self.n_edges, dtype=torch.int64, device=self.device)
        self._receiver = torch.zeros_like(self._sender)
        self._species = torch.zeros(self.n_atoms, dtype=torch.int64, device=self.device)

    def __call__(
        self,
        rij: torch.Tensor,
        sender: torch.Tensor,
        receiver: torch.Tensor,
        species: torch.Tensor,
        n_local: int,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Evaluate; arguments and results are those of the graph, with ascending receivers.

        Raises:
            EngineError: receivers do not ascend, or there are ghosts.
        """
        if len(species) != n_local:
            raise EngineError("fixed shapes are for one rank; use the graph as it is on several")
        n_edges = len(rij)
        most = self._most_neighbours(receiver, n_local) if self.by_width else 0
        self._grow(n_local, n_edges, most)
        self._rij[:n_edges].copy_(rij)
        self._sender[:n_edges].copy_(sender)
        self._receiver[:n_edges].copy_(receiver)
        self._receiver[n_edges:].fill_(self.n_atoms)
        self._species[:n_local].copy_(species)
        energies, gradient = self._run() if self.device.type == "cpu" else self._replay()
        return energies[:n_local], gradient[:n_edges]

    def release(self) -> None:
        """Give back the memory of what was captured; the next call captures anew."""
        self._captured = None
        self._result = (torch.empty(0), torch.empty(0))

    def _most_neighbours(self, receiver: torch.Tensor, n_local: int) -> int:
        counts = torch.zeros(n_local + 1, dtype=torch.int64, device=self.device)
        counts.index_add_(0, receiver, torch.ones_like(receiver))
        descends = (receiver[1:] < receiver[:-1]).any().to(torch.int64)
        # The one time that the host waits for the device.
        most, unsorted = torch.stack([counts.max(), descends]).tolist()
        if unsorted:
            raise EngineError("fixed shapes need pairs sorted by atom; sort them first")
        return int(most)

    def _run(self) -> tuple[torch.Tensor, torch.Tensor]:
        result: tuple[torch.Tensor, torch.Tensor] = self.graph(
            self._rij, self._sender, self._receiver, self._species, self.n_atoms, self.width
        )
        return result

    def _replay(self) -> tuple[torch.Tensor, torch.Tensor]:
        if self._captured is None:
            # TorchScript specialises itself in its first calls; those must not be captured.
            side = torch.cuda.Stream(self.device)
            side.wait_stream(torch.cuda.current_stream(self.device))
            with torch.cuda.stream(side):
                for _ in range(CALLS_BEFORE_CAPTURE):
                    self._run()
            torch.cuda.current_stream(self.device).wait_stream(side)
            self._captured = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self._captured):
                self._result = self._run()
        self._captured.replay()
        return self._result


def room(n: int) -> int:
    """Return n and a tenth more, rounded up."""
    return -(-int(HEADROOM * n + 1) // ROUND_TO) * ROUND_TO
