"""Proton hops in ``results.json`` and in CSVs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pykoh.analysis.common.estimate_views import interval_of, keys
from pykoh.analysis.results import Estimate, Grotthuss, SurvivalCurve, WaitingTimeFit
from pykoh.analysis.results.tables import Json, write_csv


def survival_json(curve: SurvivalCurve | None) -> Json:
    """Return the times of a survival function; the curves are in ``survival.csv``."""
    if curve is None:
        return None
    return {
        **_time(curve.intermittent_ps, "intermittent"),
        **_time(curve.continuous_ps, "continuous"),
    }


def _time(time: Estimate | None, name: str) -> dict[str, Json]:
    return keys(time, f"{name}_ps", f"{name}_stderr_ps", f"{name}_interval_95_ps")


def survival_rows(name: str, curve: SurvivalCurve | None) -> list[tuple[Any, ...]]:
    """Return the rows of one thing in ``survival.csv``."""
    if curve is None:
        return []
    rows: list[tuple[Any, ...]] = [
        (name, "intermittent", *values)
        for values in zip(curve.lag_ps, curve.intermittent, curve.intermittent_stderr, strict=True)
    ]
    rows += [
        (name, "continuous", time, share, None)
        for time, share in zip(curve.time_ps, curve.continuous, strict=True)
    ]
    return rows


def _waiting_time_fit(fit: WaitingTimeFit | None) -> Json:
    if fit is None:
        return None
    return {
        "form": "a * lambda * exp(-lambda * t), t > start_ps",
        **keys(fit.amplitude, "a", "a_stderr"),
        **keys(fit.rate_per_ps, "lambda_per_ps", "lambda_stderr_per_ps"),
        "start_ps": fit.start_ps,
        "n_waiting_times": fit.n_waiting_times,
    }


def grotthuss_json(grotthuss: Grotthuss) -> Json:
    """Return the part ``grotthuss`` of ``results.json``."""
    waiting = grotthuss.waiting_times
    return {
        "n_hydroxides": grotthuss.n_hydroxides,
        "rattle_window_ps": grotthuss.rattle_window_ps,
        "n_transfers": grotthuss.n_transfers,
        "n_rattles": grotthuss.n_rattles,
        "n_hops": grotthuss.n_hops,
        **keys(grotthuss.hop_rate_per_ps, "hop_rate_per_ps", "hop_rate_stderr_per_ps"),
        **keys(grotthuss.residence_time_ps, "residence_time_ps", "residence_time_stderr_ps"),
        **keys(grotthuss.hop_length_A, "hop_length_A", "hop_length_stderr_A"),
        "hop_rate_interval_95_per_ps": interval_of(grotthuss.hop_rate_per_ps),
        "residence_time_interval_95_ps": interval_of(grotthuss.residence_time_ps),
        "n_multiple_transfers": grotthuss.n_multiple_transfers,
        "n_ionised_frames": grotthuss.n_ionised_frames,
        "waiting_time_fit": _waiting_time_fit(waiting.fit if waiting else None),
        **_more(grotthuss),
    }


def _more(grotthuss: Grotthuss) -> dict[str, Json]:
    """Return what is known beyond counts and rates."""
    turns, around = grotthuss.directionality, grotthuss.presolvation
    profile, intervals = grotthuss.proton_transfer, grotthuss.intervals
    return {
        "residence": survival_json(grotthuss.residence),
        "directionality": None
        if turns is None
        else {
            "n_pairs": turns.n_pairs,
            **keys(
                turns.return_probability,
                "return_probability",
                "return_probability_stderr",
                "return_probability_interval_95",
            ),
            **keys(turns.mean_cosine, "mean_cosine", "mean_cosine_stderr"),
        },
        "presolvation": None
        if around is None
        else {
            "n_hops": around.n_hops,
            **{
                f"{name}_{when}": values[index]
                for when, index in (
                    ("before", 0),
                    ("at_hop", int(np.abs(around.lag_ps).argmin())),
                    ("after", -1),
                )
                for name, values in (
                    ("accepted", around.accepted),
                    ("accepted_stderr", around.accepted_stderr),
                    ("donated", around.donated),
                    ("donated_stderr", around.donated_stderr),
                    ("accepted_by_target", around.accepted_by_target),
                    ("accepted_by_target_stderr", around.accepted_by_target_stderr),
                )
            },
            "span_ps": [around.lag_ps[0], around.lag_ps[-1]],
        },
        "proton_transfer": None
        if profile is None
        else keys(profile.barrier_kT, "barrier_kT", "barrier_stderr_kT"),
        "dump_interval": None
        if intervals is None
        else {
            "interval_ps": intervals.interval_ps,
            "transfer_rate_per_ps": intervals.transfer_rate_per_ps,
            "hop_rate_per_ps": intervals.hop_rate_per_ps,
            "hop_rate_stderr_per_ps": intervals.hop_rate_stderr_per_ps,
            **keys(intervals.needed_ps, "needed_ps", "needed_stderr_ps"),
        },
    }


def write_hops(grotthuss: Grotthuss, folder: Path) -> None:
    """Write the CSVs of proton hops into an existing folder."""
    rates = grotthuss.rate_vs_window
    if rates is not None:
        write_csv(
            folder / "hop_rate_vs_window.csv",
            "hops per hydroxide and ps as a function of the rattle window; window: ps, rate: 1/ps",
            ("rattle_window_ps", "hop_rate_per_ps", "stderr_per_ps", "n_hops"),
            zip(
                rates.window_ps,
                rates.hop_rate_per_ps,
                rates.stderr_per_ps,
                rates.n_hops,
                strict=True,
            ),
        )
    waiting = grotthuss.waiting_times
    if waiting is not None:
        write_csv(
            folder / "waiting_times.csv",
            "times between hops of one hydroxide; edges: ps, density and stderr: 1/ps",
            ("from_ps", "to_ps", "count", "density_per_ps", "stderr_per_ps"),
            zip(
                waiting.edges_ps[:-1],
                waiting.edges_ps[1:],
                waiting.counts,
                waiting.density_per_ps,
                waiting.density_stderr_per_ps,
                strict=True,
            ),
        )
    _write_more(grotthuss, folder)


def _write_more(grotthuss: Grotthuss, folder: Path) -> None:
    around, profile, intervals = (
        grotthuss.presolvation,
        grotthuss.proton_transfer,
        grotthuss.intervals,
    )
    if around is not None:
        write_csv(
            folder / "presolvation.csv",
            f"hydrogen bonds around {around.n_hops} net hops; lag: ps after the hop; accepted and "
            "donated by the hydroxide, and accepted by the oxygen that it comes to",
            (
                "lag_ps", "accepted", "accepted_stderr", "donated", "donated_stderr",
                "accepted_by_target", "accepted_by_target_stderr",
            ),
            zip(
                around.lag_ps, around.accepted, around.accepted_stderr, around.donated,
                around.donated_stderr, around.accepted_by_target,
                around.accepted_by_target_stderr, strict=True,
            ),
        )  # fmt: skip
    if profile is not None:
        write_csv(
            folder / "proton_transfer.csv",
            "free energy of the readiest proton of each hydroxide along delta = r(H-O*) - r(H-Ow); "
            "delta: Å, free energy and stderr: kT",
            ("delta_A", "free_energy_kT", "stderr_kT"),
            zip(profile.delta_A, profile.free_energy_kT, profile.stderr_kT, strict=True),
        )
        write_csv(
            folder / "proton_transfer_map.csv",
            "free energy along delta and r(O-O), and its standard error; Å and kT",
            ("delta_A", "r_OO_A", "free_energy_kT", "stderr_kT"),
            [
                (d, r, profile.map_kT[i, j], profile.map_stderr_kT[i, j])
                for i, d in enumerate(profile.delta_A)
                for j, r in enumerate(profile.r_A)
                if np.isfinite(profile.map_kT[i, j])
            ],
        )
    if intervals is not None:
        write_csv(
            folder / "dump_interval.csv",
            "rates per hydroxide that every 2nd, 4th ... frame would have shown; ps and 1/ps",
            ("interval_ps", "transfer_rate_per_ps", "hop_rate_per_ps", "hop_rate_stderr_per_ps"),
            zip(
                intervals.interval_ps,
                intervals.transfer_rate_per_ps,
                intervals.hop_rate_per_ps,
                intervals.hop_rate_stderr_per_ps,
                strict=True,
            ),
        )
