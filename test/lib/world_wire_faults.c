/*
 * What breaks: which fault hits, the texts of refusals, and what becomes of watches. A fault of a
 * watch event mostly hits all watches, as when a server goes.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "test/lib/model_internal.h"
#include "test/lib/world_wire_internal.h"

/* How many changes a server that lags is behind, and for how long. */
#define STALE_CHANGES 3
#define STALE_LAG_MS 5000

/* ---- which ---- */

static enum fault_target target_of(enum fault_kind kind)
{
	if (kind >= FAULT_BYTE_END)
		return TARGET_BYTE;
	if (kind >= FAULT_WATCH_END)
		return TARGET_EVENT;
	return kind >= FAULT_OPEN_STATUS ? TARGET_OPEN : TARGET_REQUEST;
}

const struct fault *wire_next_fault(struct wire *wire, enum fault_target target,
				    const struct http_call *call)
{
	const struct fault *hit = NULL;
	for (size_t i = 0; i < wire->fault_count; i++) {
		const struct fault *fault = &wire->faults[i];
		if (fault->kind == FAULT_NONE || target_of(fault->kind) != target)
			continue;
		if (call && fault->writes_only && (!call->write || call->event))
			continue;
		if (++wire->seen[i] == fault->at) {
			wire->fired[i] = true;
			hit = fault;
		}
	}
	return hit;
}

const struct fault *wire_byte_fault(struct wire *wire, size_t *length)
{
	const struct fault *hit = NULL;
	for (size_t i = 0; i < wire->fault_count; i++) {
		const struct fault *fault = &wire->faults[i];
		if (target_of(fault->kind) != TARGET_BYTE)
			continue;
		unsigned before = wire->seen[i];
		wire->seen[i] += (unsigned)*length;
		if (wire->fired[i] || fault->at <= before || fault->at > wire->seen[i])
			continue;
		wire->fired[i] = true;
		*length = fault->at - before;
		hit = fault;
	}
	return hit;
}

unsigned wire_faults_fired(const struct wire *wire)
{
	unsigned count = 0;
	for (size_t i = 0; i < wire->fault_count; i++)
		count += wire->fired[i];
	return count;
}

unsigned wire_fault_seen(const struct wire *wire, size_t index)
{
	return wire->seen[index];
}

/* ---- answers ---- */

void answer_fault(struct http_call *call, const struct fault *fault)
{
	static const struct {
		int status;
		const char *text;
	} texts[] = {
	    {400, "admission webhook \"w\" denied the request: no"},
	    {401, "Unauthorized"},
	    {403, "forbidden: User \"x\" cannot do that in API group \"\""},
	    {404, "404 page not found\n"},
	    {408, "Timeout: request did not complete within requested timeout"},
	    {409, "Operation cannot be fulfilled: the object has been modified; please apply "
		  "your changes to the latest version and try again"},
	    {422, "\"x\" is invalid: spec.a: Invalid value: 1: no"},
	    {429, "too many requests"},
	    {500, "an error on the server"},
	    {503, "apiserver is shutting down"},
	    {504, "Timeout: request did not complete within requested timeout"},
	};
	const char *text = fault->text;
	for (size_t i = 0; !text && i < ARRAY_SIZE(texts); i++)
		if (texts[i].status == fault->status)
			text = texts[i].text;
	CHECK(text);
	call->answer.status = fault->status;
	call->retry_after_ms = fault->retry_after_ms;
	strbuf_reset(&call->answer.body);
	/* So does a server without that API. */
	if (fault->status == 404)
		strbuf_addstr(&call->answer.body, text);
	else
		model_status_body(fault->status, text, &call->answer.body);
}

/* ---- all watches at once ---- */

static void error_line(int status, const char *text, struct strbuf *line)
{
	CLEANUP(strbuf_release) struct strbuf body = STRBUF_INIT;
	model_status_body(status, text, &body);
	strbuf_addf(line, "{\"type\":\"ERROR\",\"object\":%.*s}\n", (int)body.len - 1, body.buf);
}

static void hit_watches(struct wire *wire, enum fault_kind kind)
{
	CLEANUP(strbuf_release) struct strbuf line = STRBUF_INIT;
	error_line(410, "too old resource version", &line);
	/* A callback may start calls (at the head) and cancel its own: look anew after each. */
	for (struct http_call *call = wire->calls; call;) {
		if (call->state != CALL_WATCHING || call->given_up) {
			call = call->next;
			continue;
		}
		bool was_busy = call->busy;
		call->busy = true;
		if (kind == FAULT_WATCH_GONE)
			call_feed(call, line.buf, line.len);
		if (!call->given_up && kind == FAULT_WATCH_CUT)
			call_break(call, "the connection broke");
		else if (!call->given_up)
			call_finish(call, false);
		call->busy = was_busy;
		call->state = CALL_OVER;
		call_settle(call);
		call = wire->calls;
	}
}

void wire_lose_over(void *ctx)
{
	struct wire *wire = ctx;
	model_compact(wire->model);
	hit_watches(wire, FAULT_WATCH_GONE);
}

/* ---- one event ---- */

static void tell_odd(struct http_call *call, const char *text, const struct strbuf *line)
{
	CLEANUP(strbuf_release) struct strbuf error = STRBUF_INIT;
	if (!text) {
		error_line(500, "etcdserver: no leader", &error);
		text = error.buf;
	}
	if (call_feed(call, text, strlen(text)))
		call_feed(call, line->buf, line->len);
}

