#!/usr/bin/env bash
# Installs what the tests need, builds them with sanitizers and runs them all, but not again those that have passed with
# the same inputs (see run_changed.py). Arguments go to ctest, which then runs whatever they choose.
#
#   FRESH=1    run everything
#   BUILD_DIR  where to build (build/tests)
#   PRESET     the CMake preset (asan)
#   TARGET     what to build (everything); use it with arguments for the tests that it has
#   CXX        the compiler of the tests (clang++, which needs half of GCC's time for them; GCC reads every header,
#              and compiles what must not compile and the programs of users)
#   JOBS       how much to build at once (the number of processors); of tests, which wait a lot, twice as many run
#   REQUIRE_ADAPTERS=ON  fail where the package of an adapter is missing, instead of not testing it
#   FUZZ_SECONDS  how long each fuzz target looks for something new (4)
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tools/packages.sh
source tools/packages.sh
# shellcheck source=tools/adapter_packages.sh
source tools/adapter_packages.sh

build=${BUILD_DIR:-build/tests}
jobs=${JOBS:-$(nproc)}

# Debian has sanitizers and libFuzzer in a package beside clang, with clang's version in its name.
has_clang_runtime() { compgen -G "$(clang++ -print-resource-dir)/lib/*/libclang_rt.fuzzer*"; }

# Debian has its programs in a folder for each version.
has_postgresql() {
  compgen -G "/usr/lib/postgresql/*/bin/postgres" || command -v postgres
}

need_build_tools
need python3 command -v python3
need git command -v git
need curl command -v curl
need catch2 pkg-config --exists catch2
need libcli11-dev pkg-config --exists CLI11
need meson command -v meson
need locales test -e /usr/share/i18n/locales/de_DE
need libsodium-dev pkg-config --exists libsodium
need libpq-dev pkg-config --exists libpq
need libpqxx-dev pkg-config --exists libpqxx
need libre2-dev test -e /usr/include/re2/re2.h
need clang command -v clang++
need lld command -v ld.lld
need tzdata test -e /usr/share/zoneinfo/Asia/Kathmandu
install_needed
need "libclang-rt-$(clang++ -dumpversion | cut -d. -f1)-dev" has_clang_runtime
install_needed
need_adapter_packages  # an adapter without its packages is not tested
install_available
need tzdata-legacy test -e /usr/share/zoneinfo/US/Central  # later releases have old names in a package of their own
need postgresql has_postgresql  # without its server, outboxes and transactions are tested with SQLite only
need chromium command -v chromium  # without it the engine's page is not tried in a browser
need doxygen command -v doxygen  # without it the reference is not checked
install_available
unpack_oldest_boost "$build/boost-1.74" || echo "Boost 1.74 is not here, the Beast adapter is not tested with it"

if [ -z "${CXX:-}" ] && command -v clang++ > /dev/null; then export CXX=clang++; fi

# ThreadSanitizer of GCC 12 does not start where the kernel scatters addresses widely.
plain=()
if setarch "$(uname -m)" -R true 2> /dev/null; then plain=(setarch "$(uname -m)" -R); fi

# At the end, also of a failure, and with the exit code of what failed.
rm -f "$build/Testing/Temporary/LastTest.log"
trap 'python3 tools/slowest.py "$build" || true' EXIT

oldest_boost=$(cd "$build/boost-1.74/usr/include" 2> /dev/null && pwd) || true
echo "== configuring $build"
cmake --preset "${PRESET:-asan}" -B "$build" -DINNGEST_OLDEST_BOOST="$oldest_boost" \
  -DINNGEST_REQUIRE_ADAPTERS="${REQUIRE_ADAPTERS:-OFF}"
echo "== building"
"${plain[@]}" cmake --build "$build" --parallel "$jobs" --target "${TARGET:-all}"
echo "== testing"
export FUZZ_SECONDS=${FUZZ_SECONDS:-4}
export CTEST_PARALLEL_LEVEL=${CTEST_PARALLEL_LEVEL:-$((2 * jobs))}
if [ $# -gt 0 ]; then
  "${plain[@]}" ctest --test-dir "$build" --output-on-failure "$@"
else
  "${plain[@]}" python3 tests/run_changed.py "$build"
fi
