#!/usr/bin/env bash
# Measures a call of ours, on Beast and on cpp-httplib, beside one of the official TypeScript SDK and a constant
# answer of cpp-httplib. See docs/performance.md. With --quick it leaves the TypeScript SDK out and measures only the
# workloads with a goal, in two minutes. SECONDS_EACH, ROUNDS and CONNECTIONS say how; CXXFLAGS adds to the
# compiler's.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tools/packages.sh
source tools/packages.sh
# shellcheck source=tools/adapter_packages.sh
source tools/adapter_packages.sh
build=${BUILD_DIR:-build/benchmarks}
quick=""
case ${1:-} in
"") ;;
--quick) quick=yes ;;
*) echo "usage: $0 [--quick]" >&2 && exit 2 ;;
esac

need_build_tools
need wrk command -v wrk
need "$(boost_package)" test -e /usr/include/boost/beast.hpp
if [ -z "$quick" ]; then
  need nodejs command -v node
  need npm command -v npm
fi
need python3 command -v python3
install_needed

mkdir -p "$build/work" "$build/typescript"
# shellcheck disable=SC2046,SC2086 # flags are words
"${CXX:-c++}" -std=c++20 -O2 -DNDEBUG ${CXXFLAGS:-} -Iinclude $(pkg-config --cflags cpp-httplib) \
  benchmarks/serve_benchmark.cpp -o "$build/serve_benchmark" $(pkg-config --libs cpp-httplib simdjson openssl) -pthread
"$build/serve_benchmark" requests "$build/work"
typescript=-
if [ -z "$quick" ]; then
  typescript=$build/typescript
  cp benchmarks/typescript/package.json benchmarks/typescript/server.mjs "$typescript/"
  (cd "$typescript" && npm install --silent --no-audit --no-fund --no-package-lock > /dev/null 2>&1)
fi
python3 benchmarks/measure.py "$build/serve_benchmark" "$typescript" "$build/work"
