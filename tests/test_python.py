"""``import pykoh``: what the main commands do, as functions."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase.build import molecule

import pykoh
from labels import frames, label_file
from pykoh.analysis.common.estimate_views import value_of
from pykoh.errors import (
    CampaignError,
    LabelError,
    ObservableError,
    TrainingError,
    TrajectoryError,
)
from pykoh.training.options import check
from trajectories import koh_walkers, write_dump

CELL = 16.0
INTERVAL_PS = 0.02


@pytest.fixture(scope="module")
def dump(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short trajectory with hops, wrapped into its cell."""
    positions, types = koh_walkers(np.random.default_rng(1), 300, cell=CELL, n_water=100)
    return write_dump(
        tmp_path_factory.mktemp("run") / "koh.dump", positions, types, CELL * np.eye(3),
        columns="id type x y z", units="metal", times=INTERVAL_PS * np.arange(300),
    )  # fmt: skip


def numbers(results: pykoh.AnalysisResults) -> list[float | None]:
    """Return some numbers of every kind of result."""
    hydroxide = results.diffusion.of("OH-")
    assert hydroxide is not None
    bonds = [value_of(each.mean_per_donor) for each in results.hydrogen_bonds.classes]
    rate = value_of(results.grotthuss.hop_rate_per_ps)
    molarity = results.input.molarity_mol_per_L
    return [rate, molarity, *bonds, *hydroxide.msd.msd_A2[:9]]


def test_importing_it_loads_nothing_else() -> None:
    code = "import sys, pykoh; print([m for m in ('numpy', 'torch', 'ase') if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"


def test_every_public_name_is_there() -> None:
    assert pykoh.__all__ == sorted(pykoh._PLACES)
    for name in pykoh.__all__:
        assert getattr(pykoh, name).__doc__, name
    assert set(pykoh.__all__) <= set(dir(pykoh))
    with pytest.raises(AttributeError, match="no attribute 'analyse'"):
        pykoh.analyse  # noqa: B018


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [m for m in sys.modules if m.startswith("pykoh.engines.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(pykoh.PykohError, match="Calculator needs torch, which is not installed"):
        pykoh.Calculator  # noqa: B018


def test_a_box_is_written_and_goes_to_ase(tmp_path: Path) -> None:
    box = pykoh.build(6.26, 90, seed=3)
    atoms = box.to_ase()
    assert len(atoms) == box.composition.n_atoms and all(atoms.pbc)
    assert atoms.get_volume() == pytest.approx(box.composition.volume_A3)
    data, xyz = box.write(tmp_path / "koh.data")
    assert data.exists() and xyz.exists() and "seed 3" in data.read_text()
    assert any("shorter than 10 Å" in note for note in pykoh.build(n_koh=1, n_water=9).cautions)
    again = pykoh.build(6.26, 90, seed=3)
    assert np.array_equal(again.packed.positions_A, box.packed.positions_A)


def test_a_trajectory_in_memory_gives_what_its_file_gives(dump: Path, tmp_path: Path) -> None:
    of_file = pykoh.analyze(dump)
    trajectory = pykoh.Trajectory.read(dump)
    assert trajectory.n_frames == 300 and trajectory.times_ps[1] == pytest.approx(INTERVAL_PS)
    assert None not in numbers(of_file)
    for source in (
        trajectory,
        trajectory.to_mdtraj(),
        pykoh.Trajectory.from_ase(trajectory.to_ase(), INTERVAL_PS),
    ):
        found = pykoh.analyze(source)
        # mdtraj holds single precision.
        assert numbers(found) == pytest.approx(numbers(of_file), rel=2e-3)
    seen: list[int] = []
    pykoh.analyze(
        trajectory, tmp_path / "out", report=False, progress=lambda run, n: seen.append(n)
    )
    written = json.loads((tmp_path / "out" / "results.json").read_text())
    assert written["pykoh"] == pykoh.__version__ and seen[-1] == 300
    assert not (tmp_path / "out" / "report.html").exists()


def test_mdanalysis_in(dump: Path) -> None:
    mda = pytest.importorskip("MDAnalysis")
    trajectory = pykoh.Trajectory.read(dump)
    universe = mda.Universe.empty(len(trajectory.elements), trajectory=True)
    wide = np.tile([CELL, CELL, CELL, 90.0, 90.0, 90.0], (trajectory.n_frames, 1))
    universe.load_new(trajectory.positions_A, dimensions=wide, dt=INTERVAL_PS)
    with pytest.raises(TrajectoryError, match="has no elements"):
        pykoh.analyze(universe)
    universe.add_TopologyAttr("elements", list(trajectory.elements))
    found = numbers(pykoh.analyze(universe))
    assert found == pytest.approx(numbers(pykoh.analyze(dump)), rel=2e-3)


def test_velocities_go_to_ase_and_back() -> None:
    rng = np.random.default_rng(0)
    positions, velocities = rng.random((2, 3, 3)), rng.random((2, 3, 3))
    cells, times = np.tile(CELL * np.eye(3), (2, 1, 1)), np.array([0.0, 0.5])
    made = pykoh.Trajectory(("O", "H", "H"), positions, cells, times, velocities)
    back = pykoh.Trajectory.from_ase(made.to_ase(), 0.5)
    assert back.velocities_A_per_ps == pytest.approx(velocities)
    assert back.elements == made.elements and np.array_equal(back.times_ps, times)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (3, "is not a trajectory"),
        ([], "no trajectory was given"),
        (pykoh.Trajectory(("Cl",), np.ones((2, 1, 3)), np.tile(np.eye(3), (2, 1, 1)),
                          np.arange(2.0)), "has Cl"),
        (pykoh.Trajectory(("O", "H"), np.ones((2, 2, 3)), np.zeros((2, 3, 3)), np.arange(2.0)),
         "no periodic cell"),
    ],
)  # fmt: skip
def test_what_is_no_trajectory_is_one_line(source: object, said: str) -> None:
    with pytest.raises(TrajectoryError, match=said) as error:
        pykoh.analyze(source)
    assert "\n" not in str(error.value)


