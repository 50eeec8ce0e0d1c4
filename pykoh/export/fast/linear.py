"""The matrices behind the linear blocks of a MACE model, found by feeding them unit vectors.

Feeding the blocks themselves, instead of reading their weights, keeps e3nn's normalisations
where they are defined.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch


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
    """Return ``[n_hidden, n_weights]``: the last, linear layer of the radial network."""
    last = list(block.conv_tp_weights)[-1]
    return matrix(last, last.weight.shape[0])


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
    product, linear = block.conv_tp, block.linear
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
    """One head of a readout: x · linear, or factor · silu(x · hidden) · linear.

    Attributes:
        linear: ``[n, 1]``.
        hidden: ``[n_channels, n]``, or None.
    """

    linear: torch.Tensor
    hidden: torch.Tensor | None


def readout_of(readout: torch.nn.Module, n_channels: int, head: int, n_heads: int) -> Readout:
    """Return the matrices of one head of a readout block, which reads scalars alone."""
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
