"""Errors for input that pykoh cannot use."""

from __future__ import annotations


class PykohError(Exception):
    """Base of all errors that a user can correct.

    The message is one line: the problem, the place (file, line or option), and the remedy.
    The command line prints it without a traceback.
    """


class CompositionError(PykohError):
    """A solution that cannot exist or cannot be packed."""


class TrajectoryError(PykohError):
    """A trajectory that is missing, broken, or lacks what the analysis needs."""


class ObservableError(PykohError):
    """A user's observable or setting that fails or breaks the contract."""


class ModelError(PykohError):
    """A potential that cannot be read, represented or trusted."""


class EngineError(PykohError):
    """A simulation engine that is missing or refuses its input."""


class OutputError(PykohError):
    """A path to which results cannot be written."""


class LabelError(PykohError):
    """Frames or labels that cannot be used, or a reference calculation that failed."""


class TrainingError(PykohError):
    """A training or a comparison of models that failed or would be wrong."""


class CampaignError(PykohError):
    """A campaign with a wrong description, or whose jobs cannot be submitted or run."""


class ResultsError(PykohError):
    """Results of an analysis that are missing or damaged."""
