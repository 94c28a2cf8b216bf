/*
 * A reflector and its store against a server that answers anything: nothing of it makes more
 * requests or holds more memory than it may, changes are told as they happen, it does not matter
 * how the bytes are cut into chunks, and once the server has come to its senses the store holds
 * what that has, and nothing else.
 *
 * Input: a byte for the resource, one for the length of a chunk (high bit: the good server's
 * versions are low), then answers, each up to a byte 1E: one that chooses how (enum ending), the
 * rest is what is sent.
 */
#include "pkg/base/log.h"
#include "pkg/base/table.h"
#include "reconciler/controller/internal.h"
#include "test/fuzz/fuzz.h"
#include "test/lib/fake_clock.h"
#include "test/lib/fake_transport.h"

#define NEXT_ANSWER 0x1E
#define ANSWERS_MAX 40
#define GOOD_ROUNDS 60
#define GOOD_OBJECTS 3
#define LOW_VERSION 1000
/* retry.h and reflector.h: the longest wait, Retry-After with its tenth; silence; the pace. */
#define WAIT_MAX_MS 66000
#define SILENCE_MAX_MS 400000
#define REQUESTS_AT_ONCE 20
#define REQUEST_MS 100
/* Whole lists older than the store that are refused before one is believed. */
#define OLDER_LISTS 8

enum ending { ENDS, BREAKS, FALLS_SILENT, LIVES, RELISTS, GONE, ABSENT, REFUSED, BUSY, ENDINGS };

static const struct watched {
	const struct kube_resource *resource;
	object_decode_fn *decode;
	const char *(*index)(const struct object *object);
} kinds[] = {
    {&resource_pod_autoscalers, pod_autoscaler_decode, route_index_pod_autoscaler},
    {&resource_pod_autoscalers, pod_autoscaler_decode_lean, route_index_pod_autoscaler},
    {&resource_serverless_services, serverless_service_decode, NULL},
    {&resource_scaled_objects, scaled_object_decode, route_index_scaled_object},
    {&resource_hpas, hpa_decode, route_index_hpa},
    {&resource_leases, lease_decode, NULL},
    {&resource_config_maps, config_map_decode, NULL},
    {&resource_endpoint_slices, endpoint_slice_decode, NULL},
};

struct bench {
	const struct watched *kind;
	struct fake_clock clock;
	struct timers *timers;
	struct fake_transport fake;
	struct kube_client *client;
	struct store *store;
	struct reflector *reflector;
	struct table *mirror;    /* what the changes told, "ns/name" */
	size_t chunk, fed, most; /* bytes; objects at once */
	struct strbuf end;       /* what it has come to */
};

static const char *join(struct strbuf *out, const struct object *object)
{
	strbuf_addf(out, "%s/%s", object->meta.ns, object->meta.name);
	return out->buf;
}

static void changed(void *ctx, const struct object *before, const struct object *after)
{
	CLEANUP(strbuf_release) struct strbuf key = STRBUF_INIT;
	struct bench *b = ctx;
	CHECK(before || after);
	join(&key, after ? after : before);
	CHECK(table_get(b->mirror, key.buf) == before);
	/* Only a server whose history went back makes anything older. */
	CHECK(!before || !after || after->meta.version > before->meta.version ||
	      b->fake.count > OLDER_LISTS);
	if (after)
		table_set(b->mirror, key.buf, (void *)(uintptr_t)after);
	else
		table_remove(b->mirror, key.buf);
}

static void setup(struct bench *b, const struct watched *kind, size_t chunk)
{
	*b = (struct bench){.kind = kind, .chunk = chunk, .end = STRBUF_INIT};
	fake_clock_init(&b->clock);
	b->timers = timers_new(&b->clock.clock);
	fake_transport_init(&b->fake);
	b->fake.date_ms = b->clock.wall;
	b->mirror = table_new();
	b->client = kube_client_new(&(struct kube_client_config){
	    .transport = &b->fake.transport, .timers = b->timers, .field_manager = "me"});
	b->store =
	    store_new(&(struct store_config){.index = kind->index, .changed = changed, .ctx = b});
	b->reflector = reflector_new(&(struct reflector_config){.client = b->client,
								.resource = kind->resource,
								.decode = kind->decode,
								.store = b->store,
								.page = 2});
}

