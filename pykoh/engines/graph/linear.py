"""The matrices behind the linear blocks of a MACE model, found by feeding them unit vectors.

Feeding the blocks themselves, instead of reading their weights, keeps e3nn's normalisations
where they are defined.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from pykoh.engines.graph.tables import radial_steps


def channels(irreps: object) -> dict[int, int]:
    """Return the number of channels of each l of irreps (or of their text)."""
    from e3nn import o3

    return {part.ir.l: part.mul for part in o3.Irreps(irreps)}


def matrix(linear: torch.nn.Module, n: int) -> torch.Tensor:
    """Return ``[n, m]``: what a linear block multiplies its first n inputs with."""
    irreps = getattr(linear, "irreps_in", None)
    width = n if irreps is None else irreps.dim
    return linear(torch.eye(n, width, dtype=torch.float64))


def per_ell(linear: torch.nn.Module) -> dict[int, torch.Tensor]:
    """Return a matrix ``[C_in, C_out]`` for each l that an equivariant block has on both sides."""
    matrices = {}
    inputs, outputs = linear.irreps_in, linear.irreps_out
    out_of = {part.ir.l: (part, span) for part, span in zip(outputs, outputs.slices(), strict=True)}
    for part, span in zip(inputs, inputs.slices(), strict=True):
        if part.ir.l in out_of:
            start = span.start
            matrices[part.ir.l] = of_slot(linear, start, part.mul, *out_of[part.ir.l])
    return matrices


def of_slot(
    linear: torch.nn.Module, start: int, mul: int, out_part: object, out_span: slice
) -> torch.Tensor:
    """Return ``[mul, C_out]`` from the input columns of one irrep to its outputs."""
    dimension = out_part.ir.dim  # type: ignore[attr-defined]
    x = torch.zeros((mul, linear.irreps_in.dim), dtype=torch.float64)
    x[torch.arange(mul), start + torch.arange(mul) * dimension] = 1.0
    y = linear(x)[:, out_span].reshape(mul, -1, dimension)
    return y[:, :, 0]


def skip_per_ell(skip: torch.nn.Module, n_species: int) -> dict[int, torch.Tensor]:
    """Return by l ``[n_species, C_in, C_out]`` of a block that mixes channels by element."""
    found: list[dict[int, torch.Tensor]] = []
    for species in range(n_species):
        one_hot = torch.eye(n_species, dtype=torch.float64)[species : species + 1]

        class Fixed(torch.nn.Module):
            irreps_in = skip.irreps_in1
            irreps_out = skip.irreps_out

            def forward(self, x: torch.Tensor, y: torch.Tensor = one_hot) -> torch.Tensor:
                return skip(x, y.expand(len(x), -1))

        found.append(per_ell(Fixed()))
    return {ell: torch.stack([each[ell] for each in found]) for ell in found[0]}


def last_radial(block: torch.nn.Module) -> torch.Tensor:
    """Return ``[n_hidden, n_weights]``: the last, linear layer of the radial network.

    A bias is one more row: the weight of one more feature
    (:func:`pykoh.engines.graph.tables.radial_functions`).
    """
    last = radial_steps(block)[-1]
    if isinstance(last, torch.nn.Linear):
        return torch.cat([last.weight.detach().t(), last.bias.detach().unsqueeze(0)])
    return matrix(last, last.weight.shape[0])


def is_gated(block: torch.nn.Module) -> bool:
    """Return whether an interaction block has a non-linear step after its messages."""
    return hasattr(block, "equivariant_nonlin")


def mixing(block: Any) -> torch.nn.Module:
    """Return the linear map that mixes the channels of a block's summed messages."""
    linear: torch.nn.Module = block.linear_1 if is_gated(block) else block.linear
    return linear


def gates(block: torch.nn.Module) -> int:
    """Return the number of l > 0 that a block's gate multiplies, each with scalars of its own."""
    return len(block.equivariant_nonlin.irreps_gated) if is_gated(block) else 0


def mixing_parts(block: torch.nn.Module) -> list[tuple[int, torch.Tensor]]:
    """Return l and matrix ``[C_in, C_out]`` of all parts that messages are mixed to.

    The parts are the scalars, the scalars of each gate, then l = 1, 2 and so on.
    """
    found: list[tuple[int, torch.Tensor]] = []
    for ell, own in sorted(per_ell(mixing(block)).items()):
        parts = own.chunk(1 + gates(block), 1) if ell == 0 else (own,)
        found.extend((ell, part) for part in parts)
    return found


