#!/usr/bin/env bash
# Builds and runs the core tests with clang and libc++, and checks that every header compiles with it. Installs what
# it needs. Arguments go to the tests.
#
# Packages that are C++ libraries are compiled against libstdc++. simdjson's can be used all the same: its header calls
# it with no type of the standard library in a signature, or it would not link. cpp-httplib's can't, so tests that
# need it are left out.
#
#   CXX        the compiler (clang++)
#   BUILD_DIR  where to build (build/libcxx)
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tools/packages.sh
source tools/packages.sh

# By name: where they are does not matter.
core_tests="json json_canonical checked_math parse_real expression expression_conformance cron time_zone duration
  step step_kinds stop_token file replay testing engine store outbox"

compiler=${CXX:-clang++}
build=${BUILD_DIR:-build/libcxx}
flags=(-std=c++20 -stdlib=libc++ -O0 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -Iinclude -Itests
  -DSIMDJSON_THREADS_ENABLED=1 -DCPPHTTPLIB_OPENSSL_SUPPORT -DCPPHTTPLIB_ZLIB_SUPPORT -DCPPHTTPLIB_BROTLI_SUPPORT)
mkdir -p "$build"

has_libcxx() { echo 'int main() { throw 0; }' | "$compiler" -stdlib=libc++ -x c++ - -o "$build/probe"; }

need_build_tools
need catch2 pkg-config --exists catch2
need libsodium-dev pkg-config --exists libsodium
need clang command -v "$compiler"
need libc++-dev has_libcxx
need libc++abi-dev has_libcxx
install_needed

echo "== headers"
tools/all_headers.sh > "$build/all_headers.cpp"
if [ -e /usr/include/boost/beast.hpp ] && [ -e /usr/include/protozero/pbf_reader.hpp ]; then
  echo '#include <inngest/connect.hpp>
#include <inngest/embedded/connect_gateway.hpp>' >> "$build/all_headers.cpp"
fi
"$compiler" "${flags[@]}" -fsyntax-only "$build/all_headers.cpp"

echo "== core tests"
flags+=(-DINNGEST_NO_HTTPLIB -DINNGEST_COMPILED)  # the library is compiled once
cat > "$build/headers.hpp" << 'EOF'
#include <catch.hpp>
#include <inngest/embedded.hpp>
#include <inngest/inngest.hpp>
#include <inngest/testing.hpp>
EOF
# Without these options, every test would instantiate the headers' templates and compile them again: 8 s each.
"$compiler" "${flags[@]}" -fpch-instantiate-templates -fpch-codegen -x c++-header "$build/headers.hpp" \
  -o "$build/headers.pch"
"$compiler" -std=c++20 -stdlib=libc++ -O0 -c "$build/headers.pch" -o "$build/headers.o"
objects=("$build/headers.o")
compile() {  # <source> <flags>...
  local object=$build/${1//\//_}.o
  "$compiler" "${flags[@]}" "${@:2}" -c "$1" -o "$object"
  objects+=("$object")
}
compile src/inngest.cpp
compile src/sqlite_store.cpp
compile tests/main.cpp
for name in $core_tests; do
  while read -r source; do
    compile "$source" -include-pch "$build/headers.pch"
  done < <(find tests -name "${name}_test.cpp" -not -path 'tests/matrix/*' -not -path 'tests/properties/*')
done
# Of the headers' code, what is not used may call what libraries do not export.
"$compiler" -stdlib=libc++ -Wl,--gc-sections "${objects[@]}" -o "$build/core_tests" -lsimdjson -lcrypto -lsqlite3 -lpthread
"$build/core_tests" "$@"
