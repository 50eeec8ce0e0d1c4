"""The update of the features in compiled loops, for the blocks that most models have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pykoh.engines.cpu.prepared import Terms, filled, flat, padded, prepared
from pykoh.engines.loops import contraction, mixing
from pykoh.engines.loops import update as loops

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True)
class Kept:
    """What the backward pass needs.

    Attributes:
        derivative: ``[M, n, V]`` of the contraction; the backward pass writes to it.
        slope: ``[n, W]`` of the energies by the new scalars.
        n_features: F of the layer before.
    """

    derivative: Array
    slope: Array
    n_features: int


class ScalarUpdate:
    """From the sums over neighbours to new scalars: mixing, contraction, self-connection, readout.

    It does what :class:`pykoh.engines.graph.update.Update` does after a product with the matrices
    of :class:`pykoh.engines.graph.messages.ScalarMessages`. Between its steps there is no operation
    of torch: in each of them one thread may wait for another one.

    Channels are filled up: U of the sums, V of the contraction, W of the scalars. Arrays are
    one-dimensional.

    Args:
        layer: one that :meth:`covers`.
    """

    @staticmethod
    def covers(layer: Any) -> bool:
        """Return whether a layer has no other steps."""
        messages, update = layer.messages, layer.update
        return (
            hasattr(messages, "compiled_mix")
            and hasattr(update.contraction, "of_pair")
            and not (messages.n_gates or messages.radial.has_density)
            and not (update.is_gated or update.has_density or update.mixes_by_element)
            and not update.reads_twice
            and update.n_out == update.n_scalars
            and len(update.skip.blocks) == 1
            and update.skip.blocks[0].start_in == 0
        )

    def __init__(self, layer: Any) -> None:
        messages, update = layer.messages, layer.update
        self.n_ell = messages.n_ell
        mix = filled(messages.mix_per_ell)
        self.width_sums = mix.size(1)
        self.mix, self.mix_back = flat(mix), flat(mix.transpose(1, 2))
        self.terms = Terms(update.contraction, self.n_ell**2)
        n_species = self.n_species = update.contraction.coefficients.size(1)
        linear = update.linear.blocks[0]
        self.n_out = linear.n_out
        matrix = filled(linear.matrix)
        self.width_in, self.width = matrix.shape
        self.linear, self.linear_back = flat(matrix), flat(matrix.t())

        own = matrix.new_zeros((n_species, self.width))
        skip = matrix.new_zeros((n_species, 0, self.width))
        if update.has_skip and update.is_first:
            own[:, : update.skip_width] = update.first_skip
        elif update.has_skip:
            block = update.skip.blocks[0]
            skip = padded(block.matrix.view(block.n_in, n_species, -1).transpose(0, 1))
        # What the self-connection does not take, such as vectors, has derivatives that are zero.
        missing = update.skip.width_in - skip.size(1) if skip.size(1) else 0
        skip_back = padded(torch.nn.functional.pad(skip.transpose(1, 2), [0, missing]))
        self.n_before, self.width_before = skip.size(1), skip_back.size(2)
        self.own, self.skip, self.skip_back = flat(own), flat(skip), flat(skip_back)

        read_in = matrix.new_zeros((self.width, 0))
        read_out = matrix.new_zeros(self.width)
        if update.reads_out:
            read_out = padded(update.read_out.flatten())
        if update.reads_out and update.reads_hidden:
            read_in = filled(update.read_in)
        self.n_hidden = read_in.size(1)
        self.read_in, self.read_back = flat(read_in), flat(read_in.t())
        self.read_out = flat(read_out)

    def forward(
        self, sums: Array, features: Array, species: NDArray[np.int64]
    ) -> tuple[Array, Array, Kept]:
        """Return new scalars ``[n, W]``, energies ``[n]`` and what is kept.

        Args:
            sums: ``[M, n, U]``.
            features: ``[n, F]`` of the layer before, with two dimensions.
            species: ``[n]``.
        """
        n, dtype = len(species), sums.dtype
        x, derivative = (np.empty(self.n_ell**2 * n * self.width_in, dtype) for _ in range(2))
        mixing.mix(self.n_ell, n, self.width_sums, self.width_in, sums, self.mix, x)
        contracted = np.empty(n * self.width_in, dtype)
        contraction.contract(
            n, self.width_in, x, species, self.n_species, self.terms.coefficients,
            self.terms.factors, self.terms.runs, contracted, derivative,
        )  # fmt: skip
        updated, slope = np.empty(n * self.width, dtype), np.empty(n * self.width, dtype)
        energy = np.empty(n, dtype)
        loops.update(
            n, self.width_in, self.width, contracted, self.n_before, features.shape[1],
            features.reshape(-1), species, self.linear, self.own, self.skip, self.n_hidden,
            self.read_in, self.read_back, self.read_out, updated, energy, slope,
        )  # fmt: skip
        kept = Kept(derivative, slope, features.shape[1])
        return updated.reshape(n, self.width), energy, kept

    def backward(
        self, upstream: Array, scale: float, species: NDArray[np.int64], kept: Kept
    ) -> tuple[Array, Array]:
        """Return derivatives with respect to sums ``[M, n, U]`` and features ``[n, F]``.

        In the first layer nothing depends on the features, and the second result has no meaning.

        Args:
            upstream: ``[n, W]`` derivative with respect to the scalars given to later layers;
                nothing if there are none.
            scale: of the energies.
            species: ``[n]``.
            kept: from :meth:`forward`, used up.
        """
        n, dtype = len(species), upstream.dtype
        grad_features = np.empty(n * self.width_before, dtype)
        loops.update_backward(
            n, self.width_in, self.width, self.n_ell**2, upstream, scale, kept.slope, species,
            self.linear_back, self.width_before, self.skip_back, kept.derivative, grad_features,
        )  # fmt: skip
        grad_sums = np.empty(self.n_ell**2 * n * self.width_sums, dtype)
        mixing.mix(
            self.n_ell, n, self.width_in, self.width_sums, kept.derivative, self.mix_back, grad_sums
        )
        if self.width_before == 0:
            return grad_sums, np.zeros((n, kept.n_features), dtype)
        return grad_sums, grad_features.reshape(n, self.width_before)[:, : kept.n_features]


def scalar_update(layer: Any, like: torch.Tensor) -> ScalarUpdate | None:
    """Return the compiled update of a layer, or None where it has other steps.

    Args:
        layer: of a graph.
        like: a tensor of its precision.
    """

    def make() -> ScalarUpdate | None:
        return ScalarUpdate(layer) if ScalarUpdate.covers(layer) else None

    return prepared(layer, like, make)
