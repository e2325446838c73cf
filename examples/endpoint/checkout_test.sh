#!/usr/bin/env bash
# Orders twice, once with a confirmation by the bank, and checks what the client gets.
#   checkout_test.sh <program>
set -euo pipefail

said=$(mktemp)
PORT=0 "$1" > "$said" &
program=$!
base=
trap 'curl -s -m 60 "$base/stop" > /dev/null || kill "$program" 2> /dev/null || true; wait; rm -f "$said"' EXIT

for _ in $(seq 600); do
  base=$(sed -n 's,^\(http://.*\)/checkout$,\1,p' "$said")
  [ -n "$base" ] && break
  kill -0 "$program" 2> /dev/null || { echo "it does not start" >&2; exit 1; }
  sleep 0.1
done
[ -n "$base" ] || { echo "it does not listen" >&2; exit 1; }

order() { curl -s -L -m 120 "$base/checkout" -d "$1"; }
expect() {
  if [ "$1" != "$2" ]; then
    echo "expected $2, got $1" >&2
    exit 1
  fi
}
confirm() {  # when the order waits for it
  for _ in $(seq 600); do
    [ "$(curl -s -m 60 "$base/bank/$1")" = confirmed ] && return
    sleep 0.1
  done
}

expect "$(order '{"id":"o-1","cents":4200}')" '{"order":"o-1","payment":"payment of 4200 cents"}'
expect "$(order '{"id":"o-1","cents":0}')" '{"message":"an order costs something"}'
confirm o-2 &
expect "$(order '{"id":"o-2","cents":990000}')" '{"order":"o-2","payment":"payment of 990000 cents, confirmed"}'
echo "the checkout works"
