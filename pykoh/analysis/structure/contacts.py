"""Contacts of cations and hydroxide ions: bridges and clusters.

A cation and an O* touch within a fixed distance, by default about the first minimum of g(r) of
each alkali metal and oxygen in water, so that one pass over the frames is enough; the minimum that
this run has is reported beside it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pykoh import chemistry
from pykoh.analysis.common.estimate import Estimate
from pykoh.analysis.common.geometry import distance2, wrap
from pykoh.analysis.common.statistics import SegmentedSums, share_stderr
from pykoh.analysis.structure.values import IonContacts
from pykoh.arrays import FloatArray
from pykoh.kernels import kernel, step

CONTACT_A = {element: cation.contact_A for element, cation in chemistry.CATIONS.items()}

_MOST = 12  # the distributions end here
LONGEST_CLUSTER = 64  # larger ones are counted together

_OH_TO_OH = 0  # class of a bond

# Columns: O* with 0 ... 11 cations; cations with 0 ... 11 O*; bonds OH- to OH-, bridged ones;
# then ions in clusters of 1, 2 ...
AT_STARS, AT_CATIONS = 0, _MOST
BONDED = 2 * _MOST
BRIDGED = BONDED + 1
CLUSTERS = BONDED + 2
N_CONTACTS = CLUSTERS + LONGEST_CLUSTER


@step()
def _root(parent: NDArray[np.int64], i: int) -> int:
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@kernel(
    "(float64[:,:,::1], float64[:,:,::1], float64[:,:,::1], int64[::1], int64[::1], "
    "int64[:,::1], int64[:,::1], int32[:,:,::1], int8[:,:,::1], float64, "
    "float64[:,::1], float64[:,::1], float64[:,::1])",
)
def ion_contacts(
    positions: FloatArray,
    cells: FloatArray,
    inverses: FloatArray,
    cations: NDArray[np.int64],
    oxygens: NDArray[np.int64],
    counts: NDArray[np.int64],
    owner: NDArray[np.int64],
    partner: NDArray[np.int32],
    kinds: NDArray[np.int8],
    cutoff: float,
    k: FloatArray,
    o: FloatArray,
    out: FloatArray,
) -> None:
    """Count contacts in a block of frames.

    Args:
        positions: [n_frames, n_atoms, 3], Å.
        cells: [n_frames, 3, 3], Å.
        inverses: [n_frames, 3, 3], 1/Å, of the cells.
        cations: [n_k], atoms.
        oxygens: [n_o], atoms.
        counts: [n_frames, n_o], H of each oxygen.
        owner: [n_frames, n_h], oxygen of each H.
        partner: [n_frames, n_h, n_slots], acceptors of each H or -1.
        kinds: [n_frames, n_h, n_slots], class of each bond; 0 is OH- to OH-.
        cutoff: Å.
        k: [n_k, 3], scratch.
        o: [n_o, 3], scratch.
        out: [n_frames, N_CONTACTS], out, comes in as zeros.
    """
    n_k, n_o = cations.shape[0], oxygens.shape[0]
    star = np.empty(n_o, dtype=np.int64)
    place = np.empty(n_o, dtype=np.int64)
    touches = np.empty(n_o * _MOST, dtype=np.int64)
    n_touch = np.empty(n_o, dtype=np.int64)
    per_cation = np.empty(n_k, dtype=np.int64)
    parent = np.empty(n_k + n_o, dtype=np.int64)
    size = np.empty(n_k + n_o, dtype=np.int64)
    for f in range(positions.shape[0]):
        wrap(positions[f], cations, inverses[f], k)
        wrap(positions[f], oxygens, inverses[f], o)
        n_star = 0
        for a in range(n_o):
            if counts[f, a] == 1:
                star[n_star] = a
                place[a] = n_star
                n_star += 1
        for s in range(n_star):
            n_touch[s] = 0
        for i in range(n_k):
            per_cation[i] = 0
        for i in range(n_k + n_star):
            parent[i] = i
            size[i] = 0
        for i in range(n_k):
            for s in range(n_star):
                if distance2(k[i], o[star[s]], cells[f]) < cutoff * cutoff:
                    if n_touch[s] < _MOST:
                        touches[s * _MOST + n_touch[s]] = i
                        n_touch[s] += 1
                    per_cation[i] += 1
                    parent[_root(parent, i)] = _root(parent, n_k + s)
        for s in range(n_star):
            out[f, AT_STARS + min(n_touch[s], _MOST - 1)] += 1.0
        for i in range(n_k):
            out[f, AT_CATIONS + min(per_cation[i], _MOST - 1)] += 1.0
        for i in range(n_k + n_star):
            size[_root(parent, i)] += 1
        for i in range(n_k + n_star):
            if size[i] > 0:
                out[f, CLUSTERS + min(size[i], LONGEST_CLUSTER) - 1] += size[i]
        for i in range(partner.shape[1]):
            for j in range(partner.shape[2]):
                if partner[f, i, j] < 0:
                    break
                if kinds[f, i, j] != _OH_TO_OH:
                    continue
                out[f, BONDED] += 1.0
                donor, acceptor = place[owner[f, i]], place[partner[f, i, j]]
                bridged = False
                for x in range(n_touch[donor]):
                    for y in range(n_touch[acceptor]):
                        same = touches[donor * _MOST + x] == touches[acceptor * _MOST + y]
                        bridged = bridged or same
                if bridged:
                    out[f, BRIDGED] += 1.0


def _shares(counts: FloatArray) -> FloatArray:
    """Return fractions, without the zeros at the end."""
    total = counts.sum()
    if total == 0:
        return np.zeros(0)
    shares: FloatArray = counts[: int(np.flatnonzero(counts)[-1]) + 1] / total
    return shares


def contacts(sums: SegmentedSums, cutoff_A: float) -> IonContacts | None:
    """Return what was found, or None without cations or hydroxides.

    Args:
        sums: of what :func:`ion_contacts` writes.
        cutoff_A: Å.
    """
    total, blocks = sums.sums.sum(axis=0), sums.whole()
    stars, cations = total[:_MOST], total[_MOST:BONDED]
    if stars.sum() == 0 or cations.sum() == 0:
        return None

    def share(part: slice, whole: slice) -> Estimate | None:
        if total[whole].sum() == 0:
            return None
        value = float(total[part].sum() / total[whole].sum())
        # How long contacts last is not known here: each of them counts once.
        n = float(total[whole].sum() / sums.n_frames)
        parts, wholes = blocks[:, part].sum(axis=1), blocks[:, whole].sum(axis=1)
        return Estimate.share(value, share_stderr(parts, wholes, value, n))

    return IonContacts(
        cutoff_A,
        _shares(stars),
        _shares(cations),
        share(slice(_MOST + 2, BONDED), slice(_MOST, BONDED)),
        share(slice(0, 1), slice(0, _MOST)),
        share(slice(BONDED + 1, BONDED + 2), slice(BONDED, BONDED + 1)),
        _shares(total[CLUSTERS:]),
        share(slice(CLUSTERS + 2, N_CONTACTS), slice(CLUSTERS, N_CONTACTS)),
    )
