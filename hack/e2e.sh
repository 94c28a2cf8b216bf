#!/usr/bin/env bash
# Runs the end-to-end tests on the real control plane.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'TXT'
usage: hack/e2e.sh [--shared] [--confined] [GO-TEST-OPTION ...]

Builds the control plane's programs if they are missing or out of date (the
first time takes 15 to 20 minutes and needs Go 1.26 and the Go module proxy;
later runs need neither minutes nor a network), builds the program as it is
shipped, lean and static, and runs the tests of test/e2e on them, in about 35
minutes.

  hack/e2e.sh -run TestCPU -v     one test, with each step told
  hack/e2e.sh -list .             their names
  hack/e2e.sh --shared            the program of build/, linked with the machine's libraries: for
                                  machines that cannot reach Debian's sources, and so without the
                                  tests of the image, unless $IMAGE names one
  hack/e2e.sh --confined          the program without capabilities, on a read-only root, under the
                                  shipped seccomp profile; a call that it lacks ends it (as root)

$AUTOSCALER_KEDA_HPA, $DEVCLUSTER and $CONFINED (the launcher of --confined) test those
binaries instead of building some.
Logs of a failed run are kept, and with E2E_KEEP=1 those of any; its last line
says where.
TXT
}

preset=lean folder=build-lean confined= skip=()
while :; do
  case "${1:-}" in
    -h | --help) usage; exit 0 ;;
    --shared)
      preset=release folder=build
      [ -n "${IMAGE:-}" ] || skip=(-skip '^(TestImage|TestApply)$')
      shift
      ;;
    --confined) confined=yes; shift ;;
    *) break ;;
  esac
done

hack/cluster.sh build
if [ -z "${AUTOSCALER_KEDA_HPA:-}" ]; then
  hack/build.sh "$preset" autoscaler-keda-hpa
  export AUTOSCALER_KEDA_HPA=$PWD/$folder/autoscaler-keda-hpa
fi
[ -n "${DEVCLUSTER:-}" ] || hack/build.sh release devcluster
[ -n "${CONFINED:-}" ] || hack/build.sh release confined
[ -n "${SCALER_SERVER:-}" ] || hack/build.sh release scaler-server
[ -n "${GRPC_ECHO:-}" ] || hack/build.sh release grpc-echo
if [ -n "$confined" ]; then
  # As root without its capabilities: the files of the tests are root's.
  printf '#!/bin/sh\nexec %q --uid 0 --kill --profile %q %q "$@"\n' \
    "${CONFINED:-$PWD/build/confined}" "$PWD/config/components/seccomp/autoscaler-keda-hpa.json" \
    "$AUTOSCALER_KEDA_HPA" >build/confined-program
  chmod +x build/confined-program
  export AUTOSCALER_KEDA_HPA=$PWD/build/confined-program
fi
cd test/e2e
# What some of the tests stand on.
CGO_ENABLED=0 go test -timeout=2m ./proxy ./trace ./dashboard ./sbom ./access
(cd ../bench && go vet . && CGO_ENABLED=0 go test -timeout=2m .)
# On KEDA's own code, all of which vet would look at, for minutes.
CGO_ENABLED=0 go test -modfile=tools/keda/go.mod -vet=off -timeout=2m ./scaler ./grpc
# Tests mostly wait: more of them at once than there are cores.
CGO_ENABLED=0 exec go test -count=1 -timeout=75m -parallel=10 "${skip[@]}" "$@" .
