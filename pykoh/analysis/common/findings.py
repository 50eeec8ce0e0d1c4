"""Owners of the protons, hydrogen bonds and proton transfers of a block of frames."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pykoh.arrays import FloatArray


class Findings(NamedTuple):
    """What was found in a block of frames.

    Attributes:
        owner: [n_frames, n_h], oxygen (index among the oxygens) of each H.
        counts: [n_frames, n_o], H of each oxygen.
        partner: [n_frames, n_h, 4], acceptors of each H, or -1.
        kinds: [n_frames, n_h, 4], class of each bond.
        accepted: [n_frames, n_o], bonds that each oxygen accepts.
        donated: [n_frames, n_o], bonds that it donates.
        sums: [n_frames, n_sums], bonds and molecules; the columns are named in
            ``hydrogen_bonds/kernel.py``.
        donated_shares: [4, n], molecules by the number of donated bonds of each class.
        accepted_shares: [4, n], molecules by the number of accepted bonds of each class.
        angle_map: [4, n_r, n_angle], pairs H, A by r(DA) and angle H-D-A, for each class.
        transfer: [n_frames, n_delta, n_r], hydroxides by δ and r(OO) of their
            proton that is nearest to a transfer.
        n_mapped: frames that were sampled.
    """

    owner: NDArray[np.int64]
    counts: NDArray[np.int64]
    partner: NDArray[np.int32]
    kinds: NDArray[np.int8]
    accepted: NDArray[np.uint8]
    donated: NDArray[np.uint8]
    sums: FloatArray
    donated_shares: FloatArray
    accepted_shares: FloatArray
    angle_map: FloatArray
    transfer: FloatArray
    n_mapped: int
