"""Errors of means over hops in a row that are correlated: against brute force, and their cover."""

from __future__ import annotations

import numpy as np
import pytest

from pykoh.analysis.hops.chains import Chains
from pykoh.analysis.hops.counter import Hops
from pykoh.analysis.hops.events import HopEvents
from pykoh.analysis.hops.values import Directionality


def brute_force(chains: list[np.ndarray]) -> float:
    x = np.concatenate(chains)
    centred = [chain - x.mean() for chain in chains]
    rho = [
        sum(float((c[:-j] * c[j:]).sum()) for c in centred if len(c) > j) / len(x) / x.var()
        for j in range(1, 17)
    ]
    total = 1.0
    for first, second in zip(rho[::2], rho[1::2], strict=True):
        if first + second <= 0.0:
            break
        total += 2.0 * (first + second)
    return max(1.0, total)


def test_correlations_along_chains_against_brute_force() -> None:
    rng = np.random.default_rng(2)
    chains = [np.convolve(rng.normal(size=n + 4), np.ones(5), "valid") for n in (1, 7, 40, 200)]
    counter = Chains(4, 2)
    longest = max(map(len, chains))
    for k in range(longest):  # ions by turns
        for ion, chain in enumerate(chains):
            if k < len(chain):
                counter.add(ion, np.array([chain[k], 3.0]))
    x = np.concatenate(chains)
    found = counter.inflation(np.array([x.mean(), 3.0]), np.array([x.var(), 0.0]), len(x))
    assert found[0] == pytest.approx(brute_force(chains))
    assert found[0] > 3.0 and found[1] == 1.0


def hopping(rng: np.random.Generator, n_ions: int, n_hops: int, leaves: float) -> Directionality:
    """Return what is found of ions in places where 9 or 2 of 10 hops lead back."""
    counter = HopEvents(n_ions, 1, 0.1, 0.2, bonds=False)
    rows, vectors = [], []
    for ion in range(n_ions):
        place, here, before, vector = rng.integers(2), 0, -1, np.zeros(3)
        for hop in range(n_hops):
            if rng.random() < leaves:
                place = 1 - place
            if before >= 0 and rng.random() < (0.9, 0.2)[place]:
                to, vector = before, -vector
            else:
                to, vector = hop + 1, rng.normal(size=3)
            rows.append((hop, ion, here, to))
            vectors.append(vector)
            here, before = to, here
    counter.add(
        Hops(np.array(rows, dtype=np.int64), np.array(vectors)),
        np.zeros((n_hops, n_ions), dtype=np.int64), None, None,
    )  # fmt: skip
    found = counter.directionality()
    assert found is not None
    return found


@pytest.mark.parametrize("leaves", [0.5, 0.2])
def test_returns_of_ions_that_stay_in_places(leaves: float) -> None:
    """Independent hops, and hops in places that an ion leaves at every fifth one."""
    rng = np.random.default_rng(8)
    found = [hopping(rng, 3, 41, leaves) for _ in range(250)]
    shares = [each.return_probability for each in found]
    held = sum((e.interval or (1, 0))[0] <= 0.55 <= (e.interval or (1, 0))[1] for e in shares)
    assert 0.90 <= held / len(found) <= 0.99
    for estimates in (shares, [each.mean_cosine for each in found]):
        spread = np.std([each.value for each in estimates], ddof=1)
        assert 0.8 < spread / np.mean([each.stderr or 0.0 for each in estimates]) < 1.2
