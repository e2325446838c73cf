#!/usr/bin/env bash
# Builds and runs a user's program against the library: run.sh <way> <work directory>
# where <way> is one of those in consume() below. Without arguments: all of them; those whose tool is missing are
# skipped.
#
#   CXX, CMAKE         the compiler and CMake
#   CONSUMER_PROGRAM   the program that is built where only installing is new (small.cpp, which compiles in a second;
#                      main.cpp is a whole app)
#   CPM_SCRIPT         CPM.cmake, which is downloaded otherwise
#
# `compiled` is all of the older ways with the compiled library. It takes a minute to compile, so this is done only once.
set -euo pipefail
unset CMAKE_BUILD_TYPE  # the projects have their own
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cmake=${CMAKE:-cmake}
cxx=${CXX:-c++}
program=$here/${CONSUMER_PROGRAM:-small.cpp}

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
  grep -q '^CMAKE_BUILD_TYPE:STRING=Release$' "$1/library/CMakeCache.txt"  # unasked
  "$cmake" --install "$1/library"
  diff -r "$root/include/inngest" "$1/prefix/include/inngest"  # every header is installed
  cmp "$root/single_include/inngest/inngest.hpp" "$1/prefix/include/inngest-single/inngest/inngest.hpp"
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

# Without pkg-config, Debian's cpp-httplib is not found.
pkg_config_is_missing() {  # <work directory>, with headers in its prefix
  if "$cmake" -S "$here/find_package" -B "$1/missing_pkg_config" -G Ninja -DCMAKE_CXX_COMPILER="$cxx" \
    -DPKG_CONFIG_EXECUTABLE=/bin/false -DCMAKE_DISABLE_FIND_PACKAGE_httplib=ON \
    -DCMAKE_PREFIX_PATH="$1/prefix" 2> "$1/errors"; then
    echo "run.sh: cpp-httplib was found without pkg-config" >&2
    return 1
  fi
  tr -s ' \n' ' ' < "$1/errors" | grep -q 'install pkg-config'
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

# cpp-httplib of upstream has no pkg-config file, which the library's own file then must not name. Only configured.
configure_meson_with_other_httplib() {  # <work directory>
  local folder folders packages=$1/packages
  mkdir -p "$packages/cmake" "$1/source/subprojects"
  IFS=: read -ra folders <<< "$(pkg-config --variable pc_path pkg-config)"
  for folder in "${folders[@]}"; do
    [ ! -d "$folder" ] || find "$folder" -name '*.pc' ! -name cpp-httplib.pc -exec ln -sf -t "$packages" {} +
  done
  cat > "$packages/cmake/httplibConfig.cmake" << 'END'
add_library(httplib::httplib INTERFACE IMPORTED)
set_target_properties(httplib::httplib PROPERTIES INTERFACE_COMPILE_DEFINITIONS CPPHTTPLIB_OPENSSL_SUPPORT)
END
  cp "$here"/meson_httplib/* "$1/source"
  ln -sfn "$root" "$1/source/subprojects/inngest"
  local kind
  for kind in cmake subproject; do
    CXX=$cxx PKG_CONFIG_LIBDIR=$packages meson setup "-Dcmake_prefix_path=$packages/cmake" "-Dhttplib=$kind" \
      "$1/$kind" "$1/source"
  done
  grep '^Requires: nlohmann_json, simdjson, openssl >= *1.1.1$' "$1/cmake/meson-private/inngest.pc"
  grep '^Cflags: .* -DCPPHTTPLIB_OPENSSL_SUPPORT$' "$1/cmake/meson-private/inngest.pc"
  grep '^Requires: .*, cpp-httplib$' "$1/subproject/meson-private/inngest.pc"
}

# The same with CMake, whose file for pkg-config then names the flags of cpp-httplib's package and what they need.
configure_with_other_httplib() {  # <work directory>
  mkdir -p "$1/httplib"
  cat > "$1/httplib/httplibConfig.cmake" << 'END'
add_library(httplib::httplib INTERFACE IMPORTED)
set_target_properties(httplib::httplib PROPERTIES INTERFACE_COMPILE_DEFINITIONS
  "$<$<BOOL:TRUE>:CPPHTTPLIB_BROTLI_SUPPORT>;$<$<BOOL:>:CPPHTTPLIB_ZLIB_SUPPORT>;CPPHTTPLIB_OPENSSL_SUPPORT")
END
  "$cmake" -S "$root" -B "$1/other" -G Ninja -DCMAKE_CXX_COMPILER="$cxx" -Dhttplib_DIR="$1/httplib" \
    -DINNGEST_BUILD_TESTS=OFF -DINNGEST_BUILD_EXAMPLES=OFF
  grep '^Requires: .*, libbrotlienc, libbrotlidec, libssl$' "$1/other/inngest.pc"
  grep '^Cflags: .* -DCPPHTTPLIB_BROTLI_SUPPORT -DCPPHTTPLIB_OPENSSL_SUPPORT$' "$1/other/inngest.pc"
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
  if echo '#include <inngest/transport/httplib.hpp>' |
    "$cxx" -std=c++20 -fsyntax-only -I"$root/include" -x c++ - 2> "$1/errors"; then
    echo "run.sh: a program without cpp-httplib's flags was compiled" >&2
    return 1
  fi
  grep -q 'pkg-config --cflags --libs cpp-httplib' "$1/errors"
}

skip() {  # <reason>
  echo "skipped: $1"
  exit 77
}

# What a release's archive has for its users.
pack() {  # <archive>
  tar -czf "$1" --transform 's,^,inngest/,' -C "$root" include src cmake single_include CMakeLists.txt LICENSE \
    meson.build meson_options.txt
}

consume_meson_wrap() {  # <work directory>
  mkdir -p "$1/source/subprojects/packagecache"
  cp "$here/meson_wrap/meson.build" "$1/source"
  cp "$program" "$1/source/program.cpp"
  pack "$1/source/subprojects/packagecache/inngest.tar.gz"
  local hash
  hash=$(sha256sum < "$1/source/subprojects/packagecache/inngest.tar.gz")
  cat > "$1/source/subprojects/inngest.wrap" << END
[wrap-file]
directory = inngest
source_url = https://example.com/inngest.tar.gz
source_filename = inngest.tar.gz
source_hash = ${hash%% *}

[provide]
inngest = inngest_dep
inngest-compiled = inngest_compiled_dep
END
  CXX=$cxx meson setup --buildtype=plain "$1/build" "$1/source"
  build_with_meson "$1/build"
}

# The package is unpacked, not installed.
consume_deb() {  # <work directory>
  "$cmake" -S "$root" -B "$1/library" -G Ninja -DCMAKE_CXX_COMPILER="$cxx" -DINNGEST_BUILD_TESTS=OFF \
    -DINNGEST_BUILD_EXAMPLES=OFF
  (cd "$1/library" && "$(dirname "$(command -v "$cmake")")/cpack" -G DEB)
  local package=("$1"/library/libinngest-dev_*_all.deb)
  dpkg-deb --info "${package[0]}"
  dpkg-deb --field "${package[0]}" Depends | grep -q 'nlohmann-json3-dev.*libsimdjson-dev.*libssl-dev.*libcpp-httplib-dev.*pkg-config'
  dpkg-deb --extract "${package[0]}" "$1/root"
  cmp "$root/LICENSE" "$1/root/usr/share/doc/libinngest-dev/copyright"
  local flags
  read -ra flags <<< "$(PKG_CONFIG_PATH="$1/root/usr/share/pkgconfig" pkg-config --cflags --libs inngest)"
  "$cxx" -std=c++20 "$program" -o "$1/consumer" "${flags[@]}"
  "$1/consumer"
  build_with_cmake deb "$1/build" -DCMAKE_PREFIX_PATH="$1/root/usr" -DCONSUMER_PROGRAM="$program"
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
      pkg_config_is_missing "$work"
      "$cmake" -S "$here/components" -B "$work/components" -G Ninja -DCMAKE_CXX_COMPILER="$cxx" \
        -DCMAKE_PREFIX_PATH="$work/prefix"
      ;;
    add_subdirectory)
      build_with_cmake add_subdirectory "$work/build"
      if grep -q '^CMAKE_BUILD_TYPE:STRING=Release$' "$work/build/CMakeCache.txt"; then
        echo "run.sh: the library chose the build type of another project" >&2
        return 1
      fi
      ;;
    pkg_config)
      install_library "$work"
      build_with_pkg_config inngest "$work/prefix/share/pkgconfig" "$work/consumer"
      configure_with_other_httplib "$work"
      ;;
    meson)
      command -v meson > /dev/null || skip "there is no meson"
      set_up_meson meson "$work" "$work/build"
      build_with_meson "$work/build"
      mkdir "$work/other"
      configure_meson_with_other_httplib "$work/other"
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
    single_header)  # as it is installed; slow with every program
      install_library "$work"
      local flags
      read -ra flags <<< "$(pkg-config --cflags --libs nlohmann_json cpp-httplib simdjson openssl)"
      sed 's,<inngest/.*>,<inngest/inngest.hpp>,' "$program" > "$work/program.cpp"
      "$cxx" -std=c++20 -I"$work/prefix/include/inngest-single" "$work/program.cpp" -o "$work/consumer" "${flags[@]}" \
        -pthread
      "$work/consumer"
      ;;
    fetch_content)
      pack "$work/inngest.tar.gz"
      build_with_cmake fetch_content "$work/build" -DINNGEST_ARCHIVE="$work/inngest.tar.gz" \
        -DCONSUMER_PROGRAM="$program"
      ;;
    cpm)
      local script=${CPM_SCRIPT:-$work/CPM.cmake}
      [ -f "$script" ] || curl --fail --silent --location --max-time 60 --output "$script" \
        https://github.com/cpm-cmake/CPM.cmake/releases/latest/download/CPM.cmake || skip "CPM.cmake can't be fetched"
      pack "$work/inngest.tar.gz"
      build_with_cmake cpm "$work/build" -DCPM_SCRIPT="$script" -DINNGEST_ARCHIVE="$work/inngest.tar.gz" \
        -DCONSUMER_PROGRAM="$program"
      ;;
    meson_wrap)
      command -v meson > /dev/null || skip "there is no meson"
      consume_meson_wrap "$work"
      ;;
    deb)
      command -v dpkg-deb > /dev/null || skip "there is no dpkg-deb"
      consume_deb "$work"
      ;;
    recipes)  # of Conan, vcpkg and Bazel, without these
      python3 "$here/recipes.py"
      for features in "httplib" "httplib;compiled"; do
        "$cmake" -DROOT="$root" -DWORK="$work/${features//;/_}" -DCXX="$cxx" "-DFEATURES=$features" \
          -P "$here/vcpkg_port.cmake"
      done
      ;;
    conan)
      command -v conan > /dev/null || skip "there is no conan"
      CONAN_HOME="$work/home" conan profile detect
      CONAN_HOME="$work/home" conan create "$root" --test-folder "$here/conan" --build=missing -s compiler.cppstd=20
      ;;
    vcpkg)
      command -v vcpkg > /dev/null || skip "there is no vcpkg"
      # The cache knows only the port's files, not the library's.
      vcpkg install inngest --no-binarycaching --enforce-port-checks --overlay-ports="$root/packaging/vcpkg" \
        --x-install-root="$work/installed"
      build_with_cmake find_package "$work/build" -DVCPKG_INSTALLED_DIR="$work/installed" \
        -DCMAKE_TOOLCHAIN_FILE="${VCPKG_ROOT:?}/scripts/buildsystems/vcpkg.cmake"
      ;;
    bazel)
      command -v bazel > /dev/null || skip "there is no bazel"
      mkdir "$work/source"
      cp "$here"/bazel/{.bazelrc,BUILD.bazel} "$here/main.cpp" "$work/source"
      sed "s,\"../../..\",\"$root\"," "$here/bazel/MODULE.bazel" > "$work/source/MODULE.bazel"
      (cd "$work/source" && bazel --output_user_root="$work/bazel" run //:consumer)
      ;;
    adapter)  # of a framework, as a component of the package
      if ! echo '#include <boost/beast/core.hpp>' | "$cxx" -std=c++20 -x c++ -E - > /dev/null 2>&1; then
        skip "there is no Boost"
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
  for way in find_package add_subdirectory pkg_config meson by_hand compiled adapter single_header fetch_content cpm \
    meson_wrap deb recipes conan vcpkg bazel; do
    "$0" "$way" "$root/build/consumer/$way" || [ $? -eq 77 ]
  done
fi
