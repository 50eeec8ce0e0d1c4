"""Do the 95 % intervals of pykoh contain the truth? Runs with known answers and many seeds.

Run: OMP_NUM_THREADS=1 python benchmarks/calibration.py -o docs [--first-seed 0] [--only WORD]

The rows are in calibration_rows.py, their generators in tests/exact.py, which shares no code with
the analysis. Each row is one kind of run. For each quantity it gives the bias of the mean, the
scatter of the estimates over their mean standard error, the share of intervals of 95 % that contain
the truth, and the number of runs in which it was null. Bias and error are relative to the truth, or
to the error if that is larger. With 100 seeds a true coverage of 0.95 is found between 0.90 and
0.99; with 24, from 0.83 on. Writes calibration.csv, and the table and figure of docs/trust.md. Rows
that calibration.csv already has, with any seeds, are not run again. Takes an hour on one core.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from pathlib import Path

import numpy as np
from scipy import stats

sys.path.insert(0, str(Path(__file__).resolve().parent))

from calibration_rows import GROUPS, Found, Row
from calibration_tracks import track_rows

Line = dict[str, str | float]

MOST_BIAS, COVERAGE = 0.05, (0.90, 0.98)
"""The aim."""

UNLIKELY = 0.025
BEGIN, END = "<!-- table -->\n", "<!-- end of the table -->\n"
KINDS, END_KINDS = "<!-- kinds -->\n", "<!-- end of kinds -->\n"


def judge(row: Row, first_seed: int) -> list[Line]:
    """Run a row; return one line per quantity."""
    of: dict[str, list[Found]] = {}
    for seed in range(row.seeds):
        for found in row.make(np.random.default_rng([first_seed, seed])):
            of.setdefault(found[0], []).append(found)
    lines: list[Line] = []
    for name, runs in of.items():
        known = [
            (value, error, interval, truth)
            for _, value, error, interval, truth in runs
            if value is not None and error is not None and interval is not None
        ]
        line: dict[str, str | float] = {
            "run": row.name, "quantity": name, "truth": runs[0][4], "runs": row.seeds,
            "null": row.seeds - len(known), "first_seed": first_seed,
        }  # fmt: skip
        if len(known) >= 2:
            values = np.array([entry[0] for entry in known])
            errors = np.array([entry[1] for entry in known])
            truth = runs[0][4]
            held = [i[0] <= t <= i[1] for _, _, i, t in known]
            # A truth near zero is compared with its error.
            scale = max(abs(truth), float(errors.mean()))
            line |= {
                "bias": float(values.mean() - truth) / scale,
                "bias_stderr": float(values.std(ddof=1)) / np.sqrt(len(values)) / scale,
                "relative_stderr": float(errors.mean()) / scale,
                "ratio": float(values.std(ddof=1) / errors.mean()),
                "coverage": float(np.mean(held)),
            }
        lines.append(line)
    return lines


def remark(line: Line) -> str:
    """Return where a row misses the aim, with "?" if its noise can explain it."""
    n, bias = float(line["runs"]) - float(line["null"]), abs(float(line["bias"]))
    coverage = float(line["coverage"])
    held = round(coverage * n)
    words = []
    if bias > MOST_BIAS:
        words.append("bias" + "?" * (bias - 2.0 * float(line["bias_stderr"]) <= MOST_BIAS))
    if coverage < COVERAGE[0]:
        words.append("too narrow" + "?" * bool(stats.binom.cdf(held, n, COVERAGE[0]) > UNLIKELY))
    if coverage > COVERAGE[1]:
        chance = stats.binom.sf(held - 1, n, COVERAGE[1])
        words.append("too wide" + "?" * bool(chance > UNLIKELY))
    return ", ".join(words)


def table(lines: list[Line]) -> str:
    """Return the lines as a Markdown table."""
    head = (
        "| run | quantity | bias | stderr | scatter / stderr | coverage | null | misses the aim |"
    )
    rows = [head, "|---|---|---|---|---|---|---|---|"]
    for line in lines:
        null = f"{line['null']:g} of {line['runs']:g}"
        name = str(line["quantity"]).replace("_", " ")
        if "bias" not in line:
            rows.append(f"| {line['run']} | {name} | – | – | – | – | {null} | |")
            continue
        rows.append(
            f"| {line['run']} | {name} | {100 * float(line['bias']):+.1f} ± "
            f"{100 * float(line['bias_stderr']):.1f} % "
            f"| {100 * float(line['relative_stderr']):.2g} % | {line['ratio']:.2f} "
            f"| {line['coverage']:.2f} | {null} | {remark(line)} |"
        )
    return "\n".join(rows) + "\n"


def kinds(lines: list[Line]) -> str:
    """Return a Markdown table with all rows of a quantity together, weighted by their runs."""
    rows = [
        "| quantity | rows | runs with a value | mean bias | coverage | rows within 0.90–0.98 |"
    ]
    rows.append("|---|---|---|---|---|---|")
    shown = [line for line in lines if "bias" in line]
    for name in dict.fromkeys(str(line["quantity"]) for line in shown):
        mine = [line for line in shown if line["quantity"] == name]
        n = np.array([float(line["runs"]) - float(line["null"]) for line in mine])
        bias, held = (np.array([float(x[key]) for x in mine]) for key in ("bias", "coverage"))
        good = int(((held >= COVERAGE[0]) & (held <= COVERAGE[1])).sum())
        rows.append(
            f"| {name.replace('_', ' ')} | {len(mine)} | {n.sum():.0f} "
            f"| {100 * float(n @ bias / n.sum()):+.1f} % | {float(n @ held / n.sum()):.3f} "
            f"| {good} |"
        )
    return "\n".join(rows) + "\n"


def figure(lines: list[Line], path: Path) -> None:
    """Draw bias and coverage of all rows that were published in half of their runs or more."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    shown = [x for x in lines if "bias" in x and float(x["null"]) <= 0.5 * float(x["runs"])]
    picture = Figure(figsize=(8.0, 6.0), layout="constrained")
    left, right = picture.subplots(1, 2)
    names = list(dict.fromkeys(str(line["quantity"]) for line in shown))
    for axes, key, error, band in (
        (left, "bias", "bias_stderr", (-MOST_BIAS, MOST_BIAS)), (right, "coverage", None, COVERAGE),
    ):  # fmt: skip
        axes.axvspan(*band, color="#d7ead9", zorder=0)
        for line in shown:
            y = len(names) - names.index(str(line["quantity"]))
            bar = float(line[error]) if error else 0.0
            axes.errorbar(
                float(line[key]), y, xerr=bar, fmt="o", ms=3, lw=0.7, color="#1f4e79", alpha=0.6
            )
        axes.set_yticks(range(1, len(names) + 1), [n.replace("_", " ") for n in reversed(names)])
        axes.tick_params(labelsize=8)
    left.set_xlabel("bias, part of the truth")
    right.set_xlabel("intervals of 95 % that contain the truth")
    right.set_yticklabels([])
    FigureCanvasSVG(picture).print_svg(str(path), metadata={"Date": None})


