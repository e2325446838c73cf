#!/usr/bin/env bash
# Builds and runs a user's program against the library: run.sh <way> <work directory>
# where <way> is find_package, add_subdirectory, pkg_config, meson, by_hand, compiled or adapter. Without arguments: all
# of them.
# `compiled` is all of these ways with the compiled library. It takes a minute to compile, so this is done only once.
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

# What is not there is not found, and the message says how to install it.
compiled_is_missing() {  # <work directory>, with headers in its prefix
  if "$cmake" -S "$here/compiled/find_package" -B "$1/missing" -G Ninja -DCMAKE_CXX_COMPILER="$cxx" \
    -DCMAKE_PREFIX_PATH="$1/prefix" 2> "$1/errors"; then
    echo "run.sh: a compiled library was found that is not installed" >&2
    return 1
  fi
  grep -q 'INNGEST_INSTALL_COMPILED=ON' "$1/errors"
}

# A component whose framework is not installed, and one that does not exist: the message says which it is.
component_is_missing() {  # <work directory>, with headers in its prefix; <component> <part of the message>
  if "$cmake" -S "$here/adapter" -B "$1/missing" -G Ninja -DCMAKE_CXX_COMPILER="$cxx" -DCOMPONENT="$2" \
    -DCMAKE_DISABLE_FIND_PACKAGE_Poco=ON -DCMAKE_PREFIX_PATH="$1/prefix" 2> "$1/errors"; then
    echo "run.sh: the component $2 was found" >&2
    return 1
  fi
  tr -s ' \n' ' ' < "$1/errors" | grep -q "$3"
}

build_with_pkg_config() {  # <package> <folder of its file> <program>
  local flags
  read -ra flags <<< "$(PKG_CONFIG_PATH="$2" pkg-config --cflags --libs "$1")"
  "$cxx" -std=c++20 "$here/main.cpp" -o "$3" "${flags[@]}"
  "$3"
}

set_up_meson() {  # <project> <work directory> <build directory> <arguments>...
  local project=$1 source=$2/source build=$3
  shift 3
  mkdir -p "$source/subprojects"
  cp "$here/$project/meson.build" "$here/main.cpp" "$source"
  ln -sfn "$root" "$source/subprojects/inngest"
  CXX=$cxx meson setup --buildtype=plain "$build" "$source" "$@"
}

build_with_meson() {  # <build directory>
  meson compile -C "$1"
  "$1/consumer"
}

# One build of the library: as a part of a project, which installs it for the others. As a subproject of Meson it is
# only configured, and by hand it would be what CMake does.
consume_compiled() {  # <work directory>
  build_with_cmake compiled/add_subdirectory "$1/library" \
    -DCMAKE_INSTALL_PREFIX="$1/prefix" -DCMAKE_INSTALL_LIBDIR=lib
  "$cmake" --install "$1/library"
  build_with_cmake compiled/find_package "$1/build" -DCMAKE_PREFIX_PATH="$1/prefix"
  build_with_pkg_config inngest-compiled "$1/prefix/lib/pkgconfig" "$1/consumer"
  if command -v meson > /dev/null; then
    PKG_CONFIG_PATH="$1/prefix/lib/pkgconfig" set_up_meson compiled/meson "$1" "$1/meson"
    build_with_meson "$1/meson"
    set_up_meson compiled/meson "$1" "$1/meson_subproject" --wrap-mode=forcefallback
  fi
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
  local way=$1 work
  rm -rf "$2"
  mkdir -p "$2"
  work=$(cd "$2" && pwd)
  case $way in
    find_package)
      install_library "$work"
      build_with_cmake find_package "$work/build" -DCMAKE_PREFIX_PATH="$work/prefix"
      compiled_is_missing "$work"
      ;;
    add_subdirectory)
      build_with_cmake add_subdirectory "$work/build"
      ;;
    pkg_config)
      install_library "$work"
      build_with_pkg_config inngest "$work/prefix/share/pkgconfig" "$work/consumer"
      ;;
    meson)
      if ! command -v meson > /dev/null; then
        echo "skipped: there is no meson"
        exit 77
      fi
      set_up_meson meson "$work" "$work/build"
      build_with_meson "$work/build"
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
    compiled)
      consume_compiled "$work"
      ;;
    adapter)  # of a framework, as a component of the package
      if ! echo '#include <boost/beast/core.hpp>' | "$cxx" -std=c++20 -x c++ -E - > /dev/null 2>&1; then
        echo "skipped: there is no Boost"
        exit 77
      fi
      install_library "$work"
      build_with_cmake adapter "$work/build" -DCOMPONENT=beast -DCMAKE_PREFIX_PATH="$work/prefix"
      component_is_missing "$work" poco 'framework of the component "poco" is not installed'
      component_is_missing "$work" nonsense 'There is no component "nonsense"'
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
  for way in find_package add_subdirectory pkg_config meson by_hand compiled adapter; do
    (consume "$way" "$root/build/consumer/$way")
  done
fi
