"""What an analysis finds, as frozen values, and the files and texts that are made of them."""

from pykoh.analysis.common.analysis_warning import (
    AnalysisWarning,
)
from pykoh.analysis.common.estimate import (
    Estimate,
)
from pykoh.analysis.common.input_summary import (
    InputSummary,
)
from pykoh.analysis.common.shown import (
    Curve,
    Row,
    Shown,
)
from pykoh.analysis.common.survival_curve import (
    SurvivalCurve,
)
from pykoh.analysis.hops.hop_scene import (
    HopScene,
)
from pykoh.analysis.hops.values import (
    Directionality,
    Grotthuss,
    HopRateCurve,
    IntervalDependence,
    Presolvation,
    ProtonTransferProfile,
    WaitingTimeFit,
    WaitingTimes,
)
from pykoh.analysis.hydrogen_bonds.values import (
    HYDROGEN_BOND_CLASSES,
    AngleMap,
    HydrogenBondClass,
    HydrogenBonds,
)
from pykoh.analysis.results.analysis_results import (
    AnalysisResults,
)
from pykoh.analysis.results.custom import (
    CustomResult,
)
from pykoh.analysis.structure.values import (
    HydroxidePairs,
    IonContacts,
    IonPairing,
    RadialDistribution,
    Structure,
)
from pykoh.analysis.transport.values import (
    Conductivity,
    Diffusion,
    DisplacementCurve,
    LineFit,
    OnsagerCoefficient,
    SpeciesDiffusion,
    Viscosity,
)
from pykoh.arrays import (
    FloatArray,
    IntArray,
)

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
