"""``pykoh committee``: does the disagreement of potentials tell their error?"""

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
    from pykoh.transferability.committee import CommitteeTest


@click.command()
@tests_models("committee")
@click.option(
    "--flag",
    type=click.FloatRange(min=0, min_open=True),
    help="flag_eV_per_A of a campaign: which frames would it keep?  [0.15]",
)
def command(
    models: tuple[Path, ...],
    data: tuple[Path, ...],
    output: Path,
    flag: float | None,
    reading: Reading,
    seed: int,
    force: bool,
) -> None:
    """Test whether the disagreement of MODELS (.model or .pt) tells the error of the first one.

    \b
    pykoh committee koh.pt member_2.pt member_3.pt --data labels.extxyz -o committee

    The first model is the one that runs simulations. Writes committee.json, committee.csv (a line
    for each frame) and a plot, and suggests flag_eV_per_A for a campaign with this committee. The
    training data of a model are read from NAME.json beside it, which `pykoh train` writes. Test
    frames that a model was trained on are refused.
    """
    from pykoh.files import refuse_overwrite

    if len(models) < 2:
        raise TrainingError(f"{models[0]}: is alone; a committee needs two or more models")
    refuse_overwrite([output / "committee.json"], force)
    refuse_as_folder(output)
    import numpy as np

    from pykoh.campaign.spec import DEFAULT_FLAG_EV_PER_A
    from pykoh.provenance import record, sha256
    from pykoh.training.data import elements_of
    from pykoh.transferability.candidates import refuse_unfit
    from pykoh.transferability.committee import evaluate, judge
    from pykoh.transferability.committee_files import conclusion, write

    candidates, labels, frames = read_test_frames(models, data, reading)
    refuse_unfit(candidates, frames, labels)
    threshold = DEFAULT_FLAG_EV_PER_A if flag is None else flag
    atoms = evaluate(candidates, frames, elements_of(frames), show_progress)
    names = [candidate.name for candidate in candidates]
    test = judge(names, frames, atoms, threshold, np.random.default_rng(seed))
    output.mkdir(exist_ok=True)
    inputs = {str(p): sha256(p) for p in (*models, *data)}
    with record(output, inputs=inputs, seed=seed):
        paths = write(test, output)
    _print_table(test)
    click.echo(f"\n{conclusion(test)}")
    click.echo(f"written        {', '.join(str(path) for path in paths)}")


def _print_table(test: CommitteeTest) -> None:
    """Print error and disagreement, group by group."""
    click.echo(f"\n{'atoms':>8}{'disagreement':>16}{'error':>10}{'95 %':>14}   (meV/Å)")
    for each in test.bins:
        error = each.error_eV_per_A
        click.echo(
            f"{each.n_atoms:8d}{1e3 * each.sigma_eV_per_A:16.1f}{1e3 * error.value:10.1f}"
            f"{f'{1e3 * error.low:.0f} to {1e3 * error.high:.0f}':>14}"
        )
    click.echo(
        f"\nframes above flag_eV_per_A {test.flag_eV_per_A:g}: {test.n_flagged} of "
        f"{len(test.frames)}"
    )
    if test.flagged_rmse_eV_per_A is not None:
        click.echo(f"force RMSE on these: {1e3 * test.flagged_rmse_eV_per_A:.0f} meV/Å")
    if test.other_rmse_eV_per_A is not None:
        click.echo(f"force RMSE on the others: {1e3 * test.other_rmse_eV_per_A:.0f} meV/Å")
