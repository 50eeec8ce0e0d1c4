"""The conda recipe has the version, the dependencies and the command of pyproject.toml."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import pykoh

ROOT = Path(__file__).resolve().parents[1]
# Packages with another name at conda-forge.
CONDA_NAMES = {"matplotlib": "matplotlib-base"}


@pytest.fixture
def recipe() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "conda" / "recipe.yaml").read_text("utf-8"))
    return found


def project(pattern: str) -> str:
    """Return what a pattern finds in pyproject.toml (Python 3.10 has no tomllib)."""
    found = re.search(pattern, (ROOT / "pyproject.toml").read_text("utf-8"), re.DOTALL | re.M)
    assert found is not None
    return found[1]


def test_version_and_python(recipe: dict[str, Any]) -> None:
    assert recipe["context"]["version"] == pykoh.__version__
    assert f">={recipe['context']['python_min']}" == project(r'^requires-python = "(.*?)"')


def test_dependencies(recipe: dict[str, Any]) -> None:
    wanted = re.findall(r'"(.*?)"', project(r"^dependencies = \[(.*?)^\]"))
    names = [re.split("(?=>)", each) for each in wanted]
    expected = {f"{CONDA_NAMES.get(name, name)} {version}" for name, version in names}
    assert set(recipe["requirements"]["run"]) - {"python >=${{ python_min }}"} == expected
    backend = re.findall(r'"(hatchling)(.*?)"', project(r"^requires = \[(.*?)\]"))
    assert " ".join(backend[0]) in recipe["requirements"]["host"]


def test_command_and_licence(recipe: dict[str, Any]) -> None:
    command = project(r'^\[project.scripts\]\npykoh = "(.*?)"')
    assert recipe["build"]["python"]["entry_points"] == [f"pykoh = {command}"]
    assert (ROOT / recipe["about"]["license_file"]).is_file()
    assert any("pykoh --help" in str(test) for test in recipe["tests"])
