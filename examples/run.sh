#!/usr/bin/env bash
# Builds the examples and runs the studio's functions on the embedded engine. Arguments go to studio_server.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tools/packages.sh
source tools/packages.sh

build=${BUILD_DIR:-build/examples}

need_build_tools
install_needed

# Debug, as it is built within a minute. Another compiler may have warnings that the tested ones have not.
[ -e "$build/CMakeCache.txt" ] || cmake --preset default -B "$build" -DINNGEST_BUILD_TESTS=OFF -DINNGEST_WERROR=OFF
cmake --build "$build" --target studio_server
exec "$build/examples/studio_server" "$@"
