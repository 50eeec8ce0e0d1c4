"""``pykoh analyze`` from the command line: results, invariances, and refusals that lose nothing."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from analysis_calls import CELL, DT, SETTINGS, call, dump, results_of, same, walkers
from pykoh.analysis.common.estimate_views import value_of
from pykoh.analysis.hydrogen_bonds.criteria import LUZAR_CHANDLER
from pykoh.analysis.pipeline import Settings, analyze
from pykoh.analysis.results.write import as_json
from pykoh.cli import main
from pykoh.trajectory.run import ReadOptions, Run
from trajectories import Molecules, koh_walkers, write_dump


def test_the_keys_of_the_design(tmp_path: Path) -> None:
    path = dump(tmp_path / "a.dump")
    found = call(
        path, "-o", tmp_path / "out", "--temperature", 300, "--viscosity", 1, "--no-report"
    )
    assert found.exit_code == 0, found.output
    tree = json.loads((tmp_path / "out" / "results.json").read_text())
    assert {
        "files", "n_frames", "n_atoms", "frame_interval_ps", "duration_ps", "volume_A3", "n_koh",
        "n_h2o", "molarity_mol_per_L", "temperature_K",
    } <= tree["input"].keys()  # fmt: skip
    species = {"K+", "OH-", "OH-_vehicular", "OH-_structural", "H2O", "H", "O"}
    assert tree["diffusion"].keys() == species
    for entry in tree["diffusion"].values():
        assert {
            "D_m2_per_s", "stderr_m2_per_s", "D_infinite_m2_per_s", "fit_window_ps"
        } <= entry.keys()  # fmt: skip
    assert {
        "n_transfers", "n_rattles", "n_hops", "hop_rate_per_ps", "hop_rate_stderr_per_ps",
        "residence_time_ps", "waiting_time_fit",
    } <= tree["grotthuss"].keys()  # fmt: skip
    hops = tree["grotthuss"]
    assert hops["n_transfers"] == hops["n_rattles"] + hops["n_hops"] > 0
    assert tree["hydrogen_bonds"].keys() == {"OH-_OH-", "H2O_OH-", "OH-_H2O", "H2O_H2O"}
    for entry in tree["hydrogen_bonds"].values():
        assert {
            "mean_per_donor", "mean_per_acceptor", "fraction_of_donors_bonded", "stderr",
            "lifetime_ps",
        } <= entry.keys()  # fmt: skip
    assert {
        "nernst_einstein_S_per_m", "einstein_S_per_m", "stderr", "experiment_S_per_m"
    } <= tree["conductivity"].keys()  # fmt: skip
    assert tree["input"]["n_koh"] == 4 and tree["input"]["n_h2o"] == 24
    # 3 ps are too short for diffusion: null with a reason
    assert tree["diffusion"]["K+"]["D_m2_per_s"] is None
    reasons = {warning["quantity"]: warning["reason"] for warning in tree["warnings"]}
    assert "too short" in reasons["diffusion.K+"]
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert record["status"] == "done" and record["n_frames"] == 300
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {
        "msd.csv", "charge_displacement.csv", "hop_rate_vs_window.csv", "hydrogen_bonds.csv",
        "waiting_times.csv", "rdf_Oh-Oh.csv", "rdf_K-Oh.csv", "results.json", "run.json",
    } <= names  # fmt: skip
    assert set(tree["structure"]["rdf_files"].values()) <= names
    for csv in (tmp_path / "out").glob("*.csv"):
        lines = csv.read_text().splitlines()
        assert lines[0].startswith("# ")
        table = np.genfromtxt(lines[2:], delimiter=",", dtype=str)
        assert table.shape[1] == len(lines[1].split(","))
        # As docs/commands/analyze.md says.
        named = np.genfromtxt(
            csv, delimiter=",", names=True, skip_header=1, dtype=None, encoding="utf-8"
        )
        assert named.dtype.names == tuple(lines[1].split(","))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.dump", "out"]
    assert "hops/ps" in found.output and "Warnings" in found.output


def test_known_diffusion_coefficients(tmp_path: Path) -> None:
    """Walkers of known D in water so heavy in number that its centre of mass hardly moves."""
    rng = np.random.default_rng(8)
    n, dt = 4000, 0.02
    scene = Molecules(
        np.stack(np.meshgrid(*[np.arange(4) * 5.0] * 3), -1).reshape(-1, 3) + 1.0,
        [1] * 4 + [2] * 60,
        cell=20.0,
        cations=np.stack(np.meshgrid(*[np.arange(2) * 10.0] * 3), -1).reshape(-1, 3)[:4] + 3.5,
    )
    scene.wait()
    d_k, d_water = 0.15, 0.02
    walk = rng.normal(size=(n, 68, 3)).cumsum(axis=0)
    walk[:, :64] *= np.sqrt(2 * d_water * dt)
    walk[:, 64:] *= np.sqrt(2 * d_k * dt)
    frames = np.repeat(scene.positions, n, axis=0)
    n_h = len(scene.owner)
    frames[:, :n_h] += walk[:, scene.owner]
    frames[:, n_h:] += walk
    # Identity by nearest oxygen must hold: no two oxygens meet in this short a run at this D.
    path = write_dump(
        tmp_path / "a.dump", frames, scene.types, scene.cell, times=np.arange(n) * dt, digits=".7f"
    )
    tree = results_of(path)
    for species, d in (("K+", d_k), ("O", d_water)):
        entry = tree["diffusion"][species]
        error = entry["stderr_m2_per_s"]
        assert entry["D_m2_per_s"] == pytest.approx(d * 1e-8, abs=4 * error), species
        assert error < 0.3 * d * 1e-8
    total = sum(4 * tree["diffusion"][ion]["D_m2_per_s"] for ion in ("K+", "OH-"))
    factor = (1.602176634e-19) ** 2 / (8000e-30 * 1.380649e-23 * 300.0)
    assert tree["conductivity"]["nernst_einstein_S_per_m"] == pytest.approx(factor * total)


def test_scripted_hops_and_bonds_from_a_dump(tmp_path: Path) -> None:
    line = [[2.0 + 2.8 * k, 5.0, 5.0] for k in range(4)]
    scene = Molecules(line, [1, 2, 2, 2], cations=[[12.0, 12.0, 12.0]])
    scene.wait(10)
    for frames, ion, to in ((10, 0, 1), (10, 1, 0), (40, 0, 1), (40, 1, 2)):
        scene.hop(ion, to)
        scene.wait(frames)
    path = write_dump(
        tmp_path / "a.dump", scene.positions, scene.types, scene.cell, times=np.arange(110) * DT
    )
    hops = results_of(path)["grotthuss"]
    assert (hops["n_transfers"], hops["n_rattles"], hops["n_hops"]) == (4, 2, 2)
    assert hops["hop_rate_per_ps"] == pytest.approx(2 / 1.09)
    assert hops["hop_length_A"] == pytest.approx(2.8)


class TestInvariance:
    def reference(self, tmp_path: Path) -> dict[str, Any]:
        return results_of(dump(tmp_path / "reference.dump"))

    @pytest.mark.parametrize(
        "columns",
        ["id type x y z", "id type xs ys zs ix iy iz", "element id xsu ysu zsu", "id type x y z q"],
    )
    def test_wrapping(self, tmp_path: Path, columns: str) -> None:
        # The walkers' protons jump when they hop; only whole images can follow that.
        options = {}
        if "u" not in columns and "ix" not in columns:
            options["positions"] = koh_walkers(np.random.default_rng(1), 300, cell=CELL, hop=0.0)[0]
        reference = results_of(dump(tmp_path / "a.dump", **options))
        same(reference, results_of(dump(tmp_path / "b.dump", columns=columns, **options)))

    def test_order_of_atoms_in_the_file(self, tmp_path: Path) -> None:
        same(self.reference(tmp_path), results_of(dump(tmp_path / "b.dump", shuffle=None)))
        same(self.reference(tmp_path), results_of(dump(tmp_path / "b.dump", shuffle=9)))

    def test_drift_and_origin(self, tmp_path: Path) -> None:
        frames, _ = walkers()
        drift = np.arange(len(frames))[:, None, None] * np.array([0.02, -0.01, 0.03])
        other = dump(
            tmp_path / "b.dump", frames + drift + [3.3, -1.0, 7.0], origin=(1.0, 2.0, -30.0)
        )
        same(self.reference(tmp_path), results_of(other))

    def test_time_origin_and_steps(self, tmp_path: Path) -> None:
        other = dump(tmp_path / "b.dump", times=None, steps=range(1_000_000, 1_006_000, 20))
        same(self.reference(tmp_path), results_of(other, timestep_fs=0.5))

    def test_the_same_lattice_by_other_vectors(self, tmp_path: Path) -> None:
        """b → b + a: a tilted box of the same crystal of images."""
        tilted = CELL * np.array([[1.0, 0, 0], [1.0, 1.0, 0], [0, 0, 1.0]])
        a = as_json(
            analyze(
                Run([dump(tmp_path / "a.dump")], ReadOptions()),
                Settings(criterion=LUZAR_CHANDLER.changed(3.0, None)),
            )
        )
        b = as_json(
            analyze(
                Run([dump(tmp_path / "b.dump", cell=tilted)], ReadOptions()),
                Settings(criterion=LUZAR_CHANDLER.changed(3.0, None)),
            )
        )
        for tree in (a, b):
            # the height of the tilted cell is smaller, so g(r) ends earlier
            del tree["structure"]
        same(a, b)

    def test_rotation_of_the_whole_box(self, tmp_path: Path) -> None:
        frames, _ = walkers()
        turn = np.linalg.qr(np.random.default_rng(4).normal(size=(3, 3)))[0]
        other = dump(tmp_path / "b.dump", frames @ turn, cell=CELL * turn, box="abc")
        same(self.reference(tmp_path), results_of(other))

    def test_time_backwards(self, tmp_path: Path) -> None:
        """What holds in equilibrium knows no direction of time."""
        frames = walkers()[0][:296]  # every fifth frame is a sample of structure both ways
        there = analyze(Run([dump(tmp_path / "a.dump", frames)], ReadOptions()), SETTINGS)
        back = analyze(Run([dump(tmp_path / "b.dump", frames[::-1])], ReadOptions()), SETTINGS)
        for name in ("K+", "OH-", "H2O", "H", "O"):
            a, b = there.diffusion.of(name), back.diffusion.of(name)
            assert a is not None and b is not None
            np.testing.assert_allclose(a.msd.msd_A2, b.msd.msd_A2, rtol=1e-8)
        for a, b in zip(there.hydrogen_bonds.classes, back.hydrogen_bonds.classes, strict=True):
            for name in ("mean_per_donor", "fraction_of_donors_bonded"):
                one, other = (value_of(getattr(each, name)) for each in (a, b))
                assert one == pytest.approx(other)
        for a, b in zip(there.structure.rdfs, back.structure.rdfs, strict=True):
            np.testing.assert_allclose(a.g, b.g, atol=1e-9)
        assert there.grotthuss.n_transfers == back.grotthuss.n_transfers
        charge = (x.conductivity.charge_displacement.msd_A2 for x in (there, back))
        np.testing.assert_allclose(*charge, rtol=1e-8)

    def test_parts_of_a_run(self, tmp_path: Path) -> None:
        frames, _ = walkers()
        times = np.arange(len(frames)) * DT
        paths = [
            dump(tmp_path / "1", frames[:120], times=times[:120]),
            dump(tmp_path / "2", frames[110:], times=times[110:]),
        ]
        other = as_json(analyze(Run(paths, ReadOptions()), SETTINGS))
        same(self.reference(tmp_path), other)


def test_velocities_give_the_temperature(tmp_path: Path) -> None:
    frames, types = walkers()
    masses = np.array([0, 1.008, 15.999, 39.0983])[types]
    rng = np.random.default_rng(0)
    velocities = rng.normal(size=frames.shape) * np.sqrt(0.83144626 * 333.0 / masses)[:, None]
    path = dump(tmp_path / "a.dump", columns="id type xu yu zu vx vy vz", velocities=velocities)
    tree = as_json(analyze(Run([path], ReadOptions()), Settings()))["input"]
    assert tree["temperature_source"] == "velocities"
    assert tree["temperature_K"] == pytest.approx(333.0, abs=4 * tree["temperature_stderr_K"])


def test_few_frames_give_nulls_with_reasons(tmp_path: Path) -> None:
    frames, _ = walkers()
    for n in (1, 2, 3):
        out = tmp_path / f"out{n}"
        found = call(dump(tmp_path / f"{n}.dump", frames[:n]), "-o", out, "--no-report")
        assert found.exit_code == 0, found.output
        tree = json.loads((out / "results.json").read_text())
        assert tree["diffusion"]["OH-"]["D_m2_per_s"] is None
        assert tree["input"]["n_frames"] == n
        quantities = {warning["quantity"] for warning in tree["warnings"]}
        assert {"diffusion.OH-", "conductivity.einstein_S_per_m", "input.temperature_K"} <= (
            quantities
        )


def test_the_pressure_record_tells_the_temperature(tmp_path: Path) -> None:
    """It is used where none is given, and goes before one that differs by more than 10 %."""
    path = dump(tmp_path / "a.dump")
    columns = "step time_ps pxx_bar pyy_bar pzz_bar pxy_bar pxz_bar pyz_bar temperature_K volume_A3"
    kelvin = 300.0 + np.random.default_rng(2).normal(scale=9.0, size=300)
    rows = (f"{k} {k * DT:g} 1 2 3 4 5 6 {t} {CELL**3}" for k, t in enumerate(kelvin))
    (tmp_path / "a.pressure.txt").write_text(f"# {columns}\n" + "\n".join(rows) + "\n")
    found = call(path, "-o", tmp_path / "out", "--no-report")
    assert found.exit_code == 0, found.output
    assert " K (from NAME.pressure.txt)" in found.output
    tree = json.loads((tmp_path / "out" / "results.json").read_text())["input"]
    assert tree["temperature_K"] == pytest.approx(kelvin.mean(), abs=0.3)
    assert tree["temperature_source"] == "record"
    for wrong in (250, 340):
        found = call(path, "-o", tmp_path / "wrong", "--temperature", wrong)
        assert found.exit_code == 1
        assert f"--temperature {wrong}: " in found.output
        assert "a.pressure.txt says 299." in found.output.splitlines()[-1]
    given = call(path, "-o", tmp_path / "given", "--temperature", 298.15, "--no-report")
    assert given.exit_code == 0 and "298.15 K;" in given.output


def test_a_stride_that_leaves_one_frame_is_no_run(tmp_path: Path) -> None:
    path = dump(tmp_path / "a.dump", walkers()[0][:20])
    found = call(path, "-o", tmp_path / "out", "--stride", 20, "--no-report")
    assert found.exit_code == 0, found.output
    tree = json.loads((tmp_path / "out" / "results.json").read_text())
    assert tree["input"]["n_frames"] == 1 and tree["input"]["frame_interval_ps"] is None
    assert "one frame shows no hops" in found.output


def test_coarse_frames_are_a_warning(tmp_path: Path) -> None:
    path = dump(tmp_path / "a.dump", times=np.arange(300) * 0.1)
    reasons = {w["quantity"]: w["reason"] for w in results_of(path)["warnings"]}
    assert "dump every 20 fs" in reasons["grotthuss.n_transfers"]


def test_coarser_frames_are_what_a_coarser_dump_shows(tmp_path: Path) -> None:
    path = dump(tmp_path / "a.dump")
    fine = analyze(Run([path], ReadOptions()), SETTINGS).grotthuss
    assert fine.intervals is not None
    assert fine.intervals.hop_rate_per_ps[0] == value_of(fine.hop_rate_per_ps)
    for row, stride in enumerate((2, 4, 8), start=1):
        found = analyze(Run([path], ReadOptions(stride=stride)), SETTINGS).grotthuss
        assert fine.intervals.interval_ps[row] == pytest.approx(stride * DT)
        rate = value_of(found.hop_rate_per_ps)
        assert fine.intervals.hop_rate_per_ps[row] == pytest.approx(rate)


def test_a_small_box_has_no_hydrogen_bonds(tmp_path: Path) -> None:
    frames, types = koh_walkers(
        np.random.default_rng(2), 30, n_koh=1, n_water=8, cell=6.5, step=0.02
    )
    path = dump(tmp_path / "a.dump", frames, types=types, cell=6.5 * np.eye(3))
    tree = results_of(path)
    assert tree["hydrogen_bonds"]["H2O_H2O"]["mean_per_donor"] is None
    reasons = {w["quantity"]: w["reason"] for w in tree["warnings"]}
    assert "less than twice" in reasons["hydrogen_bonds"]


def test_pure_water_and_other_ions(tmp_path: Path) -> None:
    frames, types = koh_walkers(np.random.default_rng(2), 40, n_koh=0, n_water=27)
    tree = results_of(dump(tmp_path / "w.dump", frames, types=types))
    assert tree["grotthuss"]["hop_rate_per_ps"] is None
    assert tree["diffusion"]["OH-"]["D_m2_per_s"] is None
    assert tree["hydrogen_bonds"]["OH-_OH-"]["mean_per_donor"] is None
    assert tree["hydrogen_bonds"]["H2O_H2O"]["mean_per_donor"] is not None
    found = call(
        dump(tmp_path / "na.dump"), "-o", tmp_path / "na", "--types", "H,O,Na", "--no-report"
    )
    assert found.exit_code == 0, found.output
    tree = json.loads((tmp_path / "na" / "results.json").read_text())
    assert "Na+" in tree["diffusion"] and tree["conductivity"]["experiment_S_per_m"] is None


def test_a_vacuum_is_not_compared_with_experiment(tmp_path: Path) -> None:
    """Neither is a box whose density its solution cannot have."""
    from pykoh.analysis.bulk import empty_layer, expected_density, no_bulk

    tilted = np.array([[12.0, 0, 0], [3.0, 12.0, 0], [0, 2.0, 36.0]])
    filled = np.random.default_rng(1).uniform(size=(3000, 3)) @ tilted
    assert empty_layer(filled, tilted) < 1.5
    height = 36.0 / np.linalg.norm([0, -2.0 / 12.0, 1.0])  # between the faces that are empty
    slab = filled[(filled @ np.linalg.inv(tilted))[:, 2] < 0.5]
    assert empty_layer(slab + 100.0, tilted) == pytest.approx(height / 2, rel=0.1)
    koh = expected_density("K", 10, 80, 298.15)  # 6.3 mol/L
    assert koh == (pytest.approx(1255, abs=15), True)
    assert no_bulk(1150.0, koh, 3.0) is None
    assert "empty" in str(no_bulk(1255.0, koh, 20.0))
    assert "kg/m³" in str(no_bulk(600.0, koh, 3.0)) and no_bulk(2000.0, koh, 3.0) is not None
    cesium = expected_density("Cs", 20, 60, None)  # no formula: that of water
    assert cesium == (pytest.approx(997, abs=1), False) and no_bulk(2100.0, cesium, 3.0) is None
    positions, types = koh_walkers(np.random.default_rng(1), 20)
    path = write_dump(
        tmp_path / "a.dump", positions, types, np.diag([CELL, CELL, 4 * CELL]), units="metal",
        times=np.arange(20) * DT,
    )  # fmt: skip
    found = call(path, "-o", tmp_path / "out", "--no-report", "--temperature", 300)
    assert found.exit_code == 0 and "of the box is empty" in found.output
    tree = json.loads((tmp_path / "out" / "results.json").read_text())
    assert tree["conductivity"]["experiment_S_per_m"] is None and not tree.get("experiment")


@pytest.mark.parametrize("kept", [False, True])
def test_an_interrupt_says_what_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: bool
) -> None:
    def stopped(*_: Any, **__: Any) -> None:
        if kept:
            (tmp_path / "out.checkpoint.npz").touch()
        raise KeyboardInterrupt

    monkeypatch.setattr("pykoh.cli.analyze.analyze", stopped)
    monkeypatch.setattr("pykoh.report.view.view", stopped)
    path = dump(tmp_path / "a.dump", walkers()[0][:20])
    found = call(path, "-o", tmp_path / "out")
    assert found.exit_code == 1
    last = found.output.splitlines()[-1]
    assert last.startswith("Error: interrupted; nothing was changed in ")
    assert ("continues from" in last and "out.checkpoint.npz" in last) == kept
    found = CliRunner().invoke(main, ["view", str(path), "-o", str(tmp_path / "a.html")])
    assert "interrupted; " in found.output and "a.html was not changed" in found.output


def test_a_run_without_hops_says_so(tmp_path: Path) -> None:
    positions, types = koh_walkers(np.random.default_rng(1), 300, cell=CELL, hop=0.0)
    path = dump(tmp_path / "a.dump", positions, types=types)
    found = call(path, "-o", tmp_path / "out", "--no-report")
    assert found.exit_code == 0, found.output
    tree = json.loads((tmp_path / "out" / "results.json").read_text())
    assert tree["grotthuss"]["n_hops"] == 0
    assert tree["hydroxide_cross_term"]["D_m2_per_s"] is None, "not 0 ± 0"
    reasons = {entry["quantity"]: entry["reason"] for entry in tree["warnings"]}
    assert reasons["diffusion.OH-_structural"] == "no proton hopped in this run"


def test_last_frame_cut_off_is_said(tmp_path: Path) -> None:
    frames, _ = walkers()
    path = dump(tmp_path / "a.dump", frames[:30])
    path.write_text(path.read_text()[:-100])
    found = call(path, "-o", tmp_path / "out", "--no-report")
    assert found.exit_code == 0
    assert "is left out; frames used: 29" in found.output


def test_from_a_pipe_as_a_program(tmp_path: Path) -> None:
    frames, _ = walkers()
    path = dump(tmp_path / "a.dump", frames[:50])
    done = subprocess.run(
        [sys.executable, "-m", "pykoh", "analyze", "-", "-o", str(tmp_path / "out")],
        input=gzip.compress(path.read_bytes()),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    tree = json.loads((tmp_path / "out" / "results.json").read_text())
    assert tree["input"]["files"] == ["-"]
    assert tree["input"]["n_frames"] == 50
    report = (tmp_path / "out" / "report.html").read_text()
    assert "<html" in report
