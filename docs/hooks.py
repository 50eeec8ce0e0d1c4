"""MkDocs hook: marks in a page that become text when the site is built.

`{{ help COMMAND }}` becomes what `pykoh COMMAND --help` prints. `{{ series FOLDER SUBJECT }}`
becomes the table of a subject (`diffusion`, `hops` ...) from the series.json of a folder of the
repository.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from pykoh.analysis.series_files import read_series
from pykoh.analysis.series_quantities import SUBJECTS
from pykoh.cli import main
from pykoh.errors import PykohError
from pykoh.report.series import rows

_MARK = re.compile(r"\{\{ help (\w+) \}\}")
_SERIES = re.compile(r"\{\{ series (\S+) (\w+) \}\}")
_ROOT = Path(__file__).parents[1]


def _help(match: re.Match[str]) -> str:
    name = match[1]
    parent = click.Context(main, info_name="pykoh")
    command = main.get_command(parent, name)
    if command is None:
        raise SystemExit(f"docs: pykoh has no command {name}")
    context = click.Context(command, info_name=name, parent=parent, max_content_width=88)
    return f"```text\n{command.get_help(context)}\n```"


def _series(match: re.Match[str]) -> str:
    if match[2] not in SUBJECTS:
        raise SystemExit(
            f"docs: a series has no subject {match[2]}; there are {', '.join(SUBJECTS)}"
        )
    try:
        header, *lines = rows(match[2], read_series(_ROOT / match[1]))
    except PykohError as error:
        raise SystemExit(f"docs: {error}") from error
    rule = ["---"] * len(header)
    return "\n".join(f"| {' | '.join(line)} |" for line in (header, rule, *lines))


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fill in the help of commands and the tables of series."""
    return _SERIES.sub(_series, _MARK.sub(_help, markdown))
