#!/usr/bin/env bash
# What it costs to compile programs with the library, beside one that only uses nlohmann and cpp-httplib. CPU seconds
# are the least of ROUNDS (3), and the ratio is to that program:
#
#   benchmarks/compile_cost.sh              prints the table
#   benchmarks/compile_cost.sh --check      fails if a ratio is above its limit
#
# CXX and CXXFLAGS are taken from the environment.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cxx=${CXX:-g++}
rounds=${ROUNDS:-3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
read -ra packages <<< "$(pkg-config --cflags cpp-httplib)"

# <program> <its limit as a ratio, with headers alone> <and compiled> <flags>
programs="
one_function 2.3 1.1 -O2
app          -   2.1 -O0_-g
app_test     -   2.5 -O0_-g
"

failed=0
measure() {  # <program> <flags>...: sets seconds and megabytes
  local program=$1
  shift
  for _ in $(seq "$rounds"); do
    /usr/bin/time -f '%U %S %M' -o "$work/time" "$cxx" -std=c++20 "$@" -I"$root/include" "${packages[@]}" \
      -c "$root/benchmarks/compile_cost/$program.cpp" -o "$work/program.o"
    cat "$work/time"
  done | awk '{print $1 + $2, $3 / 1024}' | sort -n | head -1 > "$work/best"
  read -r seconds megabytes < "$work/best"
}

show() {  # <program> <flavour> <flags> <seconds of the packages> <limit>
  local ratio
  ratio=$(awk "BEGIN {printf \"%.2f\", $seconds / $4}")
  printf '%-14s %-9s %-7s %8.1f %6.0f %6s %6s\n' "$1" "$2" "$3" "$seconds" "$megabytes" "$ratio" "$5"
  if [ "$5" != - ] && awk "BEGIN {exit !($ratio > $5)}"; then failed=1; fi
}

"$cxx" --version | head -1
printf '%-14s %-9s %-7s %8s %6s %6s %6s\n' program flavour flags seconds MB ratio limit
while read -r program of_headers of_compiled flags; do
  [ -n "$program" ] || continue
  read -ra words <<< "${flags//_/ } ${CXXFLAGS:-}"
  measure packages "${words[@]}"
  packages_seconds=$seconds
  show packages - "${flags//_/ }" "$packages_seconds" -
  measure "$program" "${words[@]}"
  show "$program" headers "${flags//_/ }" "$packages_seconds" "$of_headers"
  measure "$program" -DINNGEST_COMPILED "${words[@]}"
  show "$program" compiled "${flags//_/ }" "$packages_seconds" "$of_compiled"
done <<< "$programs"

if [ "${1:-}" = --check ] && [ "$failed" -ne 0 ]; then
  echo "compile_cost.sh: a ratio is above its limit" >&2
  exit 1
fi
