"""Wrong units, time steps and intervals are told by how far atoms move."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pykoh
from pykoh.errors import TrajectoryError
from test_trajectory_foreign import CELL, KT_300, MASSES, frames_of, liquid, refused
from trajectories import brownian, write_dump

N = 40


def flying(
    path: Path, *, kelvin: float = 300.0, dt: float = 0.01, unit: float = 1.0,
    velocities: bool = False, times: bool = True,
) -> Path:  # fmt: skip
    """Write a dump of molecules at a temperature; ``unit``: time units of the file in a ps."""
    positions, types = liquid(n_frames=N, dt=dt * np.sqrt(kelvin / 300.0))
    speed = np.diff(positions, axis=0)[:1].repeat(N, axis=0) / (dt * unit)
    return write_dump(
        path, positions, types, CELL, times=np.arange(N) * dt * unit if times else None,
        steps=np.arange(N) * 20, velocities=speed if velocities else None,
        columns="id type xu yu zu" + " vx vy vz" * velocities,
    )  # fmt: skip


@pytest.mark.parametrize("velocities", [False, True])
def test_units_that_were_taken_wrong(tmp_path: Path, velocities: bool) -> None:
    real = flying(tmp_path / "real.dump", unit=1000.0, velocities=velocities)
    refused("give --units real", real)
    _, times, _ = frames_of(real, units="real")
    assert times == pytest.approx(np.arange(N) * 0.01)
    metal = flying(tmp_path / "metal.dump", velocities=velocities)
    refused("give --units metal", metal, units="real")
    frames_of(metal)


def test_a_time_step_that_does_not_fit_the_velocities(tmp_path: Path) -> None:
    path = flying(tmp_path / "a.dump", velocities=True, times=False)
    frames_of(path, timestep_fs=0.5)
    for wrong in (0.25, 0.4, 1.0, 5.0):
        refused(
            f"you gave --timestep {wrong:g} fs; the motion .* fits about 0.5 fs$",
            path,
            timestep_fs=wrong,
        )


def test_a_time_step_that_no_temperature_fits(tmp_path: Path) -> None:
    path = flying(tmp_path / "a.dump", times=False)
    for kelvin in (None, 300.0):
        frames_of(path, timestep_fs=0.5, temperature_K=kelvin)
        refused("you gave --timestep 0.0005 fs", path, timestep_fs=0.0005, temperature_K=kelvin)
        refused("you gave --timestep 500 fs; .* fits about", path, timestep_fs=500.0,
                temperature_K=kelvin)  # fmt: skip
    refused("--temperature is 300 K", path, timestep_fs=0.1, temperature_K=300.0)
    refused("--temperature is 300 K", path, timestep_fs=5.0, temperature_K=300.0)


@pytest.mark.parametrize("kelvin", [50.0, 263.0, 363.0, 500.0, 600.0])
@pytest.mark.parametrize("dt", [0.0005, 0.002, 0.01, 0.02])
@pytest.mark.parametrize("velocities", [False, True])
def test_a_liquid_is_never_refused(
    tmp_path: Path, kelvin: float, dt: float, velocities: bool
) -> None:
    path = flying(tmp_path / "a.dump", kelvin=kelvin, dt=dt, velocities=velocities)
    for temperature in (None, 300.0):
        frames_of(path, temperature_K=temperature)


def others() -> dict[str, tuple[np.ndarray, float]]:
    """Return motions that are valid though they are not those of free flight: positions, dt."""
    rng = np.random.default_rng(5)
    start, types = liquid(n_frames=1)
    n = len(types)
    vibration = 0.05 * rng.normal(size=(N, n, 3))
    decay = np.exp(-np.arange(N) / 6.0)[:, None, None] * 0.05 * rng.normal(size=(1, n, 3))
    return {
        "diffusion, frames 1 ps apart": (start + brownian(rng, N, n, 0.23, 1.0), 1.0),
        "diffusion, frames 100 ps apart": (start + brownian(rng, N, n, 0.23, 100.0), 100.0),
        "viscous, frames 10 ps apart": (start + brownian(rng, N, n, 0.002, 10.0), 10.0),
        "ice, frames 10 ps apart": (start + vibration, 10.0),
        "ice, frames 10 fs apart": (start + 0.3 * vibration, 0.01),
        "nothing moves": (np.repeat(start, N, axis=0), 0.01),
        "minimisation": (start + decay, 0.001),
    }


@pytest.mark.parametrize("name", list(others()))
def test_other_motions_are_not_refused(tmp_path: Path, name: str) -> None:
    positions, dt = others()[name]
    _, types = liquid(n_frames=1)
    path = write_dump(tmp_path / "a.dump", positions, types, CELL, times=np.arange(N) * dt)
    for temperature in (None, 300.0):
        given: dict[str, Any] = {} if name == "minimisation" else {"temperature_K": temperature}
        frames_of(path, **given)


@pytest.mark.parametrize("dt", [0.05, 0.5, 5.0])
@pytest.mark.parametrize("diffusion", [0.02, 0.23])
def test_protons_that_hardly_move_in_the_time_that_is_said(
    tmp_path: Path, dt: float, diffusion: float
) -> None:
    """Steps of 0.5 fs given as 500 fs, in frames that are too far apart for velocities."""
    start, types = liquid(n_frames=1)
    rng = np.random.default_rng(7)
    positions = start + brownian(rng, N, len(types), diffusion, dt)
    steps = np.arange(N) * round(dt / 0.0005)
    path = write_dump(tmp_path / "a.dump", positions, types, CELL, steps=steps)
    frames_of(path, timestep_fs=0.5, temperature_K=300.0)
    refused("its H atoms move .*you gave --timestep 500 fs", path, timestep_fs=500.0)


def test_heavy_water_at_room_temperature_is_not_refused(tmp_path: Path) -> None:
    positions, types = liquid(n_frames=N)
    rng = np.random.default_rng(1)
    kinds = np.array(types)
    # D has twice the mass that is assumed: its velocities look like those of half the temperature.
    speed = rng.normal(size=(N, len(kinds), 3)) * np.sqrt(KT_300 / MASSES[kinds])[:, None]
    speed[:, kinds == 1] *= np.sqrt(0.5)
    path = write_dump(tmp_path / "a.dump", positions, types, CELL, times=np.arange(N) * 0.01,
                      velocities=speed, columns="id type xu yu zu vx vy vz")  # fmt: skip
    frames_of(path, temperature_K=300.0)


@pytest.mark.parametrize("velocities", [False, True])
@pytest.mark.parametrize("units", [None, "metal"])
def test_a_temperature_that_the_motion_does_not_have(
    tmp_path: Path, units: str | None, velocities: bool
) -> None:
    path = flying(tmp_path / "a.dump", velocities=velocities)
    if units is not None:
        path.write_text(f"ITEM: UNITS\n{units}\n{path.read_text()}")
    for right in (250.0, 300.0, 350.0):
        frames_of(path, temperature_K=right)
    refused(r"--temperature is 25 K; 25 °C are --temperature 298.15", path, temperature_K=25.0)
    refused(r"--temperature is 27000 K", path, temperature_K=27000.0)


@pytest.mark.parametrize("series", [False, True])
def test_the_temperature_of_the_settings_is_compared_as_that_of_the_option(
    tmp_path: Path, series: bool
) -> None:
    path = flying(tmp_path / "a.dump")
    wrong = pykoh.Settings(temperature_K=25.0)
    with pytest.raises(TrajectoryError, match="25 °C are --temperature"):
        if series:
            pykoh.analyze_series([path], tmp_path / "s", settings=wrong, report=False)
        else:
            pykoh.analyze(path, settings=wrong)
    assert pykoh.analyze(path, settings=pykoh.Settings(temperature_K=300.0)).input.n_frames == N


def test_what_lammps_says_itself_is_not_doubted(tmp_path: Path) -> None:
    positions, types = liquid(n_frames=N)
    path = write_dump(tmp_path / "a.dump", positions, types, CELL, times=np.arange(N) * 1e-5,
                      units="metal")  # fmt: skip
    frames_of(path, temperature_K=300.0)
