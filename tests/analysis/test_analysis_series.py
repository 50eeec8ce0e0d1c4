"""Replicas, series, and the same numbers from any number of workers."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats

import pykoh.trajectory.run as run_module
import report_cases
from pykoh.analysis.activation import activation_energy, activations
from pykoh.analysis.common.estimate import Estimate
from pykoh.analysis.common.estimate_views import columns
from pykoh.analysis.common.msd_order_n import OrderN
from pykoh.analysis.pipeline import Settings, analyze
from pykoh.analysis.results.folder import run_names
from pykoh.analysis.results.write import as_json
from pykoh.analysis.series import replicas
from pykoh.analysis.series_files import read_series, series_table, write_series
from pykoh.analysis.transport.conductivity import ion_tracks
from pykoh.analysis.transport.cross_term import cross_term
from pykoh.analysis.transport.fitting import choose_fit
from pykoh.analysis.transport.onsager import onsager
from pykoh.analysis.workers import Workers, dask_workers
from pykoh.cli import main
from pykoh.errors import EngineError, ResultsError
from pykoh.report.series import write_series_report
from pykoh.report.series_plots import comparison
from pykoh.trajectory.run import ReadOptions, Run
from trajectories import brownian, koh_walkers, write_dump

CELL = 12.0 * np.eye(3)


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three blocks of frames."""
    positions, types = koh_walkers(np.random.default_rng(1), 1600)
    path = tmp_path_factory.mktemp("runs") / "a.dump"
    return write_dump(path, positions, types, CELL, times=np.arange(1600) * 0.01, digits=".6g")


def numbers(dump: Path, workers: Workers | None) -> dict[str, Any]:
    found = analyze(Run([dump], ReadOptions()), Settings(temperature_K=300.0), workers=workers)
    return as_json(found)


@pytest.mark.parametrize(
    "team",
    [
        lambda: Workers(1),
        lambda: Workers(2),
        lambda: Workers(3),
        lambda: Workers(4, in_flight=1),
        lambda: Workers(executor=ProcessPoolExecutor(1), in_flight=1),
        lambda: Workers(executor=ProcessPoolExecutor(3), in_flight=7),
    ],
    ids=["1 thread", "2 threads", "3 threads", "few in flight", "1 process", "3 processes"],
)
def test_numbers_do_not_depend_on_the_workers(
    dump: Path, team: Callable[[], Workers], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_module, "_ATOM_FRAMES_PER_BLOCK", 8000)  # many blocks
    assert json.dumps(numbers(dump, team())) == json.dumps(numbers(dump, None))


@pytest.mark.parametrize("n_workers, processes", [(1, False), (1, True), (2, True)])
def test_dask_gives_the_same_numbers(dump: Path, n_workers: int, processes: bool) -> None:
    """With processes each worker is what a node would be: it gets positions, sends findings."""
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=n_workers, threads_per_worker=2, processes=processes, dashboard_address=None
    ) as cluster:
        found = numbers(dump, dask_workers(cluster.scheduler_address))
    assert json.dumps(found) == json.dumps(numbers(dump, None))


def test_no_dask_scheduler_is_one_line() -> None:
    with pytest.raises(EngineError, match="--dask"):
        dask_workers("tcp://127.0.0.1:1", timeout_s=1.0)


def estimates(*pairs: tuple[float, float | None] | None) -> list[Estimate | None]:
    return [None if pair is None else Estimate.number(*pair) for pair in pairs]


def combined(*pairs: tuple[float, float | None] | None) -> tuple[float | None, float | None]:
    return columns(replicas(estimates(*pairs)).mean)


def test_mean_of_replicas() -> None:
    assert combined((1.0, 0.1)) == (1.0, 0.1)
    assert combined(None, (1.0, 0.1)) == (1.0, 0.1)
    assert combined(None) == (None, None)
    value, error = combined((1.0, 0.1), (1.1, 0.2))
    weights = np.array([1.0 / 0.1, 1.1 / 0.2]) ** 2
    assert value == pytest.approx(weights @ [1.0, 1.1] / weights.sum())
    assert error == pytest.approx(value * weights.sum() ** -0.5)  # they agree
    value, error = combined((1.0, 0.01), (2.0, 0.02))
    assert (value, error) == pytest.approx((1.5, 0.5))  # they do not: the scatter decides
    # Nothing seen in one run has no error; it must not drop out of the mean.
    assert combined((0.0, 0.0), (0.2, 0.05)) == pytest.approx((0.1, 0.1))


