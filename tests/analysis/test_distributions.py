"""Quantiles and tails against those of scipy.stats."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pykoh.analysis.common import distributions as own

PROBABILITIES = np.array([1e-6, 0.025, 0.3, 0.5, 0.975, 1.0 - 1e-9])
FREEDOMS = [0.4, 1.0, 2.5, 7.0, 60.0, 1e4]


def test_the_normal_distribution() -> None:
    assert own.normal_quantile(PROBABILITIES) == pytest.approx(stats.norm.ppf(PROBABILITIES))


@pytest.mark.parametrize("freedom", FREEDOMS)
def test_quantiles(freedom: float) -> None:
    p = PROBABILITIES
    assert own.t_quantile(p, freedom) == pytest.approx(stats.t.ppf(p, freedom), abs=1e-12)
    assert own.chi2_quantile(p, freedom) == pytest.approx(stats.chi2.ppf(p, freedom))
    expected = stats.f.ppf(p, freedom, 2.0 * freedom)
    assert own.f_quantile(p, freedom, 2.0 * freedom) == pytest.approx(expected)


@pytest.mark.parametrize("freedom", FREEDOMS)
def test_tails(freedom: float) -> None:
    chi2 = np.array([0.0, 1e-8, 0.2, 3.0, 50.0, 1e4])
    assert own.chi2_tail(chi2, freedom) == pytest.approx(stats.chi2.sf(chi2, freedom))
    assert own.chi2_tail(-1e-12, freedom) == 1.0


def test_nothing_is_known_without_degrees_of_freedom() -> None:
    assert np.isnan(own.chi2_tail(2.0, 0))
