"""From label files to a training: the work of ``pykoh train``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pykoh.errors import TrainingError
from pykoh.files import refuse_overwrite

if TYPE_CHECKING:
    from pykoh.reference.labels import LabelSet, Reading
    from pykoh.training.options import Options
    from pykoh.training.progress import Epoch
    from pykoh.training.run import TrainingJob


@dataclass(frozen=True, slots=True)
class Choice:
    """The choice of labels for a training.

    Attributes:
        molarities: train only on labels of these concentrations, mol/L; all if empty.
        labels: number of frames to train on, from all concentrations; all if None.
        valid_fraction: part of the frames for validation, in whole trajectories.
        e0_eV: energies of isolated atoms, eV; they replace those of the files.
    """

    molarities: tuple[float, ...] = ()
    labels: int | None = None
    valid_fraction: float = 0.1
    e0_eV: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained model.

    Attributes:
        model: the file.
        card: its data, errors and costs: the content of its JSON file.
    """

    model: Path
    card: dict[str, Any]


def check_output(output: Path) -> None:
    """Check the name of a model.

    Raises:
        TrainingError: it has another suffix, or its folder does not exist.
    """
    if output.suffix != ".model":
        raise TrainingError(f"{output}: a model is named NAME.model")
    if not output.parent.is_dir():
        raise TrainingError(f"{output}: its folder {output.parent} does not exist; create it first")


def training_job(
    known: LabelSet, files: Sequence[Path], output: Path, options: Options, choice: Choice
) -> TrainingJob:
    """Return the training of a model on labels.

    Args:
        known: the labels, read from ``files``.
        files: label files.
        output: model to write, ``NAME.model``.
        options: of the fit.
        choice: of the labels.

    Raises:
        TrainingError: there are too few frames, the energy of an isolated atom is missing, or a
            stress is missing although ``stress_weight`` is not 0.
    """
    import numpy as np

    from pykoh.reference.labels import read_labels
    from pykoh.training.data import (
        Split,
        elements_of,
        isolated_energies,
        select,
        split_by_trajectory,
        subset,
    )
    from pykoh.training.run import TrainingJob

    rng = np.random.default_rng(options.seed)
    frames = select(known.frames, choice.molarities)
    if not 0 < choice.valid_fraction < 1:
        raise TrainingError(
            f"--valid-fraction {choice.valid_fraction:g}: has to be between 0 and 1"
        )
    split = split_by_trajectory(frames, choice.valid_fraction, rng)
    split = Split(subset(split.train, choice.labels, rng), split.valid, split.test)
    if len(split.train) < options.batch_size:
        raise TrainingError(
            f"--batch-size {options.batch_size}: there are only {len(split.train)} frames to "
            "train on"
        )
    elements = elements_of((*split.train, *split.valid))
    energies = isolated_energies(known, dict(choice.e0_eV), elements)
    with_stress = options.stress_weight > 0
    if with_stress and any("REF_stress" not in frame.info for frame in split.train):
        raise TrainingError("--stress-weight: a frame has no REF_stress; set it to 0")
    old = read_labels([options.replay]).frames if options.replay is not None else ()
    return TrainingJob(output, split, known, tuple(files), energies, options, old)


def train_model(
    data: str | Path | Sequence[str | Path],
    output: str | Path,
    options: Options | None = None,
    *,
    choice: Choice | None = None,
    reading: Reading | None = None,
    progress: Callable[[Epoch, float], None] = lambda epoch, left_s: None,
    force: bool = False,
) -> Trained:
    """Train a MACE potential on label files; the same call continues after a stop.

    Args:
        data: label files of ``pykoh label``, or extended xyz.
        output: model to write, ``NAME.model``.
        options: architecture, foundation and fit.
        choice: of the labels.
        reading: units and names of the labels.
        progress: called after each epoch, with the epoch and the seconds that are left.
        force: begin again; replace an existing model.

    Raises:
        LabelError: the labels cannot be used.
        TrainingError: options contradict each other, there are too few frames, or mace-torch fails.
    """
    from pykoh.reference.labels import Reading, read_labels
    from pykoh.training import options as choices
    from pykoh.training.run import train

    target = Path(output)
    check_output(target)
    refuse_overwrite([target], force)
    fit, which = options or choices.Options(), choice or Choice()
    choices.check(fit)
    files = [Path(data)] if isinstance(data, str | Path) else [Path(each) for each in data]
    known = read_labels(files, replace(reading or Reading(), isolated_eV=which.e0_eV))
    job = training_job(known, files, target, fit, which)
    return Trained(target, train(job, progress, force))
