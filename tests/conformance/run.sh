#!/usr/bin/env bash
# Runs Inngest's own conformance runner against the fixture app.
#
#   run.sh <fixture app's executable>
#
# Needs an `inngest` command line, from INNGEST_CLI or the PATH; without one it says so and succeeds. The ports
# are APP_PORT (3000) and SERVER_PORT (8288).
set -euo pipefail

cli=$(command -v "${INNGEST_CLI:-inngest}" || true)
if [[ -z $cli ]]; then
  echo "skipped: no inngest command line (set INNGEST_CLI to one)"
  exit 0
fi
cli=$(realpath "$cli")
if [[ $# -ne 1 || ! -x $1 ]]; then
  echo "usage: $0 <fixture app's executable>" >&2
  exit 2
fi

app_port=${APP_PORT:-3000}
server_port=${SERVER_PORT:-8288}
cases=(serve-introspection basic-invoke steps-serial retry-basic cancel-basic wait-for-event-basic)

# The runner always signs its sync; all three use the same key, so that signatures are really checked.
export INNGEST_SIGNING_KEY=00112233445566778899aabbccddeeff
export INNGEST_EVENT_KEY=conformance

logs=$(mktemp -d)
started=()
stop() {
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$logs"
}
trap stop EXIT

wait_for_port() {  # what, port, pid, log
  for _ in $(seq 100); do
    if (exec 3<>"/dev/tcp/127.0.0.1/$2") 2>/dev/null; then return; fi
    kill -0 "$3" 2>/dev/null || break
    sleep 0.2
  done
  echo "$1 does not listen on port $2:" >&2
  cat "$4" >&2
  exit 1
}

# The first retry of a server comes after up to 45 s, which is all that the runner waits.
(cd "$logs" && exec "$cli" dev --no-discovery --no-poll --port "$server_port" --retry-interval 1) \
  >"$logs/server" 2>&1 &
started+=($!)
wait_for_port "the dev server" "$server_port" "$!" "$logs/server"

"$1" "$app_port" >"$logs/app" 2>&1 &
started+=($!)
wait_for_port "the fixture app" "$app_port" "$!" "$logs/app"

"$cli" alpha conformance run --transport serve \
  --sdk-url "http://127.0.0.1:$app_port/api/inngest" --dev-url "http://127.0.0.1:$server_port" \
  --event-key "$INNGEST_EVENT_KEY" --signing-key "$INNGEST_SIGNING_KEY" \
  "${cases[@]/#/--case=}" --report-out "$logs/report.json"

# The runner succeeds whatever it found: its report has the truth.
passed=$(grep -c '"status": "passed"' "$logs/report.json" || true)
if [[ $passed -ne ${#cases[@]} ]]; then
  echo "$passed of ${#cases[@]} cases passed:" >&2
  cat "$logs/report.json" "$logs/app" >&2
  exit 1
fi
echo "all ${#cases[@]} cases passed"
