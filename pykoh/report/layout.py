"""Ticks and margins of a figure, worked out without drawing it.

matplotlib's own layout draws every label to learn its size, several times, and its labels of powers
of ten are formulas: together two thirds of the time of a report. Here labels are plain text, and
margins follow from how many characters they have.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_FEW_DECADES = 2.0  # an axis that spans less is labelled within its decades
_MOST_LABELS = 6  # decades with a label

# Widths of characters of DejaVu Sans, in its size.
_WIDTHS = {".": 0.32, "−": 0.84, "(": 0.39, ")": 0.39, " ": 0.32}
_WIDTHS |= dict.fromkeys("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", 0.42)
_CHARACTER = 0.64  # of a digit, and of most letters
_LINE = 1.25  # height of a line
_MARGIN = 5.0  # points around everything
_TICK = 7.0  # points from an axis to its labels
_LABEL = 5.0  # points from the labels to the name of the axis


def plain_decades(axis: Axis) -> None:
    """Give a logarithmic axis labels that do not overlap: 10⁻², or 0.02 on one that spans little.

    Args:
        axis: one whose limits are final; ticks with names of their own are kept.
    """
    from matplotlib.ticker import (
        FixedFormatter,
        Formatter,
        FuncFormatter,
        LogLocator,
        MaxNLocator,
        NullFormatter,
        NullLocator,
    )

    if isinstance(axis.get_major_formatter(), (FixedFormatter, FuncFormatter)):
        return
    low, high = sorted(axis.get_view_interval())
    if not 0 < low < high:
        return
    few = (span := math.log10(high / low)) < _FEW_DECADES
    steps = (1.0, 2.0, 5.0) if span < _FEW_DECADES / 2 else (1.0, 3.0)

    class Plain(Formatter):
        """A number, or a power of ten."""

        def __call__(self, x: float, pos: int | None = None) -> str:
            if few or x <= 0:
                return f"{x:.6g}"
            return "10" + str(round(math.log10(x))).translate(_SUPERSCRIPT)

    major: Any = LogLocator(numticks=_MOST_LABELS)
    minor: Any = LogLocator(subs=(2.0, 5.0), numticks=2 * _MOST_LABELS)
    if few:
        major = LogLocator(subs=steps, numticks=2 * _MOST_LABELS)
        minor = LogLocator(subs=range(1, 10), numticks=2 * _MOST_LABELS)
        decades = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        places = [step * 10.0**decade for decade in decades for step in steps]
        if sum(low <= place <= high for place in places) < 2:
            major, minor = MaxNLocator(3), NullLocator()
    axis.set_major_locator(major)
    axis.set_minor_locator(minor)
    axis.set_major_formatter(Plain())
    axis.set_minor_formatter(NullFormatter())


def _labels(axis: Axis) -> tuple[list[str], str]:
    """Return the labels of an axis that are within its limits, and the power taken out of them."""
    low, high = sorted(axis.get_view_interval())
    places = [float(place) for place in axis.get_majorticklocs() if low <= place <= high]
    formatter = axis.get_major_formatter()
    return list(formatter.format_ticks(places)), formatter.get_offset()


def _width(texts: list[str], size: float) -> float:
    """Return the width in points of the longest line."""
    lines = [line for text in texts for line in text.split("\n")]
    return size * max(
        (sum(_WIDTHS.get(letter, _CHARACTER) for letter in line) for line in lines), default=0.0
    )


@dataclass(frozen=True, slots=True)
class _Room:
    """What is beside an axis, in points.

    Attributes:
        labels: from the axes to the far end of the labels.
        whole: from the axes to the edge of the figure.
    """

    labels: float
    whole: float


def _room(axis: Axis, size: float) -> _Room:
    """Return the room that an axis takes below the axes, or beside them."""
    texts = [text for text in _labels(axis)[0] if text]
    if axis is axis.axes.xaxis:
        depth = _LINE * size * max((text.count("\n") + 1 for text in texts), default=0)
    else:
        depth = _width(texts, size)
    name = _LABEL + _LINE * size if axis.get_label_text() else 0.0
    return _Room(_TICK + depth, _MARGIN + _TICK + depth + name)


def lay_out(fig: Figure) -> None:
    """Place the axes of a figure and their names so that nothing is cut off or overlaps.

    Args:
        fig: one pair of axes, perhaps with a second y axis or a colour bar on the right.
    """
    import matplotlib

    size = float(matplotlib.rcParams["font.size"])
    for _ in range(2):  # there are more labels where there is more room
        rooms = _margins(fig, size)
    for axes, (below, beside) in zip(fig.axes, rooms, strict=True):
        away = _LABEL + beside.labels
        place, away = (1.0, away) if _is_right(axes) else (0.0, -away)
        _name_at(axes.yaxis, (place, 0.5), (away, 0.0))
        _name_at(axes.xaxis, (0.5, 0.0), (0.0, -below.labels - 0.5 * _LABEL))
        if axes.get_title():
            axes.set_title(axes.get_title(), y=1.0)


def _margins(fig: Figure, size: float) -> list[tuple[_Room, _Room]]:
    """Set the margins; return the room below and beside each axes."""
    width, height = (72.0 * inches for inches in fig.get_size_inches())
    left = right = bottom = top = _MARGIN
    rooms = []
    for axes in fig.axes:
        axes.get_xlim(), axes.get_ylim()  # settles what the data ask for
        below, beside = (_room(axis, size) for axis in (axes.xaxis, axes.yaxis))
        rooms.append((below, beside))
        over = bool(axes.get_title() or _labels(axes.yaxis)[1])
        top = max(top, _MARGIN + (_TICK + _LINE * size if over else 0.5 * size))
        if _is_right(axes):
            right = max(right, beside.whole)
            continue
        left, bottom = max(left, beside.whole), max(bottom, below.whole)
        right = max(right, _MARGIN + 0.5 * _width(_labels(axes.xaxis)[0][-1:], size))
    fig.subplots_adjust(left / width, bottom / height, 1 - right / width, 1 - top / height)
    return rooms


def _name_at(axis: Axis, place: tuple[float, float], away: tuple[float, float]) -> None:
    """Put the name of an axis at a place of the axes, some points away."""
    from matplotlib.transforms import ScaledTranslation

    shift = ScaledTranslation(away[0] / 72, away[1] / 72, axis.axes.figure.dpi_scale_trans)
    axis.set_label_coords(*place, transform=axis.axes.transAxes + shift)


def _is_right(axes: Axes) -> bool:
    return axes.yaxis.get_ticks_position() == "right"
