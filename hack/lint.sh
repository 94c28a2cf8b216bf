#!/usr/bin/env bash
# Holds the tree against its own rules: format, warnings, include direction, sizes, banned calls.
set -uo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'TXT'
usage: hack/lint.sh [--fix | --analyze]

Checks format (clang-format), warnings as errors (gcc and clang), include direction, sizes of
files and functions, banned functions, shell syntax and Go code. Prints each finding with its
place and exits 1 if there is any.
  --fix      only reformats the C files
  --analyze  only gcc -fanalyzer, clang --analyze and cppcheck, which take minutes
TXT
}

c_files() { git ls-files -co --exclude-standard -- '*.c' '*.h'; }

findings=0
finding() { printf '%s\n' "$1"; findings=$((findings + 1)); }
# Each line that a check prints is a finding.
collect() { while IFS= read -r line; do finding "$line"; done < <("$@"); }

check_format() {
  c_files | xargs clang-format-14 --dry-run -Werror 2>&1 | grep -E '(error|warning):' || true
}

# Which rooms a room may include: the arrows of docs/architecture.md.
check_includes() {
  c_files | xargs awk '
    BEGIN {
      allow["pkg/base"] = ""
      allow["pkg/json"] = "pkg/base"
      allow["pkg/yaml"] = "pkg/base pkg/json"
      allow["pkg/units"] = "pkg/base pkg/json"
      allow["pkg/work"] = "pkg/base"
      allow["pkg/metrics"] = "pkg/base"
      allow["pkg/net"] = "pkg/base"
      allow["pkg/grpc"] = "pkg/base pkg/net"
      allow["pkg/prom"] = "pkg/base"
      allow["pkg/meta"] = "pkg/base pkg/json pkg/units"
      allow["pkg/kube"] = "pkg/base pkg/json pkg/yaml pkg/units pkg/meta pkg/net"
      allow["pkg/knative"] = "pkg/base pkg/json pkg/units pkg/meta"
      allow["pkg/keda"] = "pkg/base pkg/json pkg/units pkg/meta"
      allow["reconciler/hpa"] = "pkg/base pkg/json pkg/yaml pkg/units pkg/meta pkg/knative pkg/keda"
      allow["reconciler/explain"] = "reconciler/hpa pkg/base pkg/json pkg/yaml pkg/units pkg/meta pkg/knative pkg/keda"
      allow["reconciler/controller"] = "reconciler/hpa pkg/base pkg/json pkg/units pkg/meta pkg/kube pkg/knative pkg/keda pkg/work pkg/metrics"
      allow["reconciler/http"] = "pkg/base pkg/json pkg/units pkg/meta pkg/net pkg/grpc pkg/prom pkg/metrics pkg/keda pkg/kube"
      foreign["curl/"] = "pkg/net"; foreign["yajl/"] = "pkg/json"; foreign["yaml.h"] = "pkg/yaml"
      foreign["microhttpd.h"] = "pkg/net test/lib test/cluster"; foreign["uthash.h"] = "pkg/base"
      foreign["utlist.h"] = "pkg/base"; foreign["openssl/"] = "pkg/net pkg/grpc pkg/knative test/cluster test/lib"; foreign["CUnit/"] = "test/lib"
      foreign["seccomp.h"] = "test/hard"; foreign["protobuf-c/"] = "pkg/keda"; foreign["nghttp2/"] = "pkg/grpc test/lib"
    }
    function room(path,   n, part) {
      n = split(path, part, "/")
      return n > 2 ? part[1] "/" part[2] : part[1]
    }
    /^#include "/ {
      split($0, q, "\""); from = room(FILENAME); to = room(q[2])
      if (q[2] !~ /\//) { print FILENAME ":" FNR ": include by full path: " q[2]; next }
      if (from == to || !(from in allow)) next
      if ((" " allow[from] " ") !~ (" " to " ")) print FILENAME ":" FNR ": " from " may not include " to
    }
    /^#include </ {
      split($0, a, "[<>]")
      for (f in foreign) if (index(a[2], f) == 1 && (" " foreign[f] " ") !~ (" " room(FILENAME) " "))
        print FILENAME ":" FNR ": <" a[2] "> belongs to " foreign[f] " alone"
    }'
}

# The pure core sees no clock, no log, no I/O.
check_pure() {
  git ls-files -co --exclude-standard -- reconciler/{hpa,explain}/'*.'[ch] |
    xargs grep -nE '#include [<"](stdio|unistd|time|pkg/base/(log|clock|timer))' |
    sed 's/$/   (pure file)/' || true
}

