#!/usr/bin/env bash
# Builds and runs a user's program against the library: run.sh <way> <work directory>
# where <way> is find_package, add_subdirectory, pkg_config, meson or by_hand. Without arguments: all of them.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cmake=${CMAKE:-cmake}
cxx=${CXX:-c++}

build_with_cmake() {  # <project> <build directory> <arguments>...
  local project=$1 build=$2
  shift 2
  "$cmake" -S "$here/$project" -B "$build" -G Ninja -DCMAKE_CXX_COMPILER="$cxx" "$@"
  "$cmake" --build "$build"
  "$build/consumer"
}

install_library() {  # <work directory>
  "$cmake" -S "$root" -B "$1/library" -G Ninja -DCMAKE_CXX_COMPILER="$cxx" -DCMAKE_INSTALL_PREFIX="$1/prefix" \
    -DINNGEST_BUILD_TESTS=OFF -DINNGEST_BUILD_EXAMPLES=OFF
  "$cmake" --install "$1/library"
  diff -r "$root/include/inngest" "$1/prefix/include/inngest"  # every header is installed
}

# A cpp-httplib whose bodies are in a library is refused by a message that tells the flags.
compiled_without_its_flags() {  # <work directory>
  if echo '#include <httplib.h>' | "$cxx" -std=c++20 -x c++ -E - | grep -q 'bool is_space_or_tab('; then
    echo "this cpp-httplib is only a header, and needs no flags"
    return
  fi
  if "$cxx" -std=c++20 -fsyntax-only -I"$root/include" "$here/main.cpp" 2> "$1/errors"; then
    echo "run.sh: a program without cpp-httplib's flags was compiled" >&2
    return 1
  fi
  grep -q 'pkg-config --cflags --libs cpp-httplib' "$1/errors"
}

consume() {  # <way> <work directory>
  local way=$1 work=$2
  rm -rf "$work"
  mkdir -p "$work"
  case $way in
    find_package)
      install_library "$work"
      build_with_cmake find_package "$work/build" -DCMAKE_PREFIX_PATH="$work/prefix"
      ;;
    add_subdirectory)
      build_with_cmake add_subdirectory "$work/build"
      ;;
    pkg_config)
      install_library "$work"
      local flags
      read -ra flags <<< "$(PKG_CONFIG_PATH="$work/prefix/share/pkgconfig" pkg-config --cflags --libs inngest)"
      "$cxx" -std=c++20 "$here/main.cpp" -o "$work/consumer" "${flags[@]}"
      "$work/consumer"
      ;;
    meson)
      if ! command -v meson > /dev/null; then
        echo "skipped: there is no meson"
        exit 77
      fi
      mkdir -p "$work/source/subprojects"
      cp "$here/meson/meson.build" "$here/main.cpp" "$work/source"
      ln -s "$root" "$work/source/subprojects/inngest"
      CXX=$cxx meson setup "$work/build" "$work/source"
      meson compile -C "$work/build"
      "$work/build/consumer"
      ;;
    by_hand)  # as the README says, and not as it warns of
      local line
      line=$(grep '^g++ -std=c++20 ' "$root/README.md")
      line=${line/#g++/$cxx}
      line=${line/your_app.cpp/$here\/main.cpp}
      (cd "$root" && eval "${line/-o your_app/-o $work/consumer}")
      "$work/consumer"
      compiled_without_its_flags "$work"
      ;;
    *)
      echo "run.sh: no such way: $way" >&2
      exit 2
      ;;
  esac
}

if [ $# -gt 0 ]; then
  consume "$1" "$2"
else
  for way in find_package add_subdirectory pkg_config meson by_hand; do
    (consume "$way" "$root/build/consumer/$way")
  done
fi
