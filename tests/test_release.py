"""What a release says of itself is the same everywhere."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

import pykoh

ROOT = Path(__file__).resolve().parents[1]


def test_all_files_name_the_same_version() -> None:
    project = re.search(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert project is not None
    assert pykoh.__version__ == project[1] == citation["version"]


def test_commands_that_contributing_names_exist() -> None:
    named = set(re.findall(r"`make ([\w-]+)`", (ROOT / "CONTRIBUTING.md").read_text()))
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert named and named <= targets


def test_files_that_contributing_names_exist() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text() + (ROOT / "ARCHITECTURE.md").read_text()
    for name in re.findall(r"`([\w/]+/[\w/.]+)`", text):
        # A file, or a folder; `analysis/…` is short for the package's.
        assert (ROOT / name).exists() or (ROOT / "pykoh" / name).exists(), name
