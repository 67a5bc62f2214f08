#!/usr/bin/env bash
# From a bare machine to a first result: installs what is needed, builds, runs the embedded scenario.
set -euo pipefail
cd "$(dirname "$0")/.."

tools/install-deps.sh
cmake --preset release >/dev/null
cmake --build --preset release --target asim
echo
exec build/release/asim run "$@"
