# shellcheck shell=bash
#
# What the tests of adapters need: to be sourced after packages.sh. An adapter whose package is missing is not tested.

need_adapter_packages() {
  need libboost1.81-dev test -e /usr/include/boost/beast.hpp
}
