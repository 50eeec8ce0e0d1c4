"""Further options of mace-torch that a user gives: known before anything is written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

from pykoh.errors import TrainingError

# In a process of its own, because mace-torch prints and warns when it is imported.
_PARSE = (
    "import sys\n"
    "from mace.tools.arg_parser import build_default_arg_parser\n"
    "build_default_arg_parser().parse_args(sys.argv[1:])\n"
)


def config_lines(config: Mapping[str, Any]) -> str:
    """Return options as the text of a configuration file of mace-torch."""
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in config.items())


def check_further(extra: Sequence[tuple[str, str]]) -> None:
    """Check names and values of further options of mace_run_train.

    Args:
        extra: names and values.

    Raises:
        TrainingError: mace-torch refuses one of them.
    """
    if not extra:
        return
    # As the training gives them: on a command line mace-torch takes no value for a flag.
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as config:
        config.write(config_lines({"name": "checked", **dict(extra)}))
        config.flush()
        done = subprocess.run(
            [sys.executable, "-c", _PARSE, "--config", config.name],
            env={**os.environ, "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode == 0:
        return
    said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
    options = " ".join(f"--mace {name}={value}" for name, value in extra)
    raise TrainingError(
        f"{options}: mace-torch says {said.partition('error: ')[2] or said}; "
        "`mace_run_train --help` lists its options"
    )
