#!/usr/bin/env bash
# Runs an app of the official TypeScript SDK on the embedded engine: run.sh <engine's program> <directory to work in>.
# Exits with 77 when there is no node or npm, or npm can't get the SDK.
set -euo pipefail
program=$1
mkdir -p "$2"
work=$(cd "$2" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/support/npm_install.sh
source "$here/../../support/npm_install.sh"

for tool in node npm; do
  command -v "$tool" > /dev/null || { echo "skipped: there is no $tool"; exit 77; }
done
[ "$(node -p 'process.versions.node.split(".")[0]')" -ge 20 ] || { echo "skipped: the SDK needs node 20"; exit 77; }
cp "$here"/package.json "$here"/*.mjs "$work/"
cd "$work"
npm_install "$work" > npm.log 2>&1 || { cat npm.log; echo "skipped: npm can't get the SDK"; exit 77; }
exec node test.mjs "$program"
