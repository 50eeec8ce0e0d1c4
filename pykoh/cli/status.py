"""``pykoh status``: the progress of a campaign."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click


@click.command()
@click.argument("path", metavar="CAMPAIGN", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
def command(path: Path, as_json: bool) -> None:
    """Show ns done, ns/day, the time left and failures of the CAMPAIGN folder."""
    from pykoh.campaign.folder import CampaignFolder
    from pykoh.campaign.status import status

    rows = status(CampaignFolder(path))
    if as_json:
        click.echo(json.dumps([asdict(row) for row in rows], indent=1))
        return
    width = max(len(row.run.name) for row in rows)
    click.echo(
        f"{'run':<{width}}  {'stage':<12}{'ns done':>9}{'ns':>8}{'ns/day':>9}{'h left':>8}  state"
    )
    for row in rows:
        speed = "" if row.ns_per_day is None else f"{row.ns_per_day:.3g}"
        left = "" if row.hours_left is None else f"{row.hours_left:.1f}"
        click.echo(
            f"{row.run.name:<{width}}  {row.stage:<12}{row.ps_done / 1000:9.4g}{row.ps / 1000:8.4g}"
            f"{speed:>9}{left:>8}  {row.state}"
        )
    done = sum(row.ps_done for row in rows) / 1000
    wanted = sum(row.ps for row in rows) / 1000
    finished = sum(row.stage == "done" for row in rows)
    click.echo(f"{finished} of {len(rows)} runs done, {done:.4g} of {wanted:.4g} ns")
    slowest = [row.hours_left for row in rows if row.hours_left is not None and not row.problem]
    if slowest:
        from datetime import datetime, timedelta

        end = datetime.now().astimezone() + timedelta(hours=max(slowest))
        click.echo(f"the slowest run ends at about {end:%a %d %b %H:%M}")
    flagged = sum(row.flagged for row in rows)
    if flagged:
        click.echo(f"{flagged} frames kept for labelling: pykoh extend {path} trains on them")
    for row in rows:
        if row.problem:
            click.echo(f"{row.run.name}: {row.problem}")
