/*
 * A reflector of made-up things over a fake transport: what the tests of lists and of watches
 * share. The log of changes and the one request under way are what they look at.
 */
#ifndef TEST_UNIT_REFLECTOR_FIXTURE_H
#define TEST_UNIT_REFLECTOR_FIXTURE_H

#include <stdlib.h>
#include <string.h>

#include "pkg/base/log.h"
#include "pkg/kube/reflector.h"
#include "test/lib/fake_clock.h"
#include "test/lib/fake_transport.h"
#include "test/lib/test.h"

static const struct kube_resource things = {"g.io", "v1", "things", "Thing"};

#define OBJECT(name, version)                                                                      \
	"{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"ns\",\"resourceVersion\":\"" version \
	"\",\"managedFields\":[{\"manager\":\"m\"}]}}"
#define EVENT(type, name, version) "{\"type\":\"" type "\",\"object\":" OBJECT(name, version) "}\n"
#define BAD(type, name, version)                                                                   \
	"{\"type\":\"" type "\",\"object\":{\"bad\":true,\"metadata\":{\"name\":\"" name           \
	"\",\"namespace\":\"ns\",\"resourceVersion\":\"" version "\"}}}\n"
#define BOOKMARK(version)                                                                          \
	"{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"" version "\"}}}"  \
	"\n"
#define INITIAL_END(version)                                                                       \
	"{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"" version          \
	"\",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}\n"
#define ERROR_EVENT(code, message)                                                                 \
	"{\"type\":\"ERROR\",\"object\":{\"kind\":\"Status\",\"code\":" code                       \
	",\"message\":\"" message "\"}}\n"
#define LIST(version, token, items)                                                                \
	"{\"kind\":\"ThingList\",\"metadata\":{\"resourceVersion\":\"" version                     \
	"\",\"continue\":\"" token "\"},\"items\":[" items "]}"

struct bench {
	struct fake_clock clock;
	struct timers *timers;
	struct fake_transport fake;
	struct kube_client *client;
	struct store *store;
	struct reflector *reflector;
	struct strbuf changes;
};

static inline void note(void *ctx, const struct object *before, const struct object *after)
{
	struct strbuf *log = ctx;
	if (!before)
		strbuf_addf(log, "+%s:%d ", after->meta.name, (int)after->meta.version);
	else if (!after)
		strbuf_addf(log, "-%s:%d ", before->meta.name, (int)before->meta.version);
	else
		strbuf_addf(log, "%s:%d>%d ", after->meta.name, (int)before->meta.version,
			    (int)after->meta.version);
}

static inline struct object *decode(const struct json *json, struct error *err)
{
	struct object *object = object_new(sizeof(*object));
	EXPECT(!json_path(json, "metadata", "managedFields", NULL));
	if (!json_bool_or(json_get(json, "bad"), false) &&
	    meta_decode(json, object->arena, &object->meta, err))
		return object;
	if (err->kind == ERROR_NONE)
		error_set(err, ERROR_INVALID, "bad thing");
	object_unref(object);
	return NULL;
}

static inline void run(struct bench *b, int64_t ms)
{
	fake_clock_run(&b->clock, b->timers, ms);
}

static inline void setup_at(struct bench *b, struct reflector_config config, int64_t wall_ms)
{
	*b = (struct bench){.changes = STRBUF_INIT};
	log_set_level(LOG_ERROR);
	fake_clock_init(&b->clock);
	b->clock.wall = wall_ms;
	b->timers = timers_new(&b->clock.clock);
	fake_transport_init(&b->fake);
	b->client = kube_client_new(&(struct kube_client_config){
	    .transport = &b->fake.transport, .timers = b->timers, .field_manager = "me"});
	b->store = store_new(&(struct store_config){.changed = note, .ctx = &b->changes});
	config.client = b->client;
	config.resource = &things;
	config.decode = decode;
	config.store = b->store;
	b->reflector = reflector_new(&config);
	EXPECT_INT(b->fake.count, 0);
	run(b, 0);
}

static inline void setup_with(struct bench *b, struct reflector_config config)
{
	setup_at(b, config, FAKE_CLOCK_WALL);
}

static inline void setup(struct bench *b)
{
	setup_with(b, (struct reflector_config){0});
}

static inline void teardown(struct bench *b)
{
	reflector_free(b->reflector);
	store_free(b->store);
	kube_client_free(b->client);
	EXPECT_INT(fake_open_count(&b->fake), 0);
	EXPECT_INT(timers_next_ms(b->timers), -1);
	fake_transport_release(&b->fake);
	timers_free(b->timers);
	strbuf_release(&b->changes);
}

static inline struct reflector_status status_of(const struct bench *b)
{
	struct reflector_status status;
	reflector_status(b->reflector, &status);
	return status;
}

static inline void expect_changes(struct bench *b, const char *want)
{
	EXPECT_TEXT(b->changes.buf, want);
	strbuf_reset(&b->changes);
}

/* The one request under way; NULL ends the test in the transport's own checks. */
static inline struct http_call *open_call(const struct bench *b)
{
	EXPECT_INT(fake_open_count(&b->fake), 1);
	return fake_find(&b->fake, "GET", "");
}

static inline void chunk(struct bench *b, const char *text)
{
	EXPECT(fake_chunk(&b->fake, open_call(b), text));
}

/* In step with a:5 at version 10, the watch open. */
static inline struct http_call *settle(struct bench *b)
{
	struct http_call *call = open_call(b);
	fake_head(&b->fake, call, 200);
	EXPECT(fake_chunk(&b->fake, call, EVENT("ADDED", "a", "5") INITIAL_END("10")));
	expect_changes(b, "+a:5 ");
	EXPECT_INT(status_of(b).state, REFLECTOR_WATCHING);
	return call;
}

static inline void expect_asked(const struct bench *b, const char *part)
{
	struct http_call *call = open_call(b);
	EXPECT_CONTAINS(call ? call->request.path : "", part);
}

static inline void expect_not_asked(const struct bench *b, const char *part)
{
	struct http_call *call = open_call(b);
	EXPECT(call && !strstr(call->request.path, part));
}

#endif