def test_arrays_that_do_not_fit_together() -> None:
    cells, times = np.tile(np.eye(3), (2, 1, 1)), np.arange(2.0)
    with pytest.raises(TrajectoryError, match=r"cells_A has the shape \(1, 3, 3\)"):
        pykoh.Trajectory(("O",), np.ones((2, 1, 3)), cells[:1], times)
    with pytest.raises(TrajectoryError, match="positions_A has 2 dimensions, not 3"):
        pykoh.Trajectory(("O",), np.ones((2, 3)), cells, times)
    plain = pykoh.Trajectory(["O"], np.ones((2, 1, 3)).tolist(), cells.tolist(), [0, 1])
    assert plain.elements == ("O",) and plain.positions_A.dtype == np.float64
    with pytest.raises(TrajectoryError, match="has 2 elements, but 1 atoms"):
        pykoh.Trajectory(("O", "H"), np.ones((2, 1, 3)), cells, times)
    with pytest.raises(TrajectoryError, match="not periodic"):
        pykoh.Trajectory.from_ase([molecule("H2O")], 0.1)
    with pytest.raises(TrajectoryError, match="is empty"):
        pykoh.Trajectory.from_ase([], 0.1)
    for interval in (0, -1.0, float("nan"), float("inf"), None):
        with pytest.raises(TrajectoryError, match=f"interval_ps {interval}: give the time"):
            pykoh.Trajectory.from_ase([molecule("H2O")], interval)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature_K", -5), ("temperature_K", float("nan")), ("viscosity_mPa_s", 0.0),
        ("rattle_window_ps", -1), ("contact_A", float("inf")), ("fit_window_ps", (-1.0, 2.0)),
        ("temperature_K", "300"), ("fit_window_ps", (5.0, 1.0)), ("fit_window_ps", 3.0),
    ],
)  # fmt: skip
def test_settings_are_checked(name: str, value: Any) -> None:
    with pytest.raises(ObservableError, match=f"^{name} .*: has to be"):
        pykoh.Settings(**{name: value})


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("stride", 0, "1 or more"), ("stride", -2, "1 or more"), ("stride", 2.5, "whole number"),
        ("units", "lj", "choose metal or real"), ("start_ps", float("nan"), "finite number"),
        ("stop_ps", "5", "finite number"), ("timestep_fs", -1.0, "above 0"),
        ("interval_ps", 0, "above 0"), ("temperature_K", float("inf"), "finite number"),
        ("species_map", "H,O,K", "SpeciesMap.parse"),
    ],
)  # fmt: skip
def test_options_of_reading_are_checked(name: str, value: Any, said: str) -> None:
    """A stride of 2.5 took every fifth frame, one of 0 ended in a traceback."""
    with pytest.raises(TrajectoryError, match=f"^{name} .*{said}"):
        pykoh.ReadOptions(**{name: value})


