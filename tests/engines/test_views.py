"""Parts of arrays and small arrays in compiled loops."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from pykoh.engines.loops.views import between, field, on_stack, rows_of


def test_parts_of_an_array_are_views() -> None:
    @numba.njit
    def change(array: Any, places: Any) -> tuple[int, int, int]:
        between(array, 2, 5)[0] = 70
        of_field = field(array, places, 1)
        of_field[len(of_field) - 1] = 71
        # Two columns, from place 1 on: rows 3 and 4 are numbers 7 to 10.
        rows = rows_of(array, 1, 2, 3, 5)
        rows[0], rows[len(rows) - 1] = 72, 73
        return len(between(array, 3, 3)), len(of_field), len(rows)

    array = np.arange(12)
    assert change(array, np.array([0, 4, 7])) == (0, 3, 4)
    assert array.tolist() == [0, 1, 70, 3, 4, 5, 71, 72, 8, 9, 73, 11]


def test_arrays_on_the_stack_are_zero_and_apart() -> None:
    @numba.njit
    def fill(like: Any, n: int) -> float:
        first, second, none = on_stack(like, n), on_stack(like, 3), on_stack(like, 0)
        total = float(len(none))
        for k in range(n):
            total += first[k]
            first[k] = 1.0
        for k in range(3):
            total += second[k]
            second[k] = 10.0
        return total + first.sum() + second.sum()

    for like in (np.zeros(1), np.zeros((1, 1), np.float32)):
        for n in (1, 5, 4096):
            assert fill(like, n) == n + 30.0
