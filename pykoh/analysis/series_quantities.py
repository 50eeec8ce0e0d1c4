"""What a series compares from solution to solution: each quantity, its key and its subject."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pykoh.analysis.common.confidence import Interval
from pykoh.analysis.common.estimate import Estimate, How, Kind
from pykoh.analysis.results import AnalysisResults

Find = Callable[[AnalysisResults], Estimate | None]


@dataclass(frozen=True, slots=True)
class Quantity:
    """A quantity of the series.

    Attributes:
        key: name in ``series.json`` and column of ``series.csv``, with the unit.
        title: what it is.
        of: finds it in the results of a run.
        subject: one of :data:`SUBJECTS`.
        exponent: power of ten that is taken out of it in tables.
        unit: what is written behind the number.
        kind: which values it can have.
        about: paths in ``results.json`` of warnings that concern it; ``+`` is the cation.
    """

    key: str
    title: str
    of: Find
    subject: str
    exponent: int = 0
    unit: str = ""
    kind: Kind = Kind.NUMBER
    about: tuple[str, ...] = ()

    def doubts(self, results: AnalysisResults) -> list[str]:
        """Return why its value in a run should be trusted less; nothing without a value."""
        if self.of(results) is None:
            return []
        paths = {path.replace("+", f"{results.input.cation}+") for path in self.about}
        # Water and its oxygens have one reason, which is said once.
        found = [warning.reason for warning in results.warnings if warning.quantity in paths]
        return list(dict.fromkeys(found))

    def in_table(self, estimate: Estimate | None) -> Estimate | None:
        """Return an estimate of it as tables show it: a share has an interval within 0 and 1.

        That of few replicas, which is wide, is cut off there.
        """
        if estimate is None or self.kind is not Kind.SHARE:
            return estimate
        low, high = estimate.interval or (-1.0, 2.0)
        if estimate.freedom is not None and estimate.interval is not None:
            return Estimate.number(
                estimate.value,
                estimate.stderr,
                estimate.how,
                interval=(max(low, 0.0), min(high, 1.0)),
                kind=Kind.SHARE,
                freedom=estimate.freedom,
            )
        if estimate.kind is Kind.SHARE and low >= 0.0 and high <= 1.0:
            return estimate  # as the report of its run shows it
        return Estimate.share(estimate.value, estimate.stderr, estimate.how)

    def read(
        self, value: float, stderr: float | None, how: How, interval: Interval | None, reason: str
    ) -> Estimate:
        """Return an estimate of it from the numbers of a file, where its kind is not written.

        Args:
            value: the value.
            stderr: its standard error, or None.
            how: how the standard error was obtained.
            interval: interval of 95 %, or None.
            reason: why there is no standard error, where there is none.
        """
        # A mean number of what was not seen once is a limit, as a share is.
        limit = self.kind is Kind.NUMBER and value == 0.0 and interval is not None
        kind = Kind.SHARE if limit and interval and interval[0] == 0.0 else self.kind
        return Estimate.number(value, stderr, how, interval=interval, kind=kind, reason=reason)


def _diffusion(species: str, infinite: bool = False) -> Find:
    def get(results: AnalysisResults) -> Estimate | None:
        name = f"{results.input.cation}+" if species == "cation" else species
        entry = results.diffusion.of(name)
        if entry is None:
            return None
        return entry.D_infinite_m2_per_s if infinite else entry.D_m2_per_s

    return get


def _bonded(results: AnalysisResults) -> Estimate | None:
    return results.hydrogen_bonds.classes[0].fraction_of_donors_bonded


def _donated(results: AnalysisResults) -> Estimate | None:
    return results.hydrogen_bonds.classes[0].mean_per_donor


def _paired(results: AnalysisResults) -> Estimate | None:
    pairs = results.structure.hydroxide_pairs
    return None if pairs is None else pairs.fraction_paired


def _returned(results: AnalysisResults) -> Estimate | None:
    found = results.grotthuss.directionality
    return None if found is None else found.return_probability


def _barrier(results: AnalysisResults) -> Estimate | None:
    found = results.grotthuss.proton_transfer
    return None if found is None else found.barrier_kT


def _water_of_hydroxide(results: AnalysisResults) -> Estimate | None:
    found = results.structure.of("O*-Ow")
    return None if found is None else found.coordination_number


def _in_contact(name: str) -> Find:
    """Find neighbours of the cation within its contact distance, the same in all solutions."""

    def get(results: AnalysisResults) -> Estimate | None:
        ions = results.structure.contacts
        found: Estimate | None = None if ions is None else getattr(ions, name)
        return found

    return get


def _viscosity(results: AnalysisResults) -> Estimate | None:
    found = results.diffusion.viscosity
    return None if found is None else found.viscosity_mPa_s


def _conductivity(name: str) -> Find:
    def get(results: AnalysisResults) -> Estimate | None:
        found: Estimate | None = getattr(results.conductivity, name)
        return found

    return get


SUBJECTS = {
    "diffusion": "Diffusion",
    "hops": "Proton hops",
    "bonds": "Hydrogen bonds between hydroxide ions",
    "structure": "Coordination",
    "charge": "Conductivity and viscosity",
}
"""Subject of a quantity -> heading."""


def _D(  # noqa: N802  (the symbol of the quantity)
    key: str, title: str, of: Find, *about: str
) -> Quantity:
    paths = tuple(f"diffusion.{species}" for species in about)
    return Quantity(f"D_{key}_m2_per_s", title, of, "diffusion", -9, "m²/s", about=paths)


PARTS_OF_HYDROXIDE = ("D_OH_vehicular_m2_per_s", "D_OH_structural_m2_per_s")
"""Keys of the parts of the motion of hydroxide."""

QUANTITIES = (
    _D("OH", "OH⁻", _diffusion("OH-"), "OH-"),
    _D("OH_infinite", "OH⁻, infinite box", _diffusion("OH-", infinite=True), "OH-"),
    _D("OH_vehicular", "OH⁻, vehicular part", _diffusion("OH-_vehicular"), "OH-_vehicular"),
    _D("OH_structural", "OH⁻, structural part", _diffusion("OH-_structural"), "OH-_structural"),
    _D("cation", "cation", _diffusion("cation"), "+"),
    _D("cation_infinite", "cation, infinite box", _diffusion("cation", infinite=True), "+"),
    _D("H2O", "H₂O", _diffusion("H2O"), "H2O", "O"),
    _D("H2O_infinite", "H₂O, infinite box", _diffusion("H2O", infinite=True), "H2O", "O"),
    Quantity(
        "hop_rate_per_ps", "net hops per OH⁻",
        lambda results: results.grotthuss.hop_rate_per_ps, "hops", unit="1/ps", kind=Kind.RATE,
        about=("grotthuss.hop_rate_per_ps",),
    ),
    Quantity("return_probability", "next hop leads back", _returned, "hops", kind=Kind.SHARE),
    Quantity("barrier_kT", "barrier of the transfer", _barrier, "hops", unit="kT"),
    Quantity(
        "OH_OH_bonded_fraction", "OH⁻ that donate to OH⁻", _bonded, "bonds", kind=Kind.SHARE,
        about=("hydrogen_bonds.OH-_OH-.fraction_of_donors_bonded",),
    ),
    Quantity(
        "OH_OH_bonds_per_OH", "bonds donated to OH⁻ per OH⁻", _donated, "bonds",
        about=("hydrogen_bonds.OH-_OH-.fraction_of_donors_bonded",),
    ),
    Quantity("OH_paired_fraction", "OH⁻ with another OH⁻ near", _paired, "bonds", kind=Kind.SHARE),
    Quantity("coordination_OH_H2O", "H₂O around OH⁻", _water_of_hydroxide, "structure"),
    Quantity(
        "contact_cation_H2O", "H₂O in contact with the cation",
        _in_contact("mean_water_per_cation"), "structure",
    ),
    Quantity(
        "contact_cation_OH", "OH⁻ in contact with the cation",
        _in_contact("mean_hydroxides_per_cation"), "structure",
    ),
    Quantity(
        "nernst_einstein_S_per_m", "conductivity, Nernst–Einstein",
        _conductivity("nernst_einstein_S_per_m"), "charge", unit="S/m",
        about=("conductivity.nernst_einstein_S_per_m", "diffusion.+", "diffusion.OH-"),
    ),
    Quantity(
        "einstein_S_per_m", "conductivity, Einstein", _conductivity("einstein_S_per_m"), "charge",
        unit="S/m", about=("conductivity.einstein_S_per_m",),
    ),
    Quantity("haven_ratio", "Haven ratio", _conductivity("haven_ratio"), "charge"),
    Quantity(
        "viscosity_mPa_s", "viscosity, Green–Kubo", _viscosity, "charge", unit="mPa·s",
        about=("diffusion.viscosity",),
    ),
)  # fmt: skip
