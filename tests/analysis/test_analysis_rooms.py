"""Which room of ``pykoh.analysis`` may import which; a room is a folder."""

from __future__ import annotations

import ast
from pathlib import Path

import pykoh.analysis

ANALYSIS = Path(pykoh.analysis.__file__).parent

MAY_IMPORT = {
    "common": set(),
    "observable": {"common"},
    "hops": {"common", "observable"},
    "hydrogen_bonds": {"common", "observable"},
    "structure": {"common", "observable"},
    "transport": {"common", "observable", "hops"},
    "results": {"common", "hops", "hydrogen_bonds", "structure", "transport"},
}
"""The contract, ``observable.py``, stands between the room that it needs and the sciences. The room
of a science has the values that it finds and says how they are shown; ``results`` joins them.

What else lies on the floor, the pipeline, may import every room; no room imports the pipeline.
"""


def imported(path: Path) -> set[str]:
    """Return the first name below ``pykoh.analysis`` of everything that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            if name.startswith("pykoh.analysis."):
                found.add(name.split(".")[2])
    return found


def rooms() -> set[str]:
    return {path.parent.name for path in ANALYSIS.glob("*/__init__.py")} | {"observable"}


def files(room: str) -> list[Path]:
    return sorted((ANALYSIS / room).glob("*.py")) or [ANALYSIS / f"{room}.py"]


def test_every_room_has_its_rule() -> None:
    assert rooms() == MAY_IMPORT.keys()


def test_rooms_import_what_they_may() -> None:
    wrong = []
    for room in sorted(MAY_IMPORT):
        for path in files(room):
            for target in sorted(imported(path) - MAY_IMPORT[room] - {room}):
                wrong.append(f"{path.relative_to(ANALYSIS)} imports {target}")
    assert not wrong, "; ".join(wrong)


def test_no_circle() -> None:
    """Rooms can be put in an order in which each imports only those before it."""
    left = dict(MAY_IMPORT)
    while left:
        free = [room for room, needs in left.items() if not needs & left.keys()]
        assert free, f"these rooms import each other: {sorted(left)}"
        for room in free:
            del left[room]


def test_the_rest_of_the_package_is_not_imported() -> None:
    """An analysis knows neither the command line nor the report that show it."""
    for path in ANALYSIS.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        for other in ("pykoh.cli", "pykoh.report"):
            assert f"import {other}" not in text and f"from {other}" not in text, path
