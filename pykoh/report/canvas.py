"""Figures that look the same in a paper, and follow light or dark on the page.

Colours: Okabe and Ito, "Color universal design", distinguishable with every common colour vision.
Lines of one figure also differ in dash or marker, so that none depends on colour alone.
"""

from __future__ import annotations

import html
import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pykoh.files import replacing, write_text
from pykoh.report.layout import lay_out, plain_decades

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# name -> (colour on white, colour on the page's dark background)
PALETTE = {
    "ink": ("#1b1f24", "#e6e9ee"),
    "faint": ("#c9ced6", "#434a55"),
    "shade": ("#eceff3", "#2b313a"),
    "orange": ("#e69f00", "#f0b030"),
    "sky": ("#56b4e9", "#7cc8f4"),
    "green": ("#009e73", "#2fc79c"),
    "blue": ("#0072b2", "#4a9fe0"),
    "vermillion": ("#d55e00", "#f2813a"),
    "purple": ("#cc79a7", "#e09cc4"),
}
COLOUR = {name: light for name, (light, _) in PALETTE.items()}

_STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.labelsize": 9,
    "axes.edgecolor": COLOUR["ink"],
    "axes.labelcolor": COLOUR["ink"],
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": COLOUR["ink"],
    "xtick.color": COLOUR["ink"],
    "ytick.color": COLOUR["ink"],
    "legend.frameon": False,
    "legend.fontsize": 8,
    "lines.linewidth": 1.6,
    "figure.autolayout": False,
    "figure.constrained_layout.use": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "svg.fonttype": "path",
    "mathtext.default": "regular",
}

WIDE, SMALL = (4.7, 3.4), (3.3, 2.5)


@dataclass(frozen=True, slots=True)
class Plot:
    """One finished figure.

    Attributes:
        name: file name without suffix, also the prefix of its ids in the page.
        title: what it shows, for the caption.
        caption: how to read it, one or two sentences (plain text).
        svg: the figure for a white page.
        png: draws the same in 200 dpi, which takes as long as the figure for the page.
        axes: where the axes are and what they span, for the zoom of the page (JSON).
    """

    name: str
    title: str
    caption: str
    svg: str
    png: Callable[[], bytes]
    axes: str = "[]"

    def write(self, folder: Path, png: bool = False) -> tuple[Path, ...]:
        """Write ``NAME.svg``, and ``NAME.png`` if asked, into an existing folder; return paths."""
        svg = folder / f"{self.name}.svg"
        write_text(svg, self.svg)
        if not png:
            return (svg,)
        with replacing(picture := folder / f"{self.name}.png") as temporary:
            temporary.write_bytes(self.png())
        return svg, picture

    def inline(self) -> str:
        """Return the SVG for the page: unique ids, colours that follow the page, no metadata."""
        svg = self.svg[self.svg.index("<svg") :]
        svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
        svg = re.sub(r'\bid="', f'id="{self.name}-', svg)
        svg = re.sub(r'(xlink:href="#|url\(#)', rf"\g<1>{self.name}-", svg)
        for name, (light, _) in PALETTE.items():
            svg = re.sub(re.escape(light), f"var(--{name})", svg, flags=re.IGNORECASE)
        size = re.search(r'width="([\d.]+)pt" height="([\d.]+)pt"', svg)
        if size is not None:
            svg = svg.replace(size.group(0), "", 1)
        axes = html.escape(self.axes, quote=True)
        data = f'role="img" aria-hidden="true" data-name="{self.name}" data-axes="{axes}"'
        return svg.replace("<svg ", f"<svg {data} ", 1)


@contextmanager
def figure(size: tuple[float, float] = WIDE) -> Iterator[tuple[Figure, Axes]]:
    """Give a figure with one pair of axes in the project's style, without touching pyplot.

    The backend is Agg whatever the user's configuration says: no display is needed, and no
    global state of matplotlib is changed.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_STYLE):
        fig = Figure(figsize=size)
        FigureCanvasAgg(fig)
        yield fig, fig.add_subplot()


def finish(fig: Figure, name: str, title: str, caption: str) -> Plot:
    """Render a figure. Call inside the ``with figure()`` block that made it."""
    import matplotlib

    with matplotlib.rc_context({"svg.hashsalt": name}):
        for axes in fig.axes:
            for axis in (axes.xaxis, axes.yaxis):
                if axis.get_scale() == "log":
                    plain_decades(axis)
        lay_out(fig)
        text = io.StringIO()
        fig.savefig(text, format="svg", metadata={"Date": None, "Creator": None})

    def png() -> bytes:
        picture = io.BytesIO()
        with matplotlib.rc_context(_STYLE):
            fig.savefig(
                picture, format="png", dpi=200, facecolor="white", pil_kwargs={"compress_level": 1}
            )
        return picture.getvalue()

    return Plot(name, title, caption, text.getvalue(), png, _axes(fig))


def _axes(fig: Figure) -> str:
    """Return, for each axes, its frame in points from the upper left and what it spans.

    A second y axis (``right``) has no x axis of its own. Named ticks lock their axis: zoomed ones
    could not be drawn anew. A colour bar is null.
    """
    from matplotlib.ticker import FixedFormatter, FuncFormatter

    width, height = (72.0 * size for size in fig.get_size_inches())
    found: list[dict[str, object] | None] = []
    for axes in fig.axes:
        if axes.get_label() == "<colorbar>":
            found.append(None)
            continue
        box = axes.get_position()
        right = axes.yaxis.get_ticks_position() == "right"
        named = [
            isinstance(axis.get_major_formatter(), (FixedFormatter, FuncFormatter))
            for axis in (axes.xaxis, axes.yaxis)
        ]
        found.append(
            {
                "x": round(box.x0 * width, 2),
                "y": round((1.0 - box.y1) * height, 2),
                "w": round(box.width * width, 2),
                "h": round(box.height * height, 2),
                "xlim": None if right or named[0] else [float(x) for x in axes.get_xlim()],
                "ylim": None if named[1] else [float(y) for y in axes.get_ylim()],
                "xlog": axes.get_xscale() == "log",
                "ylog": axes.get_yscale() == "log",
                "xlock": named[0],
                "ylock": named[1],
                "right": right,
            }
        )
    return json.dumps(found)
