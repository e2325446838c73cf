# shellcheck shell=bash
#
# What the tests of adapters and of Connect need: to be sourced after packages.sh. What lacks its package is not tested.

# Debian 12 has a newer Boost beside its default of 1.74. Other releases have only their default.
boost_package() {
  # shellcheck source=/dev/null
  if (. /etc/os-release && [ "$ID$VERSION_ID" = debian12 ]) 2> /dev/null; then
    echo libboost1.81-dev
  else
    echo libboost-dev
  fi
}

# Puts the headers of Debian 12's default Boost into a folder: they can't be installed beside those of a later one.
unpack_oldest_boost() {  # <folder>
  [ -d "$1" ] && return
  rm -rf "$1.part"
  mkdir -p "$1.part"
  (
    cd "$1.part"
    # Without lists of packages there is nothing to download.
    apt-get -qq download libboost1.74-dev || { as_root apt-get -qq update && apt-get -qq download libboost1.74-dev; }
    dpkg -x libboost1.74-dev_*.deb .
  ) && mv "$1.part" "$1"
}

need_adapter_packages() {
  need "$(boost_package)" test -e /usr/include/boost/beast.hpp
  need librestinio-dev test -e /usr/include/restinio/version.hpp
  need libasio-dev test -e /usr/include/asio.hpp
  need libfmt-dev test -e /usr/include/fmt/core.h
  need libhttp-parser-dev test -e /usr/include/http_parser.h
  need libpoco-dev test -e /usr/include/Poco/Net/HTTPServer.h
  need libcivetweb-dev test -e /usr/include/civetweb.h
  need libmicrohttpd-dev pkg-config --exists libmicrohttpd
  need libpistache-dev pkg-config --exists libpistache
  need qt6-base-dev test -e "$(echo /usr/lib/*/cmake/Qt6Network)"
  need qt6-websockets-dev test -e "$(echo /usr/lib/*/cmake/Qt6WebSockets)"  # Qt6HttpServer asks for it
  need qt6-httpserver-dev test -e "$(echo /usr/lib/*/cmake/Qt6HttpServer)"
  need libprotozero-dev test -e /usr/include/protozero/pbf_reader.hpp
  need libprotobuf-dev test -e /usr/include/google/protobuf/descriptor.h
  need protobuf-compiler command -v protoc
}
