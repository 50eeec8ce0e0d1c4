"""A training by mace-torch in a process of its own: resumable, with a record.

``NAME.train`` holds the files of mace-torch and ``run.json``. ``NAME.model`` and its
record ``NAME.json`` are written at the end of the training.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pykoh import processes
from pykoh.errors import TrainingError
from pykoh.files import replacing, write_text
from pykoh.provenance import record, sha256
from pykoh.reference.frames import frame_key
from pykoh.reference.labels import LabelSet, write_labels
from pykoh.training.data import Split, concentrations, elements_of
from pykoh.training.enlarge import Growth
from pykoh.training.foundation import check_zero, read_foundation, write_foundation
from pykoh.training.further import check_further, config_lines
from pykoh.training.heads import one_head
from pykoh.training.options import Options, chosen, mace_config
from pykoh.training.progress import Epoch, read_epochs, saved_epoch, write_curve

if TYPE_CHECKING:
    from ase import Atoms

_POLL_S = 1.0
_SETTINGS = ("options", "e0_eV", "elements", "level", "train_frames", "valid_frames", "data")


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """The data and options of one training.

    Attributes:
        model: file to write, ``NAME.model``.
        split: frames for training and validation.
        labels: the labels that they come from.
        label_files: files of the labels.
        e0_eV: energy of each isolated atom, eV.
        options: of the fit.
        replay: frames of the foundation's own data, for the method ``replay``.
    """

    model: Path
    split: Split
    labels: LabelSet
    label_files: tuple[Path, ...]
    e0_eV: dict[str, float]
    options: Options
    replay: tuple[Atoms, ...] = ()

    @property
    def folder(self) -> Path:
        """The folder of the training."""
        return self.model.with_suffix(".train")

    @property
    def card(self) -> Path:
        """The record beside the model."""
        return self.model.with_suffix(".json")

    def describe(self) -> dict[str, Any]:
        """Return the data that identify the training, as JSON values."""
        train, options = self.split.train, asdict(self.options)
        options["replay"] = None if self.options.replay is None else str(self.options.replay)
        foundation = self.options.foundation
        if foundation is not None and Path(foundation).is_file():
            options["foundation_sha256"] = sha256(foundation)
        entry = {
            "options": options,
            "e0_eV": self.e0_eV,
            "elements": elements_of(train),
            "level": {"name": self.labels.level, "key": self.labels.level_key},
            "molarities_mol_per_L": concentrations(train),
            "n_train": len(train),
            "n_valid": len(self.split.valid),
            "label_core_hours": _label_hours(train),
            "train_frames": [frame_key(frame) for frame in train],
            "valid_frames": [frame_key(frame) for frame in self.split.valid],
            "runs": sorted({str(f.info["run"]) for f in (*train, *self.split.valid)}),
            "data": _checksums(self.label_files),
        }
        # The same values as after reading from a file, so that a resumed training can compare them.
        plain: dict[str, Any] = json.loads(json.dumps(entry))
        return plain


def _checksums(files: Sequence[Path]) -> dict[str, str]:
    """Return the SHA-256 of each file by its name, or by its path if another has this name."""
    names = [path.name for path in files]
    return {path.name if names.count(path.name) == 1 else str(path): sha256(path) for path in files}


def _label_hours(frames: Sequence[Atoms]) -> float | None:
    cost = [frame.info.get("core_s") for frame in frames]
    if any(value is None for value in cost):
        return None
    return round(sum(float(value) for value in cost if value is not None) / 3600, 4)


def train(
    job: TrainingJob, report: Callable[[Epoch, float], None], force: bool = False
) -> dict[str, Any]:
    """Train, or continue a training that was stopped, and write the model.

    Args:
        job: the training.
        report: called with each validated epoch and the seconds that are left.
        force: begin again; replace another training or an older model.

    Returns:
        The record that is written beside the model.

    Raises:
        TrainingError: mace-torch is missing or fails, the folder holds another training, or
            something else has the name of the record.
    """
    folder = job.folder
    _require_mace()
    _refuse_foreign_record(job.card)
    check_further(job.options.extra)
    description = job.describe()
    with _lock(folder):
        earlier = _stopped_training(folder, description, force)
        if earlier is None:
            foundation = _foundation(job)
            # With --force this removes an earlier training: not before the lock, nor before it is
            # known that the foundation can be used.
            _clear(folder)
            _write_inputs(job, folder, foundation)
        spent = 0.0 if earlier is None else float(earlier.get("core_hours") or 0.0)
        with record(folder, **description, core_hours=round(spent, 4)) as entry:

            def progress(epoch: Epoch, left_s: float, core_s: float) -> None:
                entry["core_hours"] = round(spent + core_s / 3600, 4)
                write_text(folder / "run.json", json.dumps(entry, indent=2, default=str) + "\n")
                report(epoch, left_s)

            core_s = _supervise(folder, job.options.epochs, job.options.foundation, progress)
            entry["core_hours"] = round(spent + core_s / 3600, 4)
            epochs = read_epochs(folder / "results")
            write_curve(folder, epochs, job.model.stem)
            best = _epoch_of_model(folder, epochs)
            entry["validation"] = {
                "epoch": best.number + 1,
                "energy_rmse_meV_per_atom": round(best.energy_rmse_meV, 4),
                "force_rmse_meV_per_A": round(best.force_rmse_meV_A, 3),
            }
            before = [epoch for epoch in epochs if epoch.number < 0]
            if before and job.options.foundation is not None:
                entry["before_training"] = {
                    "force_rmse_meV_per_A": round(before[0].force_rmse_meV_A, 3)
                }
            _write_model(job, folder)
        # `record` has closed the entry by now; the card repeats it beside the model.
        card: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        card["model_sha256"] = sha256(job.model)
        write_text(job.card, json.dumps(card, indent=2) + "\n")
    return card


def _refuse_foreign_record(card: Path) -> None:
    """Refuse to replace a file that is not the record of a model, such as that of pykoh label."""
    if not card.exists():
        return
    try:
        entry = json.loads(card.read_text(encoding="utf-8"))
        is_record = isinstance(entry, dict) and "model_sha256" in entry
    except (OSError, ValueError):
        is_record = False
    if not is_record:
        raise TrainingError(
            f"{card}: is not the record of a model, and the training would replace it; choose "
            "another -o"
        )


@contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Hold the folder of a training, which is made if it does not exist.

    Raises:
        TrainingError: another process trains in it, or it holds other files.
    """
    lock = folder / "lock"
    known = lock.exists() or (folder / "run.json").exists()
    if folder.exists() and not known and (not folder.is_dir() or any(folder.iterdir())):
        raise TrainingError(f"{folder}: exists and holds no training; choose another -o")
    folder.mkdir(exist_ok=True)
    with lock.open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise TrainingError(
                f"{folder}: another pykoh train works in this folder; wait for its end"
            ) from error
        yield


