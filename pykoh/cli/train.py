"""``pykoh train``: a MACE potential from labels, with mace-torch."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from pykoh.cli.label_options import reads_labels
from pykoh.errors import TrainingError
from pykoh.files import refuse_overwrite

if TYPE_CHECKING:
    from pykoh.reference.labels import Reading
    from pykoh.training.progress import Epoch
    from pykoh.training.run import TrainingJob


def _pairs(values: tuple[str, ...], option: str, example: str) -> dict[str, str]:
    pairs = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name.strip() or not text.strip():
            raise TrainingError(f"{option} {value}: give {example}")
        pairs[name.strip()] = text.strip()
    return pairs


def _energies(values: tuple[str, ...]) -> dict[str, float]:
    from ase.data import atomic_numbers

    example = "ELEMENT=EV, e.g. --e0 H=-13.6"
    try:
        energies = {k: float(v) for k, v in _pairs(values, "--e0", example).items()}
    except ValueError as error:
        raise TrainingError(f"--e0 {' '.join(values)}: give {example}") from error
    for symbol in energies:
        if symbol not in atomic_numbers:
            raise TrainingError(f"--e0 {symbol}={energies[symbol]:g}: {symbol!r} is not an element")
    return energies


def _refuse_architecture(foundation: str | None) -> None:
    """Refuse options of the architecture, which a foundation model would ignore."""
    if foundation is None:
        return
    context = click.get_current_context()
    for name in ("channels", "max_l", "max_ell", "cutoff", "layers"):
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise TrainingError(
                f"--{name.replace('_', '-')}: the foundation model determines it; leave it "
                "out (--grow-ell and --grow-channels make it larger)"
            )


@click.command()
@click.argument("data", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="NAME.model to write.")
@click.option(
    "--foundation",
    metavar="NAME|FILE",
    help="Model to fine-tune: a file, or a model that mace-torch downloads (small, medium, …).",
)
@click.option("--foundation-head", metavar="NAME", help="For a foundation with several heads.")
@click.option(
    "--method",
    type=click.Choice(["naive", "replay", "lora"]),
    default="naive",
    show_default=True,
    help="Fine-tuning: all weights; with the foundation's own data; low-rank changes.",
)
@click.option("--replay", type=click.Path(path_type=Path), help="The foundation's own labels.")
@click.option("--lora-rank", type=click.IntRange(min=1), help="With --method lora.  [default: 4]")
@click.option(
    "--molarity",
    "molarities",
    type=float,
    multiple=True,
    metavar="MOL_PER_L",
    help="Train only on labels of this concentration; may be repeated.  [default: all]",
)
@click.option(
    "--labels",
    type=click.IntRange(min=1),
    metavar="N",
    help="Train on N frames, from all concentrations.",
)
@click.option("--epochs", type=int, default=50, show_default=True)
@click.option("--lr", type=float, help="Learning rate.  [default: 0.01; fine-tuning: 0.002]")
@click.option("--final-lr", type=float, help="Learning rate at the end.  [default: lr / 50]")
@click.option("--batch-size", type=int, default=2, show_default=True, help="Frames per step.")
@click.option("--energy-weight", type=float, default=1.0, show_default=True)
@click.option("--forces-weight", type=float, default=100.0, show_default=True)
@click.option(
    "--stress-weight",
    type=float,
    default=0.0,
    show_default=True,
    help="0: no stresses; for NPT: 100.",
)
@click.option("--channels", type=click.IntRange(min=1), default=64, show_default=True)
@click.option("--max-l", type=click.IntRange(0, 3), default=0, show_default=True)
@click.option("--max-ell", type=click.IntRange(1, 4), default=2, show_default=True)
@click.option(
    "--grow-ell",
    type=click.IntRange(2, 4),
    metavar="N",
    help="Fine-tuning: larger max_ell for the foundation; its energies stay the same.",
)
@click.option(
    "--grow-channels",
    type=click.IntRange(min=2),
    metavar="N",
    help="Fine-tuning: more channels for the foundation; its energies stay the same.",
)
@click.option(
    "--cutoff", type=float, default=5.0, show_default=True, help="Cutoff of one layer, Å."
)
@click.option("--layers", type=click.IntRange(1, 4), default=2, show_default=True)
@click.option("--valid-fraction", type=float, default=0.1, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option("--device", default="cpu", show_default=True, help="cpu, cuda, mps or xpu.")
@click.option(
    "--dtype", type=click.Choice(["float32", "float64"]), default="float32", show_default=True
)
@click.option("--e0", multiple=True, metavar="ELEMENT=EV", help="Energy of an isolated atom, eV.")
@reads_labels
@click.option(
    "--mace", multiple=True, metavar="OPTION=VALUE", help="Any further option of mace_run_train."
)
@click.option(
    "--check",
    is_flag=True,
    help="Only check labels, options and the foundation, and say what would train.",
)
@click.option("--force", is_flag=True, help="Begin again; replace an existing model.")
def command(
    data: tuple[Path, ...],
    output: Path | None,
    foundation: str | None,
    foundation_head: str | None,
    method: str,
    replay: Path | None,
    lora_rank: int | None,
    molarities: tuple[float, ...],
    labels: int | None,
    epochs: int,
    lr: float | None,
    final_lr: float | None,
    batch_size: int,
    energy_weight: float,
    forces_weight: float,
    stress_weight: float,
    channels: int,
    max_l: int,
    max_ell: int,
    grow_ell: int | None,
    grow_channels: int | None,
    cutoff: float,
    layers: int,
    valid_fraction: float,
    seed: int,
    device: str,
    dtype: str,
    e0: tuple[str, ...],
    reading: Reading,
    mace: tuple[str, ...],
    check: bool,
    force: bool,
) -> None:
    """Train a MACE potential on the label files DATA (of `pykoh label`, or extended xyz).

    \b
    pykoh train labels.extxyz -o koh.model
    pykoh train labels.extxyz -o koh.model --foundation small --molarity 6.26
    pykoh train labels.extxyz -o koh.model --foundation pre.model --method lora

    Training and validation frames are always from different trajectories. The same command
    continues after a stop or a kill. NAME.train holds the learning curve, the log and run.json.
    NAME.json records the data and the cost of the model.

    A model file is a Python pickle, which can run code when it is read. Fine-tune only models from
    people you trust.
    """
    if output is None and not check:
        raise click.UsageError("Missing option '-o' / '--output'.")
    output = output or Path("unnamed.model")
    from pykoh.reference.labels import read_labels
    from pykoh.training import options as choices
    from pykoh.training.data import describe, elements_of
    from pykoh.training.further import check_further
    from pykoh.training.prepare import Choice, check_output, training_job

    check_output(output)
    if not check:
        refuse_overwrite([output], force)
    _refuse_architecture(foundation)

    rate = lr if lr is not None else (0.01 if foundation is None else 0.002)
    options = choices.Options(
        foundation=foundation,
        foundation_head=foundation_head,
        method=method,
        replay=replay,
        lora_rank=lora_rank,
        architecture=choices.Architecture(channels, max_l, max_ell, cutoff, layers),
        grow_ell=grow_ell,
        grow_channels=grow_channels,
        epochs=epochs,
        learning_rate=rate,
        final_learning_rate=final_lr if final_lr is not None else rate / 50,
        batch_size=batch_size,
        energy_weight=energy_weight,
        forces_weight=forces_weight,
        stress_weight=stress_weight,
        seed=seed,
        dtype=dtype,
        device=device,
        extra=tuple(
            _pairs(mace, "--mace", "OPTION=VALUE, e.g. --mace num_radial_basis=10").items()
        ),
    )
    choices.check(options)
    given = _energies(e0)
    known = read_labels(data, replace(reading, isolated_eV=given))
    for note in known.notes:
        click.echo(f"Warning: {note}", err=True)
    choice = Choice(molarities, labels, valid_fraction, given)
    if check:
        click.echo(describe(known))
        check_further(options.extra)
        if foundation is not None and Path(foundation).is_file():
            from pykoh.training.enlarge import Growth
            from pykoh.training.foundation import read_foundation

            growth = Growth(grow_ell, grow_channels, seed)
            read_foundation(Path(foundation), elements_of(known.frames), foundation_head, growth)
        if not molarities and labels is None:
            return
    job = training_job(known, data, output, options, choice)
    split, elements = job.split, elements_of((*job.split.train, *job.split.valid))
    click.echo(
        f"{len(split.train)} frames train, {len(split.valid)} validate, {len(split.test)} are kept "
        f"for tests; {known.level}, {' '.join(elements)}"
    )
    if not check:
        _train(job, force)


def _train(job: TrainingJob, force: bool) -> None:
    """Train a model, print each epoch and the result."""
    from pykoh.processes import interruptible
    from pykoh.training.run import train

    def report(epoch: Epoch, left_s: float) -> None:
        line = (
            f"epoch {epoch.number + 1:4d}/{job.options.epochs}  "
            f"forces {epoch.force_rmse_meV_A:7.1f} meV/Å  "
            f"energy {epoch.energy_rmse_meV:7.2f} meV/atom"
        )
        click.echo(line + ("" if math.isnan(left_s) else f"  {left_s / 60:.1f} min left"))

    try:
        with interruptible():
            card = train(job, report, force)
    except KeyboardInterrupt:
        raise click.ClickException("stopped; the same command continues") from None
    best = card["validation"]
    click.echo(
        f"{job.model}: best epoch {best['epoch']}, "
        f"forces {best['force_rmse_meV_per_A']:.1f} meV/Å on validation frames, "
        f"{card['core_hours']:.3g} core-hours"
    )
    before = card.get("before_training", {}).get("force_rmse_meV_per_A", math.inf)
    if before < best["force_rmse_meV_per_A"]:
        click.echo(
            f"Warning: the foundation model was better, {before:.1f} meV/Å on the same frames; "
            "train longer, or with a smaller --lr",
            err=True,
        )
