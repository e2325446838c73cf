#!/usr/bin/env bash
# Tests adapters with frameworks that only a later Debian has: Drogon, Qt 6.8. Run it by hand, as root, on Debian or
# Ubuntu. Everything happens in a Debian of its own (a chroot), which it makes with debootstrap and shares with
# portability.sh. Nothing is installed outside of it.
#
#   drogon.sh [options] [ADAPTER...]     drogon (the default), qt, pistache: their tests and example servers
#
#   --suite NAME   the Debian (trixie: Drogon 1.9.0, Qt 6.8)
#   --work DIR     where it is kept between runs; about 3 GB (/var/tmp/inngest-portability)
#
# It exits 1 if a test failed.
set -euo pipefail
# shellcheck source=tools/debian_chroot.sh
source "$(dirname "$0")/debian_chroot.sh"

suite=trixie
work=/var/tmp/inngest-portability
mirror=${MIRROR:-http://deb.debian.org/debian}
adapters=()
inside=

usage() { sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"; }

while [ $# -gt 0 ]; do
  case $1 in
    --suite) suite=$2; shift ;;
    --work) work=$2; shift ;;
    --inside) inside=yes ;;  # used by the script itself
    -h | --help) usage; exit ;;
    drogon | qt | pistache) adapters+=("$1") ;;
    *) usage >&2; fail "unknown: $1" ;;
  esac
  shift
done
[ ${#adapters[@]} -gt 0 ] || adapters=(drogon)

# ---- inside -------------------------------------------------------------------------------------------------------------

packages_of() {
  case $1 in
    drogon) echo libdrogon-dev libjsoncpp-dev uuid-dev zlib1g-dev libbrotli-dev ;;
    qt) echo qt6-httpserver-dev qt6-websockets-dev qt6-base-dev ;;
    pistache) echo libpistache-dev rapidjson-dev ;;
  esac
}

flags_of() {
  case $1 in
    drogon) echo -isystem /usr/include/jsoncpp ;;
    qt) echo "-fPIC $(pkg-config --cflags-only-I Qt6HttpServer Qt6Network | sed 's/-I/-isystem /g')" ;;
  esac
}

libraries_of() {
  case $1 in
    drogon) echo -ldrogon -ltrantor -ljsoncpp ;;
    qt) pkg-config --libs Qt6HttpServer Qt6Network ;;
    pistache) echo -lpistache ;;
  esac
}

# Compiles what all tests need: the library, the suite and Catch2's main().
compile_shared() {
  local source object
  for source in src/inngest.cpp tests/adapters/suite.cpp tests/main.cpp; do
    object=$build/$(echo "${source%.cpp}" | tr / _).o
    echo "compiling $source"
    "${cxx[@]}" -c "$source" -o "$object"
  done
  ar rcs "$build/libinngest.a" "$build/src_inngest.o"
}

test_adapter() {
  local adapter=$1 objects=("$build/tests_main.o") flags libraries
  echo "== $adapter"
  read -ra flags <<< "$(flags_of "$adapter")"
  read -ra libraries <<< "$(libraries_of "$adapter") $(pkg-config --libs catch2 simdjson openssl sqlite3 cpp-httplib)"
  [ "$adapter" = drogon ] || objects+=("$build/tests_adapters_suite.o")  # Drogon's server can run only once
  "${cxx[@]}" -Wall -Wextra -Wshadow -Werror "${flags[@]}" -c "tests/adapters/${adapter}_test.cpp" -o "$build/$adapter.o" &&
    "${cxx[@]}" "${objects[@]}" "$build/$adapter.o" "$build/libinngest.a" -o "$build/$adapter" "${libraries[@]}" -pthread &&
    "$build/$adapter"
}

# Runs the example server from its first request to its end by a signal.
try_example() {
  local adapter=$1 flags libraries server
  read -ra flags <<< "$(flags_of "$adapter")"
  read -ra libraries <<< "$(libraries_of "$adapter") $(pkg-config --libs simdjson openssl cpp-httplib)"
  "${cxx[@]}" "${flags[@]}" "examples/servers/$adapter.cpp" "$build/libinngest.a" -o "$build/server_$adapter" "${libraries[@]}" \
    -pthread || return 1
  INNGEST_DEV=1 "$build/server_$adapter" &
  server=$!
  curl --silent --show-error --fail --retry 30 --retry-connrefused --retry-delay 1 http://127.0.0.1:3000/api/inngest || {
    kill "$server"
    return 1
  }
  echo
  kill -TERM "$server"
  wait "$server"
}

run_inside() {
  cd /source
  build=/build/adapters
  mkdir -p "$build"
  apt-get -qq update
  local adapter failed=0
  for adapter in "${adapters[@]}"; do
    # shellcheck disable=SC2046
    apt-get -qq install -y --no-install-recommends $(packages_of "$adapter") < /dev/null > /dev/null
  done
  apt-get -qq install -y --no-install-recommends g++ pkg-config ca-certificates curl catch2 nlohmann-json3-dev \
    libsimdjson-dev libcpp-httplib-dev libssl-dev libsqlite3-dev < /dev/null > /dev/null
  cxx=(g++ -std=c++20 -O0 -g0 -Iinclude -Itests -DINNGEST_COMPILED -DSIMDJSON_THREADS_ENABLED=1)
  read -ra modules <<< "$(pkg-config --cflags catch2 simdjson cpp-httplib openssl sqlite3 nlohmann_json)"
  cxx+=("${modules[@]}")
  compile_shared
  for adapter in "${adapters[@]}"; do
    test_adapter "$adapter" || failed=1
    try_example "$adapter" || failed=1
  done
  return $failed
}

# ---- which of the two ---------------------------------------------------------------------------------------------------

if [ -n "$inside" ]; then
  run_inside
  exit
fi
[ "$(id -u)" -eq 0 ] || fail "It needs root, for the chroot."
mkdir -p "$work"
root=$work/$suite
exec 9> "$root.lock"
flock 9  # Runs share the copy of the sources.
make_debian
copy_sources
in_debian env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
  /source/tools/drogon.sh --inside "${adapters[@]}"
