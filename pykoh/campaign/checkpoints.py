"""The last two restart files of a run, with checksums.

LAMMPS replaces ``NAME.restart`` when it writes a new one. :class:`Checkpoints` keeps the last two
under names of their own, as hard links without cost, with their SHA-256. Before a run continues,
the newest undamaged file is put in place. If a full disk or a failing node has damaged a file, the
one before it is used.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from pykoh.engines.restart_file import restart_step
from pykoh.engines.resume import truncate_dump
from pykoh.files import replacing, write_text
from pykoh.provenance import sha256

KEPT = 2


@dataclass(frozen=True, slots=True)
class KeptRestart:
    """One kept restart file.

    Attributes:
        file: its name.
        step: MD step.
        sha256: checksum.
    """

    file: str
    step: int
    sha256: str


class Checkpoints:
    """The last two restart files of a run.

    Args:
        folder: of the run.
        name: prefix of its files; LAMMPS writes ``NAME.restart``.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.live = folder / f"{name}.restart"
        self.dump = folder / f"{name}.dump"
        self._list = folder / f"{name}.checkpoints.json"
        self._seen: tuple[int, int] | None = None
        self.kept = self._read()

    def _read(self) -> list[KeptRestart]:
        try:
            entries = json.loads(self._list.read_text(encoding="utf-8"))
            return [KeptRestart(**entry) for entry in entries]
        except (OSError, ValueError, TypeError):
            # Without the list the live file is still used if it is complete.
            return []

    def keep(self) -> bool:
        """Keep the live restart file if it is new; return whether it was."""
        try:
            status = self.live.stat()
        except FileNotFoundError:
            return False
        identity = (status.st_ino, status.st_mtime_ns)
        if identity == self._seen:
            return False
        self._seen = identity
        step = restart_step(self.live)
        if step is None or any(c.step == step for c in self.kept):
            return False
        target = self.folder / f"{self.live.name}.{step}"
        target.unlink(missing_ok=True)
        try:
            os.link(self.live, target)
        except OSError:  # a file system without hard links
            with replacing(target) as temporary:
                shutil.copyfile(self.live, temporary)
        if restart_step(target) != step:  # it was replaced in the meantime
            target.unlink()
            return False
        kept = [*self.kept, KeptRestart(target.name, step, sha256(target))]
        kept.sort(key=lambda c: c.step)
        old, self.kept = kept[:-KEPT], kept[-KEPT:]
        text = [{"file": c.file, "step": c.step, "sha256": c.sha256} for c in self.kept]
        write_text(self._list, json.dumps(text, indent=1) + "\n")
        for checkpoint in old:
            (self.folder / checkpoint.file).unlink(missing_ok=True)
        return True

    def restore(self) -> tuple[int, str | None]:
        """Put the newest undamaged restart file in place.

        Returns:
            The step from which the run continues (0: from the beginning), and a note if a damaged
            file was skipped.
        """
        known = {c.step: c.sha256 for c in self.kept}
        damaged = []
        candidates = [self.live, *(self.folder / c.file for c in reversed(self.kept))]
        for path in candidates:
            if not path.exists():
                continue
            step = restart_step(path)
            whole = step is not None and known.get(step, sha256(path)) == sha256(path)
            if step is None or not whole:
                damaged.append(path.name)
                continue
            if path != self.live:
                with replacing(self.live) as temporary:
                    shutil.copyfile(path, temporary)
            self.kept = [c for c in self.kept if c.step <= step]
            note = f"{', '.join(damaged)} damaged: continuing from step {step}" if damaged else None
            return step, note
        if damaged:
            self.live.unlink(missing_ok=True)
            return 0, f"{', '.join(damaged)} damaged and no other restart file: beginning again"
        return 0, None

    def cut_trajectory(self, step: int) -> None:
        """Cut off the frames at and after ``step``; the continued run writes them again."""
        if self.dump.exists():
            truncate_dump(self.dump, step)
