#!/usr/bin/env bash
# Shows the main job on the real control plane, step by step.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'TXT'
usage: hack/demo.sh [--keep]

Brings the real Kubernetes, Knative and KEDA up on this machine (loopback, no
containers: kwok simulates the pods), runs the program in their middle, applies
samples/, and shows ScaledObject, HPA, a ready Revision, scaling on a metric of a
real Prometheus, to zero and back, a refusal and its mending. Then it takes
everything down; --keep leaves it up and says how to reach it.

Needs Go 1.26 in PATH. The first time builds Kubernetes, Knative and KEDA from
source: 15 to 20 minutes; after that the demo takes about 2 minutes. Ends with
a code other than 0 if a step does not happen.
TXT
}

keep=
case "${1:-}" in
  "") ;;
  --keep) keep=1 ;;
  -h | --help) usage; exit 0 ;;
  *) usage >&2; exit 2 ;;
esac

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$'\e[1;36m' dim=$'\e[2m' red=$'\e[1;31m' plain=$'\e[0m'
else
  bold='' dim='' red='' plain=''
fi

export CLUSTER_DIR=build/demo

say() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }

# Shows a command as a person would type it, and what it prints.
show() {
  local typed='' word
  for word in "$@"; do
    case "$word" in
      *[!A-Za-z0-9_./:=,-]*) typed+=" '$word'" ;;
      *) typed+=" $word" ;;
    esac
  done
  printf '%s$ kubectl%s%s\n' "$dim" "$typed" "$plain"
  "$KUBECTL" "$@" 2> >(grep -v '^Warning: Kubernetes default value' >&2) | sed 's/^/  /'
}

# await SECONDS WHAT WANTED COMMAND...: until the command prints WANTED.
await() {
  local limit=$1 what=$2 wanted=$3 have='' begin=$SECONDS
  shift 3
  while [ $((SECONDS - begin)) -lt "$limit" ]; do
    have=$("$@" 2>&1) || true
    if [ "$have" = "$wanted" ]; then
      printf '  %s: after %ds\n' "$what" $((SECONDS - begin))
      return 0
    fi
    sleep 0.5
  done
  printf '%sDid not happen within %ds: %s (have "%s", want "%s")%s\n' \
    "$red" "$limit" "$what" "$have" "$wanted" "$plain" >&2
  show get ksvc,revision,podautoscaler,scaledobject,hpa >&2 || true
  tail -n 20 "$CLUSTER_LOGS/program.log" >&2 || true
  return 1
}

# A condition's status: condition KIND NAME TYPE
condition() {
  "$KUBECTL" get "$1" "$2" -o "jsonpath={.status.conditions[?(@.type=='$3')].status}"
}

ready_pods() {
  local count
  count=$("$KUBECTL" get deployment "$1-deployment" -o 'jsonpath={.status.readyReplicas}') && echo "${count:-0}"
}

await_ready() { await 90 "Service $1 is ready" True condition ksvc "$1" Ready; }
await_pods() { await 120 "$2 pods of $1" "$2" ready_pods "$1"; }

set_metric() {
  printf '%s# Prometheus now scrapes %s = %s%s\n' "$dim" "$1${3:+ of $3}" "$2" "$plain"
  curl -sS -f -o /dev/null -X POST "$EXPORTER_URL/set?name=$1&value=$2${3:+&revision=$3}"
}

finish() {
  local code=$?
  trap - EXIT
  if [ -n "$keep" ] && [ -e "$CLUSTER_DIR/env" ]; then
    say "Left running"
    echo "  eval \"\$(CLUSTER_DIR=$CLUSTER_DIR hack/cluster.sh env)\"   then: \$KUBECTL get ksvc"
    echo "  KUBECONFIG=$KUBECONFIG"
    echo "  CLUSTER_DIR=$CLUSTER_DIR hack/cluster.sh down              ends it"
  else
    hack/cluster.sh down
  fi
  [ "$code" -eq 0 ] || echo "demo: failed (logs: $CLUSTER_DIR/logs)" >&2
  exit "$code"
}

demo_cpu() {
  say "A Service that scales on cpu"
  show apply -f samples/cpu.yaml
  await_ready on-cpu
  echo "  Knative made a Revision and its PodAutoscaler; the program made the ScaledObject, KEDA the HPA:"
  show get revision,scaledobject,hpa
  echo "  (No metrics-server runs here, so cpu is unknown: the Revision is ready all the same.)"
}

demo_metric() {
  say "A Service that scales on a number in Prometheus: one pod per 5 waiting orders"
  set_metric orders_waiting 4
  show apply -f samples/prometheus.yaml
  await_ready on-orders
  show get scaledobject on-orders-00001 -o 'jsonpath={.spec.triggers[0].metadata}{"\n"}'
  await_pods on-orders-00001 1
  set_metric orders_waiting 20
  await_pods on-orders-00001 4
  await 30 "the HPA counts them" 4 "$KUBECTL" get hpa on-orders-00001 -o 'jsonpath={.status.currentReplicas}'
  show get hpa on-orders-00001
}

demo_zero() {
  say "To zero when nothing waits, and back"
  set_metric mails_waiting 8 on-mails-00001
  show apply -f samples/scale-to-zero.yaml
  await_ready on-mails
  await_pods on-mails-00001 2
  set_metric mails_waiting 0 on-mails-00001
  await_pods on-mails-00001 0
  await 30 "the PodAutoscaler says that nothing comes in" False \
    condition podautoscaler on-mails-00001 Active
  echo "  Its Revision stays ready all the same:"
  show get revision on-mails-00001
  show get podautoscaler on-mails-00001
  set_metric mails_waiting 8 on-mails-00001
  await_pods on-mails-00001 2
}

mistaken_event() {
  "$KUBECTL" get events --field-selector involvedObject.kind=Service,involvedObject.name=mistaken,type=Warning \
    -o 'jsonpath={.items[?(@.reason=="InvalidAnnotation")].reason}'
}

demo_refusal() {
  say "A mistake is told where people look"
  show apply -f samples/refused.yaml
  await 60 "the PodAutoscaler refuses it" False condition podautoscaler mistaken-00001 Active
  await 20 "an event on the Service tells the cause" InvalidAnnotation mistaken_event
  show get podautoscaler mistaken-00001 -o 'jsonpath={.status.conditions[?(@.type=="Active")].message}{"\n"}'
  show get events --field-selector involvedObject.kind=Service,involvedObject.name=mistaken,type=Warning
  say "... and mended"
  show patch ksvc mistaken --type=merge -p \
    '{"spec":{"template":{"metadata":{"annotations":{"autoscaling.knative.dev/metric-type":"AverageValue"}}}}}'
  await_ready mistaken
  show get ksvc
}

say "The real control plane, and the program (built first where missing)"
[ -n "${AUTOSCALER_KEDA_HPA:-}" ] || hack/build.sh release autoscaler-keda-hpa >/dev/null
command -v curl >/dev/null || hack/deps.sh e2e
hack/cluster.sh down
trap finish EXIT
hack/cluster.sh up --program
# shellcheck disable=SC1091
. "$CLUSTER_DIR/env"
demo_cpu
demo_metric
demo_zero
demo_refusal
say "That was all of it"
