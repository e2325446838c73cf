#!/usr/bin/env bash
# continue_test.sh <qt_desktop> <directory>: the import continues after its window was closed, and after kill -9.
set -euo pipefail
program=$1
directory=$2
export XDG_DATA_HOME=$directory/data QT_QPA_PLATFORM=offscreen QT_FORCE_STDERR_LOGGING=1
rm -rf "$directory"
mkdir -p "$XDG_DATA_HOME"

shown() { sed -n 's/^the bar shows //p' "$directory/$1"; }
imported() { (cd "$directory" && sed -n 's/^imported //p' "$@" | sort); }
fail() {
  echo "$1" >&2
  tail -n 100 "$directory"/*.log >&2
  exit 1
}

timeout 60 "$program" --stop-after 5 2> "$directory/closed.log" || fail "it does not end when its window is closed"
[ "$(shown closed.log | tail -n 1)" -eq 5 ] || fail "the window was not closed after five photos"

"$program" 2> "$directory/killed.log" &
process=$!
for _ in $(seq 3000); do
  grep -q 'the bar shows 8' "$directory/killed.log" && break
  sleep 0.02
done
kill -KILL "$process" || fail "it ends by itself"
wait "$process" 2> /dev/null || true
[ "$(shown killed.log | head -n 1)" -ge 5 ] || fail "the second process does not continue"

timeout 60 "$program" --stop-after 100 2> "$directory/done.log" || fail "it does not end when the import has ended"
[ "$(shown done.log | head -n 1)" -ge 8 ] || fail "the third process does not continue"
[ "$(shown done.log | tail -n 1)" -eq 20 ] || fail "the bar is not full"

[ -z "$(imported closed.log killed.log | uniq -d)" ] || fail "a photo was repeated after the window was closed"
[ "$(imported closed.log killed.log done.log | uniq -d | wc -l)" -le 1 ] || fail "a finished photo was repeated"
[ "$(imported closed.log killed.log done.log | uniq | wc -l)" -eq 20 ] || fail "photos are missing"
echo "the import continues"
