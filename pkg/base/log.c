/*
 * Builds one JSON line an event and hands it to the sink whole. The state below is the one
 * set-up of the process: written by main before the first line, the level also later.
 */
#include "pkg/base/log.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pkg/base/date.h"
#include "pkg/base/strbuf.h"

static struct {
	const struct clock *clock;
	const char *pod;
	void (*sink)(void *ctx, const char *line, size_t length);
	void *ctx;
	enum log_level level;
} state = {&system_clock, NULL, NULL, NULL, LOG_INFO};

void log_setup(const struct clock *clock, const char *pod,
	       void (*sink)(void *ctx, const char *line, size_t length), void *ctx)
{
	state.clock = clock;
	state.pod = pod;
	state.sink = sink;
	state.ctx = ctx;
}

void log_set_level(enum log_level level)
{
	state.level = level;
}

bool log_enabled(enum log_level level)
{
	return level >= state.level;
}

static void add_text(struct strbuf *line, const char *key, const char *text)
{
	strbuf_addch(line, line->len ? ',' : '{');
	strbuf_add_json_string(line, key, strlen(key));
	strbuf_addch(line, ':');
	strbuf_add_json_string(line, text, strlen(text));
}

static void add_raw(struct strbuf *line, const char *key, const char *value)
{
	strbuf_addch(line, ',');
	strbuf_add_json_string(line, key, strlen(key));
	strbuf_addf(line, ":%s", value);
}

static void add_field(struct strbuf *line, const struct log_field *field)
{
	char number[40];
	uint64_t size = field->number < 0 ? -(uint64_t)field->number : (uint64_t)field->number;
	switch (field->type) {
	case LOG_FIELD_END:
		break;
	case LOG_FIELD_STR:
		if (field->text)
			add_text(line, field->key, field->text);
		break;
	case LOG_FIELD_INT:
		snprintf(number, sizeof(number), "%" PRId64, field->number);
		add_raw(line, field->key, number);
		break;
	case LOG_FIELD_BOOL:
		add_raw(line, field->key, field->number ? "true" : "false");
		break;
	case LOG_FIELD_MS:
		snprintf(number, sizeof(number), "%s%" PRIu64 ".%03u", field->number < 0 ? "-" : "",
			 size / 1000, (unsigned)(size % 1000));
		add_raw(line, field->key, number);
		break;
	}
}

static void write_all(const char *text, size_t length)
{
	while (length > 0) {
		ssize_t written = write(STDERR_FILENO, text, length);
		if (written <= 0)
			return;
		text += written;
		length -= (size_t)written;
	}
}

void log_write(enum log_level level, const char *file, int line, const char *message,
	       const struct log_field *fields)
{
	static const char *const severities[] = {"DEBUG", "INFO", "WARN", "ERROR"};
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	CLEANUP(strbuf_release) struct strbuf caller = STRBUF_INIT;
	char now[TIME_RFC3339_SIZE];
	time_format_rfc3339_ms(clock_wall(state.clock), now);
	strbuf_addf(&caller, "%s:%d", file, line);
	add_text(&text, "severity", severities[level]);
	add_text(&text, "timestamp", now);
	add_text(&text, "logger", "autoscaler-keda-hpa");
	add_text(&text, "caller", caller.buf);
	add_text(&text, "message", message);
	if (state.pod)
		add_text(&text, "knative.dev/pod", state.pod);
	for (; fields->type != LOG_FIELD_END; fields++)
		add_field(&text, fields);
	strbuf_addstr(&text, "}\n");
	if (state.sink)
		state.sink(state.ctx, text.buf, text.len);
	else
		write_all(text.buf, text.len);
}

void log_last_words(const char *message, const char *doing, const char *about, int64_t for_ms)
{
	struct pollfd err = {.fd = STDERR_FILENO, .events = POLLOUT};
	char now[TIME_RFC3339_SIZE], line[1024];
	time_format_rfc3339_ms(clock_wall(state.clock), now);
	int length =
	    snprintf(line, sizeof(line),
		     "{\"severity\":\"FATAL\",\"timestamp\":\"%s\",\"logger\":\""
		     "autoscaler-keda-hpa\",\"message\":\"%s\",\"doing\":\"%s\","
		     "\"knative.dev/key\":\"%s\",\"for\":%lld.%03d}\n",
		     now, message, doing, about, (long long)for_ms / 1000, (int)(for_ms % 1000));
	/* A pipe that is writable takes PIPE_BUF bytes without blocking. */
	if (length > 0 && (size_t)length < sizeof(line) && poll(&err, 1, 1000) > 0)
		write_all(line, (size_t)length);
}
