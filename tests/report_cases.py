"""Results to report on: a rich one, and one with nothing in it."""

import numpy as np

from pykoh.analysis import results as r
from pykoh.analysis.results import Estimate
from pykoh.analysis.series import series
from pykoh.analysis.series_run import run_of_series

number, positive, share = Estimate.number, Estimate.positive, Estimate.share


def _curve(d_m2_per_s, longest=200.0, cage=0.4, n=400):
    """A ballistic start, a cage and diffusion: MSD = cage (1 - exp(-t/0.1)) + 6 D t."""
    lag = np.linspace(0, longest, n + 1)
    msd = cage * (1 - np.exp(-lag / 0.1)) + 6e8 * d_m2_per_s * lag
    stderr = msd * 0.02 * np.sqrt(1 + lag / 10)
    return r.DisplacementCurve(lag, msd, stderr, np.maximum(1.0, 2000.0 / (1 + lag)))


def _fit(d_m2_per_s, relative, exponent=0.98):
    slope = 6e8 * d_m2_per_s
    return r.LineFit(10.0, 60.0, positive(slope, relative * slope), 0.4, number(exponent, 0.03))


def _species(name, n, d, relative, exponent=0.98):
    return r.SpeciesDiffusion(
        name,
        n,
        positive(d, relative * d),
        positive(d * 1.11, relative * d),
        _fit(d, relative, exponent),
        _curve(d),
    )


def _rdf(pair, file, peak, minimum, height, density):
    radius = np.linspace(0.02, 7.0, 350)
    # A soft step at contact, then one shell, then the flat liquid.
    g = 1 / (1 + np.exp(-(radius - peak + 0.25) * 12))
    g = g * (1 + (height - 1) * np.exp(-(((radius - peak) / 0.22) ** 2)))
    n = np.cumsum(4 * np.pi * radius**2 * g * density) * (radius[1] - radius[0])
    neighbours = float(np.interp(minimum, radius, n))
    return r.RadialDistribution(
        pair,
        file,
        radius,
        g,
        0.05 * g,
        n,
        number(peak, None),
        number(g.max(), None),
        number(minimum, None),
        number(neighbours, 0.06),
    )


def _bonds(name, per_donor, per_acceptor, fraction, lifetime, donors, acceptors):
    return r.HydrogenBondClass(
        name,
        number(per_donor, per_donor * 0.03),
        number(per_acceptor, per_acceptor * 0.03),
        share(fraction, fraction * 0.04),
        positive(lifetime, lifetime * 0.08),
        812,
        np.array(donors),
        np.array(acceptors),
    )