static void hit_event(struct http_call *call, const struct strbuf *line, const struct fault *fault)
{
	struct wire *wire = call->wire;
	int64_t now = timers_now(wire->timers);
	switch (fault->kind) {
	case FAULT_WATCH_FLAP:
		wire->flap_until_ms = now + fault->delay_ms;
		/* fall through */
	case FAULT_WATCH_END:
		if (call_feed(call, line->buf, line->len))
			hit_watches(wire, FAULT_WATCH_END);
		break;
	case FAULT_WATCH_CUT:
		if (call_feed(call, line->buf, line->len / 2))
			hit_watches(wire, FAULT_WATCH_CUT);
		break;
	case FAULT_WATCH_STALE:
		wire->stale_until_ms = now + STALE_LAG_MS;
		hit_watches(wire, FAULT_WATCH_GONE);
		break;
	case FAULT_WATCH_GONE:
		model_compact(wire->model);
		hit_watches(wire, FAULT_WATCH_GONE);
		break;
	case FAULT_WATCH_LOSE:
		wire->losing_until_ms = now + fault->delay_ms;
		timer_arm(wire->timers, &wire->lose_timer, fault->delay_ms);
		if (!call->listed)
			call_feed(call, line->buf, line->len);
		break;
	case FAULT_WATCH_STALL:
		wire->stalled_until_ms = now + fault->delay_ms;
		call_feed(call, line->buf, line->len);
		break;
	case FAULT_WATCH_DOUBLE:
		if (call_feed(call, line->buf, line->len))
			call_feed(call, line->buf, line->len);
		break;
	default:
		tell_odd(call, fault->text, line);
		break;
	}
}

void tell_event(struct http_call *call, const struct strbuf *line)
{
	struct wire *wire = call->wire;
	const struct fault *fault = wire_next_fault(wire, TARGET_EVENT, NULL);
	/* Of a list nothing is lost. */
	if (timers_now(wire->timers) < wire->losing_until_ms && call->listed)
		return;
	if (fault)
		hit_event(call, line, fault);
	else
		call_feed(call, line->buf, line->len);
}

/* ---- a list of some versions ago ---- */

/* Is what was there before that later change known? later: keys that were added after `at`. */
static bool is_known(const struct change *change, const struct table *there, struct table *later)
{
	if (change->type == CHANGE_ADDED)
		table_set(later, change->version->key, change->version);
	return table_get(there, change->version->key) || table_get(later, change->version->key);
}

/* What was there at that version, replayed; false: that is forgotten. */
static bool replay(const struct resource *resource, uint64_t at, struct table *there)
{
	struct table *later = table_new();
	bool known = true;
	for (size_t i = 0; i < resource->count; i++) {
		const struct change *change = &resource->history[i];
		if (change->version->number > at)
			known = known && is_known(change, there, later);
		else if (change->type == CHANGE_DELETED)
			table_remove(there, change->version->key);
		else
			table_set(there, change->version->key, change->version);
	}
	table_free(later);
	return known;
}

struct telling {
	struct table *there;
	struct strbuf *out;
};

static bool add_old(void *ctx, const char *key, void *value)
{
	struct telling *telling = ctx;
	struct version *version = value;
	if (version->number <= version->resource->compacted)
		table_set(telling->there, key, version);
	return true;
}

static bool tell_one(void *ctx, const char *key UNUSED, void *value)
{
	struct telling *telling = ctx;
	strbuf_addf(telling->out, "{\"type\":\"ADDED\",\"object\":%s}\n", version_text(value));
	return true;
}

static uint64_t some_versions_ago(const struct resource *resource)
{
	if (resource->count <= STALE_CHANGES)
		return resource->compacted;
	return resource->history[resource->count - 1 - STALE_CHANGES].version->number;
}

static bool tell_old_list(struct http_call *call, struct resource *resource, uint64_t at)
{
	const struct kind *kind = &resource->kind;
	struct telling telling = {table_new(), &call->prelude};
	table_each(resource->objects, add_old, &telling);
	bool known = replay(resource, at, telling.there);
	if (known) {
		table_each(telling.there, tell_one, &telling);
		strbuf_addf(&call->prelude,
			    "{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"%s\",\"apiVersion\":"
			    "\"%s%s%s\",\"metadata\":{\"resourceVersion\":\"%" PRIu64
			    "\",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}\n",
			    kind->name, kind->group, kind->group[0] ? "/" : "", kind->version, at);
	}
	table_free(telling.there);
	return known;
}

bool open_stale(struct http_call *call)
{
	CLEANUP(strbuf_release) struct strbuf path = STRBUF_INIT;
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct selection selection;
	struct wire *wire = call->wire;
	if (!strstr(call->path, "sendInitialEvents=true") || strstr(call->path, "fieldSelector") ||
	    !selection_parse(wire->model, call->path, arena, &selection, &err) ||
	    !selection.resource || selection.resource->absent)
		return false;
	uint64_t at = some_versions_ago(selection.resource);
	if (!tell_old_list(call, selection.resource, at))
		return false;
	strbuf_addf(&path, "%.*s?watch=true&allowWatchBookmarks=true&resourceVersion=%" PRIu64,
		    (int)strcspn(call->path, "?"), call->path, at);
	call->watch = model_watch_open(wire->model, path.buf, &call->answer);
	call->waits_ms = timers_now(wire->timers) + STALE_LAG_MS;
	return call->watch != NULL;
}
