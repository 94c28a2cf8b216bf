#!/usr/bin/env bash
# The whole story in half a minute, on a small cluster of this tree or on the real control plane.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'TXT'
usage: hack/demo.sh [--real] [--keep]

Installs what is missing, builds, starts devcluster (a small Kubernetes API server with stand-ins
for Knative, KEDA and the HPA controller: test/cluster) and the program on it, applies samples/,
and shows with kubectl: ScaledObjects, HPAs and ready revisions; a metric that rises and falls;
zero and back; a refused annotation, its message and its mending; pause and resume.

  --real  the same on the real Kubernetes, Knative and KEDA control planes; needs Go 1.26 in PATH
          and builds them first: 15 to 20 minutes once, then the story takes about 2 minutes
  --keep  leaves it running, and prints how to reach it and how to end it

Everything listens on loopback; files are in build/demo.*. Ends with a code other than 0 if a step
does not happen. KUBECTL chooses the kubectl; AUTOSCALER_KEDA_HPA and DEVCLUSTER name programs that
are built already; DEVCLUSTER_OPTIONS goes to devcluster (--trace FILE).
TXT
}

real='' keep='' patience=30 # seconds
for argument in "$@"; do
  case "$argument" in
    --real) real=1 patience=120 ;;
    --keep) keep=1 ;;
    -h | --help) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
done

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$'\e[1;36m' dim=$'\e[2m' red=$'\e[1;31m' green=$'\e[32m' plain=$'\e[0m'
else
  bold='' dim='' red='' green='' plain=''
fi

# ---- telling ----

say() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
note() { printf '%s   %s%s\n' "$green" "$*" "$plain"; }

fail() {
  printf '%shack/demo.sh: %s%s\n' "$red" "$*" "$plain" >&2
  exit 1
}

k() { "$KUBECTL" --cache-dir="$dir/cache" "$@"; }

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
  # Knative's remark on the security of the samples is not what this is about.
  k "$@" 2>&1 | sed '/^Warning: Kubernetes default value/d; s/^/  /; s/ *$//'
}

# Shows a Deployment's line whenever it changes, until stop_live.
live=''
show_live() {
  printf '%s$ kubectl get deployment %s --watch%s\n' "$dim" "$1" "$plain"
  rm -f "$dir/live"
  "$KUBECTL" --cache-dir="$dir/cache" get deployment "$1" --watch \
    > >(sed -u -e 's/^/  /' -e "2w $dir/live") &
  live=$!
  # Its first line is to be the state before anything happens.
  for _ in $(seq 50); do
    [ ! -s "$dir/live" ] || break
    sleep 0.1
  done
}

stop_live() {
  [ -n "$live" ] || return 0
  kill "$live" 2>/dev/null || true
  wait "$live" 2>/dev/null || true
  live=''
}

# await WHAT WANTED COMMAND...: until the command prints WANTED; at least one try.
await() {
  local what=$1 wanted=$2 have='' begin=$SECONDS
  shift 2
  while :; do
    have=$("$@" 2>&1) || true
    if [ "$have" = "$wanted" ]; then
      note "$what ($((SECONDS - begin)) s)"
      return 0
    fi
    [ $((SECONDS - begin)) -lt "$patience" ] || break
    still_running
    sleep 0.2
  done
  fail "did not happen within $patience s: $what (it is \"$have\", not \"$wanted\")"
}

ready_pods() {
  local count
  count=$(k get deployment "$1-deployment" -o 'jsonpath={.status.readyReplicas}') && echo "${count:-0}"
}

await_pods() { await "ready pods of $1: $2" "$2" ready_pods "$1"; }

await_ready() {
  local services=("${@/#/ksvc/}")
  show wait --for=condition=Ready --timeout="${patience}s" "${services[@]}" ||
    fail "not ready within $patience s: $*"
}

# ---- the two stages ----

