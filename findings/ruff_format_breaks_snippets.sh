#!/usr/bin/env bash
# ruff 0.17.6 formats Python fences in Markdown, and so breaks one-line includes of pymdownx.snippets.
#
# MkDocs pages include a file in a fence by the line `--8<-- "file.py"` (pymdown-extensions, snippets).
# This line is a valid Python expression: minus minus 8, less than, minus minus a string. `ruff format`
# formats Python fences in Markdown files, and changes the line into
# `--8 < --"file.py"`. The extension does not recognise this. The page then shows the line itself instead of
# the file, and the build of the site does not fail, not even with check_paths and mkdocs --strict: the
# extension finds no include in it. The form with several lines is not valid Python, and ruff does not change it.
#
# Seen with ruff 0.17.6, pymdown-extensions 13.1.2, Markdown 3.11.3: before formatting the page has the
# text of the file, after it the changed line; the form with several lines still includes the file.
set -euo pipefail
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/python" -m pip install --quiet ruff==0.17.6 pymdown-extensions==13.1.2 Markdown==3.11.3
cd "$place"
printf 'print("water")\n' > example.py
printf '# A page\n\n```python\n--8<-- "example.py"\n```\n' > line.md
printf '# A page\n\n```python\n--8<--\nexample.py\n--8<--\n```\n' > lines.md
cat > render.py <<'PY'
import sys
from pathlib import Path

import markdown

extensions = ["pymdownx.superfences", "pymdownx.snippets"]
options = {"pymdownx.snippets": {"base_path": ["."], "check_paths": True}}
for name in ("line.md", "lines.md"):
    page = markdown.markdown(
        Path(name).read_text(), extensions=extensions, extension_configs=options
    )
    print(sys.argv[1], name, "has the file:", "water" in page)
PY
found=$(
  env/bin/python render.py before
  env/bin/ruff format --quiet .
  env/bin/python render.py after
  grep 8 line.md
)
echo "$found"
expected='before line.md has the file: True
before lines.md has the file: True
after line.md has the file: False
after lines.md has the file: True
--8 < --"example.py"'
[ "$found" = "$expected" ] || { echo "ruff or pymdown-extensions behave otherwise now" >&2; exit 1; }
