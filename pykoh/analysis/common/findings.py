"""Owners of the protons, hydrogen bonds and proton transfers of a block of frames."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pykoh.arrays import FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """What was found in a block of frames.

    Attributes:
        owner: [n_frames, n_h], oxygen (index among the oxygens) of each H.
        counts: [n_frames, n_o], H of each oxygen.
        partner: [n_frames, n_h, 4], acceptors of each H, or -1.
        kinds: [n_frames, n_h, 4], class of each bond.
        accepted: [n_frames, n_o], bonds that each oxygen accepts.
        donated: [n_frames, n_o], bonds that it donates.
        sums: [n_frames, survey.N_SUMS].
        donated_shares: [4, survey.MOST_COUNTED], molecules by donated bonds.
        accepted_shares: [4, survey.MOST_COUNTED], molecules by accepted bonds.
        angle_map: [4, *survey.MAP_SHAPE].
        transfer: [n_frames, *survey.TRANSFER_SHAPE], hydroxides by δ and r(OO).
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
