"""The splines of the radial tables against those of scipy."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy.interpolate import CubicSpline, make_interp_spline

from pykoh.engines.graph.interpolation import Spline

END = 6.0


@pytest.mark.parametrize("n", [6, 7, 128, 2048])
@pytest.mark.parametrize("degree", [3, 5])
def test_splines_are_those_of_scipy(n: int, degree: int) -> None:
    knots = np.linspace(0.0, END, n + 1)
    noise = np.random.default_rng(1).normal(size=n + 1)
    values = np.stack([np.cos(3 * knots) * (1 - knots / END) ** 3, noise, np.exp(-knots)], axis=1)
    mine = Spline(values, END, degree)
    theirs = (
        CubicSpline(knots, values, bc_type=("not-a-knot", "clamped"))
        if degree == 3
        else make_interp_spline(knots, values, k=5)
    )
    places = np.concatenate([knots, np.random.default_rng(2).uniform(0.0, END, 3000)])
    for derivative in range(degree):
        exact = theirs(places, derivative)
        assert np.abs(mine(places, derivative) - exact).max() < 1e-12 * np.abs(exact).max()
    starts, width = knots[:-1], END / n
    assert mine.pieces.shape == (degree + 1, n, 3)
    assert mine.pieces[1] == pytest.approx(theirs(starts, 1) * width, rel=1e-9, abs=1e-11)


def test_a_simulation_starts_without_what_takes_long_to_import() -> None:
    code = (
        "import sys, pykoh.engines.periodic, pykoh.engines.graph.graph, pykoh.engines.cpu\n"
        "print([m for m in ('scipy.interpolate', 'scipy.optimize', 'scipy.stats') "
        "if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