def radial_per_ell(block: torch.nn.Module) -> list[torch.Tensor]:
    """Return per l ``[n_hidden, n_channels]``: last radial layer times tensor-product factor.

    For scalar features: the message of a neighbour to component m of l is this, applied to the
    hidden radial features, times the neighbour's feature, times Y_lm.
    """
    product = block.conv_tp
    weights = last_radial(block)
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
class CouplingPath:
    """One path (l1 of the neighbour, l2 of Y, l3 of the message) of a tensor product.

    Attributes:
        ells: l1, l2, l3.
        coupling: ``[2 l1 + 1, 2 l2 + 1, 2 l3 + 1]``, the same for all channels.
        first_weight: first of its radial weights, one per channel.
        mix: ``[C of l1, C_out]``: from its messages to the layer's.
    """

    ells: tuple[int, int, int]
    coupling: torch.Tensor
    first_weight: int
    mix: torch.Tensor


def coupling_paths(block: torch.nn.Module) -> list[CouplingPath]:
    """Return the paths of the tensor product of an interaction block."""
    product, linear = block.conv_tp, mixing(block)
    in1, in2, mid = product.irreps_in1, product.irreps_in2, product.irreps_out
    outs = {
        part.ir.l: (part, span)
        for part, span in zip(linear.irreps_out, linear.irreps_out.slices(), strict=True)
    }
    found = []
    offset = 0
    for step in product.instructions:
        one, two, three = in1[step.i_in1].ir, in2[step.i_in2].ir, mid[step.i_out].ir
        rows = one.dim * two.dim
        x = torch.zeros((rows, in1.dim), dtype=torch.float64)
        y = torch.zeros((rows, in2.dim), dtype=torch.float64)
        weights = torch.zeros((rows, product.weight_numel), dtype=torch.float64)
        index = torch.arange(rows)
        x[index, in1.slices()[step.i_in1].start + index // two.dim] = 1.0
        y[index, in2.slices()[step.i_in2].start + index % two.dim] = 1.0
        weights[:, offset] = 1.0
        start = mid.slices()[step.i_out].start
        coupling = product(x, y, weights)[:, start : start + three.dim]
        mul = in1[step.i_in1].mul
        mix = of_slot(linear, start, mul, *outs[three.l])
        found.append(
            CouplingPath(
                (one.l, two.l, three.l),
                coupling.view(one.dim, two.dim, three.dim),
                offset,
                mix,
            )
        )
        offset += mul
    return found


@dataclass(frozen=True, slots=True)
class Readout:
    """One head of a readout: x · linear, or silu(x · hidden) · linear.

    With ``middle``: silu(silu(x · hidden) · middle + middle_bias) · linear + bias.

    Attributes:
        linear: ``[n, 1]``.
        hidden: ``[n_channels, n]``, or None.
        middle: ``[n, n]``, or None.
        middle_bias: ``[n]``, or None.
        bias: eV, before the model's scale.
    """

    linear: torch.Tensor
    hidden: torch.Tensor | None = None
    middle: torch.Tensor | None = None
    middle_bias: torch.Tensor | None = None
    bias: float = 0.0


def readout_of(readout: torch.nn.Module, n_channels: int, head: int, n_heads: int) -> Readout:
    """Return the matrices of one head of a readout block, which reads scalars alone."""
    if not hasattr(readout, "non_linearity"):
        return Readout(matrix(readout.linear, n_channels)[:, head : head + 1])
    hidden = matrix(readout.linear_1, n_channels)
    width = hidden.shape[1]
    zero = torch.zeros((1, width), dtype=torch.float64)
    bias = readout.linear_2(zero)
    linear = (matrix(readout.linear_2, width) - bias)[:, head : head + 1]
    # The hidden features are split between the heads, each of which sees its own part.
    heads_here = int(getattr(readout, "num_heads", n_heads))
    per_head = width // heads_here
    own = slice(head * per_head, (head + 1) * per_head) if heads_here > 1 else slice(0, width)
    factor = readout.non_linearity.acts[0].cst
    if not hasattr(readout, "linear_mid"):
        return Readout(factor * linear[own], hidden[:, own])
    middle_bias = readout.linear_mid(zero)
    middle = factor * (matrix(readout.linear_mid, width) - middle_bias)[own, own]
    return Readout(
        factor * linear[own], hidden[:, own], middle, middle_bias[0, own], float(bias[0, head])
    )
