#!/usr/bin/env bash
# Measures an outbox in SQLite and, where its server is installed, in PostgreSQL. Prints the table of
# docs/performance.md: the medians of REPEATS rounds (3). WORK is a folder on the disk that counts, SIZE a factor
# for the number of transactions.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tools/packages.sh
source tools/packages.sh
build=${BUILD_DIR:-build/benchmarks}
work=${WORK:-$(mktemp -d)}
size=${SIZE:-1}
repeats=${REPEATS:-3}

need_build_tools
need libpq-dev pkg-config --exists libpq
install_needed

mkdir -p "$build" "$work"
# shellcheck disable=SC2046,SC2086 # flags are words
"${CXX:-c++}" -std=c++20 -O2 -DNDEBUG ${CXXFLAGS:-} -Iinclude $(pkg-config --cflags cpp-httplib libpq) \
  benchmarks/outbox_benchmark.cpp -o "$build/outbox_benchmark" \
  $(pkg-config --libs cpp-httplib simdjson openssl sqlite3 libpq) -pthread

# The server refuses to run as root.
as_user=()
if [ "$(id -u)" -eq 0 ]; then
  as_user=(setpriv --reuid=postgres --regid=postgres --clear-groups)
fi
server=""
stop() {
  [ -z "$server" ] || "${as_user[@]}" "$bin/pg_ctl" -D "$server/data" -m immediate stop > /dev/null
  rm -rf "$server"
}
trap stop EXIT
bin=$(dirname "$(compgen -G '/usr/lib/postgresql/*/bin/postgres' | sort -V | tail -n 1 || command -v postgres || true)")
databases=("SQLite sqlite:$work/bench.db")
if [ -x "$bin/initdb" ]; then
  server=$(mktemp -d "$work/postgresql-XXXXXX")
  [ ${#as_user[@]} -eq 0 ] || { chown postgres: "$server"; chmod 755 "$work"; }
  (
    cd "$server"
    "${as_user[@]}" "$bin/initdb" -A trust -U test -E UTF8 --no-locale -D "$server/data" > /dev/null
    "${as_user[@]}" "$bin/pg_ctl" -w -D "$server/data" -o "-k $server -c listen_addresses=" -l "$server/log" start > /dev/null
  )
  databases+=("PostgreSQL postgresql:host=$server user=test dbname=postgres options=-cclient_min_messages=warning")
else
  echo "without PostgreSQL's server, only SQLite is measured" >&2
fi

measure() { "$build/outbox_benchmark" "$@"; }
rate() { measure "$@" | awk '$1 == "per_second" { print $2 }'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }
median() { sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'; }
column() { cut -d' ' -f"$1" <<< "$rounds" | median; }

echo "| | rows/s | rows with an event/s | cost of the event | relay, events/s | relay : one writer | commit to function: median, 99 % |"
echo "|---|---|---|---|---|---|---|"
for each in "${databases[@]}"; do
  name=${each%% *} database=${each#* }
  rm -f "$work"/bench.db*
  for writers in 1 8; do
    # The ratio is of two measurements that follow each other: other work on the machine changes both.
    rounds=$(for ((round = 0; round < repeats; ++round)); do
      rows=$(rate "$database" rows "$writers" $((1000 * size)))
      events=$(rate "$database" events "$writers" $((1000 * size)))
      relay=0 times="0 0"
      if [ "$writers" = 1 ]; then
        relay=$(rate "$database" relay 1 $((50000 * size)))
        times=$(measure "$database" latency 1 200 | awk '{ print $2 }' | paste -sd' ')
      fi
      echo "$rows $events $(ratio "$rows" "$events") $relay $(ratio "$relay" "$events") $times"
    done)
    line="| $name, $writers writers | $(column 1) | $(column 2) | $(column 3) |"
    if [ "$writers" = 1 ]; then
      line="$line $(column 4) | $(column 5) | $(column 6) ms, $(column 7) ms |"
    else
      line="$line | | |"
    fi
    echo "$line"
  done
done
