#!/usr/bin/env bash
# Builds the LAMMPS that pykoh's tests run in, once, and prints its path:
#
#   cmake/testbench.sh cpu-mpi          plain ML-IAP, what `make test-lammps` uses
#   cmake/testbench.sh kokkos-openmp    mliap/kk on a CPU: the way to the GPU path without a GPU
#   cmake/testbench.sh hopper90         the build for H100 and H200, with nvcc and without a GPU
#
# The source is LAMMPS_SOURCE_DIR, or the pinned release from GitHub, or the pinned source package of
# Debian (from the server that this machine's apt uses). Debian's source brings no Kokkos: for
# kokkos-openmp Debian's Kokkos is taken, with its C library where this machine's is older.
# For hopper90 Kokkos's source is that within the package symmetrix-xl of PyPI; hours of computing go
# on where they were stopped, and where there is no libcuda a library of its name is linked.
# What is built is kept in PYKOH_CACHE (~/.cache/pykoh), for this source, Python, numpy and MPI.
#
# Environment: PYTHON (of the virtual environment to install into), LAMMPS_SOURCE_DIR, PYKOH_CACHE,
# JOBS. Needs a C++ compiler, CMake, and in PYTHON's environment numpy, Cython and mpich (or an MPI
# compiler on PATH). Says in one line what is missing and ends with status 1, or with 3 where the
# source can't be fetched: nothing is wrong with pykoh or LAMMPS then.
set -euo pipefail
preset=${1:-cpu-mpi}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
python=${PYTHON:-python3}
cache=${PYKOH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pykoh}
debian_source=lammps_20260704+dfsg.orig.tar.gz
fetch_log=$cache/fetch.log
debian_sha256=cddbc45a047416bd48a4a0b87f24a5b61b3446982b74d18cafe619c22b17eb62

say() { echo "lammps test bench: $*" >&2; }
fail() { say "$*"; exit 1; }
case $preset in
  cpu-mpi) prefix_name=pykoh-lammps-tests ;; # not where CMakeLists.txt puts the lmp of a user
  kokkos-openmp) prefix_name=pykoh-lammps-kokkos ;;
  hopper90) prefix_name=pykoh-lammps-hopper90 ;;
  *) fail "unknown preset $preset; use cpu-mpi, kokkos-openmp or hopper90" ;;
esac

