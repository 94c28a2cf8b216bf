#!/usr/bin/env bash
# Branch coverage of the pure files; fails below the bound.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'TXT'
usage: hack/coverage.sh [--html DIR]

Runs the tests in a coverage build and prints the branch coverage of the pure files, which must
be 95 % at least. Excluded: CHECK and out-of-memory arms, branches that the compiler adds.
TXT
}

html=()
case "${1:-}" in
  "") ;;
  -h | --help) usage; exit 0 ;;
  --html) mkdir -p "$2"; html=(--html-details "$2/index.html") ;;
  *) usage >&2; exit 2 ;;
esac

hack/deps.sh build cover
find build-coverage -name '*.gcda' -delete 2>/dev/null || true
hack/build.sh coverage >/dev/null
ctest --preset coverage -j "$(nproc)" --no-tests=error --output-on-failure >/dev/null ||
  { echo "hack/coverage.sh: tests failed; run hack/test.sh" >&2; exit 1; }
gcovr --root . --filter 'reconciler/hpa/' \
  --exclude-branches-by-pattern '.*(CHECK\(|BUG\().*' --exclude-unreachable-branches \
  --exclude-throw-branches --branches --fail-under-branch 95 "${html[@]}" build-coverage
