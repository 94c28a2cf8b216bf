/*
 * Composes log lines. All text from outside goes through add_text(), whatever the format: a name or
 * an error text of the API server must neither break the line nor steer a terminal, nor bring a
 * credential into it.
 */
#include "pkg/base/log_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pkg/base/mask.h"

#define VALUE_MAX 4096 /* quoted */
#define TAIL 2048      /* kept free for fields that are short, or cut to nothing */

/* How much of the text fits into max bytes once it is quoted, cut between characters. */
static size_t quote_within(const char *text, size_t max, struct strbuf *out)
{
	size_t start = out->len, length = strlen(text), take = length < max ? length : max;

	for (;;) {
		while (take > 0 && take < length && (text[take] & 0xC0) == 0x80)
			take--;
		strbuf_add_json_string(out, text, take);
		if (out->len - start <= max + 2 || take == 0)
			return take;
		take = take * max / (out->len - start);
		out->len = start;
		out->buf[start] = 0;
	}
}

/* As a quoted text, cut if that must be; start: where the line begins. */
static void add_text(struct strbuf *out, size_t start, const char *text)
{
	size_t used = out->len - start;
	size_t room = used + TAIL < LOG_LINE_MAX ? LOG_LINE_MAX - TAIL - used : 0;
	CLEANUP(strbuf_release) struct strbuf shown = STRBUF_INIT;
	size_t taken;

	strbuf_add_masked(&shown, text, strlen(text));
	taken = quote_within(shown.buf, room < VALUE_MAX ? room : VALUE_MAX, out);
	if (shown.buf[taken]) {
		out->len--;
		strbuf_addf(out, "...(%zu bytes more)\"", shown.len - taken);
	}
}

/* time.Duration.String, of whole milliseconds. */
static void add_duration(struct strbuf *out, int64_t ms)
{
	uint64_t size = ms < 0 ? -(uint64_t)ms : (uint64_t)ms;
	uint64_t seconds = size / 1000;
	unsigned fraction = (unsigned)(size % 1000), digits = 3;

	strbuf_addstr(out, ms < 0 ? "-" : "");
	if (size > 0 && size < 1000) {
		strbuf_addf(out, "%ums", fraction);
		return;
	}
	if (seconds >= 3600)
		strbuf_addf(out, "%" PRIu64 "h", seconds / 3600);
	if (seconds >= 60)
		strbuf_addf(out, "%um", (unsigned)(seconds / 60 % 60));
	strbuf_addf(out, "%u", (unsigned)(seconds % 60));
	for (; fraction && fraction % 10 == 0; digits--)
		fraction /= 10;
	if (fraction)
		strbuf_addf(out, ".%0*u", (int)digits, fraction);
	strbuf_addch(out, 's');
}

static bool is_left_out(const struct log_field *field)
{
	return field->type == LOG_FIELD_STR && !field->text;
}

/* ---- JSON ---- */

static void add_key(struct strbuf *out, size_t start, const char *key)
{
	strbuf_addstr(out, out->len == start ? "{\"" : ",\"");
	strbuf_addstr(out, key);
	strbuf_addstr(out, "\":");
}

static void add_member(struct strbuf *out, size_t start, const char *key, const char *text)
{
	add_key(out, start, key);
	add_text(out, start, text);
}

static void add_json_field(struct strbuf *out, size_t start, const struct log_field *field)
{
	if (field->type == LOG_FIELD_STR) {
		add_member(out, start, field->key, field->text);
		return;
	}
	add_key(out, start, field->key);
	if (field->type == LOG_FIELD_INT) {
		strbuf_addf(out, "%" PRId64, field->number);
	} else if (field->type == LOG_FIELD_BOOL) {
		strbuf_addstr(out, field->number ? "true" : "false");
	} else {
		strbuf_addch(out, '"');
		add_duration(out, field->number);
		strbuf_addch(out, '"');
	}
}

/* Folder and file, as zap's ShortCallerEncoder has it. */
static const char *short_path(const char *path)
{
	const char *name = strrchr(path, '/');

	while (name && name > path && name[-1] != '/')
		name--;
	return name ? name : path;
}

void log_line_json(const struct log_line *line, struct strbuf *out)
{
	/* zapdriver's names of zap's levels */
	static const char *const severities[] = {"DEBUG", "INFO", "WARNING", "ERROR", "EMERGENCY"};
	CLEANUP(strbuf_release) struct strbuf caller = STRBUF_INIT;
	size_t start = out->len;

	strbuf_addf(&caller, "%s:%d", short_path(line->file), line->line);
	add_member(out, start, "severity", severities[line->level]);
	add_member(out, start, "timestamp", line->now);
	add_member(out, start, "logger", "autoscaler-keda-hpa");
	add_member(out, start, "caller", caller.buf);
	add_member(out, start, "message", line->message);
	if (line->commit)
		add_member(out, start, "commit", line->commit);
	if (line->pod)
		add_member(out, start, "knative.dev/pod", line->pod);
	for (const struct log_field *field = line->fields; field->type != LOG_FIELD_END; field++) {
		if (!is_left_out(field))
			add_json_field(out, start, field);
	}
	strbuf_addstr(out, "}\n");
}

/* ---- console ---- */

/* Without its quotes where nobody could take it for anything else. */
static void add_bare(struct strbuf *out, size_t start, const char *text, const char *breaks)
{
	size_t at = out->len, length = strlen(text);

	add_text(out, start, text);
	if (length > 0 && out->len - at == length + 2 &&
	    memcmp(out->buf + at + 1, text, length) == 0 && !strpbrk(text, breaks)) {
		out->len = at;
		strbuf_addstr(out, text);
	}
}

static bool is_for_machines(const char *key)
{
	return strcmp(key, "knative.dev/controller") == 0 || strcmp(key, "knative.dev/kind") == 0;
}

static void add_console_field(struct strbuf *out, size_t start, const struct log_field *field)
{
	static const char prefix[] = "knative.dev/";
	bool prefixed = strncmp(field->key, prefix, strlen(prefix)) == 0;

	strbuf_addf(out, " %s=", field->key + (prefixed ? strlen(prefix) : 0));
	if (field->type == LOG_FIELD_STR)
		add_bare(out, start, field->text, " =");
	else if (field->type == LOG_FIELD_INT)
		strbuf_addf(out, "%" PRId64, field->number);
	else if (field->type == LOG_FIELD_BOOL)
		strbuf_addstr(out, field->number ? "true" : "false");
	else
		add_duration(out, field->number);
}

void log_line_console(const struct log_line *line, bool colours, struct strbuf *out)
{
	static const char *const names[] = {"DEBUG", "INFO ", "WARN ", "ERROR", "FATAL"};
	static const unsigned shades[] = {90, 32, 33, 31, 31};
	size_t start = out->len;

	strbuf_addf(out, "%s ", line->now);
	if (colours)
		strbuf_addf(out, "\033[%um%s\033[0m ", shades[line->level], names[line->level]);
	else
		strbuf_addf(out, "%s ", names[line->level]);
	add_bare(out, start, line->message, "");
	for (const struct log_field *field = line->fields; field->type != LOG_FIELD_END; field++) {
		if (!is_left_out(field) && !is_for_machines(field->key))
			add_console_field(out, start, field);
	}
	strbuf_addch(out, '\n');
}
