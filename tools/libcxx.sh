#!/usr/bin/env bash
# Builds and runs the core tests with clang and libc++ (Debian: clang, libc++-14-dev, libc++abi-14-dev), and checks that
# every header compiles with it. Arguments go to the tests.
#
# The core tests need no package that is compiled against libstdc++ but simdjson, of which no std:: type is in the calls
# that its header makes: one that was would not link. cpp-httplib and the rest of the tests are left out.
#
#   CXX        the compiler (clang++)
#   BUILD_DIR  where to build (build/libcxx)
set -euo pipefail
cd "$(dirname "$0")/.."

# By name: where they are does not matter.
core_tests="json json_canonical checked_math parse_real expression expression_conformance cron time_zone duration
  step step_kinds stop_token file replay testing engine store outbox"

compiler=${CXX:-clang++}
build=${BUILD_DIR:-build/libcxx}
flags=(-std=c++20 -stdlib=libc++ -O0 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -Iinclude -Itests
  -DSIMDJSON_THREADS_ENABLED=1 -DCPPHTTPLIB_OPENSSL_SUPPORT -DCPPHTTPLIB_ZLIB_SUPPORT -DCPPHTTPLIB_BROTLI_SUPPORT)
mkdir -p "$build"

echo "== headers"
(cd include && find inngest -name '*.hpp' | sort | sed 's/.*/#include <&>/') > "$build/all_headers.cpp"
"$compiler" "${flags[@]}" -fsyntax-only "$build/all_headers.cpp"

echo "== core tests"
flags+=(-DINNGEST_NO_HTTPLIB)
cat > "$build/headers.hpp" << 'EOF'
#include <catch.hpp>
#include <inngest/embedded.hpp>
#include <inngest/inngest.hpp>
#include <inngest/testing.hpp>
EOF
# Without this option, every test would instantiate the headers' templates again: 8 s each.
"$compiler" "${flags[@]}" -fpch-instantiate-templates -x c++-header "$build/headers.hpp" -o "$build/headers.pch"
objects=("$build/main.o")
"$compiler" "${flags[@]}" -c tests/main.cpp -o "$build/main.o"
for name in $core_tests; do
  source=$(find tests -name "${name}_test.cpp" -not -path 'tests/matrix/*' -not -path 'tests/properties/*')
  "$compiler" "${flags[@]}" -include-pch "$build/headers.pch" -c "$source" -o "$build/$name.o"
  objects+=("$build/$name.o")
done
"$compiler" -stdlib=libc++ "${objects[@]}" -o "$build/core_tests" -lsimdjson -lcrypto -lsqlite3 -lpthread
"$build/core_tests" "$@"
