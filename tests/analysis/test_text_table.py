"""Tables of the terminal."""

from __future__ import annotations

from pykoh.analysis.common.text_table import text_table


def test_columns_never_touch() -> None:
    """A share whose interval is long is wider than its column."""
    share = "0.11 (95 %: 0.022 to 0.40)"
    rows = [("OH-_OH-", "0.110 ± 0.067", share), ("H2O_OH-", "3.794 ± 0.045", "0.4241 ± 0.0076")]
    header, first, second = text_table(("bonds", "per donor", "bonded"), rows, (10, 15, 18))
    assert first.split("  ")[-1] == share and f"0.067  {share}" in first
    assert len(header) == len(first) == len(second)
    assert first.startswith("  OH-_OH-  ")


def test_widths_stay_where_they_are_enough() -> None:
    assert text_table(("a", "b"), [("x", "1")], (6, 8)) == ["a            b", "  x          1"]
    assert text_table(("a", "b"), [], (6, 8)) == ["a            b"]
