"""Hydrogen bonds in ``results.json``, CSVs and the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pykoh.analysis.common.estimate import Estimate
from pykoh.analysis.common.estimate_views import (
    interval_of,
    limit_of,
    stderr_of,
    terminal,
    value_of,
)
from pykoh.analysis.common.shown import Json, Output, Table
from pykoh.analysis.common.survival_views import survival_json, survival_table
from pykoh.analysis.common.text_table import text_table

if TYPE_CHECKING:
    from pykoh.analysis.hydrogen_bonds.values import HydrogenBondClass, HydrogenBonds


def bonds_output(bonds: HydrogenBonds) -> Output:
    """Return what is written and printed of hydrogen bonds."""
    return Output(
        json=_json(bonds),
        definitions={
            "hydrogen_bond_criterion": bonds.criterion,
            "hydrogen_bond_criterion_text": bonds.criterion_words,
            "hydrogen_bond_criterion_doi": bonds.criterion_doi,
            "hydrogen_bond_max_distance_A": bonds.max_distance_A,
            "hydrogen_bond_max_angle_deg": bonds.max_angle_deg,
        },
        tables=[
            *_tables(bonds),
            *(survival_table(entry.name, entry.survival) for entry in bonds.classes),
        ],
        lines=_lines(bonds),
    )


def _lines(bonds: HydrogenBonds) -> list[str]:
    rows = [
        (
            bond.name,
            terminal(bond.mean_per_donor),
            terminal(bond.mean_per_acceptor),
            terminal(bond.fraction_of_donors_bonded),
            terminal(bond.lifetime_ps),
        )
        for bond in bonds.classes
    ]
    header = ("Hydrogen bonds", "per donor", "per acceptor", "donors bonded", "mean duration (ps)")
    return ["", *text_table(header, rows, (14, 19, 20, 18, 22))]


def _json(bonds: HydrogenBonds) -> Json:
    return {
        entry.name: {
            **{name: value_of(found) for name, found in _numbers(entry).items()},
            "stderr": {name: stderr_of(found) for name, found in _numbers(entry).items()},
            "fraction_of_donors_bonded_interval_95": interval_of(entry.fraction_of_donors_bonded),
            "lifetime_interval_95_ps": interval_of(entry.lifetime_ps),
            "survival": survival_json(entry.survival),
            "upper_limit_95": limit_of(entry.fraction_of_donors_bonded),
            "mean_per_acceptor_upper_limit_95": limit_of(entry.mean_per_acceptor),
            "n_breakings": entry.n_breakings,
            "donor_distribution": entry.donor_distribution,
            "acceptor_distribution": entry.acceptor_distribution,
        }
        for entry in bonds.classes
    }


def _numbers(entry: HydrogenBondClass) -> dict[str, Estimate | None]:
    """Return the numbers of a class, by their keys."""
    return {
        "mean_per_donor": entry.mean_per_donor,
        "mean_per_acceptor": entry.mean_per_acceptor,
        "fraction_of_donors_bonded": entry.fraction_of_donors_bonded,
        "lifetime_ps": entry.lifetime_ps,
    }


def _tables(bonds: HydrogenBonds) -> Iterator[Table]:
    rows: list[tuple[Any, ...]] = []
    for entry in bonds.classes:
        for side, shares in (
            ("donor", entry.donor_distribution),
            ("acceptor", entry.acceptor_distribution),
        ):
            limit = limit_of(entry.fraction_of_donors_bonded) if side == "donor" else None
            rows += [
                (entry.name, side, count, share, None if count == 0 else limit)
                for count, share in enumerate([*shares, 0.0] if limit is not None else shares)
            ]
    yield Table(
        "hydrogen_bonds.csv",
        "share of donor (acceptor) molecules with n_bonds bonds of a class donor_acceptor, and "
        "its upper limit (95 %) where no such bond was seen; "
        f"r(DA) < {bonds.max_distance_A:g} Å, angle H-D-A < {bonds.max_angle_deg:g} degrees",
        ("class", "side", "n_bonds", "fraction", "upper_limit_95"),
        rows,
    )
    if bonds.angle_map is not None:
        grid = bonds.angle_map
        r, angle = grid.r_A, grid.angle_deg
        yield Table(
            "hydrogen_bond_map.csv",
            "pairs of an H of a donor and an acceptor by r(DA) and angle H-D-A, per frame, Å and "
            "degree; bin centres, Å and degrees",
            ("class", "r_A", "angle_deg", "density"),
            [
                (entry.name, 0.5 * (r[i] + r[i + 1]), 0.5 * (angle[j] + angle[j + 1]), value)
                for k, entry in enumerate(bonds.classes)
                for i, row in enumerate(grid.density[k])
                for j, value in enumerate(row)
                if value > 0
            ],
        )
