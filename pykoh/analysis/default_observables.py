"""The observables of ``pykoh analyze``, and the results and warnings that are made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from pykoh.analysis.custom import Custom
from pykoh.analysis.hops.observable import ProtonHops
from pykoh.analysis.hops.scene import HopWatch
from pykoh.analysis.hydrogen_bonds.observable import Bonds
from pykoh.analysis.observable import Observable, Outcome, System
from pykoh.analysis.results import AnalysisResults, AnalysisWarning, CustomResult
from pykoh.analysis.settings import Settings
from pykoh.analysis.structure.observable import Distributions
from pykoh.analysis.transport.observable import (
    IonicConductivity,
    ShearViscosity,
    Temperature,
    Transport,
)


def default_observables(system: System, settings: Settings) -> list[Observable[Any]]:
    """Return the observables, in the order in which their warnings are listed.

    Raises:
        TrajectoryError: a pressure record that the user named cannot be used.
    """
    window = settings.fit_window_ps
    return [
        Transport(system, settings.viscosity_mPa_s, window, settings.rattle_window_ps),
        ProtonHops(system, settings.rattle_window_ps),
        Bonds(system, settings.criterion),
        Temperature(system),
        ShearViscosity(system, settings.pressure_files, settings.pressure_given),
        Distributions(system, settings.contact_A, settings.criterion.max_distance_A),
        IonicConductivity(system, window),
        HopWatch(system, settings.rattle_window_ps),
    ]


def results_of(
    outcome: Outcome, observables: Sequence[Observable[Any]], of_input: list[AnalysisWarning]
) -> AnalysisResults:
    """Return the results of a run.

    Args:
        outcome: of all observables.
        observables: those of :func:`default_observables`, and those of the user.
        of_input: warnings about what was read.
    """
    warnings = list(of_input)
    shown: dict[str, Any] = {}
    custom = []
    for each in observables:
        found, more = outcome.named(each.name)
        warnings += more
        if isinstance(each, Custom):
            custom.append(CustomResult(each.name, each.shown(found)))
        elif (showable := each.shown(found)) is not None:
            shown[each.name] = showable
    attributes = shown.keys() & {each.name for each in fields(AnalysisResults)}
    results = AnalysisResults(
        input=outcome.summary,
        **{name: shown[name] for name in attributes},
        warnings=tuple(warnings),
        custom=tuple(custom),
        scene=outcome.of(HopWatch),
    )
    others = {name: each for name, each in shown.items() if name not in results.shown}
    return replace(results, more=others)
