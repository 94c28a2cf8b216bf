#!/usr/bin/env bash
# Records the trace that test/e2e replays on devcluster and on the real control plane.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'TXT'
usage: hack/trace.sh           records test/e2e/trace/demo.jsonl anew
       hack/trace.sh --check   only checks that it has every kind of request in it

Runs hack/demo.sh on devcluster, then what the demo does not show (drift, refusals by Knative, the
API server and KEDA, deletion, another class, paging, watches as tables), and reduces what was
asked to a trace: test/e2e/trace/doc.go tells how. Takes about a minute; needs Go 1.26 in PATH.
AUTOSCALER_KEDA_HPA, DEVCLUSTER and KUBECTL name programs that are there already.
TXT
}

trace=test/e2e/trace/demo.jsonl
reduce=()
case "${1:-}" in
  "") ;;
  --check) reduce=(--check) ;;
  -h | --help) usage; exit 0 ;;
  *) usage >&2; exit 2 ;;
esac

exec 3>&2 # also for what ends it while the output goes to a file
fail() {
  echo "hack/trace.sh: $*" >&3
  exit 1
}

dir=$(mktemp -d)
ending=true # the command that ends the demo
finish() {
  local code=$?
  trap - EXIT
  [ "$code" -eq 0 ] || tail -n 8 "$dir"/*.log >&3 || true
  eval "$ending" || true
  rm -rf "$dir"
  exit "$code"
}
trap finish EXIT
trap 'exit 130' INT TERM

[ -n "${AUTOSCALER_KEDA_HPA:-}" ] && [ -n "${DEVCLUSTER:-}" ] ||
  hack/build.sh release autoscaler-keda-hpa devcluster >/dev/null
export AUTOSCALER_KEDA_HPA=${AUTOSCALER_KEDA_HPA:-build/autoscaler-keda-hpa}
[ -n "${KUBECTL:-}" ] || hack/cluster.sh build
export KUBECTL=${KUBECTL:-build/e2e/bin/kubectl}

# As on the real control plane of the tests: no metrics of cpu, and pods that start at once.
cat >"$dir/devcluster" <<TXT
#!/bin/sh
(
  until $KUBECTL --kubeconfig "\$2/kubeconfig" create --raw '/devcluster/usage?namespace=default&value=nan' -f /dev/null &&
    $KUBECTL --kubeconfig "\$2/kubeconfig" create --raw '/devcluster/pods?startAfter=20ms' -f /dev/null
  do sleep 0.1; done
) >/dev/null 2>&1 &
exec ${DEVCLUSTER:-build/devcluster} "\$@"
TXT
chmod +x "$dir/devcluster"

echo "the demo ..."
DEVCLUSTER=$dir/devcluster DEVCLUSTER_OPTIONS="--trace $dir/raw.jsonl" hack/demo.sh --keep >"$dir/demo.log" 2>&1 ||
  fail "the demo failed"
ending=$(grep '^kill ' "$dir/demo.log")
eval "$(grep '^export KUBECONFIG=' "$dir/demo.log")"

k() { "$KUBECTL" --cache-dir="$dir/cache" "$@"; }

# await WHAT WANTED COMMAND...: until the command prints what is wanted.
await() {
  local what=$1 wanted=$2 have=''
  shift 2
  for _ in $(seq 150); do
    have=$("$@" 2>&1) || true
    [ "$have" != "$wanted" ] || return 0
    sleep 0.2
  done
  fail "did not happen: $what (it is \"$have\", not \"$wanted\")"
}

condition() { k get "$1" "$2" -o "jsonpath={.status.conditions[?(@.type==\"$3\")].$4}"; }
field() { k get "$1" "$2" -o "jsonpath={$3}"; }
refused() { ! "$@" 2>/dev/null || fail "was not refused: $*"; }
annotate() { k annotate --overwrite revision "$@"; }

# Wrong, mended and wrong again: the second time counts up the first event.
wrong_annotation() {
  for _ in 1 2; do
    annotate on-orders-00001 autoscaling.knative.dev/keda-polling-interval=often
    await "it is refused" InvalidAnnotation condition podautoscaler on-orders-00001 Active reason
    annotate on-orders-00001 autoscaling.knative.dev/keda-polling-interval-
    await "it is taken again" True condition podautoscaler on-orders-00001 Active status
  done
  await "the second one is counted" "2" k get events --field-selector \
    involvedObject.kind=PodAutoscaler,involvedObject.name=on-orders-00001,reason=InvalidAnnotation -o 'jsonpath={.items[0].count}'
}

# By Knative's webhook, by the API server's schema, by KEDA's webhook.
refusals() {
  refused annotate on-orders-00001 autoscaling.knative.dev/target=0
  refused annotate on-orders-00001 autoscaling.knative.dev/min-scale=-1
  annotate on-orders-00001 'autoscaling.knative.dev/keda-triggers=[{"type":"cron","metadata":{},"nonsense":1}]'
  await "the API server refuses it" ScaledObjectRejected condition podautoscaler on-orders-00001 Active reason
  annotate on-orders-00001 'autoscaling.knative.dev/keda-triggers=[{"type":"memory","metricType":"Utilization","metadata":{"value":"50"}}]'
  await "KEDA refuses it" ScaledObjectRejected condition podautoscaler on-orders-00001 Active reason
  annotate on-orders-00001 autoscaling.knative.dev/keda-triggers-
  await "it is taken again" True condition podautoscaler on-orders-00001 Active status
  refused k patch scaledobject on-cpu-00001 --type=merge -p '{"spec":{"pollingInterval":0}}'
  refused k patch scaledobject on-cpu-00001 --type=merge -p '{"spec":{"minReplicaCount":9}}'
  refused k create -f config/300-config-autoscaler-keda.yaml
  refused k get scaledobject not-there
}

drift() {
  k patch scaledobject on-cpu-00001 --type=merge -p '{"spec":{"cooldownPeriod":7}}'
  await "the ScaledObject is as before" "" field scaledobject on-cpu-00001 .spec.cooldownPeriod
  k label scaledobject on-cpu-00001 serving.knative.dev/service=other --overwrite
  await "its label is as before" on-cpu field scaledobject on-cpu-00001 '.metadata.labels.serving\.knative\.dev/service'
  k patch serverlessservice on-cpu-00001 --type=json -p '[{"op":"replace","path":"/spec/mode","value":"Proxy"}]'
  await "the ServerlessService is as before" Serve field serverlessservice on-cpu-00001 .spec.mode
}

looking() {
  k get configurations.serving.knative.dev,revision,podautoscaler,serverlessservice,hpa,deployment
  k get revision --chunk-size=2
  k get scaledobject -l serving.knative.dev/service=on-cpu -o wide
  k get hpa on-cpu-00001 -o yaml
  k get configmap -n knative-serving config-autoscaler-keda
  k describe podautoscaler on-cpu-00001
  k describe ksvc on-cpu
  ! timeout 2 "$KUBECTL" --cache-dir="$dir/cache" get podautoscaler --watch
}

deletion() {
  local uid
  uid=$(field scaledobject on-cpu-00001 .metadata.uid)
  k delete scaledobject on-cpu-00001
  await "there is another ScaledObject" True condition scaledobject on-cpu-00001 Ready status
  [ "$uid" != "$(field scaledobject on-cpu-00001 .metadata.uid)" ] || fail "the ScaledObject was not deleted"
  annotate mistaken-00002 autoscaling.knative.dev/class=kpa.autoscaling.knative.dev autoscaling.knative.dev/metric=concurrency
  await "another class keeps no ScaledObject" "" k get scaledobject mistaken-00002 --ignore-not-found
  await "its HPA goes with it" "" k get hpa mistaken-00002 --ignore-not-found
  k delete ksvc mistaken on-mails
  for name in mistaken-00002 on-mails-00001; do
    for kind in revision podautoscaler serverlessservice scaledobject hpa; do
      await "$kind $name goes with its Service" "" k get "$kind" "$name" --ignore-not-found
    done
    await "the Deployment of $name goes with its Service" "" k get deployment "$name-deployment" --ignore-not-found
  done
}

echo "what it does not show ..."
{
  wrong_annotation
  refusals
  drift
  looking
  deletion
} >"$dir/rest.log" 2>&1
eval "$ending"
ending=true
for _ in $(seq 100); do
  # The watches are written last.
  ! grep -q '"path":"/apis/keda.sh/v1alpha1/scaledobjects?watch=1' "$dir/raw.jsonl" || break
  sleep 0.1
done
cd test/e2e
CGO_ENABLED=0 go run ./trace/reduce "${reduce[@]}" "$dir/raw.jsonl" "../../$trace"
[ -z "${TRACE_RAW:-}" ] || cp "$dir/raw.jsonl" "$TRACE_RAW"
