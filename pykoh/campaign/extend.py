"""Training on the frames that a campaign has kept: label them, train, begin a new campaign.

A trajectory must come from a single potential. The new potential therefore gets a campaign of
its own. Its runs begin with the equilibrated boxes of the old one.

NEW.learning/settings.json       what was asked for; the same call continues
NEW.learning/flagged.extxyz      the frames to label
NEW.learning/labels.extxyz       their labels
NEW.learning/potential.model     fine-tuned on all labels; committee_1.model … likewise
NEW.learning/campaign.yaml       the new campaign, and site.yaml
NEW/                             its folder, with boxes
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pykoh import processes
from pykoh.campaign.engine import PYKOH
from pykoh.campaign.folder import CampaignFolder, create
from pykoh.campaign.site import Site
from pykoh.campaign.spec import Campaign
from pykoh.campaign.watching import FLAGGED
from pykoh.errors import CampaignError
from pykoh.files import replacing, require_file, write_text
from pykoh.provenance import sha256

if TYPE_CHECKING:
    from ase import Atoms


@dataclass(frozen=True, slots=True)
class LearningSettings:
    """What to train, and on what.

    Attributes:
        model: mace-torch file from which the potential of the campaign was exported.
        labels: files that it was trained on.
        frames: largest number of frames to label.
        committee: number of further potentials that check the new one.
        label_options: options of ``pykoh label``.
        train_options: options of ``pykoh train``.
    """

    model: Path
    labels: tuple[Path, ...]
    frames: int = 50
    committee: int = 0
    label_options: tuple[str, ...] = ()
    train_options: tuple[str, ...] = ()


def extend(
    campaign_folder: CampaignFolder,
    learning: LearningSettings,
    target: Path,
    report: Callable[[str], None],
) -> CampaignFolder:
    """Label, train, export, and make the new campaign; skip steps that are done.

    Args:
        campaign_folder: campaign whose runs kept frames.
        learning: what to train, and on what.
        target: folder of the new campaign; ``TARGET.learning`` is made beside it.
        report: called with a sentence before each step.

    Raises:
        CampaignError: no frame was kept, a file is missing, or a step failed. The same call
            continues.
    """
    for path in learning.labels:
        require_file(path, "label file", CampaignError)
    require_file(learning.model, "model", CampaignError)
    work_folder = target.parent / f"{target.name}.learning"
    work_folder.mkdir(exist_ok=True)
    labels = _label(campaign_folder, learning, work_folder, report)
    names = ["potential", *(f"committee_{k + 1}" for k in range(learning.committee))]
    for number, name in enumerate(names, start=1):
        _train(learning, labels, work_folder, name, number, report)
    campaign = replace(
        campaign_folder.campaign,
        potential="potential.pt",
        committee=tuple(f"{name}.pt" for name in names[1:]),
    )
    write_text(work_folder / "campaign.yaml", _yaml(campaign))
    write_text(work_folder / "site.yaml", _yaml(campaign_folder.site))
    paths = [work_folder / f"{name}.pt" for name in names]
    made = create(target, campaign, campaign_folder.site, paths[0], paths[1:])
    n_boxes = _copy_equilibrated_boxes(campaign_folder, made)
    report(f"{n_boxes} of {len(made.runs)} runs begin with equilibrated boxes")
    return made


def _settings(learning: LearningSettings) -> dict[str, Any]:
    """Return what decides on the labels and the trainings."""
    return {
        "--model": sha256(learning.model),
        "--labels": [sha256(path) for path in learning.labels],
        "--frames": learning.frames,
        "--committee": learning.committee,
        "options of pykoh label": _without_jobs(learning.label_options),
        "options of pykoh train": list(learning.train_options),
    }


def _refuse_other_settings(learning: LearningSettings, path: Path) -> None:
    """Check that the settings are those of the first call.

    What is done is not done again, so that others would count for nothing.

    Raises:
        CampaignError: they differ, or the file is damaged.
    """
    try:
        before: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        changed = [name for name, value in _settings(learning).items() if before[name] != value]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CampaignError(f"{path}: is damaged; choose another -o") from error
    if changed:
        raise CampaignError(
            f"{path.parent}: was begun with other settings ({', '.join(changed)}); give the same, "
            "or choose another -o"
        )


def _without_jobs(options: Sequence[str]) -> list[str]:
    """Return options of ``pykoh label`` without the number of jobs, which changes no label."""
    names = range(0, len(options), 2)
    return [word for k in names if options[k] != "--jobs" for word in options[k : k + 2]]


def flagged_frames(campaign_folder: CampaignFolder, most: int) -> tuple[list[Atoms], int]:
    """Return up to ``most`` kept frames, and how many are left out because atoms overlap.

    Frames come from all runs in turn, and from each run in the order of falling disagreement. A
    frame that was kept twice, because a stopped run was submitted again, counts once.

    Raises:
        LabelError: a file of kept frames is damaged.
    """
    from pykoh.reference.frames import CLOSEST_A, duplicates, nearest_distances, read_extxyz

    of_run: list[list[Atoms]] = []
    broken = 0
    for run in campaign_folder.runs:
        path = campaign_folder.run_folder(run) / FLAGGED
        if not path.exists():
            continue
        usable = []
        for frame in read_extxyz(path):
            finite = np.isfinite(frame.positions).all()
            if finite and nearest_distances(frame).min() >= CLOSEST_A:
                usable.append(frame)
            else:
                broken += 1
        usable.sort(key=lambda frame: -float(frame.info.get("disagreement_eV_per_A", np.inf)))
        repeated = {j for _, j in duplicates(usable)}
        of_run.append([frame for k, frame in enumerate(usable) if k not in repeated])
    longest = max((len(frames) for frames in of_run), default=0)
    turns = [frames[k] for k in range(longest) for frames in of_run if k < len(frames)]
    return turns[:most], broken


def _label(
    campaign_folder: CampaignFolder,
    learning: LearningSettings,
    work_folder: Path,
    report: Callable[[str], None],
) -> Path:
    from ase.io import write

    frames_file, labels = work_folder / "flagged.extxyz", work_folder / "labels.extxyz"
    settings, frames = work_folder / "settings.json", None
    if settings.exists():
        _refuse_other_settings(learning, settings)
    if not frames_file.exists():
        frames, broken = flagged_frames(campaign_folder, learning.frames)
        if broken:
            report(f"{broken} kept frames have overlapping atoms and are left out")
        if not frames:
            raise CampaignError(
                f"{campaign_folder.path}: no run has kept a frame (runs/*/{FLAGGED})"
            )
    _check_training_input(learning)
    write_text(settings, json.dumps(_settings(learning), indent=1) + "\n")
    if frames is not None:
        with replacing(frames_file) as temporary:
            write(temporary, frames, format="extxyz")
    report("labelling the kept frames")
    arguments = ["label", str(frames_file), "-o", str(labels), "--no-atoms"]
    code = _pykoh([*arguments, *learning.label_options])
    if code != 0 and not _labelling_ended(work_folder / "labels.json"):
        raise CampaignError(f"{labels}: labelling did not end; the same command continues it")
    return labels


def _check_training_input(learning: LearningSettings) -> None:
    """Check the labels and the model before the hours of labelling."""
    from pykoh.export.read import read_mace_model

    arguments = ["train", *map(str, learning.labels), "-o", "check.model", "--check"]
    arguments += ["--foundation", str(learning.model), *learning.train_options]
    done = subprocess.run([*PYKOH, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["pykoh train --check failed"]
        raise CampaignError(lines[-1].removeprefix("Error: "))
    read_mace_model(learning.model)


def _labelling_ended(record: Path) -> bool:
    """Return whether every frame is labelled or has failed, and at least one is labelled."""
    try:
        entry: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
        return (
            entry["labelled"] > 0
            and entry["labelled"] + len(entry["failures"]) == (entry["frames"])
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _train(
    learning: LearningSettings,
    labels: Path,
    work_folder: Path,
    name: str,
    seed: int,
    report: Callable[[str], None],
) -> None:
    model, artifact = work_folder / f"{name}.model", work_folder / f"{name}.pt"
    if not model.exists():
        report(f"training {name}")
        arguments = ["train", *map(str, learning.labels), str(labels), "-o", str(model)]
        arguments += ["--foundation", str(learning.model), "--seed", str(seed)]
        if _pykoh([*arguments, *learning.train_options]) != 0:
            raise CampaignError(
                f"{model}: the training did not end; its output above says why. The same command "
                "continues it"
            )
    if not artifact.exists() and _pykoh(["export", str(model), "-o", str(artifact)]) != 0:
        raise CampaignError(f"{artifact}: the export failed; what it printed says why")


def _pykoh(arguments: Sequence[str]) -> int:
    """Run a command of pykoh to its end and show its output."""
    process = processes.start([*PYKOH, *arguments], Path.cwd(), None)
    try:
        return process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise


def _copy_equilibrated_boxes(old: CampaignFolder, new: CampaignFolder) -> int:
    """Give the runs of a new campaign the equilibrated boxes of the old one; return how many."""
    given = 0
    # A campaign that has grown has its runs in another order than a new one.
    before = {run.name: run for run in old.runs}
    for after in new.runs:
        source = old.run_folder(before[after.name]) / "equil.data"
        target = new.run_folder(after) / "koh.data"
        if source.exists() and not target.exists():
            with replacing(target) as temporary:
                shutil.copyfile(source, temporary)
        given += target.exists()
    return given


def _yaml(what: Campaign | Site) -> str:
    """Return YAML with the values that differ from the defaults."""
    import yaml

    default = {field.name: field.default for field in fields(what)}
    values = {k: v for k, v in asdict(what).items() if v != default[k]}
    plain = {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}
    text: str = yaml.safe_dump(plain, sort_keys=False, allow_unicode=True)
    return text or "{}\n"
