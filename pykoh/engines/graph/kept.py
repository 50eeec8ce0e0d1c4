"""What the forward pass of a layer keeps for its backward pass.

(No "from __future__ import annotations" here: TorchScript reads the types of the fields.)
"""

from typing import NamedTuple

import torch


class KeptChunk(NamedTuple):
    """Of the messages to the atoms of one chunk; R rows.

    Attributes:
        weights: ``[R, …]`` radial weights of each row; in a layer by species the hidden radial
            functions ``[R, Q]``.
        sent: ``[R, C]`` features of the senders; ``[0]`` in a layer by species.
        slope: ``[R, Q]`` derivatives of the hidden radial functions by the place in the table.
        density_slope: ``[R]`` derivatives of the density by the distance; ``[0]`` without one.
    """

    weights: torch.Tensor
    sent: torch.Tensor
    slope: torch.Tensor
    density_slope: torch.Tensor


class KeptGate(NamedTuple):
    """Of the gate.

    Attributes:
        divided: ``[M + G, n, C]`` messages over density; ``[0]`` without a gate.
        total: the same, with the atom's own features added.
    """

    divided: torch.Tensor
    total: torch.Tensor


class KeptUpdate(NamedTuple):
    """Of the update of the features.

    Attributes:
        divided: see :class:`KeptGate`.
        total: likewise.
        x: ``[M, n, C]`` what is contracted.
        density: ``[n]``.
        derivative: of the contraction by x.
        slope: ``[n, C]`` derivatives of the energies by the new scalars.
        features: ``[n, F]`` of the layer before.
    """

    divided: torch.Tensor
    total: torch.Tensor
    x: torch.Tensor
    density: torch.Tensor
    derivative: torch.Tensor
    slope: torch.Tensor
    features: torch.Tensor
