#!/usr/bin/env bash
# Prints #include lines for all headers, but for those of packages that need not be installed.
set -euo pipefail
cd "$(dirname "$0")/../include"
find inngest -name '*.hpp' -not -path 'inngest/adapters/*' -not -name aggregates.hpp -not -path 'inngest/connect*' \
  -not -path 'inngest/embedded/connect_gateway*' -not -path 'inngest/embedded/detail/gateway_*' \
  -not -path 'inngest/embedded/detail/worker_*' -not -name postgresql.hpp -not -name pqxx.hpp -not -name spdlog.hpp | sort | sed 's/.*/#include <&>/'
for adapter in cgi httplib lambda; do echo "#include <inngest/adapters/$adapter.hpp>"; done
