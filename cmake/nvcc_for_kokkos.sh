#!/usr/bin/env bash
# Stands before Kokkos's kokkos_launch_compiler in the test bench: a source file that reads no header
# of Kokkos is compiled by the C++ compiler, which takes a tenth of nvcc's time.
# Called as: kokkos_launch_compiler NVCC_WRAPPER CXX COMMAND…
next=$(dirname "${BASH_SOURCE[0]}")/kokkos_launch_compiler.kokkos
if [ "${3-}" = "${2-}" ] && [[ " $* " == *" -c "* ]]; then
  plain=() ask=() skip=
  for argument in "${@:4}"; do
    case $argument in -extended-lambda | -Wext-lambda-captures-this | -arch=*) continue ;; esac
    plain+=("$argument")
    if [ -n "$skip" ]; then skip=; continue; fi
    case $argument in -MD | -MMD | -c) ;; -MT | -MF | -o) skip=1 ;; *) ask+=("$argument") ;; esac
  done
  # What the preprocessor has to say, the compiler says again.
  if seen=$("$3" "${ask[@]}" -M 2>/dev/null) && [[ $seen != *Kokkos_Macros.hpp* ]]; then
    exec "$3" "${plain[@]}"
  fi
fi
exec "$next" "$@"
