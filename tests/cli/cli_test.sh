#!/usr/bin/env bash
# The command line from outside: exit codes, messages, and that the ways to say one thing give one result.
#
#   cli_test.sh PATH/TO/asim
set -u

asim=$(realpath "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
readme=$(cd "$(dirname "$0")/../.." && pwd)/README.md
examples=$(cd "$(dirname "$0")/../../configs/examples" && pwd)
shared=$(cd "$(dirname "$0")" && pwd)/expect.sh
cd "$work" || exit 1
regenerate=${ASIM_REGENERATE:-}
limit=20
. "$shared"
export NO_COLOR=1

# json FILE KEY...: a value of a JSON file (CMake is there wherever this was built).
json() {
    local file=$1
    shift
    printf 'file(READ "%s" text)\nstring(JSON value GET "${text}" %s)\nmessage(NOTICE "${value}")\n' "$file" "$*" >json.cmake
    timeout 20 cmake -P json.cmake 2>&1
}

digest_of() {
    timeout 20 "$asim" run --json "$@" >digest.json 2>err.txt </dev/null || { cp digest.json out.txt; fail "asim run --json $*"; }
    json digest.json digest
}

turn() { printf '{"input_toks": %s, "output_toks": %s, "tool_duration_ns": %s}' "$1" "$2" "$3"; }
session() {
    local id=$1
    shift
    local IFS=,
    printf '{"session_id": "%s", "arrival_time_ns": 0, "sub_requests": [%s]}\n' "$id" "$*"
}

session a "$(turn 1000 50 1000000000)" "$(turn 1200 20 0)" >good.jsonl
session b "$(turn 2000 10 500000000)" "$(turn 2100 30 0)" >>good.jsonl
session c "$(turn 1 1 0)" >one-token.jsonl
session d "$(turn 1000 50 null)" "$(turn 1200 20 0)" >null-gap.jsonl
session e "$(turn -5 50 0)" >negative.jsonl
session f "$(turn 100000000 5 0)" >long.jsonl
session g "$(turn 100 5 0)" >>long.jsonl
head -c 60 good.jsonl >truncated.jsonl
: >empty.jsonl
printf 'workload: good.jsonl\nblock_size: 16\nrouter:\n  telemetry_period: 50ms\n' >good.yaml
printf 'workload: good.jsonl\nblock_sise: 16\nmax_num_seq: 4\n' >unknown-key.yaml
printf 'dispatch_latency: 3ms\n' >three.yaml
printf 'router:\n  telemetry_period: 50furlongs\n' >wrong-unit.yaml
cat >large.json <<'END'
{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 16384, "num_hidden_layers": 126,
 "num_attention_heads": 128, "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 53248,
 "vocab_size": 128256, "max_position_embeddings": 131072, "torch_dtype": "bfloat16", "tie_word_embeddings": false}
END

echo "usage"
expect 2 'usage: asim'
expect 0 'usage: asim' --help
expect 0 'asim [0-9]+\.[0-9]+' --version
expect 2 'did you mean run' rnu
expect 2 'did you mean --block-size' run --block-sise 16
expect 2 'needs a value' run --block-size
expect 0 'usage: asim run' run --help
expect 0 'block_size' help block-size
expect 0 '--instances' help cluster
expect 2 'no help on' help nonsense-of-all-kinds
expect 2 '--measured' validate good.yaml
expect 0 'swe-agent' list
expect 0 'llama-3.1-8b +32 +4,096' list models
expect 2 'did you mean models' list modles

echo "benchmarks"
expect 0 'against 1 thread' bench good.yaml --threads-list 1,2 --repeats 2
expect 0 'side by side' bench good.yaml --threads-list 2 --repeats 1 --control
expect 0 '"schema": "asim.bench"' bench good.yaml --threads-list 1 --repeats 1 --json
expect 0 '^7 programs' bench --generate swe-agent --request-rate 1/s --sizes 4,7 --threads-list 1 --repeats 1
expect 2 "--threads-list: .* at 'two'; allowed: 1 to 1024" bench good.yaml --threads-list 1,two
expect 2 '--sizes: .*allowed: 1 to' bench good.yaml --sizes 0
expect 2 '--repeats' bench good.yaml --repeats 1.5
expect 2 'serial engine uses one' bench good.yaml --threads-list 1,2 --synchronization serial
expect 2 'unknown option --control' run good.yaml --control

echo "studies and searches"
cat >study.yaml <<'EOF'
title: a study
source: this test
assumed: [a small cluster]
base: {generate: swe-agent, programs: 4, arrivals: zero}
axes:
  size: {one: {instances: 1}, two: {instances: 2}}
cases: {lru: {retention: lru}, ttl: {retention: ttl, policy_parameters: ttl=3s}}
metrics: {JCT mean: programs.jct_s.mean}
compare:
  - {what: size helps, metric: programs.jct_s.mean, ratio: [lru/one, lru/two], published: 1.1, tolerance: 2, gate: size}
EOF
expect 0 'agrees \(higher\)' study study.yaml
expect 0 '"schema": "asim.study"' study study.yaml --json --jobs 2
expect 0 '^lru/one ' study study.yaml --programs 3
sed 's/published: 1.1/expect: lower/' study.yaml >against.yaml
expect 5 'FAILS: contradicts' study against.yaml
sed 's/retention: lru/retentin: lru/' study.yaml >wrong.yaml
expect 2 "wrong.yaml:7:.*unknown key 'retentin'; did you mean 'retention'" study wrong.yaml
expect 2 'did you mean .policies.' study polices
expect 2 'study takes one' study
expect 0 'continuum-ablation' list studies
expect 0 '^lru, fcfs' policy search ttl --vary ttl=1s..4s:log --samples 3 good.yaml
expect 0 '"schema": "asim.policy_search"' policy search ttl --vary ttl=1s..4s --samples 3 --json --jobs 1
expect 2 "'tl' is not a parameter of ttl; allowed: ttl" policy search ttl --vary tl=1s..4s
expect 2 'nothing to vary' policy search ttl
expect 2 '--samples' policy search ttl --vary ttl=1s..4s --samples 0
expect 2 'no number of summary.json' policy search ttl --vary ttl=1s..4s --samples 1 --metric programs

echo "importing"
expect 2 'import needs --to' import good.jsonl
expect 0 'from +session JSONL' import good.jsonl --to good.asimw
expect 0 '"programs": 2' import good.jsonl --to good.asimw --json
expect 0 'columnar, from session JSONL' inspect good.asimw
expect 2 'looks like a workload; give it with --workload' run good.asimw
[ "$(digest_of --workload good.jsonl)" = "$(digest_of --workload good.asimw)" ] || fail "an imported workload runs differently"
expect 0 'programs +30' import "$examples/agents.yaml" --programs 30 --to agents.asimw
[ "$(digest_of "$examples/agents.yaml" --programs 30)" = "$(digest_of "$examples/agents.yaml" --workload agents.asimw)" ] ||
    fail "imported programs run differently"
expect 2 'exists and is no columnar' import good.jsonl --to good.yaml
expect 2 'one workload at a time' import good.jsonl good.asimw --to two.asimw
head -c 1500 good.asimw >truncated.asimw
expect 3 'truncated file' run --workload truncated.asimw

echo "a run without a file"
expect 0 'digest +v1:[0-9a-f]{32}' run
expect 0 '--out DIR' run
awk 'length($0) > 100 { exit 1 }' out.txt || fail "a line of the table is longer than 100 columns"
# The README shows this table. ASIM_REGENERATE=1 puts the present one there.
grep -Ev '^(wall time|No run folder)' out.txt | sed -e 's/^\(.\)/    \1/' -e '${/^$/d}' >table.txt
awk '/^    workload    generated/ { on = 1 } on && /^[^ ]/ { exit } on && !/^    wall time/' "$readme" | sed '${/^$/d}' >shown.txt
if [ -n "$regenerate" ]; then
    awk 'NR == FNR { table = table $0 "\n"; next }
         /^    workload    generated/ { printf "%s", table; skip = 1 }
         skip && (/^    wall time/ || /^[^ ]/) { skip = 0 }
         !skip' table.txt "$readme" >new.txt && cp new.txt "$readme"
elif ! cmp -s table.txt shown.txt; then
    cp table.txt out.txt
    diff shown.txt table.txt >err.txt
    fail "the README shows another table; ASIM_REGENERATE=1 $0 $asim brings it up to date"
fi
expect 0 'assumptions|fit|kv' run --dry-run
cp out.txt dry-run.txt
expect 0 '.' plan
cmp -s out.txt dry-run.txt || fail "plan and run --dry-run differ"

echo "input"
expect 0 '2 of 2 completed' run --workload good.jsonl
expect 3 'absent.jsonl' run --workload absent.jsonl
expect 2 'absent.yaml' run absent.yaml
expect 3 'truncated.jsonl:1' run --workload truncated.jsonl
expect 3 'negative.jsonl:1.*input_toks' run --workload negative.jsonl
expect 3 'gap' run --workload null-gap.jsonl
expect 0 '1 of 1 completed' run --workload null-gap.jsonl --missing-gap 2s
expect 0 '1 of 1 completed' run --workload one-token.jsonl
expect 3 'empty.jsonl' run --workload empty.jsonl
expect '3|4' 'long.jsonl|prompt' run --workload long.jsonl
expect 0 '1 dropped' run --workload long.jsonl --on-long-prompt drop-program
expect 0 '2 of 2 completed' run --workload long.jsonl --on-long-prompt truncate
expect 0 'session' inspect good.jsonl
expect 0 'missing gaps +1' inspect null-gap.jsonl
expect 3 'truncated.jsonl:1' inspect truncated.jsonl

echo "configuration"
expect 2 'unknown-key.yaml:2:.*block_sise.*block_size' run unknown-key.yaml
grep -q 'unknown-key.yaml:3' err.txt || fail "not all errors of the file are reported"
expect 2 'wrong-unit.yaml:2.*furlongs' run wrong-unit.yaml
grep -q 'nothing to simulate' err.txt && fail "a follow-on error of a bad file"
expect 2 'did you mean session-affinity' run --routing session-afinity
expect 2 "did you mean 'h100-sxm'" run --hardware h100
expect 2 'allreduce.latency.*needs allreduce.bandwidth' run --allreduce-latency 30us
expect 2 'leaves no lookahead to run in parallel' run --threads 4 --dispatch-latency 0
expect 2 'uses one thread' run --threads 4 --synchronization serial
expect 2 'instances' run --instances 0
expect 2 'block-size|block_size' run --block-size banana
expect 2 'PATH=VALUE' run --set block_size
expect 0 'enable_prefix_caching: off' run --no-enable-prefix-caching --print-config
expect 2 '--workload trace.jsonl' run trace.jsonl
expect 2 '--workload trace.json' run trace.json
expect 4 'fit|memory' run --model ./large.json --hardware h100-sxm

echo "one thing said in three ways"
from_file=$(digest_of good.yaml)
from_flags=$(digest_of --workload good.jsonl --block-size 16 --router-telemetry-period=50ms)
from_set=$(digest_of --set workload=good.jsonl --set block_size=16 --set router.telemetry_period=50ms)
parallel=$(digest_of good.yaml --threads 3)
serial=$(digest_of good.yaml --synchronization serial)
[ "$parallel" = "$from_file" ] && [ "$serial" = "$from_file" ] || fail "the digest depends on the engine"
case "$from_file" in v1:*) ;; *) fail "no digest: $from_file" ;; esac
[ "$from_file" = "$from_flags" ] || fail "file and flags differ: $from_file $from_flags"
[ "$from_file" = "$from_set" ] || fail "file and --set differ: $from_file $from_set"
for key in sim_time_s steps "programs jct_s p99" "turns ttft_s mean" "turns tpot_s p50" "turns e2e_s p90" \
    "turns queue_s p95" "tokens prefix_hit" "kv hit_rate" "kv preemptions" "kv evicted_blocks" "programs dropped"; do
    # shellcheck disable=SC2086
    json digest.json $key | grep -Eq '^-?[0-9.e+-]+$' || fail "no number at $key of the summary"
