#!/usr/bin/env bash
# Checks the library where it is not developed: with later compilers and packages, with libc++, and on processors that
# differ in size of words, order of bytes and sign of char. Run it by hand, as root, on Debian or Ubuntu: everything
# happens within a Debian of its own (a chroot), which it makes with debootstrap. Nothing is installed outside of it.
#
#   portability.sh [options] CHECK...
#
#   gcc       the whole test suite with GCC, and the packages of that Debian, without sanitizers
#   adapters  of it, the tests of the adapters, with the frameworks of that Debian
#   libcxx    the core tests with Clang and libc++
#   aarch64   the core tests cross-compiled by GCC, run by qemu: 64 bits, char is unsigned
#   armhf     the same: 32 bits, time_t of 64 bits, char is unsigned
#   s390x     the same: 64 bits, big endian, char is unsigned
#   all       all of these
#
# Each check but the first two reads all headers with warnings as errors.
#
#   --suite NAME   the Debian (trixie: GCC 14, Clang 19)
#   --work DIR     where it is kept between runs; about 3 GB (/var/tmp/inngest-portability)
#   --tests GLOBS  instead of the core tests, such as "json_test.cpp detail/*_test.cpp"; with "" a check reads the
#                  headers and runs nothing
#   --jobs N       how many compilers run at once (the number of processors)
#
# At the end it prints a table. It exits 1 if a check failed.
set -euo pipefail
# shellcheck source=tools/debian_chroot.sh
source "$(dirname "$0")/debian_chroot.sh"