# The build leaves this folder: a relative path would lead nowhere.
case $python in */*) python=$(cd "$(dirname "$python")" && pwd)/$(basename "$python") ;; esac

[ "$preset" != hopper90 ] || command -v nvcc >/dev/null || fail "no nvcc on PATH; install the CUDA toolkit"
for tool in cmake c++; do
  command -v $tool >/dev/null || fail "no $tool on PATH; install CMake and a C++ compiler"
done
identity=$("$python" -c 'import sys, sysconfig, numpy, Cython
print(sys.version, sysconfig.get_config_var("SOABI"), numpy.__version__, Cython.__version__)' 2>/dev/null) ||
  fail "$python has no numpy and Cython; $python -m pip install numpy cython mpich mpi4py"
venv=$("$python" -c 'import sys; print(sys.prefix)')
mpicxx=$venv/bin/mpicxx
[ -x "$mpicxx" ] || mpicxx=$(command -v mpicxx) || fail "no mpicxx; $python -m pip install mpich mpi4py"
# Without the environment's folder: another clone's may use the same build.
identity+=$("$mpicxx" -show | sed "s#$venv#VENV#g"; c++ --version | head -1)

# sha256 of what is built from; LAMMPS_SOURCE_DIR counts as what its version file says.
if [ -n "${LAMMPS_SOURCE_DIR-}" ]; then
  [ -f "$LAMMPS_SOURCE_DIR/src/version.h" ] || fail "$LAMMPS_SOURCE_DIR: is no unpacked LAMMPS"
  identity+=$(cat "$LAMMPS_SOURCE_DIR/src/version.h")$LAMMPS_SOURCE_DIR
fi
key=$(cat "$here"/CMakeLists.txt "$here"/CMakePresets.json "$here"/nvcc_for_kokkos.sh "$here"/precompiled.cmake "${BASH_SOURCE[0]}" - <<<"$identity" |
  sha256sum | cut -c1-16)
built=$cache/$preset-$key
prefix=$venv/opt/$prefix_name

install_it() { # everything but the compiling: the wrapper names this virtual environment
  cmake -DBINARY="$built" -DSOURCE="$built" -DPREFIX="$prefix" -DPython_EXECUTABLE="$python" \
    -DC_LIBRARY="$([ -d "$built/libc" ] && echo "$built/libc")" -P "$here/install.cmake" >&2
  cp -a "$built"/libkokkos*.so* "$prefix/lib/" 2>/dev/null || true
  if [ -d "$built/stub" ]; then cp -a "$built/stub" "$prefix/"; fi
  if [ "$preset" != hopper90 ] && ! "$prefix/bin/lmp" -help >"$cache/$preset.start.log" 2>&1; then
    fail "$prefix/bin/lmp does not start ($(tail -1 "$cache/$preset.start.log"))"
  fi
  echo "$prefix/bin/lmp"
}
if [ -e "$built/done" ]; then install_it; exit; fi

mkdir -p "$cache"
: >"$fetch_log"
if [ "$preset" = hopper90 ]; then
  work=$cache/build.$preset-$key
  mkdir -p "$work"
else
  work=$(mktemp -d "$cache/build.XXXXXX")
  trap 'rm -rf "$work"' EXIT
fi

apt_sid() { # apt with the lists of Debian's unstable release alone, beside the machine's own
  apt-get -q -o Dir::Etc::SourceList="$work/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o Dir::State::Lists="$work/apt/lists" -o Dir::Cache="$work/apt" -o APT::Sandbox::User=root \
    -o Acquire::Check-Valid-Until=false -o Acquire::Languages=none "$@"
}
debian_ready() {
  [ -d "$work/apt" ] && return
  command -v apt-get >/dev/null || return 1
  local server keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  [ -f $keyring ] || return 1
  # Whose server has Debian's unstable release is found by asking: its signature tells.
  for server in $(apt-get indextargets --no-release-info --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' \
    'Created-By: Packages' 2>>"$fetch_log" | awk '$2 !~ /security/ && $3 == "main" && !seen[$1]++ {print $1}'); do
    mkdir -p "$work/apt/lists/partial" "$work/apt/archives/partial"
    printf 'deb%s [signed-by='$keyring'] '"$server"' sid main\n' "" -src >"$work/apt/sources.list"
    apt_sid -o APT::Update::Error-Mode=any update >>"$fetch_log" 2>&1 && return
    rm -rf "$work/apt"
  done
  return 1
}
pinned() { [ "$(sha256sum <"$1" | cut -d' ' -f1)" = "$2" ]; }

get_source() { # into $work/source; only what a build reads
  local url sha file
  mkdir -p "$work/source"
  url=$(sed -n 's/^ *"\(https:.*tar\.gz\)"$/\1/p' "$here/CMakeLists.txt")
  sha=$(sed -n 's/^set(LAMMPS_SHA256 "\(.*\)"$/\1/p' "$here/CMakeLists.txt")
  if curl -fsSL --connect-timeout 10 --max-time 900 -o "$work/lammps.tar.gz" "$url" 2>/dev/null &&
     pinned "$work/lammps.tar.gz" "$sha"; then
    tar xzf "$work/lammps.tar.gz" -C "$work/source" --strip-components=1
  elif debian_ready; then
    (cd "$work" && apt_sid source --download-only --tar-only lammps >>"$fetch_log" 2>&1) || return 1
    file=$(find "$work" -maxdepth 1 -name 'lammps_*.orig.tar.?z' | head -1)
    if [ "$(basename "$file")" = $debian_source ]; then
      pinned "$file" $debian_sha256 || { say "$debian_source has another checksum than it should"; return 1; }
      say "from Debian: $debian_source, SHA-256 as pinned"
    else
      say "Debian has gone on to $(basename "$file"): taking it, as Debian's signed list vouches for it"
    fi
    tar xf "$file" -C "$work/source" cmake src python third_party LICENSE
  else
    return 1
  fi
}

get_kokkos() { # Debian's, into $work/kokkos; and its C library into $work/libc if it wants a newer one
  debian_ready || return 1
  local deb dir="$work/kokkos/usr/lib" target name
  (cd "$work" && apt_sid download libkokkos-dev 'libkokkos[0-9]*' libc6 libstdc++6 libgcc-s1 libgomp1 \
    >>"$fetch_log" 2>&1) || return 1
  for deb in "$work"/libkokkos*.deb; do dpkg-deb -x "$deb" "$work/kokkos"; done
  # Its CMake files name header-only libraries that are not shipped, and /usr.
  dir=$(dirname "$(find "$work/kokkos" -name 'libkokkoscore.so' | head -1)")
  for target in "$dir"/cmake/Kokkos/KokkosTargets*.cmake; do
    sed -i 's#"/usr/include#"${_IMPORT_PREFIX}/include#' "$target"
    for name in $(grep -o 'libkokkos[a-z]*\.a' "$target" | sort -u); do
      [ -e "$dir/$name" ] || ar rcs "$dir/$name"
    done
  done
  # (grep -q would end before ldd has written all, and with pipefail that counts as a failure.)
  if ldd "$dir/libkokkoscore.so" 2>&1 | grep 'not found' >/dev/null; then
    say "this machine's C library is older than Kokkos wants: lmp will run on Debian's newer one"
    mkdir "$work/libc" "$work/runtime"
    for deb in libc6 libstdc++6 libgcc-s1 libgomp1; do
      dpkg-deb -x "$work/${deb}"_*.deb "$work/runtime"
    done
    find "$work/runtime" -path '*/usr/lib/*-linux-gnu/*.so*' ! -path '*/gconv/*' ! -path '*/audit/*' \
      -exec cp -a {} "$work/libc/" \;
  fi
}

get_cuda_kokkos() { # Kokkos's source into lib/kokkos of the LAMMPS source, where a release has it
  local sha=0e4d92ff4ac9cd0ba8c191deec35e3ebe9364e0265ff46044827920176d5503f
  local file=symmetrix_xl-0.1.1.tar.gz inside=symmetrix_xl-0.1.1/libsymmetrix/external/kokkos
  "$python" -m pip download -q --no-deps --no-binary symmetrix-xl -d "$work" symmetrix-xl==0.1.1 \
    >>"$fetch_log" 2>&1 && pinned "$work/$file" $sha || return 1
  mkdir -p "$1/lib/kokkos"
  tar xzf "$work/$file" -C "$1/lib/kokkos" --strip-components=4 $inside
}

cuda_stub() { # prints what CMake is to link for the driver, where neither it nor its stub is here
  local cuda call
  cuda=$(dirname "$(nvcc --dryrun -x cu - 2>&1 </dev/null | sed -n 's/^#\$ _HERE_=//p')")
  if ls "$cuda"/lib*/stubs/libcuda.so "$cuda"/targets/*/lib/stubs/libcuda.so >/dev/null 2>&1 ||
     ldconfig -p | grep 'libcuda\.so' >/dev/null; then return; fi
  mkdir -p "$work/stub"
  for call in cuInit cuCtxGetDevice cuCtxPushCurrent_v2 cuStreamGetCtx; do
    echo "int $call(void) { return 100; } /* CUDA_ERROR_NO_DEVICE */"
  done >"$work/stub/stub.c"
  c++ -x c -shared -fPIC -Wl,-soname,libcuda.so.1 -o "$work/stub/libcuda.so" "$work/stub/stub.c"
  ln -sf libcuda.so "$work/stub/libcuda.so.1"
  echo "$work/stub/libcuda.so"
}

