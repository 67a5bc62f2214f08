#!/usr/bin/env bash
# Installs what building and testing need, on Debian 12 or a relative of it. Does nothing when it is all there.
#
#   install-deps.sh [--mpi]        --mpi: also what builds with ASIM_MPI need
set -euo pipefail

packages=(
    gcc g++ cmake ninja-build pkg-config
    libyaml-dev libjansson-dev libsimdjson-dev      # configuration, JSON
    libzstd-dev zlib1g-dev                          # compressed workloads
    libxxhash-dev librandom123-dev libsleef-dev     # digests, random numbers, elementary functions
    libjemalloc-dev libhwloc-dev                    # memory of the command line, cores and NUMA nodes
    libcmocka-dev libbenchmark-dev                  # tests, benchmarks
)
case "$*" in
    "") ;;
    --mpi) packages+=(libopenmpi-dev openmpi-bin) ;; # several processes
    *)
        echo "usage: $0 [--mpi]" >&2
        exit 2
        ;;
esac

missing=()
for package in "${packages[@]}"; do
    if ! dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed; then
        missing+=("$package")
    fi
done
if [ ${#missing[@]} -eq 0 ]; then
    exit 0
fi

if ! command -v apt-get >/dev/null; then
    echo "no apt-get here; install the equivalents of: ${missing[*]}" >&2
    exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo)
fi
export DEBIAN_FRONTEND=noninteractive
echo "installing: ${missing[*]}"
# The package lists of a fresh machine are absent or old: try without, refresh when that fails.
if ! "${as_root[@]}" apt-get install -y --no-install-recommends "${missing[@]}" >/dev/null 2>&1; then
    "${as_root[@]}" apt-get update -q
    "${as_root[@]}" apt-get install -y --no-install-recommends "${missing[@]}"
fi
