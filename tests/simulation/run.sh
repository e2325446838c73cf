#!/usr/bin/env bash
# Builds the simulation and lets it run: run.sh [--sanitize] [--minutes N] [--seed S] [...], as simulate.cpp
# says. With --sanitize it is built with AddressSanitizer and UBSan, which is about seven times slower.
#
#   SIMULATION          a program that is built already
#   SIMULATION_SECONDS  how long, if no argument says it (30)
#   BUILD_DIR           where to build (build/simulation)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=${BUILD_DIR:-$root/build/simulation}
cxx=${CXX:-c++}
flags=(-O2)
program=$build/simulate
if [ "${1:-}" = --sanitize ]; then
  shift
  flags=(-O1 -fsanitize=address,undefined -fno-sanitize-recover=all)
  program=$build/simulate_sanitized
fi
if [ -n "${SIMULATION:-}" ]; then
  program=$SIMULATION
else
  mkdir -p "$build"
  packages=(simdjson openssl sqlite3)
  if pkg-config --exists cpp-httplib; then packages+=(cpp-httplib); fi
  echo "building $program"
  # shellcheck disable=SC2046 # flags are words
  "$cxx" -std=c++20 -g1 "${flags[@]}" -I "$root/include" -I "$root/tests" "$here/simulate.cpp" -o "$program" \
    $(pkg-config --cflags --libs "${packages[@]}") -lpthread
fi
"$program" --seeds "$here/seeds.txt" --seconds "${SIMULATION_SECONDS:-30}" "$@"
