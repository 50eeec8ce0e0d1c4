"""The label file of the project from a campaign of labels: parts marked, compressed.

    python collect.py labels.extxyz ../../data/koh-blyp-d3-labels.extxyz.xz

Whole batches go to one part, so that no trajectory is in two: of four batches the first two train,
the third tests, the fourth validates.
"""

from __future__ import annotations

import io
import lzma
import sys
from pathlib import Path

import numpy as np
from ase.io import write

from pykoh.files import replacing
from pykoh.reference.frames import read_extxyz
from pykoh.reference.labels import ENERGY, FORCES, STRESS

PARTS = ("train", "train", "test", "valid")


def main() -> None:
    """Read the labels, mark them, write the compressed file."""
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    frames = read_extxyz(source)
    for frame in frames:
        frame.calc = None
        # 1e-5 eV/Å is far below what an SCF at EPS_SCF 2e-6 is converged to.
        frame.arrays[FORCES] = np.round(frame.arrays[FORCES], 5)
        frame.info[ENERGY] = round(float(frame.info[ENERGY]), 6)
        if STRESS in frame.info:
            frame.info[STRESS] = np.round(frame.info[STRESS], 8)
        if len(frame) > 1:
            batch = int(str(frame.info["run"]).split("_")[0][1:])
            frame.info["split"] = PARTS[batch % len(PARTS)]
    text = io.StringIO()
    write(text, frames, format="extxyz")
    packed = lzma.compress(text.getvalue().encode(), preset=9 | lzma.PRESET_EXTREME)
    with replacing(target) as temporary:
        temporary.write_bytes(packed)


if __name__ == "__main__":
    main()
