"""Variables of an input: when `pykoh run` says that one is not used as given."""

from __future__ import annotations

import pytest

from pykoh.engines.variables import notes


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"timestep_fs": "0.5", "dump_fs": "10", "restart_ps": "1", "pressure_fs": "0.25"}, 1),
        ({"timestep_fs": "0.3", "dump_fs": "9", "restart_ps": "1", "pressure_fs": "0"}, 0),
        ({"timestep_fs": "0.3", "dump_fs": "3.0", "restart_ps": "0.3", "temperature": "0"}, 0),
        ({"timestep_fs": "0.0005", "temperature": "5000"}, 2),
        ({"timestep_fs": "", "dump_fs": "0.7"}, 0),
    ],
)
def test_notes_are_given_where_they_hold(values: dict[str, str], expected: int) -> None:
    assert len(list(notes(values, values))) == expected
    assert not list(notes(values, ())), "the user has set none"
