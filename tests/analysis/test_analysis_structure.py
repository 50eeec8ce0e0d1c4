"""Structure, conductivity, temperature and block averages against direct calculation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pykoh.analysis.common import statistics as blocks
from pykoh.analysis.common.constants import molarity
from pykoh.analysis.common.estimate import Estimate
from pykoh.analysis.common.statistics import SegmentedSums, nothing_seen, ratio_stderr, share_stderr
from pykoh.analysis.structure.distributions import neighbours_within, structure
from pykoh.analysis.structure.first_peak import first_peak
from pykoh.analysis.structure.first_shell import FirstShell, first_shell, point_errors
from pykoh.analysis.structure.rdf import (
    BIN_A,
    KIND_CATION,
    KIND_OSTAR,
    KIND_OW,
    PairHistograms,
)
from pykoh.analysis.transport.conductivity import (
    einstein_factor,
    experiment,
    ion_tracks,
    nernst_einstein,
)
from pykoh.analysis.transport.temperature import Thermometer
from pykoh.trajectory.species import Atoms

TILTED = np.array([[13.0, 0, 0], [3.0, 12.5, 0], [-2.0, 4.0, 13.5]])


def atoms_of(types: list[int]) -> Atoms:
    species = np.array(types, dtype=np.int8) - 1
    return Atoms(np.arange(len(types)), species, "K", np.array([1.008, 15.999, 39.0983])[species])


def direct_counts(
    frame: np.ndarray, a: np.ndarray, b: np.ndarray, cell: np.ndarray, n_bins: int
) -> np.ndarray:
    """Ordered pairs per bin from all images within two cells."""
    shifts = np.stack(np.meshgrid(*[range(-2, 3)] * 3), -1).reshape(-1, 3) @ cell
    frame = (frame @ np.linalg.inv(cell)) % 1.0 @ cell
    counts = np.zeros(n_bins)
    for i in a:
        for j in b:
            if i == j:
                continue
            r = np.linalg.norm(frame[j] - frame[i] + shifts, axis=1)
            counts += np.histogram(r, bins=BIN_A * np.arange(n_bins + 1))[0]
    return counts


def test_neighbours_within_a_fixed_distance() -> None:
    rng = np.random.default_rng(5)
    types = rng.choice([1, 2, 2, 3], size=120).tolist()
    cell = 13.0 * np.eye(3)
    positions = rng.uniform(-20, 40, size=(40, 120, 3))
    oxygens = np.flatnonzero(np.array(types) == 2)
    cations = np.flatnonzero(np.array(types) == 3)
    n_hydrogens = np.tile(rng.choice([1, 2], size=len(oxygens)), (40, 1))
    pairs = PairHistograms(atoms_of(types), 6.0, 1)
    pairs.add(positions, np.broadcast_to(cell, (40, 3, 3)).copy(), n_hydrogens)
    for kind, n in ((KIND_OSTAR, 1), (KIND_OW, 2)):
        near = oxygens[n_hydrogens[0] == n]
        counted = np.mean([direct_counts(f, cations, near, cell, 120) for f in positions], axis=0)
        up_to = np.cumsum(counted) / len(cations)
        found = neighbours_within(pairs, KIND_CATION, kind, 3.6)
        assert found is not None and found.stderr is not None
        assert found.value == pytest.approx(up_to[71], rel=1e-3)
        assert abs(found.value - len(near) * 4 / 3 * np.pi * 3.6**3 / 13**3) < 4 * found.stderr
        part = neighbours_within(pairs, KIND_CATION, kind, 3.62)
        assert part is not None and part.value == pytest.approx(
            0.6 * up_to[71] + 0.4 * up_to[72], rel=1e-3
        )
        assert neighbours_within(pairs, KIND_CATION, kind, 6.1) is None


@pytest.mark.parametrize("cell", [13.0 * np.eye(3), TILTED])
@pytest.mark.parametrize("n, r_max", [(60, 6.0), (150, 2.0)])
def test_pair_counts_against_all_images(cell: np.ndarray, n: int, r_max: float) -> None:
    """All pairs (6 Å of 13) and bins (2 Å of 13); every pair of kinds once and only once."""
    rng = np.random.default_rng(1)
    types = rng.choice([1, 2, 2, 3], size=n).tolist()
    atoms = atoms_of(types)
    positions = rng.uniform(-20, 40, size=(2, n, 3))
    oxygens = np.flatnonzero(np.array(types) == 2)
    n_hydrogens = rng.choice([0, 1, 2], size=(2, len(oxygens)), p=[0.1, 0.4, 0.5])
    pairs = PairHistograms(atoms, r_max, 1)
    cells = np.broadcast_to(cell, (2, 3, 3)).copy()
    pairs.add(positions[:1], cells[:1], n_hydrogens[:1])
    pairs.add(positions[1:], cells[1:], n_hydrogens[1:])
    found, _ = structure(pairs, "K", 0.1)
    groups = []
    for f in range(2):
        star = oxygens[n_hydrogens[f] == 1]
        water = oxygens[n_hydrogens[f] == 2]
        groups.append(
            {
                "O*": star,
                "Ow": water,
                "O": oxygens,
                "H": np.flatnonzero(np.array(types) == 1),
                "K": np.flatnonzero(np.array(types) == 3),
            }
        )
    volume = abs(np.linalg.det(cell))
    edges = BIN_A * np.arange(pairs.n_bins + 1)
    shell = 4 / 3 * np.pi * np.diff(edges**3)
    assert len(found.rdfs) == 11
    for rdf in found.rdfs:
        a, b = rdf.pair.split("-")
        counts = sum(
            direct_counts(positions[f], groups[f][a], groups[f][b], cell, pairs.n_bins)
            for f in range(2)
        )
        ideal = sum(len(g[a]) * (len(g[b]) - (a == b)) for g in groups)
        # single precision may move a pair over the edge of a bin
        found_counts = rdf.g * ideal / volume * shell
        assert np.abs(np.cumsum(found_counts) - np.cumsum(counts)).max() <= 2.001
        centres = sum(len(g[a]) for g in groups)
        np.testing.assert_allclose(rdf.coordination[-1] * centres, counts.sum(), atol=2.001)


def test_ideal_gas_has_g_of_one() -> None:
    rng = np.random.default_rng(2)
    types = [1] * 40 + [2] * 40 + [3] * 20
    pairs = PairHistograms(atoms_of(types), 6.0, 1)
    for _ in range(40):
        positions = rng.uniform(0, 13, size=(10, 100, 3))
        cells = np.broadcast_to(13.0 * np.eye(3), (10, 3, 3)).copy()
        pairs.add(positions, cells, rng.integers(1, 3, size=(10, 40)))
    found, _ = structure(pairs, "K", 0.1)
    for rdf in found.rdfs:
        far = rdf.r_A > 2.0
        assert rdf.g[far].mean() == pytest.approx(1.0, abs=0.02)
        z = (rdf.g[far] - 1.0) / rdf.g_stderr[far]
        assert 0.5 < z.std() < 1.2  # errors of block averages are on the safe side


def test_peak_minimum_and_ion_pairs() -> None:
    """Shells placed by hand: O* at 2.6 Å of half of the cations, waters at 2.8 Å."""
    rng = np.random.default_rng(3)
    frames, n_pairs = 60, 8
    corners = np.stack(np.meshgrid(*[[4.0, 12.0]] * 3), -1).reshape(-1, 3)
    types = [3] * n_pairs + [2] * 4 + [2] * 40
    positions = np.zeros((frames, len(types), 3))
    for f in range(frames):
        positions[f, :n_pairs] = corners
        out = rng.normal(size=(4, 3))
        out *= (2.6 + rng.normal(scale=0.05, size=(4, 1))) / np.linalg.norm(out, axis=1)[:, None]
        positions[f, 8:12] = corners[:4] + out
        out = rng.normal(size=(40, 3))
        out *= (2.8 + rng.normal(scale=0.05, size=(40, 1))) / np.linalg.norm(out, axis=1)[:, None]
        positions[f, 12:] = np.repeat(corners, 5, axis=0) + out
    pairs = PairHistograms(atoms_of(types), 8.0, 1)
    counts = np.array([[1] * 4 + [2] * 40] * frames)
    pairs.add(positions, np.broadcast_to(16.0 * np.eye(3), (frames, 3, 3)).copy(), counts)
    found, _ = structure(pairs, "K", 0.1)
    star = found.of("K-O*")
    assert star is not None and star.first_peak_A.value == pytest.approx(2.6, abs=0.06)
    assert star.first_minimum_A is not None and 2.8 < star.first_minimum_A.value < 5.5
    assert star.coordination_number.value == pytest.approx(0.5)
    water = found.of("K-Ow")
    assert water is not None and water.coordination_number.value == pytest.approx(5.0)
    assert found.ion_pairing is not None
    assert found.ion_pairing.fraction_of_cations_paired.value == pytest.approx(0.5)
    assert found.ion_pairing.mean_hydroxides_per_cation.value == pytest.approx(0.5)
    stderr = found.ion_pairing.fraction_of_cations_paired.stderr
    assert stderr == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(("centre", "width"), [(2.77, 0.12), (2.79, 0.12), (0.985, 0.04)])
def test_peaks_lie_between_bins_and_errors_cover_them(centre: float, width: float) -> None:
    """Repeated runs with the same g(r): the scatter of the position is what its error says."""
    rng = np.random.default_rng(5)
    edges = BIN_A * np.arange(121)
    shell = 4.0 / 3.0 * np.pi * np.diff(edges**3)
    fine = np.linspace(0.0, 6.0, 12001)
    g = 1.0 / (1.0 + np.exp(-(fine - centre - 0.4) / 0.1))
    g += 2.5 * np.exp(-((fine - centre) ** 2) / (2.0 * width**2))
    cumulated = np.concatenate([[0.0], np.cumsum((g * fine**2)[:-1])]) * (fine[1] - fine[0])
    expected = 4.0 * np.pi * np.diff(np.interp(edges, fine, cumulated))
    found = []
    for _ in range(300):
        noise = rng.gamma(20.0, 1.0 / 20.0, size=(64, 1))  # blocks differ as a whole, too
        histogram = rng.poisson(4.0 * noise * expected).astype(np.float64)
        peak = int(np.argmax((histogram.sum(axis=0) / shell)[: round((centre + 0.2) / BIN_A)]))
        found.append(first_peak(histogram, np.full(64, 4.0), 64, peak))
    r = np.array([each.r_A.value for each in found])
    stderr = np.array([each.r_A.stderr for each in found], dtype=float)
    assert abs(r.mean() - centre) < 0.005
    assert 0.7 < r.std() / np.median(stderr) < 1.15


def test_a_peak_of_few_blocks_has_no_error() -> None:
    histogram = np.zeros((2, 80))
    histogram[:, 54:59] = [10.0, 60.0, 90.0, 60.0, 10.0]
    found = first_peak(histogram, np.ones(2), 2, 56)
    assert found.r_A.value == pytest.approx(56.5 * BIN_A, abs=0.01)
    assert found.r_A.stderr is None and found.r_A.reason


def shell_counts(model: np.ndarray, total: float, rng: np.random.Generator) -> FirstShell:
    """Return what is seen of g(r) = model when about ``total`` pairs are counted."""
    edges = BIN_A * np.arange(len(model) + 1)
    shell = np.diff(edges**3)
    per_count = (model * shell).sum() / total / shell
    counts = rng.poisson(model / per_count).astype(float)
    errors = point_errors(counts, per_count, np.zeros(len(model)), 1)
    return first_shell(counts * per_count, counts, errors)


def test_noise_makes_no_minimum() -> None:
    """A peak and then a flat g(r): the dips of noise are no minima."""
    rng = np.random.default_rng(5)
    r = BIN_A * (np.arange(160) + 0.5)
    flat = np.where(r < 2.4, 0.0, 1.0) + 1.5 * np.exp(-(((r - 2.7) / 0.25) ** 2))
    found = [shell_counts(flat, total, rng) for total in (3e3, 1e4, 1e5) for _ in range(200)]
    made_up = [shell for shell in found if shell.minimum is not None]
    assert len(made_up) < 0.02 * len(found)
    assert all(shell.reason for shell in found if shell.minimum is None)


def test_minimum_that_is_there_is_found_within_its_error() -> None:
    rng = np.random.default_rng(6)
    r = BIN_A * (np.arange(160) + 0.5)
    peak, dip = (np.exp(-(((r - centre) / 0.4) ** 2)) for centre in (2.75, 3.55))
    model = np.where(r < 2.3, 0.0, 1.0) * (1.0 + 1.5 * peak - 0.6 * dip)
    fine = np.linspace(2.5, 4.5, 20001)
    a, b = (np.exp(-(((fine - centre) / 0.4) ** 2)) for centre in (2.75, 3.55))
    true = fine[np.argmin(1.0 + 1.5 * a - 0.6 * b)]
    for total in (3e4, 1e6):
        shells = [shell_counts(model, total, rng) for _ in range(200)]
        places = np.array([BIN_A * (s.minimum + 0.5) for s in shells if s.minimum is not None])
        errors = np.array([s.minimum_stderr_A for s in shells if s.minimum is not None])
        assert len(places) > 150
        z = (places - true) / errors
        assert (np.abs(z) < 3.0).mean() > 0.94
        assert abs(places.mean() - true) < 0.06


def test_nothing_seen() -> None:
    """Jeffreys' posterior by numbers; the upper limit leaves 5 % for nothing to be seen."""
    for n in (1.0, 12.0, 400.0):
        stderr, limit = nothing_seen(n)
        assert stderr == pytest.approx(stats.beta(0.5, n + 0.5).std())
        assert (1.0 - limit) ** n == pytest.approx(0.05)
    assert nothing_seen(1000.0)[1] == pytest.approx(3.0 / 1000.0, rel=0.01)
    assert share_stderr(np.zeros(8), np.ones(8), 0.0, 50.0) == nothing_seen(50.0)[0]


