"""``pykoh extend``: train on the frames that the guards of a campaign have kept."""

from __future__ import annotations

from pathlib import Path

import click

from pykoh.errors import CampaignError


@click.command()
@click.argument("path", metavar="CAMPAIGN", type=click.Path(path_type=Path))
@click.option(
    "--model",
    type=click.Path(path_type=Path),
    required=True,
    help="The .model file from which the campaign's potential was exported.",
)
@click.option(
    "--labels",
    type=click.Path(path_type=Path),
    multiple=True,
    required=True,
    help="Label file that it was trained on; may be repeated.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="New folder.")
@click.option(
    "--frames",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="Most frames to label.",
)
@click.option(
    "--committee",
    type=click.IntRange(0, 9),
    help="Number of potentials in the committee.  [default: as before]",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Frames to label at a time.",
)
@click.option(
    "--command", "program", metavar="CMD", help="Command with which pykoh label starts CP2K."
)
@click.option("--calculator", metavar="MODULE:FACTORY", help="Instead of CP2K, as in pykoh label.")
@click.option("--epochs", type=click.IntRange(min=1), default=30, show_default=True)
@click.option(
    "--train",
    "train_options",
    metavar="OPTIONS",
    default="",
    help="Further options of pykoh train.",
)
def command(
    path: Path,
    model: Path,
    labels: tuple[Path, ...],
    output: Path,
    frames: int,
    committee: int | None,
    jobs: int,
    program: str | None,
    calculator: str | None,
    epochs: int,
    train_options: str,
) -> None:
    """Label the frames that the guards of CAMPAIGN kept, train on them, and begin a new campaign.

    \b
    pykoh extend koh --model koh.model --labels labels.extxyz -o koh2
    pykoh submit koh2.learning/campaign.yaml --site koh2.learning/site.yaml -o koh2

    The new potential is fine-tuned on the old labels and the new ones. Its runs begin with the
    equilibrated boxes of the old campaign; no frame of the old potential is part of its
    trajectories. The same command continues after a stop.
    """
    from pykoh.campaign.extend import LearningSettings, extend
    from pykoh.campaign.folder import CampaignFolder
    from pykoh.processes import interruptible, words_of

    old = CampaignFolder(path)
    if output.resolve() == path.resolve():
        raise CampaignError(f"{output}: is the old campaign; choose another -o")
    if not output.parent.is_dir():
        raise CampaignError(f"{output}: its folder {output.parent} does not exist; create it first")
    label_options = ["--jobs", str(jobs)]
    if program is not None:
        label_options += ["--command", program]
    if calculator is not None:
        label_options += ["--calculator", calculator]
    learning = LearningSettings(
        model,
        labels,
        frames,
        len(old.campaign.committee) if committee is None else committee,
        tuple(label_options),
        ("--epochs", str(epochs), *words_of("--train", train_options)),
    )
    try:
        with interruptible():
            extend(old, learning, output, click.echo)
    except KeyboardInterrupt:
        raise click.ClickException("stopped; the same command continues") from None
    learned = f"{output}.learning"
    click.echo(f"next: pykoh submit {learned}/campaign.yaml --site {learned}/site.yaml -o {output}")
