#!/usr/bin/env bash
# stop_test.sh <daemon> <directory>: SIGTERM ends the daemon in order, and the next one with the directory has its runs.
set -euo pipefail
daemon=$1
export STATE_DIRECTORY=$2
rm -rf "$STATE_DIRECTORY"
mkdir -p "$STATE_DIRECTORY"

start() {
  "$daemon" > "$STATE_DIRECTORY/out" &
  process=$!
  for _ in $(seq 600); do
    grep -q 'housekeeper: http' "$STATE_DIRECTORY/out" && return
    kill -0 "$process" || { echo "it does not start" >&2; exit 1; }
    sleep 0.1
  done
  echo "it does not listen" >&2
  exit 1
}
stop() {
  kill -TERM "$process"
  wait "$process"
  grep -q 'housekeeper: stopped, no call is running' "$STATE_DIRECTORY/out"
}

start
url=$(sed -n 's/^housekeeper: //p' "$STATE_DIRECTORY/out")
curl -sSf -d '{"name":"house/room.used","data":{"room":"kitchen"}}' "$url/e/local" > /dev/null
stop  # within the debounce's second: the run has not started
start
for _ in $(seq 600); do
  grep -q 'sweeping metre 9 of the kitchen' "$STATE_DIRECTORY/out" && break
  sleep 0.1
done
grep -q 'sweeping metre 9 of the kitchen' "$STATE_DIRECTORY/out"
stop
echo "the daemon stops in order, and continues"
