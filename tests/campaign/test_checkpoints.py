"""Restarts of a run that are kept twice, and which of them is whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from pykoh.campaign.checkpoints import Checkpoints
from pykoh.engines.restart_file import restart_step


def test_the_step_of_a_restart_is_read(tmp_path: Path, restarts: dict[int, bytes]) -> None:
    path = tmp_path / "r"
    for step, content in restarts.items():
        path.write_bytes(content)
        assert restart_step(path) == step
        for cut in (0, 5, 30, len(content) - 1):
            path.write_bytes(content[:cut])
            assert restart_step(path) is None
    assert restart_step(tmp_path / "none") is None


def renamed(content: bytes, step: int, original: int = 40) -> bytes:
    """Return a restart file with another step."""
    return content.replace(original.to_bytes(8, "little"), step.to_bytes(8, "little"), 1)


def dump(path: Path, steps: list[int]) -> None:
    frame = "ITEM: TIMESTEP\n{}\nITEM: NUMBER OF ATOMS\n1\nITEM: ATOMS id\n1\n"
    path.write_text("".join(frame.format(step) for step in steps))


def fill(folder: Path, content: bytes, steps: tuple[int, ...]) -> Checkpoints:
    checkpoints = Checkpoints(folder, "koh")
    for step in steps:
        part = folder / "part"
        part.write_bytes(renamed(content, step))
        part.rename(folder / "koh.restart")
        assert checkpoints.keep()
        assert not checkpoints.keep(), "the same file is kept once"
    dump(folder / "koh.dump", list(range(0, steps[-1] + 30, 10)))
    return checkpoints


def test_two_checkpoints_are_kept(tmp_path: Path, restarts: dict[int, bytes]) -> None:
    fill(tmp_path, restarts[40], (40, 60, 80))
    assert sorted(p.name for p in tmp_path.glob("koh.restart.*")) == [
        "koh.restart.60",
        "koh.restart.80",
    ]
    checkpoints = Checkpoints(tmp_path, "koh")
    assert checkpoints.restore() == (80, None)
    checkpoints.cut_trajectory(80)
    # Frames of the step of the restart and later are written again.
    assert "\n80\n" not in (tmp_path / "koh.dump").read_text()
    assert "\n70\n" in (tmp_path / "koh.dump").read_text()


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty"])
def test_a_damaged_newest_restart_falls_back(
    tmp_path: Path, restarts: dict[int, bytes], damage: str
) -> None:
    fill(tmp_path, restarts[40], (40, 60, 80))
    live = tmp_path / "koh.restart"
    content = bytearray(live.read_bytes())
    if damage == "flipped":
        content[len(content) // 2] ^= 0xFF
    # The hard link shares the file: damage in place hits both.
    with live.open("r+b") as stream:
        stream.truncate(
            {"truncated": len(content) - 9, "flipped": len(content), "empty": 0}[damage]
        )
        if damage == "flipped":
            stream.write(content)
    step, note = Checkpoints(tmp_path, "koh").restore()
    assert step == 60
    assert note is not None and "koh.restart.80 damaged: continuing from step 60" in note
    assert restart_step(live) == 60


def test_nothing_whole_begins_again(tmp_path: Path, restarts: dict[int, bytes]) -> None:
    (tmp_path / "koh.restart").write_bytes(restarts[40][:100])
    step, note = Checkpoints(tmp_path, "koh").restore()
    assert step == 0 and note is not None and "beginning again" in note
    assert not (tmp_path / "koh.restart").exists()
