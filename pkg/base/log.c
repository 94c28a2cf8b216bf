/*
 * Where log lines go, and which. The state below is the one set-up of the process: written by main
 * before the first line, level and format also later. Invariant: the thread that logs never waits
 * for a reader of stderr for longer than WAIT_MS, and no two lines run into one.
 */
#include "pkg/base/log.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "pkg/base/date.h"
#include "pkg/base/log_line.h"

#define WAIT_MS 100

static struct {
	const struct clock *clock;
	const char *pod, *commit;
	void (*sink)(void *ctx, const char *line, size_t length);
	void *ctx;
	enum log_level level;
	enum log_format format;
	bool colours;
	/* of stderr */
	bool stuck;    /* it took nothing when it was tried last: it is not waited for */
	bool torn;     /* the last line is not whole there */
	uint64_t lost; /* lines, not told yet */
} state = {.clock = &system_clock, .level = LOG_INFO};

void log_setup(const struct clock *clock, const char *pod,
	       void (*sink)(void *ctx, const char *line, size_t length), void *ctx)
{
	state.clock = clock;
	state.pod = pod;
	state.sink = sink;
	state.ctx = ctx;
}

void log_set_commit(const char *commit)
{
	state.commit = commit && commit[0] ? commit : NULL;
}

void log_set_level(enum log_level level)
{
	state.level = level;
}

void log_set_format(enum log_format format)
{
	const char *no_color = getenv("NO_COLOR");

	state.format = format;
	state.colours = isatty(STDERR_FILENO) && !(no_color && no_color[0]);
}

bool log_enabled(enum log_level level)
{
	return level >= state.level;
}

/* ---- the names of levels ---- */

static const char *const level_names[] = {"debug", "info", "warn", "error", "fatal"};

bool log_level_parse(const char *text, enum log_level *out)
{
	static const struct {
		const char *name;
		enum log_level level;
	} names[] = {
	    {"debug", LOG_DEBUG},  {"info", LOG_INFO},    {"", LOG_INFO},
	    {"warn", LOG_WARN},    {"warning", LOG_WARN}, {"error", LOG_ERROR},
	    {"dpanic", LOG_FATAL}, {"panic", LOG_FATAL},  {"fatal", LOG_FATAL},
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcasecmp(text, names[i].name) == 0) {
			*out = names[i].level;
			return true;
		}
	}
	return false;
}

const char *log_level_name(enum log_level level)
{
	return level_names[level];
}

/* ---- stderr ---- */

/* A pipe, or a socket, that is writable takes PIPE_BUF bytes without blocking. */
static bool takes(int wait_ms)
{
	struct pollfd err = {.fd = STDERR_FILENO, .events = POLLOUT};
	int ready;

	do
		ready = poll(&err, 1, wait_ms);
	while (ready < 0 && errno == EINTR);
	return ready > 0;
}

/* False: it does not take all; *written says how much it did. */
static bool write_out(const char *text, size_t length, int wait_ms, size_t *written)
{
	for (*written = 0; *written < length;) {
		size_t size = length - *written < PIPE_BUF ? length - *written : PIPE_BUF;
		ssize_t taken;

		if (!takes(wait_ms))
			return false;
		taken = write(STDERR_FILENO, text + *written, size);
		if (taken < 0 && errno != EINTR)
			return false;
		*written += taken > 0 ? (size_t)taken : 0;
	}
	return true;
}

static void put_out(const struct strbuf *line)
{
	size_t written = 0;
	bool whole = write_out(line->buf, line->len, state.stuck ? 0 : WAIT_MS, &written);

	state.stuck = !whole;
	if (whole)
		state.torn = false;
	else if (written > 0)
		state.torn = true;
	state.lost += !whole;
}

static void compose(enum log_level level, const char *file, int number, const char *message,
		    const struct log_field *fields, struct strbuf *out)
{
	char now[TIME_RFC3339_SIZE];
	const struct log_line line = {
	    .level = level,
	    .now = now,
	    .pod = state.pod,
	    .commit = state.commit,
	    .file = file,
	    .line = number,
	    .message = message,
	    .fields = fields,
	};

	time_format_rfc3339_ms(clock_wall(state.clock), now);
	if (state.format == LOG_CONSOLE)
		log_line_console(&line, state.colours && !state.sink, out);
	else
		log_line_json(&line, out);
}

/* Before the first line after some that were lost. */
static void compose_lost(struct strbuf *out)
{
	const struct log_field fields[] = {F_INT("lost", (int64_t)state.lost), {0}};

	if (state.torn)
		strbuf_addch(out, '\n');
	compose(LOG_WARN, __FILE__, __LINE__, "log lines were lost: stderr took nothing", fields,
		out);
}

void log_write(enum log_level level, const char *file, int line, const char *message,
	       const struct log_field *fields)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;

	if (!state.sink && state.lost > 0 && takes(0)) {
		uint64_t lost = state.lost;

		compose_lost(&text);
		put_out(&text);
		state.lost -= state.stuck ? 1 : lost;
		strbuf_reset(&text);
	}
	compose(level, file, line, message, fields, &text);
	if (state.sink)
		state.sink(state.ctx, text.buf, text.len);
	else
		put_out(&text);
}

void log_last_words(const char *message, const char *doing, const char *about, int64_t for_ms)
{
	char now[TIME_RFC3339_SIZE], line[1024];
	size_t written;
	int length;

	time_format_rfc3339_ms(clock_wall(state.clock), now);
	length = snprintf(line, sizeof(line),
			  "%s{\"severity\":\"EMERGENCY\",\"timestamp\":\"%s\",\"logger\":\""
			  "autoscaler-keda-hpa\",\"message\":\"%s\",\"doing\":\"%s\","
			  "\"knative.dev/key\":\"%s\",\"for\":\"%lld.%03ds\"}\n",
			  state.torn ? "\n" : "", now, message, doing, about,
			  (long long)for_ms / 1000, (int)(for_ms % 1000));
	if (length > 0 && (size_t)length < sizeof(line))
		(void)write_out(line, (size_t)length, 1000, &written);
}
