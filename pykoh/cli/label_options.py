"""Commands that read label files: their options, and test frames for models."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ase import Atoms

    from pykoh.reference.labels import LabelSet, Reading
    from pykoh.transferability.candidates import Candidate

_OPTIONS = (
    click.option(
        "--units", default="eV", show_default=True, help="Units of DATA: eV, hartree, kcal/mol."
    ),
    click.option("--energy-key", metavar="NAME", help="Name of the energy in DATA.  [REF_energy]"),
    click.option("--forces-key", metavar="NAME", help="Name of the forces in DATA.  [REF_forces]"),
    click.option("--stress-key", metavar="NAME", help="Name of the stress in DATA.  [REF_stress]"),
    click.option("--max-force", type=float, default=100.0, show_default=True, help="Limit, eV/Å."),
    click.option("--max-stress", type=float, default=10.0, show_default=True, help="Limit, GPa."),
)


def reads_labels(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options to a command, which gets them as ``reading``."""

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        from pykoh.reference.label_values import LabelKeys
        from pykoh.reference.labels import Reading

        keys = LabelKeys(*(kwargs.pop(f"{name}_key") for name in ("energy", "forces", "stress")))
        reading = Reading(
            kwargs.pop("units"), keys, kwargs.pop("max_force"), kwargs.pop("max_stress")
        )
        function(*args, reading=reading, **kwargs)

    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


def tests_models(folder: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Add to a command the models that it tests, the labels, and where the results go.

    Args:
        folder: of the results, where none is given.
    """
    path: Any = click.Path(path_type=Path)
    options = (
        click.argument("models", nargs=-1, required=True, type=path),
        click.option(
            "--data",
            multiple=True,
            required=True,
            type=path,
            help="Label files; only frames with split=test are used, or all if there are none.",
        ),
        click.option(
            "-o",
            "--output",
            type=path,
            default=Path(folder),
            show_default=True,
            help="Folder of the results.",
        ),
    )
    ends = (
        reads_labels,
        click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True),
        click.option("--force", is_flag=True, help="Replace earlier results."),
    )

    def add(function: Callable[..., None]) -> Callable[..., None]:
        for option in reversed((*options, *ends)):
            function = option(function)
        return function

    return add


def read_test_frames(
    models: Sequence[Path], data: Sequence[Path], reading: Reading
) -> tuple[list[Candidate], LabelSet, list[Atoms]]:
    """Return models, all labels, and the labelled frames to test the models on; print warnings.

    Raises:
        TrainingError: a model is named twice.
        PykohError: a file cannot be read.
    """
    from pykoh.errors import TrainingError
    from pykoh.reference.labels import read_labels
    from pykoh.transferability.candidates import read_candidate

    if len(set(models)) < len(models):
        raise TrainingError("a model is named twice; name each once")
    candidates = [read_candidate(path) for path in models]
    labels = read_labels(data, reading)
    for note in labels.notes:
        click.echo(f"Warning: {note}", err=True)
    marked = [frame for frame in labels.frames if frame.info.get("split") == "test"]
    frames = marked or list(labels.frames)
    for candidate in candidates:
        if not candidate.has_record:
            click.echo(
                f"Warning: {candidate.path}: no {candidate.path.with_suffix('.json').name} beside "
                "it; pykoh cannot check whether it was trained on the test frames",
                err=True,
            )
    click.echo(f"{len(frames)} test frames at {labels.level}")
    return candidates, labels, frames


def refuse_as_folder(output: Path) -> None:
    """Raise :class:`TrainingError` if a path cannot become a folder of results."""
    from pykoh.errors import TrainingError

    if output.exists() and not output.is_dir():
        raise TrainingError(f"{output}: is a file; name a folder with -o")
    if not output.parent.is_dir():
        raise TrainingError(f"{output}: its folder {output.parent} does not exist; create it first")


def show_progress(name: str, done: int, total: int) -> None:
    """Print how many frames of a model are evaluated, from time to time."""
    if done == total or done % 20 == 0:
        click.echo(f"{name}: {done}/{total}")
