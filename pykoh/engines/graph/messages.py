"""Messages from neighbours with scalar features, forward and backward.

On a CPU the sums over neighbours are compiled loops (:mod:`pykoh.engines.cpu`). Elsewhere the
atoms come in chunks, each of which has its own number of neighbour rows K per atom, so that
aggregation over neighbours is a batched matrix product. Everything is differentiated by hand: what
the backward pass needs is known beforehand, and each rank of a parallel run passes through the
same exchanges whatever atoms it has.
"""

from __future__ import annotations

from typing import List, Tuple

import torch

from pykoh.engines.graph import linear
from pykoh.engines.graph.kept import KeptChunk
from pykoh.engines.graph.radial import Radial
from pykoh.engines.graph.rows import Rows
from pykoh.engines.graph.spline import Places, by_species
from pykoh.engines.graph.tables import pairs_of_species
from pykoh.engines.scripting import unscripted

# Up to so many elements the first layer is contracted element by element.
MAX_SPECIES_IN_FIRST = 6


class ScalarMessages(torch.nn.Module):
    """The summed and mixed messages of one layer.

    Shapes: N atoms, n of them in a chunk of rows width K, P rows, Q radial features, C channels,
    M = (max_ell + 1)² components, S elements, G gates (0 without). Arrays over components have them
    first.

    Args:
        model: the eager model, float64.
        index: of a layer whose senders have scalar features.
        sent: ``[S, C]`` what each element sends, in the first layer; else None.
        at_least: intervals of the radial tables.
    """

    derived = ("radial_table", "mix", "compiled_mix")

    def __init__(
        self, model: torch.nn.Module, index: int, sent: torch.Tensor | None, at_least: int
    ) -> None:
        super().__init__()
        block = model.interactions[index]
        self.n_species = int(model.atomic_numbers.numel())
        per_ell = linear.radial_per_ell(block)
        self.radial = Radial(model, index, torch.cat(per_ell, 1), at_least)
        parts = linear.mixing_parts(block)
        mix = [matrix for _, matrix in parts]
        if not self.radial.has_density:
            mix = [each / float(block.avg_num_neighbors) for each in mix]
        self.n_ell = len(per_ell)
        self.n_components = self.n_ell**2
        self.n_gates = linear.gates(block)
        self.ell_of_part = [ell for ell, _ in parts]
        self.register_buffer("mix_per_ell", torch.stack(mix))
        self.n_hidden: int = self.radial.n_features
        self.n_sent: int = mix[0].shape[0]
        self.by_species = sent is not None and self.n_species <= MAX_SPECIES_IN_FIRST
        # What each element sends, where the messages are summed element by element.
        by_element = sent if sent is not None and self.by_species else torch.zeros(0)
        self.register_buffer("sent", by_element.double())
        # Only earlier releases read it in an artifact.
        self.kept = (2 if self.by_species else 3) + (1 if self.radial.has_density else 0)
        self.cutoff = float(model.r_max)
        pair_table = torch.from_numpy(pairs_of_species(model)[1]).flatten()
        self.register_buffer("pair_table", pair_table)
        for name in self.derived:
            self.register_buffer(name, torch.empty(0, dtype=torch.float64))
        self.fill()

    @unscripted
    def complete(self) -> None:
        """Add what artifacts of 0.1.0 before the non-linear blocks do not have."""
        if "n_gates" not in self.__dict__:
            self.n_gates, self.ell_of_part = 0, list(range(self.n_ell))

    @unscripted
    def fill(self) -> None:
        """Compute the matrices of each component, and the table of the compiled loops.

        ``radial_table`` is ``[T, n_intervals, n_ell, 6, C]``. It has all radial weights, so that
        none is a product. A spline of degree 5 needs few intervals: the table stays in the cache.
        """
        # For each component the matrix of its l: one batched product mixes all.
        ells = list(enumerate(self.ell_of_part))
        component = [part for part, ell in ells for _ in range(2 * ell + 1)]
        self.compiled_mix = self.mix_per_ell[component]
        self.mix = self.compiled_mix
        if self.by_species:
            weights = self.radial.weights.unflatten(1, (self.n_ell, -1))[:, self.ell_of_part]
            mix = torch.einsum("klc,sc,lcd->lskd", weights, self.sent, self.mix_per_ell)
            self.mix = mix.flatten(1, 2)[component]
        table = self.radial.weighted_table().unflatten(3, (self.n_ell, -1))
        self.radial_table = table.transpose(2, 3).contiguous()

    def forward(
        self,
        y: torch.Tensor,
        places: Places,
        sent: torch.Tensor,
        rows: Rows,
        first: int,
        last: int,
    ) -> Tuple[torch.Tensor, torch.Tensor, List[KeptChunk]]:
        """Return the messages to the atoms of some chunks, their densities, and what is kept.

        The messages are ``[M + G, n, C]``, the densities ``[n]``; ``[0]`` where the block has none.

        Args:
            y: ``[M, P]`` spherical harmonics of all rows.
            places: of all rows in the radial tables.
            sent: ``[n_total, C]`` features of senders; unused if the layer is by species.
            rows: the layout.
            first: chunk.
            last: chunk, not included.
        """
        width = self.n_species * self.n_hidden if self.by_species else self.n_sent
        sums = y.new_empty((self.n_components, rows.atoms[last] - rows.atoms[first], width))
        density = y.new_empty((sums.size(1) if self.radial.has_density else 0,))
        kept: List[KeptChunk] = []
        for c in range(first, last):
            low, high = rows.rows[c], rows.rows[c + 1]
            a, b = rows.atoms[c] - rows.atoms[first], rows.atoms[c + 1] - rows.atoms[first]
            hidden, slope = self.radial(places, low, high)
            weights, sent_here, density_slope = hidden, hidden[:0], hidden[:0]
            if self.by_species:
                own_y = by_species(y[:, low:high], rows.is_of[:, low:high])
                part = self.sum_by_species(own_y, hidden, b - a)
            else:
                sent_here = sent.index_select(0, rows.neighbour[low:high])
                weights = torch.matmul(hidden, self.radial.weights)
                weights = weights.view(-1, self.n_ell, self.n_sent)
                part = self.sum_neighbours(y[:, low:high], weights, sent_here, b - a)
            sums[:, a:b] = part
            if self.radial.has_density:
                values, density_slope = self.radial.density(places, low, high)
                density[a:b] = values.view(b - a, -1).sum(1)
            kept.append(KeptChunk(weights, sent_here, slope, density_slope))
        return torch.bmm(self.with_gates(sums), self.mix), density, kept

    def with_gates(self, sums: torch.Tensor) -> torch.Tensor:
        """Return ``[M + G, n, C]`` with the scalars of ``[M, n, C]`` once more for each gate."""
        if self.n_gates == 0:
            return sums
        return torch.cat([sums[:1].expand(1 + self.n_gates, -1, -1), sums[1:]])

    def without_gates(self, grad_parts: torch.Tensor) -> torch.Tensor:
        """Return the derivative with respect to what :meth:`with_gates` took."""
        if self.n_gates == 0:
            return grad_parts
        end = 1 + self.n_gates
        return torch.cat([grad_parts[:end].sum(0, keepdim=True), grad_parts[end:]])

    def backward(
        self,
        upstream: torch.Tensor,
        grad_density: torch.Tensor,
        y: torch.Tensor,
        places: Places,
        rows: Rows,
        first: int,
        last: int,
        kept: List[KeptChunk],
        grad_y: torch.Tensor,
        grad_distance: torch.Tensor,
        grad_sent: torch.Tensor,
    ) -> None:
        """Add the derivatives with respect to all that :meth:`forward` took.

        Args:
            upstream: ``[M + G, n, C]`` derivative with respect to the messages.
            grad_density: ``[n]``, with respect to the density.
            y: ``[M, P]``.
            places: as :meth:`forward`.
            rows: the layout.
            first: chunk.
            last: chunk, not included.
            kept: from :meth:`forward`.
            grad_y: ``[M, P]``, added to.
            grad_distance: ``[P]``, added to.
            grad_sent: ``[n_total, C]``, added to.
        """
        grad_sums = self.without_gates(torch.bmm(upstream, self.mix.transpose(1, 2)))
        for c in range(first, last):
            low, high = rows.rows[c], rows.rows[c + 1]
            a, b = rows.atoms[c] - rows.atoms[first], rows.atoms[c + 1] - rows.atoms[first]
            chunk = kept[c - first]
            own_y = y[:, low:high]
            if self.by_species:
                is_of = rows.is_of[:, low:high]
                own_y = by_species(own_y, is_of)
                own_grad_y, own_grad_t = self.backward_by_species(
                    own_y, chunk.weights, chunk.slope, grad_sums[:, a:b]
                )
                grad_y[:, low:high] += (
                    own_grad_y.view(self.n_species, self.n_components, -1) * is_of.unsqueeze(1)
                ).sum(0)
            else:
                own_grad_y, own_grad_t, own_grad_sent = self.backward_to_neighbours(
                    own_y, chunk.weights, chunk.sent, chunk.slope, grad_sums[:, a:b]
                )
                grad_y[:, low:high] += own_grad_y
                grad_sent.index_add_(0, rows.neighbour[low:high], own_grad_sent)
            grad_distance[low:high] += own_grad_t * self.radial.per_angstrom
            if self.radial.has_density:
                slopes = chunk.density_slope.view(b - a, -1)
                grad_distance[low:high] += (slopes * grad_density[a:b].unsqueeze(1)).flatten()

    def sum_by_species(self, y: torch.Tensor, hidden: torch.Tensor, n: int) -> torch.Tensor:
        """Return ``[M, n, S Q]`` from Y by species ``[S M, rows]`` and ``[rows, Q]``."""
        width = hidden.size(0) // n
        shaped = y.view(y.size(0), n, width).transpose(0, 1)
        sums = torch.bmm(shaped, hidden.view(n, width, self.n_hidden))
        sums = sums.view(n, self.n_species, self.n_components, self.n_hidden)
        return sums.permute(2, 0, 1, 3).flatten(2)

    def backward_by_species(
        self, y: torch.Tensor, hidden: torch.Tensor, slope: torch.Tensor, upstream: torch.Tensor
    ) -> Tuple[torch.Tensor, torch.Tensor]:
        """Return derivatives with respect to Y by species ``[S M, rows]`` and t ``[rows]``."""
        n = upstream.size(1)
        width = hidden.size(0) // n
        own = upstream.reshape(self.n_components, n, self.n_species, self.n_hidden)
        own = own.permute(1, 2, 0, 3).reshape(n, -1, self.n_hidden)
        shape = (n, width, self.n_hidden)
        grad_y = torch.bmm(own, hidden.view(shape).transpose(1, 2)).transpose(0, 1).flatten(1)
        grad_t = torch.bmm(own, slope.view(shape).transpose(1, 2)).transpose(0, 1).flatten(1)
        return grad_y, (grad_t * y).sum(0)

    def sum_neighbours(
        self, y: torch.Tensor, weights: torch.Tensor, sent: torch.Tensor, n: int
    ) -> torch.Tensor:
        """Return ``[M, n, C]`` from ``[M, rows]``, ``[rows, n_ell, C]`` and ``[rows, C]``."""
        width = sent.size(0) // n
        messages = (weights * sent.unsqueeze(1)).view(n, width, self.n_ell, self.n_sent)
        shaped = y.reshape(self.n_components, n, width).transpose(0, 1)
        found: List[torch.Tensor] = []
        for ell in range(self.n_ell):
            part = shaped[:, ell * ell : (ell + 1) * (ell + 1)]
            found.append(torch.bmm(part, messages[:, :, ell]))
        return torch.cat(found, 1).transpose(0, 1)

    def backward_to_neighbours(
        self,
        y: torch.Tensor,
        weights: torch.Tensor,
        sent: torch.Tensor,
        slope: torch.Tensor,
        upstream: torch.Tensor,
    ) -> Tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return derivatives with respect to Y, t and the senders' features."""
        n = upstream.size(1)
        width = sent.size(0) // n
        shaped = y.reshape(self.n_components, n, width).permute(1, 2, 0)
        upstream = upstream.transpose(0, 1)
        messages = (weights * sent.unsqueeze(1)).view(n, width, self.n_ell, self.n_sent)
        grad_y: List[torch.Tensor] = []
        grad_message: List[torch.Tensor] = []
        for ell in range(self.n_ell):
            low, high = ell * ell, (ell + 1) * (ell + 1)
            own = upstream[:, low:high]
            grad_y.append(torch.bmm(own, messages[:, :, ell].transpose(1, 2)))
            grad_message.append(torch.bmm(shaped[:, :, low:high], own).view(-1, self.n_sent))
        back = torch.stack(grad_message, 1)
        grad_sent = grad_message[0] * weights[:, 0]
        for ell in range(1, self.n_ell):
            grad_sent.addcmul_(grad_message[ell], weights[:, ell])
        grad_hidden = torch.matmul((back * sent.unsqueeze(1)).flatten(1), self.radial.weights.t())
        grad_t = (grad_hidden * slope).sum(1)
        return torch.cat(grad_y, 1).transpose(0, 1).flatten(1), grad_t, grad_sent