def test_stride_samples_every_nth_frame() -> None:
    types = [1] * 4 + [2] * 4
    positions = np.random.default_rng(0).uniform(0, 10, size=(23, 8, 3))
    cells = np.broadcast_to(10.0 * np.eye(3), (23, 3, 3)).copy()
    counts = np.full((23, 4), 1)
    pieces = PairHistograms(atoms_of(types), 5.0, 5)
    for part in np.split(np.arange(23), [1, 4, 5, 6, 13]):
        pieces.add(positions[part], cells[part], counts[part])
    whole = PairHistograms(atoms_of(types), 5.0, 1)
    whole.add(positions[::5], cells[::5], counts[::5])
    assert pieces.n_frames == whole.n_frames == 5
    assert (pieces.histogram.sum(axis=0) == whole.histogram.sum(axis=0)).all()


def test_block_averages_of_correlated_data() -> None:
    """AR(1) noise: the error of the mean is known; segments are joined many times."""
    rng = np.random.default_rng(5)
    keep, n = 0.95, 20_000
    found, means = [], []
    for _ in range(40):
        noise = rng.normal(size=n)
        x = np.zeros(n)
        for k in range(1, n):
            x[k] = keep * x[k - 1] + noise[k]
        sums = SegmentedSums(2)
        for part in np.array_split(np.arange(n), 137):
            sums.add(np.stack([x[part], np.ones(len(part))], axis=1))
        assert sums.sums[:, 0].sum() == pytest.approx(x.sum())
        assert sums.sums[:, 1].sum() == n
        assert sums.length == 512
        whole = sums.whole()
        assert (whole[:, 1] == 512).all()
        error = ratio_stderr(whole[:, 0], whole[:, 1])
        assert error is not None
        found.append(error)
        means.append(x.mean())
    exact = 1 / (1 - keep) / np.sqrt(n)
    assert np.std(means) == pytest.approx(exact, rel=0.35)
    assert 0.95 < np.mean(found) / exact < 1.5  # never optimistic
    assert blocks.ratio_stderr(np.ones(3), np.ones(3)) is None


