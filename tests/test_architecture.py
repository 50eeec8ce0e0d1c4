"""Which room of the package may import which: ARCHITECTURE.md is true."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pykoh

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = Path(pykoh.__file__).parent


def rules() -> dict[str, set[str] | None]:
    """Return what each room may import, by the table; None: everything."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    found: dict[str, set[str] | None] = {}
    for left, right in re.findall(r"^\| (`[^|]*) \| ?([^|]*) ?\|$", text, re.MULTILINE):
        allowed = None if right.strip() == "everything" else set(re.findall(r"`(\w+)`", right))
        found |= dict.fromkeys(re.findall(r"`(\w+)`", left), allowed)
    return found


def rooms() -> set[str]:
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    return folders | {path.stem for path in PACKAGE.glob("*.py") if not path.stem.startswith("_")}


def imports(room: str) -> dict[str, str]:
    """Return the rooms that a room imports, each with a file that does."""
    found = {}
    files = sorted((PACKAGE / room).rglob("*.py")) or [PACKAGE / f"{room}.py"]
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names: list[str] = []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            for name in names:
                parts = name.split(".")
                if parts[0] == "pykoh" and len(parts) > 1 and parts[1] in rooms() - {room}:
                    found.setdefault(parts[1], str(path.relative_to(PACKAGE)))
    return found


def test_every_room_is_in_the_table() -> None:
    assert rules().keys() == rooms()


def test_rooms_import_what_they_may() -> None:
    wrong = [
        f"{file} imports {other}"
        for room, allowed in rules().items()
        if allowed is not None
        for other, file in imports(room).items()
        if other not in allowed
    ]
    assert not wrong


def test_the_table_allows_nothing_that_nobody_needs() -> None:
    for room, allowed in rules().items():
        if allowed is not None and room not in ("export", "engines", "report"):
            assert allowed <= imports(room).keys(), room
