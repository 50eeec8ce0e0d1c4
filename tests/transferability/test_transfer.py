"""``pykoh transfer``: errors with known answers, leaks, the heat map and the sentence."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.io import read, write
from click.testing import CliRunner, Result

from labels import frames
from potentials import reference
from pykoh.cli import main
from pykoh.provenance import sha256
from pykoh.reference.frames import frame_key
from pykoh.transferability.candidates import Candidate
from pykoh.transferability.errors import (
    FrameErrors,
    draws_of_runs,
    energy_rmse,
    energy_spread,
    force_rmse,
    interval,
)
from pykoh.transferability.trainings import training_sets

# Errors put on the labels at each concentration, eV/Å and eV/atom.
FORCE_ERROR = {"dilute": 0.15, "dense": 0.30}
OFFSET = 0.005


@pytest.fixture(scope="module")
def test_file(tmp_path_factory: pytest.TempPathFactory, mace_model: Callable[[str], Path]) -> Path:
    """Labels that differ from the model `scalar` by known errors."""
    path = tmp_path_factory.mktemp("labels") / "l.extxyz"
    rng = np.random.default_rng(0)
    made = []
    for kind, size in FORCE_ERROR.items():
        for run in range(3):
            for frame in frames(kind, f"{kind}{run}", 2, seed=run):
                energy, forces, _ = reference(mace_model("scalar"), frame)
                noise = rng.normal(size=forces.shape)
                noise *= size / np.sqrt((noise**2).mean())
                frame.info.update(REF_energy=energy - OFFSET * len(frame), level="x")
                frame.arrays["REF_forces"] = forces + noise
                made.append(frame)
    write(path, made, format="extxyz")
    return path


def card(path: Path, molarities: list[float], **changes: object) -> None:
    """Write the record of a training beside a model."""
    entry = {
        "molarities_mol_per_L": molarities, "n_train": 12, "label_core_hours": 1.5,
        "core_hours": 0.25, "train_frames": [], "valid_frames": [], "runs": [],
        "level": {"name": "x", "key": "x"},
    }  # fmt: skip
    path.with_suffix(".json").write_text(json.dumps({**entry, **changes}))


@pytest.fixture
def place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mace_model: Callable[[str], Path]
) -> Path:
    """Two models: ``right`` has the known errors, ``wrong`` has others."""
    from potentials import random_mace

    monkeypatch.chdir(tmp_path)
    shutil.copyfile(mace_model("scalar"), tmp_path / "right.model")
    random_mace(tmp_path / "wrong.model", seed=5)
    return tmp_path


def transfer(data: Path, *models: str, options: tuple[str, ...] = ()) -> Result:
    return CliRunner().invoke(main, ["transfer", *models, "--data", str(data), "-o", "T", *options])


def test_known_errors_are_found(place: Path, test_file: Path) -> None:
    card(place / "right.model", [9.0])
    card(place / "wrong.model", [3.5])
    done = transfer(test_file, "right.model", "wrong.model")
    assert done.exit_code == 0, done.output
    result = json.loads((place / "T" / "transfer.json").read_text())
    right = result["models"][0]
    for cell, kind in zip(right["tests"], ("dilute", "dense"), strict=True):
        assert cell["n_frames"] == 6 and cell["n_trajectories"] == 3
        # Each frame has exactly this error, so that any sample of frames has it too.
        force = cell["force_rmse_meV_per_A"]
        assert force["value"] == pytest.approx(1e3 * FORCE_ERROR[kind], rel=1e-3)
        assert force["low"] == pytest.approx(force["high"], rel=1e-3)
        assert cell["energy_rmse_meV_per_atom"]["value"] == pytest.approx(1e3 * OFFSET, rel=1e-3)
        assert cell["energy_rmse_less_offset_meV_per_atom"]["value"] < 1e-2
    mean = np.sqrt(np.mean([(1e3 * e) ** 2 for e in FORCE_ERROR.values()]))
    assert right["force_rmse_over_concentrations_meV_per_A"]["value"] == pytest.approx(
        mean, rel=1e-3
    )
    assert right["worst_force_rmse_meV_per_A"]["value"] == pytest.approx(300.0, rel=1e-3)
    shares = [s["probability_best_single_concentration"] for s in result["training_sets"]]
    assert shares[0] > 0.9 and sum(shares) == pytest.approx(1.0)
    assert "label 9 mol/L" in result["conclusion"]
    assert result["conclusion"] in done.output
    table = list(csv.DictReader((place / "T" / "transfer.csv").open()))
    assert [row["label_core_hours"] for row in table] == ["1.5"] * 4
    for name in ("heatmap.png", "heatmap.svg"):
        assert (place / "T" / name).stat().st_size > 5000
    assert transfer(test_file, "right.model").exit_code == 1, "earlier results are kept"


def test_elements_add_up_to_the_total(place: Path, test_file: Path) -> None:
    assert transfer(test_file, "wrong.model").exit_code == 0
    cell = json.loads((place / "T" / "transfer.json").read_text())["models"][0]["tests"][0]
    by = cell["force_rmse_by_element_meV_per_A"]
    box = frames("dilute", "a", 1, seed=0)[0]
    counts = {s: box.get_chemical_symbols().count(s) for s in by}
    total = sum(counts[s] * by[s]["value"] ** 2 for s in by) / sum(counts.values())
    assert cell["force_rmse_meV_per_A"]["value"] == pytest.approx(np.sqrt(total), rel=1e-4)


def test_an_artifact_has_the_errors_of_its_model(
    place: Path, test_file: Path, artifact: Callable[[str], Path]
) -> None:
    shutil.copyfile(artifact("scalar"), place / "right.pt")
    done = transfer(test_file, "right.model", "right.pt", options=("--seed", "3"))
    assert done.exit_code == 0, done.output
    assert "no right.json beside it" in done.output
    result = json.loads((place / "T" / "transfer.json").read_text())
    one, other = result["models"]
    assert one["worst_force_rmse_meV_per_A"]["value"] == pytest.approx(
        other["worst_force_rmse_meV_per_A"]["value"], rel=1e-4
    )
    # Without records nothing says that they are trainings of one set.
    sets = result["training_sets"]
    assert [s["probability_best_single_concentration"] for s in sets] == [None, None]


def test_only_marked_frames_are_tested(place: Path, test_file: Path) -> None:
    made = read(test_file, index=":")
    for frame in made[::2]:
        frame.info["split"] = "test"
    write(place / "marked.extxyz", made, format="extxyz")
    assert transfer(place / "marked.extxyz", "right.model").exit_code == 0
    tests = json.loads((place / "T" / "transfer.json").read_text())["models"][0]["tests"]
    assert [cell["n_frames"] for cell in tests] == [3, 3]


def first(test_file: Path) -> Atoms:
    return read(test_file, index=0)


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("train_frames", "was trained on it"),
        ("valid_frames", "was trained on it"),
        ("runs", "trajectory dilute0, which are similar"),
        ("level", "another level of theory (y) than --data (x); give labels of its own level"),
        ("broken", "not a record of pykoh train"),
    ],
)
def test_tests_that_say_nothing_are_refused(
    place: Path, test_file: Path, what: str, expected: str
) -> None:
    values = {
        "train_frames": [frame_key(first(test_file))],
        "valid_frames": [frame_key(first(test_file))],
        "runs": ["dilute0"],
        "level": {"name": "y", "key": "y"},
        "broken": None,
    }
    card(place / "right.model", [9.0], **{what: values[what]})
    if what == "broken":
        (place / "right.json").write_text("{}")
    done = transfer(test_file, "right.model")
    assert done.exit_code == 1 and expected in done.output
    assert not (place / "T" / "transfer.json").exists()


def test_a_single_test_trajectory_is_said(place: Path, test_file: Path) -> None:
    made = [frame for frame in read(test_file, index=":") if frame.info["run"][-1] == "0"]
    write(place / "one.extxyz", made, format="extxyz")
    card(place / "right.model", [9.0])
    card(place / "wrong.model", [3.5])
    assert (
        "from a single trajectory"
        in transfer(place / "one.extxyz", "right.model", "wrong.model").output
    )
    done = transfer(test_file, "right.model", "wrong.model", options=("--force",))
    assert "label 9 mol/L" in done.output and "single trajectory" not in done.output


def test_learning_curve_needs_records(place: Path, test_file: Path) -> None:
    done = transfer(test_file, "right.model", options=("--learning-curve",))
    assert done.exit_code == 1 and "two or more models" in done.output
    card(place / "right.model", [9.0], n_train=40)
    card(place / "wrong.model", [9.0], n_train=20)
    done = transfer(test_file, "right.model", "wrong.model", options=("--learning-curve",))
    assert done.exit_code == 0, done.output
    assert (place / "T" / "learning_curve.png").stat().st_size > 5000
    assert "No conclusion" in done.output, "both models are of one concentration"
    card(place / "wrong.model", [3.5], n_train=20)
    done = transfer(test_file, "right.model", "wrong.model", options=("--force",))
    assert "different numbers of labels" in done.output


def test_other_seeds_are_trainings_of_one_set(place: Path, test_file: Path) -> None:
    from potentials import random_mace

    random_mace(place / "other.model", seed=6)
    card(place / "right.model", [9.0])
    card(place / "wrong.model", [3.5])
    card(place / "other.model", [3.5])
    done = transfer(test_file, "right.model", "wrong.model", "other.model")
    assert done.exit_code == 0, done.output
    result = json.loads((place / "T" / "transfer.json").read_text())
    right, wrong, other = (
        m["force_rmse_over_concentrations_meV_per_A"]["value"] for m in result["models"]
    )
    _, pair = result["training_sets"]
    assert pair["models"] == ["wrong", "other"]
    mean = pair["force_rmse_over_concentrations_meV_per_A"]
    assert mean["value"] == pytest.approx((wrong + other) / 2, abs=1e-3)
    spread = abs(wrong - other) / np.sqrt(2)
    assert result["spread_over_seeds"] == {
        "stdev_meV_per_A": pytest.approx(spread, rel=1e-3), "degrees_of_freedom": 1,
    }  # fmt: skip
    # The test frames add little: all of them have the same error of `right`.
    assert mean["stderr"] >= spread / np.sqrt(2)
    # One number says how two trainings differ: 95 % of Student's t with one degree of freedom.
    assert mean["high"] - mean["low"] > 10 * abs(wrong - other)
    assert right < wrong
    assert "The next is 3.5 mol/L" in done.output and "mean of 2 trainings" in done.output


def of_set(name: str, molarity: float, **more: Any) -> Candidate:
    return Candidate(name, Path(f"{name}.model"), (molarity,), **{"n_labels": 56, **more})


def test_what_is_a_training_set() -> None:
    """Boxes of one molarity, and seeds with other trajectories for validation, differ a little."""
    candidates = [
        of_set("a", 6.3364), of_set("b", 6.2727, n_labels=53), of_set("c", 12.74),
        of_set("other foundation", 6.3364, options="x"), of_set("few", 6.3364, n_labels=40),
        Candidate("no record", Path("n.model")), Candidate("nor here", Path("m.model")),
    ]  # fmt: skip
    draws = np.zeros(50)
    sets, spread = training_sets(candidates, [1.0] * 7, [draws] * 7, np.random.default_rng(0))
    assert [each.members for each in sets] == [(0, 1), (2,), (3,), (4,), (5,), (6,)]
    assert spread is not None and spread.freedom == 1
    assert sets[0].is_at(sets[2]) and not sets[0].is_at(sets[1])


def test_one_training_counts_once(place: Path, test_file: Path) -> None:
    """A model and its export have one record."""
    shutil.copyfile(place / "right.model", place / "copy.model")
    for name in ("right.model", "copy.model"):
        card(place / name, [9.0], model_sha256=sha256(place / "right.model"))
    done = transfer(test_file, "right.model", "copy.model")
    assert done.exit_code == 1 and "are one training" in done.output


def test_the_record_of_another_model_is_refused(place: Path, test_file: Path) -> None:
    """A model was replaced: its costs, concentrations and training frames are not known."""
    card(place / "wrong.model", [9.0], model_sha256=sha256(place / "right.model"))
    done = transfer(test_file, "wrong.model")
    assert done.exit_code == 1 and "is the record of another model than wrong.model" in done.output
    from pykoh.export.export import export_model

    export_model(place / "right.model", place / "wrong.pt")
    (place / "wrong.model").unlink()
    done = transfer(test_file, "wrong.pt")
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("n", [2, 3])
def test_intervals_of_training_sets_hold(n: int) -> None:
    """Seeds with a known spread, and test frames with a known error that all models share."""
    rng = np.random.default_rng(n)
    candidates = [of_set(f"{c}_{k}", c) for c in (6.3, 12.7) for k in range(n)]
    truth = {6.3: 46.0, 12.7: 44.0}
    held = []
    for _ in range(300):
        shared = rng.normal(scale=0.5)
        values = [truth[c.molarities_mol_per_L[0]] + shared + rng.normal() for c in candidates]
        draws = rng.normal(scale=0.5, size=2000)
        sets, spread = training_sets(candidates, values, [v + draws for v in values], rng)
        assert spread is not None and len(sets) == 2
        for found, true in zip(sets, truth.values(), strict=True):
            held.append(found.mean_meV_A.low < true < found.mean_meV_A.high)
    assert 0.92 < np.mean(held) < 0.98


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        (("none.model",), "no such file"),
        (("right.model", "right.model"), "named twice"),
        (("right.txt",), "neither a .model"),
    ],
)
def test_wrong_models(place: Path, test_file: Path, models: tuple[str, ...], expected: str) -> None:
    (place / "right.txt").write_text("x")
    done = transfer(test_file, *models)
    assert done.exit_code == 1 and expected in done.output


def random_errors(n_frames: int, rng: np.random.Generator) -> FrameErrors:
    squares = rng.exponential(size=(n_frames, 2))
    counts = rng.integers(3, 9, size=(n_frames, 2))
    return FrameErrors(squares, counts, rng.normal(size=n_frames))


def test_weighted_errors_against_repeated_frames() -> None:
    rng = np.random.default_rng(1)
    errors = random_errors(5, rng)
    weights = rng.integers(0, 3, size=(4, 5)).astype(float)
    weights[:, 0] += 1
    for row, force, energy, spread in zip(
        weights,
        force_rmse(errors, weights, 1),
        energy_rmse(errors, weights),
        energy_spread(errors, weights),
        strict=True,
    ):
        index = np.repeat(np.arange(5), row.astype(int))
        expected = np.sqrt(errors.force[index, 1].sum() / errors.components[index, 1].sum())
        assert force == pytest.approx(expected)
        assert energy == pytest.approx(np.sqrt((errors.energy[index] ** 2).mean()))
        assert spread == pytest.approx(errors.energy[index].std())


def test_trajectories_and_then_their_frames_are_drawn() -> None:
    runs = ["a", "b", "a", "c", "b", "a"]
    drawn = draws_of_runs(runs, np.random.default_rng(0))
    # As often as a trajectory is drawn, as many of its frames are, one or another.
    picked = np.stack([drawn[:, [k for k, r in enumerate(runs) if r == run]].sum(axis=1) / n
                       for run, n in (("a", 3), ("b", 2), ("c", 1))])  # fmt: skip
    assert np.array_equal(picked, np.round(picked)) and np.all(picked.sum(axis=0) == 3)
    assert picked.mean() == pytest.approx(1.0) and drawn.mean(axis=0) == pytest.approx(1.0, abs=0.1)
    assert not np.array_equal(drawn[:, 0], drawn[:, 2])


def test_two_trajectories_of_the_same_error_leave_something_open() -> None:
    squares = np.array([[1.0], [3.0], [3.0], [1.0]])
    errors = FrameErrors(squares, np.ones((4, 1), dtype=np.int64), np.zeros(4))
    drawn = draws_of_runs(["a", "a", "b", "b"], np.random.default_rng(0))
    assert interval(1.0, force_rmse(errors, drawn, 0)).stderr > 0.1


def test_interval_covers_the_truth() -> None:
    # Trajectories with their own error: frames of one are alike, and the interval has to know.
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(100):
        size = np.repeat(rng.gamma(8.0, 0.125, size=12), 5)
        squares = size[:, None] * rng.chisquare(30, size=(60, 1)) / 30
        errors = FrameErrors(squares, np.ones((60, 1), dtype=np.int64), np.zeros(60))
        runs = [str(k) for k in np.repeat(np.arange(12), 5)]
        drawn = draws_of_runs(runs, rng)
        once = force_rmse(errors, np.ones((1, 60)), 0)[0]
        found = interval(once, force_rmse(errors, drawn, 0))
        covered += found.low <= 1.0 <= found.high
    # 95 % asked; the bootstrap of twelve trajectories gives about 90 %.
    assert 82 <= covered <= 99
