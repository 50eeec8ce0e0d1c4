"""Rules that decide what is published must not look at what came out, and intervals of sums."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

import exact
from pykoh.analysis.common.confidence import covariance, positive, total
from pykoh.analysis.common.estimate import Estimate
from pykoh.analysis.common.msd_order_n import Displacements
from pykoh.analysis.common.statistics import not_poisson
from pykoh.analysis.series import replicas
from pykoh.analysis.transport.conductivity import ion_tracks
from pykoh.analysis.transport.diffusion import DiffusionInput, SizeCorrection, diffusion
from pykoh.analysis.transport.fitting import LARGEST_EXPECTED_ERROR, choose_fit
from pykoh.analysis.transport.hop_walk import HopWalk
from pykoh.analysis.transport.msd_fft import MeanSquares, chunk_frames
from pykoh.analysis.transport.onsager import apparent_share, onsager
from pykoh.analysis.transport.straight_line import Points, curve, independent_windows
from pykoh.analysis.transport.waypoints import Waypoints

DT = 0.1


def hop_walk(
    rate: float, rate_stderr: float, square_length: float, cosine: float, cosine_stderr: float,
    n_hops: float = np.inf,
) -> HopWalk:  # fmt: skip
    number = Estimate.number
    return HopWalk(number(rate, rate_stderr), square_length, number(cosine, cosine_stderr), n_hops)


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
    errors = [choice.fit.slope_A2_per_ps.relative for choice in found if choice.fit is not None]
    if published:
        assert len(errors) == 40
        # A rule that looked at what came out would have left some of these out.
        assert max(errors) > LARGEST_EXPECTED_ERROR > min(errors)
    else:
        assert not errors
        assert all("whatever the value" in (c.reason or "") for c in found)


def test_noise_of_windows_is_counted_once():
    """The scatter of D is what its standard errors say, within 10 % (200 runs: 5 %)."""
    values, errors = [], []
    for seed in range(200):
        path = exact.walkers(np.random.default_rng([6, seed]), 1001, 16, 0.2, DT)
        fit = choose_fit(squares(path), DT, 1001).fit
        assert fit is not None
        values.append(fit.slope_A2_per_ps.value)
        errors.append(fit.slope_A2_per_ps.stderr)
    assert np.std(values, ddof=1) / np.mean(errors) == pytest.approx(1.0, abs=0.11)


@pytest.mark.parametrize(("rattling", "said"), [(0.05, False), (3.0, True)])
def test_particles_that_do_not_leave_their_cages(rattling, said):
    """D of 0.002 Å²/ps is a rise of 0.3 Å² up to 25 ps: small against rattling of some Å²."""
    rng = np.random.default_rng(4)
    path = exact.walkers(rng, 1001, 60, 0.002, DT)
    path = path + np.sqrt(rattling / 6.0) * rng.normal(size=path.shape)
    for window in (None, (2.0, 25.0)):
        choice = choose_fit(squares(path), DT, 1001, window)
        assert choice.fit is not None, choice.reason
        assert ("hardly left their cages" in (choice.reason or "")) == said


def independent(rng: np.random.Generator) -> np.ndarray:
    return exact.walkers(rng, 1001, 48, 0.2, DT)


def in_groups(rng: np.random.Generator) -> np.ndarray:
    """Six groups of eight that the same flow carries: as much is known as of six particles."""
    common = np.repeat(exact.walkers(rng, 1001, 6, 0.15, DT), 8, axis=1)
    return common + exact.walkers(rng, 1001, 48, 0.05, DT)


def now_mobile_now_not(rng: np.random.Generator) -> np.ndarray:
    """All are mobile at some times and hardly at others; each lasts 8 ps in the mean."""
    steps = np.diff(independent(rng), axis=0, prepend=np.zeros((1, 48, 3)))
    changes = rng.random(1001) < DT / 8.0
    mobile = (rng.integers(2) + np.cumsum(changes)) % 2
    return np.cumsum(steps * np.sqrt(2.0 * mobile)[:, None, None], axis=0)


@pytest.mark.parametrize(
    ("motion", "low", "high"),
    [(independent, 0.65, 1.1), (in_groups, 0.75, 1.3), (now_mobile_now_not, 0.8, 1.5)],
)
def test_particles_that_move_together_are_not_as_many(motion, low, high):
    """Spread of D over runs / standard error. Without what they share 0.8, 1.7 and 8."""
    values, errors = [], []
    for seed in range(60):
        path = motion(np.random.default_rng([7, seed]))
        waypoints = Waypoints(path.shape[1])
        waypoints.add(path)
        shared = waypoints.shared(DT, 1.0)
        fit = choose_fit(squares(path), DT, 1001, shared=shared).fit
        assert fit is not None
        values.append(fit.slope_A2_per_ps.value / 6.0)
        errors.append(fit.slope_A2_per_ps.stderr / 6.0)
    ratio = np.std(values, ddof=1) / np.sqrt(np.mean(np.square(errors)))
    assert low < ratio < high
    assert np.mean(values) == pytest.approx(0.2, abs=4 * np.std(values) / np.sqrt(60))


def test_the_band_of_a_displacement_widens_where_it_is_diffusion() -> None:
    moments = squares(independent(np.random.default_rng(1)))
    plain, wider = (curve(moments, DT, 1001, shared, 1.0) for shared in (0.0, 0.3))
    early = plain.lag_ps <= 1.0
    assert early.any() and (wider.stderr_A2[early] == plain.stderr_A2[early]).all()
    extra = np.sqrt(wider.stderr_A2[-1] ** 2 - plain.stderr_A2[-1] ** 2)
    assert extra == pytest.approx(0.3 * (plain.lag_ps[-1] - 1.0))


@pytest.mark.parametrize(("drag", "later"), [(0.0, False), (0.2, True)])
def test_the_fit_of_cations_that_are_dragged_along_begins_later(drag, later):
    """Cations that go a fifth of the way of hops that lead back remember them too."""
    rng = np.random.default_rng(3)
    n_frames, n = 1001, 8
    minus, _ = exact.hoppers(rng, n_frames, n, DT, 0.4, 0.5, 4.0, 0.01)
    plus = exact.walkers(rng, n_frames, n, 0.12, DT) + drag * minus
    moments = tuple(squares(track) for track in ion_tracks(plus, minus))
    run = DiffusionInput(DT, n_frames, None, hop_walk(0.4, 0.02, 16.0, -0.5, 0.05), moments)
    none = SizeCorrection(None, None, None)
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
        share = apparent_share(
            Estimate.number(x, x * np.sqrt(2 / 40)), Estimate.number(y, y * np.sqrt(2 / 12))
        )
        assert share is not None and share.interval is not None
        assert 0.0 < share.interval[0] < share.interval[1] < 1.0
        values.append(share.value)
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
        assert share is not None and share.interval is not None
        low, high = share.interval
        assert 0.0 <= low < high <= 1.0
        values.append(share.value)
        held += low <= 4e-4 <= high
    assert min(values) < 0.0 < max(values)
    assert abs(np.mean(values)) < 4.0 * np.std(values) / np.sqrt(40)
    assert held >= stats.binom.ppf(0.001, 40, 0.9)


def test_replicas_are_weighted_by_their_length_not_by_what_came_out():
    """Where few particles moved far, the relative error is small: not a reason to count more."""
    high, low = Estimate.number(3.0, 0.3), Estimate.number(1.0, 0.4)
    assert replicas([high, low], [100.0, 100.0]).mean.value == pytest.approx(2.0)
    assert replicas([high, low], [100.0, 300.0]).mean.value == pytest.approx(1.5)
    assert replicas([high, None, low], [1.0, 7.0, 1.0]).mean.value == pytest.approx(2.0)


@pytest.mark.parametrize(("n_hops", "published"), [(59, False), (60, True)])
def test_few_hops_do_not_tell_how_many_lead_back(n_hops, published):
    """The number of hops decides; hops without a memory need none of them."""
    rng = np.random.default_rng(4)
    path, _ = exact.hoppers(rng, 2001, 2, DT, 0.4, 0.5)
    moments = {"OH-": squares(path)}
    none = SizeCorrection(None, None, None)
    walk = hop_walk(0.4, 0.05, 6.8, -0.5, 0.1, n_hops)
    found, warnings = diffusion(moments, DiffusionInput(DT, 2001, None, walk), none)
    entry = found.of("OH-")
    assert entry is not None and (entry.D_m2_per_s is not None) == published
    assert any("59 hops are too few" in w.reason for w in warnings) != published
    always = hop_walk(0.4, 0.05, 6.8, 0.0, 0.0, n_hops)
    entry = diffusion(moments, DiffusionInput(DT, 2001, None, always), none)[0].of("OH-")
    assert entry is not None and entry.D_m2_per_s is not None


def test_a_long_rattle_window_does_not_switch_off_the_rule_of_few_hops():
    """Returns within the window are no hops, but they are part of the displacement."""
    path, _ = exact.hoppers(np.random.default_rng(4), 2001, 2, DT, 0.4, 0.5)
    moments, none = {"OH-": squares(path)}, SizeCorrection(None, None, None)
    for walk in (None, hop_walk(0.4, 0.05, 6.8, 0.0, 0.0, 7.0)):
        for window, published in ((0.2, True), (4.0, False)):
            run = DiffusionInput(DT, 2001, None, walk, rattle_window_ps=window, n_hops=7.0)
            entry = diffusion(moments, run, none)[0].of("OH-")
            assert entry is not None and (entry.D_m2_per_s is not None) == published


def points(path: np.ndarray) -> Points:
    """Return the MSD of a path [n_frames, n, 3]."""
    found, n_frames = squares(path), len(path)
    lag = found.lag_frames * DT
    return Points(
        lag, found.origin_frames * DT, found.square, found.non_gaussian(),
        independent_windows(lag, n_frames * DT, DT), found.n_particles, DT, n_frames * DT,
    )  # fmt: skip


def test_what_is_not_gaussian_is_hops_or_motion_in_one_dimension():
    """Hops of length l at the rate k have β = 1 and κ = k l⁴; motion along x has β = 3, κ = 0."""
    rng = np.random.default_rng(9)
    hopping = points(exact.hoppers(rng, 4001, 100, DT, 0.5, 0.0)[0])
    beta, kappa = hopping.not_gaussian(hopping.window(1.0, 25.0))
    assert beta == pytest.approx(1.0, abs=0.05)
    assert kappa == pytest.approx(0.5 * 2.6**4, rel=0.15)
    along = points(exact.walkers(rng, 4001, 100, 0.2, DT, 1))
    beta, kappa = along.not_gaussian(along.window(1.0, 25.0))
    assert beta == pytest.approx(3.0, rel=0.1)
    assert kappa < 0.02 * (6.0 * 0.2) ** 2
    plain = points(exact.walkers(rng, 4001, 100, 0.2, DT))
    assert plain.not_gaussian(plain.window(1.0, 25.0))[0] == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("correlation", [0.0, 0.5, -0.8])
@pytest.mark.parametrize("freedom", [6, 30])
def test_the_interval_of_a_covariance_holds_it(correlation, freedom):
    rng = np.random.default_rng(freedom)
    held = 0
    for _ in range(600):
        x, other = rng.normal(size=(2, freedom))
        y = correlation * x + np.sqrt(1.0 - correlation**2) * other
        low, high = covariance(x @ y / freedom, x @ x / freedom, y @ y / freedom, freedom)
        held += low <= correlation <= high
    assert stats.binom.ppf(0.001, 600, 0.93) <= held <= stats.binom.ppf(0.999, 600, 0.97)
    assert covariance(0.1, 0.0, 1.0, 10.0) is None


def test_scatter_above_that_of_poisson_is_told_from_chance():
    rng = np.random.default_rng(2)
    alike = sum(not_poisson(rng.poisson(6.0, 50)) for _ in range(500))
    assert alike <= stats.binom.ppf(0.999, 500, 0.06)
    assert all(not_poisson(4 * rng.poisson(1.5, 50)) for _ in range(20))
    assert not not_poisson(np.zeros(20))


def test_a_vehicular_part_below_zero_is_added_as_it_is():
    """A molecule that stays where it is: half of the runs say less than nothing."""
    parts = []
    for seed in range(16):
        rng = np.random.default_rng([10, seed])
        own = 0.3 * exact.ornstein_uhlenbeck(rng, 2001, (4, 3), 0.2, DT)
        hops = exact.hoppers(rng, 2001, 4, DT, 0.4, 0.0, vehicular=0.0)[0]
        moments = {"OH-": squares(own + hops), "OH-_vehicular": squares(own)}
        walk = hop_walk(0.4, 0.02, 2.6**2, 0.0, 0.0)
        entry = diffusion(
            moments,
            DiffusionInput(DT, 2001, None, walk, lasting=walk),
            SizeCorrection(None, None, None),
        )
        hydroxide = entry[0].of("OH-")
        assert hydroxide is not None
        if hydroxide.from_hops_m2_per_s is not None:
            parts.append(hydroxide.from_hops_m2_per_s.value - 1e-8 * walk.diffusion().value)
    assert min(parts) < 0.0 < max(parts)


@pytest.mark.parametrize("known", [True, False], ids=["viscosity given", "viscosity measured"])
def test_d_at_infinite_size_has_the_interval_of_a_sum(known):
    path = exact.walkers(np.random.default_rng(11), 1001, 8, 0.2, DT)
    added = Estimate.given(3e-10) if known else Estimate.positive(3e-10, 6e-11)
    add = SizeCorrection(added, Estimate.given(1.0), None)
    found, _ = diffusion({"K+": squares(path)}, DiffusionInput(DT, 1001), add)
    (entry,) = found.species
    assert entry.D_m2_per_s is not None and entry.D_infinite_m2_per_s is not None
    ends, own = entry.D_infinite_m2_per_s.interval, entry.D_m2_per_s.interval
    assert ends is not None and own is not None
    assert ends[0] < entry.D_infinite_m2_per_s.value < ends[1]
    if known:
        assert ends == pytest.approx([x + 3e-10 for x in own])
    else:
        assert ends[1] - ends[0] > own[1] - own[0]