keep_few_core_styles() { # The tests need few of the styles that each LAMMPS has; the rest takes a quarter of the time.
  local file
  for file in "$1"/{pair,fix,compute,bond,angle,dihedral,improper,region,dump}_* "$1"/ML-SNAP/compute_*; do
    case $(basename "${file%.*}") in
      *_deprecated | *_hybrid* | *_zero | dump_custom | dump_atom | dump_local | region_block | region_prism) ;;
      fix_n[vp][teh] | fix_nh | fix_deform | fix_external | fix_ave_time | fix_minimize | fix_store_* | fix_property_atom) ;;
      # Other files of LAMMPS use these.
      fix_read_restart | fix_respa | fix_group | fix_dummy | fix_pair | fix_*_history | region_union | region_intersect) ;;
      dump_image* | compute_temp | compute_temp_deform | compute_pressure | compute_pe | compute_ke | compute_reduce) ;;
      compute_chunk* | compute_fragment_atom | compute_[kp]e_atom | compute_property_atom | compute_*stress_atom) ;;
      *) rm -f "$file" ;;
    esac
  done
}

keep_few_styles() { # A build compiles each Kokkos style that has a plain one: half an hour for nothing.
  local file
  for file in "$1"/{pair,fix,compute,bond,angle,dihedral,improper,dump,region,atom_vec}_*; do
    case $(basename "${file%.*}") in
      pair_kokkos | pair_mliap_kokkos | pair_zero_kokkos | region_block_kokkos) ;;
      fix_n[vp][et]_kokkos | fix_nh_kokkos | fix_nh_sphere_kokkos | fix_minimize_kokkos) ;;
      fix_property_atom_kokkos | compute_temp_kokkos) ;;
      atom_vec_kokkos | atom_vec_atomic_kokkos | atom_vec_charge_kokkos) ;;
      *) rm -f "$file" ;;
    esac
  done
}

