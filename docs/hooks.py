"""MkDocs hook: `{{ help COMMAND }}` in a page becomes what `pykoh COMMAND --help` prints."""

from __future__ import annotations

import re
from typing import Any

import click

from pykoh.cli import main

_MARK = re.compile(r"\{\{ help (\w+) \}\}")


def _help(match: re.Match[str]) -> str:
    name = match[1]
    parent = click.Context(main, info_name="pykoh")
    command = main.get_command(parent, name)
    if command is None:
        raise SystemExit(f"docs: pykoh has no command {name}")
    context = click.Context(command, info_name=name, parent=parent, max_content_width=88)
    return f"```text\n{command.get_help(context)}\n```"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Fill in the help of the commands that a page names."""
    return _MARK.sub(_help, markdown)
