"""Messages from neighbours with features of l > 0, forward and backward by hand.

For each path (l1 of the sender, l2 of Y, l3 of the message) the products of Y with the weighted
features are summed over the neighbours before the coupling coefficients are applied: the coupling
is then work per atom, not per neighbour, and the sum is a batched matrix product.
"""

from __future__ import annotations

from typing import List, Tuple

import torch

from pykoh.export.fast import linear
from pykoh.export.fast.radial import Radial
from pykoh.export.fast.rows import Rows


class Path(torch.nn.Module):
    """One path of the tensor product; shapes as in :class:`VectorMessages`.

    Args:
        path: its coefficients.
        first_column: of its l1 among the sender's features.
        scale: of the sums.
    """

    def __init__(self, path: linear.CouplingPath, first_column: int, scale: float) -> None:
        super().__init__()
        one, two, three = path.ells
        self.d1, self.d2, self.d3 = 2 * one + 1, 2 * two + 1, 2 * three + 1
        self.y0, self.x0 = two * two, three * three
        self.n_channels, self.n_out = path.mix.shape
        self.sent0, self.sent1 = first_column, first_column + self.d1 * self.n_channels
        self.w0, self.w1 = path.first_weight, path.first_weight + self.n_channels
        coupling = path.coupling.permute(2, 1, 0).reshape(self.d3, self.d2 * self.d1)
        self.register_buffer("coupling", coupling.contiguous())
        self.register_buffer("mix", (path.mix * scale).contiguous())

    def message(self, sent: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Return the weighted features ``[rows, d1, C]`` of the senders."""
        own = sent[:, self.sent0 : self.sent1].view(-1, self.d1, self.n_channels)
        return own * weights[:, self.w0 : self.w1].unsqueeze(1)

    def forward(self, y: torch.Tensor, sent: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        """Return ``[d3, n, C_out]`` from Y ``[n, M, K]``, features and weights of the rows."""
        n, width = y.size(0), y.size(2)
        message = self.message(sent, weights).view(n, width, self.d1 * self.n_channels)
        sums = torch.bmm(y[:, self.y0 : self.y0 + self.d2], message)
        coupled = torch.matmul(self.coupling, sums.view(n, self.d2 * self.d1, self.n_channels))
        return torch.matmul(coupled.transpose(0, 1), self.mix)

    @torch.jit.export
    def back(
        self,
        upstream: torch.Tensor,
        y: torch.Tensor,
        sent: torch.Tensor,
        weights: torch.Tensor,
        to_y: torch.Tensor,
        to_sent: torch.Tensor,
        to_weights: torch.Tensor,
    ) -> None:
        """Add the derivatives, given that of the result ``[d3, n, C_out]``.

        ``to_y`` ``[n, M, K]``, ``to_sent`` and ``to_weights`` are shaped as what they belong to.
        """
        n, width = y.size(0), y.size(2)
        to_coupled = torch.matmul(upstream, self.mix.t()).transpose(0, 1)
        to_sums = torch.matmul(self.coupling.t(), to_coupled)
        to_sums = to_sums.view(n, self.d2, self.d1 * self.n_channels)
        message = self.message(sent, weights).view(n, width, self.d1 * self.n_channels)
        to_y[:, self.y0 : self.y0 + self.d2] += torch.bmm(to_sums, message.transpose(1, 2))
        to_message = torch.bmm(y[:, self.y0 : self.y0 + self.d2].transpose(1, 2), to_sums)
        to_message = to_message.view(n * width, self.d1, self.n_channels)
        own = sent[:, self.sent0 : self.sent1].view(-1, self.d1, self.n_channels)
        own_weights = weights[:, self.w0 : self.w1].unsqueeze(1)
        back = to_sent[:, self.sent0 : self.sent1].view(-1, self.d1, self.n_channels)
        back.addcmul_(to_message, own_weights)
        to_weights[:, self.w0 : self.w1] = (to_message * own).sum(1)


class VectorMessages(torch.nn.Module):
    """The summed and mixed messages of one layer.

    Shapes: n atoms of a chunk with K rows each, P rows, M = (max_ell + 1)² components, F columns
    of features, C channels of one l, W radial weights.

    Args:
        model: the eager model, float64.
        index: of the layer.
    """

    def __init__(self, model: torch.nn.Module, index: int) -> None:
        super().__init__()
        block = model.interactions[index]
        self.radial = Radial(model, index, linear.last_radial(block))
        scale = 1.0 if self.radial.has_density else 1.0 / float(block.avg_num_neighbors)
        starts, start = {}, 0
        for ell, channels in sorted(linear.channels(block.conv_tp.irreps_in1).items()):
            starts[ell] = start
            start += (2 * ell + 1) * channels
        self.n_sent = start
        paths = [Path(path, starts[path.ells[0]], scale) for path in linear.coupling_paths(block)]
        self.n_components = block.conv_tp.irreps_in2.dim
        self.n_out = paths[0].n_out
        self.paths = torch.nn.ModuleList(paths)
        self.kept = 4 if self.radial.has_density else 3
        self.by_species = False

    def ahead(
        self,
        y: torch.Tensor,
        distance: torch.Tensor,
        sent: torch.Tensor,
        rows: Rows,
        first: int,
        last: int,
        state: List[torch.Tensor],
    ) -> Tuple[torch.Tensor, torch.Tensor]:
        """Return the messages ``[M, n, C]`` and densities ``[n]``; see :class:`ScalarMessages`."""
        shape = (self.n_components, rows.atoms[last] - rows.atoms[first], self.n_out)
        messages = y.new_zeros(shape)
        density = y.new_zeros((messages.size(1),))
        for c in range(first, last):
            low, high = rows.rows[c], rows.rows[c + 1]
            a, b = rows.atoms[c] - rows.atoms[first], rows.atoms[c + 1] - rows.atoms[first]
            hidden, slope = self.radial(distance, rows, low, high)
            here = sent.index_select(0, rows.neighbour[low:high])
            weights = torch.matmul(hidden, self.radial.weights)
            own_y = self.per_atom(y, low, high, b - a)
            for path in self.paths:
                messages[path.x0 : path.x0 + path.d3, a:b] += path(own_y, here, weights)
            state.extend([weights, here, slope])
            if self.radial.has_density:
                values, slopes = self.radial.density(distance, rows, low, high)
                density[a:b] = values.view(b - a, -1).sum(1)
                state.append(slopes)
        return messages, density

    def per_atom(self, y: torch.Tensor, low: int, high: int, n: int) -> torch.Tensor:
        """Return Y of some rows as ``[n, M, K]``."""
        width = (high - low) // max(n, 1)
        return y[:, low:high].reshape(self.n_components, n, width).transpose(0, 1).contiguous()

    def back(
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
        """Add the derivatives with respect to all that :meth:`ahead` took."""
        for c in range(first, last):
            low, high = rows.rows[c], rows.rows[c + 1]
            a, b = rows.atoms[c] - rows.atoms[first], rows.atoms[c + 1] - rows.atoms[first]
            own = (c - first) * self.kept
            weights, here, slope = state[own], state[own + 1], state[own + 2]
            own_y = self.per_atom(y, low, high, b - a)
            back_y = torch.zeros_like(own_y)
            back_sent, back_weights = torch.zeros_like(here), torch.empty_like(weights)
            for path in self.paths:
                part = upstream[path.x0 : path.x0 + path.d3, a:b]
                path.back(part, own_y, here, weights, back_y, back_sent, back_weights)
            to_y[:, low:high] += back_y.transpose(0, 1).flatten(1)
            to_sent.index_add_(0, rows.neighbour[low:high], back_sent)
            to_hidden = torch.matmul(back_weights, self.radial.weights.t())
            to_distance[low:high] += (to_hidden * slope).sum(1) * self.radial.per_angstrom
            if self.radial.has_density:
                slopes = state[own + 3].view(b - a, -1)
                to_distance[low:high] += (slopes * to_density[a:b].unsqueeze(1)).flatten()
