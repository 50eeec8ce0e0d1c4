"""MkDocs hooks: the help of commands, and cross-references within docstrings.

`{{ help COMMAND }}` in a page becomes what `pykoh COMMAND --help` prints. References to the code
(`:mod:` and the like) become links to the section of theory.md that documents it, or names.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import click
from mkdocs.utils import get_relative_url

from pykoh.cli import main

_MARK = re.compile(r"\{\{ help (\w+) \}\}")
_REFERENCE = re.compile(r":(?:mod|class|func|meth|data|attr):\s*<code>[~!]?([\w.]+)</code>")
_SECTION = re.compile(r"^## (.+?)$|^::: ([\w.]+)$", re.MULTILINE)


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


@cache
def sections() -> dict[str, str]:
    """Return the heading in theory.md of each module that has a section there."""
    found, heading = {}, ""
    for match in _SECTION.finditer((Path(__file__).parent / "theory.md").read_text("utf-8")):
        if match[1]:
            heading = match[1]
        else:
            found[match[2]] = heading
    return found


def _anchor(heading: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", heading.lower()).strip("-")


def on_page_content(html: str, page: Any, **_: Any) -> str:
    """Turn references to the code into links or names.

    Raises:
        SystemExit: a section of theory.md has another anchor than the links to it.
    """
    for heading in sections().values() if page.url == "theory/" else ():
        if f'id="{_anchor(heading)}"' not in html:
            raise SystemExit(f"docs: theory.md has no anchor {_anchor(heading)} ({heading})")

    def shown(match: re.Match[str]) -> str:
        heading = sections().get(match[1])
        if heading is None:
            return f"<code>{match[1]}</code>"
        link = get_relative_url(f"theory/#{_anchor(heading)}", page.url)
        return f'<a href="{link}">{heading}</a>'

    return _REFERENCE.sub(shown, html)
