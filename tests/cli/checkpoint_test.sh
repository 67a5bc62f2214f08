#!/usr/bin/env bash
# Runs that are killed and go on: whatever the moments and the numbers of threads, the summary is that of the uncut run.
#
#   checkpoint_test.sh PATH/TO/asim
set -u

asim=$(realpath "$1")
work=$(mktemp -d)
pid=
trap '[ -n "$pid" ] && kill -9 "$pid" 2>/dev/null; rm -rf "$work"' EXIT
shared=$(cd "$(dirname "$0")" && pwd)/expect.sh
cd "$work" || exit 1
limit=300
. "$shared"

# start ARGUMENTS...: in the background, as $pid.
start() {
    "$asim" "$@" >out.txt 2>err.txt </dev/null &
    pid=$!
}

# end SIGNAL: exit code in $code.
end() {
    kill "$1" "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    code=$?
    pid=
}

# Until a checkpoint is in the folder, or the run has ended.
await() {
    for _ in $(seq 3000); do
        [ -e "$1/checkpoint.asimsave" ] && return
        kill -0 "$pid" 2>/dev/null || return
        sleep 0.01
    done
}

milliseconds() { echo $(($(date +%s%N) / 1000000)); }
pause() { sleep "0.$(printf '%03d' $((150 + RANDOM % 600)))"; }

# As many programs as run for some seconds here, in any build.
options=(--generate synthetic --instances 48 --request-rate 150 --synthetic-turns "geometric(mean=6, max=30)" --progress none)
began=$(milliseconds)
expect 0 completed run "${options[@]}" --programs 500
took=$(($(milliseconds) - began))
programs=$((500 * 3000 / (took > 10 ? took : 10)))
[ "$programs" -lt 60000 ] || programs=60000
[ "$programs" -gt 600 ] || programs=600
options+=(--programs "$programs")
echo "$programs programs"
expect 0 digest run "${options[@]}" --out uncut --json
same() { cmp -s uncut/summary.json "$1/summary.json" || fail "$2: another summary than that of the uncut run"; }

echo "killed"
start run "${options[@]}" --out killed --checkpoint-every 200ms
kills=0
for threads in 1 3 1 2 4 1 3 2; do
    pause
    kill -0 "$pid" 2>/dev/null || break
    end -9
    kills=$((kills + 1))
    if [ -e killed/checkpoint.asimsave ]; then
        start run --resume killed --threads "$threads"
    else
        start run "${options[@]}" --out killed --checkpoint-every 200ms
    fi
done
wait "$pid"
code=$?
pid=
[ "$code" = 0 ] || fail "the run that was killed $kills times: exit code $code"
[ "$kills" -gt 0 ] || echo "(it was over before it could be killed)"
same killed "killed $kills times"
[ -e killed/checkpoint.asimsave ] && fail "the finished run keeps its checkpoint"
ls -A killed | grep -q 'tmp-' && fail "the finished run keeps a checkpoint that was being written"
echo "$kills times"

echo "interrupted"
start run "${options[@]}" --out stopped --checkpoint-every 50ms
await stopped
end -INT
if [ "$code" = 130 ]; then
    grep -q 'asim run --resume stopped' err.txt || fail "an interrupted run does not say how it goes on"
    grep -q '"interrupted": true' stopped/manifest.json || fail "the manifest does not say that the run was interrupted"
    [ -e stopped/summary.json ] || fail "there are no partial results"
    cp -r stopped moved
    expect 0 digest run --resume stopped --json --stepping steady --partition 3
    same stopped "interrupted"
    expect 0 'run folder: elsewhere' run --resume moved --out elsewhere --window 40ms
    same elsewhere "interrupted, moved and written elsewhere"
    [ -e moved/checkpoint.asimsave ] || fail "going on elsewhere took the checkpoint away"
else
    fail "the run that was interrupted: exit code $code"
fi

echo "refused"
expect 2 'needs --out' run "${options[@]}" --checkpoint-every 1s
expect 2 'checkpoint_every.*does not go with.*synchronization' run "${options[@]}" --out x --checkpoint-every 1s \
    --synchronization serial
expect 2 'no run was written there' run --resume absent
expect 2 'has ended' run --resume uncut
expect 2 'exclude each other' run --resume moved --dry-run
expect 2 'seed cannot change on the way: it is 1 there, and 7 is given' run --resume moved --seed 7
expect 2 'instances cannot change' run --resume moved --set instances=3
expect 2 'request_rate cannot change' run --resume moved --max-concurrency 10
expect 2 'does not go with synchronization: serial' run --resume moved --synchronization serial
mkdir begun && cp moved/config.resolved.yaml begun
sed 's/"interrupted": true/"in_progress": true/' moved/manifest.json >begun/manifest.json
expect 2 'before its first checkpoint' run --resume begun
cp moved/checkpoint.asimsave whole
head -c 5000 whole >moved/checkpoint.asimsave
expect 3 'checkpoint.asimsave.*damaged' run --resume moved
{ head -c 3000 whole && printf 'x' && tail -c +3002 whole; } >moved/checkpoint.asimsave
expect 3 'checkpoint.asimsave.*damaged' run --resume moved
echo "no checkpoint" >moved/checkpoint.asimsave
expect 3 'is not a saved state' run --resume moved
cp whole moved/checkpoint.asimsave
sed -i 's/^seed: 1$/seed: 2/' moved/config.resolved.yaml
expect 3 'written with seed: 1.*this run has 2' run --resume moved

"$asim" import "${options[@]}" --to programs.asimw >out.txt 2>err.txt
options=(--workload programs.asimw --request-rate 150 --instances 48 --progress none)
start run "${options[@]}" --out file --checkpoint-every 50ms
await file
end -INT
if [ "$code" = 130 ]; then
    cp programs.asimw kept.asimw
    printf 'x' >>programs.asimw
    expect 3 'programs.asimw has changed since the run began' run --resume file
    rm programs.asimw
    expect 1 'programs.asimw.*cannot be read' run --resume file
    mv kept.asimw programs.asimw
    expect 0 digest run --resume file --json
    expect 0 digest run "${options[@]}" --out file-uncut --json
    cmp -s file/summary.json file-uncut/summary.json || fail "a columnar workload goes on differently"
else
    fail "the run of a columnar workload that was interrupted: exit code $code"
fi

[ "$failures" = 0 ] && echo "all good"
exit "$((failures > 0))"
