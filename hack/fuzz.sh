#!/usr/bin/env bash
# Looks for inputs that break what test/fuzz promises.
set -euo pipefail
cd "$(dirname "$0")/.."

targets() { for source in test/fuzz/fuzz_*.c; do basename "$source" .c | sed 's/^fuzz_//'; done; }

usage() {
  cat <<TXT
usage: hack/fuzz.sh [--seconds N] [--search] [TARGET ...]

Builds the targets of test/fuzz by clang for libFuzzer, with AddressSanitizer and
UndefinedBehaviorSanitizer, and runs each for N seconds (15). A fresh tree always tries the same
inputs in the same order, so that a change is judged by itself; --search tries others each time.
Targets, all unless named:
$(targets | paste -sd ' ' | fold -s -w 76 | sed 's/^/  /')

A finding is saved in test/fuzz/cases/TARGET, its report in build-fuzz/TARGET.log, and the script
exits 1. Cases are repeated by every later run and by hack/test.sh (tests test_fuzz_cases_TARGET).
What reaches new code is kept in build-fuzz/corpus, so that the next run goes on from there.
TXT
}

seconds=15
seed=1
named=()
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) usage; exit 0 ;;
    --seconds)
      [[ "${2:-}" =~ ^[1-9][0-9]*$ ]] || { echo "hack/fuzz.sh: --seconds wants a number" >&2; exit 2; }
      seconds=$2
      shift
      ;;
    --search) seed=0 ;; # libFuzzer: 0 is a random one
    -*) usage >&2; exit 2 ;;
    *)
      [ -e "test/fuzz/fuzz_$1.c" ] || { echo "hack/fuzz.sh: no target \"$1\"; see --help" >&2; exit 2; }
      named+=("$1")
      ;;
  esac
  shift
done
[ ${#named[@]} -gt 0 ] || mapfile -t named < <(targets)

run() {
  local name=$1 log=build-fuzz/$1.log
  local corpus=build-fuzz/corpus/$name cases=test/fuzz/cases/$name
  local options=(-seed="$seed" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -artifact_prefix="$cases/"
    -print_final_stats=1)
  local dictionary=test/fuzz/words/$name
  [ ! -e "$dictionary" ] || options+=(-dict="$dictionary")
  mkdir -p "$corpus" "$cases"
  if "build-fuzz/fuzz/fuzz_$name" "${options[@]}" "$corpus" "test/fuzz/seeds/$name" "$cases" >"$log" 2>&1; then
    printf '%-12s %s runs, %s\n' "$name" \
      "$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")" \
      "$(grep -aoE 'cov: [0-9]+' "$log" | tail -n 1)"
    rmdir --ignore-fail-on-non-empty "$cases"
    return 0
  fi
  printf '%-12s FOUND\n' "$name"
  grep -aE 'ERROR|SUMMARY|runtime error|check failed|Test unit written|#[0-9]+ .*/(pkg|reconciler|test/fuzz)/' "$log" | head -n 20 || tail -n 20 "$log"
  return 1
}

hack/deps.sh build lint
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz >/dev/null
failed=0
for name in "${named[@]}"; do
  run "$name" || failed=1
done
exit "$failed"
