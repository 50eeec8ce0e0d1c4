"""The composition of a simulation box: numbers of ions and molecules, and the volume."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pykoh.chemistry import CATIONS, MASSES_U, hydroxide_mass
from pykoh.errors import CompositionError
from pykoh.solution import density as densities

AVOGADRO_PER_MOL = 6.02214076e23  # SI, exact

WATER_MASS = 2 * MASSES_U["H"] + MASSES_U["O"]  # g/mol

# K+ + OH- and H2O have three atoms each, so a box of n units has 3 n atoms.
ATOMS_PER_UNIT = 3
# The number of atoms may differ so much from the requested one, to meet the molarity.
ATOMS_TOLERANCE = 0.10
# Molarities within this count as equal; then the number of atoms decides.
MOLARITY_TOLERANCE = 5e-3
# A box whose molarity differs more than this is refused.
WORST_MOLARITY_ERROR = 0.10


@dataclass(frozen=True, slots=True)
class Composition:
    """An electrically neutral box of aqueous alkali hydroxide.

    Attributes:
        cation: element symbol of the cation.
        n_koh: number of cation-hydroxide pairs (KOH, or LiOH, NaOH, RbOH, CsOH).
        n_water: number of water molecules.
        temperature_K: temperature of the density.
        volume_A3: volume of the box in Å³.
        molarity_mol_per_L: moles of hydroxide per litre of solution.
        mass_fraction: mass of the hydroxide by the mass of the solution, 0-1.
        density_kg_per_m3: mass density of the solution.
        density_source: source of the density.
    """

    cation: str
    n_koh: int
    n_water: int
    temperature_K: float
    volume_A3: float
    molarity_mol_per_L: float
    mass_fraction: float
    density_kg_per_m3: float
    density_source: str

    @property
    def n_atoms(self) -> int:
        """Number of atoms."""
        return ATOMS_PER_UNIT * (self.n_koh + self.n_water)

    @property
    def box_length_A(self) -> float:  # noqa: N802  (Å, as in the fields)
        """Edge of the cubic box in Å."""
        return self.volume_A3 ** (1 / 3)

    @property
    def cautions(self) -> list[str]:
        """Warnings about this solution: it is supersaturated, or its density is extrapolated."""
        if self.density_source == "given":
            return []
        return densities.cautions(self.cation, self.mass_fraction, self.temperature_K)


def _mass_fraction(cation: str, n_koh: int, n_water: int) -> float:
    hydroxide = n_koh * hydroxide_mass(cation)
    return hydroxide / (hydroxide + n_water * WATER_MASS)


def _check(cation: str, temperature_K: float, density_kg_per_m3: float | None) -> None:
    if cation not in CATIONS:
        raise CompositionError(
            f"cation {cation!r} is not one of {', '.join(CATIONS)}; choose one of these"
        )
    if not (math.isfinite(temperature_K) and temperature_K > 0):
        raise CompositionError(
            f"temperature {temperature_K:g} K is not above 0 K; give kelvin, e.g. 298.15"
        )
    if density_kg_per_m3 is None:
        densities.density(cation, 0.05, temperature_K)  # raises for an unknown salt or temperature
    elif not 500 <= density_kg_per_m3 <= 4000:
        raise CompositionError(
            f"density {density_kg_per_m3:g} kg/m³ is not that of an aqueous solution (500-4000); "
            "1.25 g/cm³ is 1250 kg/m³"
        )


def from_counts(
    n_koh: int,
    n_water: int,
    *,
    cation: str = "K",
    temperature_K: float = 298.15,
    density_kg_per_m3: float | None = None,
) -> Composition:
    """Return the composition of a box with given numbers of ion pairs and water molecules.

    Args:
        n_koh: number of cation-hydroxide pairs, at least 1.
        n_water: number of water molecules, at least 1.
        cation: ``"Li"``, ``"Na"``, ``"K"``, ``"Rb"`` or ``"Cs"``.
        temperature_K: temperature in K.
        density_kg_per_m3: density of the solution; the published one if None.

    Raises:
        CompositionError: a count is below 1, the solution is beyond solubility, or its density is
            unknown.
    """
    _check(cation, temperature_K, density_kg_per_m3)
    if n_koh < 1 or n_water < 1:
        raise CompositionError(
            f"{n_koh} {cation}OH and {n_water} H2O: a solution needs at least one of each; "
            "raise --n-koh or --n-water"
        )
    w = _mass_fraction(cation, n_koh, n_water)
    if density_kg_per_m3 is None:
        largest, reason = densities.largest_mass_fraction(cation)
        if w > largest:
            raise CompositionError(
                f"{n_koh} {cation}OH in {n_water} H2O is {100 * w:.1f} wt%, beyond "
                f"{100 * largest:.1f} wt% ({reason}); add water"
            )
        rho, source = densities.density(cation, w, temperature_K), densities.density_source(cation)
    else:
        rho, source = density_kg_per_m3, "given"
    grams = (n_koh * hydroxide_mass(cation) + n_water * WATER_MASS) / AVOGADRO_PER_MOL
    volume_A3 = grams / (rho * 1e-27)  # 1 kg/m³ = 1e-27 g/Å³
    molarity = n_koh / AVOGADRO_PER_MOL / (volume_A3 * 1e-27)  # 1 Å³ = 1e-27 L
    return Composition(cation, n_koh, n_water, temperature_K, volume_A3, molarity, w, rho, source)


def _molarity(cation: str, w: float, temperature_K: float, given: float | None) -> float:
    rho = densities.density(cation, w, temperature_K) if given is None else given
    return rho * w / hydroxide_mass(cation)  # kg/m³ = g/L


def mass_fraction_of(
    molarity_mol_per_L: float,
    *,
    cation: str = "K",
    temperature_K: float = 298.15,
    density_kg_per_m3: float | None = None,
) -> float:
    """Return the mass fraction at which ρ(w) w / M equals the molarity.

    ρ depends on w, so the equation is solved by bisection to 1e-13.

    Raises:
        CompositionError: the molarity is not above 0, or beyond the solubility.
    """
    _check(cation, temperature_K, density_kg_per_m3)
    if not (math.isfinite(molarity_mol_per_L) and molarity_mol_per_L > 0):
        raise CompositionError(
            f"molarity {molarity_mol_per_L:g} mol/L is not a finite number above 0; "
            "give e.g. --molarity 6.26"
        )
    if density_kg_per_m3 is None:
        largest, reason = densities.largest_mass_fraction(cation)
    else:
        largest, reason = 0.99, f"no solvent is left at {density_kg_per_m3:g} kg/m³"
    most = _molarity(cation, largest, temperature_K, density_kg_per_m3)
    if molarity_mol_per_L > most:
        raise CompositionError(
            f"molarity {molarity_mol_per_L:g} mol/L is beyond the maximum for {cation}OH at "
            f"{temperature_K:g} K: {most:.2f} mol/L, {100 * largest:.1f} wt% ({reason}); "
            "lower --molarity"
        )
    low, high = 0.0, largest
    while high - low > 1e-13:
        middle = (low + high) / 2
        if _molarity(cation, middle, temperature_K, density_kg_per_m3) < molarity_mol_per_L:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def from_molarity(
    molarity_mol_per_L: float,
    n_atoms: int,
    *,
    cation: str = "K",
    temperature_K: float = 298.15,
    density_kg_per_m3: float | None = None,
) -> Composition:
    """Return the box of about ``n_atoms`` atoms that comes closest to a molarity.

    Whole numbers of ions cannot give every molarity. All boxes within ±10 % of ``n_atoms`` are
    tried. If the molarity of some is within 0.5 % of the requested one, the box of these that is
    nearest to ``n_atoms`` is used, else the box nearest to the molarity.

    Raises:
        CompositionError: the molarity is impossible, or no whole number of ion pairs is within
            10 % of it.
    """
    options = {
        "cation": cation,
        "temperature_K": temperature_K,
        "density_kg_per_m3": density_kg_per_m3,
    }
    w = mass_fraction_of(molarity_mol_per_L, **options)  # type: ignore[arg-type]
    waters_per_koh = (1 - w) / w * hydroxide_mass(cation) / WATER_MASS
    pairs = max(1, math.ceil(n_atoms / ATOMS_PER_UNIT / (1 + waters_per_koh)))
    while abs(round(units := pairs * (1 + waters_per_koh)) / units - 1) > WORST_MOLARITY_ERROR / 2:
        pairs += 1
    while (enough := ATOMS_PER_UNIT * round(pairs * (1 + waters_per_koh))) <= n_atoms:
        pairs += 1
    refusal = (
        f"{n_atoms} atoms hold no whole number of ion pairs near {molarity_mol_per_L:g} mol/L "
        f"{cation}OH (one needs {waters_per_koh:.1f} H2O); use --atoms {enough}"
    )
    if n_atoms < 2 * ATOMS_PER_UNIT:
        raise CompositionError(refusal)
    first = max(2, math.ceil(n_atoms * (1 - ATOMS_TOLERANCE) / ATOMS_PER_UNIT))
    last = max(first, math.floor(n_atoms * (1 + ATOMS_TOLERANCE) / ATOMS_PER_UNIT))
    best: tuple[float, int, float] | None = None
    chosen: Composition | None = None
    for units in range(first, last + 1):
        n_koh = min(units - 1, max(1, round(units / (1 + waters_per_koh))))
        try:
            trial = from_counts(n_koh, units - n_koh, **options)  # type: ignore[arg-type]
        except CompositionError:
            continue  # rounding went beyond the solubility
        error = abs(trial.molarity_mol_per_L / molarity_mol_per_L - 1)
        rank = (max(error, MOLARITY_TOLERANCE), abs(trial.n_atoms - n_atoms), error)
        if best is None or rank < best:
            best, chosen = rank, trial
    if chosen is None or best is None or best[2] > WORST_MOLARITY_ERROR:
        raise CompositionError(refusal)
    return chosen
