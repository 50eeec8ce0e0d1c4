"""The section about proton hops."""

from __future__ import annotations

from pykoh.analysis.results import AnalysisResults
from pykoh.report import plots, plots_hops
from pykoh.report.html import (
    Markup,
    card,
    cite,
    join,
    number,
    pictures,
    pill,
    table,
    tag,
)
from pykoh.report.movie import Movie, hop_figure, hop_movie
from pykoh.report.references import MARX
from pykoh.report.section import Plots, Section
from pykoh.report.values import count, duration, setting
from pykoh.report.verdicts import judge_hops


def _plots(results: AnalysisResults) -> Plots:
    found = results.grotthuss
    drawn = [
        plots.hop_rate(found),
        plots.waiting_times(found),
        plots_hops.residence(results),
        plots_hops.presolvation(found),
        *plots_hops.free_energy(found),
        plots_hops.dump_interval(found),
    ]
    return {"hops": [plot for plot in drawn if plot is not None]}


def _cards(results: AnalysisResults) -> list[Markup]:
    hops = results.grotthuss
    rate = number("grotthuss/hop_rate_per_ps", hops.hop_rate_per_ps, "per ps")
    note = f"{count(hops.n_hops)} net hops of {count(hops.n_hydroxides)} hydroxide ions"
    return [card("Proton hops per OH⁻", rate, judge_hops(results), note)]


def _movies(results: AnalysisResults) -> list[Movie]:
    return [] if results.scene is None else [hop_movie(results.scene)]


def _body(results: AnalysisResults, drawn: Plots) -> list[object]:
    """Return proton transfers, rattles, hops and their times."""
    found = results.grotthuss
    base = "grotthuss"
    verdict = judge_hops(results)
    rows: list[tuple[object, ...]] = [
        ("transfers", _count(f"{base}/n_transfers", found.n_transfers),
         "every change of the oxygen that carries a hydroxide"),
        ("rattles", _count(f"{base}/n_rattles", found.n_rattles),
         f"of these, pairs whose second leads back within {setting(found.rattle_window_ps)} ps"),
        ("net hops", _count(f"{base}/n_hops", found.n_hops), "what is left"),
        ("hop rate", number(f"{base}/hop_rate_per_ps", found.hop_rate_per_ps, "per ps"),
         join(["per hydroxide ion ", pill(verdict)])),
        ("residence time", number(f"{base}/residence_time_ps", found.residence_time_ps, "ps"),
         "mean time between hops of one ion; each stay counts once"),
        ("hop length", number(f"{base}/hop_length_A", found.hop_length_A, "Å"),
         "O–O distance of a hop"),
    ]  # fmt: skip
    rows += _around_hops(results)
    waiting = found.waiting_times
    if waiting is not None and (fit := waiting.fit) is not None:
        path = f"{base}/waiting_time_fit"
        rows += [
            ("λ", number(f"{path}/lambda_per_ps", fit.rate_per_ps, "per ps"),
             "rate of independent hops, from the long waiting times"),
            ("a", number(f"{path}/a", fit.amplitude),
             "weight of this exponential: 1 if it holds for all waiting times, more where short "
             "ones are missing"),
        ]  # fmt: skip
    return [
        tag(
            "p",
            "A water molecule next to OH⁻ can give it a proton and become the new OH⁻ (",
            cite(MARX),
            "). Most such transfers lead back at once; only those that last carry charge.",
        ),
        table(("", "value", "what it is"), rows, (2, 3)),
        pictures(drawn["hops"]) or tag("p", "There were too few hops for plots.", class_="note"),
        *_dump_interval(results),
        *([] if results.scene is None else [hop_figure(results.scene)]),
    ]


def _around_hops(results: AnalysisResults) -> list[tuple[object, ...]]:
    found, base = results.grotthuss, "grotthuss"
    rows: list[tuple[object, ...]] = []
    if (stay := found.residence) is not None:
        rows += [
            ("stay on an oxygen, intermittent",
             number(f"{base}/residence/intermittent_ps", stay.intermittent_ps, "ps"),
             "time after which 1/e of the ions are on the same oxygen, with or without a break"),
            ("time to the next transfer",
             number(f"{base}/residence/continuous_ps", stay.continuous_ps, "ps"),
             "mean time from a random moment, rattles included; long stays count more"),
        ]  # fmt: skip
    if (turns := found.directionality) is not None:
        path = f"{base}/directionality"
        rows += [
            ("next hop leads back",
             number(f"{path}/return_probability", turns.return_probability),
             f"share of {count(turns.n_pairs)} pairs of net hops in a row"),
            ("mean cosine", number(f"{path}/mean_cosine", turns.mean_cosine),
             "between hops in a row: −1 always back, 0 at random"),
        ]  # fmt: skip
    if (profile := found.proton_transfer) is not None:
        rows.append(
            ("barrier of the transfer",
             number(f"{base}/proton_transfer/barrier_kT", profile.barrier_kT, "kT"),
             "free energy of a shared proton above the minimum")
        )  # fmt: skip
    return rows


def _dump_interval(results: AnalysisResults) -> list[Markup]:
    """Return a sentence on whether the frames are close enough in time to see hops."""
    found = results.grotthuss.intervals
    interval = results.input.frame_interval_ps
    if found is None or interval is None:
        return []
    if found.needed_ps is None:
        text = "This run has too few hops to tell whether its frames are close enough in time."
    else:
        needed, error = found.needed_ps.value, found.needed_ps.stderr
        known = "" if error is None else f" ± {duration(float(f'{error:.2g}'))}"
        enough = "close enough" if needed >= interval else "too far apart"
        text = (
            f"Frames are {duration(interval)} apart, which is {enough}: by the difference between "
            "all and every second frame, 5 % of the net hops are lost at "
            f"{duration(needed)}{known}."
        )
    return [tag("p", text)]


def _count(path: str, value: int) -> Markup:
    return tag("span", count(value), class_="q", data_path=path, data_value=repr(value))


HOPS = Section("hops", "Proton hops", _body, _plots, _cards, _movies)
