#!/usr/bin/env bash
# Holds docs/operations.md against the sources: log messages, log fields and reasons of Events, each
# way: what the program can tell is listed, and what is listed the program can tell.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'TXT'
usage: hack/told.sh [--list]

Compares log messages (with their levels), log fields (with their types) and the reasons of Events in
the sources with the tables in docs/operations.md. Prints each difference and exits 1 if there is any.
  --list  prints what the sources have, as the tables would have it
TXT
}

doc=docs/operations.md
sources() { find cmd pkg reconciler -name '*.c' | LC_ALL=C sort; }

# "LEVEL|message" of each call: the text behind log_info( and the like, of LOG_AT( behind its level,
# which may be computed ("?"). Texts in parts are joined.
messages() {
  sources | xargs awk '
    function texts(rest,   all) {
      while (match(rest, /^[ \t\n]*"([^"\\]|\\.)*"/)) {
        part = substr(rest, 1, RLENGTH); sub(/^[ \t\n]*"/, "", part); sub(/"$/, "", part)
        all = all part; rest = substr(rest, RLENGTH + 1)
        found = 1
      }
      return all
    }
    function tell(level, rest) {
      found = 0; message = texts(rest)
      if (found) print level "|" message
    }
    function scan(text) {
      while (match(text, /(^|[^A-Za-z_])(log_(debug|info|warn|error|last_words)|LOG_AT|TELL|compose)\(/)) {
        call = substr(text, RSTART, RLENGTH); text = substr(text, RSTART + RLENGTH)
        if (call ~ /log_debug/) tell("DEBUG", text)
        else if (call ~ /log_info|TELL/) tell("INFO", text)
        else if (call ~ /log_warn/) tell("WARNING", text)
        else if (call ~ /log_error/) tell("ERROR", text)
        else if (call ~ /last_words/) tell("EMERGENCY", text)
        else if (call ~ /LOG_AT/) {
          behind = text; sub(/^[^",;]*,/, "", behind); tell("?", behind)
        } else if (text ~ /^LOG_WARN, __FILE__, __LINE__,/) {
          behind = text; sub(/^LOG_WARN, __FILE__, __LINE__,/, "", behind); tell("WARNING", behind)
        }
      }
    }
    FNR == 1 { scan(whole); whole = "" }
    { whole = whole $0 "\n" }
    END { scan(whole) }' | LC_ALL=C sort -u
}

# "key type" of each field; those of every line, which are written without a macro, too.
fields() {
  {
    sources | xargs grep -hoE 'F_(STR|INT|BOOL|MS)\("[^"]+"' |
      sed -e 's/F_STR("\(.*\)"/\1 text/' -e 's/F_INT("\(.*\)"/\1 number/' \
        -e 's/F_BOOL("\(.*\)"/\1 bool/' -e 's/F_MS("\(.*\)"/\1 duration/'
    grep -oE 'add_member\(out, start, "[^"]+"' pkg/base/log_line.c |
      sed 's/.*"\(.*\)"/\1 text/'
    grep -A12 '^void log_last_words' pkg/base/log.c | grep -oE '\\"[a-zA-Z./]+\\":' |
      sed -e 's/\\"//g' -e 's/:$/ text/' -e 's/^for text$/for duration/'
  } | LC_ALL=C sort -u
}

reasons() {
  {
    grep -hoE '^#define REASON_[A-Z_]+ "[A-Za-z]+"' reconciler/hpa/*.h
    cat reconciler/hpa/notes.c | tr -d '\n\t' | grep -oE 'add\(look, [a-z]+, *"[A-Za-z]+"'
    cat reconciler/controller/*.c | tr -d '\n\t' | grep -oE 'recorder_event\([^;]*"[A-Z][A-Za-z]+"'
  } | sed 's/.*"\([A-Za-z]*\)"$/\1/' | LC_ALL=C sort -u
}

# The rows of a table: what stands between the two marks, first columns only, without backticks.
rows() {
  awk -v from="<!-- $1: begin -->" -v to="<!-- $1: end -->" -v columns="$2" '
    $0 == to { inside = 0 }
    inside && /^\| `/ {
      n = split($0, cell, /[ ]*\|[ ]*/); line = ""
      for (i = 2; i < 2 + columns; i++) { gsub(/`/, "", cell[i]); line = line (i > 2 ? "|" : "") cell[i] }
      print line
    }
    $0 == from { inside = 1 }' "$doc" | LC_ALL=C sort -u
}

differences=0
compare() { # what, file of the sources, file of the document
  local line
  while IFS= read -r line; do
    echo "$doc: $1 not listed: $line"
    differences=$((differences + 1))
  done < <(LC_ALL=C comm -23 "$2" "$3")
  while IFS= read -r line; do
    echo "$doc: $1 that the program does not have: $line"
    differences=$((differences + 1))
  done < <(LC_ALL=C comm -13 "$2" "$3")
}

case "${1:-}" in
  -h | --help) usage; exit 0 ;;
  --list) messages; echo; fields; echo; reasons; exit 0 ;;
  "") ;;
  *) usage >&2; exit 2 ;;
esac

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
messages >"$work/messages"
fields | sed 's, ,|,' | LC_ALL=C sort >"$work/fields"
reasons >"$work/reasons"
for table in messages fields reasons; do
  [ "$(wc -l <"$work/$table")" -ge 10 ] || { echo "hack/told.sh: no $table found in the sources"; exit 1; }
done
# A computed level is any of those that the document gives.
rows "log messages" 2 | awk -F'|' '{ print $2 "|" $1 }' | LC_ALL=C sort -u >"$work/listed"
cut -d'|' -f2 "$work/messages" | LC_ALL=C sort -u >"$work/texts"
cut -d'|' -f2 "$work/listed" | LC_ALL=C sort -u >"$work/listed-texts"
compare "log message" "$work/texts" "$work/listed-texts"
grep -v '^?' "$work/messages" >"$work/levels"
while IFS= read -r line; do
  grep -qxF -- "$line" "$work/listed" || echo "$doc: log message with another level: $line"
done < <(LC_ALL=C comm -12 "$work/texts" "$work/listed-texts" | grep -Ff - "$work/levels") >"$work/other"
cat "$work/other"
differences=$((differences + $(wc -l <"$work/other")))
rows "log fields" 2 >"$work/listed-fields"
compare "log field" "$work/fields" "$work/listed-fields"
# Two types under one name: what collects logs refuses one of them.
while IFS= read -r key; do
  echo "log field with two types: $key"
  differences=$((differences + 1))
done < <(cut -d'|' -f1 "$work/fields" | uniq -d)
rows events 1 >"$work/listed-reasons"
compare "reason of an Event" "$work/reasons" "$work/listed-reasons"

if [ "$differences" -gt 0 ]; then
  echo "hack/told.sh: $differences differences" >&2
  exit 1
fi
