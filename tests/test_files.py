"""A kill never leaves half a result, nor, for long, a temporary file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pykoh.analysis.results.folder import staged
from pykoh.errors import OutputError
from pykoh.files import replacing, write_text

WRITER = """
import sys, time
from pathlib import Path
from pykoh.analysis.results.folder import staged
from pykoh.files import replacing
with {"file": replacing, "folder": staged}[sys.argv[1]](Path(sys.argv[2])):
    print("writing", flush=True)
    time.sleep(600)
"""


def temporaries(folder: Path) -> list[Path]:
    return list(folder.glob(".*.part"))


def make_old(path: Path) -> None:
    os.utime(path, (1e9, 1e9))


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_killed_process_left_is_removed_and_what_a_living_one_writes_is_not(
    tmp_path: Path, kind: str
) -> None:
    target = tmp_path / "result[1]"  # brackets mean something to glob
    write = staged if kind == "folder" else replacing
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, kind, str(target)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "writing\n"
        (theirs,) = temporaries(tmp_path)
        make_old(theirs)
        with write(target):
            assert theirs.exists()
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        assert temporaries(tmp_path) == [theirs]
        with write(target) as mine:
            assert temporaries(tmp_path) == [mine]
    finally:
        writer.kill()
        writer.wait()
    assert target.exists()
    assert temporaries(tmp_path) == []


def test_temporary_files_of_other_results_stay(tmp_path: Path) -> None:
    other = tmp_path / ".other.abc.part"
    other.write_text("theirs")
    make_old(other)
    write_text(tmp_path / "mine", "text")
    assert other.read_text() == "theirs"


def test_an_error_while_writing_leaves_the_old_result(tmp_path: Path) -> None:
    target = tmp_path / "result"
    write_text(target, "old")
    with pytest.raises(ValueError, match="stop"), replacing(target) as temporary:
        temporary.write_text("half")
        raise ValueError("stop")
    assert target.read_text() == "old"
    assert temporaries(tmp_path) == []


def test_a_folder_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="create it first"):
        write_text(tmp_path / "no" / "result", "text")
