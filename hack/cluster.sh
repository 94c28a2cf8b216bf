#!/usr/bin/env bash
# Brings the real Kubernetes, Knative and KEDA control planes up on loopback,
# and down again. The work is done by test/e2e/cmd/cluster.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'TXT'
usage: hack/cluster.sh build            build what is missing (needs Go 1.26; the first time takes 15 to 20 minutes)
       hack/cluster.sh up [OPTION ...]  build, then start a control plane in the background
       hack/cluster.sh down             stop it
       hack/cluster.sh env              print the lines for a shell: eval "$(hack/cluster.sh env)"

Options of up:
  --program              run build/autoscaler-keda-hpa too (or $AUTOSCALER_KEDA_HPA)
  --without-keda         leave KEDA out
  --hpa-sync DURATION    how often the HPA controller looks at metrics (5s)

Everything listens on loopback only where it lets itself be told to; nothing runs
containers: kwok simulates the pods. Files and logs: build/cluster, or $CLUSTER_DIR.
After up: $KUBECTL get ksvc, and curl -X POST "$EXPORTER_URL/set?name=GAUGE&value=5"
for a metric that Prometheus ($PROMETHEUS_URL) then has.
TXT
}

dir=${CLUSTER_DIR:-build/cluster}
binary=build/e2e/bin/cluster

need_go() {
  local version
  version=$(go env GOVERSION 2>/dev/null || true)
  if ! printf '%s\n' go1.26 "${version%% *}" | sort -V -C; then
    echo "hack/cluster.sh: needs Go 1.26 or newer in PATH, found ${version:-none} (Debian's own is older)" >&2
    exit 1
  fi
}

build() {
  need_go
  command -v prometheus >/dev/null || hack/deps.sh e2e
  (cd test/e2e && CGO_ENABLED=0 go build -buildvcs=false -o ../../"$binary" ./cmd/cluster &&
    CGO_ENABLED=0 go build -buildvcs=false -o ../../build/e2e/bin/http-app ./app)
  "$binary" build
}

# The pid of the cluster that $dir belongs to, if it is up.
running() {
  local pid
  pid=$(cat "$dir/pid" 2>/dev/null) || return 1
  # A pid may have gone to another program meanwhile.
  2>/dev/null tr '\0' ' ' <"/proc/$pid/cmdline" | grep -qF "cluster run --dir $dir " || return 1
  echo "$pid"
}

up() {
  if running >/dev/null; then
    echo "hack/cluster.sh: it is up already; hack/cluster.sh down stops it" >&2
    exit 1
  fi
  build
  mkdir -p "$dir"
  rm -rf "$dir"/{logs,data,pki,config,env,cluster.log}
  setsid "$binary" run --dir "$dir" "$@" >"$dir/cluster.log" 2>&1 </dev/null &
  echo $! >"$dir/pid"
  for _ in $(seq 1800); do
    if [ -e "$dir/env" ]; then
      cat "$dir/cluster.log"
      echo "eval \"\$(hack/cluster.sh env)\" lets kubectl find it"
      return
    fi
    # Not "running": just after the fork its command line is still this shell's.
    [ -n "$(jobs -pr)" ] || break
    sleep 0.1
  done
  echo "hack/cluster.sh: it did not come up:" >&2
  cat "$dir/cluster.log" >&2
  down
  exit 1
}

down() {
  local pid
  pid=$(running) || { rm -f "$dir/pid" "$dir/env"; return 0; }
  kill "$pid"
  for _ in $(seq 150); do
    if [ ! -e "/proc/$pid" ]; then
      rm -f "$dir/pid" "$dir/env"
      return 0
    fi
    sleep 0.1
  done
  echo "hack/cluster.sh: process $pid does not end" >&2
  exit 1
}

case "${1:-}" in
  build) build ;;
  up) shift; up "$@" ;;
  down) down ;;
  env)
    [ -e "$dir/env" ] || { echo "hack/cluster.sh: it is not up" >&2; exit 1; }
    cat "$dir/env"
    ;;
  -h | --help) usage ;;
  *) usage >&2; exit 2 ;;
esac
