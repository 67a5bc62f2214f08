# What the tests of the command line share, to be sourced. They give $asim, the program, and $limit, the seconds that one
# run may take; here are $failures, fail and expect.

for name in $(compgen -e | grep '^ASIM_'); do unset "$name"; done

failures=0
fail() {
    failures=$((failures + 1))
    printf 'FAILED: %s\n' "$1"
    sed 's/^/    stdout: /' out.txt | head -20
    sed 's/^/    stderr: /' err.txt | head -20
}

# expect "CODE[|CODE]" PATTERN ARGUMENTS...: runs asim; the pattern (extended, any case) must be in what it printed.
expect() {
    local codes=$1 pattern=$2
    shift 2
    timeout "$limit" "$asim" "$@" >out.txt 2>err.txt </dev/null
    local code=$?
    case "|$codes|" in
    *"|$code|"*) ;;
    *) fail "asim $*: exit code $code, expected $codes" && return ;;
    esac
    if ! cat out.txt err.txt | grep -Eiq -- "$pattern"; then
        fail "asim $*: no '$pattern' in the output"
    fi
    if [ "$code" != 0 ] && [ "$code" != 130 ] && ! grep -Eq '^error: |^usage: ' err.txt; then
        fail "asim $*: no 'error: ' line on standard error"
    fi
}
