#!/usr/bin/env bash
# Draws docs/dashboard.svg anew: what the dashboard of config/monitoring shows of a real run.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'TXT'
usage: hack/dashboard.sh [FILE]

Runs the real control plane with two replicas of the program for about six minutes: Services with
more and less traffic, some that are refused, a leader that is killed, a KEDA that is away. A
Prometheus of its own watches; then each panel's questions are put to it as Grafana would, and the
answers drawn into FILE (docs/dashboard.svg). Needs Go 1.26 in PATH.
AUTOSCALER_KEDA_HPA names a program that is there already.
TXT
}

file=docs/dashboard.svg
case "${1:-}" in
  "") ;;
  -h | --help) usage; exit 0 ;;
  -*) usage >&2; exit 2 ;;
  *) file=$1 ;;
esac
file=$(realpath -m "$file")

hack/deps.sh e2e
[ -n "${AUTOSCALER_KEDA_HPA:-}" ] || hack/build.sh release autoscaler-keda-hpa >/dev/null
AUTOSCALER_KEDA_HPA=$(realpath "${AUTOSCALER_KEDA_HPA:-build/autoscaler-keda-hpa}")
export AUTOSCALER_KEDA_HPA
hack/cluster.sh build
cd test/e2e
CGO_ENABLED=0 go run ./cmd/dashboard "$file"
