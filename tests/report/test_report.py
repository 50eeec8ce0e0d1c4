"""The page: well-formed, self-contained, true to the results, good with nothing in it."""

import dataclasses
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pytest

import report_cases
from pykoh.analysis.results import AnalysisWarning, DisplacementCurve
from pykoh.analysis.results.write import as_json, write_results
from pykoh.errors import OutputError
from pykoh.report import plots
from pykoh.report.page import write_report
from test_report_values import read_back

VOID = {"meta", "br", "hr", "img", "link", "input"}


class Page(HTMLParser):
    """Checks nesting and collects links, ids and the numbers with their exact values."""

    def __init__(self, text):
        super().__init__()
        self.open, self.links, self.ids, self.numbers, self.tags = [], [], [], [], set()
        self.words = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        for name in ("href", "src", "xlink:href", "data", "poster", "action", "srcset"):
            if name in attributes:
                self.links.append((tag, attributes[name]))
        if "data-path" in attributes:
            self.numbers.append([attributes, ""])

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)
        if self.numbers and not self.numbers[-1][1]:
            self.numbers[-1][1] = data


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    folder = tmp_path_factory.mktemp("full")
    results = report_cases.full()
    write_results(results, folder)
    (folder / "run.json").write_text(
        json.dumps({"command": ["/usr/bin/pykoh", "analyze", "a&b.dump"], "started": "2026-01-02"})
    )
    page = write_report(results, folder, png=True)
    return folder, page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def empty(tmp_path_factory):
    folder = tmp_path_factory.mktemp("empty")
    return folder, write_report(report_cases.empty(), folder).read_text(encoding="utf-8")


@pytest.mark.parametrize("case", ["full", "empty"])
def test_page_stands_alone(case, request):
    folder, text = request.getfixturevalue(case)
    page = Page(text)
    assert len(page.ids) == len(set(page.ids))
    # One script, in the page itself, that asks nobody for anything.
    assert text.count("<script") == text.count("<script>") == 1
    assert not re.search(r"fetch|XMLHttp|import\(|WebSocket|eval\(", text)
    assert not page.tags & {"iframe", "link", "img", "object", "embed"}
    for tag, target in page.links:
        if target.startswith("#"):
            assert target[1:] in page.ids
        elif target.startswith("https://doi.org/10."):
            assert tag == "a"
        else:
            assert ":" not in target
            assert (folder / target).is_file()
    assert "@import" not in text
    assert set(re.findall(r"url\((.)", text)) <= {"#"}
    # Anything in http is a name space or a DOI.
    for address in re.findall(r"https?://[^\s\"'<>]+", text):
        assert address.startswith(("https://doi.org/", "http://www.w3.org/")), address


def test_page_follows_light_dark_phone_and_paper(full):
    _, text = full
    for rule in ("prefers-color-scheme: dark", "@media print", "max-width: 40rem"):
        assert rule in text
    assert 'name="viewport"' in text
    # The plots have no colour of their own: all come from the style sheet.
    body = text[text.index("<body>") :]
    colours = set(re.findall(r"(?:stroke|fill): (#[0-9a-f]{3,6}|none|var\(--\w+\))", body))
    assert {c for c in colours if c.startswith("#")} == set()


def _look_up(tree, path):
    for step in path.split("/"):
        tree = tree[step]
    return tree


def test_every_number_is_the_result(full):
    _, text = full
    tree = as_json(report_cases.full())
    page = Page(text)
    assert len(page.numbers) > 70
    for attributes, shown in page.numbers:
        exact = _look_up(tree, attributes["data-path"])
        if exact is None:
            assert shown == "not available"
            continue
        assert float(attributes["data-value"]) == exact
        value, error, last_digit = read_back(shown.replace("\u2009", ""))
        assert abs(value - exact) <= max(0.51 * last_digit, 0.26 * (error or 0.0)), shown
        if "data-stderr" in attributes:
            stderr = float(attributes["data-stderr"])
            assert error == pytest.approx(stderr, rel=0.26)


def test_standard_errors_belong_to_their_values(full):
    """Pairs of value and error are those of results.json, not of a neighbour."""
    _, text = full
    tree = as_json(report_cases.full())
    found = {a["data-path"]: float(a["data-stderr"]) for a, _ in Page(text).numbers
             if "data-stderr" in a}  # fmt: skip
    pairs = {
        "diffusion/OH-/D_m2_per_s": "diffusion/OH-/stderr_m2_per_s",
        "diffusion/K+/D_infinite_m2_per_s": "diffusion/K+/D_infinite_stderr_m2_per_s",
        "diffusion/H2O/fit/loglog_slope": "diffusion/H2O/fit/loglog_slope_stderr",
        "grotthuss/hop_rate_per_ps": "grotthuss/hop_rate_stderr_per_ps",
        "grotthuss/residence_time_ps": "grotthuss/residence_time_stderr_ps",
        "grotthuss/hop_length_A": "grotthuss/hop_length_stderr_A",
        "grotthuss/waiting_time_fit/a": "grotthuss/waiting_time_fit/a_stderr",
        "hydrogen_bonds/H2O_OH-/lifetime_ps": "hydrogen_bonds/H2O_OH-/stderr/lifetime_ps",
        "hydrogen_bonds/OH-_OH-/mean_per_donor": "hydrogen_bonds/OH-_OH-/stderr/mean_per_donor",
        "structure/coordination/K-Ow/coordination_number": "structure/coordination/K-Ow/stderr",
        "structure/ion_pairing/fraction_of_cations_paired": "structure/ion_pairing/stderr",
        "conductivity/einstein_S_per_m": "conductivity/stderr/einstein_S_per_m",
    }
    for value, error in pairs.items():
        assert found[value] == _look_up(tree, error), value


