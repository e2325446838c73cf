#!/usr/bin/env bash
# Tries the engine's web page in a browser. Arguments go to page.mjs: --base URL, --engine PROGRAM,
# --shots FOLDER, --only SUBJECTS.
# Without node, npm or chromium it is skipped, which is exit status 77.
#
#   BUILD_DIR  where playwright-core and axe-core are installed (build/page)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=${BUILD_DIR:-$here/../../../build/page}
# shellcheck source=tests/support/npm_install.sh
source "$here/../../support/npm_install.sh"

for each in node npm; do
  command -v "$each" > /dev/null || { echo "skipped: there is no $each"; exit 77; }
done
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
  { echo "skipped: there is no chromium"; exit 77; }

mkdir -p "$build"
npm_install "$build" playwright-core@1 axe-core@4 ||
  { echo "skipped: playwright-core and axe-core could not be installed"; exit 77; }
PLAYWRIGHT=$(cd "$build" && pwd) exec node "$here/page.mjs" --browser "$browser" "$@"
