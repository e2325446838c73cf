#!/usr/bin/env bash
# The studio is killed in the middle, and another process finishes its runs: crash_test.sh <studio_server> <folder>
set -u
rm -rf "$2"

"$1" --data "$2" --crash-after 9 > /dev/null
status=$?
[ "$status" -eq 137 ] || { echo "the first process was not killed: $status"; exit 1; }

finished=$("$1" --data "$2") || { echo "$finished"; exit 1; }
echo "$finished"
grep -q "^[1-9].* runs were under way" <<< "$finished" || { echo "the second process found nothing to do"; exit 1; }
grep -q "index-and-store .* attempt 2" <<< "$finished" || { echo "the first process's attempt is forgotten"; exit 1; }
