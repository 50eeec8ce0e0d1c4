r"""Shear viscosity from the fluctuations of the pressure tensor.

Green and Kubo: η = V / (kB T) ∫_0^∞ <P_ab(0) P_ab(t)> dt, averaged over the five independent
components of a traceless symmetric tensor: P_xy, P_xz, P_yz, (P_xx - P_yy) / 2 and
(P_xx + P_yy - 2 P_zz) / √12, which have the same integral in an isotropic liquid (Daivis and Evans,
J. Chem. Phys. 100 (1994) 541, doi:10.1063/1.466970).

The integral is half of the spectrum S(f) at f = 0. Integrating the correlation function needs a
time at which to stop, and a rule that stops where the integral looks flat publishes low
fluctuations. The spectrum needs none:
:mod:`pykoh.analysis.transport.spectrum` fits it near f = 0, and its error there knows of slow
decays.

Where S falls to a quarter within fewer than 24 frequencies, the record is too short for its slowest
decay: nothing is given then, but the length that would do. Nor is it with records below 200 ps, in
which a decay of 2 ps below a faster one is not resolved (docs/trust.md). The running integral is
for the eye only.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pykoh.analysis.common.constants import BOLTZMANN_J_PER_K
from pykoh.analysis.common.estimate import Estimate, How
from pykoh.analysis.common.record_rows import complete_rows
from pykoh.analysis.common.wording import counted, plain
from pykoh.analysis.transport.spectrum import FEWEST_FREQUENCIES, at_zero, width
from pykoh.analysis.transport.values import Viscosity
from pykoh.arrays import FloatArray
from pykoh.errors import TrajectoryError
from pykoh.files import require_file

_BAR_PA = 1e5
_COLUMNS = ("time_ps", "pxx_bar", "pyy_bar", "pzz_bar", "pxy_bar", "pxz_bar", "pyz_bar")
_LONGEST_PS = 20.0
_BLOCKS = 8
_FEWEST_ROWS = 2000
_SHORTEST_PS = 200.0
_LARGE_ERROR = 0.35  # worth a warning
_POINTS = 400


def read_pressure(paths: Sequence[str | Path]) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Read NAME.pressure.txt files of one run, in order of time.

    Returns:
        [n] times (ps), [n, 6] pressure xx yy zz xy xz yz (bar), [n] volume (Å³).

    Raises:
        TrajectoryError: a file is missing, lacks a column, or its times do not rise evenly.
    """
    tables: list[FloatArray] = []
    for path in paths:
        file = require_file(path, "pressure record (NAME.pressure.txt)", TrajectoryError)
        names: list[str] = []
        with file.open(encoding="utf-8", errors="replace") as stream:
            for line in stream:
                if not line.startswith("#"):
                    break
                names = line[1:].split()
        missing = [name for name in (*_COLUMNS, "volume_A3") if name not in names]
        if missing:
            raise TrajectoryError(
                f"{path}: its header names no column {missing[0]}; the file NAME.pressure.txt "
                "that koh.in and nve.in write was expected"
            )
        columns = [names.index(name) for name in (*_COLUMNS, "volume_A3")]
        try:
            with file.open(encoding="utf-8", errors="replace") as stream:
                table = complete_rows(stream, columns)
        except ValueError as error:
            raise TrajectoryError(f"{path}: {error}; the file is damaged there") from None
        if not np.isfinite(table).all():
            raise TrajectoryError(f"{path}: holds values that are not finite numbers")
        if tables and len(table):
            # After a restart the later file goes on from there.
            tables = [part[part[:, 0] < table[0, 0]] for part in tables]
        tables.append(table)
    table = np.concatenate(tables)
    if len(table) < 3:
        raise TrajectoryError(
            f"{paths[0]}: {counted(len(table), 'row', ('is', 'are'))} too few for a viscosity"
        )
    steps = np.diff(table[:, 0])
    step = float(np.median(steps))
    uneven = np.flatnonzero(np.abs(steps - step) > 0.01 * step + 1e-9)
    if step <= 0 or len(uneven):
        row = int(uneven[0]) + 1 if len(uneven) else 1
        raise TrajectoryError(
            f"{paths[0]}: times are not evenly spaced near {table[row, 0]:g} ps; give the files "
            "of one run in order of time"
        )
    return table[:, 0], table[:, 1:7], table[:, 7]


def shear_components(pressure: FloatArray) -> FloatArray:
    """Return [5, n], the independent traceless components, same unit.

    Args:
        pressure: [n, 6], xx yy zz xy xz yz.
    """
    xx, yy, zz, xy, xz, yz = pressure.T
    return np.stack([xy, xz, yz, (xx - yy) / 2.0, (xx + yy - 2.0 * zz) / np.sqrt(12.0)])


