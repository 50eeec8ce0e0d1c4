"""The errors that pykoh raises for input it cannot use."""

from __future__ import annotations


class PykohError(Exception):
    """Base of every error that a user can mend.

    The message is one line: what is wrong, where (file, line or option), and what to do next.
    The command line prints it without a traceback.
    """


class CompositionError(PykohError):
    """A solution that cannot exist or cannot be packed."""


class TrajectoryError(PykohError):
    """A trajectory that is missing, broken, or lacks what the analysis needs."""


class ObservableError(PykohError):
    """A user's observable that fails, or does not keep the contract."""


class ModelError(PykohError):
    """A potential that cannot be read, represented or trusted."""


class EngineError(PykohError):
    """A simulation engine that is missing or refuses its input."""


class OutputError(PykohError):
    """A place that results cannot be written to."""


class LabelError(PykohError):
    """Frames or labels that cannot be used, or a reference calculation that failed."""


class TrainingError(PykohError):
    """A training or a comparison of models that cannot be trusted or did not finish."""


class CampaignError(PykohError):
    """A campaign that is described wrongly, or whose jobs cannot be made or followed."""
