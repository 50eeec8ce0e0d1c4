"""From the messages of one layer to new features and energies, forward and backward by hand."""

from __future__ import annotations

from typing import Tuple

import torch

from pykoh.engines.graph import linear
from pykoh.engines.graph.blocks import EllLinear
from pykoh.engines.graph.contraction import contraction_of
from pykoh.engines.graph.gate import NoGate, gate_for
from pykoh.engines.graph.kept import KeptGate, KeptUpdate
from pykoh.engines.scripting import unscripted


class Update(torch.nn.Module):
    """Density, mixing by element, symmetric contraction, self-connection and readout.

    Shapes: n atoms, M = (max_ell + 1)² components, C channels, F columns of features (component
    by component, see :mod:`pykoh.engines.graph.blocks`; the scalars come first).

    Args:
        model: the eager model, float64.
        index: of the layer.
        head: of the readout.
    """

    def __init__(self, model: torch.nn.Module, index: int, head: int) -> None:
        super().__init__()
        block, product = model.interactions[index], model.products[index]
        self.n_species = int(model.atomic_numbers.numel())
        self.gate = gate_for(model, index)
        # A gate divides by the density itself.
        self.is_gated = linear.is_gated(block)
        self.has_density = hasattr(block, "density_fn") and not self.is_gated
        residual = "Residual" in type(block).__name__
        self.mixes_by_element = not residual
        out_channels = linear.channels(linear.mixing(block).irreps_out)
        mixers: dict[int, torch.Tensor] = {0: torch.zeros((1, 1), dtype=torch.float64)}
        if self.mixes_by_element:
            mixers = linear.skip_per_ell(block.skip_tp, self.n_species)
            self.mixer = EllLinear(mixers, out_channels)
        else:
            self.mixer = EllLinear(mixers, {0: 1})

        contraction = contraction_of(product, self.n_species)
        self.contraction: torch.nn.Module = contraction
        found = linear.channels(product.linear.irreps_in)
        self.linear = EllLinear(linear.per_ell(product.linear), found)
        self.n_scalars = linear.channels(product.linear.irreps_out)[0]
        self.n_out = self.linear.width_out

        # The self-connection: in the first layer a row per element, later matrices per element.
        self.is_first = index == 0
        self.has_skip = residual and bool(product.use_sc)
        own = {0: torch.zeros((1, 1), dtype=torch.float64)}
        own_channels = {0: 1}
        first_skip = torch.zeros((0, 0), dtype=torch.float64)
        if self.has_skip:
            embedding = model.node_embedding(torch.eye(self.n_species, dtype=torch.float64))
            if self.is_gated:
                own_channels = linear.channels(block.skip_tp.irreps_in)
                own = linear.per_ell(block.skip_tp)
                first_skip = embedding @ own[0] if self.is_first else first_skip
            else:
                own_channels = linear.channels(block.skip_tp.irreps_in1)
                own = linear.skip_per_ell(block.skip_tp, self.n_species)
                if self.is_first:
                    first_skip = torch.bmm(embedding.unsqueeze(1), own[0]).squeeze(1)
        self.skip = EllLinear(own, own_channels)
        self.register_buffer("first_skip", first_skip)
        self.skip_width = first_skip.shape[1] if self.is_first else self.skip.width_out

        first = len(model.interactions) - len(model.readouts)
        self.reads_out = index >= first
        self.reads_hidden = False
        self.reads_twice = False
        self.read_bias = 0.0
        read_in = read_out = read_middle = torch.zeros((0, 0), dtype=torch.float64)
        middle_bias = torch.zeros(0, dtype=torch.float64)
        if self.reads_out:
            heads = len(getattr(model, "heads", None) or ["Default"])
            n = self.n_scalars
            readout = linear.readout_of(model.readouts[index - first], n, head, heads)
            read_out = readout.linear
            self.reads_hidden = readout.hidden is not None
            if readout.hidden is not None:
                read_in = readout.hidden
            if readout.middle is not None and readout.middle_bias is not None:
                self.reads_twice = True
                read_middle, middle_bias = readout.middle, readout.middle_bias
                self.read_bias = readout.bias
        self.register_buffer("read_in", read_in)
        self.register_buffer("read_middle", read_middle)
        self.register_buffer("middle_bias", middle_bias)
        self.register_buffer("read_out", read_out)

    @unscripted
    def complete(self) -> None:
        """Add what artifacts of 0.1.0 before the non-linear blocks do not have."""
        if "is_gated" not in self.__dict__:
            self.gate, self.is_gated = NoGate(), False
            self.reads_twice, self.read_bias = False, 0.0
            self.register_buffer("read_middle", self.read_in.new_zeros((0, 0)))
            self.register_buffer("middle_bias", self.read_in.new_zeros(0))

    def forward(
        self,
        messages: torch.Tensor,
        density: torch.Tensor,
        features: torch.Tensor,
        species: torch.Tensor,
    ) -> Tuple[torch.Tensor, torch.Tensor, KeptUpdate]:
        """Return new features ``[n, F]``, energies ``[n]`` and what is kept.

        Args:
            messages: ``[M, n, C]``; more parts where the block has a gate.
            density: ``[n]``.
            features: ``[n, F]`` of the layer before.
            species: ``[n]``.
        """
        x, gate = self.gate(messages, density, features, species)
        if self.mixes_by_element:
            x = self.rows_first(self.mixer(self.atoms_first(x), species), x)
        if self.has_density:
            x = x / (1.0 + density).unsqueeze(1)
        contracted, derivative = self.contraction(x, species)
        updated = self.linear(contracted, species)
        if self.has_skip:
            if self.is_first:
                updated[:, : self.skip_width].add_(self.first_skip.index_select(0, species))
            else:
                updated[:, : self.skip_width].add_(self.skip(features, species))
        energy, slope = self.readout(updated[:, : self.n_scalars])
        kept = KeptUpdate(gate.divided, gate.total, x, density, derivative, slope, features)
        return updated, energy, kept

    def backward(
        self,
        upstream: torch.Tensor,
        scale: float,
        species: torch.Tensor,
        kept: KeptUpdate,
    ) -> Tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return derivatives with respect to messages, density and the features taken.

        In the first layer nothing depends on the features, and the third result has no meaning.

        Args:
            upstream: ``[n, F]`` derivative with respect to the features given to later layers;
                nothing if there are none.
            scale: of the energies.
            species: ``[n]``.
            kept: from :meth:`forward`.
        """
        x, density, slope, features = kept.x, kept.density, kept.slope, kept.features
        if upstream.numel() == 0:
            # The last layer: no other takes its features.
            upstream = slope * scale
            if self.n_out > self.n_scalars:
                upstream = torch.constant_pad_nd(upstream, [0, self.n_out - self.n_scalars])
        elif self.reads_out:
            upstream = upstream.clone()
            upstream[:, : self.n_scalars].add_(slope, alpha=scale)
        grad_features = features
        if not self.is_first:
            if self.has_skip:
                grad_features = self.skip.backward(upstream[:, : self.skip_width], species)
            else:
                grad_features = torch.zeros_like(features)
        grad_x = self.contraction.backward(
            self.linear.backward(upstream, species), x, kept.derivative, species
        )
        grad_density = density
        if self.has_density:
            grad_x = grad_x / (1.0 + density).unsqueeze(1)
            grad_density = -(grad_x * x).sum(2).sum(0)
        if self.mixes_by_element:
            grad_x = self.rows_first(self.mixer.backward(self.atoms_first(grad_x), species), grad_x)
        if self.is_gated:
            grad_x, grad_density, more = self.gate.backward(
                grad_x, density, features, species, KeptGate(kept.divided, kept.total)
            )
            if not self.is_first:
                grad_features = grad_features + more
        return grad_x, grad_density, grad_features

    def atoms_first(self, x: torch.Tensor) -> torch.Tensor:
        """Return ``[n, M C]`` from ``[M, n, C]``."""
        return x.transpose(0, 1).flatten(1)

    def rows_first(self, x: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        """Return ``[M, n, C]`` from ``[n, M C]``."""
        n, m = like.size(1), like.size(0)  # n may be 0: torch can't find -1 then
        return x.view(n, m, x.size(1) // m).transpose(0, 1).contiguous()

    def readout(self, features: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
        """Return energies ``[n]`` and their derivatives ``[n, C]`` from scalars ``[n, C]``."""
        if not self.reads_out:
            return torch.zeros_like(features[:, 0]), torch.zeros_like(features)
        if not self.reads_hidden:
            energy = torch.matmul(features, self.read_out).squeeze(1)
            return energy, self.read_out.t().expand_as(features)
        z = torch.matmul(features, self.read_in)
        s = torch.sigmoid(z)
        slope = s * (1.0 + z * (1.0 - s))
        if not self.reads_twice:
            energy = torch.matmul(z * s, self.read_out).squeeze(1)
            return energy, torch.matmul(slope * self.read_out.t(), self.read_in.t())
        z2 = torch.matmul(z * s, self.read_middle) + self.middle_bias
        s2 = torch.sigmoid(z2)
        energy = torch.matmul(z2 * s2, self.read_out).squeeze(1) + self.read_bias
        back = s2 * (1.0 + z2 * (1.0 - s2)) * self.read_out.t()
        back = torch.matmul(back, self.read_middle.t()) * slope
        return energy, torch.matmul(back, self.read_in.t())
