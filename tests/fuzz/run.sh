#!/usr/bin/env bash
# Lets every fuzz target look for new inputs: run.sh [seconds [target...]]. Each target runs for so many seconds
# (FUZZ_SECONDS or 20), as many at once as there are processors. An input that fails is left in BUILD_DIR as <target>-crash-...;
# keep it in corpus/ with the fix.
#
#   FUZZ           a program that is built already, with libFuzzer
#   FUZZ_CXX       the compiler, if there is no such program (clang++)
#   FUZZ_OPTIMIZE  how it optimizes (-O1; -O0 compiles in less than half the time and finds less)
#   BUILD_DIR      where to build, and where logs and new inputs go (build/fuzz)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
seconds=${1:-${FUZZ_SECONDS:-20}}
shift || true
build=${BUILD_DIR:-$root/build/fuzz}
cxx=${FUZZ_CXX:-clang++}
optimize=${FUZZ_OPTIMIZE:--O1}
mkdir -p "$build"
packages="simdjson openssl"
if pkg-config --exists cpp-httplib; then packages+=" cpp-httplib"; fi

compile() {
  # shellcheck disable=SC2046,SC2086 # flags are words
  "$cxx" -std=c++20 "$optimize" -g1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -I "$root/include" \
    $(pkg-config --cflags $packages) -c "$1" -o "$build/$(basename "$1" .cpp).o"
}
run() {
  local target=$1
  mkdir -p "$build/corpus/$target"
  "$program" --target="$target" -max_total_time="$seconds" -rss_limit_mb=4096 -timeout=25 -print_final_stats=1 \
    -artifact_prefix="$build/$target-" "$build/corpus/$target" "$here/corpus/$target" > "$build/$target.log" 2>&1 || {
    tail -40 "$build/$target.log"
    echo "$target: failed"
    return 1
  }
  echo "$target: $(grep -o 'number_of_executed_units: [0-9]*' "$build/$target.log" | grep -o '[0-9]*$') inputs"
}
in_parallel() { xargs -P "$(nproc)" -I{} bash -euo pipefail -c '"$@"' - "$1" {}; }
export -f compile run
export here root seconds build cxx optimize packages

program=${FUZZ:-$build/inngest_fuzz}
if [ -z "${FUZZ:-}" ]; then
  printf 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }' > "$build/try.cpp"
  if ! "$cxx" -fsanitize=fuzzer "$build/try.cpp" -o "$build/try" 2> /dev/null; then
    echo "skipped: $cxx has no libFuzzer"
    exit 0
  fi
  echo "building $program"
  sources=("$here/fuzz_main.cpp" "$here"/*_fuzz.cpp)
  printf '%s\n' "${sources[@]}" | in_parallel compile
  objects=()
  for source in "${sources[@]}"; do objects+=("$build/$(basename "$source" .cpp).o"); done
  # shellcheck disable=SC2046,SC2086 # flags are words
  "$cxx" -fsanitize=fuzzer,address,undefined "${objects[@]}" -o "$program" $(pkg-config --libs $packages) -lpthread
fi
export program

targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  for source in "$here"/*_fuzz.cpp; do targets+=("$(basename "$source" _fuzz.cpp)"); done
fi
printf '%s\n' "${targets[@]}" | in_parallel run
