"""Compiled hydrogen-bond search, and counts, distributions and lifetimes of each class.

A bond D-H...A exists where r(DA) is below a distance and the angle H-D-A below an angle (Luzar and
Chandler, Phys. Rev. Lett. 76 (1996) 928, doi:10.1103/PhysRevLett.76.928). D and A are each a water
molecule (O with two H) or a hydroxide (one H); other oxygens take no part.

The lifetime is that of an exponential law with the bonds that are cut off by the end of the run or
by a proton transfer along them as such: the observed time of all bonds over the number of
breakings, its maximum-likelihood estimate. A bond that breaks and forms again between two frames is
seen as unbroken, so the lifetime depends on the time between frames.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pykoh.analysis.blocks import SegmentedSums, ratio_stderr
from pykoh.analysis.neighbours import bin_counts, distance2, sort_into_bins, wrap
from pykoh.analysis.results import (
    HYDROGEN_BOND_CLASSES,
    FloatArray,
    HydrogenBondClass,
    HydrogenBonds,
)

_MOST_H = 4  # H of one oxygen that are looked at
_MOST_BONDS = 4  # bonds of one H
_MOST_COUNTED = 16  # the distributions end here

# Columns of the sums over time: for each of four classes bonds, bonded donors, frames at risk,
# breakings; then the number of hydroxides and of water molecules.
_BONDS, _BONDED, _RISK, _BROKEN = 0, 4, 8, 12
_HYDROXIDES, _WATERS = 16, 17
_N_SUMS = 18


@njit(cache=True)
def _find(
    positions: FloatArray,
    cells: FloatArray,
    hydrogens: NDArray[np.int64],
    oxygens: NDArray[np.int64],
    owner: NDArray[np.int64],
    counts: NDArray[np.int64],
    distance: float,
    cosine: float,
    continues: bool,
    partner: NDArray[np.int64],
    partner_class: NDArray[np.int64],
    last_owner: NDArray[np.int64],
    sums: FloatArray,
    donated: FloatArray,
    accepted: FloatArray,
) -> None:
    """Find the hydrogen bonds of a block of frames.

    Args:
        positions: [n_frames, n_atoms, 3], Å.
        cells: [n_frames, 3, 3], Å.
        hydrogens: [n_h], atoms.
        oxygens: [n_o], atoms.
        owner: [n_frames, n_h], oxygen of each H.
        counts: [n_frames, n_o], H of each oxygen.
        distance: Å, r(DA) below which a bond exists.
        cosine: of the angle H-D-A below which a bond exists.
        continues: the state below is that of the frame before.
        partner: [n_h, _MOST_BONDS], acceptors of each H or -1; state.
        partner_class: [n_h, _MOST_BONDS], class of each bond; state.
        last_owner: [n_h]; state.
        sums: [n_frames, _N_SUMS], out.
        donated: [4, _MOST_COUNTED], molecules with 0, 1, 2 ... donated bonds; state.
        accepted: [4, _MOST_COUNTED], the same for accepted ones; state.
    """
    n_h, n_o = hydrogens.shape[0], oxygens.shape[0]
    h = np.empty((n_h, 3))
    o = np.empty((n_o, 3))
    order = np.empty(n_o, dtype=np.int64)
    held = np.empty((n_o, _MOST_H), dtype=np.int64)
    n_held = np.empty(n_o, dtype=np.int64)
    near = np.empty(n_o, dtype=np.int64)
    near_vector = np.empty((n_o, 3))
    vector = np.empty(3)
    now = np.empty((n_h, _MOST_BONDS), dtype=np.int64)
    now_class = np.empty((n_h, _MOST_BONDS), dtype=np.int64)
    per_donor = np.empty((n_o, 4), dtype=np.int64)
    per_acceptor = np.empty((n_o, 4), dtype=np.int64)
    for f in range(positions.shape[0]):
        cell = cells[f]
        inverse = np.linalg.inv(cell)
        wrap(positions[f], hydrogens, inverse, h)
        wrap(positions[f], oxygens, inverse, o)
        n0, n1, n2 = bin_counts(inverse, distance)
        binned = n0 >= 3 and n1 >= 3 and n2 >= 3
        first = sort_into_bins(o, n0, n1, n2, order) if binned else order
        n_held[:] = 0
        for i in range(n_h):
            oxygen = owner[f, i]
            if n_held[oxygen] < _MOST_H:
                held[oxygen, n_held[oxygen]] = i
                n_held[oxygen] += 1
        now[:, :] = -1
        per_donor[:, :] = 0
        per_acceptor[:, :] = 0
        for d in range(n_o):
            if counts[f, d] != 1 and counts[f, d] != 2:
                continue
            n_near = 0
            if binned:
                b0 = min(int(o[d, 0] * n0), n0 - 1)
                b1 = min(int(o[d, 1] * n1), n1 - 1)
                b2 = min(int(o[d, 2] * n2), n2 - 1)
                for d0 in range(-1, 2):
                    for d1 in range(-1, 2):
                        for d2 in range(-1, 2):
                            b = ((b0 + d0) % n0 * n1 + (b1 + d1) % n1) * n2 + (b2 + d2) % n2
                            for place in range(first[b], first[b + 1]):
                                a = order[place]
                                r2 = distance2(o[d], o[a], cell, vector)
                                if r2 < distance * distance and a != d:
                                    near[n_near] = a
                                    near_vector[n_near] = vector
                                    n_near += 1
            else:
                for a in range(n_o):
                    r2 = distance2(o[d], o[a], cell, vector)
                    if r2 < distance * distance and a != d:
                        near[n_near] = a
                        near_vector[n_near] = vector
                        n_near += 1
            for k in range(n_held[d]):
                i = held[d, k]
                n_bonds = 0
                dh2 = distance2(o[d], h[i], cell, vector)
                for p in range(n_near):
                    a = near[p]
                    if counts[f, a] != 1 and counts[f, a] != 2:
                        continue
                    da = near_vector[p]
                    dot = vector[0] * da[0] + vector[1] * da[1] + vector[2] * da[2]
                    da2 = da[0] * da[0] + da[1] * da[1] + da[2] * da[2]
                    if dot <= cosine * np.sqrt(dh2 * da2) or n_bonds == _MOST_BONDS:
                        continue
                    # OH-_OH-, H2O_OH-, OH-_H2O, H2O_H2O
                    kind = (counts[f, d] - 1) + 2 * (counts[f, a] - 1)
                    now[i, n_bonds] = a
                    now_class[i, n_bonds] = kind
                    n_bonds += 1
                    per_donor[d, kind] += 1
                    per_acceptor[a, kind] += 1
                    sums[f, _BONDS + kind] += 1.0
        for d in range(n_o):
            n = counts[f, d]
            if n != 1 and n != 2:
                continue
            sums[f, _HYDROXIDES if n == 1 else _WATERS] += 1.0
            for other in range(2):
                kind = (n - 1) + 2 * other
                if per_donor[d, kind] > 0:
                    sums[f, _BONDED + kind] += 1.0
                donated[kind, min(per_donor[d, kind], _MOST_COUNTED - 1)] += 1.0
                kind = other + 2 * (n - 1)
                accepted[kind, min(per_acceptor[d, kind], _MOST_COUNTED - 1)] += 1.0
        if continues or f > 0:
            for i in range(n_h):
                if owner[f, i] != last_owner[i]:
                    continue  # the proton went over: cut off, not broken
                for k in range(_MOST_BONDS):
                    if partner[i, k] < 0:
                        continue
                    sums[f, _RISK + partner_class[i, k]] += 1.0
                    still = False
                    for j in range(_MOST_BONDS):
                        if now[i, j] == partner[i, k]:
                            still = True
                    if not still:
                        sums[f, _BROKEN + partner_class[i, k]] += 1.0
        partner[:, :] = now
        partner_class[:, :] = now_class
        last_owner[:] = owner[f]


class HydrogenBondCounter:
    """Counts hydrogen bonds of the four classes.

    Args:
        hydrogens: [n_h], atoms.
        oxygens: [n_o], atoms.
        max_distance_A: r(donor O - acceptor O), Å.
        max_angle_deg: angle H-D-A, degrees.
    """

    def __init__(
        self,
        hydrogens: NDArray[np.int64],
        oxygens: NDArray[np.int64],
        max_distance_A: float,
        max_angle_deg: float,
    ) -> None:
        self.max_distance_A = max_distance_A
        self.max_angle_deg = max_angle_deg
        self._hydrogens = hydrogens
        self._oxygens = oxygens
        self._partner = np.full((len(hydrogens), _MOST_BONDS), -1, dtype=np.int64)
        self._class = np.zeros((len(hydrogens), _MOST_BONDS), dtype=np.int64)
        self._owner = np.zeros(len(hydrogens), dtype=np.int64)
        self._sums = SegmentedSums(_N_SUMS)
        self._donated = np.zeros((4, _MOST_COUNTED))
        self._accepted = np.zeros((4, _MOST_COUNTED))

    def add(
        self,
        positions: FloatArray,
        cells: FloatArray,
        owner: NDArray[np.int64],
        n_hydrogens: NDArray[np.int64],
    ) -> None:
        """Count the bonds of frames that follow those before.

        Args:
            positions: [n_frames, n_atoms, 3], Å.
            cells: [n_frames, 3, 3], Å.
            owner: [n_frames, n_h], oxygen of each H.
            n_hydrogens: [n_frames, n_o], H of each oxygen.
        """
        sums = np.zeros((len(positions), _N_SUMS))
        _find(
            positions,
            cells,
            self._hydrogens,
            self._oxygens,
            owner,
            n_hydrogens,
            self.max_distance_A,
            np.cos(np.radians(self.max_angle_deg)),
            self._sums.n_frames > 0,
            self._partner,
            self._class,
            self._owner,
            sums,
            self._donated,
            self._accepted,
        )
        self._sums.add(sums)

    def result(self, interval_ps: float | None) -> HydrogenBonds:
        """Return counts, distributions and lifetimes of each class.

        Args:
            interval_ps: time between frames, or None with one frame.
        """
        return HydrogenBonds(
            self.max_distance_A,
            self.max_angle_deg,
            tuple(self._class_result(k, interval_ps) for k in range(4)),
        )

    def _class_result(self, kind: int, interval_ps: float | None) -> HydrogenBondClass:
        total, blocks = self._sums.sums.sum(axis=0), self._sums.whole()
        donor = _HYDROXIDES if kind % 2 == 0 else _WATERS
        acceptor = _HYDROXIDES if kind < 2 else _WATERS

        def mean(numerator: int, denominator: int) -> tuple[float | None, float | None]:
            if total[denominator] == 0:
                return None, None
            value = float(total[numerator] / total[denominator])
            return value, ratio_stderr(blocks[:, numerator], blocks[:, denominator])

        per_donor = mean(_BONDS + kind, donor)
        per_acceptor = mean(_BONDS + kind, acceptor)
        bonded = mean(_BONDED + kind, donor)
        breakings = int(total[_BROKEN + kind])
        lifetime: tuple[float | None, float | None] = (None, None)
        if breakings and interval_ps is not None:
            value = float(total[_RISK + kind]) * interval_ps / breakings
            rate_stderr = ratio_stderr(blocks[:, _BROKEN + kind], blocks[:, _RISK + kind]) or 0.0
            relative = max(breakings**-0.5, rate_stderr * float(total[_RISK + kind]) / breakings)
            lifetime = value, value * relative
        return HydrogenBondClass(
            HYDROGEN_BOND_CLASSES[kind],
            *per_donor,
            *per_acceptor,
            *bonded,
            *lifetime,
            breakings,
            _shares(self._donated[kind]),
            _shares(self._accepted[kind]),
        )


def _shares(counts: FloatArray) -> FloatArray:
    """Return fractions, without the zeros at the end."""
    if counts.sum() == 0:
        return np.zeros(0)
    last = int(np.flatnonzero(counts)[-1]) + 1
    shares: FloatArray = counts[:last] / counts.sum()
    return shares