def _autocorrelation(signals: FloatArray, n_lags: int) -> FloatArray:
    """Return [n, n_lags] mean products over all time origins: [n, n_times] signals."""
    n = signals.shape[1]
    size = 1 << (n + n_lags).bit_length()
    spectrum = np.fft.rfft(signals, size, axis=1)
    product = np.fft.irfft(np.abs(spectrum) ** 2, size, axis=1)[:, :n_lags]
    correlation: FloatArray = product / (n - np.arange(n_lags))
    return correlation


def viscosity(
    time_ps: FloatArray, pressure_bar: FloatArray, volume_A3: float, temperature_K: float
) -> tuple[Viscosity, str | None]:
    """Return the viscosity and a reason where it is missing or doubtful.

    Args:
        time_ps: [n], evenly spaced.
        pressure_bar: [n, 6], xx yy zz xy xz yz.
        volume_A3: mean volume, Å³.
        temperature_K: K.
    """
    n = len(time_ps)
    dt = float((time_ps[-1] - time_ps[0]) / max(n - 1, 1))
    duration = dt * (n - 1)
    empty = np.zeros(0)
    if n < _FEWEST_ROWS:
        nothing = Viscosity(None, None, duration, dt, empty, empty, empty)
        short = duration < _SHORTEST_PS
        wanted = f"at least {_SHORTEST_PS:g} ps" if short else f"{_FEWEST_ROWS}"
        return (
            nothing,
            f"a pressure record of {counted(n, 'row')} is too short; {wanted} are needed",
        )
    shear = shear_components(pressure_bar) * _BAR_PA
    shear -= shear.mean(axis=1, keepdims=True)
    factor = volume_A3 * 1e-30 / (BOLTZMANN_J_PER_K * temperature_K) * 1e3  # mPa·s
    curve = _running(shear, dt, factor)
    nothing = Viscosity(None, None, duration, dt, *curve)
    # ∫_0^∞ is half of ∫_-∞^∞ = S(0); dt in ps.
    spectrum = (np.abs(np.fft.rfft(shear, axis=1)) ** 2).mean(axis=0)[1 : (n + 1) // 2] * dt / n
    if not (spectrum > 0).all():
        return nothing, "the pressure record does not fluctuate"
    if duration < _SHORTEST_PS:
        return nothing, (
            f"the pressure record of {duration:.3g} ps is too short for the slow decays of a "
            f"liquid; at least {_SHORTEST_PS:g} ps are needed"
        )
    zero = at_zero(spectrum, len(shear), duration)
    if zero is None:
        needed = 1.5 * duration * FEWEST_FREQUENCIES / width(spectrum)
        return nothing, (
            f"the stress decays too slowly for the pressure record of {duration:.3g} ps; "
            f"about {plain(needed)} ps are needed"
        )
    value = 0.5 * factor * 1e-12 * zero.value
    found = Estimate.positive(value, value * zero.stderr, How.SPECTRUM)
    slowest = duration / width(spectrum) / (2.0 * np.pi)
    doubt = None
    if zero.stderr > _LARGE_ERROR:
        needed = duration * (zero.stderr / 0.2) ** 2
        doubt = (
            f"the standard error is {100 * zero.stderr:.0f} % of the value; a pressure record of "
            f"about {plain(needed)} ps would give 20 %"
        )
    return Viscosity(found, slowest, duration, dt, *curve), doubt


def _running(
    shear: FloatArray, dt: float, factor: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the running integral for the eye: times (ps), mean, standard error (mPa·s)."""
    length = shear.shape[1] // _BLOCKS
    n_lags = int(min(_LONGEST_PS / dt, length // 2))
    samples = np.concatenate(
        [_autocorrelation(shear[:, k * length : (k + 1) * length], n_lags) for k in range(_BLOCKS)]
    )  # [blocks × 5, n_lags], Pa²
    step = 0.5 * dt * 1e-12 * (samples[:, 1:] + samples[:, :-1])
    integral = np.concatenate([np.zeros((len(samples), 1)), np.cumsum(step, axis=1)], axis=1)
    running = factor * integral
    mean, stderr = running.mean(axis=0), running.std(axis=0, ddof=1) / np.sqrt(len(running))
    thin = np.unique(np.round(np.linspace(0, n_lags - 1, min(n_lags, _POINTS))).astype(int))
    return dt * thin, mean[thin], stderr[thin]