done
timeout 20 "$asim" run good.yaml --json >again.json 2>err.txt
cmp -s digest.json again.json || fail "the summary is not byte-identical"

whole=$(digest_of)
trimmed=$(digest_of --warmup 60s)
[ "$whole" = "$trimmed" ] || fail "a warm-up changes the digest: $whole $trimmed"
json digest.json turns warmup | grep -Eq '^[1-9][0-9]*$' || fail "a warm-up leaves out no turn"
expect 2 'warmup: 60s .*stop_at: 10s' run --warmup 60s --stop-at 10s

from_file=$(digest_of "$examples/agents.yaml")
from_flags=$(digest_of --generate swe-agent --programs 200 --seed 7 --request-rate 0.5/s --on-long-prompt drop-program \
    --model llama-3.1-8b --hardware h100-sxm --tensor-parallel-size 1 --gpu-memory-utilization 0.9 \
    --max-model-len 65536 --max-num-seqs 256 --max-num-batched-tokens 8192 --enable-prefix-caching --instances 4 \
    --routing session-affinity --dispatch-latency 1ms --router-telemetry-period 100ms --router-pressure-limit 95%)
[ "$from_file" = "$from_flags" ] || fail "the example and its flags differ: $from_file $from_flags"
from_file=$(digest_of good.yaml)

