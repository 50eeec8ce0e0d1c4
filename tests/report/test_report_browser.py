"""The page in a real browser: nothing runs over, nothing fails, plots zoom and come back."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import report_cases
from pykoh.report.page import write_report

_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((found for name in _NAMES if (found := shutil.which(name))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")

# Run after the page: what a reader would see and do, as JSON in the title.
PROBE = """
<script>
"use strict";
const found = {};
const wide = document.documentElement;
found.overflow = wide.scrollWidth - wide.clientWidth;
found.width = wide.clientWidth;
found.background = getComputedStyle(document.body).backgroundColor;
found.colour = getComputedStyle(document.body).color;
const svg = document.querySelector("#figure-msd svg");
found.buttons = document.querySelectorAll("#figure-msd .zoom button").length;
found.plots = document.querySelectorAll("svg[data-axes]").length;
found.bars = document.querySelectorAll(".zoom").length;
const [more, less, all] = document.querySelectorAll("#figure-msd .zoom button");
const moved = () => [...svg.querySelectorAll("g[transform]")]
  .filter((g) => g.getAttribute("transform").startsWith("matrix")).length;
const ticks = () => [...svg.querySelectorAll(".ticks text")].map((t) => t.textContent);
found.before = [moved(), ticks().length];
more.click();
found.zoomed = [moved(), ticks().length, svg.classList.contains("zoomed")];
found.labels = ticks();
less.click();
found.back = [moved(), ticks().length, svg.classList.contains("zoomed")];
more.click(); more.click(); all.click();
found.reset = [moved(), ticks().length, svg.classList.contains("zoomed")];
const box = svg.getBoundingClientRect();
const at = (kind, fx, fy) => svg.dispatchEvent(new PointerEvent(kind, { pointerId: 1, bubbles: true,
  clientX: box.left + fx * box.width, clientY: box.top + fy * box.height }));
svg.setPointerCapture = () => {};
at("pointerdown", 0.4, 0.3); at("pointermove", 0.7, 0.6); at("pointerup", 0.7, 0.6);
found.dragged = [moved(), svg.classList.contains("zoomed")];
svg.dispatchEvent(new MouseEvent("dblclick"));
found.double = svg.classList.contains("zoomed");
document.title = JSON.stringify(found);
</script>
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    return write_report(report_cases.full(), folder)


def visit(page: Path, width: int, dark: bool) -> dict:
    assert CHROMIUM is not None
    probed = page.with_name(f"probed_{width}_{dark}.html")
    text = page.read_text(encoding="utf-8")
    probed.write_text(text.replace("</body>", PROBE + "</body>"), encoding="utf-8")
    done = subprocess.run(
        [
            CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
            "--enable-logging=stderr", f"--user-data-dir={page.parent / 'profile'}",
            f"--blink-settings=preferredColorScheme={0 if dark else 1}",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--window-size={width},900", "--dump-dom", probed.as_uri(),
        ],
        capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip
    assert not re.findall(r"CONSOLE.*", done.stderr)
    title = re.search(r"<title>(.*?)</title>", done.stdout, re.DOTALL)
    assert title is not None, done.stderr[-2000:]
    return json.loads(title.group(1).replace("&quot;", '"').replace("&amp;", "&"))


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1400])
def test_reads_well_and_zooms(page: Path, width: int, dark: bool) -> None:
    found = visit(page, width, dark)
    assert found["width"] <= max(width, 500)  # some builds have no narrower window
    assert found["overflow"] <= 0
    paper, ink = (sum(map(int, re.findall(r"\d+", found[name])[:3])) for name in
                  ("background", "colour"))  # fmt: skip
    assert (paper < 200 < ink) if dark else (ink < 200 < paper)
    assert found["buttons"] == 3 and found["bars"] == found["plots"] > 10
    assert found["before"] == [0, 0]
    moved, ticks, zoomed = found["zoomed"]
    assert moved > 3 and ticks >= 4 and zoomed
    assert all(re.fullmatch(r"−?[\d.]+(e[+-]?\d+)?", label) for label in found["labels"])
    assert found["back"] == [0, 0, False] == found["reset"]
    assert found["dragged"][0] > 3 and found["dragged"][1]
    assert found["double"] is False
