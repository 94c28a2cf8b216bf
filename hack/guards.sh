#!/usr/bin/env bash
# Counts what a revision costs and holds it against test/guards/bounds.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'TXT'
usage: hack/guards.sh [--update] [--build DIR]

Counts what one revision costs and compares it with test/guards/bounds:
  instructions   of the program's own code and its libraries but curl and TLS, by callgrind, while
                 it runs before the simulated cluster
  requests       by verb and resource, of the same runs
  bytes          of each kind of cached object, as test_cache_memory prints them
and the instructions of what tenants can make expensive: all annotations of test_hostile, and a
Service of many that are rendered.
None of these depends on how fast the machine is, or on what else it does. The build is the release
one; another compiler or C library has other counts of instructions.

Fails when a count of instructions or bytes is more than 5 % above its figure, or any count of
requests differs. More than 15 % below, it says that the figure is loose.
  --update     writes what was counted into test/guards/bounds; git diff shows what changed
  --build DIR  where the programs are built already: nothing is built
TXT
}

revisions=20 update='' build=''
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) usage; exit 0 ;;
    --update) update=1 ;;
    --build) build=${2:?--build needs a folder}; shift ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done

hack/deps.sh guards
if [ -z "$build" ]; then
  hack/build.sh release guards test_cache_memory test_hostile autoscaler-keda-hpa >/dev/null
  build=build
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bounds=test/guards/bounds

# count CASE: "CASE WHAT FIGURE" lines, a revision each.
count() {
  if ! valgrind --tool=callgrind --callgrind-out-file=/dev/null --collect-atstart=no \
    '--toggle-collect=program_*' --zero-before=count_from_here \
    "$build/tests/guards" "$1" "$revisions" >"$work/$1.requests" 2>"$work/$1.log"; then
    cat "$work/$1.log" >&2
    return 1
  fi
  awk -v n="$revisions" -v name="$1" '/Collected :/ { printf "%s instructions %d\n", name, $NF / n }' \
    "$work/$1.log"
  awk -v n="$revisions" -v name="$1" '{ printf "%s %s:%s %g\n", name, $1, $2, $3 / n }' \
    "$work/$1.requests"
}

# instructions CASE N "OPTION ..." PROGRAM [ARGUMENT]...: one line, an Nth of them.
instructions() {
  local name=$1 n=$2 options=$3
  shift 3
  # shellcheck disable=SC2086 # several options
  if ! valgrind --tool=callgrind --callgrind-out-file=/dev/null $options "$@" \
    >/dev/null 2>"$work/$name.log"; then
    tail -n 20 "$work/$name.log" >&2
    return 1
  fi
  awk -v n="$n" -v name="$name" '/Collected :/ { printf "%s instructions %d\n", name, $NF / n }' \
    "$work/$name.log"
}

count_hostile() {
  instructions hostile 1 \
    '--collect-atstart=no --toggle-collect=desired_build --toggle-collect=unknown_annotations' \
    "$build/tests/test_hostile"
}

count_render() {
  for ((i = 0; i < 100; i++)); do
    cat <<TXT
---
apiVersion: serving.knative.dev/v1
kind: Service
metadata: {name: app-$i}
spec:
  template:
    metadata:
      annotations:
        autoscaling.knative.dev/class: hpa.autoscaling.knative.dev
        autoscaling.knative.dev/metric: queue
        autoscaling.knative.dev/target: "5"
        autoscaling.knative.dev/prometheus-query: sum(queue{revision="{{ .revisionName }}"})
    spec: {containers: [{image: app}]}
TXT
  done >"$work/services.yaml"
  instructions render 100 '' "$build/autoscaler-keda-hpa" render -f "$work/services.yaml"
}

# Two at a time: on a small machine more would only wait for each other.
export -f count instructions count_hostile count_render
export work build revisions
{
  printf 'count_%s\n' hostile render
  printf 'count %s\n' ready nothing edit restart decode
} | xargs -P 2 -I '{}' bash -euo pipefail -c 'of="{}"; {} >"$work/${of#count?}.counted"'
{
  for name in ready nothing edit restart decode hostile render; do cat "$work/$name.counted"; done
  "$build/tests/test_cache_memory" |
    sed -nE 's/^([A-Za-z ]+): ([0-9]+) bytes, of a giant ([0-9]+)$/\1|\2/p' |
    awk -F'|' '{ gsub(" ", "-", $1); print "cached", $1, $2 }'
} >"$work/counted"
grep -q '^decode instructions' "$work/counted" && grep -q '^cached' "$work/counted" ||
  { echo "hack/guards.sh: nothing was counted" >&2; exit 1; }

if [ "$update" ]; then
  {
    sed '/^[^#]/d' "$bounds"
    cat "$work/counted"
  } >"$work/bounds"
  cat "$work/bounds" >"$bounds"
fi

awk '
  /^#/ || NF != 3 { next }
  NR == FNR { figure[$1 " " $2] = $3; next }
  { counted[$1 " " $2] = $3; order[++n] = $1 " " $2 }
  function tell(what, is, was, verdict) { printf "%-50s %10s %10s  %s\n", what, is, was, verdict }
  END {
    tell("a revision", "counted", "figure", "")
    for (i = 1; i <= n; i++) {
      what = order[i]; is = counted[what]
      if (!(what in figure)) { tell(what, is, "-", "NEW"); bad++; continue }
      was = figure[what]
      off = was > 0 ? 100 * (is - was) / was : 0
      requests = what ~ /:/
      verdict = "ok"
      if (requests ? is != was : off > 5) { verdict = sprintf("TOO MUCH: %+.1f %%", off); bad++ }
      else if (off < -15) verdict = sprintf("loose: %+.1f %%, hack/guards.sh --update", off)
      if (requests && is < was) verdict = sprintf("FEWER: %+.1f %%", off)
      tell(what, is, was, verdict)
    }
    for (what in figure) if (!(what in counted)) { tell(what, "-", figure[what], "GONE"); bad++ }
    if (bad) { print "hack/guards.sh: " bad " of these are not what they should be" > "/dev/stderr"; exit 1 }
  }' "$bounds" "$work/counted"
