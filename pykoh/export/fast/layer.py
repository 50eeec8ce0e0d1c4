"""One message-passing layer of the fast route, forward and backward, for rows of neighbours.

The atoms come in chunks, each of which has its own number of neighbour rows K per atom, so that
aggregation over neighbours is a batched matrix product. Everything is differentiated by hand:
what is needed of the way back is known beforehand, and each rank of a parallel run passes through
the same exchanges whatever atoms it has.
"""

from __future__ import annotations

from typing import Any, List, Tuple

import torch

from pykoh.export.fast import linear
from pykoh.export.fast.contraction import Polynomial, monomials
from pykoh.export.fast.rows import Rows
from pykoh.export.fast.tables import compress, pairs_of_species, radial_functions, tabulate

# Up to so many elements the first layer is contracted element by element.
MAX_SPECIES_IN_FIRST = 6


class Layer(torch.nn.Module):
    """Messages, polynomial, update and readout of one layer.

    Shapes: N atoms, n of them in a chunk of rows width K, P rows, Q hidden radial features, C
    channels, M = (max_ell + 1)² components, S elements. Arrays over components have them first.

    Args:
        model: the eager model, float64, all its hidden features scalar.
        index: of the layer.
        head: of the readout.
    """

    def __init__(self, model: torch.nn.Module, index: int, head: int) -> None:
        super().__init__()
        block, product = model.interactions[index], model.products[index]
        n_species = int(model.atomic_numbers.numel())
        self.n_species = n_species
        one_hot = torch.eye(n_species, dtype=torch.float64)
        features, densities = radial_functions(model, index)
        self.cutoff = float(model.r_max)
        features, weights = compress(
            features, torch.cat(linear.radial_per_ell(block), 1).numpy(), self.cutoff
        )
        table = tabulate(features, self.cutoff)
        self.n_intervals = table.n_intervals
        self.register_buffer("table", _flat(table.coefficients))
        self.has_density = densities is not None
        # A block without density has an empty table.
        self.register_buffer("density_table", torch.zeros((4, 0, 1), dtype=torch.float64))
        self.n_density_intervals = 1
        if densities is not None:
            density = tabulate(densities, self.cutoff)
            self.n_density_intervals = density.n_intervals
            self.density_table = _flat(density.coefficients)
        self.register_buffer("pair_table", torch.from_numpy(pairs_of_species(model)[1]).flatten())

        mix = linear.per_ell(block.linear)
        if not self.has_density:
            mix = [each / float(block.avg_num_neighbors) for each in mix]
        self.n_ell = len(mix)
        self.n_components = self.n_ell**2
        radial = torch.from_numpy(weights).chunk(self.n_ell, 1)
        self.n_hidden = radial[0].shape[0]
        self.n_sent = radial[0].shape[1]
        n_in = linear.scalars(block.linear_up.irreps_in)
        up = linear.matrix(block.linear_up, n_in)
        self.register_buffer("up", up)
        sent = model.node_embedding(one_hot) @ up
        self.register_buffer("sent_by_species", sent)
        self.by_species = index == 0 and n_species <= MAX_SPECIES_IN_FIRST
        if self.by_species:
            mix = [
                torch.einsum("kc,sc,cd->skd", w, sent, m).reshape(n_species * self.n_hidden, -1)
                for w, m in zip(radial, mix, strict=True)
            ]
        self.register_buffer("radial", torch.cat(radial, 1).contiguous())
        self.register_buffer("mix", torch.stack(mix))
        residual = "Residual" in type(block).__name__
        self.mixes_by_element = not residual
        mixers = mixers_back = torch.zeros((0, 0, 0), dtype=torch.float64)
        if self.mixes_by_element:
            matrices = linear.skip_per_ell(block.skip_tp, n_species)
            mixers = torch.stack([_side_by_side(each) for each in matrices])
            mixers_back = torch.stack([_side_by_side(each.transpose(1, 2)) for each in matrices])
        self.register_buffer("by_element", mixers)
        self.register_buffer("by_element_back", mixers_back)

        contraction = product.symmetric_contractions.contractions[0]
        self.polynomial = Polynomial(monomials(contraction, n_species), self.n_components)
        n_out = self.polynomial.coefficients.shape[-1]
        self.register_buffer("update", linear.matrix(product.linear, n_out))
        # The self-connection: in the first layer a row per element, later a matrix per element.
        self.is_first = index == 0
        self.has_skip = residual and bool(product.use_sc)
        skip = skip_back = torch.zeros((0, 0), dtype=torch.float64)
        if self.has_skip:
            own = linear.skip_per_ell(block.skip_tp, n_species)[0]
            skip, skip_back = _side_by_side(own), _side_by_side(own.transpose(1, 2))
            if self.is_first:
                embedding = model.node_embedding(one_hot).unsqueeze(1)
                skip = torch.bmm(embedding, own).squeeze(1)
        self.register_buffer("skip", skip)
        self.register_buffer("skip_back", skip_back)

        first = len(model.interactions) - len(model.readouts)
        self.reads_out = index >= first
        self.reads_hidden = False
        read_in = read_out = torch.zeros((0, 0), dtype=torch.float64)
        if self.reads_out:
            heads = len(getattr(model, "heads", None) or ["Default"])
            readout = linear.readout_of(model.readouts[index - first], n_out, head, heads)
            read_out = readout.linear
            self.reads_hidden = readout.hidden is not None
            if readout.hidden is not None:
                read_in = readout.hidden
        self.register_buffer("read_in", read_in)
        self.register_buffer("read_out", read_out)

    def messages(
        self,
        y: torch.Tensor,
        distance: torch.Tensor,
        sent: torch.Tensor,
        rows: Rows,
        first: int,
        last: int,
        state: List[torch.Tensor],
    ) -> Tuple[torch.Tensor, torch.Tensor]:
        """Sum the messages to the atoms of some chunks.

        Args:
            y: ``[M, P]`` spherical harmonics of all rows.
            distance: ``[P]`` Å, of all rows.
            sent: ``[n_total, C]`` features of senders; unused if the layer is by species.
            rows: the layout.
            first: chunk.
            last: chunk, not included.
            state: what the way back needs is appended to it.

        Returns:
            ``[M, n, C]`` (by species: ``[M, n, S Q]``) and the density ``[n]``.
        """
        start, end = rows.rows[first], rows.rows[last]
        distance, pair = distance[start:end], rows.pair[start:end]
        pair = self.pair_table.index_select(0, pair)
        interval, t = place(distance, pair, self.n_intervals, self.cutoff)
        width = self.n_species * self.n_hidden if self.by_species else self.n_sent
        sums = y.new_empty((self.n_components, rows.atoms[last] - rows.atoms[first], width))
        density = y.new_zeros((sums.size(1),))
        for c in range(first, last):
            low, high = rows.rows[c] - start, rows.rows[c + 1] - start
            a, b = rows.atoms[c] - rows.atoms[first], rows.atoms[c + 1] - rows.atoms[first]
            hidden, slope = cubic(self.table, interval[low:high], t[low:high])
            own_y = y[:, low + start : high + start]
            if self.by_species:
                senders = rows.neighbour_species[low + start : high + start]
                own_y = by_species(own_y, senders, self.n_species)
                part = self.sum_by_species(own_y, hidden, b - a)
                state.extend([hidden, slope])
            else:
                here = sent.index_select(0, rows.neighbour[low + start : high + start])
                weights = torch.matmul(hidden, self.radial).view(-1, self.n_ell, self.n_sent)
                part = self.sum_neighbours(own_y, weights, here, b - a)
                state.extend([weights, here, slope])
            sums[:, a:b] = part
            if self.has_density:
                spot = pair[low:high]
                at, into = place(distance[low:high], spot, self.n_density_intervals, self.cutoff)
                values, slopes = cubic(self.density_table, at, into)
                density[a:b] = values.view(b - a, -1).sum(1)
                state.append(slopes)
        return sums, density

    def messages_back(
        self,
        upstream: torch.Tensor,
        to_density: torch.Tensor,
        y: torch.Tensor,
        rows: Rows,
        first: int,
        last: int,
        state: List[torch.Tensor],
        to_y: torch.Tensor,
        to_distance: torch.Tensor,
        to_sent: torch.Tensor,
    ) -> None:
        """Add the derivatives with respect to all that :meth:`messages` took.

        Args:
            upstream: derivative with respect to the sums.
            to_density: ``[n]``, with respect to the density.
            y: ``[M, P]``.
            rows: the layout.
            first: chunk.
            last: chunk, not included.
            state: from :meth:`messages`.
            to_y: ``[M, P]``, added to.
            to_distance: ``[P]``, added to.
            to_sent: ``[n_total, C]``, added to.
        """
        per_angstrom = self.n_intervals / self.cutoff
        kept = (2 if self.by_species else 3) + (1 if self.has_density else 0)
        for c in range(first, last):
            low, high = rows.rows[c], rows.rows[c + 1]
            a, b = rows.atoms[c] - rows.atoms[first], rows.atoms[c + 1] - rows.atoms[first]
            own = (c - first) * kept
            own_y = y[:, low:high]
            if self.by_species:
                hidden, slope = state[own], state[own + 1]
                senders = rows.neighbour_species[low:high]
                own_y = by_species(own_y, senders, self.n_species)
                back_y, back_t = self.back_by_species(own_y, hidden, slope, upstream[:, a:b])
                is_of = one_hot(senders, self.n_species, y.dtype)
                to_y[:, low:high] += (
                    back_y.view(self.n_species, self.n_components, -1) * is_of.unsqueeze(1)
                ).sum(0)
            else:
                weights, here, slope = state[own], state[own + 1], state[own + 2]
                back_y, back_t, back_sent = self.back_to_neighbours(
                    own_y, weights, here, slope, upstream[:, a:b]
                )
                to_y[:, low:high] += back_y
                to_sent.index_add_(0, rows.neighbour[low:high], back_sent)
            to_distance[low:high] += back_t * per_angstrom
            if self.has_density:
                slopes = state[own + kept - 1].view(b - a, -1)
                back = slopes * to_density[a:b].unsqueeze(1)
                to_distance[low:high] += back.flatten() * (self.n_density_intervals / self.cutoff)

    def sum_by_species(self, y: torch.Tensor, hidden: torch.Tensor, n: int) -> torch.Tensor:
        """Return ``[M, n, S Q]`` from Y by species ``[S M, rows]`` and ``[rows, Q]``."""
        width = hidden.size(0) // n
        shaped = y.view(y.size(0), n, width).transpose(0, 1)
        sums = torch.bmm(shaped, hidden.view(n, width, self.n_hidden))
        sums = sums.view(n, self.n_species, self.n_components, self.n_hidden)
        return sums.permute(2, 0, 1, 3).flatten(2)

    def back_by_species(
        self, y: torch.Tensor, hidden: torch.Tensor, slope: torch.Tensor, upstream: torch.Tensor
    ) -> Tuple[torch.Tensor, torch.Tensor]:
        """Return derivatives with respect to Y by species ``[S M, rows]`` and t ``[rows]``."""
        n = upstream.size(1)
        width = hidden.size(0) // n
        own = upstream.reshape(self.n_components, n, self.n_species, self.n_hidden)
        own = own.permute(1, 2, 0, 3).reshape(n, -1, self.n_hidden)
        shape = (n, width, self.n_hidden)
        to_y = torch.bmm(own, hidden.view(shape).transpose(1, 2)).transpose(0, 1).flatten(1)
        to_t = torch.bmm(own, slope.view(shape).transpose(1, 2)).transpose(0, 1).flatten(1)
        return to_y, (to_t * y).sum(0)

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

    def back_to_neighbours(
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
        to_y: List[torch.Tensor] = []
        to_message: List[torch.Tensor] = []
        for ell in range(self.n_ell):
            low, high = ell * ell, (ell + 1) * (ell + 1)
            own = upstream[:, low:high]
            to_y.append(torch.bmm(own, messages[:, :, ell].transpose(1, 2)))
            to_message.append(torch.bmm(shaped[:, :, low:high], own).view(-1, self.n_sent))
        back = torch.stack(to_message, 1)
        to_sent = to_message[0] * weights[:, 0]
        for ell in range(1, self.n_ell):
            to_sent.addcmul_(to_message[ell], weights[:, ell])
        to_hidden = torch.matmul((back * sent.unsqueeze(1)).flatten(1), self.radial.t())
        to_t = (to_hidden * slope).sum(1)
        return torch.cat(to_y, 1).transpose(0, 1).flatten(1), to_t, to_sent

    def combine(
        self, sums: torch.Tensor, density: torch.Tensor, species: torch.Tensor
    ) -> torch.Tensor:
        """Return ``[M, N, C]``: linear blocks on the summed messages, divided by 1 + density."""
        found: List[torch.Tensor] = []
        for ell in range(self.n_ell):
            part = torch.matmul(sums[ell * ell : (ell + 1) * (ell + 1)], self.mix[ell])
            if self.mixes_by_element:
                part = by_element(part, self.by_element[ell], species, self.n_species)
            found.append(part)
        x = torch.cat(found, 0)
        return x / (1.0 + density).unsqueeze(1) if self.has_density else x

    def combine_back(
        self,
        upstream: torch.Tensor,
        x: torch.Tensor,
        density: torch.Tensor,
        species: torch.Tensor,
    ) -> Tuple[torch.Tensor, torch.Tensor]:
        """Return derivatives with respect to the sums ``[M, N, C]`` and the density ``[N]``."""
        to_density = torch.zeros_like(density)
        if self.has_density:
            upstream = upstream / (1.0 + density).unsqueeze(1)
            to_density = -(upstream * x).sum(2).sum(0)
        found: List[torch.Tensor] = []
        for ell in range(self.n_ell):
            part = upstream[ell * ell : (ell + 1) * (ell + 1)]
            if self.mixes_by_element:
                part = by_element(part, self.by_element_back[ell], species, self.n_species)
            found.append(torch.matmul(part, self.mix[ell].t()))
        return torch.cat(found, 0), to_density

    def self_connection(self, features: torch.Tensor, species: torch.Tensor) -> torch.Tensor:
        """Return ``[N, C]``: the atom's own features, mixed by a matrix per element."""
        if self.is_first:
            return self.skip.index_select(0, species)
        return by_element(features.unsqueeze(0), self.skip, species, self.n_species)[0]

    def self_connection_back(self, upstream: torch.Tensor, species: torch.Tensor) -> torch.Tensor:
        """Return the derivative with respect to the features (none in the first layer)."""
        if self.is_first:
            return torch.zeros_like(upstream)
        return by_element(upstream.unsqueeze(0), self.skip_back, species, self.n_species)[0]

    def ahead(
        self,
        y: torch.Tensor,
        distance: torch.Tensor,
        sent: torch.Tensor,
        features: torch.Tensor,
        rows: Rows,
        first: int,
        last: int,
    ) -> Tuple[torch.Tensor, torch.Tensor, List[torch.Tensor]]:
        """Return new features ``[n, C]``, energies ``[n]`` and what :meth:`back` needs.

        Arguments as of :meth:`messages`; ``features`` ``[n, C]`` are those of the atoms' last
        layer.
        """
        state: List[torch.Tensor] = []
        species = rows.species[rows.atoms[first] : rows.atoms[last]]
        sums, density = self.messages(y, distance, sent, rows, first, last, state)
        x = self.combine(sums, density, species)
        value, derivative = self.polynomial(x, species)
        updated = torch.matmul(value, self.update)
        if self.has_skip:
            updated = updated + self.self_connection(features, species)
        energy, slope = self.readout(updated)
        state.extend([x, density, derivative, slope])
        return updated, energy, state

    def back(
        self,
        upstream: torch.Tensor,
        scale: float,
        y: torch.Tensor,
        rows: Rows,
        first: int,
        last: int,
        state: List[torch.Tensor],
        to_y: torch.Tensor,
        to_distance: torch.Tensor,
        to_sent: torch.Tensor,
    ) -> torch.Tensor:
        """Add the derivatives of scale times the energy; return those of the features taken.

        Args:
            upstream: ``[n, C]`` derivative with respect to the features given to later layers.
            scale: of the energies.
            y: ``[M, P]``.
            rows: the layout.
            first: chunk.
            last: chunk, not included.
            state: from :meth:`ahead`.
            to_y: ``[M, P]``, added to.
            to_distance: ``[P]``, added to.
            to_sent: ``[n_total, C]``, added to.
        """
        species = rows.species[rows.atoms[first] : rows.atoms[last]]
        x, density, derivative, slope = state[-4], state[-3], state[-2], state[-1]
        upstream = upstream + scale * slope
        to_features = torch.zeros_like(upstream)
        if self.has_skip:
            to_features = self.self_connection_back(upstream, species)
        to_x = derivative * torch.matmul(upstream, self.update.t())
        to_sums, to_density = self.combine_back(to_x, x, density, species)
        self.messages_back(
            to_sums, to_density, y, rows, first, last, state, to_y, to_distance, to_sent
        )
        return to_features

    def readout(self, features: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
        """Return energies ``[N]`` and their derivatives ``[N, C]``."""
        if not self.reads_out:
            return torch.zeros_like(features[:, 0]), torch.zeros_like(features)
        if not self.reads_hidden:
            energy = torch.matmul(features, self.read_out).squeeze(1)
            return energy, self.read_out.t().expand_as(features)
        z = torch.matmul(features, self.read_in)
        s = torch.sigmoid(z)
        energy = torch.matmul(z * s, self.read_out).squeeze(1)
        slope = s * (1.0 + z * (1.0 - s)) * self.read_out.t()
        return energy, torch.matmul(slope, self.read_in.t())


def _flat(coefficients: Any) -> torch.Tensor:
    """Return spline coefficients as ``[4, n_tables · (n_intervals + 1), n_features]``."""
    return torch.from_numpy(coefficients).flatten(1, 2).contiguous()


def _side_by_side(matrices: torch.Tensor) -> torch.Tensor:
    """Return ``[n_in, S · n_out]`` from ``[S, n_in, n_out]``."""
    return matrices.transpose(0, 1).flatten(1).contiguous()


def by_element(
    x: torch.Tensor, matrices: torch.Tensor, species: torch.Tensor, n_species: int
) -> torch.Tensor:
    """Multiply ``[m, N, C]`` by the matrix of each atom's element.

    All elements' products are formed and one is taken: cheaper than a matrix per atom.
    """
    places = torch.arange(species.size(0), device=species.device) * n_species + species
    products = torch.matmul(x, matrices)
    width = matrices.size(1) // n_species
    return products.view(x.size(0), x.size(1) * n_species, width).index_select(1, places)


def place(
    distance: torch.Tensor, table: torch.Tensor, n_intervals: int, cutoff: float
) -> Tuple[torch.Tensor, torch.Tensor]:
    """Return the spline interval ``[P]`` and the position t ``[P, 1]`` within it."""
    scaled = distance * (n_intervals / cutoff)
    interval = torch.clamp(torch.floor(scaled), max=float(n_intervals)).to(torch.int64)
    # A distance that is not a number must not become an index; t passes it on.
    interval = torch.clamp(interval, min=0)
    t = (scaled - interval.to(scaled.dtype)).unsqueeze(1)
    return interval + table * (n_intervals + 1), t


def cubic(
    table: torch.Tensor, interval: torch.Tensor, t: torch.Tensor
) -> Tuple[torch.Tensor, torch.Tensor]:
    """Return value and t-derivative ``[P, n]`` of the cubic of each row at t ``[P, 1]``."""
    c3 = table[3].index_select(0, interval)
    b2 = torch.addcmul(table[2].index_select(0, interval), t, c3)
    b1 = torch.addcmul(table[1].index_select(0, interval), t, b2)
    value = torch.addcmul(table[0].index_select(0, interval), t, b1)
    return value, torch.addcmul(b1, t, torch.addcmul(b2, t, c3))


def one_hot(species: torch.Tensor, n_species: int, dtype: torch.dtype) -> torch.Tensor:
    """Return ``[n_species, n]``: 1 where an entry is of the species."""
    kinds = torch.arange(n_species, device=species.device).unsqueeze(1)
    return (species == kinds).to(dtype)


def by_species(y: torch.Tensor, species: torch.Tensor, n_species: int) -> torch.Tensor:
    """Return ``[n_species · M, n]``: Y ``[M, n]`` of the rows of each species, else 0."""
    is_of = one_hot(species, n_species, y.dtype)
    return (is_of.unsqueeze(1) * y.unsqueeze(0)).flatten(0, 1)
