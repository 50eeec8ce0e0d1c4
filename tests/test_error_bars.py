"""Rules that decide what is published must not look at what came out, and intervals of sums."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import exact
from pykoh.analysis.common.confidence import positive, total
from pykoh.analysis.common.msd_order_n import Displacements
from pykoh.analysis.series import replicas
from pykoh.analysis.transport.conductivity import ion_tracks
from pykoh.analysis.transport.diffusion import Run, SizeCorrection, diffusion
from pykoh.analysis.transport.fitting import LARGEST_EXPECTED_ERROR, choose_fit
from pykoh.analysis.transport.hop_walk import HopWalk
from pykoh.analysis.transport.msd_fft import MeanSquares, chunk_frames
from pykoh.analysis.transport.onsager import apparent_share, onsager

DT = 0.1


def squares(path: np.ndarray) -> Displacements:
    correlator = MeanSquares(path.shape[1], 8, chunk_frames(100))
    correlator.add(path)
    return correlator.result()


@pytest.mark.parametrize(("earliest", "published"), [(4.0, True), (12.0, False)])
def test_a_slope_is_null_by_what_can_be_expected_not_by_what_came_out(earliest, published):
    """One walker in 100 ps: 25 or 46 % are to be expected, so all runs have a value, or none."""
    found = [
        choose_fit(
            squares(exact.walkers(np.random.default_rng([5, seed]), 1001, 1, 0.2, DT)),
            DT, 1001, earliest_ps=earliest,
        )
        for seed in range(40)
    ]  # fmt: skip
    errors = [
        choice.fit.slope_stderr_A2_per_ps / choice.fit.slope_A2_per_ps
        for choice in found
        if choice.fit is not None
    ]
    if published:
        assert len(errors) == 40
        # A rule that looked at what came out would have left some of these out.
        assert max(errors) > LARGEST_EXPECTED_ERROR > min(errors)
    else:
        assert not errors
        assert all("to be expected whatever the value" in (c.reason or "") for c in found)


def test_noise_of_windows_is_counted_once():
    """The scatter of D is what its standard errors say, within 10 % (200 runs: 5 %)."""
    values, errors = [], []
    for seed in range(200):
        path = exact.walkers(np.random.default_rng([6, seed]), 1001, 16, 0.2, DT)
        fit = choose_fit(squares(path), DT, 1001).fit
        assert fit is not None
        values.append(fit.slope_A2_per_ps)
        errors.append(fit.slope_stderr_A2_per_ps)
    assert np.std(values, ddof=1) / np.mean(errors) == pytest.approx(1.0, abs=0.11)


@pytest.mark.parametrize(("drag", "later"), [(0.0, False), (0.2, True)])
def test_the_fit_of_cations_that_are_dragged_along_begins_later(drag, later):
    """Cations that go a fifth of the way of hops that lead back remember them too."""
    rng = np.random.default_rng(3)
    n_frames, n = 1001, 8
    minus, _ = exact.hoppers(rng, n_frames, n, DT, 0.4, 0.5, 4.0, 0.01)
    plus = exact.walkers(rng, n_frames, n, 0.12, DT) + drag * minus
    moments = tuple(squares(track) for track in ion_tracks(plus, minus))
    run = Run(DT, n_frames, None, HopWalk(0.4, 0.02, 16.0, -0.5, 0.05), moments)
    none = SizeCorrection(None, None, None, None)
    found, _ = diffusion({"K+": squares(plus), "OH-": squares(minus)}, run, none)
    cation, hydroxide = found.of("K+"), found.of("OH-")
    assert cation is not None and hydroxide is not None
    assert cation.memory_ps is not None and hydroxide.memory_ps is not None
    assert (cation.memory_ps > 1.5) == later
    assert cation.memory_ps < hydroxide.memory_ps


def test_the_interval_of_a_sum_holds_it():
    """Two squares with 6 and 40 degrees of freedom, one much larger than the other."""
    rng = np.random.default_rng(0)
    held = 0
    for _ in range(1000):
        parts = []
        for truth, freedom in ((5.0, 6.0), (1.0, 40.0)):
            value = truth * rng.chisquare(freedom) / freedom
            parts.append((value, value * np.sqrt(2.0 / freedom)))
        ends = total(parts)
        assert ends is not None
        held += ends[0] <= 6.0 <= ends[1]
    assert stats.binom.ppf(0.001, 1000, 0.93) <= held <= stats.binom.ppf(0.999, 1000, 0.975)
    assert total([(2.0, 0.3)]) == pytest.approx(positive(2.0, 0.3))
    assert total([(2.0, 0.3), (1.0, 0.0)]) == pytest.approx([x + 1.0 for x in positive(2.0, 0.3)])
    assert total([]) is None


def test_the_apparent_share_has_no_bias_of_its_denominator():
    rng = np.random.default_rng(1)
    values = []
    for _ in range(20_000):
        x, y = 0.3 * rng.chisquare(40) / 40, 0.7 * rng.chisquare(12) / 12
        ((value, _), ends) = apparent_share((x, x * np.sqrt(2 / 40)), (y, y * np.sqrt(2 / 12)))
        assert ends is not None and 0.0 < ends[0] < ends[1] < 1.0
        values.append(value)
    assert np.mean(values) == pytest.approx(0.3, rel=0.02)


def test_a_share_of_the_current_near_zero_has_no_bias_but_an_interval_within_0_and_1():
    """Cations that stand still carry nothing; half of the runs say less than that."""
    values, held = [], 0
    for seed in range(40):
        rng = np.random.default_rng([8, seed])
        minus = exact.walkers(rng, 1001, 4, 0.3, DT)
        plus = 0.02 * exact.walkers(rng, 1001, 4, 0.3, DT)
        moments = tuple(squares(track) for track in ion_tracks(plus, minus))
        choice = choose_fit(moments[0], DT, 1001, bounded=True)
        _, share = onsager(moments, choice, (np.nan, np.nan))
        assert share is not None and share.interval_95 is not None
        low, high = share.interval_95
        assert 0.0 <= low < high <= 1.0
        values.append(share.value)
        held += low <= 4e-4 <= high
    assert min(values) < 0.0 < max(values)
    assert abs(np.mean(values)) < 4.0 * np.std(values) / np.sqrt(40)
    assert held >= stats.binom.ppf(0.001, 40, 0.9)


def test_replicas_are_weighted_by_their_length_not_by_what_came_out():
    """Where few particles moved far, the relative error is small: not a reason to count more."""
    high, low = (3.0, 0.3), (1.0, 0.4)
    assert replicas([high, low], [100.0, 100.0]).value == pytest.approx(2.0)
    assert replicas([high, low], [100.0, 300.0]).value == pytest.approx(1.5)
    assert replicas([high, (None, None), low], [1.0, 7.0, 1.0]).value == pytest.approx(2.0)


@pytest.mark.parametrize(("n_hops", "published"), [(59, False), (60, True)])
def test_few_hops_do_not_tell_how_many_lead_back(n_hops, published):
    """The number of hops decides; hops without a memory need none of them."""
    rng = np.random.default_rng(4)
    path, _ = exact.hoppers(rng, 2001, 2, DT, 0.4, 0.5)
    moments = {"OH-": squares(path)}
    none = SizeCorrection(None, None, None, None)
    walk = HopWalk(0.4, 0.05, 6.8, -0.5, 0.1, n_hops)
    found, warnings = diffusion(moments, Run(DT, 2001, None, walk), none)
    entry = found.of("OH-")
    assert entry is not None and (entry.D_m2_per_s is not None) == published
    assert any("59 hops are too few" in w.reason for w in warnings) != published
    always = HopWalk(0.4, 0.05, 6.8, 0.0, 0.0, n_hops)
    entry = diffusion(moments, Run(DT, 2001, None, always), none)[0].of("OH-")
    assert entry is not None and entry.D_m2_per_s is not None