static void teardown(struct bench *b)
{
	reflector_free(b->reflector);
	store_free(b->store);
	kube_client_free(b->client);
	CHECK(fake_open_count(&b->fake) == 0 && timers_next_ms(b->timers) == -1);
	fake_transport_release(&b->fake);
	timers_free(b->timers);
	table_free(b->mirror);
	strbuf_release(&b->end);
}

/* ---- what must hold at any moment ---- */

struct sought {
	const struct object *object;
	bool found;
};

static bool seek(void *ctx, struct object *object)
{
	struct sought *sought = ctx;
	sought->found = sought->found || object == sought->object;
	return true;
}

static bool check_object(void *ctx, struct object *object)
{
	CLEANUP(strbuf_release) struct strbuf key = STRBUF_INIT;
	struct bench *b = ctx;
	struct sought sought = {.object = object};
	const char *text = b->kind->index ? b->kind->index(object) : NULL;
	CHECK(object->meta.name[0] && object->refs == 1);
	CHECK(table_get(b->mirror, join(&key, object)) == object);
	if (text)
		store_each_indexed(b->store, object->meta.ns, text, seek, &sought);
	CHECK(!text || sought.found);
	return true;
}

struct held {
	const struct bench *bench;
	size_t objects, keys; /* bytes */
};

static bool add_bytes(void *ctx, struct object *object)
{
	struct held *held = ctx;
	const struct watched *kind = held->bench->kind;
	const char *text = kind->index ? kind->index(object) : NULL;
	held->objects += object_bytes(object);
	held->keys += 2 * strlen(object->meta.ns) + strlen(object->meta.name);
	held->keys += text ? strlen(text) : 0;
	return true;
}

/* They become parts of URLs. */
static void check_places(const struct bench *b)
{
	CLEANUP(endpoint_places_release) struct endpoint_places places;
	endpoint_places_of(b->store, "http-metrics", 9090, &places);
	for (size_t i = 0; i < places.count; i++) {
		const char *address = places.items[i].address;
		CHECK(strspn(address, "0123456789abcdefABCDEF.:[]") == strlen(address));
		CHECK(i == 0 || strcmp(places.items[i - 1].address, address) < 0);
	}
}

static void check_store(struct bench *b)
{
	size_t count = store_count(b->store), whole = store_bytes(b->store);
	struct held held = {.bench = b};
	CHECK(count == table_count(b->mirror));
	store_each(b->store, check_object, b);
	store_each(b->store, add_bytes, &held);
	if (count > b->most)
		b->most = count;
	/* A value is larger than its text. */
	CHECK(held.objects <= 2048 * count + 64 * b->fed);
	CHECK(whole >= held.objects);
	if (b->kind->decode == endpoint_slice_decode)
		check_places(b);
	CHECK(whole - held.objects <= 2048 + 256 * b->most + 2 * held.keys);
}

static void check_pace(const struct bench *b)
{
	int64_t lived = b->clock.mono - FAKE_CLOCK_MONO;
	CHECK((int64_t)b->fake.count <= REQUESTS_AT_ONCE + 1 + lived / REQUEST_MS);
}

static void check_status(const struct bench *b)
{
	struct reflector_status status;
	reflector_status(b->reflector, &status);
	size_t length = strlen(status.trouble);
	CHECK(length <= 4096 + 256 && utf8_valid_prefix(status.trouble, length) == length);
	CHECK(status.state != REFLECTOR_TROUBLED || length > 0);
	CHECK(status.state != REFLECTOR_WATCHING || store_synced(b->store));
}

/* ---- a server that answers as the input says ---- */

