"""What a user's observables show."""

from __future__ import annotations

from dataclasses import dataclass

from pykoh.analysis.common.shown import Shown


@dataclass(frozen=True, slots=True, eq=False)
class CustomResult:
    """The result of a user's observable.

    Attributes:
        name: that of the observable.
        shown: what is shown of it.
    """

    name: str
    shown: Shown
