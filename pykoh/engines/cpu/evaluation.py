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
from pykoh.engines.cpu.prepared import padded, prepared
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
        self.own_kinds = self.own.contiguous().numpy()
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
        layers, last = list(self.graph.layers), len(self.graph.layers) - 1
        gradient = np.zeros((n_edges, 3), self.y.dtype)
        features = self.graph.embedding.index_select(0, self.own)
        energies: list[torch.Tensor] = []
        calls: list[tuple[LayerCall, list[Any]]] = []
        for index, layer in enumerate(layers[:-1]):
            call = self.call(index, layer, features)
            done = self.in_parts(self.forward_of(call, features), first=index == 0)
            features = torch.cat([each[0] for each in done])
            energies.append(torch.cat([each[1] for each in done]))
            calls.append((call, [each[2] for each in done]))
        call = self.call(last, layers[-1], features)
        work = self.forward_and_backward_of(call, features)
        ends = gradient if last == 0 else None
        done = self.in_parts(work, first=last == 0, gradient=ends)
        energies.append(torch.cat([each[0] for each in done]))
        grad_features = torch.cat([each[1] for each in done])
        grad_features = self.grad_features_before(call, grad_features, [each[2] for each in done])
        for index in reversed(range(last)):
            call, states = calls[index]
            ends = gradient if index == 0 else None
            back = self.in_parts(self.backward_of(call, states, grad_features), gradient=ends)
            grad_features = torch.cat([each[0] for each in back])
            grad_features = self.grad_features_before(
                call, grad_features, [each[1] for each in back]
            )
        return torch.stack(energies).double().sum(0), torch.from_numpy(gradient)

    def in_parts(
        self,
        work: Callable[[int, int, int], Any],
        first: bool = False,
        gradient: Array | None = None,
    ) -> list[Any]:
        """Return what ``work`` returns for all parts of the atoms, each in a thread.

        To wake a thread takes time, so what a part needs of its own rows is done with it.

        Args:
            work: called with a part, its first atom and the end of its atoms.
            first: before, the harmonics are computed.
            gradient: ``[n_edges, 3]`` where the derivatives go afterwards, if all are known then.
        """
        start = self.pairs.start

        def all_of_it(part: int, low: int, high: int) -> Any:
            if first:
                self.harmonics.forward(self.pairs, start[low], start[high], self.y)
            done = work(part, low, high)
            if gradient is not None:
                self.harmonics.backward(self.pairs, start[low], start[high], self.grad_y, gradient)
            return done

        return in_parts(self.parts, all_of_it)

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
            return self.forward(call, features, low, high)

        return work

    def forward(self, call: LayerCall, features: torch.Tensor, low: int, high: int) -> Any:
        """Return new features, energies, and what the backward pass needs."""
        if call.update is not None:
            sums, given = call.summed(low, high), features.numpy()[low:high]
            scalars, parts, kept = call.update.forward(sums, given, self.own_kinds[low:high])
            return torch.from_numpy(scalars), torch.from_numpy(parts), (None, kept)
        x, density, slopes = call.forward(low, high)
        own, update = self.own[low:high], call.layer.update
        new, energy, kept = update.forward(x, density, features[low:high], own)
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
        """Add the derivatives of :meth:`forward`; return those of the features taken.

        Args:
            call: of the layer.
            upstream: ``[n_local, F]``; ``[0, F]`` in the last layer.
            kept: from :meth:`forward`.
            low: first atom.
            high: last atom, not included.
            grad_sent: added to.
        """
        slopes, of_update = kept
        scale = self.graph.scale
        if call.update is not None:
            kinds, up = self.own_kinds[low:high], upstream.numpy()[low:high].reshape(-1)
            grad_sums, grad = call.update.backward(up, scale, kinds, of_update)
            call.summed_backward(low, high, grad_sums, self.grad_y, grad_sent)
            return torch.from_numpy(grad)
        update, own = call.layer.update, self.own[low:high]
        given = upstream[low:high]
        grad_x, grad_density, grad_features = update.backward(given, scale, own, of_update)
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
        if call.update is not None:
            upstream = padded(upstream)

        def work(part: int, low: int, high: int) -> tuple[torch.Tensor, Array]:
            grad_sent = self.new_grad_sent(call)
            return self.backward(call, upstream, states[part], low, high, grad_sent), grad_sent

        return work

    def forward_and_backward_of(
        self, call: LayerCall, features: torch.Tensor
    ) -> Callable[[int, int, int], tuple[torch.Tensor, torch.Tensor, Array]]:
        """Return both passes of the last layer for a share of the atoms."""
        return lambda _, low, high: self.forward_and_backward(call, features, low, high)

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
            new, energy, kept = self.forward(call, features, first, last)
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