echo "residency"
rm -rf residency
expect 0 'residency of KV' run good.yaml --residency-at 100ms
expect 0 'run folder: residency' run good.yaml --residency-at 100ms,250ms --residency-every 200ms --out residency
grep -q '"residency.jsonl"' residency/manifest.json || fail "the manifest does not list residency.jsonl"
times=$(sed 's/,.*//' residency/residency.jsonl | uniq | head -n 4 | tr -d '\n')
[ "$times" = '{"time_s":0.1{"time_s":0.2{"time_s":0.25{"time_s":0.4' ] || fail "residency at other instants: $times"
[ "$(json residency/summary.json digest)" = "$from_file" ] || fail "to ask for residency changes the digest"
expect 2 "'5s,5s' is not a list of instants; allowed: durations above 0" run good.yaml --residency-at 5s,5s
expect 2 'residency_at: 5s .* is kept in no checkpoint; it does not go with checkpoint_every' run good.yaml \
    --residency-at 5s --checkpoint-every 1min --out never
expect 2 'residency_every: 5s .* is for one process; it does not go with transport' run good.yaml \
    --residency-every 5s --transport mpi

echo "resolved configuration"
expect 0 'block_size' run good.yaml --print-config --set block_size=32
cp out.txt first.yaml
expect 0 'block_size: 32' run first.yaml --print-config
cmp -s out.txt first.yaml || fail "--print-config does not read back to itself"
expect 0 'good.yaml' run good.yaml --print-config --origin
expect 2 '--origin' run --origin

