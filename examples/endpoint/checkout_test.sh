#!/bin/sh
# Orders twice, once with a confirmation by the bank, and checks what the client gets.
#   checkout_test.sh <program>
set -eu

base="http://127.0.0.1:${PORT:-3491}"
PORT="${PORT:-3491}" "$1" &
trap 'curl -s -m 5 "$base/stop" >/dev/null || true; wait' EXIT

order() { curl -s -L -m 60 "$base/checkout" -d "$1"; }
expect() {
  if [ "$1" != "$2" ]; then
    echo "expected $2, got $1" >&2
    exit 1
  fi
}

tries=0
until curl -s -m 5 "$base/checkout" -d '{"id":"warm-up","cents":1}' >/dev/null; do
  tries=$((tries + 1))
  [ "$tries" -lt 300 ]
  sleep 0.1
done

expect "$(order '{"id":"o-1","cents":4200}')" '{"order":"o-1","payment":"payment of 4200 cents"}'
expect "$(order '{"id":"o-1","cents":0}')" '{"message":"an order costs something"}'
(sleep 1; curl -s -m 5 "$base/bank/o-2" >/dev/null) &
expect "$(order '{"id":"o-2","cents":990000}')" '{"order":"o-2","payment":"payment of 990000 cents, confirmed"}'
echo "the checkout works"
