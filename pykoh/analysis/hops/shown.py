"""Proton hops in ``results.json``, CSVs and the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from pykoh.analysis.common.estimate_views import interval_of, keys, terminal
from pykoh.analysis.common.shown import Json, Output, Table
from pykoh.analysis.common.survival_views import survival_json, survival_table
from pykoh.analysis.hops.windows import STRUCTURAL_WINDOW, lasting_window_ps

if TYPE_CHECKING:
    from pykoh.analysis.hops.values import Grotthuss, WaitingTimeFit


def hops_output(grotthuss: Grotthuss) -> Output:
    """Return what is written and printed of proton hops."""
    return Output(
        json=_json(grotthuss),
        definitions={
            "rattle_window_ps": grotthuss.rattle_window_ps,
            STRUCTURAL_WINDOW: lasting_window_ps(grotthuss.rattle_window_ps),
        },
        tables=[
            *_tables(grotthuss),
            survival_table("OH- on its oxygen", grotthuss.residence),
        ],
        lines=_lines(grotthuss),
    )


def _lines(hops: Grotthuss) -> list[str]:
    lines = [
        "",
        f"Proton transfers of {hops.n_hydroxides} hydroxides: {hops.n_transfers} "
        f"({hops.n_rattles} rattles within {hops.rattle_window_ps:g} ps, {hops.n_hops} hops); "
        f"{terminal(hops.hop_rate_per_ps)} hops/ps each",
    ]
    if (turns := hops.directionality) is not None:
        returns = terminal(turns.return_probability)
        lines.append(f"  the next hop leads back: {returns} of {turns.n_pairs}")
    if hops.proton_transfer is not None and hops.proton_transfer.barrier_kT is not None:
        lines.append(f"  barrier of the transfer: {terminal(hops.proton_transfer.barrier_kT)} kT")
    return lines


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


def _json(grotthuss: Grotthuss) -> Json:
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


def _tables(grotthuss: Grotthuss) -> Iterator[Table]:
    rates = grotthuss.rate_vs_window
    if rates is not None:
        yield Table(
            "hop_rate_vs_window.csv",
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
        yield Table(
            "waiting_times.csv",
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
    yield from _more_tables(grotthuss)


def _more_tables(grotthuss: Grotthuss) -> Iterator[Table]:
    around, profile, intervals = (
        grotthuss.presolvation,
        grotthuss.proton_transfer,
        grotthuss.intervals,
    )
    if around is not None:
        yield Table(
            "presolvation.csv",
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
        yield Table(
            "proton_transfer.csv",
            "free energy of the proton nearest to a transfer, for each hydroxide, along "
            "delta = r(H-O*) - r(H-Ow); delta: Å, free energy and stderr: kT",
            ("delta_A", "free_energy_kT", "stderr_kT"),
            zip(profile.delta_A, profile.free_energy_kT, profile.stderr_kT, strict=True),
        )
        yield Table(
            "proton_transfer_map.csv",
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
        yield Table(
            "dump_interval.csv",
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