def full(cation="K", files=("traj.dump",), notes=(), warnings=()):
    """A 6.26 mol/L box with everything that an analysis can find."""
    edges = np.geomspace(0.01, 100, 21)
    middle = np.sqrt(edges[:-1] * edges[1:])
    density = 0.6 * 0.37 * np.exp(-0.37 * middle) + 1.2 * np.exp(-middle / 0.15)
    counts = np.round(900 * density * np.diff(edges)).astype(np.int64)
    window = np.linspace(0, 2, 41)
    rate = 0.35 + 1.9 * np.exp(-window / 0.05)
    charge = _curve(4e-8, cage=2.0)
    return r.AnalysisResults(
        input=r.InputSummary(
            tuple(files), cation, 20001, 300, 11, 11, 89, 0.01, 5.0, 200.0,
            np.eye(3) * 14.28, 2912.0, 6.2727, number(298.7, 0.4), "velocities", tuple(notes),
        ),
        diffusion=r.Diffusion(
            (
                _species(f"{cation}+", 11, 1.13e-9, 0.06),
                _species("OH-", 11, 2.64e-9, 0.05),
                _species("OH-_vehicular", 11, 0.82e-9, 0.07),
                _species("OH-_structural", 11, 1.91e-9, 0.09),
                _species("H2O", 89.0, 1.42e-9, 0.02),
                _species("H", 189, 1.61e-9, 0.02),
                _species("O", 100, 1.38e-9, 0.02),
            ),
            Estimate.given(1.7),
            Estimate.given(1.4e-10),
        ),
        grotthuss=r.Grotthuss(
            11, 0.2, 4210, 3380, 830, Estimate.rate(0.377, 0.021), positive(2.65, 0.15),
            number(2.52, 0.004), 3, 0,
            r.HopRateCurve(window, rate, 0.05 * rate, np.round(2200 * rate).astype(np.int64)),
            r.WaitingTimes(
                edges, counts, density, density / np.sqrt(np.maximum(counts, 1)),
                r.WaitingTimeFit(number(0.61, 0.03), positive(0.37, 0.02), 1.0, 412),
            ),
        ),
        hydrogen_bonds=r.HydrogenBonds(
            3.5,
            30.0,
            (
                _bonds("OH-_OH-", 0.083, 0.083, 0.081, 0.42, [0.919, 0.079, 0.002],
                       [0.92, 0.077, 0.003]),
                _bonds("H2O_OH-", 0.47, 3.82, 0.44, 1.9, [0.56, 0.41, 0.03],
                       [0.01, 0.02, 0.09, 0.22, 0.46, 0.18, 0.02]),
                _bonds("OH-_H2O", 0.21, 0.026, 0.21, 0.11, [0.79, 0.21], [0.974, 0.026]),
                _bonds("H2O_H2O", 1.22, 1.22, 0.83, 1.1, [0.17, 0.44, 0.39],
                       [0.2, 0.45, 0.29, 0.06]),
            ),
        ),
        structure=r.Structure(
            2000,
            0.1,
            (
                _rdf("O*-O*", "rdf_Ostar-Ostar.csv", 2.9, 3.6, 1.4, 0.0038),
                _rdf("O*-Ow", "rdf_Ostar-Ow.csv", 2.65, 3.3, 3.9, 0.0306),
                _rdf("Ow-Ow", "rdf_Ow-Ow.csv", 2.78, 3.4, 2.6, 0.0306),
                _rdf(f"{cation}-O*", f"rdf_{cation}-Ostar.csv", 2.75, 3.6, 2.2, 0.0038),
                _rdf(f"{cation}-Ow", f"rdf_{cation}-Ow.csv", 2.8, 3.6, 2.9, 0.0306),
            ),
            r.IonPairing(3.6, share(0.41, 0.02), number(0.47, 0.03)),
        ),
        conductivity=r.Conductivity(
            positive(74.2, 2.9), positive(61.0, 5.2), 62.9, charge,
            r.LineFit(2.0, 20.0, positive(24.0, 2.0), 2.0, number(1.01, 0.05)),
        ),
        warnings=tuple(warnings),
    )  # fmt: skip


def empty():
    """One frame of a box: nothing that needs time, not even a temperature."""
    none = np.array([])
    no_curve = r.DisplacementCurve(none, none, none, none)
    nothing = {
        name: r.SpeciesDiffusion(name, 2, None, None, None, no_curve)
        for name in ("K+", "OH-", "H2O")
    }
    return r.AnalysisResults(
        input=r.InputSummary(
            ("one.dump",), "K", 1, 60, 2, 2, 18, None, 0.0, 0.0, np.eye(3) * 8.3, 571.8, 5.8,
            None, "unknown", ("the last frame was cut off and is not used",),
        ),
        diffusion=r.Diffusion(tuple(nothing.values()), None, None),
        grotthuss=r.Grotthuss(
            2, 0.2, 0, 0, 0, None, None, None, 0, 0, None, None
        ),
        hydrogen_bonds=r.HydrogenBonds(
            3.5,
            30.0,
            tuple(
                r.HydrogenBondClass(
                    name, None, None, None, None, 0, none, none
                )
                for name in r.HYDROGEN_BOND_CLASSES
            ),
        ),
        structure=r.Structure(0, 0.0, (), None),
        conductivity=r.Conductivity(None, None, None, no_curve, None),
        warnings=(
            r.AnalysisWarning("diffusion", "1 frame cannot show motion; run longer"),
            r.AnalysisWarning("grotthuss", "1 frame cannot show hops; run longer"),
            r.AnalysisWarning("conductivity", "1 frame cannot show motion; run longer"),
        ),
    )  # fmt: skip


def series_of(runs):
    """The points of a series of (name, results)."""
    return series([run_of_series(name, results) for name, results in runs])
