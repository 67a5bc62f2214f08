#!/usr/bin/env bash
# One simulation by 1, 2 and 4 ranks of MPI, and by 2 ranks of 2 threads: the summary is that of one process, byte for
# byte. Usage: ranks_test.sh ASIM MPIEXEC
set -euo pipefail

asim=$1
mpiexec=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1

check() {
    "$asim" run --json --progress none "$@" >"$folder/alone.json"
    for ranks in 1 2 4; do
        "$mpiexec" -n "$ranks" "$asim" run --json --progress none --transport mpi "$@" >"$folder/ranks.json"
        cmp "$folder/alone.json" "$folder/ranks.json" || { echo "$ranks ranks differ: $*"; exit 1; }
    done
    "$mpiexec" -n 2 "$asim" run --json --progress none --transport mpi --threads 2 "$@" >"$folder/ranks.json"
    cmp "$folder/alone.json" "$folder/ranks.json" || { echo "2 ranks of 2 threads differ: $*"; exit 1; }
}

load=(--generate synthetic --programs 600 --instances 24 --partition 3)
check "${load[@]}" --request-rate 25/s
check "${load[@]}" --request-rate 25/s --router-view exact --synchronization windows
check "${load[@]}" --request-rate 25/s --routing round-robin --stop-at 20s
check "${load[@]}" --request-rate 25/s --routing least-loaded --warmup 5s
check "${load[@]}" --max-concurrency 200 --client-setup 20ms
check "${load[@]}" --request-rate 25/s --retention hints --hints noisy --kv-pool-tokens 60000 --tiers-dram 2GiB \
    --tiers-nvme 8GiB --offload-engine vllm --max-model-len 32768 --on-long-prompt drop-program --slo-ttft 1s --slo-jct 2min \
    --belady-ratio
check "${load[@]}" --arrivals zero --instances 2 # most ranks have no instance

mkdir "$folder/out"
"$mpiexec" -n 2 "$asim" run "${load[@]}" --request-rate 25/s --transport mpi --out "$folder/out" >"$folder/printed"
test "$(grep -c '^digest' "$folder/printed")" -eq 1
test -s "$folder/out/summary.json"