def test_einstein_conductivity_of_independent_ions_is_nernst_einstein() -> None:
    # one ion with D in a box: σ = e² D / (V kT); 1e-9 m²/s, 1 nm³, 300 K
    expected = (1.602176634e-19) ** 2 * 1e-9 / (1e-27 * 1.380649e-23 * 300)
    found = nernst_einstein([(1.0, Estimate.positive(1e-9, 2e-10))], 1000.0, 300.0)
    assert found.value == pytest.approx(expected)
    assert found.stderr == pytest.approx(0.2 * expected)
    # the dipole of that ion has the slope 6 D e² = 0.6 e²·Å²/ps
    assert 0.6 * einstein_factor(1000.0, 300.0) == pytest.approx(expected)


def test_displacement_of_the_ions() -> None:
    plus, minus = np.array([[[1.0, 0, 0], [0, 1.0, 0]]]), np.array([[[0, 0, 1.0], [0, 0, 2.0]]])
    whole, cations, hydroxides = ion_tracks(plus, minus)
    assert whole.tolist() == [[[1.0, 1.0, -3.0]]]
    assert (cations - hydroxides).tolist() == whole.tolist()
    # as many of the one as of the other: the origin does not matter
    assert ion_tracks(plus + 7.0, minus + 7.0)[0].tolist() == whole.tolist()


