"""The non-linear step between messages and contraction, forward and backward by hand.

mace-torch's ``RealAgnosticResidualNonLinearInteractionBlock`` divides the mixed messages by a
density, adds what the atom itself has, gates the result, and mixes the channels once more.
"""

from __future__ import annotations

from typing import Tuple

import torch

from pykoh.engines.graph import linear
from pykoh.engines.graph.blocks import EllLinear
from pykoh.engines.graph.kept import KeptGate
from pykoh.engines.scripting import exported
from pykoh.errors import ModelError


class NoGate(torch.nn.Module):
    """Stands where a block has no such step, so that TorchScript finds the same calls."""

    def forward(
        self,
        messages: torch.Tensor,
        density: torch.Tensor,
        features: torch.Tensor,
        species: torch.Tensor,
    ) -> Tuple[torch.Tensor, KeptGate]:
        """Return the messages; nothing is kept."""
        return messages, KeptGate(messages[:0], messages[:0])

    @exported
    def backward(
        self,
        upstream: torch.Tensor,
        density: torch.Tensor,
        features_like: torch.Tensor,
        species: torch.Tensor,
        kept: KeptGate,
    ) -> Tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the three derivatives of :meth:`Gate.backward`, of which two are not used."""
        return upstream, density, features_like


class Gate(torch.nn.Module):
    """Messages over density, plus the atom's own features, gated and mixed.

    Shapes: n atoms, M = (max_ell + 1)² components, G = max_ell gates, C channels, F columns of
    features. Messages have M + G parts: scalars, then the scalars of each gate, then l > 0.

    Args:
        model: the eager model, float64.
        index: of a layer whose block is gated.

    Raises:
        ModelError: its activations are not the ones that mace-torch's block has.
    """

    def __init__(self, model: torch.nn.Module, index: int) -> None:
        super().__init__()
        block = model.interactions[index]
        gate = block.equivariant_nonlin
        if gate._act_scalar is not torch.nn.functional.silu or gate._act_gate not in (
            torch.nn.functional.sigmoid,
            torch.sigmoid,
        ):
            raise ModelError("its gate has other activations than silu and sigmoid")
        self.scalar_factor, self.gate_factor = float(gate._scalar_cst), float(gate._gate_cst)
        self.alpha, self.beta = float(block.alpha), float(block.beta)
        self.n_gates = linear.gates(block)
        after = list(linear.per_ell(block.linear_2).values())
        component = [ell for ell in range(len(after)) for _ in range(2 * ell + 1)]
        self.register_buffer("after", torch.stack(after)[component].contiguous())
        gate_of = torch.tensor([ell - 1 for ell in component[1:]], dtype=torch.int64)
        self.register_buffer("gate_of", gate_of)

        # What the atom has: features to what it sends, then to the parts of the message.
        up, rest = linear.per_ell(block.linear_up), linear.per_ell(block.linear_res)
        own = {ell: up[ell] @ rest[ell] for ell in sorted(up) if ell in rest}
        if list(own) != list(range(len(own))):
            raise ModelError("its own features and its messages have no scalars in common")
        self.own = EllLinear(own, linear.channels(block.linear_up.irreps_in))
        self.n_own = self.n_gates + len(own) ** 2
        self.is_first = index == 0
        first_own = torch.zeros((0, 0), dtype=torch.float64)
        if self.is_first:
            one_hot = torch.eye(int(model.atomic_numbers.numel()), dtype=torch.float64)
            first_own = model.node_embedding(one_hot) @ own[0]
            self.n_own = self.n_gates + 1
        self.register_buffer("first_own", first_own)

    def forward(
        self,
        messages: torch.Tensor,
        density: torch.Tensor,
        features: torch.Tensor,
        species: torch.Tensor,
    ) -> Tuple[torch.Tensor, KeptGate]:
        """Return ``[M, n, C]`` from messages ``[M + G, n, C]``, and what is kept.

        Args:
            messages: summed and mixed.
            density: ``[n]``.
            features: ``[n, F]`` of the layer before; unused in the first layer.
            species: ``[n]``.
        """
        divided = messages / (self.alpha + self.beta * density).unsqueeze(1)
        if self.is_first:
            own = self.first_own.index_select(0, species)
        else:
            own = self.own(features, species)
        own = own.view(own.size(0), self.n_own, divided.size(2)).transpose(0, 1)
        total = divided.clone()
        total[: self.n_own].add_(own)
        end = 1 + self.n_gates
        gates = self.gate_factor * torch.sigmoid(total[1:end])
        scalars = self.scalar_factor * torch.nn.functional.silu(total[:1])
        gated = torch.cat([scalars, total[end:] * gates.index_select(0, self.gate_of)])
        return torch.bmm(gated, self.after), KeptGate(divided, total)

    @exported
    def backward(
        self,
        upstream: torch.Tensor,
        density: torch.Tensor,
        features_like: torch.Tensor,
        species: torch.Tensor,
        kept: KeptGate,
    ) -> Tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return derivatives with respect to messages, density and features.

        In the first layer nothing depends on the features, and the third result has no meaning.

        Args:
            upstream: ``[M, n, C]``.
            density: ``[n]``.
            features_like: ``[n, F]``.
            species: ``[n]``.
            kept: from :meth:`forward`.
        """
        divided, total = kept.divided, kept.total
        end = 1 + self.n_gates
        grad_gated = torch.bmm(upstream, self.after.transpose(1, 2))
        s = torch.sigmoid(total[:end])
        slope = s * (1.0 - s)
        grad_total = torch.zeros_like(total)
        grad_total[:1] = grad_gated[:1] * self.scalar_factor * (s[:1] + total[:1] * slope[:1])
        gates = self.gate_factor * s[1:].index_select(0, self.gate_of)
        grad_total[end:] = grad_gated[1:] * gates
        grad_gates = torch.zeros_like(s[1:])
        grad_gates.index_add_(0, self.gate_of, grad_gated[1:] * total[end:])
        grad_total[1:end] = grad_gates * slope[1:] * self.gate_factor
        grad_messages = grad_total / (self.alpha + self.beta * density).unsqueeze(1)
        grad_density = (grad_messages * divided).sum(2).sum(0) * -self.beta
        grad_features = features_like
        if not self.is_first:
            own = grad_total[: self.n_own].transpose(0, 1).flatten(1)
            grad_features = self.own.backward(own, species)
        return grad_messages, grad_density, grad_features


def gate_for(model: torch.nn.Module, index: int) -> torch.nn.Module:
    """Return the non-linear step of one layer, or :class:`NoGate`."""
    return Gate(model, index) if linear.is_gated(model.interactions[index]) else NoGate()