suite=trixie
work=/var/tmp/inngest-portability
mirror=${MIRROR:-http://deb.debian.org/debian}
jobs=$(nproc)
checks=()
inside=

# Tests of what depends on compiler, library or processor. Left out: those that measure time, which emulation stretches,
# those that start other programs, and the large matrices, which repeat the engine's tests for each store.
core="*_test.cpp detail/*_test.cpp protocol/*_test.cpp execution/*_test.cpp wire/*_test.cpp properties/*_test.cpp
      middleware/*_test.cpp transport/*_test.cpp embedded/*_test.cpp"
left_out="outbox_faults draining checkpointing http_server_limits overlapping_calls http_doors docs"

usage() { sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "$0"; }

while [ $# -gt 0 ]; do
  case $1 in
    --suite) suite=$2; shift ;;
    --work) work=$2; shift ;;
    --tests) core=$2; left_out=; shift ;;
    --jobs) jobs=$2; shift ;;
    --inside) inside=$2; shift ;;  # used by the script itself
    -h | --help) usage; exit ;;
    all) checks+=(gcc libcxx aarch64 armhf s390x) ;;
    gcc | adapters | libcxx | aarch64 | armhf | s390x) checks+=("$1") ;;
    *) usage >&2; fail "unknown: $1" ;;
  esac
  shift
done

# ---- outside of the chroot ----------------------------------------------------------------------------------------------

run_checks() {
  local check log result table=() failed=0
  for check in "${checks[@]}"; do
    log=$work/$check.log
    echo "== $check (log: $log)"
    if in_debian env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
      /source/tools/portability.sh --inside "$check" --suite "$suite" --tests "$core" --jobs "$jobs" > "$log" 2>&1; then
      result=passed
    else
      result=FAILED
      failed=1
      tail -n 25 "$log"
    fi
    table+=("| $check | $(said compiler) | $(said packages) | $(said tests) | $result |")
  done
  printf '\n| Check | Compiler | Packages | Tests | Result |\n|---|---|---|---|---|\n'
  printf '%s\n' "${table[@]}"
  return $failed
}

# What the check has said of itself: the last of its lines that start with the word.
said() { sed -n "s/^$1: //p" "$log" | tail -n 1; }

# ---- inside -------------------------------------------------------------------------------------------------------------

install() { apt-get -qq install -y --no-install-recommends "$@" < /dev/null > /dev/null; }

libraries=(catch2 nlohmann-json3-dev libsimdjson-dev libcpp-httplib-dev libssl-dev libsqlite3-dev libsodium-dev)
modules=(catch2 nlohmann_json simdjson cpp-httplib openssl sqlite3 libsodium)

describe() {
  echo "compiler: $("${cxx[@]}" --version | head -n 1)"
  echo "packages: cpp-httplib $(pkg-config --modversion cpp-httplib), simdjson $(pkg-config --modversion simdjson)," \
    "nlohmann-json $(pkg-config --modversion nlohmann_json), OpenSSL $(pkg-config --modversion openssl)"
}

# Compiles a source with the flags of all of them. Used by xargs, therefore with exported variables.
compile() {
  local source=$1 object
  object=$build/$(echo "${source%.cpp}" | tr / _).o
  echo "compiling $source"
  # shellcheck disable=SC2086
  $CXX_LINE -c "$source" -o "$object" || { echo "does not compile: $source"; return 1; }
}

sources() {
  local pattern file name
  cd tests
  for pattern in $core; do
    for file in $pattern; do
      name=$(basename "${file%_test.cpp}")
      [ -e "$file" ] || fail "there is no tests/$file"
      case " $left_out " in *" $name "*) ;; *) echo "tests/$file" ;; esac
    done
  done
  cd ..
}

# Reads the headers and compiles and runs the core tests, by: cxx, compile_flags, link_flags, runner.
core_tests() {
  build=/build/$check
  rm -rf "$build"
  mkdir -p "$build"
  describe
  local flags=(-std=c++20 -O0 -g0 -Iinclude -Itests "${compile_flags[@]}")
  echo "== reading all headers"
  "${cxx[@]}" "${flags[@]}" -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -fsyntax-only tests/odr/first.cpp
  local files
  files=$(sources)
  [ -n "$files" ] || { echo "tests: none, headers only"; return; }

  echo "== compiling"
  printf '#include <nlohmann/json.hpp>\n#include <simdjson.h>\n#include <httplib.h>\n#include "catch.hpp"\n' > "$build/pch.hpp"
  "${cxx[@]}" "${flags[@]}" -x c++-header "$build/pch.hpp" -o "$build/pch.hpp.gch"
  CXX_LINE="${cxx[*]} ${flags[*]} -include $build/pch.hpp"
  export CXX_LINE build
  export -f compile
  "${cxx[@]}" "${flags[@]}" -c tests/main.cpp -o "$build/main.o"
  echo "$files" | xargs -P "$jobs" -I {} bash -c 'compile {}'
  "${cxx[@]}" "$build"/*.o -o "$build/core" "${link_flags[@]}"

  echo "== running"
  local out=$build/out.txt
  "${runner[@]}" "$build/core" "~[crash]" 2>&1 | tee "$out"
  echo "tests: $(echo "$files" | wc -l) files, $(sed -n 's/^All tests passed (\(.*\))$/\1/p' "$out")"
}

# The whole suite, or the headers alone.
check_gcc() {
  install "${libraries[@]}"
  cxx=(g++)
  if [ -z "$core" ]; then
    read -ra compile_flags <<< "$(pkg-config --cflags "${modules[@]}")"
    core_tests
    return
  fi
  describe
  BUILD_DIR=/build/gcc PRESET=plain CXX=g++ JOBS=$jobs tests/run.sh 2>&1 | tee /build/gcc.txt
  echo "tests: $(grep 'tests passed' /build/gcc.txt | tail -n 1)"
}

check_adapters() {
  install "${libraries[@]}"
  cxx=(g++)
  describe
  # shellcheck disable=SC2016 # Debian's names, not ours
  dpkg-query -W -f '${Package} ${Version}\n' 'libboost1*-dev' librestinio-dev libpoco-dev libcivetweb-dev \
    libmicrohttpd-dev libpistache-dev qt6-httpserver-dev 2> /dev/null || true
  BUILD_DIR=/build/gcc PRESET=plain CXX=g++ JOBS=$jobs TARGET=inngest_adapter_tests \
    tests/run.sh -R '^adapter\.' 2>&1 | tee /build/adapters.txt
  echo "tests: $(grep 'tests passed' /build/adapters.txt | tail -n 1)"
}

check_libcxx() {
  install clang libc++-dev libc++abi-dev dpkg-dev patch xz-utils "${libraries[@]}"
  cxx=(clang++ -stdlib=libc++)
  compile_flags=(-DSIMDJSON_THREADS_ENABLED=1 -DCPPHTTPLIB_OPENSSL_SUPPORT)
  link_flags=() runner=()
  [ -z "$core" ] || make_libcxx_libraries /build/libcxx-sources
  core_tests
}

# Debian compiles Catch2, simdjson and cpp-httplib with libstdc++, so they are compiled here from Debian's sources.
make_libcxx_libraries() {
  local dir=$1
  compile_flags+=("-I$dir/include")
  link_flags=("$dir/catch2.o" "$dir/simdjson.o" -lssl -lcrypto -lsqlite3 -lsodium -pthread)
  [ -e "$dir/made" ] && return
  echo "== compiling libraries with libc++"
  echo "deb-src $mirror $suite main" > /etc/apt/sources.list.d/sources.list
  apt-get -qq update
  rm -rf "$dir"
  mkdir -p "$dir/include"
  (cd "$dir" && apt-get -qq source catch2 simdjson cpp-httplib)
  (cd "$dir"/catch2-*/extras && "${cxx[@]}" -std=c++20 -c catch_amalgamated.cpp -o "$dir/catch2.o")
  (cd "$dir"/simdjson-* &&
    "${cxx[@]}" -std=c++20 -DSIMDJSON_THREADS_ENABLED=1 -Iinclude -Isrc -c src/simdjson.cpp -o "$dir/simdjson.o")
  cp "$dir"/cpp-httplib-*/httplib.h "$dir/include"
  touch "$dir/made"
}

