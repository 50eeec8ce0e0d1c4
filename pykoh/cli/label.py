"""``pykoh label``: reference energies and forces of frames."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pykoh.errors import LabelError

if TYPE_CHECKING:
    from pykoh.reference.frame_queue import LabelProgress


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds > 5400 else f"{seconds / 60:.0f} min"


def _report(progress: LabelProgress) -> None:
    line = f"{progress.done}/{progress.total} frames labelled"
    if progress.failed:
        line += f", {progress.failed} failed"
    if progress.fresh:
        left = progress.total - progress.done - progress.failed
        line += f", {progress.core_s / progress.fresh:.0f} core-s each"
        if left:
            line += f", {_hours(progress.wall_s / progress.fresh * left)} left"
    click.echo(line)


@click.command()
@click.argument("frames", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("labels.extxyz"),
    show_default=True,
    help="Label file; frames that it already holds are kept.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Frames computed at a time.",
)
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="OpenMP threads of each CP2K process.",
)
@click.option(
    "--command",
    "program",
    metavar="CMD",
    help="Command that starts CP2K, e.g. 'mpirun -n 16 cp2k.psmp'.  [default: from the PATH]",
)
@click.option(
    "--calculator",
    metavar="MODULE:FACTORY",
    help="Use the ASE calculator that this function returns, instead of CP2K.",
)
@click.option("--retry-failed", is_flag=True, help="Compute frames again that failed before.")
@click.option("--no-atoms", is_flag=True, help="Do not compute the isolated atoms.")
def command(
    frames: tuple[Path, ...],
    output: Path,
    jobs: int,
    threads: int,
    program: str | None,
    calculator: str | None,
    retry_failed: bool,
    no_atoms: bool,
) -> None:
    """Compute reference energies, forces and stresses of FRAMES (extended xyz).

    \b
    pykoh label frames.extxyz -o labels.extxyz --jobs 2
    pykoh label frames.extxyz -o labels.extxyz --calculator my_dft:calculator

    By default CP2K computes them at BLYP-D3/DZVP-MOLOPT-SR-GTH. The same command continues after a
    stop or a kill. A frame that does not converge is tried with safer settings. If none converges,
    it is listed in LABELS.json with the reasons, and its output is kept in LABELS.work.
    """
    from pykoh.processes import interruptible, words_of
    from pykoh.reference.frame_queue import FrameQueue, work_folder
    from pykoh.reference.labelling import check_output, elements_of, frames_of, labeller_of

    check_output(output)
    boxes, notes = frames_of(frames, output)
    for note in notes:
        click.echo(f"Warning: {note}", err=True)
    words = words_of("--command", program) if program is not None else None
    if words == []:
        raise LabelError("--command is empty; give the command of CP2K, or leave it out")
    labeller = labeller_of(calculator, output, words, threads, elements_of(boxes))
    click.echo(f"{len(boxes)} frames at {labeller.level.name} by {labeller.level.code}")
    queue = FrameQueue(boxes, output, labeller, jobs, retry_failed)
    try:
        with interruptible():
            end = queue.run(_report, with_atoms=not no_atoms)
    except KeyboardInterrupt:
        raise click.ClickException(
            f"stopped; {output} holds all labels so far, and the same command continues"
        ) from None
    written = [str(path) for path in (output, queue.summary) if path.exists()]
    click.echo(f"written        {', '.join(written)}")
    if end.failed:
        raise click.ClickException(
            f"{end.failed} of {end.total} frames failed; the reasons are in {queue.summary}, "
            f"the output in {work_folder(output)}; --retry-failed computes them again"
        )