programs() {
  local targets=() packages=()
  [ -n "${AUTOSCALER_KEDA_HPA:-}" ] || targets+=(autoscaler-keda-hpa)
  [ -n "${DEVCLUSTER:-}" ] || [ -n "$real" ] || targets+=(devcluster)
  [ ${#targets[@]} -eq 0 ] || packages+=(build)
  [ -n "${KUBECTL:-}" ] || [ -n "$real" ] || packages+=(demo)
  # One at a time, or two demos at once would disturb each other.
  [ ${#packages[@]} -eq 0 ] || flock build/.demo.lock hack/deps.sh "${packages[@]}"
  if [ ${#targets[@]} -gt 0 ]; then
    flock build/.demo.lock hack/build.sh release "${targets[@]}" >"$dir/build.log" ||
      { tail -n 20 "$dir/build.log" >&2; fail "the build failed"; }
  fi
  export AUTOSCALER_KEDA_HPA=${AUTOSCALER_KEDA_HPA:-$PWD/build/autoscaler-keda-hpa}
  DEVCLUSTER=${DEVCLUSTER:-build/devcluster}
}

pids=()

still_running() {
  local pid
  for pid in "${pids[@]}"; do
    kill -0 "$pid" 2>/dev/null || fail "a program has ended that should run"
  done
}

start() {
  local name=$1
  shift
  setsid "$@" >"$dir/$name.log" 2>&1 </dev/null &
  pids+=($!)
}

await_log() {
  local name=$1 text=$2
  for _ in $(seq 100); do
    ! grep -qs "$text" "$dir/$name.log" || return 0
    kill -0 "${pids[-1]}" 2>/dev/null || break
    sleep 0.1
  done
  tail -n 5 "$dir/$name.log" >&2
  fail "$name did not come up"
}

up_here() {
  KUBECTL=${KUBECTL:-kubectl}
  # shellcheck disable=SC2086 # options are words
  start devcluster "$DEVCLUSTER" --dir "$dir" --hpa-sync 1s ${DEVCLUSTER_OPTIONS:-}
  await_log devcluster serving
  export KUBECONFIG=$PWD/$dir/kubeconfig
  start program env SYSTEM_NAMESPACE=knative-serving PROBES_PORT=0 METRICS_PROMETHEUS_PORT=0 \
    SCALER_PORT=0 "$AUTOSCALER_KEDA_HPA" --disable-ha
  await_log program "caches are synced"
}

up_real() {
  command -v curl >/dev/null || hack/deps.sh e2e
  export CLUSTER_DIR=$dir
  hack/cluster.sh up --program
  # shellcheck disable=SC1091
  . "$dir/env"
}

# set_metric SERIES VALUE [REVISION]
set_metric() {
  printf '%s# %s is %s now%s\n' "$dim" "$1" "$2" "$plain"
  if [ -n "$real" ]; then
    curl -sS -f -o /dev/null -X POST "$EXPORTER_URL/set?name=$1&value=$2${3:+&revision=$3}"
  else
    k create --raw "/devcluster/metric?namespace=default&name=$1&value=$2" -f /dev/null >/dev/null
  fi
}

down() {
  local pid
  stop_live
  [ -z "$real" ] || hack/cluster.sh down
  # Only what this script has started.
  for pid in "${pids[@]}"; do
    kill "$pid" 2>/dev/null || true
  done
  wait
}

how_to_reach_it() {
  say "Left running"
  echo "export KUBECONFIG=$KUBECONFIG"
  if [ -n "$real" ]; then
    echo "CLUSTER_DIR=$dir hack/cluster.sh down    # ends it"
  else
    echo "kill ${pids[*]}; rm -r $dir    # ends it"
  fi
}

finish() {
  local code=$?
  trap - EXIT INT TERM
  if [ "$code" -eq 0 ] && [ -n "$keep" ]; then
    how_to_reach_it
    exit 0
  fi
  # 130: a person's Ctrl-C
  if [ "$code" -eq 0 ] || [ "$code" -eq 130 ]; then
    down
    rm -rf "$dir"
    exit "$code"
  fi
  [ -z "${KUBECONFIG:-}" ] || show get ksvc,revision,podautoscaler,scaledobject,hpa >&2 || true
  down
  echo "hack/demo.sh: failed; logs are in $dir" >&2
  exit "$code"
}

# ---- the story ----

tell_samples() {
  say "Four Services, scaled by cpu, by one query, by another down to zero, and one with a mistake"
  set_metric orders_waiting 4
  set_metric mails_waiting 8 on-mails-00001
  show apply -f samples
  await_ready on-cpu on-orders on-mails
  note "Of each revision's annotations the program made a ScaledObject, and KEDA of that an HPA:"
  show get scaledobject
  show get hpa
  show get revision
}

tell_metric() {
  say "A number rises, pods follow: one for every 5 waiting orders"
  show_live on-orders-00001-deployment
  set_metric orders_waiting 20
  await_pods on-orders-00001 4
  await "the HPA counts them" 4 k get hpa on-orders-00001 -o 'jsonpath={.status.currentReplicas}'
  show get hpa on-orders-00001
  set_metric orders_waiting 4
  await_pods on-orders-00001 1
  stop_live
}

tell_zero() {
  say "To zero when nothing waits, and back"
  show_live on-mails-00001-deployment
  set_metric mails_waiting 0 on-mails-00001
  await_pods on-mails-00001 0
  await "the PodAutoscaler says why" NoTraffic k get podautoscaler on-mails-00001 \
    -o 'jsonpath={.status.conditions[?(@.type=="Active")].reason}'
  show get podautoscaler on-mails-00001
  note "Its revision is ready all the same:"
  show get revision on-mails-00001
  set_metric mails_waiting 8 on-mails-00001
  await_pods on-mails-00001 2
  stop_live
}

mistaken_events() {
  k get events --field-selector involvedObject.kind=Service,involvedObject.name=mistaken,type=Warning "$@"
}

tell_refusal() {
  say "A mistake is told where people look"
  await "the Service has an event" InvalidAnnotation mistaken_events \
    -o 'jsonpath={.items[?(@.reason=="InvalidAnnotation")].reason}'
  show get events --field-selector involvedObject.kind=Service,involvedObject.name=mistaken,type=Warning
  show get podautoscaler mistaken-00001
  note "... and mended:"
  show patch ksvc mistaken --type=merge -p \
    '{"spec":{"template":{"metadata":{"annotations":{"autoscaling.knative.dev/metric-type":"AverageValue"}}}}}'
  await_ready mistaken
}

tell_pause() {
  say "Paused, whatever the number says, and resumed"
  show annotate revision on-orders-00001 autoscaling.knative.dev/keda-paused=true
  await "the ScaledObject is paused" True k get scaledobject on-orders-00001 \
    -o 'jsonpath={.status.conditions[?(@.type=="Paused")].status}'
  set_metric orders_waiting 20
  sleep 3
  [ "$(ready_pods on-orders-00001)" = 1 ] || fail "a paused ScaledObject scales"
  note "ready pods of on-orders-00001: 1 still"
  show get scaledobject on-orders-00001
  show annotate revision on-orders-00001 autoscaling.knative.dev/keda-paused-
  await_pods on-orders-00001 4
  show get ksvc
}

mkdir -p build
dir=$(mktemp -d build/demo.XXXXXX)
trap finish EXIT
trap 'exit 130' INT TERM
if [ -n "$real" ]; then
  say "The real control plane, and the program (built first where missing)"
  programs
  up_real
else
  say "A small cluster, and the program (built first where missing)"
  programs
  up_here
fi
begin=$SECONDS
tell_samples
tell_metric
tell_zero
tell_refusal
tell_pause
say "That was all of it, in $((SECONDS - begin)) s"
