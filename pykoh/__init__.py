"""pykoh: from a MACE potential to transport properties of aqueous KOH.

The names in ``__all__`` are stable (see docs/api.md). Each name is imported when it is first used:
``import pykoh`` alone loads nothing else.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pykoh.analysis.observable import Observable
    from pykoh.analysis.results import AnalysisResults
    from pykoh.analysis.settings import Settings
    from pykoh.campaign.site import Site
    from pykoh.campaign.spec import Campaign
    from pykoh.campaign.submission import submit
    from pykoh.engines.calculator import PykohCalculator as Calculator
    from pykoh.engines.simulation import simulate as run
    from pykoh.errors import PykohError
    from pykoh.export.export import export_model
    from pykoh.reference.labelling import label
    from pykoh.report.view import view
    from pykoh.solution.build import Box, build
    from pykoh.study import analyze
    from pykoh.study_series import analyze_series
    from pykoh.training.options import Options as TrainingOptions
    from pykoh.training.prepare import train_model as train
    from pykoh.trajectory.memory import Trajectory
    from pykoh.trajectory.run import ReadOptions

__version__ = "0.1.0"

_PLACES = {
    "AnalysisResults": "pykoh.analysis.results:AnalysisResults",
    "Box": "pykoh.solution.build:Box",
    "Calculator": "pykoh.engines.calculator:PykohCalculator",
    "Campaign": "pykoh.campaign.spec:Campaign",
    "Observable": "pykoh.analysis.observable:Observable",
    "PykohError": "pykoh.errors:PykohError",
    "ReadOptions": "pykoh.trajectory.run:ReadOptions",
    "Settings": "pykoh.analysis.settings:Settings",
    "Site": "pykoh.campaign.site:Site",
    "TrainingOptions": "pykoh.training.options:Options",
    "Trajectory": "pykoh.trajectory.memory:Trajectory",
    "analyze": "pykoh.study:analyze",
    "analyze_series": "pykoh.study_series:analyze_series",
    "build": "pykoh.solution.build:build",
    "export_model": "pykoh.export.export:export_model",
    "label": "pykoh.reference.labelling:label",
    "run": "pykoh.engines.simulation:simulate",
    "submit": "pykoh.campaign.submission:submit",
    "train": "pykoh.training.prepare:train_model",
    "view": "pykoh.report.view:view",
}

__all__ = [
    "AnalysisResults",
    "Box",
    "Calculator",
    "Campaign",
    "Observable",
    "PykohError",
    "ReadOptions",
    "Settings",
    "Site",
    "TrainingOptions",
    "Trajectory",
    "analyze",
    "analyze_series",
    "build",
    "export_model",
    "label",
    "run",
    "submit",
    "train",
    "view",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _PLACES:
        raise AttributeError(f"module 'pykoh' has no attribute '{name}'")
    module, attribute = _PLACES[name].split(":")
    try:
        return getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        from pykoh.errors import EngineError

        missing = str(error.name).partition(".")[0]
        raise EngineError(
            f"pykoh.{name} needs {missing}, which is not installed; pip install 'pykoh[run,train]'"
        ) from error


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