def test_arguments_are_checked_as_options_are(tmp_path: Path) -> None:
    model = tmp_path / "koh.model"
    model.write_bytes(b"a model")
    wrong: list[tuple[Any, str]] = [
        (lambda: pykoh.export_model(model, model), "would replace the model itself"),
        (
            lambda: pykoh.export_model(model, tmp_path / "x.pt", "float16"),
            "choose float32, float64",
        ),
        (lambda: pykoh.export_model(model, tmp_path / "x.pt", route="foo"), "choose auto, fast"),
        (lambda: check(pykoh.TrainingOptions(method="LoRA", foundation=str(model))), "--method"),
        (lambda: check(pykoh.TrainingOptions(dtype="float16")), "--dtype"),
        (lambda: check(pykoh.TrainingOptions(seed=-1)), "--seed -1"),
        (lambda: pykoh.run("koh.in", {"data": "koh.data"}, threads=-1), "--threads -1"),
        (lambda: pykoh.build(6.3, seed=-1), "--seed -1"),
        (lambda: pykoh.analyze("koh.dump", workers=0), "workers 0"),
        (lambda: pykoh.analyze("koh.dump", checkpoint_min=-1.0), "checkpoint_min -1"),
        (lambda: pykoh.analyze_series("koh.dump", tmp_path / "s"), "a path for each run"),
        (lambda: pykoh.analyze_series([], tmp_path / "s"), "no run was given"),
    ]
    for call, said in wrong:
        with pytest.raises(pykoh.PykohError, match=said):
            call()
    assert model.read_bytes() == b"a model"


def test_labels_of_frames_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lennard.py").write_text(
        "from ase.calculators.lj import LennardJones\n"
        "def calculator():\n    return LennardJones(sigma=1.0, epsilon=0.05, rc=2.5, smooth=True)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    boxes = frames("dense", "a", 2, seed=1)
    seen = []
    done = pykoh.label(boxes, "l.extxyz", labeller="lennard:calculator", progress=seen.append)
    assert done.progress.done == done.progress.total == 2 and done.labels.exists()
    assert seen[-1].done == 2
    # The first frame twice: it is there already.
    more = pykoh.label([*boxes, boxes[0]], "l.extxyz", labeller="lennard:calculator")
    assert more.notes == ["frame 3: left out, is the same as frame 1"]
    with pytest.raises(LabelError, match="is extended xyz"):
        pykoh.label(boxes, "l.txt", labeller="lennard:calculator")


def test_a_model_is_trained_and_exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = label_file(tmp_path / "l.extxyz", n_frames=2)
    from pykoh.training.options import Architecture

    options = pykoh.TrainingOptions(architecture=Architecture(4, 0, 1, 3.0, 1), epochs=2)
    epochs = []
    made = pykoh.train(data, "m.model", options, progress=lambda epoch, left: epochs.append(epoch))
    assert made.model.exists() and made.card["validation"]["epoch"] in (1, 2) and epochs
    with pytest.raises(TrainingError, match=r"NAME\.model"):
        pykoh.train(data, "m.pt", options)
    assert pykoh.export_model(made.model, tmp_path / "m.pt").path.exists()


def test_a_run_goes_on_where_it_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    from pykoh.doctor.lammps import potential

    pykoh.build(6.26, 60, seed=1).write("koh.data")
    steps = []
    variables = {"potential": potential(), "ps": 0.002, "relax": 5, "dump_fs": 1}
    done = pykoh.run("koh.in", variables, threads=1, progress=lambda p: steps.append(p.step))
    assert done.last_step == 4 and not done.interrupted and steps[-1] == 4
    # In another thread too, where Python allows no handler of Ctrl-C.
    with ThreadPoolExecutor(1) as pool:
        more = pool.submit(pykoh.run, "koh.in", {**variables, "ps": 0.004}, threads=1).result()
    assert (more.first_step, more.last_step) == (4, 8)
    assert pykoh.Trajectory.read("koh.dump").n_frames == 5


def test_a_campaign_in_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    from pykoh.doctor.lammps import potential

    monkeypatch.setenv("PATH", "")
    said: list[str] = []
    settings = {"molarities": [6.26], "potential": potential(), "ps": 1, "atoms": 60}
    with pytest.raises(CampaignError, match="sbatch"):
        pykoh.submit(output="c", say=said.append, **settings)
    assert not said and not Path("c").exists(), "nothing is made on a machine without Slurm"
    with pytest.raises(CampaignError, match="give settings with a campaign file"):
        campaign = pykoh.Campaign(molarities=(6.26,), potential=str(potential()))
        pykoh.submit(campaign, ps=3)