# The libraries of another architecture, taken out of their packages: none of their scripts has to run.
make_sysroot() {
  local arch=$1 sysroot=$2 package
  [ -e "$sysroot/made" ] && return
  echo "== taking the libraries of $arch from their packages"
  rm -rf "$sysroot"
  mkdir -p "$sysroot"/apt/{lists,archives}/partial
  : > "$sysroot/apt/status"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" > "$sysroot/apt/sources.list"
  cat > "$sysroot/apt/apt.conf" << END
APT::Architecture "$arch";
APT::Architectures { "$arch"; };
APT::Install-Recommends "false";
Dir::State "$sysroot/apt";
Dir::State::status "$sysroot/apt/status";
Dir::Cache "$sysroot/apt";
Dir::Etc::sourcelist "$sysroot/apt/sources.list";
Dir::Etc::sourceparts "-";
END
  APT_CONFIG=$sysroot/apt/apt.conf apt-get -qq update
  # base-files makes /lib a link to /usr/lib, so it comes first.
  APT_CONFIG=$sysroot/apt/apt.conf apt-get -qq -y --download-only install base-files tzdata "${libraries[@]}" > /dev/null
  dpkg-deb -x "$sysroot"/apt/archives/base-files_*.deb "$sysroot"
  for package in "$sysroot"/apt/archives/*.deb; do
    # As tar does it within dpkg, links to folders are kept.
    dpkg-deb --fsys-tarfile "$package" | tar -xf - -C "$sysroot" --keep-directory-symlink
  done
  touch "$sysroot/made"
}

# check_cross <Debian's architecture> <GNU's name of it> <qemu's>
check_cross() {
  local arch=$1 triplet=$2 qemu=$3
  local sysroot=/sysroot/$arch
  install "g++-$triplet" qemu-user-static pkg-config
  make_sysroot "$arch" "$sysroot"
  export PKG_CONFIG_SYSROOT_DIR=$sysroot
  export PKG_CONFIG_LIBDIR=$sysroot/usr/lib/$triplet/pkgconfig:$sysroot/usr/share/pkgconfig:$sysroot/usr/lib/pkgconfig
  cxx=("$triplet-g++" "--sysroot=$sysroot")
  read -ra compile_flags <<< "$(pkg-config --cflags "${modules[@]}")"
  read -ra link_flags <<< "$(pkg-config --libs "${modules[@]}") -pthread -Wl,-rpath-link,$sysroot/usr/lib/$triplet"
  runner=("qemu-$qemu-static" -L "$sysroot")
  core_tests
}

check_aarch64() { check_cross arm64 aarch64-linux-gnu aarch64; }
check_armhf() { check_cross armhf arm-linux-gnueabihf arm; }
check_s390x() { check_cross s390x s390x-linux-gnu s390x; }

run_inside() {
  check=$1
  cd /source
  mkdir -p /build
  apt-get -qq update
  install g++ pkg-config ca-certificates
  "check_$check"
}

# ---- which of the two ---------------------------------------------------------------------------------------------------

if [ -n "$inside" ]; then
  run_inside "$inside"
  exit
fi
[ ${#checks[@]} -gt 0 ] || { usage; exit 2; }
[ "$(id -u)" -eq 0 ] || fail "It needs root, for the chroot."
mkdir -p "$work"
root=$work/$suite
exec 9> "$root.lock"
flock 9  # Runs share the copy of the sources.
make_debian
copy_sources
run_checks
