"""Survival functions, hops in a row, solvation, coarser frames and viscosity: known answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import exact
import report_cases
from pykoh.analysis.common.equilibration import record
from pykoh.analysis.common.estimate_views import columns
from pykoh.analysis.common.statistics import nothing_seen
from pykoh.analysis.common.survival import Continuous, Intermittent, survival_curve
from pykoh.analysis.hops.counter import Hops
from pykoh.analysis.hops.events import HopEvents
from pykoh.analysis.hops.intervals import _needed
from pykoh.analysis.structure.hydroxide_pairs import PairCounter
from pykoh.analysis.transport.observable import _within
from pykoh.analysis.transport.viscosity import read_pressure, shear_components, viscosity
from pykoh.errors import TrajectoryError


def telegraph(
    rng: np.random.Generator, n_frames: int, n_rows: int, off: float, on: float
) -> np.ndarray:
    """Partner 7 that is lost with probability ``off`` per frame and comes back with ``on``."""
    held = np.zeros((n_frames, n_rows), dtype=bool)
    held[0] = rng.random(n_rows) < on / (on + off)
    for f in range(1, n_frames):
        change = rng.random(n_rows) < np.where(held[f - 1], off, on)
        held[f] = held[f - 1] ^ change
    return np.where(held, 7, -1).astype(np.int32)[:, :, None]


def both(partner: np.ndarray, block: int = 37) -> tuple[Intermittent, Continuous]:
    kinds = np.zeros(partner.shape, dtype=np.int8)
    group = np.zeros(partner.shape[:2], dtype=np.int64)
    rows, slots = partner.shape[1:]
    c, s = Intermittent(rows, slots, 1), Continuous(rows, slots, 1)
    for start in range(0, len(partner), block):
        part = slice(start, start + block)
        c.add(partner[part], kinds[part])
        s.add(partner[part], kinds[part], group[part])
    return c, s


def test_intermittent_is_the_average_over_time_origins() -> None:
    rng = np.random.default_rng(1)
    partner = rng.integers(-1, 3, size=(90, 6, 1)).astype(np.int32)
    lags, c, held = both(partner)[0].result(0)
    x = partner[:, :, 0]
    for lag, value, n in zip(lags, c, held, strict=True):
        spacing = 1 if lag <= 16 else 4 if lag <= 64 else 16
        origins = np.arange(0, 90 - lag, spacing)
        # At a coarser level only frames that are its multiples are compared.
        a, b = x[origins], x[origins + lag]
        there = a >= 0
        assert n == there.sum()
        assert value == pytest.approx((there & (a == b)).sum() / there.sum())


def test_intermittent_does_not_depend_on_blocks() -> None:
    partner = telegraph(np.random.default_rng(2), 700, 5, 0.1, 0.1)
    first, second = (both(partner, block)[0].result(0) for block in (1, 700))
    for a, b in zip(first, second, strict=True):
        assert (a == b).all()


def test_times_of_a_telegraph_signal() -> None:
    """S decays with the rate of loss, C with the sum of loss and return towards the share held."""
    off, on, dt = 0.02, 0.03, 0.01
    partner = telegraph(np.random.default_rng(3), 20000, 20, off, on)
    curve = survival_curve(*both(partner, 1000), 0, dt)
    assert curve is not None
    share = on / (on + off)
    n = np.round(curve.lag_ps / dt)
    expected = share + (1 - share) * (1 - on - off) ** n
    short = n < 200
    assert np.abs(curve.intermittent - expected)[short].max() < 0.03
    assert (np.abs(curve.intermittent - expected) < 5 * curve.intermittent_stderr + 0.01).all()
    # Geometric spells: the rest of one met at random is 1/off - 1/2 frames (steps in between).
    assert curve.continuous_ps.value == pytest.approx(dt * (1 / off - 0.5), rel=0.06)
    middle = int(np.searchsorted(curve.time_ps, 0.5))
    assert curve.continuous[middle] == pytest.approx(np.exp(-off * 50), abs=0.04)


def test_spells_by_hand() -> None:
    """A spell of 3 frames that ends, one that is cut off by a change of group."""
    partner = np.full((12, 1, 1), -1, dtype=np.int32)
    partner[1:4] = 5
    partner[6:9] = 5
    group = np.zeros((12, 1), dtype=np.int64)
    group[9:] = 1
    counter = Continuous(1, 1, 1)
    sums = counter.add(partner, np.zeros(partner.shape, dtype=np.int8), group)
    assert sums[:, 0, 0].sum() == 3 + 2  # frames at risk: the cut one is not
    assert sums[:, 0, 1].sum() == 1  # one is lost
    assert counter._spells[0, 2].tolist() == [1.0, 1.0]  # both of three frames: ended, cut off


def test_mean_duration_and_mean_time_from_a_random_moment() -> None:
    """Nineteen short spells and a long one: a random moment is nearly always in the long one."""
    pattern = [*[1, 1, 0, 0] * 19, *[1] * 200, 0, 0]
    held = np.array([*[0] * 5, *pattern * 40], dtype=bool)
    partner = np.where(held, 7, -1).astype(np.int32)[:, None, None]
    sums = Continuous(1, 1, 1).add(
        partner, np.zeros(partner.shape, dtype=np.int8), np.zeros((len(held), 1), dtype=np.int64)
    )
    assert sums[:, 0, 0].sum() / sums[:, 0, 1].sum() == pytest.approx((19 * 2 + 200) / 20)
    curve = survival_curve(*both(partner, 1000), 0, 1.0)
    assert curve is not None and curve.continuous_ps is not None
    rest = (19 * 2**2 + 200**2) / 2 / (19 * 2 + 200)
    assert curve.continuous_ps.value == pytest.approx(rest, rel=0.02)


def one_ion(moves: list[tuple[int, int]], n_frames: int) -> np.ndarray:
    """Oxygen of one identity that begins at 0 and moves at given frames."""
    carriers = np.zeros((n_frames, 1), dtype=np.int64)
    for frame, to in moves:
        carriers[frame:] = to
    return carriers


def test_hops_that_lead_back() -> None:
    moves = [(10, 1), (60, 0), (120, 1), (180, 2)]
    carriers = one_ion(moves, 240)
    x = np.array([1.0, 0, 0])
    events = np.array([[10, 0, 0, 1], [60, 0, 1, 0], [120, 0, 0, 1], [180, 0, 1, 2]])
    jumps = np.array([x, -x, x, [0.0, 1.0, 0]])
    counter = HopEvents(1, 3, 0.01, 0.2, bonds=False)
    counter.add(Hops(events, jumps), carriers, None, None)
    found = counter.directionality()
    assert found is not None
    assert found.n_pairs == 3
    assert found.return_probability.value == pytest.approx(2 / 3)
    assert found.mean_cosine.value == pytest.approx((-1 - 1 + 0) / 3)
    assert counter.presolvation() is None


def test_a_few_hops_that_are_alike_have_no_error_of_zero() -> None:
    """Hops there and back: the next one may still lead elsewhere."""
    for n_hops in (2, 3, 5):
        moves = [(10 + 50 * k, 1 - k % 2) for k in range(n_hops)]
        carriers = one_ion(moves, 300)
        bonds = np.full((300, 3), 4, dtype=np.uint8)
        events = np.array([[frame, 0, 1 - to, to] for frame, to in moves])
        x = np.array([1.0, 0, 0])
        counter = HopEvents(1, 3, 0.01, 0.2, bonds=True)
        counter.add(Hops(events, np.array([x, -x] * 3)[:n_hops]), carriers, bonds, bonds)
        found, around = counter.directionality(), counter.presolvation()
        assert found is not None and around is not None
        assert found.mean_cosine.value == -1.0
        if n_hops == 2:
            assert found.mean_cosine.stderr is None
        else:
            # at least what one other hop would show, of a range of 2
            assert found.mean_cosine.stderr == pytest.approx(2.0 * nothing_seen(n_hops - 1)[0])
        assert (around.accepted == 4.0).all() and (around.accepted_stderr > 0.05).all()


@pytest.mark.parametrize("block", [13, 50, 400])
def test_solvation_around_hops_by_brute_force(block: int) -> None:
    """Hops become known late, in any blocks; each time has all hops that the run covers."""
    rng = np.random.default_rng(4)
    n_frames, n_o, dt = 400, 5, 0.02
    moves = [(30, 1), (90, 2), (101, 3), (250, 4), (390, 1)]
    carriers = one_ion(moves, n_frames)
    accepted, donated = rng.integers(0, 6, size=(2, n_frames, n_o)).astype(np.uint8)
    counter = HopEvents(1, n_o, dt, 0.2, bonds=True)
    place = 0
    pending = []
    for frame, to in moves:
        pending.append([frame, 0, place, to])
        place = to
    for start in range(0, n_frames, block):
        end = min(start + block, n_frames)
        known = [row for row in pending if row[0] + 11 < end]
        pending = [row for row in pending if row[0] + 11 >= end]
        events = np.array(known, dtype=np.int64).reshape(-1, 4)
        counter.add(
            Hops(events, np.ones((len(known), 3))), carriers[start:end], accepted[start:end],
            donated[start:end],
        )  # fmt: skip
    found = counter.presolvation()
    assert found is not None and found.n_hops == 4  # the last hop has no time after it
    for lag, a, d, t in zip(
        found.lag_ps, found.accepted, found.donated, found.accepted_by_target, strict=True
    ):
        shift = round(lag / dt)
        used = [(f + shift, to) for f, to in moves[:4]]
        assert a == pytest.approx(np.mean([accepted[f, carriers[f, 0]] for f, _ in used]))
        assert d == pytest.approx(np.mean([donated[f, carriers[f, 0]] for f, _ in used]))
        assert t == pytest.approx(np.mean([accepted[f, to] for f, to in used]))


@pytest.mark.parametrize("slope", [0.5, 2.0, 0.0])
def test_needed_interval_of_a_linear_loss(slope: float) -> None:
    interval = np.array([0.01, 0.02, 0.04])
    rate = 0.4 * (1 - slope * interval)
    expected = 0.04 if slope == 0 else min(0.05 / slope, 0.04)
    needed = _needed(interval, rate, 100.0)
    assert needed is not None and needed.value == pytest.approx(expected)
    # That of a count of the hops that were lost; a lower limit has none.
    assert needed.stderr == (pytest.approx(0.1 * expected) if expected < 0.04 else None)
    assert _needed(interval, np.zeros(3), 0.0) is None


def test_a_few_lost_hops_give_no_interval() -> None:
    assert _needed(np.array([0.01, 0.02]), np.array([0.4, 0.3]), 4.0) is None


def stress(rng: np.random.Generator, n: int, dt: float, tau: float, sigma: float) -> np.ndarray:
    """Return [n, 6] pressure whose shear components are Ornstein-Uhlenbeck noise of σ and τ."""
    from scipy.signal import lfilter

    keep = np.exp(-dt / tau)
    noise = rng.normal(size=(6, n)) * sigma * np.sqrt(1 - keep**2)
    noise[:, 0] /= np.sqrt(1 - keep**2)
    a, b, xy, xz, yz, p = lfilter([1.0], [1.0, -keep], noise, axis=1)
    # xx - yy = 2 a, xx + yy - 2 zz = √12 b: the inverse of shear_components.
    zz = p - b * np.sqrt(3.0) / 2.0
    mean = zz + b * np.sqrt(3.0)
    offset = np.array([5000.0, 5000.0, 5000.0, 0.0, 0.0, 0.0])
    return np.stack([mean + a, mean - a, zz, xy, xz, yz], axis=1) + offset


def test_viscosity_of_a_known_stress() -> None:
    """η = V σ² τ / kT."""
    tau, sigma, volume, dt = 0.3, 2000.0, 3000.0, 0.005
    expected = volume * 1e-30 * (sigma * 1e5) ** 2 * tau * 1e-12 / (1.380649e-23 * 300.0) * 1e3
    found = []
    for seed in range(6):
        pressure = stress(np.random.default_rng(seed), 60000, dt, tau, sigma)
        result, _ = viscosity(np.arange(60000) * dt, pressure, volume, 300.0)
        if result.viscosity_mPa_s is not None:
            found.append((result.viscosity_mPa_s.value, result.viscosity_mPa_s.stderr))
    # A record whose slow fluctuations are large by chance looks too short: 1 of 40 here.
    assert len(found) >= 5
    values, errors = np.array(found).T
    assert values.mean() == pytest.approx(expected, rel=0.06)
    assert 0.4 < errors.mean() / values.std(ddof=1) < 2.5


def test_a_slow_decay_below_a_fast_one_is_part_of_the_viscosity() -> None:
    """Half of η decays with 0.05 ps, half with 2 ps: no plateau that looks flat is the whole."""
    dt, n, found = 0.01, 30001, []
    for seed in range(12):
        rng = np.random.default_rng([11, seed])
        pressure = exact.shear_stress(rng, n, dt, ((0.05, 0.5), (2.0, 0.5)), 0.9, 3000.0, 300.0)
        result, reason = viscosity(np.arange(n) * dt, pressure, 3000.0, 300.0)
        assert result.viscosity_mPa_s is not None, reason
        found.append((result.viscosity_mPa_s.value, result.viscosity_mPa_s.stderr))
    values, errors = np.array(found).T
    assert values.mean() == pytest.approx(0.9, abs=0.12)
    assert (np.abs(values - 0.9) < 2.5 * errors).all()
    pressure = exact.shear_stress(
        np.random.default_rng(0), n, dt, ((15.0, 1.0),), 0.9, 3000.0, 300.0
    )
    result, reason = viscosity(np.arange(n) * dt, pressure, 3000.0, 300.0)
    assert result.viscosity_mPa_s is None and reason is not None and "too slowly" in reason


def test_shear_components_have_the_same_integral() -> None:
    """Rotating an isotropic tensor leaves the mean square of all five alike."""
    pressure = stress(np.random.default_rng(0), 200000, 1.0, 0.1, 3.0)
    squares = (shear_components(pressure) ** 2).mean(axis=1)
    np.testing.assert_allclose(squares, 9.0, rtol=0.03)


def pressure_file(path: Path, rows: np.ndarray) -> Path:
    names = "step time_ps pxx_bar pyy_bar pzz_bar pxy_bar pxz_bar pyz_bar temperature_K volume_A3"
    np.savetxt(path, rows, header=f"pressure tensor\n{names}")
    return path


def test_pressure_records_of_a_restarted_run(tmp_path: Path) -> None:
    rows = np.column_stack(
        [np.arange(100), np.arange(100) * 0.002, np.random.default_rng(0).random((100, 8))]
    )
    a = pressure_file(tmp_path / "a", rows[:70])
    b = pressure_file(tmp_path / "b", rows[50:])
    times, pressure, volume = read_pressure([a, b])
    np.testing.assert_allclose(times, rows[:, 1])
    np.testing.assert_allclose(pressure, rows[:, 2:8])
    np.testing.assert_allclose(volume, rows[:, 9])
    with pytest.raises(TrajectoryError, match="not evenly spaced"):
        read_pressure([pressure_file(tmp_path / "gap", rows[[*range(50), *range(60, 100)]])])
    with b.open("a") as stream:
        stream.write("100 0.2 17.")  # being written
    assert len(read_pressure([a, b])[0]) == 100
    (tmp_path / "other").write_text("1 2 3\n")
    with pytest.raises(TrajectoryError, match="no column time_ps"):
        read_pressure([tmp_path / "other"])
    with pytest.raises(TrajectoryError, match="no such file"):
        read_pressure([tmp_path / "missing"])


@pytest.mark.filterwarnings("error")
def test_a_record_that_has_just_begun_is_short_and_no_warning_of_numpy(tmp_path: Path) -> None:
    names = "step time_ps pxx_bar pyy_bar pzz_bar pxy_bar pxz_bar pyz_bar temperature_K volume_A3"
    file = tmp_path / "koh.pressure.txt"
    for rows, said in (("", "0 rows are"), ("0 0 1 2 3 4 5 6 300 1000\n0 0.0", "1 row is")):
        file.write_text(f"# pressure tensor\n# {names}\n{rows}")
        with pytest.raises(TrajectoryError, match=f"{said} too few"):
            read_pressure([file])
        assert all(watched.numerator.size <= 1 for watched in record([str(file)], 0.0, 1.0))


def test_the_pressure_record_is_that_of_the_frames() -> None:
    times = np.arange(1001) * 0.1
    record = times, np.zeros((1001, 6)), np.ones(1001)
    summary = replace(report_cases.full().input, start_ps=30.0, duration_ps=20.0)
    cut, pressure, volume = _within(record, summary)
    assert (cut[0], cut[-1]) == (pytest.approx(30.0), pytest.approx(50.0))
    assert len(cut) == len(pressure) == len(volume) == 201
    assert _within(record, replace(summary, start_ps=500.0)) == record, "another count of time"


def test_short_or_noisy_records_give_no_viscosity() -> None:
    short, reason = viscosity(np.arange(100) * 0.002, np.ones((100, 6)), 1000.0, 300.0)
    assert short.viscosity_mPa_s is None and reason is not None and "too short" in reason


@pytest.mark.parametrize("edge", [9.0, 16.0])
def test_pairs_of_hydroxides_by_brute_force(edge: float) -> None:
    """Without and with bins; a pair is two ions, whoever carries them."""
    rng = np.random.default_rng(8)
    n_frames, n_o, n_id, cutoff = 60, 30, 14, 3.5
    oxygen = (rng.uniform(0, edge, (1, n_o, 3)) + rng.normal(0, 0.4, (n_frames, n_o, 3))) % edge
    carriers = np.array([rng.permutation(n_o)[:n_id]] * n_frames)
    carriers[30:, 0] = next(o for o in range(n_o) if o not in carriers[0])  # a hop
    cells = np.broadcast_to(edge * np.eye(3), (n_frames, 3, 3)).copy()
    counter = PairCounter(n_id, cutoff)
    for start in range(0, n_frames, 17):
        part = slice(start, start + 17)
        counter.add(oxygen[part], cells[part], carriers[part])
    found = counter.result(0.1)
    assert found is not None
    together = np.zeros((n_frames, n_id, n_id), dtype=bool)
    for f in range(n_frames):
        vectors = oxygen[f, carriers[f]][:, None] - oxygen[f, carriers[f]][None]
        vectors -= edge * np.round(vectors / edge)
        together[f] = (np.linalg.norm(vectors, axis=2) < cutoff) & ~np.eye(n_id, dtype=bool)
    assert found.mean_partners.value == pytest.approx(together.sum(axis=2).mean())
    assert found.fraction_paired.value == pytest.approx(together.any(axis=2).mean())
    parted = (together[:-1] & ~together[1:]).sum() // 2
    assert found.n_separations == parted
    assert found.lifetime_ps.value == pytest.approx(0.1 * together[:-1].sum() / 2 / parted)
    assert found.survival is not None
    expected = (together[:-1] & together[1:]).sum() / together[:-1].sum()
    assert found.survival.intermittent[0] == pytest.approx(expected)


def test_hydroxides_that_never_meet_have_an_error() -> None:
    oxygen = np.array([[[0.0, 0.0, 0.0], [6.0, 0.0, 0.0]]] * 10)
    counter = PairCounter(2, 3.5)
    cells = np.broadcast_to(12.0 * np.eye(3), (10, 3, 3)).copy()
    counter.add(oxygen, cells, np.array([[0, 1]] * 10))
    found = counter.result(0.1)
    assert found is not None
    assert (found.fraction_paired.value, found.lifetime_ps) == (0.0, None)
    assert found.fraction_paired.stderr == nothing_seen(2.0)[0]


def test_errors_of_survival_times_are_the_real_scatter() -> None:
    """Many short telegraph signals that come back to no share held at long times."""
    found = []
    for seed in range(150):
        partner = telegraph(np.random.default_rng(seed), 1500, 8, 0.02, 0.004)
        curve = survival_curve(*both(partner, 500), 0, 0.01)
        assert curve is not None
        found.append((*columns(curve.continuous_ps), *columns(curve.intermittent_ps)))
    values = np.array(found, dtype=float)
    for column in (0, 2):
        scatter = np.nanstd(values[:, column])
        claimed = np.sqrt(np.nanmean(values[:, column + 1] ** 2))
        assert 0.6 < claimed / scatter < 2.0
