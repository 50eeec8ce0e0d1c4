"""``pykoh doctor``: what this machine can run, and how to get the rest."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pykoh.doctor.finding import Finding
    from pykoh.doctor.smoke import Smoke

COLORS = {"ok": "green", "warning": "yellow", "missing": "red"}


@click.command(short_help="Say what this machine can run, and how to get the rest.")
@click.option(
    "--lmp", type=click.Path(path_type=Path), help="The lmp to check; by default the one on PATH."
)
@click.option("--smoke", "with_smoke", is_flag=True, help="Run ten steps on each engine found.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(lmp: Path | None, with_smoke: bool, as_json: bool) -> None:
    """Say what this machine can run, and how to get the rest.

    Exit status is 0 if at least one engine can run, else 1. With --smoke an engine counts only if
    it runs ten steps of aqueous KOH, and the engines are compared with each other.
    """
    from pykoh.doctor import lammps, software
    from pykoh.doctor.smoke import smoke
    from pykoh.errors import EngineError

    if lmp is not None and not lmp.is_file():
        raise EngineError(f"--lmp {lmp}: no such file; give the path of an lmp")
    program = lammps.find_lmp(lmp.resolve() if lmp else None)
    torch, gpu = software.torch_and_gpu()
    embedded = lammps.embedded()
    external, build = lammps.lmp(program)
    kokkos = lammps.kokkos(build, program, gpu.status == "ok")
    findings = [
        software.python(), software.numpy(), torch, gpu, embedded, external,
        kokkos, *lammps.gpu_aware_mpi(build), software.cupy(),
        software.mpi4py(build.mpi if build else None), software.mace(), software.cp2k(),
        software.slurm(),
    ]  # fmt: skip
    engines = {
        "embedded": embedded.status == "ok",
        "mliap": build is not None,
        "mliap/kk": kokkos.status == "ok",
    }
    smokes: list[Smoke] | None = None
    if with_smoke:
        smokes = smoke(engines["embedded"], program if build else None, build)
        ran = {result.engine: result.ok for result in smokes}
        engines = {name: ran.get(name, False) for name in engines}
    if as_json:
        click.echo(json.dumps(_document(findings, engines, smokes), indent=2, ensure_ascii=False))
    else:
        _show(findings, engines, smokes)
    raise SystemExit(0 if any(engines.values()) else 1)


def _document(
    findings: list[Finding], engines: dict[str, bool], smokes: list[Smoke] | None
) -> dict[str, object]:
    return {
        "findings": [dataclasses.asdict(finding) for finding in findings],
        "engines": engines,
        "smoke": None if smokes is None else [dataclasses.asdict(s) for s in smokes],
    }


def _show(findings: list[Finding], engines: dict[str, bool], smokes: list[Smoke] | None) -> None:
    for finding in findings:
        status = click.style(f"{finding.status:<8}", fg=COLORS[finding.status])
        click.echo(f"{status} {finding.name:<17} {finding.found}")
        if finding.status != "ok":
            click.echo(f"{'':26} needed for: {finding.needed_for}")
            click.echo(f"{'':26} remedy: {finding.remedy}")
    if smokes is not None:
        click.echo("\nTen steps of 102 atoms of aqueous KOH:")
        for result in smokes:
            if result.ms_per_step is None or not result.ok:
                click.echo(f"  {result.engine:<10} {click.style('failed', fg='red')}: "
                           f"{result.problem}")  # fmt: skip
                continue
            click.echo(
                f"  {result.engine:<10} {result.ms_per_step:8.1f} ms/step   "
                f"{result.energies_eV[0]:.5f} eV → {result.energies_eV[-1]:.5f} eV"
            )
    usable = [name for name, works in engines.items() if works]
    click.echo(f"\nEngines that run on this machine: {', '.join(usable) if usable else 'none'}.")
