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


def test_numbers_and_counts_in_sentences() -> None:
    from pykoh.analysis.common.wording import counted, plain, rounded_up

    numbers = {129.6: "130", 12.56: "13", 0.1234: "0.12", 2.4e4: "24000"}
    assert {value: plain(value) for value in numbers} == numbers
    limits = {12.5: "13", 121.0: "130", 12.0: "12", 0.0301: "0.031"}
    assert {limit: rounded_up(limit) for limit in limits} == limits
    assert counted(1, "frame", ("is", "are")) == "1 frame is"
    assert counted(0, "hop", ("is", "are")) == "0 hops are" and counted(2, "row") == "2 rows"
