"""Paths of the shipped inputs, potentials and build files, in a checkout or in a wheel."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def shipped(*parts: str) -> Path:
    """Return the path of a shipped file, e.g. ``shipped("lammps_inputs", "koh.in")``.

    A wheel carries the folders in ``pykoh/shipped``; in a checkout they are beside ``pykoh``.
    """
    inside = PACKAGE / "shipped"
    return (inside if inside.is_dir() else PACKAGE.parent).joinpath(*parts)