echo "validation"
request() {
    printf '{"input_toks": %s, "output_toks": %s, "arrival_time": 1000.0, "queued_ts": 5.0, "scheduled_ts": 5.01,' "$1" "$2"
    printf ' "first_token_ts": 5.05, "last_token_ts": 5.5}\n'
}
printf '{"input_toks": 500, "output_toks": 40, "arrival_time_ns": 0}\n' >one-turn.jsonl
request 500 40 >measured.jsonl
request 500 41 >other.jsonl
: >none.jsonl
validate=(validate --workload one-turn.jsonl --measured)
expect 0 'dispatch +0 s' "${validate[@]}" measured.jsonl
expect 0 'error +mean [0-9.]+%, worst [0-9.]+% of 15 statistics' "${validate[@]}" measured.jsonl
[ "$(wc -l <out.txt)" -le 24 ] || fail "the comparison is longer than a screen"
expect 0 'dispatch +2.00 ms' "${validate[@]}" measured.jsonl --dispatch-latency 2ms
expect 0 'dispatch_latency: 3ms' "${validate[@]}" measured.jsonl three.yaml --print-config
expect 0 'dispatch_latency: 0s +# validate:1' "${validate[@]}" measured.jsonl --print-config --origin
expect 0 '"schema": "asim.validation"' "${validate[@]}" measured.jsonl --json
expect 3 'other.jsonl:1: .*turn 1 of the workload' "${validate[@]}" other.jsonl
expect 3 'none.jsonl' "${validate[@]}" none.jsonl
expect 3 'absent.jsonl' "${validate[@]}" absent.jsonl
expect 2 'unknown-key.yaml:2' "${validate[@]}" measured.jsonl unknown-key.yaml
expect 2 'nothing to simulate' validate --measured measured.jsonl