def _epoch_of_model(folder: Path, epochs: Sequence[Epoch]) -> Epoch:
    """Return the errors of the epoch whose weights the model has.

    Raises:
        TrainingError: no epoch was validated.
    """
    number = saved_epoch(folder / "checkpoints")
    # mace-torch keeps no weights of the state before the first epoch, whose number is -1.
    found = [epoch for epoch in epochs if epoch.number == number]
    if not found:
        raise TrainingError(f"{folder}: no epoch was validated; see {folder / 'train.log'}")
    return found[0]


def _require_mace() -> None:
    import importlib.util

    if importlib.util.find_spec("mace") is None:
        raise TrainingError("mace-torch is not installed; pip install 'pykoh[train]'")


def _stopped_training(
    folder: Path, description: dict[str, Any], force: bool
) -> dict[str, Any] | None:
    """Return the record of the same training if it was stopped, else None."""
    path = folder / "run.json"
    if not path.exists():
        return None
    try:
        earlier: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        earlier["train_frames"], earlier["valid_frames"]
        known, wanted = (
            {**each, "options": chosen(each["options"])} for each in (earlier, description)
        )
        changed = [key for key in _SETTINGS if known.get(key) != wanted[key]]
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise TrainingError(f"{path}: is not a record of pykoh train; move it away") from error
    if not changed and not force:
        return earlier
    if not force:
        raise TrainingError(
            f"{folder}: holds a training with different {', '.join(changed)}; choose another -o, "
            "or begin again with --force"
        )
    return None


def _clear(folder: Path) -> None:
    """Remove all but the lock from the folder of a training."""
    for each in folder.iterdir():
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each)
        elif each.name != "lock":
            each.unlink()


def _foundation(job: TrainingJob) -> Any:
    """Return the foundation that a file holds, or None without a file."""
    options = job.options
    if options.foundation is None or not Path(options.foundation).is_file():
        return None
    growth = Growth(options.grow_ell, options.grow_channels, options.seed)
    return read_foundation(
        Path(options.foundation), list(job.e0_eV), options.foundation_head, growth
    )


