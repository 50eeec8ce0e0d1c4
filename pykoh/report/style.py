"""The look of the page: one style sheet for light, dark, phone, desk and paper."""

from __future__ import annotations

from pykoh.report.canvas import PALETTE

_RULES = """
:root { color-scheme: light dark; --page: #ffffff; --panel: #f6f7f9; --line: #d9dde3;
  --soft: #545d69; --link: #0a5ea8; --good: #00704f; --care: #9a4a00; --mark: #fff4e3;
  --stage: #d7dde5; }
@media (prefers-color-scheme: dark) { :root { --page: #16191e; --panel: #1e2229;
  --line: #363d48; --soft: #a5afbd; --link: #7cc0ff; --good: #4fd3a8; --care: #f6a45c;
  --mark: #33291a; --stage: #2a303a; } }
* { box-sizing: border-box; }
html { scroll-behavior: smooth; -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
header, main, footer { max-width: 74rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 2.2rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .4rem; letter-spacing: -.01em; }
h2 { font-size: 1.35rem; margin: 2.6rem 0 .7rem; padding-top: .4rem;
  border-top: 1px solid var(--line); }
h3 { font-size: .95rem; margin: 0 0 .3rem; }
p { margin: .4rem 0 .8rem; max-width: 48rem; }
a { color: var(--link); text-underline-offset: .15em; }
.lead { color: var(--soft); margin: 0; max-width: 60rem; }
nav { margin: 1.2rem 0 0; display: flex; flex-wrap: wrap; gap: .3rem .9rem; font-size: .9rem; }
.banner { max-width: none; margin: 1.2rem 0 0; padding: .8rem 1rem; background: var(--mark);
  border: 2px solid var(--care); border-radius: .6rem; }
.cards { display: grid; gap: .9rem; margin: 1.2rem 0;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); }
.card { background: var(--panel); border: 1px solid var(--line); border-radius: .6rem;
  padding: .9rem 1rem; break-inside: avoid; }
.card h3 { color: var(--soft); font-weight: 600; }
.card p { margin: .15rem 0; }
.value { font-size: 1.12rem; font-weight: 650; line-height: 1.35;
  font-variant-numeric: tabular-nums; }
.why, .note, figcaption { font-size: .86rem; color: var(--soft); }
.value .q { white-space: normal; }
.pill { display: inline-block; font-size: .8rem; font-weight: 600; padding: .05rem .55rem;
  border: 1px solid currentColor; border-radius: 1rem; white-space: nowrap; }
.pill.good { color: var(--good); } .pill.care { color: var(--care); }
.pill.none, .missing { color: var(--soft); } .missing { font-weight: 400; font-style: italic; }
.q { white-space: nowrap; font-variant-numeric: tabular-nums; }
.plots { display: grid; gap: 1.2rem 1.6rem; margin: 1rem 0; align-items: start;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 34rem)); }
.small.plots { grid-template-columns: repeat(auto-fill, minmax(min(100%, 20rem), 1fr)); }
figure { margin: 0; break-inside: avoid; }
figure svg { display: block; width: 100%; height: auto; max-width: 40rem; }
svg.zoomed { touch-action: none; cursor: crosshair; }
svg .ticks path { stroke: var(--ink); stroke-width: .8; fill: none; }
svg .ticks text { fill: var(--ink); font-family: inherit; }
svg .region { fill: var(--link); fill-opacity: .12; stroke: var(--link); }
.zoom { float: right; display: flex; gap: .2rem; margin: .15rem 0 0 .6rem; }
.zoom button { font: inherit; font-size: .95rem; line-height: 1; width: 1.75rem; height: 1.75rem;
  color: var(--soft); background: var(--panel); border: 1px solid var(--line);
  border-radius: .35rem; cursor: pointer; }
.zoom button:hover, .zoom button:focus-visible { color: var(--ink); border-color: var(--soft); }
.stage { position: relative; height: min(28rem, 70vh); overflow: hidden; border-radius: .6rem;
  border: 1px solid var(--line); background: var(--stage); display: grid; place-items: center; }
.movie { margin: 1rem 0; max-width: 48rem; } .movie figcaption { max-width: 48rem; }
.controls { display: flex; gap: .7rem; align-items: center; margin: .4rem 0; }
.controls input { flex: 1; min-width: 4rem; accent-color: var(--good); }
.controls output { min-width: 5rem; text-align: right; font-variant-numeric: tabular-nums; }
.controls button, .stage button { font: inherit; color: var(--ink); background: var(--panel);
  border: 1px solid var(--line); border-radius: .35rem; padding: .15rem .7rem; cursor: pointer; }
figcaption { margin-top: .2rem; max-width: 34rem; }
.file { font-size: .8rem; }
.table { overflow-x: auto; margin: .8rem 0 1.2rem; }
table { border-collapse: collapse; font-size: .93rem; min-width: 60%; }
th, td { text-align: left; padding: .35rem .9rem .35rem .2rem; vertical-align: baseline;
  border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; }
thead th { color: var(--soft); font-weight: 600; border-bottom-width: 2px; }
tbody th { font-weight: 600; white-space: nowrap; }
tr.strong > * { background: var(--mark); }
dl.warnings dt { font-weight: 650; color: var(--care); }
dl.warnings dd { margin: 0 0 .7rem; max-width: 52rem; }
dl.terms dt { font-weight: 650; } dl.terms dd { margin: 0 0 .6rem; max-width: 52rem; }
pre, .paste { background: var(--panel); border: 1px solid var(--line); border-radius: .5rem;
  padding: .8rem 1rem; font-size: .86rem; max-width: 60rem; }
pre { overflow-x: auto; font-family: ui-monospace, "SFMono-Regular", Menlo, monospace; }
code { font-family: ui-monospace, "SFMono-Regular", Menlo, monospace; font-size: .92em;
  overflow-wrap: anywhere; }
footer { color: var(--soft); font-size: .86rem; padding-bottom: 3rem; margin-top: 3rem; }
@media (max-width: 40rem) { header { padding-top: 1.2rem; } h1 { font-size: 1.5rem; }
  .small.plots { grid-template-columns: 1fr; } table { min-width: 100%; }
  tbody th { white-space: normal; min-width: 5.5rem; } tbody td { min-width: 6rem; }
  td .q { white-space: normal; } }
@media print { :root { color-scheme: light; --page: #fff; --panel: #fff; --line: #bbb;
  --soft: #444; --link: #000; --good: #00704f; --care: #9a4a00; --mark: #f3f3f3; }
  body { font-size: 10.5pt; } nav, .file, .zoom, .movie { display: none; }
  h2 { break-after: avoid; }
  header, main, footer { max-width: none; padding: 0; }
  .plots { grid-template-columns: 1fr 1fr; } .small.plots { grid-template-columns: 1fr 1fr 1fr; }
  .table { overflow: visible; } pre { white-space: pre-wrap; } tr { break-inside: avoid; } }
"""


def style_sheet() -> str:
    """Return the CSS: the rules, and the plots' colours for light, dark and paper."""
    light = " ".join(f"--{name}: {pair[0]};" for name, pair in PALETTE.items())
    dark = " ".join(f"--{name}: {pair[1]};" for name, pair in PALETTE.items())
    return (
        f":root {{ {light} }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"
        + _RULES.strip()
        + "\n"
    )
