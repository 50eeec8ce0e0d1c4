"""What a layer with compiled loops gives the next one: scalars, and what that sends of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pykoh.engines.cpu.prepared import filled, flat, prepared
from pykoh.engines.cpu.update import ScalarUpdate
from pykoh.engines.loops import mixing

Array = NDArray[np.floating[Any]]


class Sender:
    """From the scalars of the layer before to what is sent, for a share of the atoms.

    Between compiled loops, which use all of the cache, a product of torch takes five times as long
    as where it is called again and again (142 instead of 26 µs: 165 atoms, 64 channels, AMD EPYC
    with AVX-512), and all threads wait for it.

    Channels are filled up: U of the scalars, W of what is sent. Arrays are one-dimensional.

    Args:
        layer: one that :meth:`covers`.

    Attributes:
        n_out: channels that are sent.
        width_in: U.
        width: W.
        matrix: ``[U, W]``.
        back: the same, transposed.
    """

    @staticmethod
    def covers(layer: Any) -> bool:
        """Return whether a layer takes scalars and sends scalars."""
        blocks = layer.up.blocks
        return (
            hasattr(layer.messages, "compiled_mix")
            and len(blocks) == 1
            and blocks[0].dimension == blocks[0].n_species == 1
            and blocks[0].n_in == layer.up.width_in
        )

    def __init__(self, layer: Any) -> None:
        block = layer.up.blocks[0]
        matrix = filled(block.matrix)
        self.n_out = block.n_out
        self.width_in, self.width = matrix.shape
        self.matrix, self.back = flat(matrix), flat(matrix.t())

    def forward(self, scalars: Array, sent: Array) -> None:
        """Write what is sent ``[n, W]`` of scalars ``[n, U]``."""
        n = len(sent) // self.width
        mixing.mix(1, n, self.width_in, self.width, scalars, self.matrix, sent)

    def backward(self, grad_sent: Array) -> Array:
        """Return the derivatives by the scalars ``[n, U]`` from those by what is sent."""
        n = len(grad_sent) // self.width
        found = np.empty(n * self.width_in, grad_sent.dtype)
        mixing.mix(1, n, self.width, self.width_in, grad_sent, self.back, found)
        return found


def sender_of(layer: Any, like: torch.Tensor) -> Sender | None:
    """Return the compiled sender of a layer, or None where it sends or takes more than scalars.

    Args:
        layer: of a graph, not the first one.
        like: a tensor of its precision.
    """
    return prepared(layer.up, like, lambda: Sender(layer) if Sender.covers(layer) else None)


class Scalars:
    """The scalars of all atoms after a compiled update, and what the next layer sends of them.

    Each part writes the rows of its atoms.

    Args:
        n: atoms.
        update: that finds the scalars.
        sender: of the next layer, if it is compiled.
        dtype: of all numbers.
    """

    def __init__(self, n: int, update: ScalarUpdate, sender: Sender | None, dtype: Any) -> None:
        self._n_out, self._sender = update.n_out, sender
        self._scalars = np.empty((n, update.width), dtype)
        self._sent = np.empty((n, sender.width if sender else 0), dtype)

    def put(self, scalars: Array, low: int, high: int) -> None:
        """Write the rows of some atoms."""
        self._scalars[low:high] = scalars
        if self._sender is not None:
            self._sender.forward(scalars.reshape(-1), self._sent[low:high].reshape(-1))

    @property
    def filled(self) -> torch.Tensor:
        """``[n, W]`` the scalars, filled up."""
        return torch.from_numpy(self._scalars)

    @property
    def features(self) -> torch.Tensor:
        """``[n, C]`` the scalars."""
        return self.filled[:, : self._n_out]

    @property
    def sent(self) -> torch.Tensor | None:
        """``[n, n_sent]`` what the next layer sends, if its sender is compiled."""
        if self._sender is None:
            return None
        return torch.from_numpy(self._sent)[:, : self._sender.n_out]
