#!/usr/bin/env bash
# Installs what is needed, builds, and runs the quick and default test tiers. `tools/test.sh long` adds the long tier;
# ASIM_PRESET chooses another preset (debug, asan, tsan).
set -euo pipefail
cd "$(dirname "$0")/.."

preset=${ASIM_PRESET:-release}
jobs=$(nproc)

tools/install-deps.sh
cmake --preset "$preset"
cmake --build --preset "$preset" --parallel "$jobs"
ctest --preset "$preset" --parallel "$jobs"
if [ "${1:-}" = long ]; then
    ctest --test-dir "build/$preset" --label-regex long --output-on-failure --parallel "$jobs"
fi
