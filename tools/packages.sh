# shellcheck shell=bash
#
# To be sourced by scripts that install what they need, on Debian and Ubuntu:
#
#   need cmake        command -v cmake
#   need libssl-dev   pkg-config --exists 'openssl >= 3.0'
#   install_needed
#
# `need <package> <check>...` asks for a package if the check fails. Nothing is installed that is there already, and
# no question is asked. `install_available` does without the packages that this release does not have.

needed=()

need() {
  local package=$1
  shift
  "$@" > /dev/null 2>&1 || needed+=("$package")
}

as_root() {
  local command=(env DEBIAN_FRONTEND=noninteractive "$@")
  [ "$(id -u)" -eq 0 ] || command=(sudo -n "${command[@]}")
  "${command[@]}"
}

install_needed() {
  [ ${#needed[@]} -gt 0 ] || return 0
  echo "== installing ${needed[*]}"
  if ! command -v apt-get > /dev/null; then
    echo "There is no apt-get here. Please install what these packages are called on your system." >&2
    return 1
  fi
  as_root apt-get -qq update
  as_root apt-get -qq install -y --no-install-recommends "${needed[@]}" < /dev/null
  needed=()
}

install_available() {
  local package wanted=("${needed[@]}")
  [ ${#wanted[@]} -gt 0 ] || return 0
  needed=()
  if command -v apt-get > /dev/null; then as_root apt-get -qq update || echo "apt's lists are as they were"; fi
  for package in "${wanted[@]}"; do
    if [[ $(LC_ALL=C apt-cache policy "$package" 2> /dev/null) == *"Candidate: "[!\(]* ]]; then
      needed+=("$package")
    else
      echo "there is no package $package here"
    fi
  done
  install_needed || needed=()
}

# What every build of the repository needs.
need_build_tools() {
  need g++ command -v "${CXX:-c++}"
  need cmake command -v cmake
  need ninja-build command -v ninja
  need pkg-config command -v pkg-config
  need nlohmann-json3-dev pkg-config --exists nlohmann_json
  need libsimdjson-dev pkg-config --exists simdjson
  need libcpp-httplib-dev pkg-config --exists cpp-httplib
  need libssl-dev pkg-config --exists 'openssl >= 3.0'
  need libsqlite3-dev pkg-config --exists sqlite3
}
