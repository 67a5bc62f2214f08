#!/usr/bin/env bash
# Policies of users, from outside: written, built, tested and run; and bad ones, each of which gets an error that says
# what is wrong.
#
#   policy_test.sh PATH/TO/asim SANITIZERS
set -u

asim=$(realpath "$1")
sanitizers=${2:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
examples=$(cd "$(dirname "$0")/../../docs/examples" && pwd)
shared=$(cd "$(dirname "$0")" && pwd)/expect.sh
cd "$work" || exit 1
limit=60
. "$shared"
export NO_COLOR=1
mkdir tmp
export TMPDIR=$work/tmp # what is left behind there is of this test
export ASAN_OPTIONS=handle_segv=0:handle_abort=0:detect_leaks=0
unset CC

if ! command -v cc >/dev/null; then
    echo "no C compiler: skipped"
    exit 77
fi

digest_of() {
    timeout 60 "$asim" run --json "$@" >out.txt 2>err.txt </dev/null || fail "asim run --json $*"
    grep '"digest"' out.txt
}

echo "the verb"
expect 2 'new NAME' policy
expect 2 'did you mean build' policy bild x.c
expect 2 'takes one NAME; 0 are given' policy new
expect 2 'takes one FILE.c; 2 are given' policy build a.c b.c
expect 0 'usage: asim policy' policy --help
expect 0 'session-affinity' policy show session-affinity
grep -q 'pressure_limit  *0.95  *number, 0 to 1' out.txt || fail "show says nothing of the parameters"
expect 2 'did you mean session-affinity' policy show session-afinity
expect 0 '"oracle": false' list policies --json
expect 0 'load_limit=2 \(number, >= 1\)' list policies

echo "from new to run"
expect 0 'mine.c' policy new mine
expect 1 'mine.c: File exists' policy new mine
expect 2 'no name' policy new 'a b'
expect 0 'mine.so' policy build mine.c
expect 0 'functions +on_turn_complete' policy show mine.so
grep -q 'ttl  *2s  *duration, 0s to 3600s' out.txt || fail "show says nothing of ttl"
expect 0 'deterministic +yes' policy test mine.so
expect 0 'ttl=2s' policy test ./mine.so --policy-parameters ttl=5s
expect 0 'retention: mine; scheduling: fcfs; routing: session-affinity' run --policy ./mine.so
expect 0 '"retention": "mine"' run --retention ./mine.so --policy-parameters mine.ttl=1s --json
expect 2 "ttl: '5' needs a unit" run --policy ./mine.so --policy-parameters ttl=5
expect 2 "'tttl' is not a parameter; allowed: mine.ttl \(duration, 0s to 3600s\)" \
    run --policy ./mine.so --policy-parameters tttl=5s
expect 2 "routing: './mine.so' is a policy of retention" run --routing ./mine.so
expect 2 "'mine.so' is not a policy.*path of a shared object" run --policy mine.so

echo "the examples of the documentation"
for example in "$examples"/*.c; do
    name=$(basename "$example" .c)
    cp "$example" .
    expect 0 "$name.so" policy build "$name.c"
    [ -s err.txt ] && fail "$name.c does not compile without a warning"
    expect 0 'deterministic +yes' policy test "$name.so"
    expect 0 "$name" run --policy "./$name.so"
done
one=$(digest_of --routing ./two-choices.so --instances 8)
two=$(digest_of --routing ./two-choices.so --instances 8 --threads 2 --window 20ms)
serial=$(digest_of --routing ./two-choices.so --instances 8 --synchronization serial)
[ "$one" = "$two" ] && [ "$one" = "$serial" ] || fail "random routing is not the same in every engine: $one $two $serial"
other=$(digest_of --routing ./two-choices.so --instances 8 --seed 2)
[ "$one" != "$other" ] || fail "random routing does not depend on the seed"

echo "building"
echo 'int x = y;' >wrong.c
expect 3 "wrong.c does not compile" policy build wrong.c
grep -q "undeclared\|wrong.c:1" err.txt || fail "the compiler's own message is lost"
expect 3 'absent.c: No such file' policy build absent.c
expect 2 'is no C file' policy build mine.so
CC=no-such-compiler expect 2 'no-such-compiler cannot be run' policy build mine.c
TMPDIR=$work/absent expect 1 "no folder for asim/policy.h can be made in $work/absent: No such file" policy build mine.c
CC="cc -DX=1" expect 0 'mine.so' policy build mine.c
ls -d "$TMPDIR"/asim-policy.tmp-* >/dev/null 2>&1 && fail "a temporary folder is left behind"

# policy NAME FIELDS [BODY]: a policy whose table has the given fields besides the head, with BODY before the table.
policy() {
    cat >"$1.c" <<END
#include <asim/policy.h>
#include <math.h>
#include <stdlib.h>
#define HEAD .struct_size = sizeof(struct asim_policy), .abi_major = ASIM_POLICY_ABI_MAJOR, .abi_minor = ASIM_POLICY_ABI_MINOR
static uint32_t home(const struct asim_routing *r, const struct asim_request *q) { (void)r; (void)q; return 0; }
${3:-}
static const struct asim_policy table = {$2};
const struct asim_policy *asim_policy(void) { (void)home; return &table; }
END
    "$asim" policy build "$1.c" >out.txt 2>err.txt || fail "$1.c does not build"
}

# refused NAME PATTERN FIELDS [BODY]
refused() {
    policy "$1" "$3" "${4:-}"
    expect 2 "$2" run --policy "./$1.so"
}

echo "bad objects"
echo "no object" >text.so
expect 2 'text.so: is no policy that can be loaded' run --policy ./text.so
expect 2 'absent.so: is no policy that can be loaded.*No such file' run --policy ./absent.so
echo 'int nothing;' >nothing.c
expect 0 nothing.so policy build nothing.c
expect 2 'nothing.so: has no function asim_policy; expected' run --policy ./nothing.so
printf '#include <asim/policy.h>\nconst struct asim_policy *asim_policy(void) { return NULL; }\n' >null.c
expect 0 null.so policy build null.c
expect 2 'null.so: its asim_policy returns NULL' run --policy ./null.so
refused major 'is built for policy ABI 2.0; this asim has 1.2' \
    '.struct_size = sizeof table, .abi_major = 2, .name = "x", .route = home'
refused minor 'policy ABI 1.7, with a table of [0-9]+ bytes; this asim has 1.2' \
    '.struct_size = sizeof table, .abi_major = 1, .abi_minor = 7, .name = "x", .route = home'
refused longer 'a table of 4096 bytes; this asim has 1.2' \
    '.struct_size = 4096, .abi_major = 1, .name = "x", .route = home'
refused empty 'struct_size 0; expected' '.abi_major = 1, .name = "x", .route = home'
refused nameless 'has no name' 'HEAD, .route = home'
refused useless 'no function of retention, scheduling or routing' 'HEAD, .name = "x"'
refused hungry 'asks for a state of .* bytes; allowed' 'HEAD, .name = "x", .route = home, .state_size = 1ul << 40'
refused flags 'has flags 0x8000' 'HEAD, .name = "x", .route = home, .flags = 0x8000'
refused many 'has 17 parameters; allowed: up to 16' 'HEAD, .name = "x", .route = home, .parameters = p, .n_parameters = 17' \
    'static const struct asim_parameter p[17];'
parameters='HEAD, .name = "x", .route = home, .parameters = p, .n_parameters = sizeof p / sizeof p[0]'
refused twice 'two parameters are named a' "$parameters" \
    'static const struct asim_parameter p[] = {{"a", "", ASIM_NUMBER, 1, 0, 2}, {"a", "", ASIM_NUMBER, 1, 0, 2}};'
refused range 'parameter a allows 2 to 1' "$parameters" \
    'static const struct asim_parameter p[] = {{"a", "", ASIM_NUMBER, 1, 2, 1}};'
refused default 'the default of parameter a is 3; allowed: number, 0 to 2' "$parameters" \
    'static const struct asim_parameter p[] = {{"a", "", ASIM_NUMBER, 3, 0, 2}};'

echo "bad answers"
policy outside 'HEAD, .name = "outside", .route = away' \
    'static uint32_t away(const struct asim_routing *r, const struct asim_request *q) { return q->turn == 2 ? r->n_instances : 0; }'
for engine in windows serial; do
    expect 1 'policy outside: route answered instance 2 for turn 2 of program [0-9]+; allowed: 0 to 1' \
        run --policy ./outside.so --synchronization "$engine"
done
expect 1 'policy outside: route answered' run --policy ./outside.so --threads 2
expect 1 'policy outside: route answered' policy test outside.so
policy moody 'HEAD, .name = "moody", .route = away' \
    'static unsigned n; static uint32_t away(const struct asim_routing *r, const struct asim_request *q) { (void)q; return n++ / 5 % r->n_instances; }'
expect 1 'is not deterministic: run 1' policy test moody.so

echo "crashes"
case "$sanitizers" in
*thread*) ;;
*)
    policy segv 'HEAD, .name = "careless", .route = away' \
        'static uint32_t away(const struct asim_routing *r, const struct asim_request *q) { (void)r; return q->turn == 3 ? *(volatile uint32_t *)8 : 0; }'
    expect 1 'error: policy careless has crashed in its function route \(SIGSEGV\)' run --policy ./segv.so
    expect 1 'policy careless has crashed' policy test ./segv.so
    policy abort 'HEAD, .name = "quitter", .route = home, .start = start' \
        'static void start(const struct asim_context *c) { (void)c; abort(); }'
    expect 1 'policy quitter has crashed in its function start \(SIGABRT\)' run --policy ./abort.so
    printf '#include <stdlib.h>\nvoid *asim_policy(void) { abort(); }\n' >entry.c
    expect 0 entry.so policy build entry.c
    expect 1 'policy ./entry.so has crashed in its function asim_policy' policy show entry.so
    ;;
esac

echo "identity"
policy oracle 'HEAD, .name = "seer", .route = home, .flags = ASIM_POLICY_ORACLE'
expect 0 'an oracle sees the future' run --policy ./oracle.so
expect 0 '"oracle": true' run --policy ./oracle.so --json
expect 0 completed run --routing ./two-choices.so --out kept
grep -q '"path": "./two-choices.so"' kept/manifest.json || fail "the manifest does not name the shared object"
grep -A2 two-choices.so kept/manifest.json | grep -q xxh3_128 || fail "the manifest has no hash of the shared object"
mkdir run
timeout 60 "$asim" run --generate synthetic --instances 8 --request-rate 50 --programs 20000 --routing ./two-choices.so \
    --out run --checkpoint-every 50ms --progress none >out.txt 2>err.txt </dev/null &
pid=$!
for _ in $(seq 500); do
    [ -e run/checkpoint.asimsave ] && break
    sleep 0.02
done
kill -INT "$pid"
wait "$pid"
sed 's/2.0, 1.0, 1000.0/2.0, 1.0, 999.0/' "$examples/two-choices.c" >two-choices.c
expect 0 two-choices.so policy build two-choices.c
timeout 60 "$asim" run --resume run >out.txt 2>err.txt </dev/null
code=$?
grep -q 'two-choices.so has changed since the run began' err.txt || fail "resumed with another policy (exit code $code)"

if [ "$failures" != 0 ]; then
    echo "$failures failed"
    exit 1
fi
echo "all passed"
