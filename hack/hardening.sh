#!/usr/bin/env bash
# Shows what a built program carries against being exploited.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'TXT'
usage: hack/hardening.sh [PROGRAM]

Reads an ELF program (build/autoscaler-keda-hpa) and prints a table: property, what is there, what
is wanted. Exits 1 if something is missing. Needs readelf and objdump (binutils); names of a stripped
program are taken from PROGRAM.debug.
TXT
}

case "${1:-}" in
  -h | --help) usage; exit 0 ;;
esac
program=${1:-build/autoscaler-keda-hpa}
[ -r "$program" ] || { echo "hack/hardening.sh: no file $program; hack/build.sh builds it" >&2; exit 2; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
LC_ALL=C readelf -hldW "$program" >"$work/elf"
machine=$(sed -n 's/^ *Machine: *//p' "$work/elf")
named=$program
[ ! -r "$program.debug" ] || named=$program.debug
LC_ALL=C readelf -sW "$named" >"$work/symbols"
objdump=objdump
case "$machine/$(uname -m)" in
  AArch64/x86_64) objdump=aarch64-linux-gnu-objdump ;;
esac
LC_ALL=C "$objdump" -d --no-show-raw-insn "$program" >"$work/code"
# Where no names are in the code, a call is known by the address it goes to.
check=$(sed -nE 's/^ *[0-9]+: 0*([0-9a-f]+) .* __stack_chk_fail$/\1/p' "$work/symbols" | head -1)

count=0 missing=0
# row PROPERTY FOUND WANTED PATTERN: PATTERN is what FOUND has to match.
row() {
  local verdict=ok
  count=$((count + 1))
  [[ $2 =~ ^($4)$ ]] || { verdict=MISSING; missing=$((missing + 1)); }
  printf '%-34s %-28s %-28s %s\n' "$1" "${2:0:28}" "$3" "$verdict"
}
found() { if grep -qE -- "$1" "$work/$2"; then echo "$3"; else echo "${4:-no}"; fi; }
number() { grep -cE -- "$1" "$work/$2" || true; }
segment() { sed -n "s/^ *$1 .* \([R ][W ][E ]\) *0x[0-9a-f]*\$/\1/p" "$work/elf"; }

printf '%-34s %-28s %-28s\n' PROPERTY FOUND WANTED
row 'position independent (PIE)' "$(found 'FLAGS_1.*PIE' elf yes)" yes yes
relro=$(found '^ *GNU_RELRO' elf partial none)
[ "$relro" = none ] || relro=$(found '(BIND_NOW|FLAGS.*NOW)' elf full partial)
row 'relocations read-only (RELRO)' "$relro" full full
row 'stack' "$(segment GNU_STACK)" 'RW, not executable' 'RW *'
row 'segments to write and run' "$(segment LOAD | grep -c 'W *E' || true)" 0 0
row 'canaries: calls of their check' "$(number "__stack_chk_fail|\b(call|bl)\\s+(0x)?${check:-none}\b" code)" 'one at least' '[1-9][0-9]*'
row 'checked libc calls (FORTIFY)' "$(grep -oE '__[a-z]+_chk\b' "$work/symbols" | grep -v stack | sort -u | wc -l)" \
  'one at least' '[1-9][0-9]*'
case "$machine" in
  *X86-64*)
    row 'large frames are probed' "$(number 'sub +\$0x1000,%rsp' code)" 'one at least' '[1-9][0-9]*'
    # In the code, not in the note of the whole: start files of Debian's libc lack the mark.
    row 'landing pads (CET)' "$(number '\bendbr64\b' code)" 'ten at least' '[1-9][0-9]+'
    ;;
  *AArch64*)
    # Probes there are 64 KB apart, and no frame is as large: nothing to see.
    row 'landing pads (BTI, PAC)' "$(number '\b(bti|paciasp)\b' code)" 'ten at least' '[1-9][0-9]+'
    ;;
esac
row 'library paths (RPATH, RUNPATH)' "$(found '\((RPATH|RUNPATH)\)' elf some none)" none none

if [ "$missing" -gt 0 ]; then
  echo "hack/hardening.sh: $program: $missing of $count are missing" >&2
  exit 1
fi
