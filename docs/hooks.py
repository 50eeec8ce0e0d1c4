"""MkDocs hook: marks in a page that become text when the site is built.

`{{ help COMMAND }}` becomes what `pykoh COMMAND --help` prints. `{{ series FOLDER SUBJECT }}`
becomes the table of a subject (`diffusion`, `hops` ...) from the series.json of a folder of the
repository. `{{ compare SUBJECT FOLDER "NAME" FOLDER "NAME" ... }}` becomes such a table with a
column for each folder.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from pykoh.analysis.series_files import read_series
from pykoh.analysis.series_quantities import SUBJECTS
from pykoh.cli import main
from pykoh.errors import PykohError
from pykoh.report.series import compared, rows

_MARK = re.compile(r"\{\{ help (\w+) \}\}")
_COMPARE = re.compile(r"\{\{ compare (\w+) ([^}]+) \}\}")
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


def _table(subject: str, make: Callable[[], list[list[str]]]) -> str:
    if subject not in SUBJECTS:
        raise SystemExit(
            f"docs: a series has no subject {subject}; there are {', '.join(SUBJECTS)}"
        )
    try:
        header, *lines = make()
    except PykohError as error:
        raise SystemExit(f"docs: {error}") from error
    rule = ["---"] * len(header)
    return "\n".join(f"| {' | '.join(line)} |" for line in (header, rule, *lines))


def _series(match: re.Match[str]) -> str:
    return _table(match[2], lambda: rows(match[2], read_series(_ROOT / match[1])))


def _compare(match: re.Match[str]) -> str:
    words = shlex.split(match[2])
    folders = dict(zip(words[1::2], words[::2], strict=True))

    def make() -> list[list[str]]:
        return compared(match[1], {name: read_series(_ROOT / at) for name, at in folders.items()})

    return _table(match[1], make)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fill in the help of commands and the tables of series."""
    for mark, fill in ((_MARK, _help), (_SERIES, _series), (_COMPARE, _compare)):
        markdown = mark.sub(fill, markdown)
    return markdown
