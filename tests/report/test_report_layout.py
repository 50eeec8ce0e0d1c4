"""Figures: nothing is cut off, no labels overlap, and the layout draws nothing."""

from __future__ import annotations

import io
import itertools

import numpy as np
import pytest

import report_cases
from pykoh.report import canvas, sections


def _overlaps(fig):
    """Return pairs of texts of one axis that overlap, and texts beyond the edge of the figure."""
    renderer = fig.canvas.get_renderer()
    wrong = []
    for axes in fig.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if not axis.get_visible():
                continue
            low, high = sorted(axis.get_view_interval())
            texts = [
                tick.label1 if tick.label1.get_visible() else tick.label2
                for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]
                if low <= tick.get_loc() <= high
            ]
            texts = [text for text in [*texts, axis.label] if text.get_text()]
            boxes = [text.get_window_extent(renderer) for text in texts]
            for (a, one), (b, other) in itertools.combinations(zip(texts, boxes, strict=True), 2):
                if one.overlaps(other):
                    wrong.append((a.get_text(), b.get_text()))
            for text, box in zip(texts, boxes, strict=True):
                inside = box.x0 >= 0 and box.y0 >= 0
                if not (inside and box.x1 <= fig.bbox.x1 and box.y1 <= fig.bbox.y1):
                    wrong.append((text.get_text(), "beyond the edge"))
    return wrong


@pytest.fixture
def checked(monkeypatch):
    """Names of figures, each with what overlaps in it."""
    found = []
    axes_of = canvas._axes

    def look(fig):
        fig.draw_without_rendering()
        found.append(_overlaps(fig))
        return axes_of(fig)

    monkeypatch.setattr(canvas, "_axes", look)
    return found


def test_no_label_overlaps_in_the_report(checked):
    results = report_cases.full()
    plots = [section.plots(results) for section in sections.of_observables(results)]
    names = [plot.name for groups in plots for group in groups.values() for plot in group]
    assert len(checked) == len(names) > 10
    assert sorted(checked) == [[]] * len(names)


@pytest.mark.parametrize("low", [1e-5, 0.013, 3.0, 1.2e4])
@pytest.mark.parametrize("span", [1.3, 4.0, 60.0, 1e3, 1e8])
def test_logarithmic_axes_of_any_span(checked, low, span):
    with canvas.figure(canvas.SMALL) as (fig, axes):
        axes.plot(np.array([low, low * span]), np.array([low * span, low]))
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("time (ps)")
        axes.set_ylabel("density (1/ps)")
        canvas.finish(fig, "any", "any", "any")
        for axis in (axes.xaxis, axes.yaxis):
            a, b = sorted(axis.get_view_interval())
            places = [place for place in axis.get_majorticklocs() if a <= place <= b]
            assert 2 <= len(places) <= 9
    assert checked == [[]]


@pytest.mark.parametrize("scale", [1e-6, 1.0, 12345.0, 1e7])
def test_names_of_axes_keep_clear_of_long_labels(checked, scale):
    with canvas.figure(canvas.SMALL) as (fig, axes):
        axes.plot([0, 1], [-scale, scale])
        axes.set_ylabel("left")
        other = axes.twinx()
        other.plot([0, 1], [0, 12.5 * scale])
        other.set_ylabel("right")
        axes.set_title("title")
        plot = canvas.finish(fig, "any", "any", "any")
    assert checked == [[]]
    from matplotlib.image import imread

    pixels = imread(io.BytesIO(plot.png()))
    edge = np.concatenate([pixels[:2].ravel(), pixels[-2:].ravel()])
    assert edge.min() == 1.0
