"""Atoms that move, in a page that needs nothing else: the data, the script and 3Dmol.js.

The library (Rego and Koes, Bioinformatics 31 (2015) 1322, doi:10.1093/bioinformatics/btu829) is in
the page as text, which a browser runs only when the viewer comes into sight.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from pykoh.analysis.results import HopScene
from pykoh.arrays import FloatArray, IntArray
from pykoh.report.html import Markup, join, tag
from pykoh.report.values import count

LIBRARY = "vendor/3Dmol-min.js"

_FINEST_A = 0.01  # positions are whole numbers of this, unless the box is too large for 16 bits


@dataclass(frozen=True, slots=True, eq=False)
class Movie:
    """Frames of a viewer.

    Attributes:
        name: its anchor on the page.
        elements: [n_atoms].
        positions_A: [n_frames, n_atoms, 3], Å.
        times: [n_frames], in ``unit``.
        unit: fs or ps.
        owner: [n_frames, n_atoms], which atom is the oxygen of an H; -1: none.
        carriers: [n_frames, n_ions], which atom is the oxygen of each hydroxide; -1: none.
        first: the frame that is shown first.
        proton: an H with a colour of its own, or -1.
        cell_A: [3, 3], Å, a box that is drawn, or None. Hydroxides then have a colour each, and
            their paths are drawn.
    """

    name: str
    elements: Sequence[str]
    positions_A: FloatArray
    times: FloatArray
    unit: str
    owner: IntArray
    carriers: IntArray
    first: int = 0
    proton: int = -1
    cell_A: FloatArray | None = None

    def data(self) -> str:
        """Return what the script reads, as JSON that can stand in a page."""
        largest = float(np.abs(self.positions_A).max(initial=0.0))
        scale = max(_FINEST_A, largest / 32000.0)
        whole = np.round(self.positions_A / scale).astype("<i2")
        content = {
            "elements": list(self.elements),
            "times": [round(float(time), 6) for time in self.times],
            "unit": self.unit,
            "scale": scale,
            "xyz": base64.b64encode(whole.tobytes()).decode("ascii"),
            "owner": self.owner[0].tolist(),
            "owners": _changes(self.owner),
            "carrier": self.carriers[0].tolist(),
            "carriers": _changes(self.carriers),
            "first": self.first,
            "proton": self.proton,
            "cell": None if self.cell_A is None else np.round(self.cell_A, 4).tolist(),
        }
        return json.dumps(content, separators=(",", ":")).replace("</", "<\\/")

    def figure(self, label: str, *caption: object) -> Markup:
        """Return the place of the viewer.

        Args:
            label: what it shows, for readers that do not see it.
            caption: what is seen.
        """
        still = tag("p", "The atoms move in a browser with JavaScript and WebGL.", class_="note")
        stage = tag("div", still, class_="stage")
        caption = (tag("figcaption", *caption),)
        return tag(
            "figure", stage, *caption, class_="movie", id=f"movie-{self.name}", aria_label=label
        )


def _changes(of: NDArray[np.int64]) -> list[list[int]]:
    """Return frame, place and new value of what changes from one frame to the next."""
    frames, places = np.nonzero(of[1:] != of[:-1])
    return np.column_stack([frames + 1, places, of[frames + 1, places]]).tolist()


def scripts(movies: Sequence[Movie]) -> Markup:
    """Return what viewers need at the end of a page: data, library and script; else nothing."""
    if not movies:
        return Markup("")
    folder = files("pykoh.report")
    library = (folder / LIBRARY).read_text(encoding="utf-8")
    script = (folder / "movie.js").read_text(encoding="utf-8")
    parts = [
        Markup(
            f'<script type="application/json" id="data-movie-{each.name}">{each.data()}</script>'
        )
        for each in movies
    ]
    parts.append(Markup(f'<script type="text/plain" id="library-3dmol">{library}</script>'))
    parts.append(Markup(f"<script>\n{script}</script>"))
    return join(parts, "\n")


def _turned(scene: HopScene) -> FloatArray:
    """Return [3, 3], axes (right, up, towards the reader) with the two oxygens side by side.

    Of the ways to look at them, the one with the fewest atoms in front of them.
    """
    at_hop = int(np.argmin(np.abs(scene.times_ps - scene.time_ps)))
    along = scene.positions_A[at_hop, scene.new] - scene.positions_A[at_hop, scene.old]
    along = along / np.linalg.norm(along)
    first = np.cross(along, np.eye(3)[np.abs(along).argmin()])
    first /= np.linalg.norm(first)
    second = np.cross(along, first)
    size = np.array([{"H": 0.5, "O": 1.0}.get(element, 3.0) for element in scene.elements])
    size[[scene.old, scene.new, scene.proton]] = 0.0
    frames = scene.positions_A[[0, at_hop, -1]]
    best, fewest = np.eye(3), np.inf
    for angle in np.linspace(0.0, 2.0 * np.pi, 48, endpoint=False):
        up = np.cos(angle) * first + np.sin(angle) * second
        axes = np.stack([along, up, np.cross(along, up)])
        hidden = 0.0
        for centre in (scene.old, scene.new):
            x, y, z = np.moveaxis((frames - frames[:, centre, None]) @ axes.T, -1, 0)
            hidden += float((size * (z > 0.0) * np.exp(-(x**2) - y**2)).sum())
        if hidden < fewest - 1e-9:
            best, fewest = axes, hidden
    return best


def hop_movie(scene: HopScene) -> Movie:
    """Return the movie of a hop."""
    turn = _turned(scene)
    return Movie(
        "hop",
        scene.elements,
        scene.positions_A @ turn.T,
        np.round(1000.0 * (scene.times_ps - scene.time_ps), 3),
        "fs",
        scene.owner,
        scene.carrier[:, None],
        proton=scene.proton,
    )


def hop_figure(scene: HopScene) -> Markup:
    """Return the viewer of a hop with its caption."""
    old, new, proton = (int(scene.ids[k]) for k in (scene.old, scene.new, scene.proton))
    span = 1000.0 * float(scene.times_ps[-1] - scene.times_ps[0])
    cations = sorted({each for each in scene.elements if each not in ("H", "O")})
    colours = "Oxygens are red and hydrogens white"
    if cations:
        colours = f"Oxygens are red, hydrogens white and {cations[0]}⁺ purple"
    return hop_movie(scene).figure(
        "A proton hop of this run, as moving atoms",
        tag("strong", "One proton hop of this run."),
        f" H {proton} (yellow) leaves the water of O {new} and goes to the hydroxide of O {old}; "
        f"then O {new} carries the hydroxide. Numbers are atom ids. Time 0 is {scene.time_ps:.6g} "
        f"ps of the trajectory (frame {count(scene.frame)} of those analysed, from 0), the first "
        f"frame after the hop; {span:.3g} fs are shown. {colours}; the oxygen of the hydroxide is "
        "blue-green. Dashed: an H of a neighbour within 2.3 Å of it. Molecules within 4.5 Å of "
        "the two oxygens are shown. Drag to turn, Ctrl + wheel to zoom. Drawn by 3Dmol.js, ",
        tag("a", "Rego and Koes 2015", href="https://doi.org/10.1093/bioinformatics/btu829"),
        ".",
    )
