"""Free energy along the transfer of a proton to a hydroxide, from histograms of each frame.

δ = r(H-O*) - r(H-Ow) of the proton with the smallest δ of each hydroxide, among those of the water
molecules within 3.6 Å (Marx, Chandra and Tuckerman, Chem. Rev. 110 (2010) 2174,
doi:10.1021/cr900233f). F / kT = -ln P.
"""

from __future__ import annotations

import numpy as np

from pykoh.analysis.common.estimate import Estimate
from pykoh.analysis.common.parabola import vertex
from pykoh.analysis.common.statistics import SegmentedSums, ratio_stderrs
from pykoh.analysis.hops import transfer_kernel as s
from pykoh.analysis.hops.values import ProtonTransferProfile
from pykoh.arrays import FloatArray

_NEAR_MINIMUM = 0.6  # of the observations at the minimum
_FEWEST = 5.0  # observations of a bin that its free energy needs


def _barrier(along: FloatArray, lowest: int, energy: float, stderr: float) -> float:
    """Return the free energy at δ = 0 above the minimum, kT.

    The lowest of some noisy bins is too low, so the minimum is that of a parabola through the bins
    around it (:func:`pykoh.analysis.common.parabola.vertex`). And the mean of -ln n is above -ln of
    the mean, by half of the relative variance.

    Args:
        along: [n_bins], observations.
        lowest: bin of most observations.
        energy: of the first bin above that bin, kT.
        stderr: of the free energy of the first bin, kT.
    """
    first = last = lowest
    while first > 0 and along[first - 1] > _NEAR_MINIMUM * along[lowest]:
        first -= 1
    while last + 1 < len(along) and along[last + 1] > _NEAR_MINIMUM * along[lowest]:
        last += 1
    bins = np.arange(first, last + 1)
    top = vertex(along[bins], np.ones(len(bins)), bins - lowest) if len(bins) >= 3 else None
    fitted = 0.0 if top is None else top.log_height - float(np.log(along[lowest]))
    return energy + fitted - 0.5 * stderr**2


def proton_transfer_profile(sums: SegmentedSums) -> ProtonTransferProfile | None:
    """Return the profile, or None if nothing was seen.

    Args:
        sums: of histograms [*TRANSFER_SHAPE].
    """
    total = sums.sums.sum(axis=0)
    if total.sum() == 0:
        return None
    rows, columns = s.TRANSFER_SHAPE
    delta = (np.arange(rows) + 0.5) * s.DELTA_MAX_A / rows
    low, high = s.TRANSFER_R_A
    r = low + (np.arange(columns) + 0.5) * (high - low) / columns
    along = total.sum(axis=1)
    blocks = sums.whole().sum(axis=2)
    cells = sums.whole().reshape(-1, rows * columns)
    all_cells = np.repeat(cells.sum(axis=1)[:, None], rows * columns, axis=1)
    share = along / along.sum()
    everything = np.repeat(blocks.sum(axis=1)[:, None], rows, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        # At least what counting that many independent events would give.
        relative = np.fmax(ratio_stderrs(blocks, everything) / share, along**-0.5)
        energy = np.where(along >= _FEWEST, -np.log(share), np.nan)
        shares = total.ravel() / total.sum()
        of_map = np.fmax(ratio_stderrs(cells, all_cells) / shares, total.ravel() ** -0.5)
        map_ = np.where(total >= _FEWEST, -np.log(total / total.max()), np.nan)
    if np.isnan(energy).all():
        return None
    lowest = int(np.nanargmin(energy))
    energy -= energy[lowest]
    stderr = np.where(np.isnan(energy), np.nan, relative)
    barrier = None
    if np.isfinite(energy[0]) and lowest > 0:
        height = _barrier(along, lowest, float(energy[0]), float(stderr[0]))
        barrier = Estimate.number(height, np.hypot(stderr[0], stderr[lowest]))
    map_stderr = np.where(np.isnan(map_), np.nan, of_map.reshape(rows, columns))
    return ProtonTransferProfile(delta, energy, stderr, r, map_, barrier, map_stderr)
