"""``pykoh transfer``: errors of models at every concentration, and their costs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pykoh.cli.label_options import reads_labels
from pykoh.errors import TrainingError

if TYPE_CHECKING:
    from pykoh.reference.labels import Reading
    from pykoh.transferability.compare import Comparison


@click.command()
@click.argument("models", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--data",
    multiple=True,
    required=True,
    type=click.Path(path_type=Path),
    help="Label files; only frames with split=test are used, or all if there are none.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("transfer"),
    show_default=True,
    help="Folder of the results.",
)
@click.option(
    "--learning-curve", is_flag=True, help="Also draw the error over the number of labels."
)
@reads_labels
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--force", is_flag=True, help="Replace earlier results.")
def command(
    models: tuple[Path, ...],
    data: tuple[Path, ...],
    output: Path,
    learning_curve: bool,
    reading: Reading,
    seed: int,
    force: bool,
) -> None:
    """Test MODELS (.model or .pt) at every concentration of the labels.

    \b
    pykoh transfer m1.7.model m6.3.model all.model --data labels.extxyz -o transfer

    Writes transfer.json, transfer.csv and a heat map, and says which single concentration to label.
    The training data and the cost of a model are read from NAME.json beside it, which `pykoh
    train` writes. Test frames that a model was trained on are refused.
    """
    from pykoh.files import refuse_overwrite

    refuse_overwrite([output / "transfer.json"], force)
    if output.exists() and not output.is_dir():
        raise TrainingError(f"{output}: is a file; name a folder with -o")
    if not output.parent.is_dir():
        raise TrainingError(f"{output}: its folder {output.parent} does not exist; create it first")
    if len(set(models)) < len(models):
        raise TrainingError("a model is named twice; name each once")
    import numpy as np

    from pykoh.provenance import record, sha256
    from pykoh.reference.labels import read_labels
    from pykoh.training.data import elements_of
    from pykoh.transferability.candidates import read_candidate
    from pykoh.transferability.compare import compare
    from pykoh.transferability.write import conclusion, write

    candidates = [read_candidate(path) for path in models]
    labels = read_labels(data, reading)
    for note in labels.notes:
        click.echo(f"Warning: {note}", err=True)
    marked = [f for f in labels.frames if f.info.get("split") == "test"]
    frames = marked or list(labels.frames)
    for candidate in candidates:
        if not candidate.has_record:
            click.echo(
                f"Warning: {candidate.path}: no {candidate.path.with_suffix('.json').name} beside "
                "it; pykoh cannot check whether it was trained on the test frames",
                err=True,
            )
    click.echo(f"{len(frames)} test frames at {labels.level}")
    if learning_curve and sum(c.has_record for c in candidates) < 2:
        raise TrainingError("--learning-curve: needs two or more models with their records")

    def report(name: str, done: int, total: int) -> None:
        if done == total or done % 20 == 0:
            click.echo(f"{name}: {done}/{total}")

    output.mkdir(exist_ok=True)
    inputs = {str(p): sha256(p) for p in (*models, *data)}
    with record(output, inputs=inputs, seed=seed):
        comparison = compare(
            candidates,
            frames,
            elements_of(frames),
            labels.level_key,
            np.random.default_rng(seed),
            report,
        )
        paths = write(comparison, output, learning_curve)
    _print_table(comparison)
    click.echo(f"\n{conclusion(comparison)}")
    click.echo(f"written        {', '.join(str(path) for path in paths)}")


def _print_table(comparison: Comparison) -> None:
    """Print the force error of each model at each concentration."""
    from pykoh.transferability.write import trained_at

    columns = [f"{m:.3g}" for m in comparison.molarities_mol_per_L]
    click.echo("\nforce RMSE (meV/Å) at")
    click.echo(
        f"{'model':<24}{'trained at':>18}" + "".join(f"{c:>8}" for c in columns) + f"{'all':>8}"
    )
    for row in comparison.rows:
        values = [cell.force_meV_A.value for cell in row.concentrations] + [row.mean_meV_A.value]
        click.echo(
            f"{row.candidate.name:<24}{trained_at(row.candidate):>18}"
            + "".join(f"{v:8.1f}" for v in values)
        )
