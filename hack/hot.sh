#!/usr/bin/env bash
# Finds out which objects of the lean program a running controller executes, and writes hack/hot.ld,
# by which the linker lays them side by side: pages nobody runs are then never mapped.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'TXT'
usage: hack/hot.sh

Runs the lean program under callgrind against devcluster with the revisions of samples/, and writes
the objects it executed into hack/hot.ld. An object that is missing there costs memory, nothing
else: run it again when `VmRSS` of an idle controller has grown. Needs valgrind and kubectl.
TXT
}

case "${1:-}" in
  -h | --help) usage; exit 0 ;;
esac
hack/deps.sh guards demo
hack/build.sh lean autoscaler-keda-hpa
hack/build.sh release devcluster
program=$PWD/build-lean/autoscaler-keda-hpa
kubectl=$(command -v kubectl || echo build/e2e/bin/kubectl)

work=$(mktemp -d)
started=()
trap '[ ${#started[@]} -eq 0 ] || kill "${started[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT
build/devcluster --dir "$work" >"$work/devcluster" 2>&1 &
started+=($!)
until [ -s "$work/kubeconfig" ]; do sleep 0.1; done
probes=$((20000 + $$ % 10000))
SYSTEM_NAMESPACE=knative-serving PROBES_PORT=$probes METRICS_PROMETHEUS_PORT=$((probes + 1)) \
  SCALER_PORT=0 \
  valgrind -q --tool=callgrind --dump-instr=yes --compress-pos=no --compress-strings=no \
  --callgrind-out-file="$work/calls" "$program" run --kubeconfig "$work/kubeconfig" \
  >"$work/log" 2>&1 &
started+=($!)
controller=$!
until curl -sf -o /dev/null "http://127.0.0.1:$probes/readiness"; do
  kill -0 "$controller" || { cat "$work/log" >&2; exit 1; }
  sleep 0.5
done
"$kubectl" --kubeconfig "$work/kubeconfig" apply --validate=false -f samples/ >/dev/null
sleep 20 # two rounds of the stand-in's HPAs
curl -sf -o /dev/null "http://127.0.0.1:$((probes + 1))/metrics"
kill "$controller"
wait "$controller" || true

# Addresses as 16 digits, so that sorting them as text is sorting them; as in the file, not as
# valgrind loaded it: main tells the difference.
executed() {
  local loaded at here
  loaded=$(awk '/^fn=main$/ { getline; print $1; exit }' "$work/calls")
  at=$(nm "$program.debug" | awk '$3 == "main" { print "0x" $1 }')
  grep -oE '^0x[0-9a-f]{1,7} ' "$work/calls" | sort -u |
    while read -r here; do printf '%016x run\n' $((here - loaded + at)); done
}
placed() {
  awk '
    /^Linker script and memory map/ { on = 1 }
    !on { next }
    /^ \.text[^ ]*$/ { name = 1; next }
    /^ \.text[^ ]* +0x/ { sub(/^ [^ ]+/, ""); name = 1 }
    name && NF == 3 && $2 != "0x0" { a = substr($1, 3); print a, "at", $3 }
    { name = 0 }' "$program.map"
}
objects() {
  { executed; placed; } | LC_ALL=C sort -k1,1 -k2,2 |
    awk '$2 == "at" { object = $3 } $2 == "run" && !seen[object]++ { print object }' |
    sed -nE 's/^.*\/(lib[^/]*\.a)\((.*)\)$/*\1:\2/p; s/^(lib[^/]*\.a)\((.*)\)$/*\1:\2/p; s/^CMakeFiles.*(\/cmd\/.*\.o)$/*\1/p' |
    LC_ALL=C sort
}

{
  cat <<'TXT'
/*
 * Written by hack/hot.sh: the objects that a running controller executes, side by side. What is for
 * other processors than valgrind's stands at the end.
 */
SECTIONS
{
	.text.run :
	{
TXT
  objects | sed 's/.*/\t\t&(.text .text.*)/'
  for variants in 'libcrypto.a:*x86_64*' 'libcrypto.a:*avx*' 'libcrypto.a:*armv8*' 'libc.a:*-evex*' \
    'libc.a:*-avx*' 'libc.a:*-sse*' 'libc.a:dl-*' 'libc.a:cacheinfo*'; do
    printf '\t\t*%s.o(.text .text.*)\n' "$variants"
  done
  printf '\t}\n}\nINSERT BEFORE .text;\n'
} >"$work/hot.ld"
[ "$(wc -l <"$work/hot.ld")" -gt 300 ] || { echo "hack/hot.sh: too few objects were seen" >&2; exit 1; }
mv "$work/hot.ld" hack/hot.ld