def save(lines: list[Line], folder: Path) -> None:
    """Write all rows so far, the figure, and the table in trust.md if the folder has one."""
    folder.mkdir(parents=True, exist_ok=True)
    names = list(dict.fromkeys(key for line in lines for key in line))
    with (folder / "calibration.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, names)
        writer.writeheader()
        writer.writerows(lines)
    page = folder / "trust.md"
    if page.exists():
        text = page.read_text()
        for begin, end, new in ((BEGIN, END, table(lines)), (KINDS, END_KINDS, kinds(lines))):
            before, after = text[: text.index(begin)], text[text.index(end) :]
            text = f"{before}{begin}{new}{after}"
        page.write_text(text)
    figure(lines, folder / "calibration.svg")


def load(folder: Path) -> list[Line]:
    """Return the rows that an earlier run has written."""
    path = folder / "calibration.csv"
    if not path.exists():
        return []
    words = ("run", "quantity")
    with path.open(newline="") as stream:
        return [
            {k: v if k in words else float(v) for k, v in line.items() if v}
            for line in csv.DictReader(stream)
        ]


def main() -> None:
    """Run the rows and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--out", type=Path, default=Path("docs"))
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--only", default="", help="only rows with this word in their name")
    options = parser.parse_args()
    rows = [row for group in (*GROUPS, track_rows) for row in group()]
    place = {row.name: k for k, row in enumerate(rows)}
    if not any(options.only in row.name for row in rows):
        raise SystemExit(f"--only {options.only}: no row has this word in its name")
    lines = [line for line in load(options.out) if line["run"] in place]
    done = {line["run"] for line in lines}
    for row in rows:
        if options.only not in row.name or row.name in done:
            continue
        start = time.perf_counter()
        new = judge(row, options.first_seed)
        lines = sorted([*lines, *new], key=lambda line: place[str(line["run"])])
        print(table(new).split("\n", 2)[2], end="", flush=True)
        save(lines, options.out)
        print(f"  {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    save(lines, options.out)


if __name__ == "__main__":
    main()