def _write_inputs(job: TrainingJob, folder: Path, foundation: Any) -> None:
    """Write the input files of mace-torch; ``foundation`` is a model, or None."""
    config = mace_config(job.options, job.model.stem, job.e0_eV, elements_of(job.split.train))
    write_labels(folder / "train.extxyz", job.split.train)
    write_labels(folder / "valid.extxyz", job.split.valid)
    if job.replay:
        # mace-torch needs a validation set for each head.
        n_valid = max(1, len(job.replay) // 10)
        write_labels(folder / "replay.extxyz", job.replay[n_valid:])
        write_labels(folder / "replay_valid.extxyz", job.replay[:n_valid])
    if foundation is not None:
        write_foundation(
            foundation,
            folder / "foundation.model",
            job.split.train,
            job.e0_eV,
            job.options.dtype,
            new_zero=job.options.method != "replay",
        )
        config["foundation_model"] = "foundation.model"
    write_text(folder / "config.yaml", config_lines(config))


def _supervise(
    folder: Path,
    epochs: int,
    foundation: str | None,
    report: Callable[[Epoch, float, float], None],
) -> float:
    """Run mace-torch to its end; return its processor seconds."""
    log = folder / "train.log"
    with log.open("ab") as stream:
        process = processes.start(
            [sys.executable, "-m", "mace.cli.run_train", "--config", "config.yaml"],
            folder,
            stream,
            # mace-torch and e3nn unpickle their own files; torch >= 2.6 needs this permission.
            TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD="1",
            # Without these, threads wait actively on busy cores, and page faults double the
            # time of a step.
            OMP_WAIT_POLICY=os.environ.get("OMP_WAIT_POLICY", "passive"),
            MALLOC_MMAP_THRESHOLD_="1073741824",
            MALLOC_TRIM_THRESHOLD_="2147483647",
        )
    start = time.monotonic()
    before = {e.number: e for e in read_epochs(folder / "results")}
    first: int | None = None
    try:
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            fresh = [e for e in read_epochs(folder / "results") if before.get(e.number) != e]
            for epoch in fresh:
                before[epoch.number] = epoch
                if epoch.force_rmse_meV_A != epoch.force_rmse_meV_A:
                    raise TrainingError(
                        f"{folder}: the validation error is not a number after epoch "
                        f"{epoch.number + 1}; lower --lr and begin again with --force"
                    )
                if epoch.number < 0:
                    start = time.monotonic()
                    report(epoch, float("nan"), processes.core_seconds(process.pid))
                    continue
                first = epoch.number if first is None else first
                each = (time.monotonic() - start) / (epoch.number - first + 1)
                left = each * (epochs - 1 - epoch.number)
                report(epoch, left, processes.core_seconds(process.pid))
            if pid:
                break
            time.sleep(_POLL_S)
    except BaseException:
        processes.kill(process)
        raise
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise TrainingError(
            f"mace-torch failed: {processes.last_line(log)} (full log: {log})"
            + _remedy(foundation, folder)
        )
    return usage.ru_utime + usage.ru_stime


def _remedy(foundation: str | None, folder: Path) -> str:
    """Return what to do after a failure of mace-torch, where that is known."""
    if any((folder / "checkpoints").glob("*.pt")):
        return "; the same command continues from the last checkpoint"
    if foundation is not None and not Path(foundation).is_file():
        return (
            "; the foundation model is downloaded at its first use: where there is no network, "
            "give its file with --foundation FILE"
        )
    return ""


def _write_model(job: TrainingJob, folder: Path) -> None:
    """Write the trained model, without a replay head."""
    made = folder / "model" / f"{job.model.stem}.model"
    # With `--mace swa=True` mace-torch also writes the model of its second stage.
    second = made.with_name(f"{job.model.stem}_stagetwo.model")
    made = second if second.exists() else made
    if not made.exists():
        raise TrainingError(f"{folder}: mace-torch wrote no model; see {folder / 'train.log'}")
    if job.options.method != "replay":
        with replacing(job.model) as temporary:
            shutil.copyfile(made, temporary)
        check_zero(job.model, job.e0_eV)
        return
    import torch

    from pykoh.export.read import read_mace_model

    single = one_head(read_mace_model(made), "Default", made)
    with replacing(job.model) as temporary:
        torch.save(single, temporary)
    check_zero(job.model, job.e0_eV)