/* The next request, which must come within the longest wait there is. */
static struct http_call *next_call(struct bench *b)
{
	struct http_call *call = fake_find(&b->fake, "GET", "");
	int64_t patience = b->clock.mono + WAIT_MAX_MS;
	while (!call) {
		int64_t wait = timers_next_ms(b->timers);
		CHECK(wait >= 0 && b->clock.mono + wait <= patience);
		fake_clock_run(&b->clock, b->timers, wait);
		call = fake_find(&b->fake, "GET", "");
	}
	CHECK(fake_open_count(&b->fake) == 1);
	return call;
}

static void stream(struct bench *b, enum ending how, const char *text, size_t length)
{
	struct http_call *call = next_call(b);
	CHECK(call->request.idle_ms > 0 && call->request.idle_ms <= SILENCE_MAX_MS);
	fake_head(&b->fake, call, 200);
	if (length > 0 && !fake_bytes(&b->fake, call, text, length, b->chunk))
		return;
	if (how == LIVES)
		fake_clock_run(&b->clock, b->timers, 1500);
	else if (how == FALLS_SILENT)
		fake_clock_run(&b->clock, b->timers, call->request.idle_ms);
	if (how == RELISTS)
		reflector_relist(b->reflector); /* the next one is another request */
	else if (how == BREAKS || how == FALLS_SILENT)
		fake_break(&b->fake, call, "connection broken");
	else
		fake_end(&b->fake, call);
}

static void refuse(struct bench *b, enum ending how, const char *text, size_t length)
{
	static const int statuses[ENDINGS] = {
	    [GONE] = 410, [ABSENT] = 404, [REFUSED] = 400, [BUSY] = 429};
	CLEANUP(strbuf_release) struct strbuf body = STRBUF_INIT;
	strbuf_add(&body, text, length);
	if (how == BUSY)
		b->fake.retry_after_ms = 1000 * (int64_t)length;
	fake_answer_bytes(&b->fake, next_call(b), statuses[how], body.buf, body.len);
}

static void answer_as_told(struct bench *b, const char *text, size_t length)
{
	enum ending how = length > 0 ? (unsigned char)text[0] % ENDINGS : ENDS;
	text += length > 0;
	length -= length > 0;
	b->fed += length;
	if (how <= RELISTS)
		stream(b, how, text, length);
	else
		refuse(b, how, text, length);
	if (how == RELISTS)
		fake_clock_run(&b->clock, b->timers, 0);
	check_pace(b);
	check_status(b);
	check_store(b);
}

static void answer_all(struct bench *b, const char *at, const char *end)
{
	for (size_t i = 0; at < end && i < ANSWERS_MAX; i++) {
		const char *stop = memchr(at, NEXT_ANSWER, (size_t)(end - at));
		if (!stop)
			stop = end;
		answer_as_told(b, at, (size_t)(stop - at));
		at = stop + 1;
	}
}

/* ---- a good server ---- */

struct good {
	uint64_t version;
	bool first_page, listed;
};

static void good_object(const struct good *good, int i, struct strbuf *out)
{
	strbuf_addf(out,
		    "{\"metadata\":{\"name\":\"good-%d\",\"namespace\":\"ns\",\"uid\":\"u%d\","
		    "\"resourceVersion\":\"%llu\"},\"spec\":{\"scaleTargetRef\":{\"name\":\"d\"}}}",
		    i, i, (unsigned long long)good->version);
}

static void good_initial_events(struct bench *b, struct good *good, struct http_call *call)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	for (int i = 0; i < GOOD_OBJECTS; i++) {
		strbuf_addstr(&text, "{\"type\":\"ADDED\",\"object\":");
		good_object(good, i, &text);
		strbuf_addstr(&text, "}\n");
	}
	strbuf_addf(&text,
		    "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"%llu\","
		    "\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}}}\n",
		    (unsigned long long)good->version);
	fake_head(&b->fake, call, 200);
	good->listed = fake_chunk(&b->fake, call, text.buf);
}

static void good_page(struct bench *b, struct good *good, struct http_call *call)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	bool first = !strstr(call->request.path, "continue=");
	strbuf_addf(&text, "{\"metadata\":{\"resourceVersion\":\"%llu\"%s},\"items\":[",
		    (unsigned long long)good->version, first ? ",\"continue\":\"rest\"" : "");
	for (int i = first ? 0 : 2; i < (first ? 2 : GOOD_OBJECTS); i++) {
		strbuf_addstr(&text, i == 1 ? "," : "");
		good_object(good, i, &text);
	}
	strbuf_addstr(&text, "]}");
	good->first_page = first;
	fake_answer(&b->fake, call, 200, text.buf);
}

