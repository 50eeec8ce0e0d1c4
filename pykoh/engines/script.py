"""Reading LAMMPS input scripts line by line."""

from __future__ import annotations

import re


def logical_lines(text: str) -> list[str]:
    """Return the commands of a LAMMPS script with ``&`` and ``\"\"\"`` continuations joined."""
    result: list[str] = []
    pending = ""
    quoted = False
    for line in text.splitlines():
        whole = f"{pending}\n{line}" if quoted else pending + line
        quoted = whole.count('"""') % 2 == 1
        if quoted:
            pending = whole
        elif whole.rstrip().endswith("&"):
            pending = whole.rstrip()[:-1] + " "
        else:
            pending = ""
            if whole.strip() and not whole.lstrip().startswith("#"):
                result.append(whole)
    if pending.strip():
        result.append(pending)
    return result


def index_variables(text: str) -> dict[str, str]:
    """Return the ``variable NAME index VALUE`` settings of a script, with their defaults."""
    found: dict[str, str] = {}
    for line in logical_lines(text):
        match = re.match(r"\s*variable\s+(\w+)\s+index\s+([^#]*)", line)
        if match:
            found.setdefault(match[1], match[2].strip())
    return found
