"""Measured values beside computed ones: right numbers, sources, ranges; two routes to D."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

import report_cases
from pykoh.analysis.common.estimate import Estimate
from pykoh.analysis.results.write import as_json
from pykoh.analysis.transport.measured import beside
from pykoh.report.page import write_report
from pykoh.report.references import BY_KEY
from pykoh.report.verdicts import CAREFUL, CONVERGED, judge_diffusion
from pykoh.solution.measured import (
    koh_viscosity,
    limiting_ion_diffusion,
    mass_fraction,
    solution_density,
    water_diffusion,
)


@pytest.mark.parametrize(
    ("percent", "density", "viscosity"),
    [(1, 1.0068, 1.019), (10, 1.0873, 1.233), (20, 1.1818, 1.619), (30, 1.2813, 2.357),
     (40, 1.3881, 3.879), (50, 1.5024, 7.892)],
)  # fmt: skip
def test_density_and_viscosity_against_another_table(percent, density, viscosity):
    """CRC Handbook, "Concentrative Properties of Aqueous Solutions", 20 °C: not what was fitted."""
    found = koh_viscosity(percent / 100, 293.15)
    assert found.value == pytest.approx(viscosity, rel=0.085)
    assert solution_density("K", percent / 100, 293.15).value == pytest.approx(
        1000 * density, rel=0.008
    )


def test_limiting_diffusion_is_that_of_the_handbook():
    """The handbook prints 1.957e-5 and 5.273e-5 cm²/s beside the conductivities."""
    assert limiting_ion_diffusion("K+").value == pytest.approx(1.957e-9, rel=5e-4)
    assert limiting_ion_diffusion("OH-").value == pytest.approx(5.273e-9, rel=5e-4)
    assert limiting_ion_diffusion("H2O") is None


def test_water_diffusion():
    """Holz et al. give 2.299e-9 m²/s at 25 °C, as does the standard by tracers."""
    assert water_diffusion(298.15).value == pytest.approx(2.299e-9, rel=2e-3)
    assert water_diffusion(273.15).value == pytest.approx(1.12e-9, rel=0.02)


@pytest.mark.parametrize("kelvin", [None, 250.0, 400.0])
def test_no_value_outside_of_what_was_measured(kelvin):
    assert water_diffusion(kelvin) is None
    if kelvin is not None:
        assert koh_viscosity(0.3, kelvin) is None
    assert koh_viscosity(0.53, 298.15) is None
    assert solution_density("Cs", 0.1, 298.15) is None


def test_mass_fraction():
    assert mass_fraction("K", 1, 1) == pytest.approx(56.105 / (56.105 + 18.015), rel=1e-4)


def test_the_page_and_the_json_say_what_was_measured_where(tmp_path: Path) -> None:
    results = report_cases.full()
    tree = as_json(results)["experiment"]
    assert tree["D_m2_per_s"]["OH-"]["value"] == pytest.approx(5.273e-9, rel=5e-4)
    assert tree["D_m2_per_s"]["OH-"]["conditions"] == "infinite dilution, 25 °C"
    assert 1.5 < tree["viscosity_mPa_s"]["value"] < 2.5
    known = beside(results.diffusion, results.input)
    assert {each.measured.source for each in known} <= set(BY_KEY)
    text = write_report(results, tmp_path).read_text(encoding="utf-8")
    part = text[text.index("Beside measurements") : text.index('id="hops"')]
    assert part.count("infinite dilution, 25 °C") == 2
    assert part.count("https://doi.org/") >= 5
    assert 'data-path="experiment/viscosity_mPa_s/value"' in part


def test_another_cation_has_no_viscosity_of_koh() -> None:
    results = report_cases.full(cation="Cs")
    paths = {each.path for each in beside(results.diffusion, results.input)}
    assert paths == {
        "experiment/D_m2_per_s/Cs+", "experiment/D_m2_per_s/OH-", "experiment/D_m2_per_s/H2O"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("other", "disagrees"), [(2.7e-9, False), (2.0e-9, True), (3.4e-9, True), (None, False)]
)
def test_two_routes_to_the_hydroxide(tmp_path: Path, other: float | None, disagrees: bool) -> None:
    """2.64 ± 0.13 from displacements against ± 0.2: 2 errors of the difference are 0.48."""
    results = report_cases.full()
    species = tuple(
        dataclasses.replace(
            entry, from_hops_m2_per_s=None if other is None else Estimate.positive(other, 0.2e-9)
        )
        if entry.species == "OH-"
        else entry
        for entry in results.diffusion.species
    )
    results = dataclasses.replace(
        results, diffusion=dataclasses.replace(results.diffusion, species=species)
    )
    text = write_report(results, tmp_path).read_text(encoding="utf-8")
    assert 'data-path="diffusion/OH-/D_from_hops_m2_per_s"' in text
    assert ('class="disagree"' in text) == disagrees
    label = judge_diffusion(results, results.diffusion.of("OH-")).label
    assert label == (CAREFUL if disagrees else CONVERGED)
    said = re.search(r"The two differ by ([\d.]+) standard errors", text)
    if disagrees:
        assert float(said.group(1)) == pytest.approx(
            abs(2.64 - other * 1e9) / (0.132**2 + 0.2**2) ** 0.5, rel=0.05
        )
