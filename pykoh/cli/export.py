"""``pykoh export``: from a trained MACE model to a file that every engine runs."""

from __future__ import annotations

from pathlib import Path

import click

from pykoh.errors import ModelError
from pykoh.files import refuse_overwrite, require_file


def _molarities(text: str | None) -> tuple[float, ...]:
    try:
        values = tuple(float(part) for part in (text or "").split(",") if part.strip())
    except ValueError as error:
        raise ModelError(
            f"--trained-at {text!r}: give molarities (mol/L) with commas, e.g. 0.56,6.26,17.98"
        ) from error
    if any(value < 0 for value in values):
        raise ModelError(f"--trained-at {text!r}: a molarity can't be below 0")
    return values


@click.command(short_help="Turn a MACE model into one file that every engine runs.")
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="The artifact; by default MODEL.pt."
)
@click.option(
    "--dtype",
    type=click.Choice(["float32", "float64"]),
    default="float32",
    show_default=True,
    help="Precision of the engines ($PYKOH_DTYPE changes it at run time).",
)
@click.option(
    "--route",
    type=click.Choice(["auto", "fast", "general"]),
    default="auto",
    show_default=True,
    help="fast: several times faster, for most models; general: for any architecture.",
)
@click.option("--head", help="Head to export, for a model with several.")
@click.option("--elements", metavar="H,O,K", help="Elements to keep; by default all.")
@click.option("--trained-at", metavar="M,M,…", help="Molarities of the training data, mol/L.")
@click.option("--force", is_flag=True, help="Replace an existing artifact.")
def command(
    model: Path,
    output: Path | None,
    dtype: str,
    route: str,
    head: str | None,
    elements: str | None,
    trained_at: str | None,
    force: bool,
) -> None:
    """Export MODEL (a .model file of mace-torch) to one TorchScript artifact.

    The artifact runs in LAMMPS (pair_style mliap unified) and in `pykoh run`, without mace-torch.
    Before it is written, it is compared with MACE's own calculator in float64 and float32.

    A .model file is a Python pickle, which can run code when it is read. Export only models from
    people you trust.
    """
    require_file(model, "MACE model", ModelError)  # before torch is imported: that takes seconds
    target = output or model.with_suffix(".pt")
    if target.resolve() == model.resolve():
        raise ModelError(f"{target}: would replace the model itself; give another name with -o")
    refuse_overwrite([target], force)
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise ModelError("torch is not installed; pip install 'pykoh[run,train]'") from error
    from pykoh.export.elements import parse_elements
    from pykoh.export.export import export_model

    report = export_model(
        model, target, dtype, head, _molarities(trained_at), route, parse_elements(elements)
    )
    metadata = report.metadata
    click.echo(f"{target}: {target.stat().st_size / 1e6:.1f} MB, {metadata.architecture}")
    click.echo(
        f"  elements {' '.join(metadata.elements)}, cutoff {metadata.cutoff_A:g} Å, "
        f"{metadata.n_layers} layers, runs in {metadata.dtype}, "
        f"{metadata.route} route"
    )
    if report.note:
        click.echo(f"  note: {report.note}")
    for item in report.deviations:
        click.echo(
            f"  {item.dtype} against MACE's calculator in float64: "
            f"{item.energy_eV_per_atom:.1e} eV/atom, {item.force_eV_per_A:.1e} eV/Å, "
            f"{item.stress_eV_per_A3:.1e} eV/Å³ at most"
        )
