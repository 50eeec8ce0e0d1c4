"""The models that are compared: their training data, their costs, their calculators."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pykoh.errors import ModelError, TrainingError
from pykoh.files import require_file
from pykoh.provenance import sha256
from pykoh.training.options import chosen

if TYPE_CHECKING:
    from ase import Atoms
    from ase.calculators.calculator import Calculator

    from pykoh.reference.labels import LabelSet


@dataclass(frozen=True, slots=True)
class Candidate:
    """One model.

    Attributes:
        name: name of its file.
        path: ``.model`` of mace-torch or ``.pt`` of ``pykoh export``.
        molarities_mol_per_L: of its training labels; empty without a record.
        n_labels: number of training labels, or None.
        label_core_hours: cost of the labels, or None.
        training_core_hours: cost of the training, or None.
        frames: keys of its training and validation frames.
        runs: trajectories of these frames.
        level: name of the level of theory of its labels, or None.
        level_key: key of this level, or None.
        options: of its training without the seed, as text; models with the same text differ only
            in the seed and the labels.
        model_sha256: checksum of the model that was trained, or None.
    """

    name: str
    path: Path
    molarities_mol_per_L: tuple[float, ...] = ()
    n_labels: int | None = None
    label_core_hours: float | None = None
    training_core_hours: float | None = None
    frames: frozenset[str] = frozenset()
    runs: frozenset[str] = frozenset()
    level: str | None = None
    level_key: str | None = None
    options: str = ""
    model_sha256: str | None = None

    @property
    def has_record(self) -> bool:
        """Whether the training data of the model are known."""
        return self.n_labels is not None


def read_candidate(path: Path) -> Candidate:
    """Return a model with the record ``NAME.json`` that ``pykoh train`` writes beside it.

    Raises:
        ModelError: the model is missing or has an unknown suffix.
        TrainingError: the record is not from pykoh train, or is that of another model.
    """
    require_file(path, "potential (.model or .pt)", ModelError)
    if path.suffix not in (".model", ".pt"):
        raise ModelError(
            f"{path}: is neither a .model file of mace-torch nor a .pt file of pykoh export"
        )
    card = path.with_suffix(".json")
    if not card.exists():
        return Candidate(path.stem, path)
    try:
        entry: dict[str, Any] = json.loads(card.read_text(encoding="utf-8"))
        found = Candidate(
            name=path.stem,
            path=path,
            molarities_mol_per_L=tuple(float(m) for m in entry["molarities_mol_per_L"]),
            n_labels=int(entry["n_train"]),
            label_core_hours=entry["label_core_hours"],
            training_core_hours=entry["core_hours"],
            frames=frozenset((*entry["train_frames"], *entry["valid_frames"])),
            runs=frozenset(entry["runs"]),
            level=str(entry["level"]["name"]),
            level_key=entry["level"]["key"],
            options=_without_seed(entry.get("options", {})),
            model_sha256=entry.get("model_sha256"),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise TrainingError(f"{card}: is not a record of pykoh train; move it away") from error
    if found.model_sha256 not in (None, _sha256_of_model(path)):
        raise TrainingError(
            f"{card}: is the record of another model than {path}; put the record of this model "
            "beside it, or move it away"
        )
    return found


def _sha256_of_model(path: Path) -> str:
    """Return the checksum of a model, or of the model that was exported."""
    if path.suffix == ".model":
        return sha256(path)
    from pykoh.engines.artifact import load_artifact

    return str(load_artifact(path)[0].source_sha256)


def _without_seed(options: dict[str, Any]) -> str:
    kept = {k: value for k, value in chosen(options).items() if k not in ("seed", "device")}
    if "foundation_sha256" in kept:
        del kept["foundation"]  # the same file in another place
    return json.dumps(kept, sort_keys=True)


def calculator_of(candidate: Candidate, symbols: Sequence[str]) -> Calculator:
    """Return the ASE calculator of a model, in double precision.

    Raises:
        ModelError: the model cannot be read, has several heads, or does not know one of the
            elements.
    """
    if candidate.path.suffix == ".pt":
        from pykoh.engines.calculator import PykohCalculator

        artifact = PykohCalculator(candidate.path, dtype="float64")
        known = list(artifact.potential.metadata.elements)
        calculator: Calculator = artifact
    else:
        from ase.data import chemical_symbols

        from pykoh.export.read import heads_of, mace_calculator, read_mace_model

        model = read_mace_model(candidate.path)
        heads = heads_of(model)
        if len(heads) > 1 and "default" not in [head.lower() for head in heads]:
            raise ModelError(
                f"{candidate.path}: has the heads {', '.join(heads)}; take one with `pykoh export "
                f"{candidate.path} --head NAME -o {candidate.path.stem}.pt`, and give that file"
            )
        known = [chemical_symbols[int(z)] for z in model.atomic_numbers]
        calculator = mace_calculator(model)
    missing = [symbol for symbol in symbols if symbol not in known]
    if missing:
        raise ModelError(
            f"{candidate.path}: does not know {', '.join(missing)}; its elements are "
            f"{' '.join(known)}"
        )
    return calculator


def refuse_unfit(
    candidates: Sequence[Candidate], frames: Sequence[Atoms], labels: LabelSet
) -> None:
    """Refuse models that the frames do not test.

    Args:
        candidates: the models.
        frames: labelled test frames.
        labels: that the frames are from.

    Raises:
        TrainingError: a test frame or its trajectory was used for training, or a model was trained
            on labels of another level.
    """
    for candidate in candidates:
        refuse_leaks(candidate, frames)
        if candidate.level_key not in (None, labels.level_key):
            names = candidate.level, labels.level
            if names[0] == names[1]:
                names = candidate.level_key, labels.level_key
            raise TrainingError(
                f"{candidate.path}: was trained on labels of another level of theory ({names[0]}) "
                f"than --data ({names[1]}); give labels of its own level, or its errors would be "
                "differences of the levels"
            )


def refuse_leaks(candidate: Candidate, frames: Sequence[Atoms]) -> None:
    """Raise :class:`TrainingError` if a test frame or its trajectory was used for training."""
    from pykoh.reference.frames import frame_key

    for number, frame in enumerate(frames, start=1):
        run = str(frame.info["run"])
        if frame_key(frame) in candidate.frames:
            raise TrainingError(
                f"test frame {number} (trajectory {run}): {candidate.path} was trained on it, so "
                "its error there means nothing: keep test frames out of the training data"
            )
        if run in candidate.runs:
            raise TrainingError(
                f"test frame {number}: {candidate.path} was trained on other frames of its "
                f"trajectory {run}, which are similar; test on whole trajectories"
            )
