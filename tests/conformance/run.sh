#!/usr/bin/env bash
# Runs the conformance cases and prints a table: on the real server if INNGEST_CLI names its program, otherwise on the
# embedded engine. The tests must have been built (tests/run.sh). Arguments are those of run.py.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
if [ -n "${INNGEST_CLI:-}" ]; then server=real; else server=engine; fi
exec python3 "$here/run.py" --server "$server" "$@"
