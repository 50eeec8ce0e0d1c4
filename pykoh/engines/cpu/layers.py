"""The messages of one layer in one force call: sums over neighbours in compiled loops, then mixed.

What is called by several threads at a time takes the atoms that a thread has.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pykoh.engines.cpu.pairs import Pairs
from pykoh.engines.cpu.prepared import Path, PathSums, Sums, padded, prepared
from pykoh.engines.cpu.update import scalar_update
from pykoh.engines.graph.spline import place
from pykoh.engines.loops import messages, paths
from pykoh.errors import EngineError

Array = NDArray[np.floating[Any]]

MOST_NUMBERS_SENT = 2**31 - 1  # positions are 32 bits wide


def ensure_places(n: int, width: int) -> None:
    """Raise an EngineError if what n atoms send has too many numbers for the loops.

    Args:
        n: atoms.
        width: numbers that each sends.
    """
    if n * width > MOST_NUMBERS_SENT:
        raise EngineError(
            f"{n} atoms with {width} features each are too many for one rank; use more ranks"
        )


class LayerCall:
    """The messages of one layer in one force call.

    Attributes:
        update: what follows them, in compiled loops; then they need not be mixed.
        energies: see the argument.

    Args:
        graph: the fast graph.
        layer: of it.
        pairs: within the cutoff.
        y: spherical harmonics, in the layout of :mod:`pykoh.engines.loops.messages`.
        sent: ``[S, F]`` what atoms or, in a layer by species, elements send.
        energies: ``[n_local]`` what the update writes to.
        sums: of the layer.
        rows_sent: ``[S, F]`` with the channels filled up.
    """

    def __init__(
        self,
        graph: Any,
        layer: Any,
        pairs: Pairs,
        y: Array,
        sent: torch.Tensor,
        energies: Array,
        sums: Sums,
        rows_sent: torch.Tensor,
    ) -> None:
        self.graph, self.layer, self.source = graph, layer, layer.messages
        self.update = scalar_update(layer, sent)
        self.pairs, self.y, self.sent, self.sums = pairs, y, sent, sums
        self.energies = energies
        self.at, self.position = np.empty(pairs.n, np.int32), np.empty_like(pairs.distance)
        self.sender, self.width_sent = np.empty(pairs.n, np.int32), rows_sent.size(1)
        ensure_places(*rows_sent.shape)
        self.rows_sent = rows_sent.contiguous().view(-1).numpy()

    def place(self, low: int, high: int) -> None:
        """Find the rows of some atoms in the table and in what is sent."""
        pairs, sums = self.pairs, self.sums
        sends, n_species = pairs.neighbour, 0
        if self.layer.by_species:
            sends, n_species = pairs.kinds, self.graph.n_species
        messages.place_rows(
            pairs.start[low], pairs.start[high], pairs.distance, pairs.kinds, sums.pair_table,
            sums.n_tables, sums.n_intervals, sums.cutoff, sends, n_species, self.width_sent,
            self.at, self.position, self.sender,
        )  # fmt: skip

    def forward(self, low: int, high: int) -> tuple[torch.Tensor, torch.Tensor, Any]:
        """Return the messages of some atoms, their density, and its slopes by the distance."""
        mixed = self.mixed(low, high)
        if not self.source.radial.has_density:
            return mixed, mixed.new_empty(0), None
        density, slopes = self._density(low, high)
        return mixed, density, slopes

    def backward(
        self,
        low: int,
        high: int,
        upstream: torch.Tensor,
        grad_density: torch.Tensor,
        slopes: Any,
        grad_y: Array,
        grad_sent: Array,
    ) -> None:
        """Add the derivatives of :meth:`forward`."""
        self.mixed_backward(low, high, upstream, grad_y, grad_sent)
        if self.source.radial.has_density:
            # The first numbers of grad_y are derivatives by the distance.
            first, last = self.pairs.start[low], self.pairs.start[high]
            more = slopes * grad_density.index_select(0, self._atoms(low, high))
            grad_y[first:last] += more.numpy()

    def mixed(self, low: int, high: int) -> torch.Tensor:
        """Return the messages ``[M + G, n, C]`` to the n atoms low to high."""
        raise NotImplementedError

    def mixed_backward(
        self, low: int, high: int, upstream: torch.Tensor, grad_y: Array, grad_sent: Array
    ) -> None:
        """Add the derivatives of :meth:`mixed`."""
        raise NotImplementedError

    def summed(self, low: int, high: int) -> Array:
        """Return what ``update`` takes of the atoms low to high: sums over their neighbours."""
        raise NotImplementedError

    def summed_backward(
        self, low: int, high: int, upstream: Array, grad_y: Array, grad_sent: Array
    ) -> None:
        """Add the derivatives of :meth:`summed`."""
        raise NotImplementedError

    def grad_sent(self, total: Array) -> torch.Tensor:
        """Return ``[S, F]`` from derivatives by what was sent, without what filled it up."""
        raise NotImplementedError

    def _density(self, low: int, high: int) -> tuple[torch.Tensor, torch.Tensor]:
        radial, pairs = self.source.radial, self.pairs
        own = slice(pairs.start[low], pairs.start[high])
        places = place(
            torch.from_numpy(pairs.distance[own]), self.graph.pair_table,
            torch.from_numpy(pairs.kinds[own]), radial.n_intervals, self.graph.cutoff,
        )  # fmt: skip
        values, slopes = radial.density(places, 0, len(places.distance))
        return values.new_zeros(high - low).index_add_(0, self._atoms(low, high), values), slopes

    def _atoms(self, low: int, high: int) -> torch.Tensor:
        counts = torch.from_numpy(np.diff(self.pairs.start[low : high + 1]))
        return torch.repeat_interleave(counts)


class ScalarLayerCall(LayerCall):
    """A layer whose senders have scalars."""

    def __init__(
        self, graph: Any, layer: Any, pairs: Pairs, y: Array, sent: torch.Tensor, energies: Array
    ) -> None:
        table, pair_table = layer.messages.radial_table, layer.messages.pair_table
        sums = prepared(layer.messages, sent, lambda: Sums(table, pair_table, graph.cutoff))
        super().__init__(graph, layer, pairs, y, sent, energies, sums, padded(sent))

    def _arguments(self, low: int, high: int) -> tuple[Any, ...]:
        return (
            low, high, self.sums.n_ell, self.pairs.start, self.y, self.at, self.position,
            self.sender, self.rows_sent, self.sums.width, self.sums.table,
        )  # fmt: skip

    def summed(self, low: int, high: int) -> Array:
        """Return the sums ``[M, n, W]`` over the neighbours of atoms, one-dimensional."""
        sums = self.sums
        found = np.empty(sums.n_ell**2 * (high - low) * sums.width, self.y.dtype)
        given: tuple[Any, ...] = *self._arguments(low, high), found
        messages.sum_neighbours(*given)
        return found

    def summed_backward(
        self, low: int, high: int, upstream: Array, grad_y: Array, grad_sent: Array
    ) -> None:
        """Add the derivatives of :meth:`summed`."""
        results = self.sums.per_angstrom, upstream, grad_y, grad_sent
        given: tuple[Any, ...] = (*self._arguments(low, high), *results)
        messages.sum_neighbours_backward(*given)

    def mixed(self, low: int, high: int) -> torch.Tensor:
        """Return the messages, mixed by one matrix per component."""
        sums, source = self.sums, self.source
        found = torch.from_numpy(self.summed(low, high)).view(sums.n_ell**2, -1, sums.width)
        return torch.bmm(source.with_gates(found[:, :, : sums.n_channels]), source.compiled_mix)

    def mixed_backward(
        self, low: int, high: int, upstream: torch.Tensor, grad_y: Array, grad_sent: Array
    ) -> None:
        """Add the derivatives of :meth:`mixed`."""
        source = self.source
        up = source.without_gates(torch.bmm(upstream, source.compiled_mix.transpose(1, 2)))
        up = padded(up).contiguous().view(-1)
        self.summed_backward(low, high, up.numpy(), grad_y, grad_sent)

    def grad_sent(self, total: Array) -> torch.Tensor:
        """Return the channels that there are."""
        own = torch.from_numpy(total).view(-1, self.sums.width)[:, : self.sums.n_channels]
        return own.contiguous()


class VectorLayerCall(LayerCall):
    """A layer whose senders have vectors, or more, beside scalars."""

    sums: PathSums

    def __init__(
        self, graph: Any, layer: Any, pairs: Pairs, y: Array, sent: torch.Tensor, energies: Array
    ) -> None:
        sums = prepared(layer.messages, sent, lambda: PathSums(layer.messages, graph.pair_table))
        super().__init__(graph, layer, pairs, y, sent, energies, sums, sums.padded_rows(sent))

    def _arguments(self, path: Path, low: int, high: int) -> tuple[Any, ...]:
        g = torch.matmul(self._of_rows(self.y, path.l2, 2 * path.l2 + 1, low, high), path.couple)
        return (
            low, high, self.pairs.start, self.at, self.position, self.sender, self.rows_sent,
            path.n_sent, path.first_sent, self.sums.width, path.table, g.view(-1).numpy(),
            path.n_message,
        )  # fmt: skip

    def _of_rows(self, y: Array, ell: int, width: int, low: int, high: int) -> torch.Tensor:
        """Return Y of one l, or derivatives by it, of the rows of some atoms."""
        n, first, last = self.pairs.n, self.pairs.start[low], self.pairs.start[high]
        begins = n * (ell**2 if y is self.y else messages.GRAD_Y_STARTS[ell])
        return torch.from_numpy(y[begins : begins + n * width]).view(n, width)[first:last]

    def mixed(self, low: int, high: int) -> torch.Tensor:
        """Return the messages, mixed by one matrix per path."""
        sums = self.sums
        found = self.sent.new_empty((sums.n_messages, high - low, sums.width))
        for path in sums.paths:
            own = found[path.first_message : path.first_message + path.n_message]
            given: tuple[Any, ...] = *self._arguments(path, low, high), own.view(-1).numpy()
            paths.sum_path(*given)
        return self.source.coupling.mixed(found[:, :, : sums.n_channels])

    def mixed_backward(
        self, low: int, high: int, upstream: torch.Tensor, grad_y: Array, grad_sent: Array
    ) -> None:
        """Add the derivatives of :meth:`mixed`."""
        sums = self.sums
        up = padded(self.source.coupling.mixed_backward(upstream)).contiguous()
        n_rows = int(self.pairs.start[high] - self.pairs.start[low])
        for path in sums.paths:
            own = up[path.first_message : path.first_message + path.n_message]
            grad_g = up.new_zeros((n_rows, len(path.back)))
            given: tuple[Any, ...] = *self._arguments(path, low, high), sums.per_angstrom
            results: tuple[Any, ...] = own.view(-1).numpy(), grad_g.view(-1).numpy(), grad_sent
            paths.sum_path_backward(*given, *results)
            target = self._of_rows(grad_y, path.l2, messages.GRAD_Y_WIDTHS[path.l2], low, high)
            target[:, : path.back.size(1)].addmm_(grad_g, path.back)

    def grad_sent(self, total: Array) -> torch.Tensor:
        """Return the channels that there are."""
        return self.sums.unpadded_rows(torch.from_numpy(total).view(-1, self.sums.row_width))


def layer_call(
    graph: Any, layer: Any, pairs: Pairs, y: Array, sent: torch.Tensor, energies: Array
) -> LayerCall:
    """Return the messages of one layer in one force call; args as :class:`LayerCall`."""
    kind = VectorLayerCall if hasattr(layer.messages, "groups") else ScalarLayerCall
    return kind(graph, layer, pairs, y, sent, energies)
