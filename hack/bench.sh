#!/usr/bin/env bash
# What the program costs, against a real API server, beside its floor.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'TXT'
usage: hack/bench.sh [OPTION...]

Measures the program on a real kube-apiserver and etcd, with a light stand-in for what KEDA, the HPA
controller and Knative answer, and beside each figure its floor: the same writes done straight.

  --scenario NAME,...  single   one revision at a time on an idle cluster
                       create   PodAutoscalers created at once, until all are ready
                       restart  the program restarted over them
                       edits    100 annotation edits a second for a minute, at the largest number
                       global   a default in a ConfigMap changed, at the largest number
                       (all)
  -n N,...             numbers of revisions (1000,10000)
  --floors 0, 1        no floor of create, or only one before the program; else up to 1,000 revisions
                       there is one behind it as well
  --program PATH       measure this one; else the lean program is built
  --json FILE          write the figures to FILE too
  --docs               rewrite the figures and plots of docs/performance.md; unless given, -n is then
                       100,300,1000,3000,10000 and --json build/bench.json
  --from FILE          measure nothing: tables, and --docs, from the figures in FILE
  --workers N, --singles N, --rate N, --edits DURATION
                       requests in flight (32), repetitions of single (100), edits a second (100),
                       for how long (1m)

All of it takes about five minutes at -n 1000 and sixteen with --docs, on two quiet cores. Needs Go
1.26 in PATH. As root it also counts bytes on the wire: the program lets nobody else look.
TXT
}

program='' docs='' sizes='' from='' json=''
arguments=()
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help | -help) usage; exit 0 ;;
    --docs | -docs) docs=$PWD/docs; arguments+=(-docs "$docs") ;;
    --program | -program) program=$(realpath "$2"); shift ;;
    --json | -json) json=$(realpath -m "$2"); shift ;;
    --from | -from) from=$(realpath "$2"); arguments+=(-from "$from"); shift ;;
    -n | --n) sizes=$2; shift ;;
    *) arguments+=("$1") ;;
  esac
  shift
done
[ -n "$sizes" ] || [ -z "$docs" ] || sizes=100,300,1000,3000,10000
[ -n "$json" ] || [ -z "$docs" ] || [ -n "$from" ] || json=$PWD/build/bench.json
[ -z "$sizes" ] || arguments+=(-n "$sizes")
[ -z "$json" ] || arguments+=(-json "$json")

if [ -z "$program" ] && [ -z "$from" ]; then
  hack/build.sh lean autoscaler-keda-hpa >/dev/null
  program=$PWD/build-lean/autoscaler-keda-hpa
fi
[ -n "$from" ] || hack/cluster.sh build
mkdir -p build/e2e/bin
bench=$PWD/build/e2e/bin/bench
cd test/bench
CGO_ENABLED=0 go build -buildvcs=false -o "$bench" .
exec "$bench" -program "$program" "${arguments[@]}"