/* True once it watches from the good list on. */
static bool answer_well(struct bench *b, struct good *good)
{
	struct http_call *call = next_call(b);
	const char *path = call->request.path;
	bool token = strstr(path, "continue=");
	if (strstr(path, "sendInitialEvents=true"))
		good_initial_events(b, good, call);
	else if (strstr(path, "watch=1"))
		/* Of its own list or a version that it never gave out? */
		good->listed ? fake_head(&b->fake, call, 200)
			     : fake_answer(&b->fake, call, 410, "");
	else if (!token || good->first_page)
		good_page(b, good, call);
	else
		fake_answer(&b->fake, call, 410, "");
	struct reflector_status status;
	reflector_status(b->reflector, &status);
	good->listed = good->listed || (token && status.state == REFLECTOR_WATCHING);
	return call->open;
}

static bool find_highest(void *ctx, struct object *object)
{
	uint64_t *version = ctx;
	if (object->meta.version > *version)
		*version = object->meta.version;
	return true;
}

static uint64_t highest(const struct bench *b)
{
	uint64_t version = store_version(b->store);
	store_each(b->store, find_highest, &version);
	return version;
}

static void check_good(struct bench *b, const struct good *good)
{
	struct reflector_status status;
	reflector_status(b->reflector, &status);
	CHECK(status.state == REFLECTOR_WATCHING && status.version == good->version);
	CHECK(store_synced(b->store) && store_count(b->store) == GOOD_OBJECTS);
	for (int i = 0; i < GOOD_OBJECTS; i++) {
		char name[16] = "good-0";
		name[5] = (char)('0' + i);
		const struct object *object = store_get(b->store, "ns", name);
		CHECK(object && object->meta.version == good->version);
	}
}

static void come_to_senses(struct bench *b, bool low)
{
	struct good good = {.version = LOW_VERSION};
	uint64_t version = highest(b);
	/* With versions below those seen only what the store is sure of makes it start over. */
	bool exact = version <= LOW_VERSION || store_version(b->store) > LOW_VERSION;
	if (!low && version < UINT64_MAX) {
		good.version = version + 1;
		exact = true;
	}
	for (int i = 0; i < GOOD_ROUNDS; i++) {
		if (answer_well(b, &good)) {
			check_pace(b);
			check_store(b);
			if (exact)
				check_good(b, &good);
			return;
		}
	}
	CHECK(!"the reflector came to terms with a good server");
}

/* ---- */

static void tell_end(struct bench *b)
{
	struct reflector_status s;
	reflector_status(b->reflector, &s);
	strbuf_addf(&b->end, "%d %llu %llu %llu %llu %llu %lld", (int)s.state,
		    (unsigned long long)s.version, (unsigned long long)s.restarts,
		    (unsigned long long)s.relists, (unsigned long long)s.undecodable,
		    (unsigned long long)highest(b), (long long)b->clock.mono);
	strbuf_addf(&b->end, " %zu %zu", b->fake.count, store_bytes(b->store));
}

static void run(struct bench *b, const uint8_t *data, size_t size, size_t chunk)
{
	setup(b, &kinds[data[0] % ARRAY_SIZE(kinds)], chunk);
	log_setup(&b->clock.clock, NULL, fuzz_take_log, NULL);
	log_set_level(LOG_DEBUG);
	answer_all(b, (const char *)data + 2, (const char *)data + size);
	tell_end(b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bench whole, cut;
	if (size < 3)
		return 0;
	run(&whole, data, size, size);
	run(&cut, data, size, 1 + (data[1] & 0x7F));
	CHECK(strcmp(whole.end.buf, cut.end.buf) == 0);
	come_to_senses(&whole, data[1] & 0x80);
	teardown(&cut);
	teardown(&whole);
	return 0;
}
