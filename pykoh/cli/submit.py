"""``pykoh submit``: a campaign as Slurm jobs that continue until it is done."""

from __future__ import annotations

from pathlib import Path

import click

from pykoh.errors import CampaignError


@click.command()
@click.argument("path", metavar="[CAMPAIGN]", type=click.Path(path_type=Path), required=False)
@click.option(
    "--molarity",
    "molarities",
    type=float,
    multiple=True,
    metavar="MOL_PER_L",
    help="May be repeated.",
)
@click.option(
    "--temperature", "temperatures", type=float, multiple=True, metavar="K", help="May be repeated."
)
@click.option("--replicas", type=int, metavar="N", help="Independent boxes of each solution.")
@click.option("--potential", metavar="FILE", help="File from pykoh export.")
@click.option("--ps", type=float, help="Length of production of each run.")
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="Any key of a campaign file."
)
@click.option(
    "--site",
    type=click.Path(path_type=Path),
    help="site.yaml: describes how this cluster runs jobs.",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Folder.  [default: NAME]")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Show the job scripts, and submit nothing. Makes the folder of a new campaign; an "
    "existing campaign stays as it is.",
)
@click.option("--local", is_flag=True, help="Run it on this machine, without Slurm.")
def command(
    path: Path | None,
    molarities: tuple[float, ...],
    temperatures: tuple[float, ...],
    replicas: int | None,
    potential: str | None,
    ps: float | None,
    settings: tuple[str, ...],
    site: Path | None,
    output: Path | None,
    dry_run: bool,
    local: bool,
) -> None:
    """Submit the CAMPAIGN (a YAML file) to Slurm: build, equilibrate, produce, analyse, report.

    \b
    pykoh submit campaign.yaml --site site.yaml -o koh
    pykoh submit --molarity 1.7 --molarity 6.26 --potential koh.pt --ps 2000 --site site.yaml -o koh
    pykoh status koh

    Options replace values of the file, or the whole file. After a time limit, preemption or the
    failure of a node, jobs continue from the newest undamaged restart file. The same command
    continues a campaign whose jobs have failed or were cancelled. A larger `ps` makes it longer;
    more molarities, temperatures or replicas add runs to it. Runs without a box can be left out
    again.
    """
    from pykoh.campaign.site import read_site
    from pykoh.campaign.spec import read_campaign
    from pykoh.campaign.submission import dry_run as show
    from pykoh.campaign.submission import submit
    from pykoh.processes import interruptible

    if dry_run and local:
        raise CampaignError("--dry-run and --local: give only one of them")
    given = {
        "--molarity": ("molarities", list(molarities) or None),
        "--temperature": ("temperatures", list(temperatures) or None),
        "--replicas": ("replicas", replicas),
        "--potential": ("potential", potential),
        "--ps": ("ps", ps),
    }
    options = {name: f"{key}={value}" for name, (key, value) in given.items() if value is not None}
    if path is None and not (options or settings):
        raise CampaignError("give a campaign file, or at least --molarity and --potential")
    campaign = read_campaign(path, settings, options)
    how = read_site(site) if site is not None else None
    if dry_run:
        campaign_folder, jobs = show(campaign, how, output)
        click.echo(
            f"{len(campaign_folder.runs)} runs in {campaign_folder.path}, {campaign.ps:g} ps each"
        )
        for job in jobs:
            click.echo(f"\n--- {job.path}")
            click.echo(job.text.rstrip())
        return
    try:
        with interruptible():
            found = submit(campaign, output, site=how, local=local, say=click.echo)
    except KeyboardInterrupt:
        raise click.ClickException("stopped; the same command continues") from None
    if found.failed:
        raise click.ClickException(f"some runs failed: pykoh status {found.folder.path}")
    if local:
        return
    for stage, number in found.jobs.items():
        click.echo(f"{stage:<12} job {number}")
    click.echo(f"pykoh status {found.folder.path} shows its progress")
