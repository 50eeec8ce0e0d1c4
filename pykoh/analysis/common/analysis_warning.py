"""The value that a warning of an analysis is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AnalysisWarning:
    """Why a quantity is missing or should be trusted less.

    Attributes:
        quantity: what it concerns, as a path in ``results.json``, e.g. ``"diffusion.OH-"``.
        reason: one sentence: what was found, and what would mend it.
    """

    quantity: str
    reason: str
