#!/usr/bin/env bash
# stop_test.sh <daemon> <directory>: SIGTERM ends the daemon in order, and the next one with the directory has its runs.
set -euo pipefail
daemon=$1
export STATE_DIRECTORY=$2 PORT=0
rm -rf "$STATE_DIRECTORY"
mkdir -p "$STATE_DIRECTORY"
process=
trap '[ -z "$process" ] || kill -KILL "$process" 2> /dev/null || true' EXIT  # ctest would wait for it

start() {  # <file for its output>
  out=$STATE_DIRECTORY/$1
  "$daemon" > "$out" &
  process=$!
  for _ in $(seq 600); do
    grep -q 'housekeeper: http' "$out" && return
    kill -0 "$process" || { echo "it does not start" >&2; exit 1; }
    sleep 0.1
  done
  echo "it does not listen" >&2
  exit 1
}
stop() {
  kill -TERM "$process"
  wait "$process"
  process=
  grep -q 'housekeeper: stopped, no call is running' "$out"
}
# Both processes: on a slow machine the first one may do what the second one has to do.
swept() { cat "$STATE_DIRECTORY"/out.* | grep -c 'sweeping metre 9 of the kitchen' || true; }

start out.1
url=$(sed -n 's/^housekeeper: //p' "$out")
curl -sSf -d '{"name":"house/room.used","data":{"room":"kitchen"}}' "$url/e/local" > /dev/null
stop  # within the debounce's second: the run has not started
start out.2
for _ in $(seq 600); do
  [ "$(swept)" -gt 0 ] && break
  sleep 0.1
done
stop
[ "$(swept)" -eq 1 ] || { echo "the kitchen was swept $(swept) times" >&2; exit 1; }
echo "the daemon stops in order, and continues"
