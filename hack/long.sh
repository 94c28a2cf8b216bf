#!/usr/bin/env bash
# What is too slow for every change.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'TXT'
usage: hack/long.sh [PART ...]

Runs the parts that are named, or all of them, one after the other:
  analyze   gcc -fanalyzer, clang --analyze and cppcheck
  explore   decide() explored with larger budgets (may take an hour)
  sweep     every fault at every place in every scenario, 20,000 pairs of faults, and every kill
            under the sanitizers (20 minutes)
  torture   every allocation of a whole scenario fails once, under the sanitizers too
  soak      2,000 revisions churning for SOAK simulated minutes (240, that is about an hour)
  valgrind  every test under memcheck
  fuzz      each fuzz target for 10 minutes
TXT
}

analyze() { hack/lint.sh --analyze; }

explore() { EXPLORE=long build/tests/test_explore; }

sweep() {
  SWEEP=all build/tests/test_sweep
  SWEEP=all build-debug/tests/test_kill
}

torture() {
  TORTURE=all build/tests/test_torture
  TORTURE=all build-debug/tests/test_torture
}

soak() { SOAK=${SOAK:-240} build/tests/test_soak; }

valgrind() {
  command -v valgrind >/dev/null || { echo "hack/long.sh: valgrind is not installed" >&2; exit 1; }
  # Those that make allocations fail or set limits are not valgrind's; those that play thousands of
  # worlds are in the other parts.
  for test in build/tests/test_*; do
    case "$test" in
      */test_torture | */test_resources | */test_explore | */test_sweep | */test_kill | */test_soak) continue ;;
    esac
    echo "== valgrind $test"
    command valgrind --quiet --leak-check=full --error-exitcode=9 "$test" >/dev/null
  done
}

fuzz() { hack/fuzz.sh --seconds 600 --search; }

parts=(analyze explore sweep torture soak valgrind fuzz)
case "${1:-}" in
  -h | --help) usage; exit 0 ;;
  "") ;;
  *) parts=("$@") ;;
esac
for part in "${parts[@]}"; do
  case "$part" in
    analyze | explore | sweep | torture | soak | valgrind | fuzz) ;;
    *) echo "hack/long.sh: no part $part, see --help" >&2; exit 2 ;;
  esac
done

hack/build.sh release
hack/build.sh debug
for part in "${parts[@]}"; do
  printf '\n=== %s (%d s)\n' "$part" "$SECONDS"
  "$part"
done
