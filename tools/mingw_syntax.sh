#!/usr/bin/env bash
# Checks that every header compiles for Windows: -fsyntax-only with the MinGW cross-compiler (Debian:
# g++-mingw-w64-x86-64).
# Nothing is linked or run. The packages' headers are this system's, linked one by one so that glibc's stay out.
#
#   MINGW_CXX  the compiler (x86_64-w64-mingw32-g++-posix)
set -euo pipefail
cd "$(dirname "$0")/.."

compiler=${MINGW_CXX:-x86_64-w64-mingw32-g++-posix}
command -v "$compiler" > /dev/null || { echo "no $compiler: install g++-mingw-w64-x86-64" >&2; exit 1; }

include=$(mktemp -d)
trap 'rm -rf "$include"' EXIT
for folder in /usr/local/include "/usr/include/$(gcc -print-multiarch)" /usr/include; do
  for header in nlohmann simdjson.h httplib.h sqlite3.h openssl zlib.h zconf.h brotli sodium sodium.h catch2; do
    if [ -e "$folder/$header" ]; then cp -rsn "$folder/$header" "$include/"; fi
  done
done

tools/all_headers.sh > "$include/all_headers.cpp"
"$compiler" -std=c++20 -fsyntax-only -Wall -Wextra -Iinclude -Itests -isystem "$include" \
  -DCPPHTTPLIB_OPENSSL_SUPPORT -DCPPHTTPLIB_ZLIB_SUPPORT -DCPPHTTPLIB_BROTLI_SUPPORT \
  -include "$include/all_headers.cpp" tests/odr/first.cpp
echo "every header compiles for Windows ($("$compiler" -dumpmachine), GCC $("$compiler" -dumpversion))"