def test_sections_and_provenance(full):
    folder, text = full
    page = Page(text)
    for anchor in ("summary", "diffusion", "hops", "hydrogen-bonds", "structure", "conductivity",
                   "warnings", "definitions", "methods", "references", "files"):  # fmt: skip
        assert anchor in page.ids
    assert "pykoh analyze a&amp;b.dump" in text
    assert "/usr/bin" not in text
    assert 'href="msd.csv"' in text
    said = text[text.index("<body>") :]
    assert set(re.findall(r"\[([a-z]+\d{4})\]", said)) == {
        "marx2010", "mccluskey2025", "yeh2004", "luzar1996", "kaplan1958", "grasselli2019",
        "gilliam2007",
    }  # fmt: skip
    for key in re.findall(r"\[([a-z]+\d{4})\]", said):
        assert f"@article{{{key}," in text
    assert "[yeh2004] with a viscosity of 1.7 mPa s" in text
    for kind in ("svg", "png"):
        assert (folder / "plots" / f"msd.{kind}").is_file()
        assert f'href="plots/msd.{kind}"' in text


def test_pictures_of_pixels_are_drawn_if_asked(empty, tmp_path):
    folder, text = empty
    assert not list((folder / "plots").glob("*.png")) and ".png" not in text
    write_report(report_cases.full(), tmp_path)
    assert list((tmp_path / "plots").glob("*.svg"))
    assert not list((tmp_path / "plots").glob("*.png"))


def test_plots_are_pictures(full):
    folder, _ = full
    pictures = sorted((folder / "plots").iterdir())
    assert len(pictures) == 2 * (2 + 2 + 4 + 5 + 2)
    for picture in pictures:
        if picture.suffix == ".svg":
            root = ET.fromstring(picture.read_text(encoding="utf-8"))
            assert root.tag == "{http://www.w3.org/2000/svg}svg"
        else:
            assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
            assert picture.stat().st_size > 5000


def test_nothing_to_report_is_a_good_page_too(empty):
    folder, text = empty
    said = " ".join(Page(text[text.index("<body>") : text.index("<script>")] + "</body>").words)
    assert said.count("not available") > 20
    assert "1 frame cannot show motion; run longer" in said
    assert "the last frame was cut off and is not used" in said
    assert "a single frame" in said
    assert "Diffusion coefficients were obtained" not in said
    assert re.search(r"\b(None|nan|inf)\b", said, re.IGNORECASE) is None
    assert list((folder / "plots").iterdir()) == []


def test_nan_in_curves_is_not_drawn(tmp_path):
    results = report_cases.full()
    holes = np.full(5, np.nan)
    broken = DisplacementCurve(np.arange(5.0), holes, holes, holes)
    entry = dataclasses.replace(results.diffusion.species[1], msd=broken, fit=None)
    diffusion = dataclasses.replace(results.diffusion, species=(entry,))
    assert plots.displacements(dataclasses.replace(results, diffusion=diffusion)) == []


def test_everything_from_outside_is_escaped(tmp_path):
    evil = '<script>alert("x")</script>&'
    results = report_cases.full(
        files=(evil,), notes=(evil,), warnings=[AnalysisWarning("diffusion.OH-" + evil, evil)]
    )
    (tmp_path / "run.json").write_text(json.dumps({"command": ["pykoh", evil], "started": evil}))
    text = write_report(results, tmp_path).read_text(encoding="utf-8")
    page = Page(text)
    assert text.count("<script") == 1  # the page's own
    assert "".join(page.words).count(evil) >= 5


def test_a_warning_marks_its_own_quantity_only(tmp_path):
    about = [
        AnalysisWarning("diffusion.K+.D_infinite_m2_per_s", "no viscosity"),
        AnalysisWarning("hydrogen_bonds.OH-_OH-.lifetime_ps", "3 breakings"),
        AnalysisWarning("conductivity.einstein_S_per_m", "1.5 windows"),
    ]
    text = write_report(report_cases.full(warnings=about), tmp_path).read_text(encoding="utf-8")
    cards = text[text.index('id="summary"') : text.index('id="diffusion"')]
    assert cards.count("converged") == 5
    assert cards.count("use with care") == 1
    assert "1.5 windows" in cards


def test_another_cation_is_named(tmp_path):
    text = write_report(report_cases.full(cation="Na"), tmp_path).read_text(encoding="utf-8")
    assert "<h1>Aqueous NaOH, 6.27 mol/L, 298.70 K</h1>" in text
    assert "Diffusion of Na⁺" in text


def test_a_second_report_replaces_the_first(tmp_path):
    write_report(report_cases.empty(), tmp_path)
    text = write_report(report_cases.empty(), str(tmp_path)).read_text(encoding="utf-8")
    assert text.endswith("</html>\n")


def test_folder_must_exist(tmp_path):
    with pytest.raises(OutputError, match="create it"):
        write_report(report_cases.empty(), tmp_path / "nowhere")
    (tmp_path / "plots").write_text("a file in the way")
    with pytest.raises(OutputError, match="plots"):
        write_report(report_cases.empty(), tmp_path)


def test_import_is_light_and_leaves_matplotlib_alone():
    code = (
        "import sys, pykoh.report.page; "
        "print(any(name.startswith('matplotlib') for name in sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


@pytest.mark.parametrize("n", [1, 299, 300, 301, 20_000])
@pytest.mark.parametrize("logarithmic", [True, False])
def test_thinning_keeps_the_ends(n, logarithmic):
    kept = plots.thin(np.arange(n, dtype=float), logarithmic)
    assert kept[0] == 0
    assert kept[-1] == n - 1
    assert len(kept) <= 300
    assert (np.diff(kept) > 0).all()
