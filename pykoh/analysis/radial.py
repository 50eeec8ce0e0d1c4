"""Compiled pair histograms between kinds of atoms, and which cations touch a hydroxide.

Kinds change in time: an oxygen is O* (one H), Ow (two H) or neither. Histograms are kept per kind
and put together to the pairs that are reported by :mod:`pykoh.analysis.structure`.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pykoh.analysis.blocks import SegmentedSums
from pykoh.analysis.neighbours import bin_counts, sort_into_bins, wrap
from pykoh.analysis.results import FloatArray
from pykoh.trajectory.species import CATION, HYDROGEN, OXYGEN, Atoms

KIND_H, KIND_OW, KIND_OSTAR, KIND_OTHER_O, KIND_CATION = range(5)
N_KINDS = 5
N_PAIRS = N_KINDS * (N_KINDS + 1) // 2

LARGEST_R_A = 10.0
BIN_A = 0.05


def pair_index(a: int, b: int) -> int:
    """Return where the histogram of the kinds a and b is."""
    low, high = min(a, b), max(a, b)
    return high * (high + 1) // 2 + low


@njit(cache=True)
def _pair_histograms(
    positions: FloatArray,
    cells: FloatArray,
    kinds: NDArray[np.int64],
    segments: NDArray[np.int64],
    r_max: float,
    bin_width: float,
    histogram: FloatArray,
    nearest: FloatArray,
    counts: FloatArray,
    products: FloatArray,
) -> None:
    """Add the pairs of a block of frames.

    Args:
        positions: [n_frames, n_atoms, 3], Å.
        cells: [n_frames, 3, 3], Å.
        kinds: [n_frames, n_atoms].
        segments: [n_frames], where each frame is added.
        r_max: Å.
        bin_width: Å.
        histogram: [n_segments, N_PAIRS, n_bins], pairs; state.
        nearest: [n_segments, n_bins], cations by the distance of their nearest O*; state.
        counts: [n_segments, N_KINDS + 1], atoms of each kind, and Σ 1 / V (1/Å³); state.
        products: [n_segments, N_KINDS, N_KINDS], Σ N_a N_b / V, for a = b N_a (N_a - 1); state.
    """
    n = positions.shape[1]
    n_bins = histogram.shape[2]
    everyone = np.arange(n)
    fractional = np.empty((n, 3))
    order = np.empty(n, dtype=np.int64)
    x = np.empty(n)
    y = np.empty(n)
    z = np.empty(n)
    kind = np.empty(n, dtype=np.int64)
    closest = np.empty(n)
    number = np.empty(5)
    for f in range(positions.shape[0]):
        cell = cells[f]
        inverse = np.linalg.inv(cell)
        volume = abs(np.linalg.det(cell))
        wrap(positions[f], everyone, inverse, fractional)
        n0, n1, n2 = bin_counts(inverse, 0.5 * r_max)
        if n0 < 5 or n1 < 5 or n2 < 5:
            n0 = n1 = n2 = 1
        first = sort_into_bins(fractional, n0, n1, n2, order)
        number[:] = 0.0
        for place in range(n):
            i = order[place]
            x[place] = fractional[i, 0]
            y[place] = fractional[i, 1]
            z[place] = fractional[i, 2]
            kind[place] = kinds[f, i]
            closest[place] = np.inf
            number[kinds[f, i]] += 1.0
        segment = segments[f]
        rows = histogram[segment]
        c00, c01, c02 = cell[0, 0], cell[0, 1], cell[0, 2]
        c10, c11, c12 = cell[1, 0], cell[1, 1], cell[1, 2]
        c20, c21, c22 = cell[2, 0], cell[2, 1], cell[2, 2]
        reach = 0 if n0 == 1 else 2
        for bin0 in range(n0):
            for bin1 in range(n1):
                for bin2 in range(n2):
                    own = (bin0 * n1 + bin1) * n2 + bin2
                    for d0 in range(-reach, reach + 1):
                        for d1 in range(-reach, reach + 1):
                            for d2 in range(-reach, reach + 1):
                                # half of the neighbours, so that each pair of bins comes once
                                if d0 < 0 or (d0 == 0 and (d1 < 0 or (d1 == 0 and d2 < 0))):
                                    continue
                                other = ((bin0 + d0) % n0 * n1 + (bin1 + d1) % n1) * n2 + (
                                    bin2 + d2
                                ) % n2
                                for i in range(first[own], first[own + 1]):
                                    begin = i + 1 if other == own else first[other]
                                    ki = kind[i]
                                    for j in range(begin, first[other + 1]):
                                        s0 = x[j] - x[i]
                                        s1 = y[j] - y[i]
                                        s2 = z[j] - z[i]
                                        s0 -= np.floor(s0 + 0.5)
                                        s1 -= np.floor(s1 + 0.5)
                                        s2 -= np.floor(s2 + 0.5)
                                        dx = s0 * c00 + s1 * c10 + s2 * c20
                                        dy = s0 * c01 + s1 * c11 + s2 * c21
                                        dz = s0 * c02 + s1 * c12 + s2 * c22
                                        r2 = dx * dx + dy * dy + dz * dz
                                        if r2 >= r_max * r_max:
                                            continue
                                        kj = kind[j]
                                        low, high = (ki, kj) if ki < kj else (kj, ki)
                                        r = np.sqrt(r2)
                                        b = int(r / bin_width)
                                        if b < n_bins:
                                            rows[high * (high + 1) // 2 + low, b] += 1.0
                                        if high == 4 and low == 2:
                                            cation = i if ki == 4 else j
                                            if r < closest[cation]:
                                                closest[cation] = r
        for i in range(n):
            if kind[i] == 4 and closest[i] < r_max:
                nearest[segment, min(int(closest[i] / bin_width), n_bins - 1)] += 1.0
        for a in range(5):
            counts[segment, a] += number[a]
            for b in range(5):
                pairs = number[a] * (number[b] - (1.0 if a == b else 0.0))
                products[segment, a, b] += pairs / volume
        counts[segment, 5] += 1.0 / volume


class PairHistograms:
    """Collects pair histograms of every ``stride``-th frame.

    Args:
        atoms: the atoms.
        r_max_A: Å, at most half of the smallest distance between opposite faces of the cell.
        stride: frames between samples.
    """

    def __init__(self, atoms: Atoms, r_max_A: float, stride: int) -> None:
        self.stride = stride
        self.n_bins = int(r_max_A / BIN_A + 1e-9)
        self.r_max_A = self.n_bins * BIN_A
        self._seen = 0
        self._segments = SegmentedSums(N_PAIRS + 1, self.n_bins)
        self._numbers = SegmentedSums(N_KINDS + 1 + N_KINDS * N_KINDS)
        self._oxygens = atoms.indices(OXYGEN)
        self._kinds = np.full(len(atoms.species), KIND_OTHER_O, dtype=np.int64)
        self._kinds[atoms.species == HYDROGEN] = KIND_H
        self._kinds[atoms.species == CATION] = KIND_CATION

    @property
    def n_frames(self) -> int:
        """Frames that were sampled."""
        return self._segments.n_frames

    def add(self, positions: FloatArray, cells: FloatArray, n_hydrogens: NDArray[np.int64]) -> None:
        """Take in frames that follow those before.

        Args:
            positions: [n_frames, n_atoms, 3], Å.
            cells: [n_frames, 3, 3], Å.
            n_hydrogens: [n_frames, n_o], H of each oxygen.
        """
        start = -self._seen % self.stride
        self._seen += len(positions)
        positions, cells = positions[start :: self.stride], cells[start :: self.stride]
        n_hydrogens = n_hydrogens[start :: self.stride]
        n_frames = len(positions)
        if n_frames == 0:
            return
        kinds = np.repeat(self._kinds[None], n_frames, axis=0)
        of_oxygen = np.where(
            n_hydrogens == 1, KIND_OSTAR, np.where(n_hydrogens == 2, KIND_OW, KIND_OTHER_O)
        )
        kinds[:, self._oxygens] = of_oxygen
        segments = self._segments.reserve(n_frames)
        self._numbers.reserve(n_frames)
        _pair_histograms(
            np.ascontiguousarray(positions),
            np.ascontiguousarray(cells),
            kinds,
            segments,
            self.r_max_A,
            BIN_A,
            self.histogram,
            self.nearest,
            self.counts,
            self.products,
        )

    @property
    def histogram(self) -> FloatArray:
        """[64, N_PAIRS, n_bins], pairs."""
        return self._segments.sums[:, :N_PAIRS]

    @property
    def nearest(self) -> FloatArray:
        """[64, n_bins], cations by the distance of their nearest O*."""
        return self._segments.sums[:, N_PAIRS]

    @property
    def counts(self) -> FloatArray:
        """[64, N_KINDS + 1], atoms of each kind, and Σ 1 / V."""
        return self._numbers.sums[:, : N_KINDS + 1]

    @property
    def products(self) -> FloatArray:
        """[64, N_KINDS, N_KINDS], Σ N_a N_b / V."""
        return self._numbers.sums[:, N_KINDS + 1 :].reshape(-1, N_KINDS, N_KINDS)

    @property
    def n_segments(self) -> int:
        """Segments that are full."""
        return self.n_frames // self._segments.length