check_sizes() {
  c_files | while IFS= read -r file; do
    lines=$(wc -l <"$file")
    [ "$lines" -le 500 ] || echo "$file: $lines lines; 500 at most"
  done
  # In tests the rows of a table (lines that begin with a brace or a quote) are data, not code.
  # A function may say "long: reason" in the comment line above it.
  c_files | grep '\.c$' | xargs awk '
    FNR == 1 { start = 0 }
    /^[a-zA-Z_].*\(/ { name = $0; excused = (before ~ /long:/) }
    /^{/ { start = FNR; lines = 0 }
    /^}/ { if (start && lines > 60 && !excused)
             printf "%s:%d: %d lines in a function, 60 at most: %s\n", FILENAME, start, lines, name
           start = 0 }
    { before = $0; if (start && FNR > start && (FILENAME !~ /^test\// || $0 !~ /^[ \t]*[{"]/)) lines++ }'
}

check_banned() {
  local calls='strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|atof|gmtime|localtime|rand|srand|gets|alloca|system'
  c_files | grep -v '^test/' | xargs grep -nE "(^|[^A-Za-z0-9_>.])($calls)[ ]?\(" |
    sed 's/$/   (banned)/' || true
  c_files | grep -Ev '^(pkg/base/clock\.c|test/)' |
    xargs grep -nE '(^|[^A-Za-z0-9_>.])(time|clock_gettime|gettimeofday)\((NULL|CLOCK|&)' |
    sed 's/$/   (only pkg\/base\/clock.c reads clocks)/' || true
}

check_shell() {
  for script in hack/*.sh .ci/run; do
    bash -n "$script" 2>&1
    grep -q -- '--help' "$script" || [ "$script" = .ci/run ] || echo "$script: no --help"
  done
}

check_go() {
  command -v go >/dev/null || return 0
  # gofmt prints the names of files that differ.
  git ls-files -co --exclude-standard -- '*.go' | xargs -r gofmt -l | sed 's/$/: run gofmt/'
}

check_words() {
  # What a stranger must not find: traces of where the work was done.
  git ls-files -co --exclude-standard | grep -v '^hack/lint.sh$' |
    xargs grep -nIE '(^|[^A-Za-z.])/(root|home/[a-z])' | sed 's/$/   (path of a machine)/' || true
}

compile() {
  local log
  log=$(mktemp)
  hack/build.sh "$1" >"$log" 2>&1 || grep -E '(error|warning):' "$log" || tail -n 5 "$log"
  rm -f "$log"
}

analyze_gcc() {
  cmake -S . -B build-analyze -G Ninja -DCMAKE_BUILD_TYPE=Debug \
    -DCMAKE_C_FLAGS=-fanalyzer >/dev/null &&
    cmake --build build-analyze --target autoscaler-keda-hpa -- -k 0 >build-analyze/log 2>&1 ||
    grep -E '(error|warning):' build-analyze/log
}

product() { git ls-files -co --exclude-standard -- 'cmd/*.c' 'pkg/*.c' 'reconciler/*.c'; }

# Leaks are gcc's: cleanup attributes confuse clang and cppcheck. What is generated is there by the
# build before.
analyze_clang() {
  product | xargs -r -P "$(nproc)" -n 1 clang-14 --analyze --analyzer-output text \
    -Xclang -analyzer-disable-checker -Xclang unix.Malloc \
    -std=gnu11 -D_GNU_SOURCE -DAKH_VERSION='""' -DAKH_COMMIT='""' -I. -Ibuild-analyze/generated \
    -o /dev/null 2>&1 |
    grep -E '(error|warning):' || true
}

# It does not know __VA_OPT__: it reads a log.h that does without. A NULL that ends a list of
# arguments is a pointer, as POSIX has it. System headers it does not read, but for macros that look
# like no C.
analyze_cppcheck() {
  local shadow=build-analyze/cppcheck
  mkdir -p "$shadow/pkg/base"
  sed 's/{__VA_ARGS__ __VA_OPT__(, ){0}}/{{0}, ##__VA_ARGS__, {0}}/' pkg/base/log.h \
    >"$shadow/pkg/base/log.h"
  cppcheck --quiet -j "$(nproc)" --include="/usr/include/$(gcc -print-multiarch)/sys/queue.h" \
    --enable=warning,portability --inline-suppr --suppress=memleak \
    --suppress=resourceLeak --suppress=varFuncNullUB --suppress=missingIncludeSystem \
    -D_GNU_SOURCE -DAKH_VERSION='""' -DAKH_COMMIT='""' -I "$shadow" -I . cmd pkg reconciler 2>&1 |
    grep -E '(error|warning|portability):' || true
}

case "${1:-}" in
  -h | --help) usage; exit 0 ;;
  --fix) hack/deps.sh lint; c_files | xargs clang-format-14 -i; exit 0 ;;
  --analyze)
    hack/deps.sh build lint
    for analyzer in analyze_gcc analyze_clang analyze_cppcheck; do collect "$analyzer"; done
    ;;
  "")
    hack/deps.sh build lint
    for check in check_format check_includes check_pure check_sizes check_banned check_shell check_go check_words; do
      collect "$check"
    done
    collect hack/config.sh
    collect hack/told.sh
    collect compile release
    collect compile clang
    ;;
  *) usage >&2; exit 2 ;;
esac

if [ "$findings" -gt 0 ]; then
  echo "hack/lint.sh: $findings findings" >&2
  exit 1
fi
echo "hack/lint.sh: clean"
