"""Compiled pair histograms between kinds of atoms, and which cations touch a hydroxide.

Kinds change in time: an oxygen is O* (one H), Ow (two H) or neither. Histograms are kept per kind
and put together to the pairs that are reported by :mod:`pykoh.analysis.structure.distributions`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numba import typeof
from numpy.typing import NDArray

from pykoh.analysis.common.geometry import bin_counts, inverses_of, sort_into_bins, wrap
from pykoh.analysis.common.statistics import SegmentedSums
from pykoh.arrays import FloatArray
from pykoh.kernels import kernel, step
from pykoh.trajectory.species import CATION, HYDROGEN, OXYGEN, Atoms

KIND_H, KIND_OW, KIND_OSTAR, KIND_OTHER_O, KIND_CATION = range(5)
N_KINDS = 5
N_PAIRS = N_KINDS * (N_KINDS + 1) // 2

BEYOND = 8
"""Bins for what is too far; a power of two, so that counts there need not wait for each other."""

_LAST = BEYOND - 1

_SPLIT = 2
"""Cells of the search are this many times smaller than the largest distance."""

LARGEST_R_A = 10.0
BIN_A = 0.05

RDF_INTERVAL_PS = (0.05, 0.5)
"""Frames closer in time than this are nearly the same structure; RDFs skip them. The first value
is for boxes of up to :data:`RDF_ATOMS` atoms; larger ones, where each frame says more, grow to the
second."""

RDF_ATOMS = 1000


def pair_index(a: int, b: int) -> int:
    """Return where the histogram of the kinds a and b is."""
    low, high = min(a, b), max(a, b)
    return high * (high + 1) // 2 + low


def rdf_stride(interval_ps: float, n_atoms: int) -> int:
    """Return how many frames apart RDFs are sampled."""
    shortest, longest = RDF_INTERVAL_PS
    spacing = min(longest, shortest * max(1.0, n_atoms / RDF_ATOMS))
    return max(1, math.ceil(spacing / interval_ps - 1e-6))


@step(fastmath={"reassoc", "nsz", "contract", "arcp"})
def _distance_bins(
    fractional: NDArray[np.float32],
    i: int,
    begin: int,
    end: int,
    cell: NDArray[np.float32],
    per_width: np.float32,
    n_bins: int,
    bins: NDArray[np.int32],
) -> None:
    """Write the distance bin of atom i with atoms begin ... end - 1; from ``n_bins`` on if beyond.

    Single precision moves an atom by 1e-6 Å, and the loop has no branch: it runs on vectors.

    Args:
        fractional: [3, n_atoms].
        i: an atom.
        begin: first of the others.
        end: one after the last of the others.
        cell: [3, 3], Å, vectors in rows.
        per_width: 1/Å, bins per length.
        n_bins: number of bins.
        bins: [n_atoms], out, the first ``end - begin``.
    """
    half = np.float32(0.5)
    x, y, z = fractional[0], fractional[1], fractional[2]
    xi, yi, zi = x[i], y[i], z[i]
    c00, c01, c02 = cell[0, 0], cell[0, 1], cell[0, 2]
    c10, c11, c12 = cell[1, 0], cell[1, 1], cell[1, 2]
    c20, c21, c22 = cell[2, 0], cell[2, 1], cell[2, 2]
    beyond = np.float32(n_bins)
    for j in range(begin, end):
        s0 = x[j] - xi
        s1 = y[j] - yi
        s2 = z[j] - zi
        s0 -= np.floor(s0 + half)
        s1 -= np.floor(s1 + half)
        s2 -= np.floor(s2 + half)
        dx = s0 * c00 + s1 * c10 + s2 * c20
        dy = s0 * c01 + s1 * c11 + s2 * c21
        dz = s0 * c02 + s1 * c12 + s2 * c22
        place = np.sqrt(dx * dx + dy * dy + dz * dz) * per_width
        bins[j - begin] = np.int32(place) if place < beyond else np.int32(n_bins + (j & _LAST))


@step()
def _count(
    bins: NDArray[np.int32],
    i: int,
    begin: int,
    end: int,
    kind: NDArray[np.int64],
    rows: NDArray[np.int64],
    histogram: NDArray[np.int64],
    closest: NDArray[np.int32],
) -> None:
    """Count the pairs of atom i with atoms begin ... end - 1, whose bins are given.

    Args:
        bins: [n_atoms], the first ``end - begin``.
        i: an atom.
        begin: first of the others.
        end: one after the last of the others.
        kind: [n_atoms].
        rows: [N_KINDS, N_KINDS], row of the histogram.
        histogram: [N_PAIRS, n_bins + BEYOND].
        closest: [n_atoms], bin of the nearest O* of each cation.
    """
    row_of = rows[kind[i]]
    contact = rows[KIND_CATION, KIND_OSTAR]
    for j in range(begin, end):
        row = row_of[kind[j]]
        b = bins[j - begin]
        histogram[row, b] += 1
        if row == contact:
            cation = i if kind[i] == KIND_CATION else j
            closest[cation] = min(closest[cation], b)


class _Room(NamedTuple):
    """Room for what is known of one frame; numba compiles faster what takes no memory itself.

    Attributes:
        fractional: [n_atoms, 3].
        place: [3, n_atoms], the same, sorted by bins of space.
        closest: [n_atoms], bin of the nearest O* of each cation.
        bins: [n_atoms], bins of distance.
        number: [N_KINDS], atoms of each kind.
        rows: [N_KINDS, N_KINDS], row of each pair of kinds; comes in filled.
        cell: [3, 3], Å.
        found: [N_PAIRS, n_bins + BEYOND], pairs.
    """

    fractional: FloatArray
    place: NDArray[np.float32]
    closest: NDArray[np.int32]
    bins: NDArray[np.int32]
    number: FloatArray
    rows: NDArray[np.int64]
    cell: NDArray[np.float32]
    found: NDArray[np.int64]


def _room(n_atoms: int, n_bins: int) -> _Room:
    kinds = range(N_KINDS)
    return _Room(
        fractional=np.empty((n_atoms, 3)),
        place=np.empty((3, n_atoms), dtype=np.float32),
        closest=np.empty(n_atoms, dtype=np.int32),
        bins=np.empty(n_atoms, dtype=np.int32),
        number=np.empty(N_KINDS),
        rows=np.array([[pair_index(a, b) for b in kinds] for a in kinds]),
        cell=np.empty((3, 3), dtype=np.float32),
        found=np.empty((N_PAIRS, n_bins + BEYOND), dtype=np.int64),
    )


def _usual_types() -> tuple[Any, ...]:
    """Return the types of the arguments of :func:`_pair_histograms`."""
    vectors, rows, row = np.empty((1, 1, 3)), np.empty((1, 1)), np.empty(1)
    kinds = np.empty((1, 1), dtype=np.int64)
    usual = vectors, vectors, vectors, row, kinds, 1.0, _room(1, 1), vectors, rows
    return tuple(typeof(each) for each in usual)


@kernel(_usual_types)
def _pair_histograms(
    positions: FloatArray,
    cells: FloatArray,
    inverses: FloatArray,
    volumes: FloatArray,
    kinds: NDArray[np.int64],
    r_max: float,
    room: _Room,
    histogram: FloatArray,
    numbers: FloatArray,
) -> None:
    """Add the pairs of a block of frames.

    Args:
        positions: [n_frames, n_atoms, 3], Å.
        cells: [n_frames, 3, 3], Å.
        inverses: [n_frames, 3, 3], 1/Å, of the cells.
        volumes: [n_frames], Å³.
        kinds: [n_frames, n_atoms].
        r_max: Å, where the last bin ends.
        room: scratch.
        histogram: [n_frames, N_PAIRS + 1, n_bins], pairs; last cations by the distance of their
            nearest O*; added to.
        numbers: [n_frames, N_KINDS + 1 + N_KINDS²], atoms of each kind; 1 / V, 1/Å³; N_a N_b / V,
            for a = b N_a (N_a - 1) / V; added to.
    """
    n = positions.shape[1]
    n_bins = histogram.shape[2]
    per_width = np.float32(n_bins / r_max)
    fractional, place, closest, bins, number, rows, cell, found = room
    order = np.empty(n, dtype=np.int64)
    kind = np.empty(n, dtype=np.int64)
    everyone = np.empty(n, dtype=np.int64)
    for i in range(n):
        everyone[i] = i
    for f in range(positions.shape[0]):
        inverse, volume = inverses[f], volumes[f]
        for a in range(3):
            for b in range(3):
                cell[a, b] = cells[f, a, b]
        wrap(positions[f], everyone, inverse, fractional)
        n0, n1, n2 = bin_counts(inverse, r_max / _SPLIT)
        # With fewer cells the neighbours on one side would be those on the other too: there is one
        # cell, which has no neighbours.
        reach = _SPLIT
        if min(n0, n1, n2) < 2 * _SPLIT + 1:
            n0, n1, n2, reach = 1, 1, 1, 0
        first = sort_into_bins(fractional, n0, n1, n2, order)
        for a in range(N_KINDS):
            number[a] = 0.0
        for k in range(n):
            closest[k] = n_bins
            i = order[k]
            place[0, k] = fractional[i, 0]
            place[1, k] = fractional[i, 1]
            place[2, k] = fractional[i, 2]
            kind[k] = kinds[f, i]
            number[kinds[f, i]] += 1.0
        for p in range(N_PAIRS):
            for b in range(n_bins + BEYOND):
                found[p, b] = 0
        for b0 in range(n0):
            for b1 in range(n1):
                for b2 in range(n2):
                    own = (b0 * n1 + b1) * n2 + b2
                    # Half of the neighbours, so that each pair comes once: the rows after
                    # this one, and in this row the bins after this one.
                    for d0 in range(reach + 1):
                        for d1 in range(0 if d0 == 0 else -reach, reach + 1):
                            same_row = d0 == 0 and d1 == 0
                            row = ((b0 + d0) % n0 * n1 + (b1 + d1) % n1) * n2
                            low = b2 if same_row else b2 - reach
                            high = b2 + reach
                            # Bins of a row lie one after the other; a part goes round.
                            for piece in range(3):
                                shift = (piece - 1) * n2
                                start = max(low, shift) - shift
                                stop = min(high, shift + n2 - 1) - shift
                                if stop < start:
                                    continue
                                end = first[row + stop + 1]
                                for i in range(first[own], first[own + 1]):
                                    begin = first[row + start]
                                    if same_row and piece == 1:
                                        begin = i + 1
                                    _distance_bins(
                                        place, i, begin, end, cell, per_width, n_bins, bins
                                    )
                                    _count(bins, i, begin, end, kind, rows, found, closest)
        for p in range(N_PAIRS):
            for b in range(n_bins):
                histogram[f, p, b] += found[p, b]
        for i in range(n):
            if kind[i] == KIND_CATION and closest[i] < n_bins:
                histogram[f, N_PAIRS, closest[i]] += 1.0
        for a in range(N_KINDS):
            numbers[f, a] += number[a]
            for b in range(N_KINDS):
                pairs = number[a] * (number[b] - (1.0 if a == b else 0.0))
                numbers[f, N_KINDS + 1 + a * N_KINDS + b] += pairs / volume
        numbers[f, N_KINDS] += 1.0 / volume


@dataclass(frozen=True, slots=True, eq=False)
class PairCounts:
    """Pairs in each of some frames.

    Attributes:
        histogram: [n_frames, N_PAIRS + 1, n_bins]: pairs; last cations by their nearest O*.
        numbers: [n_frames, N_KINDS + 1 + N_KINDS²]: atoms of each kind, 1 / V, N_a N_b / V.
    """

    histogram: FloatArray
    numbers: FloatArray


class PairFinder:
    """Counts pairs frame by frame; frames are independent of each other.

    Args:
        atoms: the atoms.
        r_max_A: Å, at most half of the smallest distance between opposite faces of the cell.
    """

    def __init__(self, atoms: Atoms, r_max_A: float) -> None:
        self.n_bins = int(r_max_A / BIN_A + 1e-9)
        self.r_max_A = self.n_bins * BIN_A
        self._oxygens = atoms.indices(OXYGEN)
        self._kinds = np.full(len(atoms.species), KIND_OTHER_O, dtype=np.int64)
        self._kinds[atoms.species == HYDROGEN] = KIND_H
        self._kinds[atoms.species == CATION] = KIND_CATION

    def count(
        self, positions: FloatArray, cells: FloatArray, n_hydrogens: NDArray[np.int64]
    ) -> PairCounts:
        """Return the pairs of some frames.

        Args:
            positions: [n_frames, n_atoms, 3], Å.
            cells: [n_frames, 3, 3], Å.
            n_hydrogens: [n_frames, n_o], H of each oxygen.
        """
        n_frames = len(positions)
        kinds = np.repeat(self._kinds[None], n_frames, axis=0)
        kinds[:, self._oxygens] = np.where(
            n_hydrogens == 1, KIND_OSTAR, np.where(n_hydrogens == 2, KIND_OW, KIND_OTHER_O)
        )
        histogram = np.zeros((n_frames, N_PAIRS + 1, self.n_bins))
        numbers = np.zeros((n_frames, N_KINDS + 1 + N_KINDS * N_KINDS))
        if n_frames:
            _pair_histograms(
                np.ascontiguousarray(positions),
                np.ascontiguousarray(cells),
                inverses_of(cells),
                abs(np.linalg.det(cells)),
                kinds,
                self.r_max_A,
                _room(positions.shape[1], self.n_bins),
                histogram,
                numbers,
            )
        return PairCounts(histogram, numbers)


class PairHistograms:
    """Collects pair histograms of every ``stride``-th frame.

    Args:
        atoms: the atoms.
        r_max_A: Å, at most half of the smallest distance between opposite faces of the cell.
        stride: frames between samples.
    """

    STATE = ("_seen", "_segments", "_numbers")

    def __init__(self, atoms: Atoms, r_max_A: float, stride: int) -> None:
        self.stride = stride
        self.finder = PairFinder(atoms, r_max_A)
        self.n_bins, self.r_max_A = self.finder.n_bins, self.finder.r_max_A
        self._seen = 0
        self._segments = SegmentedSums(N_PAIRS + 1, self.n_bins)
        self._numbers = SegmentedSums(N_KINDS + 1 + N_KINDS * N_KINDS)

    @property
    def n_frames(self) -> int:
        """Frames that were sampled."""
        return self._segments.n_frames

    def add(self, positions: FloatArray, cells: FloatArray, n_hydrogens: NDArray[np.int64]) -> None:
        """Count the pairs of frames that follow those before; shapes as in :class:`PairFinder`."""
        every = slice(-self._seen % self.stride, None, self.stride)
        self._seen += len(positions)
        self.take(self.finder.count(positions[every], cells[every], n_hydrogens[every]))

    def take(self, counts: PairCounts) -> None:
        """Add frames that were counted; they are those of the stride."""
        self._segments.add(counts.histogram)
        self._numbers.add(counts.numbers)

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
