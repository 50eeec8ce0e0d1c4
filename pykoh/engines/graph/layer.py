"""One message-passing layer of the fast route: messages from neighbours, then the update."""

from __future__ import annotations

from typing import List, Tuple

import torch

from pykoh.engines.graph import linear
from pykoh.engines.graph.blocks import EllLinear
from pykoh.engines.graph.kept import KeptChunk, KeptUpdate
from pykoh.engines.graph.messages import ScalarMessages
from pykoh.engines.graph.rows import Rows
from pykoh.engines.graph.spline import Places
from pykoh.engines.graph.update import Update
from pykoh.engines.graph.vectors import VectorMessages


class Layer(torch.nn.Module):
    """Messages, contraction, update and readout of one layer.

    Args:
        model: the eager model, float64.
        index: of the layer.
        head: of the readout.
        at_least: intervals of the radial tables.
    """

    def __init__(self, model: torch.nn.Module, index: int, head: int, at_least: int = 0) -> None:
        super().__init__()
        block = model.interactions[index]
        taken = linear.channels(block.linear_up.irreps_in)
        self.up = EllLinear(linear.per_ell(block.linear_up), taken)
        one_hot = torch.eye(int(model.atomic_numbers.numel()), dtype=torch.float64)
        sent = model.node_embedding(one_hot)
        if index == 0:
            sent = sent @ linear.per_ell(block.linear_up)[0]
        self.register_buffer("sent_by_species", sent)
        messages: torch.nn.Module
        if list(linear.channels(block.conv_tp.irreps_in1)) == [0]:
            messages = ScalarMessages(model, index, sent if index == 0 else None, at_least)
        else:
            messages = VectorMessages(model, index, at_least)
        self.messages = messages
        self.n_sent: int = messages.n_sent
        self.by_species: bool = messages.by_species
        self.n_intervals: int = messages.radial.n_intervals
        self.update = Update(model, index, head)

    def forward(
        self,
        y: torch.Tensor,
        places: Places,
        sent: torch.Tensor,
        features: torch.Tensor,
        rows: Rows,
        first: int,
        last: int,
    ) -> Tuple[torch.Tensor, torch.Tensor, List[KeptChunk], KeptUpdate]:
        """Return new features ``[n, F]``, energies ``[n]`` and what :meth:`backward` needs.

        Args:
            y: ``[M, P]`` spherical harmonics of all rows.
            places: of all rows in the radial tables.
            sent: ``[n_total, n_sent]`` features of senders; unused if the layer is by species.
            features: ``[n, F]`` of the atoms' last layer.
            rows: the layout.
            first: chunk.
            last: chunk, not included.
        """
        species = rows.species[rows.atoms[first] : rows.atoms[last]]
        x, density, chunks = self.messages.forward(y, places, sent, rows, first, last)
        updated, energy, kept = self.update.forward(x, density, features, species)
        return updated, energy, chunks, kept

    def backward(
        self,
        upstream: torch.Tensor,
        scale: float,
        y: torch.Tensor,
        places: Places,
        rows: Rows,
        first: int,
        last: int,
        chunks: List[KeptChunk],
        kept: KeptUpdate,
        grad_y: torch.Tensor,
        grad_distance: torch.Tensor,
        grad_sent: torch.Tensor,
    ) -> torch.Tensor:
        """Add the derivatives of scale times the energy; return those of the features taken.

        Args:
            upstream: ``[n, F]`` derivative with respect to the features given to later layers.
            scale: of the energies.
            y: ``[M, P]``.
            places: as :meth:`forward`.
            rows: the layout.
            first: chunk.
            last: chunk, not included.
            chunks: from :meth:`forward`.
            kept: likewise.
            grad_y: ``[M, P]``, added to.
            grad_distance: ``[P]``, added to.
            grad_sent: ``[n_total, n_sent]``, added to.
        """
        species = rows.species[rows.atoms[first] : rows.atoms[last]]
        grad_x, grad_density, grad_features = self.update.backward(upstream, scale, species, kept)
        self.messages.backward(
            grad_x,
            grad_density,
            y,
            places,
            rows,
            first,
            last,
            chunks,
            grad_y,
            grad_distance,
            grad_sent,
        )
        return grad_features
