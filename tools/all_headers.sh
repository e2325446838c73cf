#!/usr/bin/env bash
# Prints #include lines for all headers, but for the adapters of frameworks that need not be installed, and what needs a
# Boost that is not here.
set -euo pipefail
cd "$(dirname "$0")/../include"
find inngest -name '*.hpp' -not -path 'inngest/adapters/*' -not -name aggregates.hpp | sort | sed 's/.*/#include <&>/'
for adapter in cgi httplib lambda; do echo "#include <inngest/adapters/$adapter.hpp>"; done
