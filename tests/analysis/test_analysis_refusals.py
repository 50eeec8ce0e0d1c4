"""``pykoh analyze`` refuses what it cannot use, in one line, and leaves nothing behind."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result

from analysis_calls import CELL, DT, call, dump, walkers
from trajectories import H, K, O, dump_text


class TestRefusals:
    def refused(self, found: Result, *messages: str) -> None:
        assert found.exit_code not in (0, None)
        assert found.exception is None or isinstance(found.exception, SystemExit)
        last = found.output.strip().splitlines()[-1]
        assert last.startswith("Error: ")
        for message in messages:
            assert message in last

    def test_broken_input_leaves_nothing_behind(self, tmp_path: Path) -> None:
        text = dump_text(*walkers(), CELL * np.eye(3), times=np.arange(300) * DT)
        lines = text.splitlines()
        row = [k for k, line in enumerate(lines) if line.startswith("7 ")][250]
        lines[row] = "7 1 nan 0 0"
        path = tmp_path / "a.dump"
        path.write_text("\n".join(lines) + "\n")
        self.refused(call(path, "-o", tmp_path / "out"), "frame 251", "atom 7", "nan")
        assert [entry.name for entry in tmp_path.iterdir()] == ["a.dump"]
        # what the message advises works
        found = call(path, "-o", tmp_path / "out", "--stop", 2.49, "--no-report")
        assert found.exit_code == 0
        tree = json.loads((tmp_path / "out" / "results.json").read_text())
        assert tree["input"]["n_frames"] == 250

    @pytest.mark.parametrize("content", [None, "", "rubbish\n"])
    def test_missing_empty_or_other_files(self, tmp_path: Path, content: str | None) -> None:
        path = tmp_path / "a.dump"
        if content is not None:
            path.write_text(content)
        self.refused(call(path, "-o", tmp_path / "out"), "a.dump")
        assert not (tmp_path / "out").exists()

    def test_results_are_not_overwritten(self, tmp_path: Path) -> None:
        frames, _ = walkers()
        path, out = dump(tmp_path / "a.dump", frames[:20]), tmp_path / "out"
        assert call(path, "-o", out, "--no-report").exit_code == 0
        before = (out / "results.json").read_text()
        self.refused(call(path, "-o", out), "--force")
        # --force with broken input keeps the old results
        broken = tmp_path / "b.dump"
        broken.write_text("rubbish\n")
        self.refused(call(broken, "-o", out, "--force"), "rubbish")
        assert (out / "results.json").read_text() == before
        shorter = dump(tmp_path / "c.dump", frames[:10])
        (out / "notes.txt").write_text("mine")
        assert call(shorter, "-o", out, "--force", "--no-report").exit_code == 0
        assert json.loads((out / "results.json").read_text())["input"]["n_frames"] == 10
        assert (out / "notes.txt").read_text() == "mine"
        assert sorted(p.name for p in tmp_path.iterdir()) == ["a.dump", "b.dump", "c.dump", "out"]

    def test_a_folder_with_other_things_is_not_touched(self, tmp_path: Path) -> None:
        frames, _ = walkers()
        path = dump(tmp_path / "a.dump", frames[:20])
        home = tmp_path / "thesis"
        home.mkdir()
        (home / "chapter.tex").write_text("years of work")
        for force in ([], ["--force"]):
            self.refused(call(path, "-o", home, *force), "not empty")
        self.refused(call(path, "-o", path), "is a file")
        assert (home / "chapter.tex").read_text() == "years of work"

    @pytest.mark.parametrize(
        "options",
        [
            ["--fit", "5"], ["--fit", "9,3"], ["--fit", "a,b"], ["--stride", "0"],
            ["--temperature", "-3"], ["--types", "H,O,Zz"], ["--viscosity", "0"],
            ["--hbond-angle", "200"], ["--rattle-window", "-1"], ["--timestep", "nan"],
            ["--start", "1e6"], ["--fit", "0.05,0.15"], ["--rattle-window", "0.3"],
            ["--contact", "99"], ["--hbond-distance", "99"],
        ],
    )  # fmt: skip
    def test_options_that_make_no_sense(self, tmp_path: Path, options: list[str]) -> None:
        frames, _ = walkers()
        path = dump(tmp_path / "a.dump", frames[:20])
        self.refused(call(path, "-o", tmp_path / "out", *options))
        assert not (tmp_path / "out").exists()

    def test_windows_and_distances_that_do_not_fit_the_run(self, tmp_path: Path) -> None:
        """The message has the largest value that is possible, and this one works."""
        path = dump(tmp_path / "a.dump")  # 2.99 ps, 20 Å
        out = tmp_path / "out"
        for option, wrong, right in (
            ("--fit", "0.1,1.5", "0.1,1.49"), ("--rattle-window", "1.5", "1.49"),
            ("--contact", f"{CELL}", f"{CELL / 2:g}"),
            ("--hbond-distance", f"{CELL}", f"{CELL / 2:g}"),
            ("--hbond-distance", "0.5", "2.3"), ("--contact", "0.3", "1.5"),
        ):  # fmt: skip
            says = right.split(",")[-1] if float(wrong.split(",")[-1]) > 1 else "nothing would be"
            self.refused(call(path, "-o", out, option, wrong, "--force"), option, says)
            found = call(path, "-o", out, option, right, "--no-report", "--force")
            assert found.exit_code == 0, found.output

    def test_folders_and_paths_that_cannot_be(self, tmp_path: Path) -> None:
        path = dump(tmp_path / "a.dump", walkers()[0][:20])
        for folder in (".", "/"):
            self.refused(call(folder, "-o", tmp_path / "out"), "is a folder")
        self.refused(call(path, "-o", path / "res"), "cannot write there")
        self.refused(call(path, "-o", "/proc/x/res"), "cannot write there")

    def test_no_hydrogen(self, tmp_path: Path) -> None:
        path = dump(tmp_path / "a.dump", np.zeros((3, 2, 3)), types=[O, K])
        self.refused(call(path, "-o", tmp_path / "out"), "no H atoms", "--types")
        path = dump(tmp_path / "a.dump", np.zeros((3, 2, 3)), types=[H, K])
        self.refused(call(path, "-o", tmp_path / "out"), "no O atoms")

    def test_types_that_are_swapped(self, tmp_path: Path) -> None:
        found = call(dump(tmp_path / "a.dump"), "-o", tmp_path / "out", "--types", "O,H,K")
        self.refused(found, "more O than H", "--types")

    def test_types_that_do_not_fit_the_first_frame(self, tmp_path: Path) -> None:
        path = dump(tmp_path / "a.dump", walkers()[0][:20])
        for types in ("H,K,O", "K,O,H", "K,H,O", "O,K,H", "H,O,O", "H,O,H"):
            found = call(path, "-o", tmp_path / "out", "--types", types)
            self.refused(found, "a.dump", f"is --types right (now {types})?")
        for cation in ("Li", "Na", "Cs"):
            found = call(path, "-o", tmp_path / cation, "--types", f"H,O,{cation}", "--no-report")
            assert found.exit_code == 0, found.output
