#!/usr/bin/env bash
# Builds every fuzz target with libFuzzer and lets each look for new inputs: run.sh [seconds [target...]].
# What it finds to be wrong is left in BUILD_DIR (build/fuzz), to be kept in corpus/ with the fix.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
seconds=${1:-20}
shift || true
build=${BUILD_DIR:-$root/build/fuzz}
cxx=${FUZZ_CXX:-clang++}
optimize=${FUZZ_OPTIMIZE:--O1}  # -O0 is built in half the time
mkdir -p "$build"

printf 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }' > "$build/try.cpp"
if ! "$cxx" -fsanitize=fuzzer "$build/try.cpp" -o "$build/try" 2> /dev/null; then
  echo "skipped: $cxx has no libFuzzer"
  exit 0
fi

targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
  for source in "$here"/*_fuzz.cpp; do targets+=("$(basename "$source" .cpp)"); done
fi
run() {
  local target=$1
  # shellcheck disable=SC2046 # flags are words
  "$cxx" -std=c++20 "$optimize" -g1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -I "$root/include" \
    "$here/$target.cpp" -o "$build/$target" $(pkg-config --libs simdjson openssl)
  mkdir -p "$build/corpus/$target"
  "$build/$target" -max_total_time="$seconds" -rss_limit_mb=4096 -timeout=25 -print_final_stats=1 \
    -artifact_prefix="$build/$target-" "$build/corpus/$target" "$here/corpus/$target" > "$build/$target.log" 2>&1 || {
    tail -40 "$build/$target.log"
    echo "$target: failed"
    return 1
  }
  echo "$target: $(grep -o 'number_of_executed_units: [0-9]*' "$build/$target.log" | grep -o '[0-9]*$') inputs"
}
export -f run
export here root seconds build cxx optimize
printf '%s\n' "${targets[@]}" | xargs -P "$(nproc)" -I{} bash -c 'run {}'
