"""The proton that is nearest to a transfer, for each hydroxide of one frame, compiled.

After a change see ``common/speciation.py``.
"""

from __future__ import annotations

import numpy as np

from pykoh.analysis.common.findings import Findings
from pykoh.analysis.common.geometry import distance2
from pykoh.analysis.common.speciation import Neighbours
from pykoh.arrays import FloatArray
from pykoh.kernels import step

# Proton transfer: δ = r(H-O*) - r(H-Ow) of the proton that is nearest to it, and its r(OO); widths
# of the bins and how many there are.
DELTA_BIN_A = 0.04
TRANSFER_START_A, TRANSFER_BIN_A = 2.2, 0.05
TRANSFER_SHAPE = (40, 28)
DELTA_MAX_A = TRANSFER_SHAPE[0] * DELTA_BIN_A
TRANSFER_R_A = (TRANSFER_START_A, 3.6)


@step()
def nearest_to_transfer(
    f: int, h: FloatArray, o: FloatArray, cell: FloatArray, neighbours: Neighbours, found: Findings
) -> None:
    """Count the hydroxides of a frame by δ and r(OO) of the proton nearest to a transfer.

    Args:
        f: number of the frame in the block.
        h: [n_h, 3], fractional places.
        o: [n_o, 3], fractional places.
        cell: [3, 3], Å.
        neighbours: near oxygens and their H, as they are in this frame.
        found: of the block; owners and counts of the frame are there, ``transfer`` is written.
    """
    counts, transfer = found.counts[f], found.transfer[f]
    near, n_near, between = neighbours.near, neighbours.n_near, neighbours.between
    held, n_held = neighbours.held, neighbours.n_held
    shortest, longest = TRANSFER_R_A
    for d in range(o.shape[0]):
        if counts[d] != 1:
            continue
        smallest = np.inf
        r_transfer = 0.0
        for p in range(n_near[d]):
            w = near[d, p]
            if between[d, p, 3] >= longest * longest or counts[w] != 2:
                continue
            for k in range(n_held[w]):
                i = held[w, k]
                to_hydroxide, to_water = distance2(o[d], h[i], cell), distance2(o[w], h[i], cell)
                delta = np.sqrt(to_hydroxide) - np.sqrt(to_water)
                if delta < smallest:
                    smallest = delta
                    r_transfer = np.sqrt(between[d, p, 3])
        if smallest < DELTA_MAX_A and shortest <= r_transfer < longest:
            row = int(max(smallest, 0.0) / DELTA_BIN_A)
            transfer[row, int((r_transfer - shortest) / TRANSFER_BIN_A)] += 1.0
