"""A force call of the fast graph on a CPU, in compiled loops and small matrix products.

The graph (:class:`~pykoh.engines.graph.graph.FastGraph`) holds the weights. Its torch operations
are replaced for all work on pairs of neighbours and for the symmetric contraction. Each thread
takes its share of the atoms through a whole layer, with one thread per matrix product.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pykoh.engines.cpu.layers import LayerCall, layer_call
from pykoh.engines.cpu.pairs import Harmonics, Pairs
from pykoh.engines.cpu.parts import in_parts, parts_of
from pykoh.engines.cpu.prepared import prepared
from pykoh.engines.ghost import with_ghosts, without_ghosts
from pykoh.engines.loops import messages

Array = NDArray[np.floating[Any]]

# About so many atoms of the last layer do both passes at a time, while their numbers are in the
# cache. With fewer, the time between torch's operations counts.
ATOMS_TOGETHER = 160


class _Call:
    """One force call.

    Args:
        graph: the graph, on the CPU.
        pairs: within the cutoff.
        species: ``[n_total]``.
        n_local: atoms whose energies are computed.
        n_threads: at most.
    """

    def __init__(
        self, graph: Any, pairs: Pairs, species: torch.Tensor, n_local: int, n_threads: int
    ) -> None:
        self.graph, self.pairs = graph, pairs
        self.species, self.own = species, species[:n_local]
        self.n_local = n_local
        self.parts = parts_of(n_local, n_threads, pairs.start)
        self.harmonics = prepared(
            graph.harmonics,
            graph.embedding,
            lambda: Harmonics(graph.harmonics, pairs.distance.dtype),
        )
        n_ell = self.harmonics.n_ell
        self.y = np.empty(n_ell**2 * pairs.n, pairs.distance.dtype)
        self.grad_y = np.zeros(messages.GRAD_Y_STARTS[n_ell] * pairs.n, pairs.distance.dtype)

    def run(self, n_edges: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return energies ``[n_local]`` without those of free atoms, and dE/dr ``[n_edges, 3]``."""
        graph, start = self.graph, self.pairs.start
        layers = list(graph.layers)
        in_parts(
            self.parts,
            lambda _, low, high: self.harmonics.forward(
                self.pairs, start[low], start[high], self.y
            ),
        )
        features = graph.embedding.index_select(0, self.own)
        energies: list[torch.Tensor] = []
        calls: list[tuple[LayerCall, list[Any]]] = []
        for index, layer in enumerate(layers[:-1]):
            call = self.call(index, layer, features)
            done = in_parts(self.parts, self.forward_of(call, features))
            features = torch.cat([each[0] for each in done])
            energies.append(torch.cat([each[1] for each in done]))
            calls.append((call, [each[2] for each in done]))
        call = self.call(len(layers) - 1, layers[-1], features)
        given = features

        def forward_and_backward(_: int, low: int, high: int) -> Any:
            return self.forward_and_backward(call, given, low, high)

        done = in_parts(self.parts, forward_and_backward)
        energies.append(torch.cat([each[0] for each in done]))
        grad_features = torch.cat([each[1] for each in done])
        grad_features = self.grad_features_before(call, grad_features, [each[2] for each in done])
        for call, states in reversed(calls):
            back = in_parts(self.parts, self.backward_of(call, states, grad_features))
            grad_features = torch.cat([each[0] for each in back])
            grad_features = self.grad_features_before(
                call, grad_features, [each[1] for each in back]
            )
        gradient = np.zeros((n_edges, 3), self.y.dtype)
        in_parts(
            self.parts,
            lambda _, low, high: self.harmonics.backward(
                self.pairs, start[low], start[high], self.grad_y, gradient
            ),
        )
        return torch.stack(energies).double().sum(0), torch.from_numpy(gradient)

    def call(self, index: int, layer: Any, features: torch.Tensor) -> LayerCall:
        """Return the sums of a layer; features of ghosts are asked for."""
        if index > 0:
            sent = layer.up(features, self.own)
            sent = with_ghosts(sent, self.species.size(0))
        elif layer.by_species:
            sent = layer.sent_by_species
        else:
            sent = layer.sent_by_species.index_select(0, self.species)
        return layer_call(self.graph, layer, self.pairs, self.y, sent)

    def grad_features_before(
        self, call: LayerCall, grad_features: torch.Tensor, grad_sent: list[Array]
    ) -> torch.Tensor:
        """Add what comes back through the features that a layer sent."""
        layer = call.layer
        if layer is self.graph.layers[0]:
            return grad_features  # nobody asks what the embedding of an element changes
        total = without_ghosts(call.grad_sent(sum(grad_sent[1:], grad_sent[0])), self.n_local)
        return grad_features + layer.up.backward(total, self.own)

    def forward_of(self, call: LayerCall, features: torch.Tensor) -> Callable[[int, int, int], Any]:
        """Return the forward pass of a layer for a share of the atoms."""

        def work(_: int, low: int, high: int) -> Any:
            call.place(low, high)
            return self.forward(call, features[low:high], low, high)

        return work

    def forward(self, call: LayerCall, features: torch.Tensor, low: int, high: int) -> Any:
        """Return new features, energies, and what the backward pass needs."""
        x, density, slopes = call.forward(low, high)
        new, energy, kept = call.layer.update.forward(x, density, features, self.own[low:high])
        return new, energy, (slopes, kept)

    def backward(
        self,
        call: LayerCall,
        upstream: torch.Tensor,
        kept: Any,
        low: int,
        high: int,
        grad_sent: Array,
    ) -> torch.Tensor:
        """Add the derivatives of :meth:`forward`; return those of the features taken."""
        slopes, kept_update = kept
        own = self.own[low:high]
        update, scale = call.layer.update, self.graph.scale
        grad_x, grad_density, grad_features = update.backward(upstream, scale, own, kept_update)
        call.backward(low, high, grad_x, grad_density, slopes, self.grad_y, grad_sent)
        return grad_features

    def new_grad_sent(self, call: LayerCall) -> Array:
        """Return zeros for the derivatives by what is sent; none where nobody asks."""
        asked = call.layer is not self.graph.layers[0]
        return np.zeros(call.rows_sent.size if asked else 0, self.y.dtype)

    def backward_of(
        self, call: LayerCall, states: list[Any], upstream: torch.Tensor
    ) -> Callable[[int, int, int], tuple[torch.Tensor, Array]]:
        """Return the backward pass of a layer for a share of the atoms."""

        def work(part: int, low: int, high: int) -> tuple[torch.Tensor, Array]:
            grad_sent = self.new_grad_sent(call)
            up = upstream[low:high]
            return self.backward(call, up, states[part], low, high, grad_sent), grad_sent

        return work

    def forward_and_backward(
        self, call: LayerCall, features: torch.Tensor, low: int, high: int
    ) -> tuple[torch.Tensor, torch.Tensor, Array]:
        """Do both passes of the last layer for a share of the atoms, some atoms at a time."""
        call.place(low, high)
        grad_sent = self.new_grad_sent(call)
        energies, backs = [], []
        n_groups = max(round((high - low) / ATOMS_TOGETHER), 1)
        ends = [low + (high - low) * k // n_groups for k in range(n_groups + 1)]
        for first, last in itertools.pairwise(ends):
            new, energy, kept = self.forward(call, features[first:last], first, last)
            backs.append(self.backward(call, new[:0], kept, first, last, grad_sent))
            energies.append(energy)
        return torch.cat(energies), torch.cat(backs), grad_sent


def force_call(
    graph: Any,
    rij: torch.Tensor,
    sender: torch.Tensor,
    receiver: torch.Tensor,
    species: torch.Tensor,
    n_local: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Evaluate a fast graph on a CPU.

    Args and results as :meth:`pykoh.engines.graph.graph.FastGraph.forward`, whose energies this
    returns without those of the free atoms.
    """
    pairs = Pairs(rij, sender, receiver, species, n_local, graph.n_species, graph.cutoff)
    threads = torch.get_num_threads()
    if threads > 1:
        torch.set_num_threads(1)
    try:
        return _Call(graph, pairs, species, n_local, threads).run(rij.size(0))
    finally:
        if threads > 1:
            torch.set_num_threads(threads)
