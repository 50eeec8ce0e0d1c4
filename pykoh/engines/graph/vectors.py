"""Messages from neighbours with features of l > 0, forward and backward by hand.

For each path (l1 of the sender, l2 of Y, l3 of the message) the products of Y with the weighted
features are summed over the neighbours before the coupling coefficients are applied: the coupling
is then work per atom, not per neighbour, and the sum is a batched matrix product. Paths with the
same l1 and l2 are summed by one product, and one matrix couples all paths of all atoms: on a GPU
the number of kernels decides how long a small box takes.
"""

from __future__ import annotations

from typing import List, Tuple

import torch

from pykoh.engines.graph import linear
from pykoh.engines.graph.kept import KeptChunk
from pykoh.engines.graph.radial import Radial
from pykoh.engines.graph.rows import Rows
from pykoh.engines.graph.spline import Places
from pykoh.engines.scripting import exported, unscripted


class Senders(torch.nn.Module):
    """All paths from one l1; shapes as in :class:`VectorMessages`.

    Args:
        paths: in ascending order of l2.
        first_column: of l1 among the sender's features.
        first_weight: of the paths among the radial weights, path after path.
        first_sum: of the paths among the sums over neighbours.
    """

    def __init__(
        self,
        paths: List[linear.CouplingPath],
        first_column: int,
        first_weight: int,
        first_sum: int,
    ) -> None:
        super().__init__()
        self.d1 = 2 * paths[0].ells[0] + 1
        self.n_channels = paths[0].mix.shape[0]
        self.n_paths = len(paths)
        self.sent0, self.sent1 = first_column, first_column + self.d1 * self.n_channels
        self.w0, self.w1 = first_weight, first_weight + self.n_paths * self.n_channels
        # Per l2: its first path and the one after its last, its first sum.
        self.ells: List[int] = sorted({path.ells[1] for path in paths})
        self.ends: List[int] = [sum(p.ells[1] <= ell for p in paths) for ell in self.ells]
        self.sums: List[int] = []
        start = 0
        for ell, end in zip(self.ells, self.ends, strict=True):
            self.sums.append(first_sum)
            first_sum += (2 * ell + 1) * (end - start) * self.d1
            start = end
        self.end_sum = first_sum

    def weighted(self, sent: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Return the senders' features times the weights of each path, ``[rows, p, d1, C]``."""
        return self.own(sent).unsqueeze(1) * self.own_weights(weights).unsqueeze(2)

    def own(self, sent: torch.Tensor) -> torch.Tensor:
        """Return the senders' features of l1 ``[rows, d1, C]``."""
        return sent[:, self.sent0 : self.sent1].view(-1, self.d1, self.n_channels)

    def own_weights(self, weights: torch.Tensor) -> torch.Tensor:
        """Return the radial weights ``[rows, p, C]``."""
        return weights[:, self.w0 : self.w1].view(-1, self.n_paths, self.n_channels)

    def forward(
        self, y: torch.Tensor, sent: torch.Tensor, weights: torch.Tensor
    ) -> List[torch.Tensor]:
        """Return for each l2 the sums ``[d2 p d1, n, C]`` over the K rows of n atoms."""
        n, width = y.size(0), y.size(2)
        message = self.weighted(sent, weights)
        found: List[torch.Tensor] = []
        start = 0
        for i, ell in enumerate(self.ells):
            columns = (self.ends[i] - start) * self.d1
            here = message[:, start : self.ends[i]].view(n, width, columns * self.n_channels)
            sums = torch.bmm(y[:, ell * ell : (ell + 1) * (ell + 1)], here)
            sums = sums.view(n, (2 * ell + 1) * columns, self.n_channels)
            found.append(sums.transpose(0, 1))
            start = self.ends[i]
        return found

    @exported
    def backward(
        self,
        upstream: torch.Tensor,
        y: torch.Tensor,
        sent: torch.Tensor,
        weights: torch.Tensor,
        grad_y: torch.Tensor,
    ) -> Tuple[torch.Tensor, torch.Tensor]:
        """Return derivatives with respect to features ``[rows, d1 C]`` and weights ``[rows, p C]``.

        Args:
            upstream: ``[n, sums, C]``, of the sums of all paths.
            y: ``[n, M, K]``.
            sent: ``[rows, F]``.
            weights: ``[rows, W]``.
            grad_y: ``[n, M, K]``, added to.
        """
        n, width = y.size(0), y.size(2)
        message = self.weighted(sent, weights)
        grad_message = torch.empty_like(message)
        start = 0
        for i, ell in enumerate(self.ells):
            low, high, end = ell * ell, (ell + 1) * (ell + 1), self.ends[i]
            columns = (end - start) * self.d1
            last = self.sums[i] + (high - low) * columns
            columns = columns * self.n_channels
            own = upstream[:, self.sums[i] : last].view(n, high - low, columns)
            here = message[:, start:end].view(n, width, columns)
            grad_y[:, low:high].baddbmm_(own, here.transpose(1, 2))
            target = grad_message[:, start:end].view(n, width, columns)
            torch.bmm(y[:, low:high].transpose(1, 2), own, out=target)
            start = end
        # In memory that is in the cache and of no more use.
        torch.mul(grad_message, self.own_weights(weights).unsqueeze(2), out=message)
        grad_sent = message.sum(1)
        grad_weights = grad_message.mul_(self.own(sent).unsqueeze(1))
        grad_weights = grad_weights.squeeze(2) if self.d1 == 1 else grad_weights.sum(2)
        return grad_sent.flatten(1), grad_weights.flatten(1)


class Coupling(torch.nn.Module):
    """From the sums over neighbours to messages: coupling coefficients, then channels mixed.

    Args:
        paths: in the order of their sums.
        places: of each path: where its (m2, m1) are among the sums.
        n_sums: of all.
        scale: of the messages.
        n_gates: scalars are mixed once more for each gate, beside one another in ``path.mix``.
    """

    def __init__(
        self,
        paths: List[linear.CouplingPath],
        places: List[torch.Tensor],
        n_sums: int,
        scale: float,
        n_gates: int = 0,
    ) -> None:
        super().__init__()
        n_ell = max(path.ells[2] for path in paths) + 1
        blocks: List[torch.Tensor] = []
        self.mix0: List[int] = [0]
        self.row0: List[int] = [0]
        mixes: List[torch.Tensor] = []
        gate_mixes: List[torch.Tensor] = [torch.zeros((0, 0), dtype=torch.float64)]
        for ell in range(n_ell):
            for path, place in zip(paths, places, strict=True):
                if path.ells[2] == ell:
                    block = torch.zeros((2 * ell + 1, n_sums), dtype=torch.float64)
                    # [m1, m2, m3] -> [m3, (m2, m1)]
                    block[:, place.flatten()] = path.coupling.permute(2, 1, 0).flatten(1)
                    blocks.append(block)
                    mix = path.mix * scale
                    if ell == 0:
                        width = mix.size(1) // (1 + n_gates)
                        gate_mixes.append(mix[:, width:])
                        mix = mix[:, :width]
                    mixes.append(mix)
            self.mix0.append(len(mixes))
            self.row0.append(sum(len(block) for block in blocks))
        self.register_buffer("coupling", torch.cat(blocks, 0).contiguous())
        self.register_buffer("mix", torch.stack(mixes).contiguous())
        self.register_buffer("gate_mix", torch.stack(gate_mixes[1:]).contiguous())
        self.n_ell, self.n_gates = n_ell, n_gates

    @unscripted
    def complete(self) -> None:
        """Add what artifacts of 0.1.0 before the non-linear blocks do not have."""
        if "n_gates" not in self.__dict__:
            self.n_gates = 0
            self.register_buffer("gate_mix", self.mix.new_zeros((0, 0, 0)))

    def forward(self, sums: torch.Tensor) -> torch.Tensor:
        """Return messages ``[M + G, n, C_out]`` from sums ``[n_sums, n, C]``."""
        coupled = torch.matmul(self.coupling, sums.flatten(1))
        return self.mixed(coupled.view(coupled.size(0), sums.size(1), sums.size(2)))

    @exported
    def mixed(self, coupled: torch.Tensor) -> torch.Tensor:
        """Return messages ``[M + G, n, C_out]`` from those of all paths ``[rows, n, C]``."""
        n, width = coupled.size(1), coupled.size(2)
        parts = self.n_ell * self.n_ell + self.n_gates
        messages = coupled.new_empty((parts, n, self.mix.size(2)))
        if self.n_gates > 0:
            own = coupled[: self.row0[1]].reshape(self.gate_mix.size(0), n, width)
            gates = torch.bmm(own, self.gate_mix).sum(0).view(n, self.n_gates, self.mix.size(2))
            messages[1 : 1 + self.n_gates] = gates.transpose(0, 1)
        for ell in range(self.n_ell):
            low, high = self.mix0[ell], self.mix0[ell + 1]
            own = coupled[self.row0[ell] : self.row0[ell + 1]]
            own = own.reshape(high - low, (2 * ell + 1) * n, width)
            first, last = self.parts_of(ell)
            target = messages[first:last].view(own.size(1), self.mix.size(2))
            if high - low == 1:
                torch.mm(own[0], self.mix[low], out=target)
            else:
                torch.sum(torch.bmm(own, self.mix[low:high]), [0], out=target)
        return messages

    def parts_of(self, ell: int) -> Tuple[int, int]:
        """Return the first part of a message that belongs to l, and the one after the last."""
        shift = self.n_gates if ell > 0 else 0
        return ell * ell + shift, (ell + 1) * (ell + 1) + shift

    @exported
    def backward(self, upstream: torch.Tensor) -> torch.Tensor:
        """Return the derivative with respect to the sums, given that of the messages."""
        grad_coupled = self.mixed_backward(upstream)
        grad_sums = torch.matmul(self.coupling.t(), grad_coupled.flatten(1))
        return grad_sums.view(grad_sums.size(0), upstream.size(1), self.mix.size(1))

    @exported
    def mixed_backward(self, upstream: torch.Tensor) -> torch.Tensor:
        """Return the derivative with respect to the messages of all paths ``[rows, n, C]``."""
        upstream = upstream.contiguous()
        n = upstream.size(1)
        found: List[torch.Tensor] = []
        for ell in range(self.n_ell):
            low, high = self.mix0[ell], self.mix0[ell + 1]
            first, last = self.parts_of(ell)
            part = upstream[first:last].flatten(0, 1)
            part = part.unsqueeze(0).expand(high - low, -1, -1)
            grad_coupled = torch.bmm(part, self.mix[low:high].transpose(1, 2))
            if ell == 0 and self.n_gates > 0:
                gates = upstream[1 : 1 + self.n_gates].transpose(0, 1).flatten(1)
                gates = gates.unsqueeze(0).expand(high - low, -1, -1)
                grad_coupled = grad_coupled + torch.bmm(gates, self.gate_mix.transpose(1, 2))
            found.append(grad_coupled.view((high - low) * (2 * ell + 1), n, self.mix.size(1)))
        return torch.cat(found, 0)


class VectorMessages(torch.nn.Module):
    """The summed and mixed messages of one layer.

    Shapes: n atoms of a chunk with K rows each, P rows, M = (max_ell + 1)² components, F columns
    of features, C channels of one l, W radial weights, p paths from one l1, d = 2 l + 1.

    Args:
        model: the eager model, float64.
        index: of the layer.
        at_least: intervals of the radial tables.
    """

    derived = ("radial_table",)

    def __init__(self, model: torch.nn.Module, index: int, at_least: int) -> None:
        super().__init__()
        block = model.interactions[index]
        scale = 1.0
        starts, start = {}, 0
        for ell, channels in sorted(linear.channels(block.conv_tp.irreps_in1).items()):
            starts[ell] = start
            start += (2 * ell + 1) * channels
        self.n_sent = start
        self.n_components = block.conv_tp.irreps_in2.dim
        paths = sorted(linear.coupling_paths(block), key=lambda path: path.ells)
        groups: List[Senders] = []
        places: List[torch.Tensor] = []
        columns: List[torch.Tensor] = []
        n_sums = n_weights = 0
        for ell in sorted({path.ells[0] for path in paths}):
            own = [path for path in paths if path.ells[0] == ell]
            group = Senders(own, starts[ell], n_weights, n_sums)
            groups.append(group)
            before = 0
            for l2, end, first_sum in zip(group.ells, group.ends, group.sums, strict=True):
                # Sums lie as (m2, path, m1).
                shape = (2 * l2 + 1, end - before, group.d1)
                every = first_sum + torch.arange(shape[0] * shape[1] * shape[2]).view(shape)
                places.extend(every[:, i] for i in range(shape[1]))
                before = end
            for path in own:
                columns.append(path.first_weight + torch.arange(group.n_channels))
            n_weights, n_sums = group.w1, group.end_sum
        self.groups = torch.nn.ModuleList(groups)
        self.radial = Radial(
            model, index, linear.last_radial(block)[:, torch.cat(columns)], at_least
        )
        if not self.radial.has_density:
            scale = 1.0 / float(block.avg_num_neighbors)
        self.coupling = Coupling(paths, places, n_sums, scale, linear.gates(block))
        # Only earlier releases read it in an artifact.
        self.kept = 4 if self.radial.has_density else 3
        self.by_species = False
        self.register_buffer("radial_table", torch.empty(0, dtype=torch.float64))
        self.fill()

    @unscripted
    def fill(self) -> None:
        """Compute the table of the compiled loops, ``[T, n_intervals, paths, 6, C]``."""
        table = self.radial.weighted_table()
        self.radial_table = table.unflatten(3, (-1, self.groups[0].n_channels)).transpose(2, 3)

    def forward(
        self,
        y: torch.Tensor,
        places: Places,
        sent: torch.Tensor,
        rows: Rows,
        first: int,
        last: int,
    ) -> Tuple[torch.Tensor, torch.Tensor, List[KeptChunk]]:
        """Return messages ``[M, n, C]``, densities ``[n]``, what is kept: as ScalarMessages."""
        n = rows.atoms[last] - rows.atoms[first]
        density = y.new_empty((n if self.radial.has_density else 0,))
        parts: List[torch.Tensor] = []
        kept: List[KeptChunk] = []
        for c in range(first, last):
            low, high = rows.rows[c], rows.rows[c + 1]
            a, b = rows.atoms[c] - rows.atoms[first], rows.atoms[c + 1] - rows.atoms[first]
            hidden, slope = self.radial(places, low, high)
            density_slope = hidden[:0]
            sent_here = sent.index_select(0, rows.neighbour[low:high])
            weights = torch.matmul(hidden, self.radial.weights)
            own_y = self.per_atom(y, low, high, b - a)
            sums: List[torch.Tensor] = []
            for group in self.groups:
                sums.extend(group(own_y, sent_here, weights))
            parts.append(torch.cat(sums, 0))
            if self.radial.has_density:
                values, density_slope = self.radial.density(places, low, high)
                density[a:b] = values.view(b - a, -1).sum(1)
            kept.append(KeptChunk(weights, sent_here, slope, density_slope))
        every = parts[0] if len(parts) == 1 else torch.cat(parts, 1)
        return self.coupling(every), density, kept

    def per_atom(self, y: torch.Tensor, low: int, high: int, n: int) -> torch.Tensor:
        """Return Y of some rows as ``[n, M, K]``."""
        width = (high - low) // max(n, 1)
        return y[:, low:high].reshape(self.n_components, n, width).transpose(0, 1).contiguous()

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
        """Add the derivatives with respect to all that :meth:`forward` took."""
        grad_sums = self.coupling.backward(upstream)
        for c in range(first, last):
            low, high = rows.rows[c], rows.rows[c + 1]
            a, b = rows.atoms[c] - rows.atoms[first], rows.atoms[c + 1] - rows.atoms[first]
            weights, sent_here, slope, density_slope = kept[c - first]
            own_y = self.per_atom(y, low, high, b - a)
            own_sums = grad_sums[:, a:b].transpose(0, 1).contiguous()
            own_grad_y = torch.zeros_like(own_y)
            own_grad_sent: List[torch.Tensor] = []
            own_grad_weights: List[torch.Tensor] = []
            for group in self.groups:
                of_sent, of_weights = group.backward(
                    own_sums, own_y, sent_here, weights, own_grad_y
                )
                own_grad_sent.append(of_sent)
                own_grad_weights.append(of_weights)
            grad_y[:, low:high] += own_grad_y.transpose(0, 1).flatten(1)
            grad_sent.index_add_(0, rows.neighbour[low:high], torch.cat(own_grad_sent, 1))
            grad_hidden = torch.matmul(torch.cat(own_grad_weights, 1), self.radial.weights.t())
            grad_distance[low:high] += (grad_hidden * slope).sum(1) * self.radial.per_angstrom
            if self.radial.has_density:
                slopes = density_slope.view(b - a, -1)
                grad_distance[low:high] += (slopes * grad_density[a:b].unsqueeze(1)).flatten()
