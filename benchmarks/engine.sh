#!/usr/bin/env bash
# Measures the embedded engine, and beside it an Inngest dev server where there is one: INNGEST_CLI, or
# inngest-cli or inngest on the PATH. Prints the tables of docs/performance.md. WORK is a folder on the disk that
# counts, SIZE a factor for the number of runs.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tools/packages.sh
source tools/packages.sh
build=${BUILD_DIR:-build/benchmarks}
work=${WORK:-$build/engine}
size=${SIZE:-1}

need_build_tools
need curl command -v curl
install_needed

mkdir -p "$build" "$work"
# shellcheck disable=SC2046,SC2086 # flags are words
"${CXX:-c++}" -std=c++20 -O2 -DNDEBUG ${CXXFLAGS:-} -Iinclude $(pkg-config --cflags cpp-httplib) \
  benchmarks/engine_benchmark.cpp -o "$build/engine_benchmark" \
  $(pkg-config --libs cpp-httplib simdjson openssl sqlite3) -pthread

measure() { "$build/engine_benchmark" "$@"; }
value() { awk -v name="$1" '$1 == name { print $2 }' "$work/out"; }
fresh_file() {
  rm -f "$work"/bench.db*
  echo "$work/bench.db"
}

echo "| store | workers | runs/s | steps/s |"
echo "|---|---|---|---|"
for workers in 1 2 8; do
  measure runs memory "$workers" $((20000 * size)) > "$work/out"
  echo "| memory | $workers | $(value runs_per_second) | $(value steps_per_second) |"
done
for workers in 1 2 8 32; do
  measure runs "$(fresh_file)" "$workers" $((5000 * size)) > "$work/out"
  echo "| SQLite | $workers | $(value runs_per_second) | $(value steps_per_second) |"
done

echo
echo "| | memory | SQLite |"
echo "|---|---|---|"
measure latency memory 2000 > "$work/out"
memory="$(value median_us) µs, $(value p99_us) µs"
measure latency "$(fresh_file)" 1000 > "$work/out"
echo "| send to end of a run of three steps: median, 99 % | $memory | $(value median_us) µs, $(value p99_us) µs |"
measure loop memory 10000 > "$work/out"
memory=$(value ms)
measure loop "$(fresh_file)" 10000 > "$work/out"
echo "| one run of 10,000 steps | $memory ms | $(value ms) ms |"
measure sleep memory $((100000 * size)) > "$work/out"
memory=$(value bytes_each)
file=$(fresh_file)
measure sleep "$file" $((100000 * size)) > "$work/out"
echo "| a sleeping run, with its data | $memory bytes | $(value bytes_each) bytes |"
measure wake "$file" > "$work/out"
echo "| a process that finds $(value runs) sleeping runs: ready | | $(value ready_ms) ms |"
echo "| all of them have ended | | $(value all_ended_ms) ms |"
fresh_file > /dev/null

# The same runs by a server, over HTTP.
served_by() { # <name> <port> <number>
  for _ in $(seq 100); do
    curl -sf "http://127.0.0.1:$2/health" > /dev/null && break
    sleep 0.1
  done
  measure served "http://127.0.0.1:$2" 8298 "$3" > "$work/out" 2> /dev/null
  echo "| $1 | $(value runs_per_second) | $(value steps_per_second) |"
}

echo
echo "| as a server, over HTTP | runs/s | steps/s |"
echo "|---|---|---|"
coproc engine { measure serve "$(fresh_file)" 8297; }
served_by "the engine, SQLite" 8297 2000
ours=$(value runs_per_second)
exec {engine[1]}>&-
wait "$engine_PID"
fresh_file > /dev/null

cli=${INNGEST_CLI:-$(command -v inngest-cli || command -v inngest || true)}
if [ -z "$cli" ]; then
  echo
  echo "There is no Inngest dev server to compare with: INNGEST_CLI is not set, and none is on the PATH."
  exit 0
fi
"$cli" dev --no-discovery --no-poll --host 127.0.0.1 --port 8296 > "$work/server.log" 2>&1 &
server=$!
trap 'kill $server' EXIT
served_by "$("$cli" version | head -n 1)" 8296 500
echo
awk -v ours="$ours" -v theirs="$(value runs_per_second)" \
  'BEGIN { printf "The engine did %.1f times as many runs a second as the dev server.\n", ours / theirs }'
