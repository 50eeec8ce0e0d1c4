"""How long things stay together, in one pass and constant memory.

Things are rows (a hydrogen, a hydroxide identity) that hold partners (an acceptor, an oxygen).

Intermittent: C(t), the share of partners held at 0 that are held at t, whatever happened between
(Rapaport, Mol. Phys. 50 (1983) 1151, doi:10.1080/00268978300102931; Luzar and Chandler, Phys. Rev.
Lett. 76 (1996) 928, doi:10.1103/PhysRevLett.76.928). Time origins are thinned with the lag as in
:mod:`pykoh.analysis.common.msd_order_n`.

Continuous: S(t), the share held without a break. From the lengths of all spells, those that the end
of the run cuts off included (Kaplan and Meier, J. Am. Stat. Assoc. 53 (1958) 457,
doi:10.1080/01621459.1958.10501452): if F(t) is the share of spells longer than t, what is met at a
random time lasts t longer with S(t) = ∫_t^∞ F / ∫_0^∞ F.

There are two mean times of spells of lengths l. They must not be confused:

- the *mean duration* <l>: each spell counts once. It is observed time / ends: ``lifetime_ps`` of
  hydrogen bonds and pairs, and ``residence_time_ps`` of hops.
- the *mean time from a random moment* to the end of the spell, ∫ S dt = <l²> / 2 <l>: long spells
  count more, because a random moment is more often in one of them. It is ``continuous_ps``.

Both are equal for an exponential law. Where many bonds break and form again at once, the second is
many times the first: 1.6 and 0.21 ps for bonds between hydroxide ions in 100 ps at 12.7 mol/L.

The times of S and C rest on the n spells that were seen to end. ∫ S dt has the relative variance
2 / n for an exponential law, and is too low by the part 1 / n (a ratio of sums), which is put
right. C at the lag t is Σ max(l - t, 0) / Σ l over spells of length l; for the
same law its variance is 2 c [1 - c (1 + t / τ)] / n with c = exp(-t / τ), so that the time at which
it falls to 1/e has the relative variance (2 e - 4) / n. Where C falls more slowly, since what broke
forms again, this is divided by the slope of C; n is then the number of times 1/e that all partners
were held, if that is less. With fewer than 8 spells neither time is given.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pykoh.analysis.common.confidence import positive
from pykoh.analysis.common.estimate import Estimate, How
from pykoh.analysis.common.msd_order_n import DEPTH, RATIO, n_levels
from pykoh.analysis.common.survival_curve import SurvivalCurve
from pykoh.arrays import FloatArray
from pykoh.kernels import kernel, step

FEWEST_SPELLS = 8
"""Times that rest on fewer spells are not given."""

_BUDGET = 32e6  # bytes of one C(t)
_OF_DECAY = 2.0 * np.exp(-1.0) - 4.0 * np.exp(-2.0)  # variance of C at 1/e, times the spells

# Spell lengths in frames: single ones up to 64, then bins of 5 %.
_FINE = np.arange(1.0, 65.0)
_EDGES = np.unique(np.round(np.concatenate([_FINE, 64.0 * 1.05 ** np.arange(1.0, 400.0)]))) - 0.5


@step()
def bin_between(edges: FloatArray, value: float) -> int:
    """Return the bin, of those between rising ``edges``, of a value; the last or first beyond."""
    low, high = 1, edges.shape[0] - 1
    while low < high:
        middle = (low + high) // 2
        if edges[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low - 1


@step()
def _compare(
    partner: NDArray[np.int32],
    before: NDArray[np.int32],
    kinds_before: NDArray[np.int8],
    sums: FloatArray,
) -> None:
    """Add to ``sums`` [n_kinds, 2] the partners held before, and those of them held now."""
    for i in range(partner.shape[0]):
        for k in range(partner.shape[1]):
            if before[i, k] < 0:
                break
            kind = kinds_before[i, k]
            sums[kind, 0] += 1.0
            for j in range(partner.shape[1]):
                if partner[i, j] < 0:
                    break
                if partner[i, j] == before[i, k]:
                    sums[kind, 1] += 1.0
                    break


@kernel(
    "(int32[:,:,::1], int8[:,:,::1], int64, int32[:,:,:,::1], int8[:,:,:,::1], float64[:,:,:,::1])",
)
def _push(
    partner: NDArray[np.int32],
    kinds: NDArray[np.int8],
    first_frame: int,
    rings: NDArray[np.int32],
    ring_kinds: NDArray[np.int8],
    sums: FloatArray,
) -> None:
    """Take in a block of frames; shapes as in :class:`Intermittent`."""
    for f in range(partner.shape[0]):
        interval = 1
        for level in range(rings.shape[0]):
            if (first_frame + f) % interval != 0:
                break
            index = (first_frame + f) // interval
            shortest = 1 if level == 0 else DEPTH // RATIO + 1
            for j in range(shortest, min(DEPTH, index) + 1):
                slot = (index - j) % DEPTH
                _compare(
                    partner[f], rings[level, slot], ring_kinds[level, slot], sums[level, j - 1]
                )
            for i in range(partner.shape[1]):
                for k in range(partner.shape[2]):
                    rings[level, index % DEPTH, i, k] = partner[f, i, k]
                    ring_kinds[level, index % DEPTH, i, k] = kinds[f, i, k]
            interval *= RATIO


class Intermittent:
    """C(t) of partners of several kinds.

    Args:
        n_rows: rows.
        n_slots: partners that a row can hold at once.
        n_kinds: kinds of bonds; C(t) is that of the kind at the time origin.

    All memory is taken at the beginning; lags end at 16 · 4^(levels - 1) frames, with the levels
    that fit into 32 MB (16,000 frames or more).
    """

    STATE = ("n_frames", "_rings", "_kinds", "_sums")

    def __init__(self, n_rows: int, n_slots: int, n_kinds: int) -> None:
        self.n_frames = 0
        levels = n_levels(5.0 * DEPTH * n_rows * n_slots, _BUDGET)
        shape = (levels, DEPTH, n_rows, n_slots)
        self._rings = np.full(shape, -1, dtype=np.int32)
        self._kinds = np.full(shape, 0, dtype=np.int8)
        self._sums = np.zeros((levels, DEPTH, n_kinds, 2))

    def add(self, partner: NDArray[np.int32], kinds: NDArray[np.int8]) -> None:
        """Take in frames: [n_frames, n_rows, n_slots] each, empty slots -1 and at the end."""
        _push(partner, kinds, self.n_frames, self._rings, self._kinds, self._sums)
        self.n_frames += len(partner)

    def result(self, kind: int) -> tuple[NDArray[np.int64], FloatArray, FloatArray]:
        """Return [n_lags] lags in frames, C, and the partners behind each (windows overlap)."""
        levels = len(self._rings)
        spacing = np.repeat(RATIO ** np.arange(levels), DEPTH)
        lags = np.tile(np.arange(1, DEPTH + 1), levels) * spacing
        held, still = self._sums[:, :, kind].reshape(-1, 2).T
        keep = held > 0
        return lags[keep].astype(np.int64), still[keep] / held[keep], held[keep]


@kernel(
    "(int32[:,:,::1], int8[:,:,::1], int64[:,::1], int64, int32[:,::1], int8[:,::1], "
    "int64[::1], int64[:,::1], float64[::1], float64[:,:,::1], float64[:,:,::1])",
)
def _follow(
    partner: NDArray[np.int32],
    kinds: NDArray[np.int8],
    group: NDArray[np.int64],
    first_frame: int,
    last: NDArray[np.int32],
    last_kinds: NDArray[np.int8],
    last_group: NDArray[np.int64],
    since: NDArray[np.int64],
    edges: FloatArray,
    spells: FloatArray,
    sums: FloatArray,
) -> None:
    """Follow the spells through a block of frames; shapes as in :class:`Continuous`."""
    n_rows, n_slots = last.shape
    now_since = np.empty(n_slots, dtype=np.int64)
    for f in range(partner.shape[0]):
        frame = first_frame + f
        for i in range(n_rows):
            for j in range(n_slots):
                now_since[j] = frame if frame > 0 else -1
            cut = frame > 0 and group[f, i] != last_group[i]
            for k in range(n_slots):
                if frame == 0 or last[i, k] < 0:
                    break
                kind = last_kinds[i, k]
                still = False
                if not cut:
                    sums[f, kind, 0] += 1.0
                    for j in range(n_slots):
                        if partner[f, i, j] == last[i, k]:
                            still = True
                            now_since[j] = since[i, k]
                            break
                if still:
                    continue
                if not cut:
                    sums[f, kind, 1] += 1.0
                if since[i, k] >= 0:
                    # A spell that was there from the start has an unknown age.
                    place = bin_between(edges, float(frame - since[i, k]))
                    spells[kind, place, 1 if cut else 0] += 1.0
            last_group[i] = group[f, i]
            for k in range(n_slots):
                last[i, k] = partner[f, i, k]
                last_kinds[i, k] = kinds[f, i, k]
                since[i, k] = now_since[k]


class Continuous:
    """Spells of unbroken holding, of several kinds.

    Args:
        n_rows: rows.
        n_slots: partners that a row can hold at once.
        n_kinds: kinds; a spell is of the kind that it had last.
    """

    STATE = ("n_frames", "_last", "_kinds", "_group", "_since", "_spells")

    def __init__(self, n_rows: int, n_slots: int, n_kinds: int) -> None:
        self.n_frames = 0
        self._last = np.full((n_rows, n_slots), -1, dtype=np.int32)
        self._kinds = np.zeros((n_rows, n_slots), dtype=np.int8)
        self._group = np.zeros(n_rows, dtype=np.int64)
        self._since = np.full((n_rows, n_slots), -1, dtype=np.int64)
        self._spells = np.zeros((n_kinds, len(_EDGES) - 1, 2))

    def add(
        self,
        partner: NDArray[np.int32],
        kinds: NDArray[np.int8],
        group: NDArray[np.int64],
    ) -> FloatArray:
        """Take in frames that follow those before.

        Args:
            partner: [n_frames, n_rows, n_slots], empty slots -1 and at the end.
            kinds: [n_frames, n_rows, n_slots].
            group: [n_frames, n_rows]; where it changes, spells of the row are cut off, not broken.

        Returns:
            [n_frames, n_kinds, 2]: partners of the frame before, and those of them that were lost.
        """
        sums = np.zeros((len(partner), len(self._spells), 2))
        _follow(
            partner, kinds, group, self.n_frames, self._last, self._kinds, self._group,
            self._since, _EDGES, self._spells, sums,
        )  # fmt: skip
        self.n_frames += len(partner)
        return sums

    def n_ended(self, kind: int) -> float:
        """Return the spells that were seen to end."""
        return float(self._spells[kind, :, 0].sum())

    def result(self, kind: int) -> tuple[FloatArray, FloatArray]:
        """Return [n] times in frames and S there; empty without a spell that ended."""
        ended, cut = self._spells[kind].T.copy()
        # Spells that go on at the end of the run are cut off there.
        held = (self._last >= 0) & (self._kinds == kind) & (self._since >= 0)
        ages = (self.n_frames - self._since[held]).astype(np.float64)
        cut += np.histogram(ages, bins=_EDGES)[0]
        if ended.sum() == 0:
            return np.zeros(0), np.zeros(0)
        last = int(np.flatnonzero(ended + cut)[-1]) + 1
        ended, cut = ended[:last], cut[:last]
        at_risk = np.cumsum((ended + cut)[::-1])[::-1]
        survival = np.cumprod(1.0 - ended / np.maximum(at_risk, 1.0))
        # F is 1 up to the first edge; steps are at the bins' upper edges.
        times = np.concatenate([[0.0], _EDGES[1 : last + 1]])
        share = np.concatenate([[1.0], survival])
        area = 0.5 * (share[1:] + share[:-1]) * np.diff(times)
        rest = np.concatenate([np.cumsum(area[::-1])[::-1], [0.0]])
        return times, rest / rest[0]


def too_few_spells(what: str) -> str:
    """Return why :func:`survival_curve` gives no times."""
    return (
        f"fewer than {FEWEST_SPELLS} {what} were seen to begin and to end, so the times of their "
        "survival functions are not given; run longer"
    )


def survival_curve(
    intermittent: Intermittent, continuous: Continuous, kind: int, interval_ps: float
) -> SurvivalCurve | None:
    """Return both functions of one kind with their times, or None if there was no such partner.

    Args:
        intermittent: of the run.
        continuous: of the run.
        kind: which kind.
        interval_ps: time between frames.
    """
    lags, c, held = intermittent.result(kind)
    if not len(lags):
        return None
    t = np.asarray(lags * interval_ps, dtype=np.float64)
    per_origin = held / np.maximum(intermittent.n_frames - lags, 1)
    # Thinned origins: what counts is how many windows there are that do not overlap.
    spacing = np.maximum(t, _decay(t, c) or t[-1])
    windows = np.maximum(intermittent.n_frames * interval_ps / spacing, 1.0)
    thinning = np.where(lags > DEPTH, RATIO ** np.ceil(np.log(lags / DEPTH) / np.log(RATIO)), 1.0)
    independent = np.maximum(per_origin * thinning * windows, 1.0)
    stderr = np.sqrt(np.maximum(c * (1.0 - c), 0.0) / independent)
    frames, s = continuous.result(kind)
    times = np.asarray(frames * interval_ps, dtype=np.float64)
    n_ended = continuous.n_ended(kind)
    if n_ended < FEWEST_SPELLS:
        return SurvivalCurve(t, c, stderr, times, s, None, None)
    relative = float(np.sqrt(2.0 / n_ended))
    mean = float(np.trapezoid(s, times)) * (1.0 + 1.0 / n_ended)
    decay, intermittent_ps = _decay(t, c), None
    if decay is not None:
        k = int(np.flatnonzero(c < np.exp(-1.0))[0])
        steep = (1.0 - c[0]) / t[0] if k == 0 else (c[k - 1] - c[k]) / (t[k] - t[k - 1])
        decay_stderr = max(
            float(np.sqrt(_OF_DECAY / independent[k]) / steep),
            decay * float(np.e * np.sqrt(_OF_DECAY / n_ended)),
        )
        reason = "the survival function is flat where it falls to 1/e"
        ends = positive(decay, decay_stderr)
        intermittent_ps = Estimate.number(
            decay, decay_stderr, How.SPELLS, interval=ends, reason=reason
        )
    continuous_ps = Estimate.positive(mean, mean * relative, How.SPELLS)
    return SurvivalCurve(t, c, stderr, times, s, intermittent_ps, continuous_ps)


def _decay(t: FloatArray, c: FloatArray) -> float | None:
    """Return the time at which c falls to 1/e, ps, or None if it does not."""
    level = np.exp(-1.0)
    below = np.flatnonzero(c < level)
    if not len(below):
        return None
    k = int(below[0])
    t0, c0 = (0.0, 1.0) if k == 0 else (float(t[k - 1]), float(c[k - 1]))
    return float(t0 + (c0 - level) / (c0 - c[k]) * (t[k] - t0))
