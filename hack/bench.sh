#!/usr/bin/env bash
# What the program costs, against a real API server, beside its floor.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in
  -h | --help)
    cat <<'TXT'
usage: hack/bench.sh [-n REVISIONS] [-workers N] [-json]

Creates PodAutoscalers (1000) against a real kube-apiserver and etcd, with a light stand-in for
what KEDA, the HPA controller and Knative answer, and prints wall time until all are ready, the
program's CPU and memory, requests a revision, and beside it the floor: the same writes done
straight. docs/performance.md keeps figures.
TXT
    exit 0
    ;;
esac

hack/build.sh release autoscaler-keda-hpa >/dev/null
hack/cluster.sh build
root=$PWD
cd test/bench
AUTOSCALER_KEDA_HPA="$root/build/autoscaler-keda-hpa" go run . "$@"
