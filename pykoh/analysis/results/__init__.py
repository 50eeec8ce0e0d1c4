"""What an analysis finds, as frozen values, and the files and texts that are made of them."""

from pykoh.analysis.common.analysis_warning import AnalysisWarning
from pykoh.analysis.common.estimate import Estimate
from pykoh.analysis.common.survival_curve import SurvivalCurve
from pykoh.analysis.results.custom import Curve, CustomResult, Row, Shown
from pykoh.analysis.results.hops import (
    Directionality,
    Grotthuss,
    HopRateCurve,
    IntervalDependence,
    Presolvation,
    ProtonTransferProfile,
    WaitingTimeFit,
    WaitingTimes,
)
from pykoh.analysis.results.scene import HopScene
from pykoh.analysis.results.structure import (
    HYDROGEN_BOND_CLASSES,
    AngleMap,
    HydrogenBondClass,
    HydrogenBonds,
    HydroxidePairs,
    IonContacts,
    IonPairing,
    RadialDistribution,
    Structure,
)
from pykoh.analysis.results.values import (
    AnalysisResults,
    Conductivity,
    Diffusion,
    DisplacementCurve,
    InputSummary,
    LineFit,
    OnsagerCoefficient,
    SpeciesDiffusion,
    Viscosity,
)
from pykoh.arrays import FloatArray, IntArray

__all__ = [
    "HYDROGEN_BOND_CLASSES",
    "AnalysisResults",
    "AnalysisWarning",
    "AngleMap",
    "Conductivity",
    "Curve",
    "CustomResult",
    "Diffusion",
    "Directionality",
    "DisplacementCurve",
    "Estimate",
    "FloatArray",
    "Grotthuss",
    "HopRateCurve",
    "HopScene",
    "HydrogenBondClass",
    "HydrogenBonds",
    "HydroxidePairs",
    "InputSummary",
    "IntArray",
    "IntervalDependence",
    "IonContacts",
    "IonPairing",
    "LineFit",
    "OnsagerCoefficient",
    "Presolvation",
    "ProtonTransferProfile",
    "RadialDistribution",
    "Row",
    "Shown",
    "SpeciesDiffusion",
    "Structure",
    "SurvivalCurve",
    "Viscosity",
    "WaitingTimeFit",
    "WaitingTimes",
]