start=$SECONDS
source=${LAMMPS_SOURCE_DIR-}
if [ -z "$source" ] && [ -e "$work/source/ready" ]; then source=$work/source; fi
if [ -z "$source" ]; then
  say "fetching LAMMPS"
  get_source || { say "no LAMMPS source: neither the pinned release (GitHub) nor Debian's source" \
    "package can be fetched (see $fetch_log); set LAMMPS_SOURCE_DIR to an unpacked LAMMPS of July 2025 or later"; exit 3; }
  source=$work/source
fi
# The tests spend their time in the potential. -O1 compiles in half the time of LAMMPS's own -O3, and -O0
# in three quarters of that; Kokkos's templates need -O1.
optimization=-O1
extra=()
if [ "$preset" = cpu-mpi ]; then
  optimization=-O0
  if [ -z "${LAMMPS_SOURCE_DIR-}" ]; then keep_few_core_styles "$source/src"; fi
fi
options=(-DCMAKE_CXX_FLAGS_RELEASE=$optimization)
# The tests need no style of these packages; precompiled headers save a third of the rest.
[ "$preset" != cpu-mpi ] || extra=(-DPKG_EXTRA-FIX=OFF -DPKG_EXTRA-COMPUTE=OFF
  "-DCMAKE_PROJECT_lammps_INCLUDE=$here/precompiled.cmake")
if [ "$preset" = kokkos-openmp ]; then
  if [ -z "${LAMMPS_SOURCE_DIR-}" ]; then keep_few_styles "$source/src/KOKKOS"; fi
  if [ ! -d "$source/lib/kokkos" ]; then
    get_kokkos || fail "no Kokkos: this LAMMPS source brings none, and Debian's cannot be fetched"
    options+=(-DCMAKE_PREFIX_PATH="$work/kokkos/usr" -DCMAKE_EXE_LINKER_FLAGS=-Wl,--allow-shlib-undefined)
  fi
fi
if [ "$preset" = hopper90 ]; then
  if [ ! -e "$source/ready" ]; then
    if [ -z "${LAMMPS_SOURCE_DIR-}" ]; then keep_few_styles "$source/src/KOKKOS"; fi
    if [ ! -e "$source/lib/kokkos/CMakeLists.txt" ]; then
      get_cuda_kokkos "$source" || { say "Kokkos's source can't be fetched (see $fetch_log)"; exit 3; }
    fi
    if [ -z "${LAMMPS_SOURCE_DIR-}" ]; then
      [ -e "$source/lib/kokkos/bin/kokkos_launch_compiler.kokkos" ] ||
        mv "$source/lib/kokkos/bin/kokkos_launch_compiler"{,.kokkos}
      cp "$here/nvcc_for_kokkos.sh" "$source/lib/kokkos/bin/kokkos_launch_compiler"
      touch "$source/ready"
    fi
  fi
  stub=$(cuda_stub)
  if [ -n "$stub" ]; then
    say "no libcuda here: linking a library of its name"
    extra+=("-DCUDA_cuda_driver_LIBRARY=$stub")
  fi
fi
log=$cache/$preset.log
say "building $preset (minutes; log: $log)"
{
  cmake -S "$here" --preset "$preset" -B "$work/build" -DLAMMPS_SOURCE_DIR="$source" \
    -DPython_EXECUTABLE="$python" -DMPI_CXX_COMPILER="$mpicxx" \
    -DCMAKE_INSTALL_PREFIX="$work/installed" "-DPYKOH_EXTRA_LAMMPS_ARGS=$(IFS=';'; echo "${extra[*]-}")" \
    "${options[@]}" &&
    CMAKE_BUILD_PARALLEL_LEVEL=${JOBS:-$(nproc)} cmake --build "$work/build"
} >"$log" 2>&1 || fail "the build failed; see $log"
binary=$work/build/lammps-prefix/src/lammps-build
mkdir "$work/result" "$work/result/python"
cp -a "$binary"/lmp "$binary"/liblammps*.so* "$work/result/"
cp -a "$source/python/lammps" "$work/result/python/"
if [ -d "$work/kokkos" ]; then cp -a "$(dirname "$(find "$work/kokkos" -name libkokkoscore.so)")"/libkokkos*.so* "$work/result/"; fi
if [ -d "$work/stub" ]; then cp -a "$work/stub" "$work/result/"; fi
if [ -d "$work/libc" ]; then mv "$work/libc" "$work/result/"; fi
touch "$work/result/done"
rm -rf "$built"
mv "$work/result" "$built"
rm -rf "$work"
say "built in $((SECONDS - start)) s"
install_it
