#!/usr/bin/env bash
# Runs durable endpoints against an Inngest server: unsigned on a dev server, and signed on a self-hosted one.
#
#   endpoints.sh <endpoint app's executable>
#
# Needs curl and an `inngest` command line, from INNGEST_CLI or the PATH; without them it says so and succeeds. The
# ports are APP_PORT (3005) and SERVER_PORT (8298) with the three above it.
set -euo pipefail

cli=$(command -v "${INNGEST_CLI:-inngest}" || true)
if [[ -z $cli ]] || ! command -v curl >/dev/null; then
  echo "skipped: no curl, or no inngest command line (set INNGEST_CLI to one)"
  exit 0
fi
cli=$(realpath "$cli")
app=$(realpath "$1")

app_port=${APP_PORT:-3005}
server_port=${SERVER_PORT:-8298}
base="http://127.0.0.1:$app_port"
ports=(--port "$server_port" --connect-gateway-port $((server_port + 1))
       --connect-gateway-grpc-port $((server_port + 2)) --connect-executor-grpc-port $((server_port + 3)))

logs=$(mktemp -d)
started=()
stop() {
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  started=()
}
trap 'stop; rm -rf "$logs"' EXIT

wait_for_port() {  # what, port, pid, log
  for _ in $(seq 300); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$2") 2>/dev/null; then return; fi
    kill -0 "$3" 2>/dev/null || break
    sleep 0.2
  done
  echo "$1 does not listen on port $2:" >&2
  cat "$4" >&2
  exit 1
}

expect() {  # what, wanted, found
  [[ $2 == "$3" ]] && return
  printf '%s: expected\n  %s\nbut got\n  %s\n' "$1" "$2" "$3" >&2
  cat "$logs/app" >&2
  exit 1
}

# The response at the end, after redirects: its status, a space, and its body.
ask() { curl -s -L -m 90 -w '\n%{http_code}' "$@" | { mapfile -t lines; echo "${lines[-1]} ${lines[0]}"; }; }

run() {
  INNGEST_BASE_URL="http://127.0.0.1:$server_port" "$app" "$app_port" >"$logs/app" 2>&1 &
  started+=($!)
  wait_for_port "the app" "$app_port" "$!" "$logs/app"

  expect "at once" "200 21" "$(ask "$base/at-once" -d x)"
  expect "later" "201 POST 23 t 3" "$(ask "$base/later?tag=t" --data-binary abc)"
  expect "later, by GET" "201 GET 23 - 0" "$(ask "$base/later")"
  expect "steps that ran" "8" "$(curl -s "$base/ran")"
  expect "a failed step" "502 caught: no" "$(ask "$base/failed-step")"
  expect "a failure" '500 {"name":"NonRetriableError","message":"the run failed: sold out"}' "$(ask "$base/fails")"
  expect "a retry" "200 2" "$(ask "$base/retried")"
  (sleep 2; curl -s "$base/signal" >/dev/null) &
  expect "a signal" "200 7" "$(ask "$base/waits")"
  head -c 1500000 /dev/urandom >"$logs/body"
  expect "a large body" "201 PUT 23 - 1500000" "$(curl -s -m 60 -o /dev/null -w '%{redirect_url}' -X PUT \
    --data-binary "@$logs/body" "$base/later" | xargs curl -s -L -m 60 -w '\n%{http_code}' \
    | { mapfile -t lines; echo "${lines[-1]} ${lines[0]}"; })"
}

(cd "$logs" && exec "$cli" dev --no-discovery --no-poll --retry-interval 1 "${ports[@]}") >"$logs/server" 2>&1 &
started+=($!)
wait_for_port "the dev server" "$server_port" "$!" "$logs/server"
INNGEST_DEV=1 run
stop
echo "endpoints work on a dev server"

export INNGEST_SIGNING_KEY=00112233445566778899aabbccddeeff INNGEST_EVENT_KEY=conformance
(cd "$logs" && exec "$cli" start --signing-key "$INNGEST_SIGNING_KEY" --event-key "$INNGEST_EVENT_KEY" \
  "${ports[@]}" --retry-interval 1) >"$logs/server" 2>&1 &
started+=($!)
wait_for_port "the server" "$server_port" "$!" "$logs/server"
INNGEST_DEV=0 run
expect "a continuation without a signature" "401" \
  "$(curl -s -o /dev/null -w '%{http_code}' -H 'x-run-id: 01JZZZZZZZZZZZZZZZZZZZZZZZ' -H 'x-inngest-req-version: 2' "$base/later")"
echo "endpoints work on a self-hosted server, signed"
