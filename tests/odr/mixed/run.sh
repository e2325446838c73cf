#!/usr/bin/env bash
# Files of one program that see different libraries do not link: run.sh <include directory> <compiler> <flags>...
# Different are the flavours, the versions, and with headers alone the parsers that simdjson has for a processor.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
include=$1
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

links() {  # <flags of one file> <flags of the other>
  local of_taker of_giver
  read -ra of_taker <<< "$1"
  read -ra of_giver <<< "$2"
  "${compiler[@]}" "${of_taker[@]}" "-I$include" -c "$here/taker.cpp" -o "$work/taker.o"
  "${compiler[@]}" "${of_giver[@]}" "-I$include" -c "$here/giver.cpp" -o "$work/giver.o"
  "${compiler[@]}" "$work/taker.o" "$work/giver.o" -o "$work/program" 2> "$work/problem"
}

must_differ() {  # <what> <flags> <flags>
  if links "$2" "$3"; then
    echo "run.sh: files with different $1 were linked" >&2
    exit 1
  fi
  grep -q 'take' "$work/problem"
  echo "different $1 do not link"
}

compiler=("$@" -std=c++20)
for flags in "" -DINNGEST_COMPILED; do
  links "$flags" "$flags" || { cat "$work/problem" >&2; exit 1; }
done
must_differ flavours "" -DINNGEST_COMPILED
if [ "$(uname -m)" = x86_64 ]; then must_differ "simdjson parsers" "" -march=haswell; fi
mkdir -p "$work/older/inngest"
cp "$include"/inngest/{config,fwd}.hpp "$work/older/inngest"
sed 's/\(INNGEST_VERSION_PATCH\) .*/\1 999/' "$include/inngest/version.hpp" > "$work/older/inngest/version.hpp"
must_differ versions "" "-I$work/older"