def test_replicas_that_disagree_say_so() -> None:
    found = replicas(estimates((1.0, 0.01), (1.1, 0.011), (1.2, 0.012), (1.3, 0.013)))
    assert found.birge_ratio is not None and found.mean is not None
    assert found.birge_ratio > 5.0
    values = np.array([1.0, 1.1, 1.2, 1.3])
    half = stats.t.ppf(0.975, 3) * values.std(ddof=1) / 2.0
    assert found.mean.interval == pytest.approx((1.15 - half, 1.15 + half))
    assert replicas(estimates((1.0, 0.1), (1.01, 0.1))).birge_ratio < 0.2
    assert replicas(estimates((1.0, None), (1.01, 0.1))).birge_ratio is None


@pytest.mark.parametrize("quoted", [1.0, 0.4])
def test_intervals_of_replicas_hold_the_truth(quoted: float) -> None:
    """Means of four squares of 16 degrees of freedom, with their errors right or far too small."""
    rng = np.random.default_rng(5)
    held, means = 0, []
    for _ in range(600):
        values = rng.chisquare(16, size=4) / 16
        found = replicas(estimates(*((v, quoted * v * np.sqrt(2.0 / 16)) for v in values))).mean
        assert found is not None and found.interval is not None
        held += found.interval[0] <= 1.0 <= found.interval[1]
        means.append(found.value)
    assert np.mean(means) == pytest.approx(1.0, abs=0.03)
    assert 0.91 <= held / 600 <= 0.99


def test_runs_of_one_solution_are_one_point() -> None:
    a = report_cases.full()
    hotter = replace(a, input=replace(a.input, temperature=Estimate.given(333.0)))
    dilute = replace(a, input=replace(a.input, n_koh=2, n_h2o=98, molarity_mol_per_L=1.1))
    points = report_cases.series_of([("x", a), ("y", dilute), ("z", a), ("hot", hotter)])
    assert [point.runs for point in points] == [("y",), ("x", "z"), ("hot",)]
    assert points[1].duration_ps == pytest.approx(2 * a.input.duration_ps)
    mean = points[1].values["D_OH_m2_per_s"]
    entry = a.diffusion.of("OH-")
    assert entry is not None and entry.D_m2_per_s is not None and mean is not None
    assert mean.value == pytest.approx(entry.D_m2_per_s.value)
    assert mean.stderr == pytest.approx(entry.D_m2_per_s.stderr / np.sqrt(2))
    assert points[0].experiment_S_per_m is not None


def test_activation_energy_of_an_exact_line() -> None:
    """ln q = ln A - E / (R T): E is found, with the error that the errors of q give."""
    kelvin = np.array([298.15, 313.15, 333.15])
    values = 5.0 * np.exp(-15.0 / (8.31446261815324e-3 * kelvin))
    found = activation_energy(kelvin, estimates(*((v, 0.05 * v) for v in values)))
    assert found is not None
    assert found.value == pytest.approx(15.0, rel=1e-9)
    x = 1.0 / (8.31446261815324e-3 * kelvin)
    assert found.stderr == pytest.approx(0.05 / np.sqrt(np.sum((x - x.mean()) ** 2)))
    two = activation_energy(kelvin, estimates((values[0], 1e-4), None, (values[2], 1e-4)))
    assert two is not None and two.value == pytest.approx(15.0, rel=1e-9)
    # A value that is 0, or whose error is unknown or too large for a logarithm, is not left out.
    for pair in ((0.0, 0.1), (2.0, None), (2.0, 1.5)):
        assert activation_energy(kelvin, estimates((1.0, 0.1), pair, (2.0, 0.1))) is None
    assert activation_energy([298.15, 298.9], estimates((1.0, 0.1), (1.1, 0.1))) is None
    assert activation_energy(kelvin, [None, None, None]) is None


@pytest.mark.parametrize("n", [2, 3, 5])
def test_interval_of_the_activation_energy_holds_the_truth(n: int) -> None:
    rng = np.random.default_rng(n)
    kelvin = np.linspace(290.0, 350.0, n)
    held = 0
    for _ in range(400):
        values = np.exp(-12.0 / (8.31446261815324e-3 * kelvin) + rng.normal(0.0, 0.08, n))
        found = activation_energy(kelvin, estimates(*((v, 0.08 * v) for v in values)))
        assert found is not None and found.interval is not None
        held += found.interval[0] <= 12.0 <= found.interval[1]
    assert 0.91 <= held / 400 <= 0.99


