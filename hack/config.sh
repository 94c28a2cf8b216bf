#!/usr/bin/env bash
# Holds config/ against what it is made from: the version of CMakeLists.txt, the keys that
# pkg/keda/config_keda.c reads, the address that reconciler/hpa/http.h gives KEDA, the files of config/base.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'TXT'
usage: hack/config.sh [--fix]

Checks config/, and prints what is wrong, a line each; exits 1 if anything is:
  version   each label, tag and file name (docs/operations.md too) has the version of CMakeLists.txt
  example   config-autoscaler-keda shows each key that the program reads, and no other
  checksum  knative.dev/example-checksum fits the example
  scaler    the Service that KEDA is told to ask has that name and port, and so have the pod and its policy
  rules     the Role of the single-namespace overlay has the rules of the ClusterRole
  links     each file of config/base has its link in config/ and its line in kustomization.yaml
  --fix     first writes versions, checksum and links
TXT
}

config_map=config/base/300-config-autoscaler-keda.yaml
kustomization=config/base/kustomization.yaml
findings=0
finding() { printf '%s\n' "$1"; findings=$((findings + 1)); }

version() { sed -n 's/^project(.* VERSION \([^ )]*\).*/\1/p' CMakeLists.txt; }

manifests() { (cd config/base && ls -- [0-9]*.yaml); }

# The example as the API server will have it: from its line on, without the indentation.
example() { sed -n '/^  _example: |/,$p' "$config_map" | sed '1d; s/^    //'; }

# CRC-32 (IEEE) of the trimmed text, each run of newlines as the two characters \n: what Knative's
# configmap.Checksum computes. gzip ends with that CRC and the length.
checksum() {
  local text
  text=$(example)
  printf '%s' "$text" | tr -s '\n' | sed ':a; N; $!ba; s/\n/\\n/g' |
    gzip -c | tail -c 8 | od -An -tx4 -N4 --endian=little | tr -d ' \n'
}

fix() {
  local name v
  v=$(version)
  find config -name '*.yaml' -type f -exec sed -i \
    -e "s|\(app.kubernetes.io/version: \).*|\1\"$v\"|" \
    -e "s|\(image: autoscaler-keda-hpa:\).*|\1$v|" {} +
  sed -i -E "s/(newTag: ).*/\1$v/; s/(autoscaler-keda-hpa[-:])[0-9]+\.[0-9]+\.[0-9]+/\1$v/g" docs/operations.md
  sed -i "s|\(knative.dev/example-checksum: \).*|\1\"$(checksum)\"|" "$config_map"
  for name in $(manifests); do ln -sfn "base/$name" "config/$name"; done
}

check_version() {
  local v
  v=$(version)
  while IFS= read -r line; do finding "$line: the version is $v"; done < <(
    grep -rnE '(kubernetes.io/version:|autoscaler-keda-hpa[-:][0-9]|newTag:)' \
      config docs/operations.md --include='*.yaml' --include='*.md' | grep -vF "$v" || true)
}

check_example() {
  local reads shows
  reads=$(sed -n 's/.*{PREFIX "\([a-z-]*\)".*/autoscaler.keda.\1/p' pkg/keda/config_keda.c | sort)
  shows=$(example | sed -n 's/^\(autoscaler\.keda\.[a-z-]*\): .*/\1/p' | sort)
  while IFS= read -r key; do
    finding "$config_map: the program reads, and the example shows otherwise: $key"
  done < <(comm -3 <(printf '%s\n' "$reads") <(printf '%s\n' "$shows") | tr -d '\t')
}

check_checksum() {
  grep -qF "knative.dev/example-checksum: \"$(checksum)\"" "$config_map" ||
    finding "$config_map: the checksum of the example is $(checksum)"
}

# wants FILE LINE: the file has the line.
wants() { grep -qxF -- "$2" "config/base/$1" || finding "config/base/$1: lacks the line: $2"; }

check_scaler() {
  local header=reconciler/hpa/http.h service port
  service=$(sed -n 's/^#define HTTP_SCALER_SERVICE "\(.*\)"$/\1/p' "$header")
  port=$(sed -n 's/^#define HTTP_SCALER_PORT \([0-9]*\)$/\1/p' "$header")
  wants 400-service-scaler.yaml "  name: $service"
  wants 400-service-scaler.yaml "    port: $port"
  wants 400-networkpolicy.yaml "    - {port: $port, protocol: TCP}"
  wants 500-deployment.yaml "          containerPort: $port"
}

check_links() {
  local name
  for name in $(manifests); do
    [ "$(readlink "config/$name")" = "base/$name" ] || finding "config/$name: is no link to base/$name"
    grep -qxF -- "- $name" "$kustomization" || finding "$kustomization: lacks $name"
  done
  for name in config/*.yaml; do
    [ -e "$name" ] || finding "$name: links to nothing"
  done
}

check_rules() {
  local role=config/overlays/single-namespace/role.yaml all=config/base/200-clusterrole.yaml
  cmp -s <(sed -n '/^rules:/,$p' "$all") <(sed -n '/^rules:/,$p' "$role") ||
    finding "$role: its rules are not those of $all"
}

case "${1:-}" in
  -h | --help) usage; exit 0 ;;
  --fix) fix ;;
  '') ;;
  *) usage >&2; exit 2 ;;
esac
check_version
check_example
check_checksum
check_scaler
check_rules
check_links
[ "$findings" -eq 0 ]
