"""``pykoh transfer``: errors of models at every concentration, and their costs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pykoh.cli.label_options import (
    read_test_frames,
    refuse_as_folder,
    show_progress,
    tests_models,
)
from pykoh.errors import TrainingError

if TYPE_CHECKING:
    from pykoh.reference.labels import Reading
    from pykoh.transferability.compare import Comparison


@click.command()
@tests_models("transfer")
@click.option(
    "--learning-curve", is_flag=True, help="Also draw the error over the number of labels."
)
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
    refuse_as_folder(output)
    import numpy as np

    from pykoh.provenance import record, sha256
    from pykoh.training.data import elements_of
    from pykoh.transferability.compare import compare
    from pykoh.transferability.write import conclusion, write

    candidates, labels, frames = read_test_frames(models, data, reading)
    if learning_curve and sum(c.has_record for c in candidates) < 2:
        raise TrainingError("--learning-curve: needs two or more models with their records")

    output.mkdir(exist_ok=True)
    inputs = {str(p): sha256(p) for p in (*models, *data)}
    with record(output, inputs=inputs, seed=seed):
        comparison = compare(
            candidates,
            frames,
            elements_of(frames),
            labels,
            np.random.default_rng(seed),
            show_progress,
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
