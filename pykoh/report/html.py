"""Small pieces of HTML. Every text that goes in is escaped here, once."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Sequence

from pykoh.analysis.common.estimate import Estimate
from pykoh.report.canvas import Plot
from pykoh.report.references import Reference
from pykoh.report.values import quantity, without_error
from pykoh.report.verdicts import Verdict


class Markup(str):
    """Text that is HTML already; everything else is escaped by :func:`text`."""

    __slots__ = ()


def text(value: object) -> Markup:
    """Return ``value`` as HTML: as it is if :class:`Markup`, else escaped."""
    return value if isinstance(value, Markup) else Markup(html.escape(str(value), quote=True))


def join(parts: Iterable[object], between: str = "") -> Markup:
    """Return parts one after the other."""
    return Markup(between.join(text(part) for part in parts))


def tag(name: str, *children: object, **attributes: str) -> Markup:
    """Return ``<name attributes>children</name>``; ``class_`` and ``data_key`` lose ``_``."""
    names = {key: key.rstrip("_").replace("_", "-") for key in attributes}
    written = "".join(f' {names[key]}="{text(value)}"' for key, value in attributes.items())
    return Markup(f"<{name}{written}>{join(children)}</{name}>")


def number(path: str, estimate: Estimate | None, unit: str = "", exponent: int = 0) -> Markup:
    """Return an estimate, rounded, and exactly what it was in ``data-`` attributes.

    Args:
        path: where it is in ``results.json``, levels joined by ``/``.
        estimate: in ``unit``, or None.
        unit: unit to show.
        exponent: power of ten taken out of the number.
    """
    if estimate is None:
        return missing(path)
    exact = {"data_path": path, "data_value": repr(float(estimate.value))}
    shown = quantity(estimate, unit, exponent)
    if "±" in shown:
        exact["data_stderr"] = repr(estimate.stderr)
    return tag("span", shown, class_="q", **exact)


def measured(path: str, value: float | None, unit: str = "", exponent: int = 0) -> Markup:
    """Return a number that was given, or measured by others, whose error is in their paper.

    Args:
        path: where it is in ``results.json``, levels joined by ``/``.
        value: in ``unit``, or None.
        unit: unit to show.
        exponent: power of ten taken out of the number.
    """
    if value is None:
        return missing(path)
    exact = {"data_path": path, "data_value": repr(float(value))}
    return tag("span", without_error(value, unit, exponent), class_="q", **exact)


def missing(path: str) -> Markup:
    """Return what stands for a value that is null; :func:`explained` says why."""
    return tag("span", "not available", class_="missing", data_path=path)


_MISSING = re.compile(r'<span class="missing" data-path="([^"]*)">not available</span>')


def explained(body: Markup, why: Callable[[str], tuple[str, str]]) -> Markup:
    """Return the page with the reason at each value that is not available.

    Args:
        body: of the page.
        why: gives, for a path in ``results.json``, the reason and where it is on the page.
    """

    def one(found: re.Match[str]) -> str:
        path = html.unescape(found.group(1))
        reason, place = why(path)
        link = tag("a", "not available", href=place, title=reason)
        return tag("span", link, class_="missing", data_path=path)

    return Markup(_MISSING.sub(one, body))


def pill(verdict: Verdict) -> Markup:
    """Return the label of a verdict; its reason shows as a tooltip too."""
    more = {"title": verdict.reason} if verdict.reason else {}
    mark = tag("span", verdict.symbol, aria_hidden="true")
    return tag("span", mark, " ", verdict.label, class_=f"pill {verdict.css}", **more)


def card(name: str, value: Markup, verdict: Verdict, note: str = "") -> Markup:
    """Return a summary card: what, how much, and whether to believe it."""
    children: list[Markup] = [
        tag("h3", name),
        tag("p", value, class_="value"),
        tag("p", pill(verdict), class_="verdict"),
    ]
    if verdict.reason:
        children.append(tag("p", verdict.reason, class_="why"))
    if note:
        children.append(tag("p", note, class_="note"))
    return tag("div", *children, class_="card")


def table(
    header: Sequence[object], rows: Sequence[Sequence[object]], strong: Sequence[int] = ()
) -> Markup:
    """Return a table that scrolls sideways on a narrow screen; ``strong`` rows stand out."""
    head = tag("tr", *(tag("th", cell, scope="col") for cell in header))
    body = []
    for index, row in enumerate(rows):
        cells = [tag("th", row[0], scope="row"), *(tag("td", cell) for cell in row[1:])]
        more = {"class_": "strong"} if index in strong else {}
        body.append(tag("tr", *cells, **more))
    content = tag("table", tag("thead", head), tag("tbody", *body))
    return tag("div", content, class_="table", tabindex="0")


def picture(plot: Plot) -> Markup:
    """Return a figure with its caption; the same picture is in the folder ``plots``."""
    # A plot without a caption carries its title inside.
    caption: list[object] = []
    if plot.caption:
        caption = [tag("strong", f"{plot.title}."), " ", plot.caption]
    link = tag("a", "SVG", href=f"plots/{plot.name}.svg", class_="file")
    return tag(
        "figure",
        Markup(plot.inline()),
        tag("figcaption", *caption, " ", link),
        id=f"figure-{plot.name}",
        aria_label=plot.title,
    )


def pictures(plots: Sequence[Plot], small: bool = False) -> Markup:
    """Return figures side by side where the screen is wide enough."""
    if not plots:
        return Markup("")
    return tag(
        "div", *(picture(plot) for plot in plots), class_="small plots" if small else "plots"
    )


def section(anchor: str, title: str, *children: object) -> Markup:
    """Return a section with an anchor for the contents."""
    return tag("section", tag("h2", title), *children, id=anchor)


def cite(reference: Reference) -> Markup:
    """Return a link to a paper by its DOI."""
    return tag("a", reference.short, href=f"https://doi.org/{reference.doi}", class_="cite")
