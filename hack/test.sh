#!/usr/bin/env bash
# Builds and runs every test that needs no outside server.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'TXT'
usage: hack/test.sh [--debug] [CTEST-OPTION ...]

Builds and runs the unit, golden and simulation tests.
  --debug   under AddressSanitizer and UndefinedBehaviorSanitizer
Other arguments go to ctest: hack/test.sh -R test_decide
TXT
}

preset=release
case "${1:-}" in
  -h | --help) usage; exit 0 ;;
  --debug) preset=debug; shift ;;
esac

hack/build.sh "$preset"
ctest --preset "$preset" -j "$(nproc)" --no-tests=error "$@"