def test_energies_from_replicas_that_disagree_have_wide_intervals() -> None:
    """Two replicas each, whose errors are four times too small: the interval says it."""
    rng = np.random.default_rng(7)
    kelvin = np.array([298.0, 333.0])
    held, without = 0, 0
    for _ in range(400):
        means = []
        for truth in np.exp(-12.0 / (8.31446261815324e-3 * kelvin)):
            values = truth * np.exp(rng.normal(0.0, 0.12, 2))
            means.append(replicas(estimates(*((v, 0.03 * v) for v in values))).mean)
        found = activation_energy(kelvin, means)
        if found is None or found.interval is None:
            without += 1
            continue
        held += found.interval[0] <= 12.0 <= found.interval[1]
    assert without < 350
    assert held / (400 - without) > 0.9


def test_a_solution_at_two_temperatures(tmp_path: Path) -> None:
    """One solution at two temperatures has activation energies, and two lines in each plot."""
    a = report_cases.full()
    rate = a.grotthuss.hop_rate_per_ps
    assert rate is not None
    hotter = replace(
        a,
        input=replace(a.input, temperature=Estimate.given(333.0)),
        grotthuss=replace(a.grotthuss, hop_rate_per_ps=rate.times(2.0)),
    )
    dilute = replace(a, input=replace(a.input, n_koh=2, n_h2o=98, molarity_mol_per_L=1.1))
    points = report_cases.series_of([("a", a), ("hot", hotter), ("dilute", dilute)])
    (found,) = activations(points)
    assert found.temperatures_K == (a.input.temperature_K, 333.0)
    energy = found.energies_kJ_per_mol["hop_rate_per_ps"]
    assert energy is not None
    kelvin = np.array(found.temperatures_K)
    assert energy.value == pytest.approx(
        8.31446261815324e-3 * np.log(2.0) / (1.0 / kelvin[0] - 1.0 / kelvin[1])
    )
    write_series(points, tmp_path, [found])
    tree = json.loads((tmp_path / "series.json").read_text())
    (written,) = tree["activation"]
    assert written["energies_kJ_per_mol"]["hop_rate_per_ps"]["value"] == pytest.approx(energy.value)
    page = write_series_report(points, tmp_path, [], activations=[found]).read_text()
    assert "Activation energies" in page and "333 K" in page
    assert sum(1 for _ in (tmp_path / "plots").glob("series_*.svg")) >= 6
    # Without a second temperature there is neither a section nor a key.
    write_series(points[:1], tmp_path)
    assert "activation" not in json.loads((tmp_path / "series.json").read_text())


