"""A force call in one compiled loop for each thread, for the potentials that most models are."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pykoh.engines.cpu.layers import ensure_places
from pykoh.engines.cpu.pairs import Harmonics, Pairs
from pykoh.engines.cpu.parts import Signals, parts_of, together
from pykoh.engines.cpu.prepared import Sums, flat, padded, prepared
from pykoh.engines.cpu.sender import sender_of
from pykoh.engines.cpu.update import scalar_update
from pykoh.engines.loops import force_call as loop
from pykoh.engines.loops import layout as fields
from pykoh.engines.loops import messages, passes, totals
from pykoh.engines.loops.entries import addresses

Array = NDArray[np.floating[Any]]
Indices = NDArray[np.int64]

_LINE = 64  # bytes: a value that lies in two cache lines takes longer to load


class Whole:
    """A potential as :func:`pykoh.engines.loops.force_call.force_call` takes it.

    Args:
        graph: one that :meth:`covers`.
    """

    @staticmethod
    def covers(graph: Any) -> bool:
        """Return whether each layer of a graph takes scalars, and does no other steps."""
        like, layers = graph.embedding, list(graph.layers)
        if any(hasattr(layer.messages, "groups") for layer in layers):
            return False
        updates = [scalar_update(layer, like) for layer in layers]
        senders = [sender_of(layer, like) for layer in layers[1:]]
        return all(updates) and all(senders) and updates[0].n_before == 0  # type: ignore[union-attr]

    def __init__(self, graph: Any) -> None:
        like = graph.embedding
        self.graph, self.dtype = graph, flat(like[:0]).dtype
        self.free = graph.e0_pico_ev.double().numpy() * 1e-12
        self.harmonics = Harmonics(graph.harmonics, self.dtype)
        indices, weights = _Packed(np.int64), _Packed(self.dtype)
        layout, self.per_atom, self.per_atom_of_part, self.scratch = [], [], [], 0
        n_components = self.harmonics.n_ell**2
        for index, layer in enumerate(graph.layers):
            update = scalar_update(layer, like)
            assert update is not None  # covers() has seen it
            u, v, w, b = update.width_sums, update.width_in, update.width, update.width_before
            made, by_index, by_weight = self._arrays(index, layer, update)
            layout += [u, v, w, b, update.n_before, update.n_hidden, made.n_tables]
            layout += [made.n_intervals, *indices.put(by_index), *weights.put(by_weight)]
            sent = u if index > 0 else 0
            self.per_atom.append((w, w, n_components * v, b, sent))
            self.per_atom_of_part.append(sent)
            self.scratch = max(self.scratch, n_components * (u + v) + v, 2 * (n_components * u + w))
        of_y, slopes = self.harmonics.of_y, self.harmonics.of_slopes
        layout += indices.put([*self.harmonics.monomials, *of_y[:-1], *slopes[:-1]])
        layout += weights.put([of_y[-1], slopes[-1]])
        layout += [0] * (-len(layout) % fields.N_FIELDS)
        self.layout, self.indices, self.weights = np.array(layout), indices.all(), weights.all()
        self.entries = addresses(passes.LOOPS, self.dtype == np.float64)
        self._room: dict[tuple[int, int], tuple[Indices, int]] = {}

    def _arrays(self, index: int, layer: Any, update: Any) -> tuple[Sums, list[Any], list[Any]]:
        """Return the sums of a layer, and its arrays in the order of ``layout.FIELDS``."""
        source, like = layer.messages, self.graph.embedding
        table, pairs = source.radial_table, self.graph.pair_table
        made = prepared(source, like, lambda: Sums(table, pairs, self.graph.cutoff))
        nothing = np.empty(0, self.dtype)
        sent = [flat(padded(layer.sent_by_species)), nothing, nothing]
        if index > 0:
            sender = sender_of(layer, like)
            assert sender is not None
            sent = [nothing, sender.matrix, sender.back]
        terms = update.terms
        return made, [made.pair_table, terms.factors, terms.runs], [
            made.table, *sent, update.mix, update.mix_back, terms.coefficients, update.linear,
            update.linear_back, update.own, update.skip, update.skip_back, update.read_in,
            update.read_back, update.read_out,
        ]  # fmt: skip

    def room(self, n: int, n_parts: int) -> tuple[Indices, int]:
        """Return where values of n atoms lie, and how many numbers that takes."""
        if (n, n_parts) not in self._room:
            places, at = [], 0
            for widths, of_part in zip(self.per_atom, self.per_atom_of_part, strict=True):
                for width in (*widths, n_parts * of_part):
                    places.append(at)
                    at += n * width
            size = min(n, fields.ATOMS_TOGETHER) * self.scratch
            self._room = {(n, n_parts): (np.array([*places, at, size]), at + n_parts * size)}
        return self._room[n, n_parts]

    def force_call(
        self, pairs: Pairs, n_edges: int, n_threads: int
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return energies ``[n]`` in eV and dE/dr ``[n_edges, 3]``."""
        n, n_ell, graph = len(pairs.start) - 1, self.harmonics.n_ell, self.graph
        ensure_places(n, max(self.per_atom_of_part))
        gradient = np.zeros((n_edges, 3), self.dtype)
        energies = np.empty(len(self.per_atom) * n, self.dtype)
        y = _aligned(n_ell**2 * pairs.n, self.dtype)
        grad_y = _aligned(messages.GRAD_Y_STARTS[n_ell] * pairs.n, self.dtype)
        n_places = len(self.per_atom) * pairs.n
        at, place = np.empty(n_places, np.int32), np.empty(n_places, np.int32)
        position = np.empty(n_places, self.dtype)
        parts = parts_of(n, n_threads, pairs.start)
        room, size = self.room(n, len(parts))
        work = _aligned(size, self.dtype)
        given: tuple[Any, ...] = (
            graph.n_species, n_ell, graph.scale, graph.cutoff, self.entries, self.layout, room,
            self.indices, self.weights, *pairs.arrays, at, position, place, y, grad_y, work,
            energies, gradient,
        )  # fmt: skip

        def work_of(part: int, n_parts: int, low: int, high: int, signals: Signals) -> None:
            loop.force_call(part, n_parts, low, high, *signals, *given)

        together(parts, work_of)
        if pairs.order is not None:
            sorted_gradient, gradient = gradient, np.empty_like(gradient)
            gradient[pairs.order] = sorted_gradient
        found = np.empty(n)
        totals.total_energies(energies, pairs.species, graph.scale, graph.shift, self.free, found)
        return torch.from_numpy(found), torch.from_numpy(gradient)


def whole_of(graph: Any) -> Whole | None:
    """Return a graph as one compiled loop, or None where it has other steps."""

    def make() -> Whole | None:
        return Whole(graph) if Whole.covers(graph) else None

    return prepared(graph.layers, graph.embedding, make)


class _Packed:
    """Arrays one after the other, each from a cache line on."""

    def __init__(self, dtype: Any) -> None:
        self._arrays: list[Any] = []
        self._dtype, self._size = dtype, 0

    def put(self, arrays: list[Any]) -> list[int]:
        """Put arrays behind those that are there; return where each begins, and where all end."""
        places = []
        for array in arrays:
            places.append(self._size)
            self._arrays.append(array)
            self._size += len(array)
        return [*places, self._size]

    def all(self) -> Any:
        """Return all arrays as one."""
        found = _aligned(self._size, self._dtype)
        np.concatenate(self._arrays, out=found)
        return found


def _aligned(size: int, dtype: Any) -> Any:
    """Return an array that begins with a cache line."""
    n = _LINE // np.dtype(dtype).itemsize
    whole = np.empty(size + n, dtype)
    first = -whole.ctypes.data % _LINE // whole.itemsize
    return whole[first : first + size]
