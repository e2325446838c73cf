#!/usr/bin/env bash
# Measures a call of ours beside one of the official TypeScript SDK and a constant answer of cpp-httplib. See
# docs/performance.md. SECONDS_EACH, ROUNDS and CONNECTIONS say how; CXXFLAGS adds to the compiler's.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tools/packages.sh
source tools/packages.sh
build=${BUILD_DIR:-build/benchmarks}

need_build_tools
need wrk command -v wrk
need nodejs command -v node
need npm command -v npm
need python3 command -v python3
install_needed

mkdir -p "$build/work" "$build/typescript"
# shellcheck disable=SC2046,SC2086 # flags are words
"${CXX:-c++}" -std=c++20 -O2 -DNDEBUG ${CXXFLAGS:-} -Iinclude $(pkg-config --cflags cpp-httplib) \
  benchmarks/serve_benchmark.cpp -o "$build/serve_benchmark" $(pkg-config --libs cpp-httplib simdjson openssl) -pthread
cp benchmarks/typescript/package.json benchmarks/typescript/server.mjs "$build/typescript/"
(cd "$build/typescript" && npm install --silent --no-audit --no-fund --no-package-lock > /dev/null 2>&1)
"$build/serve_benchmark" requests "$build/work"
python3 benchmarks/measure.py "$build/serve_benchmark" "$build/typescript" "$build/work"