def test_a_series_is_read_back(tmp_path: Path) -> None:
    """What is read has the same table and the same plots as what was written."""
    a = report_cases.full()
    hotter = replace(a, input=replace(a.input, temperature=Estimate.given(333.0)))
    points = report_cases.series_of([("a", a), ("b", a), ("hot", hotter)])
    write_series(points, tmp_path, activations(points))
    found = read_series(tmp_path)
    assert series_table(found) == series_table(points)
    other = tmp_path / "again"
    other.mkdir()
    write_series(found, other, activations(found))
    for name in ("series.json", "series.csv"):
        assert (other / name).read_text() == (tmp_path / name).read_text()
    plot = comparison({"one": points, "other": found}, "OH_OH_bonded_fraction")
    assert plot.svg.count("<svg") == 1
    with pytest.raises(ResultsError, match="no series has"):
        comparison({"one": []}, "OH_OH_bonded_fraction")
    with pytest.raises(ResultsError, match="no plot"):
        comparison({"one": points}, "haven_ratio")
    whole = (tmp_path / "series.json").read_text()
    for text in ("", "{}", '{"points": [1]}', '{"points": 1}', whole[: len(whole) // 2]):
        (tmp_path / "series.json").write_text(text)
        with pytest.raises(ResultsError, match=r"no series\.json"):
            read_series(tmp_path)
    with pytest.raises(ResultsError, match="No such file"):
        read_series(tmp_path / "none.json")


def test_measured_values_are_beside_the_computed_ones(tmp_path: Path) -> None:
    a = report_cases.full()
    (point,) = report_cases.series_of([("a", a)])
    assert point.experiment_viscosity_mPa_s == pytest.approx(1.6, abs=0.2)  # 6.3 mol/L, 26 °C
    page = write_series_report([point], tmp_path, []).read_text()
    assert "viscosity, measured" in page and "conductivity, measured" in page
    assert "infinite dilution" in page
    (sodium,) = report_cases.series_of([("a", replace(a, input=replace(a.input, cation="Na")))])
    assert sodium.experiment_S_per_m is None and sodium.experiment_viscosity_mPa_s is None
    write_series_report([sodium], tmp_path, [])


def test_names_of_runs() -> None:
    assert run_names(["/a/run1/koh.dump", "/a/run2/koh.dump"]) == ["run1", "run2"]
    assert run_names(["/a/x.dump", "/a/y.dump.gz"]) == ["x", "y"]
    assert run_names(["/a/x.dump", "/b/x.dump"]) == ["a", "b"]
    assert run_names(["/a/c/x.dump", "/b/c/x.dump"]) == ["x_1", "x_2"]
    assert run_names(["k/12.7M_1.dump", "k/12.7M_2.dump.gz"]) == ["12.7M_1", "12.7M_2"]
    assert run_names(["a/results", "b/results/results.json"]) == ["a", "b"]
    assert run_names(["k/12.7M_1.json", "k/12.7M_2.json"]) == ["12.7M_1", "12.7M_2"]
    assert run_names(["k/12.7M_1.json"]) == ["12.7M_1"]


def test_series_from_the_command_line(tmp_path: Path) -> None:
    runs = []
    for name, n_koh, seed in (("a", 4, 1), ("b", 4, 2), ("c", 2, 3)):
        positions, types = koh_walkers(np.random.default_rng(seed), 40, n_koh=n_koh)
        (tmp_path / name).mkdir()
        runs.append(
            write_dump(tmp_path / name / "koh.dump", positions, types, CELL,
                       times=np.arange(40) * 0.01)
        )  # fmt: skip
    out = tmp_path / "out"
    words = ["analyze", *map(str, runs), "--series", "-o", str(out), "--temperature", "300"]
    # With pages, of two solutions.
    done = CliRunner().invoke(main, [word for word in words if word != str(runs[1])])
    assert done.exit_code == 0, done.output
    for name in "ac":
        assert (out / name / "results.json").is_file() and (out / name / "report.html").is_file()
    page = (out / "report.html").read_text()
    assert "a/report.html" in page and "Gilliam" in page
    # Again: refused; with --force and a replica more: the replicas are one line.
    assert "--force" in CliRunner().invoke(main, words).output
    words += ["--force", "--no-report"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    points = json.loads((out / "series.json").read_text())["points"]
    assert [point["runs"] for point in points] == [["c"], ["a", "b"]]
    header, *rows = (out / "series.csv").read_text().splitlines()[1:]
    assert len(rows) == 2 and all(len(r.split(",")) == len(header.split(",")) for r in rows)
    assert len(set(header.split(","))) == len(header.split(","))
    # A broken run is left out, and it is said.
    runs[0].write_text("rubbish\n")
    done = CliRunner().invoke(main, words)
    assert done.exit_code != 0 and "1 of 3 runs was left out" in done.output
    assert not (out / "a").exists() and (out / "b" / "results.json").is_file()


def test_a_run_is_not_its_own_replica(tmp_path: Path) -> None:
    """A copy is refused, the next part named; a start with other velocities is allowed."""

    def write(name: str, seed: int, part: slice = slice(None)) -> Path:
        positions, types = koh_walkers(np.random.default_rng(seed), 60, n_koh=2)
        times = np.arange(60) * 0.01
        return write_dump(tmp_path / name, positions[part], types, CELL, times=times[part])

    def run(*paths: Path) -> Any:
        words = ["--series", "--no-report", "--force", "--temperature", "300"]
        return CliRunner().invoke(
            main, ["analyze", *map(str, paths), "-o", str(tmp_path / "out"), *words]
        )

    whole, copy, other = write("a.dump", 1), write("b.dump", 1), write("c.dump", 2)
    twice = run(whole, tmp_path / "x" / ".." / "a.dump")
    assert twice.exit_code == 1 and "named twice" in twice.output
    for same in (copy, write("shorter.dump", 1, slice(0, 20))):
        found = run(whole, other, same)
        assert found.exit_code == 1 and "a.dump, so it is not another run" in found.output
        assert not (tmp_path / "out").exists()
    parts = write("p1.dump", 1, slice(0, 30)), write("p2.dump", 1, slice(30, 60))
    for order in (parts, parts[::-1], (*parts, other)):
        found = run(*order)
        assert found.exit_code == 0, found.output
        assert found.output.count("p2.dump begins where") == 1
    found = run(whole, other)
    assert found.exit_code == 0 and "Warning:" not in found.output
    # Two runs from one box are near to each other at first.
    positions, types = koh_walkers(np.random.default_rng(1), 10, n_koh=2)
    near = tmp_path / "d.dump", tmp_path / "e.dump"
    for path, way in zip(near, (1.0, -1.0), strict=True):
        moved = positions[0] + way * (positions - positions[0])
        write_dump(path, moved, types, CELL, times=np.arange(10) * 0.01)
    found = run(*near)
    assert found.exit_code == 0 and "begins where" not in found.output, found.output
    text, mine = whole.read_text(), other.read_text()
    first = text.index("ITEM: TIME\n", 5)
    other.write_text(text[:first] + mine[mine.index("ITEM: TIME\n", 5) :])
    found = run(whole, other)
    assert found.exit_code == 0, found.output


def test_onsager_coefficients_of_correlated_ions() -> None:
    """Cations that are dragged along: L_+- is known, and so is the cations' share."""
    shares, crosses, errors = [], [], []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        minus = brownian(rng, 8000, 4, 0.3, 0.05)
        plus = 0.5 * minus + brownian(rng, 8000, 4, 0.1, 0.05)
        moments = []
        for track in ion_tracks(plus, minus):
            correlator = OrderN(1)
            correlator.add(track)
            moments.append(correlator.result())
        choice = choose_fit(moments[0], 0.05, 8000, bounded=True)
        coefficients, share = onsager(tuple(moments), choice, (np.nan, np.nan))
        assert share is not None
        values = {entry.name: entry.coefficient.value for entry in coefficients}
        whole = values["cation_cation"] + values["hydroxide_hydroxide"]
        assert choice.fit is not None
        slope = choice.fit.slope_A2_per_ps.value
        assert whole - 2 * values["cation_hydroxide"] == pytest.approx(slope)
        shares.append(share.value)
        crosses.append(values["cation_hydroxide"])
        errors.append((coefficients[1].coefficient.stderr, share.stderr))
    of_cross, of_share = np.mean(errors, axis=0) / np.sqrt(8)
    assert np.mean(crosses) == pytest.approx(6 * 4 * 0.5 * 0.3, abs=4 * of_cross)
    # D of the cations 0.175, of hydroxides 0.3, common 0.15: (0.175 - 0.15) / 0.175
    assert np.mean(shares) == pytest.approx(0.025 / 0.175, abs=4 * of_share)


def test_cross_term_is_what_the_parts_have_in_common() -> None:
    """r = v + s with s = -v/2 + noise: <v·s> per time is -D_v/2, the cross term twice that."""
    rng = np.random.default_rng(0)
    v = brownian(rng, 6000, 12, 0.2, 0.05)
    s = -0.5 * v + brownian(rng, 6000, 12, 0.05, 0.05)
    displacements = {}
    for name, path in (("OH-", v + s), ("OH-_vehicular", v), ("OH-_structural", s)):
        correlator = OrderN(12)
        correlator.add(path)
        displacements[name] = correlator.result()
    total = choose_fit(displacements["OH-"], 0.05, 6000, (1.0, 20.0))
    found = cross_term(displacements, total)
    assert found is not None
    value, error, interval = found.value, found.stderr, found.interval
    assert error is not None
    assert value == pytest.approx(-0.2e-8, abs=3 * error)
    assert error < 0.04e-8
    assert interval is not None and interval[0] < -0.2e-8 < interval[1]
    assert interval[1] - interval[0] == pytest.approx(4 * error, rel=0.2)


def test_pressure_beside_the_dump(tmp_path: Path) -> None:
    """NAME.pressure.txt is found; a broken one is a warning unless it was named."""
    from test_analysis_dynamics import pressure_file, stress

    positions, types = koh_walkers(np.random.default_rng(1), 60)
    path = write_dump(tmp_path / "koh.dump", positions, types, CELL, times=np.arange(60) * 0.01)
    n = 25000
    table = stress(np.random.default_rng(0), n, 0.01, 0.3, 2000.0)
    rows = np.column_stack(
        [np.arange(n), np.arange(n) * 0.01, table, np.full(n, 300.0), np.full(n, 1728.0)]
    )
    record = pressure_file(tmp_path / "koh.pressure.txt", rows)
    words = ["analyze", str(path), "-o", str(tmp_path / "out"), "--temperature", "300", "--force",
             "--no-report"]  # fmt: skip

    def tree() -> dict[str, Any]:
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 0, done.output
        return json.loads((tmp_path / "out" / "results.json").read_text())

    found = tree()["viscosity"]
    expected = 1728e-30 * 2e8**2 * 0.3e-12 / (1.380649e-23 * 300.0) * 1e3
    assert found["viscosity_mPa_s"] == pytest.approx(expected, abs=4 * found["stderr_mPa_s"])
    record.write_text("rubbish\n")
    reasons = {w["quantity"]: w["reason"] for w in tree()["warnings"]}
    assert "koh.pressure.txt" in reasons["diffusion.viscosity"]
    done = CliRunner().invoke(main, [*words, "--pressure", str(record)])
    assert done.exit_code != 0 and "koh.pressure.txt" in done.output
