"""The matrices behind the linear blocks of a MACE model, found by feeding them unit vectors.

Feeding the blocks themselves, instead of reading their weights, keeps e3nn's normalisations
where they are defined.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch


def matrix(linear: torch.nn.Module, n: int) -> torch.Tensor:
    """Return ``[n, m]``: what a linear block of scalars multiplies its input with."""
    return linear(torch.eye(n, dtype=torch.float64))


def per_ell(linear: torch.nn.Module) -> list[torch.Tensor]:
    """Return one matrix ``[n_in, n_out]`` per l of an equivariant linear block."""
    matrices = []
    inputs, outputs = linear.irreps_in, linear.irreps_out
    out_of = {part.ir.l: (part, span) for part, span in zip(outputs, outputs.slices(), strict=True)}
    for part, span in zip(inputs, inputs.slices(), strict=True):
        out_part, out_span = out_of[part.ir.l]
        x = torch.zeros((part.mul, inputs.dim), dtype=torch.float64)
        x[torch.arange(part.mul), span.start + torch.arange(part.mul) * part.ir.dim] = 1.0
        y = linear(x)[:, out_span].reshape(part.mul, out_part.mul, out_part.ir.dim)
        matrices.append(y[:, :, 0])
    return matrices


def skip_per_ell(skip: torch.nn.Module, n_species: int) -> list[torch.Tensor]:
    """Return per l ``[n_species, n_in, n_out]`` of a block that mixes channels by element."""
    found: list[list[torch.Tensor]] = []
    for species in range(n_species):
        one_hot = torch.eye(n_species, dtype=torch.float64)[species : species + 1]

        class Fixed(torch.nn.Module):
            irreps_in = skip.irreps_in1
            irreps_out = skip.irreps_out

            def forward(self, x: torch.Tensor, y: torch.Tensor = one_hot) -> torch.Tensor:
                return skip(x, y.expand(len(x), -1))

        found.append(per_ell(Fixed()))
    return [torch.stack([each[ell] for each in found]) for ell in range(len(found[0]))]


def radial_per_ell(block: torch.nn.Module) -> list[torch.Tensor]:
    """Return per l ``[n_hidden, n_channels]``: last radial layer times tensor-product factor.

    The message of a neighbour to component m of l is this, applied to the hidden radial
    features, times the neighbour's feature, times Y_lm.
    """
    last = list(block.conv_tp_weights)[-1]
    product = block.conv_tp
    weights = matrix(last, last.weight.shape[0])
    n_channels = product.irreps_in1.dim
    found = []
    for span, part in zip(product.irreps_in2.slices(), product.irreps_in2, strict=True):
        harmonics = torch.zeros((1, product.irreps_in2.dim), dtype=torch.float64)
        harmonics[0, span.start] = 1.0
        features = torch.ones((1, n_channels), dtype=torch.float64)
        columns = product(
            features.expand(len(weights), -1), harmonics.expand(len(weights), -1), weights
        )
        outs = zip(product.irreps_out, product.irreps_out.slices(), strict=True)
        out_span = next(s for out, s in outs if out.ir.l == part.ir.l)
        found.append(columns[:, out_span].reshape(len(weights), n_channels, part.ir.dim)[:, :, 0])
    return found


@dataclass(frozen=True, slots=True)
class Readout:
    """One head of a readout: x · linear, or factor · silu(x · hidden) · linear.

    Attributes:
        linear: ``[n, 1]``.
        hidden: ``[n_channels, n]``, or None.
    """

    linear: torch.Tensor
    hidden: torch.Tensor | None


def readout_of(readout: torch.nn.Module, n_channels: int, head: int, n_heads: int) -> Readout:
    """Return the matrices of one head of a scalar readout block."""
    if not hasattr(readout, "non_linearity"):
        return Readout(matrix(readout.linear, n_channels)[:, head : head + 1], None)
    hidden = matrix(readout.linear_1, n_channels)
    width = hidden.shape[1]
    linear = matrix(readout.linear_2, width)[:, head : head + 1]
    # The hidden features are split between the heads, each of which sees its own part.
    heads_here = int(getattr(readout, "num_heads", n_heads))
    per_head = width // heads_here
    own = slice(head * per_head, (head + 1) * per_head) if heads_here > 1 else slice(0, width)
    factor = readout.non_linearity.acts[0].cst
    return Readout(factor * linear[own], hidden[:, own])


def scalars(irreps: object) -> int:
    """Return the number of scalars."""
    from e3nn import o3

    return int(o3.Irreps(irreps).dim)
