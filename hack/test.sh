#!/usr/bin/env bash
# Builds and runs every test that needs no outside server.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'TXT'
usage: hack/test.sh [--debug | --lean | --arm64] [CTEST-OPTION ...]

Builds and runs the unit, golden and simulation tests.
  --debug   under AddressSanitizer and UndefinedBehaviorSanitizer
  --lean    linked statically, with the program as it is shipped
  --arm64   the same for arm64, in an emulator; test/CMakeLists.txt lists what is left out there,
            and why
Other arguments go to ctest: hack/test.sh -R test_decide
TXT
}

preset=release left_out=()
case "${1:-}" in
  -h | --help) usage; exit 0 ;;
  --debug) preset=debug; shift ;;
  --lean) preset=lean; shift ;;
  --arm64) preset=lean-arm64 left_out=(-LE not-emulated); shift ;;
esac

# Helpers of the tests, which are no part of what is shipped.
[[ $preset != lean* ]] || hack/build.sh release devcluster
hack/build.sh "$preset"
ctest --preset "$preset" -j "$(nproc)" --no-tests=error "${left_out[@]}" "$@"