echo "the run folder"
expect 0 'run folder: results' run good.yaml --out results --turns-csv
for file in manifest.json config.resolved.yaml summary.json programs.csv turns.csv; do
    [ -s "results/$file" ] || fail "no results/$file"
done
[ "$(json results/summary.json digest)" = "$from_file" ] || fail "the folder's digest differs"
[ "$(json results/manifest.json digest)" = "$from_file" ] || fail "the manifest's digest differs"
[ "$(wc -l <results/programs.csv)" = 3 ] || fail "programs.csv has not one row per program"
[ "$(wc -l <results/turns.csv)" = 5 ] || fail "turns.csv has not one row per turn"
[ "$(digest_of results/config.resolved.yaml)" = "$from_file" ] || fail "config.resolved.yaml gives another digest"
echo mine >results/notes.txt
expect 0 'run folder' run good.yaml --out results
[ ! -e results/turns.csv ] || fail "a file of the earlier run is still there"
[ -e results/notes.txt ] || fail "a file that no run wrote is gone"
mkdir foreign && echo mine >foreign/thesis.tex
expect 2 'foreign.*not empty' run good.yaml --out foreign
[ "$(ls foreign)" = thesis.tex ] || fail "the foreign folder was touched"
expect 1 '/proc/asim-results' run good.yaml --out /proc/asim-results
expect 2 'good.yaml' run good.yaml --out good.yaml
find . -maxdepth 1 -name '*.tmp-*' | grep -q . && fail "a temporary folder is left"

echo "progress and interruption"
expect 0 '"programs_done"|digest' run good.yaml --progress json
expect 2 'progress' run good.yaml --progress sometimes
# -s KILL: a run that does not end when asked to must not hang the test. --foreground: it is told once, not as a group too.
timeout --foreground -s KILL 20 "$asim" run --programs 100000000 --request-rate 1/s --instances 4 --progress json --out partial \
    >out.txt 2>err.txt </dev/null &
pid=$!
for _ in $(seq 100); do
    grep -q programs_done err.txt && break
    sleep 0.1
done
kill -INT "$pid"
wait "$pid"
code=$?
[ "$code" = 130 ] || fail "interrupted: exit code $code, expected 130"
grep -q INTERRUPTED out.txt || fail "interrupted: the table does not say so"
[ "$(json partial/summary.json interrupted)" = ON ] || fail "interrupted: the summary does not say so"
[ "$(json partial/manifest.json interrupted)" = ON ] || fail "interrupted: the manifest does not say so"

if [ "$failures" -gt 0 ]; then
    printf '%d failed\n' "$failures"
    exit 1
fi
echo "all passed"
