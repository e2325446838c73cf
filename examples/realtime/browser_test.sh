#!/usr/bin/env bash
# Runs the example in a browser: browser_test.sh <program> [server]. With INNGEST_CLI it runs on a real server, too.
# Without node, npm or chromium it is skipped, which is exit status 77.
#
#   BUILD_DIR   where playwright-core is installed (build/page)
#   SERVER_PORT the port of the real server (8288); the next three are used, too
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=${BUILD_DIR:-$here/../../build/page}
program=$(realpath "$1")
# shellcheck source=tests/support/npm_install.sh
source "$here/../../tests/support/npm_install.sh"

for each in node npm; do
  command -v "$each" > /dev/null || { echo "skipped: there is no $each"; exit 77; }
done
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
  { echo "skipped: there is no chromium"; exit 77; }
mkdir -p "$build"
npm_install "$build" playwright-core@1 || { echo "skipped: playwright-core could not be installed"; exit 77; }
PLAYWRIGHT=$(cd "$build" && pwd)
export PLAYWRIGHT

echo "on the embedded engine"
node "$here/browser_test.mjs" "$program" "$browser" "${@:2}"

cli=$(command -v "${INNGEST_CLI:-}" || true)
[ -n "$cli" ] || { echo "skipped: a real server (set INNGEST_CLI to an inngest command line)"; exit 0; }
cli=$(realpath "$cli")
port=${SERVER_PORT:-8288}
logs=$(mktemp -d)
(cd "$logs" && exec "$cli" dev --no-discovery --no-poll --port "$port" --connect-gateway-port $((port + 1)) \
  --connect-gateway-grpc-port $((port + 2)) --connect-executor-grpc-port $((port + 3)) > log 2>&1) &
server=$!
trap 'kill $server 2> /dev/null || true; wait $server 2> /dev/null || true; rm -rf "$logs"' EXIT
for _ in $(seq 150); do
  if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2> /dev/null; then break; fi
  sleep 0.2
done
echo "on a real server"
node "$here/browser_test.mjs" "$program" "$browser" "http://127.0.0.1:$port"
