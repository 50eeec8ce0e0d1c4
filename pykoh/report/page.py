"""``report.html``: one page with all results, that opens anywhere without a network."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from pykoh import __version__
from pykoh.analysis.results import AnalysisResults
from pykoh.errors import OutputError
from pykoh.files import write_text
from pykoh.report import words
from pykoh.report.html import Markup, explained, join, section, tag
from pykoh.report.missing import why_missing
from pykoh.report.movie import Movie, scripts
from pykoh.report.section import Plots, Section
from pykoh.report.sections import all_sections, banner
from pykoh.report.style import style_sheet
from pykoh.report.values import significant

REPORT_HTML = "report.html"
PLOTS = "plots"


def _title(results: AnalysisResults) -> str:
    source = results.input
    title = f"Aqueous {source.cation}OH, {significant(source.molarity_mol_per_L)} mol/L"
    if source.temperature_K is not None:
        title += f", {significant(source.temperature_K, 5)} K"
    return title


def document(
    title: str,
    lead: str,
    body: Markup,
    contents: Sequence[tuple[str, str]],
    movies: Sequence[Movie] = (),
) -> str:
    """Return a whole page.

    Args:
        title: heading.
        lead: sentence under it.
        body: sections.
        contents: anchor and name of each section.
        movies: viewers whose figures are in the sections.
    """
    links = [tag("a", name, href=f"#{anchor}") for anchor, name in contents]
    head = join(
        [
            Markup('<meta charset="utf-8">'),
            Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
            Markup('<meta name="color-scheme" content="light dark">'),
            Markup(f'<meta name="generator" content="pykoh {__version__}">'),
            tag("title", title),
            Markup(f"<style>\n{style_sheet()}</style>"),
        ],
        "\n",
    )
    header = tag("header", tag("h1", title), tag("p", lead, class_="lead"), tag("nav", *links))
    footer = tag("footer", f"Made by pykoh {__version__}.")
    script = f"<script>\n{_zoom()}</script>{scripts(movies)}"
    page = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        f"<head>\n{head}\n</head>",
        f"<body>\n{header}\n<main>\n{body}\n</main>\n{footer}\n{script}\n</body>",
        "</html>",
    ]
    return "\n".join(page) + "\n"


def _zoom() -> str:
    """Return the script that zooms the plots; without it the page is whole but still."""
    return (files("pykoh.report") / "zoom.js").read_text(encoding="utf-8")


def write_report(results: AnalysisResults, folder: str | Path, png: bool = False) -> Path:
    """Write ``report.html`` and ``plots/*.svg`` into an existing folder.

    The page needs nothing else: style and plots are inside it. The plots in the folder are for
    papers and slides. The page is written last.

    Args:
        results: what the analysis found; anything may be None.
        folder: an existing folder; ``run.json`` in it, if there, is quoted as provenance.
        png: draw ``plots/*.png`` too.

    Returns:
        The path of the page.

    Raises:
        OutputError: the folder does not exist or cannot be written to.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise OutputError(f"{folder}: no such folder; create it before the report is written")
    plot_files: list[Path] = []

    def provenance(results: AnalysisResults, drawn: Plots) -> list[Markup]:
        return words.files(results, folder, plot_files)

    last = Section("files", "Files", provenance, heading="Files and provenance")
    shown = all_sections(results, last)
    drawn = {each.anchor: each.plots(results) for each in shown}
    plot_folder = folder / PLOTS
    try:
        plot_folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(f"{plot_folder}: {error.strerror or error}") from error
    for plot in (plot for plots in drawn.values() for group in plots.values() for plot in group):
        plot_files += plot.write(plot_folder, png)
    parts = [
        section(each.anchor, each.heading or each.title, *each.body(results, drawn[each.anchor]))
        for each in shown
    ]
    body = join([banner(results), *parts], "\n")
    body = explained(body, lambda path: why_missing(results, path))
    page = folder / REPORT_HTML
    contents = [(each.anchor, each.title) for each in shown]
    movies = [movie for each in shown for movie in each.movies(results)]
    lead = words.what_was_simulated(results)
    write_text(page, document(_title(results), lead, body, contents, movies))
    return page
