"""A force call of the fast graph on a CPU, in compiled loops and small matrix products.

The graph (:class:`~pykoh.engines.graph.graph.FastGraph`) holds the weights. Its torch operations
are replaced for all work on pairs of neighbours and for the symmetric contraction. Each thread
takes its share of the atoms through a whole layer, with one thread per matrix product. Most
potentials whose atoms are all local have a loop of their own (:mod:`pykoh.engines.cpu.whole`).
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
from pykoh.engines.cpu.prepared import flat, padded, prepared
from pykoh.engines.cpu.sender import Scalars, sender_of
from pykoh.engines.cpu.whole import whole_of
from pykoh.engines.ghost import with_ghosts, without_ghosts
from pykoh.engines.loops import messages, totals

Array = NDArray[np.floating[Any]]
Work = Callable[[int, int, int], Any]
"""What is done for a part of the atoms: its number, its first atom and the end of its atoms."""

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
        dtype = pairs.distance.dtype
        self.harmonics = prepared(
            graph.harmonics, graph.embedding, lambda: Harmonics(graph.harmonics, dtype)
        )
        n_ell = self.harmonics.n_ell
        self.y = np.empty(n_ell**2 * pairs.n, dtype)
        self.grad_y = np.empty(messages.GRAD_Y_STARTS[n_ell] * pairs.n, dtype)
        self.energies = np.empty((len(graph.layers), n_local), dtype)

    def run(self, n_edges: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return energies ``[n_local]`` in eV and dE/dr ``[n_edges, 3]``."""
        layers, last = list(self.graph.layers), len(self.graph.layers) - 1
        gradient = np.zeros((n_edges, 3), self.y.dtype)
        features = self.graph.embedding.index_select(0, self.own)
        calls: list[tuple[LayerCall, list[Any]]] = []
        call = self.call(0, features)
        for index in range(last):
            scalars = self.scalars_of(call, layers[index + 1])
            work = self.forward_of(call, features, scalars)
            done = self.in_parts(work, first=index == 0)
            calls.append((call, [each[1] for each in done]))
            if scalars is None:
                features = torch.cat([each[0] for each in done])
                call = self.call(index + 1, features)
            else:
                call = self.call(index + 1, scalars.features, scalars.sent)
                features = scalars.features if call.update is None else scalars.filled
        work = self.forward_and_backward_of(call, features)
        back = self.in_parts(work, first=last == 0, gradient=gradient if last == 0 else None)
        for index in reversed(range(last)):
            upstream = self.upstream_of(calls[index][0], call, back)
            call, states = calls[index]
            ends = gradient if index == 0 else None
            back = self.in_parts(self.backward_of(call, states, upstream), gradient=ends)
        return self.total_energies(), torch.from_numpy(gradient)

    def total_energies(self) -> torch.Tensor:
        """Return energies ``[n_local]`` with those of free atoms, eV."""
        graph, found = self.graph, np.empty(self.n_local)
        free = prepared(graph, graph.embedding, lambda: graph.e0_pico_ev.double().numpy() * 1e-12)
        of_atoms = self.energies.reshape(-1), self.own_kinds, graph.scale, graph.shift
        given: tuple[Any, ...] = (*of_atoms, free, found)
        totals.total_energies(*given)
        return torch.from_numpy(found)

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
            first: before, rows and harmonics are computed.
            gradient: ``[n_edges, 3]`` where the derivatives go afterwards, if all are known then.
        """
        start = self.pairs.start

        def all_of_it(part: int, low: int, high: int) -> Any:
            if first:
                self.pairs.fill(low, high)
                self.harmonics.forward(self.pairs, start[low], start[high], self.y, self.grad_y)
            done = work(part, low, high)
            if gradient is not None:
                self.harmonics.backward(self.pairs, start[low], start[high], self.grad_y, gradient)
            return done

        return in_parts(self.parts, all_of_it)

    def call(
        self, index: int, features: torch.Tensor, sent: torch.Tensor | None = None
    ) -> LayerCall:
        """Return the sums of a layer; features of ghosts are asked for.

        Args:
            index: of the layer.
            features: ``[n_local, F]`` of the layer before.
            sent: ``[n_local, n_sent]`` where it is known.
        """
        layer = self.graph.layers[index]
        if index > 0:
            sent = layer.up(features, self.own) if sent is None else sent
            sent = with_ghosts(sent, self.species.size(0))
        elif layer.by_species:
            sent = layer.sent_by_species
        else:
            sent = layer.sent_by_species.index_select(0, self.species)
        return layer_call(self.graph, layer, self.pairs, self.y, sent, self.energies[index])

    def scalars_of(self, call: LayerCall, following: Any) -> Scalars | None:
        """Return where a compiled update writes what the following layer takes."""
        if call.update is None:
            return None
        sender = sender_of(following, self.graph.embedding)
        return Scalars(self.n_local, call.update, sender, self.y.dtype)

    def upstream_of(self, before: LayerCall, call: LayerCall, back: list[Any]) -> Work:
        """Return what gives the derivatives by the features that the layer before has found.

        Args:
            before: the layer before.
            call: a layer.
            back: of each part, the derivatives by the features that this layer takes of its atoms,
                and by all that was sent.
        """
        sender = sender_of(call.layer, self.graph.embedding) if before.update else None
        grad_sent: list[Array] = [each[1] for each in back]
        more = torch.empty(0)
        if sender is None or self.species.size(0) > self.n_local:
            # Ghosts give back what they have: all parts have to be ready.
            total = call.grad_sent(sum(grad_sent[1:], grad_sent[0]))
            total = without_ghosts(total, self.n_local)
            if sender is None:
                more = call.layer.up.backward(total, self.own)
            else:
                grad_sent = [flat(padded(total))]

        def upstream(part: int, low: int, high: int) -> Any:
            own: torch.Tensor = back[part][0]
            if sender is None:
                features = own[:, : more.size(1)] + more[low:high]
                return features if before.update is None else flat(padded(features))
            of_part = slice(low * sender.width, high * sender.width)
            found = sender.backward(sum((g[of_part] for g in grad_sent[1:]), grad_sent[0][of_part]))
            found.reshape(high - low, sender.width_in)[:, : own.size(1)] += own.numpy()
            return found

        return upstream

    def forward_of(self, call: LayerCall, features: torch.Tensor, scalars: Scalars | None) -> Work:
        """Return the forward pass of a layer for a share of the atoms."""

        def work(_: int, low: int, high: int) -> Any:
            call.place(low, high)
            new, kept = self.forward(call, features, low, high)
            if scalars is not None:
                scalars.put(new, low, high)
            return new, kept

        return work

    def forward(self, call: LayerCall, features: torch.Tensor, low: int, high: int) -> Any:
        """Return new features and what the backward pass needs, and write energies.

        The features are an array ``[n, W]`` after a compiled update, otherwise of torch ``[n, F]``.
        """
        if call.update is not None:
            sums, given = call.summed(low, high), features.numpy()[low:high]
            scalars, energy, kept = call.update.forward(sums, given, self.own_kinds[low:high])
            call.energies[low:high] = energy
            return scalars, (None, kept)
        x, density, slopes = call.forward(low, high)
        own, update = self.own[low:high], call.layer.update
        new, of_atoms, kept = update.forward(x, density, features[low:high], own)
        call.energies[low:high] = of_atoms.numpy()
        return new, (slopes, kept)

    def backward(
        self, call: LayerCall, upstream: Any, kept: Any, low: int, high: int, grad_sent: Array
    ) -> torch.Tensor:
        """Add the derivatives of :meth:`forward`; return those of the features taken.

        Args:
            call: of the layer.
            upstream: by the new features, in the shape in which :meth:`forward` returns them, but
                an array has one dimension; nothing in the last layer.
            kept: from :meth:`forward`.
            low: first atom.
            high: last atom, not included.
            grad_sent: added to.
        """
        slopes, of_update = kept
        scale = self.graph.scale
        if call.update is not None:
            kinds = self.own_kinds[low:high]
            grad_sums, grad = call.update.backward(upstream, scale, kinds, of_update)
            call.summed_backward(low, high, grad_sums, self.grad_y, grad_sent)
            return torch.from_numpy(grad)
        update, own = call.layer.update, self.own[low:high]
        grad_x, grad_density, grad_features = update.backward(upstream, scale, own, of_update)
        call.backward(low, high, grad_x, grad_density, slopes, self.grad_y, grad_sent)
        return grad_features

    def new_grad_sent(self, call: LayerCall) -> Array:
        """Return zeros for the derivatives by what is sent; none where nobody asks."""
        asked = call.layer is not self.graph.layers[0]
        return np.zeros(call.rows_sent.size if asked else 0, self.y.dtype)

    def backward_of(self, call: LayerCall, states: list[Any], upstream: Work) -> Work:
        """Return the backward pass of a layer for a share of the atoms."""

        def work(part: int, low: int, high: int) -> tuple[torch.Tensor, Array]:
            given, grad_sent = upstream(part, low, high), self.new_grad_sent(call)
            return self.backward(call, given, states[part], low, high, grad_sent), grad_sent

        return work

    def forward_and_backward_of(self, call: LayerCall, features: torch.Tensor) -> Work:
        """Return both passes of the last layer for a share of the atoms."""
        return lambda _, low, high: self.forward_and_backward(call, features, low, high)

    def forward_and_backward(
        self, call: LayerCall, features: torch.Tensor, low: int, high: int
    ) -> tuple[torch.Tensor, Array]:
        """Do both passes of the last layer for a share of the atoms, some atoms at a time."""
        call.place(low, high)
        grad_sent = self.new_grad_sent(call)
        backs = []
        n_groups = max(round((high - low) / ATOMS_TOGETHER), 1)
        ends = [low + (high - low) * k // n_groups for k in range(n_groups + 1)]
        for first, last in itertools.pairwise(ends):
            new, kept = self.forward(call, features, first, last)
            nothing = new[:0] if call.update is None else new[:0].reshape(-1)
            backs.append(self.backward(call, nothing, kept, first, last, grad_sent))
        return backs[0] if n_groups == 1 else torch.cat(backs), grad_sent


def force_call(
    graph: Any,
    rij: torch.Tensor,
    sender: torch.Tensor,
    receiver: torch.Tensor,
    species: torch.Tensor,
    n_local: int,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Evaluate a fast graph on a CPU.

    Args and results as :meth:`pykoh.engines.graph.graph.FastGraph.forward`.
    """
    pairs = Pairs(rij, sender, receiver, species, n_local, graph.n_species, graph.cutoff)
    threads = torch.get_num_threads()
    if threads > 1:
        torch.set_num_threads(1)
    try:
        if n_local == species.size(0):
            whole = whole_of(graph)
            if whole is not None:
                return whole.force_call(pairs, rij.size(0), threads)
        return _Call(graph, pairs, species, n_local, threads).run(rij.size(0))
    finally:
        if threads > 1:
            torch.set_num_threads(threads)
