"""Options of the commands that read label files: units, names, limits."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

_OPTIONS = (
    click.option(
        "--units", default="eV", show_default=True, help="Units of DATA: eV, hartree, kcal/mol."
    ),
    click.option("--energy-key", metavar="NAME", help="Name of the energy in DATA.  [REF_energy]"),
    click.option("--forces-key", metavar="NAME", help="Name of the forces in DATA.  [REF_forces]"),
    click.option("--stress-key", metavar="NAME", help="Name of the stress in DATA.  [REF_stress]"),
    click.option("--max-force", type=float, default=100.0, show_default=True, help="Limit, eV/Å."),
    click.option("--max-stress", type=float, default=10.0, show_default=True, help="Limit, GPa."),
)


def reads_labels(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options to a command, which gets them as ``reading``."""

    @functools.wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        from pykoh.reference.label_values import LabelKeys
        from pykoh.reference.labels import Reading

        keys = LabelKeys(*(kwargs.pop(f"{name}_key") for name in ("energy", "forces", "stress")))
        reading = Reading(
            kwargs.pop("units"), keys, kwargs.pop("max_force"), kwargs.pop("max_stress")
        )
        function(*args, reading=reading, **kwargs)

    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped
