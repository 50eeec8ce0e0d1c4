"""``pykoh train``: mace-torch's own trainer on a small model, stopped, resumed and fine-tuned."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from labels import label_file
from pykoh.cli import main
from pykoh.errors import TrainingError
from pykoh.training.progress import read_epochs

# Many, so that a training of a tenth of a second per epoch can be killed on its way.
N_EPOCHS = 40
SMALL = ["--channels", "4", "--max-ell", "1", "--cutoff", "3", "--seed", "3"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return label_file(tmp_path_factory.mktemp("labels") / "l.extxyz", n_frames=2)


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def train(data: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["train", str(data), *arguments])


def errors_of(model: Path, frames: list) -> float:
    """Return the force RMSE of a model, eV/Å."""
    from potentials import reference

    squares = []
    for frame in frames:
        atoms = frame.copy()
        _, forces, _ = reference(model, atoms)
        squares.append(((forces - frame.arrays["REF_forces"]) ** 2).ravel())
    return float(np.sqrt(np.concatenate(squares).mean()))


def test_a_killed_training_goes_on_and_keeps_its_record(data: Path, place: Path) -> None:
    options = ["-o", "m.model", "--epochs", str(N_EPOCHS), *SMALL]
    process = subprocess.Popen([sys.executable, "-m", "pykoh", "train", str(data), *options])
    deadline = time.monotonic() + 240
    record = place / "m.train" / "run.json"
    results = place / "m.train" / "results"
    # Three lines: the checkpoint of the second was written before the third.
    while time.monotonic() < deadline and process.poll() is None:
        if (
            record.exists()
            and json.loads(record.read_text())["core_hours"] > 0
            and len(read_epochs(results)) >= 3
        ):
            break
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    # The trainer dies with pykoh: a resumed run would otherwise compete with it.
    time.sleep(1.0)
    before = read_epochs(results)
    time.sleep(2.0)
    assert read_epochs(results) == before
    assert 3 <= len(before) < N_EPOCHS and not (place / "m.model").exists()
    spent = json.loads(record.read_text())["core_hours"]

    done = train(data, *options)
    assert done.exit_code == 0, done.output
    log = (place / "m.train" / "train.log").read_text()
    assert "Loading checkpoint" in log
    card = json.loads((place / "m.json").read_text())
    assert card["status"] == "done" and card["core_hours"] > spent > 0
    assert card["n_train"] + card["n_valid"] == 12
    assert sorted(card["molarities_mol_per_L"]) == card["molarities_mol_per_L"]
    assert card["e0_eV"] == {"H": -0.1, "O": -0.2, "K": -0.3}
    epochs = read_epochs(results)
    assert [e.number for e in epochs] == list(range(-1, N_EPOCHS))
    assert epochs[-1].force_rmse_meV_A < epochs[0].force_rmse_meV_A
    assert (place / "m.train" / "learning_curve.png").stat().st_size > 5000

    # The error that the record claims is the error of the file.
    from ase.io import read

    valid = read(place / "m.train" / "valid.extxyz", index=":")
    claimed = card["validation"]["force_rmse_meV_per_A"] / 1e3
    assert errors_of(place / "m.model", valid) == pytest.approx(claimed, rel=1e-3)

    again = train(data, *options)
    assert again.exit_code == 1 and "--force" in again.output

    (place / "m.model").unlink()
    other = train(data, "-o", "m.model", "--epochs", "2", *SMALL)
    assert other.exit_code == 1
    assert "holds a training with different options" in other.output


def test_options_that_an_earlier_version_did_not_know_are_no_change(place: Path) -> None:
    from pykoh.training.run import _SETTINGS, _stopped_training
    from pykoh.transferability.candidates import _without_seed

    asked = {**dict.fromkeys(_SETTINGS, 1), "options": {"epochs": 3, "grow_channels": None}}
    earlier = {**asked, "options": {"epochs": 3}}
    (place / "m.train").mkdir()
    (place / "m.train" / "run.json").write_text(json.dumps(earlier))
    assert _stopped_training(place / "m.train", asked, force=False) == earlier
    assert _without_seed(asked["options"]) == _without_seed(earlier["options"])
    asked["options"]["grow_channels"] = 96
    with pytest.raises(TrainingError, match="a training with different options; choose another -o"):
        _stopped_training(place / "m.train", asked, force=False)


def test_the_record_has_the_errors_of_the_epoch_whose_weights_are_kept(place: Path) -> None:
    from pykoh.training.progress import Epoch
    from pykoh.training.run import _epoch_of_model

    # After a stop mace-torch forgets the earlier losses: it kept epoch 7 here, not the best one.
    losses = (9.0, 0.5, 0.9, 0.8, 0.7, 0.75)
    epochs = [Epoch(k, 1e3 * v, 1e3 * v, v) for k, v in zip(range(2, 8), losses, strict=True)]
    (place / "checkpoints").mkdir()
    for number in (4, 7):
        (place / "checkpoints" / f"a_epoch-1_run-3_epoch-{number}.pt").touch()
    assert _epoch_of_model(place, epochs).number == 7


def test_label_files_of_one_name_are_all_in_the_record(place: Path) -> None:
    from pykoh.training.run import _checksums

    files = [place / name / "l.extxyz" for name in "ab"]
    for path in files:
        path.parent.mkdir()
        path.write_text(path.parent.name)
    found = _checksums(files)
    assert list(found) == [str(path) for path in files]
    assert len(set(found.values())) == 2
    assert list(_checksums(files[:1])) == ["l.extxyz"]


def test_a_running_training_is_left_alone(data: Path, place: Path) -> None:
    import fcntl

    folder = place / "m.train"
    folder.mkdir()
    (folder / "run.json").write_text('{"train_frames": [], "valid_frames": []}')
    (folder / "train.log").write_text("hours of work")
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = train(data, "-o", "m.model", "--epochs", "1", *SMALL, "--force")
    assert done.exit_code == 1 and "another pykoh train works" in done.output
    assert (folder / "train.log").read_text() == "hours of work"


@pytest.mark.parametrize("options", [[], ["--force"]])
@pytest.mark.parametrize("name", ["train.extxyz", "run.json"])
def test_a_folder_of_something_else_is_left_alone(
    data: Path, place: Path, name: str, options: list[str]
) -> None:
    folder = place / "m.train"
    folder.mkdir()
    (folder / name).write_text('{"input": "koh.in"}')
    done = train(data, "-o", "m.model", "--epochs", "1", *SMALL, *options)
    assert done.exit_code == 1 and "m.train" in done.output and "Traceback" not in done.output
    assert {each.name for each in folder.iterdir()} <= {name, "lock"}
    assert (folder / name).read_text() == '{"input": "koh.in"}'


def test_a_file_that_is_no_record_of_a_model_is_kept(data: Path, place: Path) -> None:
    """`pykoh label` writes labels.json beside labels.extxyz."""
    (place / "m.json").write_text('{"labelled": 4, "failures": {"a": "no convergence"}}')
    for more in ([], ["--force"]):
        done = train(data, "-o", str(place / "m.model"), "--epochs", "1", *more)
        assert done.exit_code == 1 and "m.json: is not the record of a model" in done.output
    assert "no convergence" in (place / "m.json").read_text()


def test_a_foundation_is_cut_to_the_elements_of_the_data(
    data: Path, place: Path, mace_model: Callable[[str], Path]
) -> None:
    from potentials import random_mace

    random_mace(place / "wide.model", hidden="4x0e", max_ell=1, numbers=(1, 3, 8, 11, 19))
    done = train(
        data, "-o", "m.model", "--foundation", "wide.model", "--epochs", "1",
        "--molarity", "9.3", "--labels", "3",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    from pykoh.export.read import read_mace_model

    assert [int(z) for z in read_mace_model(place / "m.model").atomic_numbers] == [1, 8, 19]
    card = json.loads((place / "m.json").read_text())
    assert card["n_train"] == 3
    before = card["before_training"]["force_rmse_meV_per_A"]
    became_worse = before < card["validation"]["force_rmse_meV_per_A"]
    assert ("the foundation model was better" in done.output) == became_worse
    assert card["molarities_mol_per_L"] == [pytest.approx(9.0, abs=1.0)]

    random_mace(place / "narrow.model", hidden="4x0e", max_ell=1, numbers=(1, 8))
    done = train(data, "-o", "n.model", "--foundation", "narrow.model", "--epochs", "1")
    assert done.exit_code == 1 and "does not know K" in done.output


def test_given_energies_of_atoms_are_shown(data: Path, place: Path) -> None:
    """They replace those of the labels, and the check shows what would be used."""
    done = train(data, "--check", "--e0", "H=-0.1")
    assert done.exit_code == 0 and "replace" not in done.output
    done = train(data, "--check", "--e0", "H=-0.15")
    assert done.exit_code == 0, done.output
    assert "the given -0.15 eV replace -0.1 eV of the labels" in done.output
    assert "isolated atoms (eV): H -0.1500 K -0.3000 O -0.2000" in done.output


def test_a_check_says_what_would_train(data: Path, place: Path) -> None:
    flags = ("--mace", "keep_checkpoints=True", "--mace", "ema=False", "--mace", "batch_size=1")
    done = train(data, "--check", "--molarity", "9.3", "--labels", "3", *flags)
    assert done.exit_code == 0, done.output
    assert "\n3 frames train, " in done.output
    assert not list(place.iterdir())


def test_a_check_opens_the_foundation(data: Path, place: Path) -> None:
    from potentials import random_mace

    random_mace(place / "all.model", hidden="4x0e", max_ell=1, numbers=(1, 8, 19))
    random_mace(place / "narrow.model", hidden="4x0e", max_ell=1, numbers=(1, 8))
    (place / "text.model").write_text("no model")
    before = sorted(place.iterdir())
    assert train(data, "--check", "--foundation", "all.model").exit_code == 0
    for options, expected in (
        (["narrow.model"], "narrow.model: does not know K"),
        (["text.model"], "text.model: is not"),
        (["all.model", "--grow-ell", "2", "--molarity", "9.3"], None),
    ):
        done = train(data, "--check", "--foundation", *options)
        assert done.exit_code == (0 if expected is None else 1), done.output
        assert expected is None or expected in done.output
    assert sorted(place.iterdir()) == before


def test_a_wrong_option_of_mace_leaves_an_earlier_training(data: Path, place: Path) -> None:
    (place / "m.train").mkdir()
    (place / "m.train" / "run.json").write_text("{}")
    given = "--mace no_such=1 --mace num_radial_basis=many"
    done = train(data, "-o", "m.model", *given.split(), "--force")
    assert done.exit_code == 1
    expected = "mace-torch says argument --num_radial_basis: invalid int value: 'many'; "
    assert f"{given}: {expected}" in done.output
    assert (place / "m.train" / "run.json").read_text() == "{}"


@pytest.mark.slow
@pytest.mark.parametrize("method", ["replay", "lora"])
def test_ways_to_fine_tune(data: Path, place: Path, method: str) -> None:
    assert train(data, "-o", "pre.model", "--epochs", "10", *SMALL).exit_code == 0
    extra = ["--replay", str(data)] if method == "replay" else ["--lora-rank", "2"]
    done = train(
        data, "-o", "m.model", "--foundation", "pre.model", "--method", method, *extra,
        "--epochs", "2", "--lr", "1e-4",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    from ase.io import read

    from pykoh.export.export import export_model

    valid = read(place / "m.train" / "valid.extxyz", index=":")
    before = errors_of(place / "pre.model", valid)
    assert errors_of(place / "m.model", valid) == pytest.approx(before, rel=0.2)
    report = export_model(place / "m.model", place / "m.pt")
    assert report.metadata.elements == ("H", "O", "K")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["-o", "m.pt"], "a model is named NAME.model"),
        (["-o", "no/m.model"], "create it first"),
        (["-o", "m.model", "--foundation", "tiny"], "their names are small"),
        (["-o", "m.model", "--method", "lora"], "name the model with --foundation"),
        (["-o", "m.model", "--foundation", "medium-mpa-0", "--method", "replay"], "--replay FILE"),
        (["-o", "m.model", "--molarity", "15"], "no labels within 10 %"),
        (["-o", "m.model", "--labels", "99"], "only"),
        (["-o", "m.model", "--batch-size", "50"], "frames to train on"),
        (["-o", "m.model", "--lr", "1e-3", "--final-lr", "1e-2"], "--final-lr"),
        (["-o", "m.model", "--epochs", "0"], "has to be 1 or more"),
        (["-o", "m.model", "--e0", "H"], "--e0 H=-13.6"),
        (["-o", "m.model", "--e0", "Q=3"], "'Q' is not an element"),
        (["--check", "--molarity", "15"], "no labels within 10 %"),
        (["-o", "m.model", "--mace", "swa"], "--mace swa"),
        (["-o", "m.model", "--stress-weight", "10"], "no REF_stress"),
        (["-o", "m.model", "--device", "tpu"], "choose cpu"),
        (["-o", "m.model", "--lora-rank", "8"], "--lora-rank is for --method lora"),
        (["-o", "m.model", "--valid-fraction", "nan"], "--valid-fraction nan: has to be between"),
        (["-o", "m.model", "--cutoff", "-1"], "--cutoff -1: has to be above 0"),
        (["-o", "m.model", "--forces-weight", "nan"], "--forces-weight nan: has to be 0 or more"),
        (["-o", "m.model", "--lr", "nan"], "--lr nan: has to be above 0"),
        (["-o", "m.model", "--epochs", "1", "--device", "xpu"], "mace-torch failed"),
    ],
)
def test_wrong_options(data: Path, place: Path, arguments: list[str], expected: str) -> None:
    done = train(data, *arguments)
    assert done.exit_code == 1
    assert expected in done.output and "Traceback" not in done.output
    assert "last checkpoint" not in done.output, "there is none"
    assert not list(place.glob("*.model"))
