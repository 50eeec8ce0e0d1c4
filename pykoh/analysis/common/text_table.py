"""A table for the terminal, whose columns never touch."""

from __future__ import annotations

from collections.abc import Sequence

_GAP = 2


def text_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[int]
) -> list[str]:
    """Return the lines of a table: the first column at the left, the others at the right.

    Args:
        header: heads of the columns.
        rows: cells, as many as heads.
        widths: of each column; one whose cells need more is wider. A row begins two blanks behind
            the header.
    """
    first = max(widths[0], *(len(row[0]) + _GAP for row in rows)) if rows else widths[0]
    wide = [
        max(width, len(head), *(len(row[k]) + _GAP for row in rows)) if rows else width
        for k, (head, width) in enumerate(zip(header[1:], widths[1:], strict=True), start=1)
    ]

    def line(cells: Sequence[str], indent: str) -> str:
        rest = "".join(f"{cell:>{width}}" for cell, width in zip(cells[1:], wide, strict=True))
        return f"{indent + cells[0]:<{first}}{rest}"

    return [line(header, ""), *(line(row, "  ") for row in rows)]