@pytest.mark.parametrize(
    "m, kelvin, siemens_per_m",
    # measured in the literature: about 62 at 6 mol/L and 25 °C, 20 at 1 mol/L and 25 °C
    [(6.0, 298.15, 62.0), (1.0, 298.15, 20.0), (6.0, 353.15, 131.0)],
)
def test_experiment(m: float, kelvin: float, siemens_per_m: float) -> None:
    assert experiment(m, kelvin) == pytest.approx(siemens_per_m, rel=0.08)


@pytest.mark.parametrize("m, kelvin", [(0.0, 300), (12.1, 300), (6, 250), (6, 400), (-1, 300)])
def test_experiment_outside_its_range(m: float, kelvin: float) -> None:
    assert experiment(m, kelvin) is None


def test_temperature() -> None:
    rng = np.random.default_rng(0)
    masses = np.array([1.008, 15.999, 39.0983] * 40)
    # kB T / m in (Å/ps)²: 0.8314463 T / m(u)
    width = np.sqrt(0.83144626 * 320.0 / masses)[None, :, None]
    velocities = rng.normal(size=(500, 120, 3)) * width
    meter = Thermometer(masses)
    meter.add(velocities[:100] + 3.0)  # drift is not temperature
    meter.add(velocities[100:])
    meter.add(np.full((50, 120, 3), np.nan))
    found = meter.result()
    assert found is not None and found.stderr is not None
    assert found.value == pytest.approx(320.0, abs=4 * found.stderr)
    assert 0.3 < found.stderr < 3.0
    assert Thermometer(masses).result() is None


def test_molarity() -> None:
    assert molarity(6.02214076, 1e4) == pytest.approx(1.0)
