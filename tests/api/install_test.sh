#!/usr/bin/env bash
# What `cmake --install` puts into a prefix is enough to build against, shared and static, and gives the results of the
# command line; the shared library exports the names of include/asim alone. Exit status 77: cannot be tested here.
#
#   install_test.sh BUILD_FOLDER INSTRUMENTATION
set -euo pipefail

build=$1
instrumentation=${2:-}
here=$(cd "$(dirname "$0")" && pwd)
if [ -n "$instrumentation" ]; then
    echo "skipped: programs outside the build lack the instrumentation of this one"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for name in $(compgen -e | grep '^ASIM_'); do unset "$name"; done

timeout 60 cmake --install "$build" --prefix "$work/first" >/dev/null
mv "$work/first" "$work/prefix" # an installed tree can be moved
libraries=$(dirname "$(find "$work/prefix" -name libasim.a)")
export PKG_CONFIG_PATH=$libraries/pkgconfig

exported=$(nm -D --defined-only "$libraries/libasim.so" | awk '{print $NF}')
others=$(grep -v '^asim_' <<<"$exported" || true)
[ -z "$others" ] || { printf 'exported besides asim_*:\n%s\n' "$others"; exit 1; }
for name in $(grep -ho 'asim_[a-z_]*(' "$work/prefix/include/asim/asim.h" "$work/prefix/include/asim/status.h" |
    tr -d '(' | sort -u); do
    grep -qx "$name" <<<"$exported" || { echo "declared, not exported: $name"; exit 1; }
done
readelf -d "$libraries/libasim.so" | grep -q 'SONAME.*\[libasim\.so\.0\]' || { echo "no soname libasim.so.0"; exit 1; }

cc=${CC:-cc}
# shellcheck disable=SC2046
"$cc" -std=c17 -Wall -Wextra -Werror -o "$work/shared" "$here/install/main.c" $(pkg-config --cflags --libs asim)
# shellcheck disable=SC2046
"$cc" -std=c17 -Wall -Wextra -Werror -o "$work/static" "$here/install/main.c" \
    $(pkg-config --static --cflags --libs asim | sed 's/-lasim\b/-l:libasim.a/')

timeout 20 "$work/prefix/bin/asim" run --programs 5 --json >"$work/expected.json"
LD_LIBRARY_PATH=$libraries timeout 20 "$work/shared" >"$work/shared.json"
timeout 20 "$work/static" >"$work/static.json"
cmp "$work/expected.json" "$work/shared.json"
cmp "$work/expected.json" "$work/static.json"
ldd "$work/static" | grep -q libasim && { echo "the static program needs libasim.so"; exit 1; }
echo "passed"
