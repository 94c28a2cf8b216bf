/*
 * What the API server, or whoever stands before it, answers to our requests: by itself it is an
 * error of the right kind with a short text; in a pass of the real core over the real client its
 * texts end in a condition, in events and in the log, where they are bounded, one line of valid
 * UTF-8 without control characters and, in a condition, without '%'.
 *
 * Input: a byte that chooses the PodAutoscaler (enum choice), then answers, each up to a byte 1E:
 * the status in three digits, then letters of enum header that stand in for headers, then a line's
 * end, then the body.
 */
#include "pkg/base/log.h"
#include "pkg/kube/internal.h"
#include "reconciler/controller/pass.h"
#include "test/fuzz/fuzz.h"
#include "test/lib/fake_clock.h"
#include "test/lib/fake_transport.h"

#define NEXT_ANSWER 0x1E
#define ANSWERS_MAX 24
#define PASSES_MAX 6
/* error.c's bound and what the client puts before; message.h's bound and a remedy behind it. */
#define TEXT_MAX 4096
#define CONTEXT_MAX 128
#define CONDITION_MAX 2560
#define RETRY_AFTER_MAX_MS 3600000

enum choice {
	CHOOSE_AUTO_CREATE_OFF = 1,
	CHOOSE_OTHER_CLASS = 2,
	CHOOSE_WRONG_ANNOTATION = 4,
	CHOOSE_MEMORY = 8,
};

enum header { HEADER_RETRY_AFTER = 'r', HEADER_LONG = 'R', HEADER_DATE = 'd', HEADER_CUT = 'c' };

struct answer_given {
	int status;
	bool retry, longer, date, cut;
	const char *body;
	size_t length;
};

struct bench {
	struct fake_clock clock;
	struct timers *timers;
	struct fake_transport fake;
	struct kube_client *client;
	struct pass_shell shell;
	struct pod_autoscaler *pa;
	struct object *sks, *so;
	struct memo memo;
	struct learned *learned;
	struct pass *pass;
	int64_t again_ms;
	const char *at, *end; /* of the answers that are left */
};

/* ---- one answer by itself ---- */

static bool is_reason(const struct json *status, const char *reason)
{
	return strcmp(json_text_or(json_get(status, "reason"), ""), reason) == 0;
}

static void check_kind(int code, const struct json *status, const struct error *err)
{
	enum error_kind kind = err->kind;
	if (is_reason(status, "Expired") || is_reason(status, "Gone"))
		code = 410;
	CHECK(kind != ERROR_NONE && kind != ERROR_FATAL);
	CHECK((kind == ERROR_UNAUTHORIZED) == (code == 401));
	CHECK((kind == ERROR_FORBIDDEN || kind == ERROR_DENIED) == (code == 403));
	CHECK((kind == ERROR_NOT_FOUND) == (code == 404));
	CHECK((kind == ERROR_CONFLICT || kind == ERROR_ALREADY_EXISTS) ==
	      (code == 409 || code == 412));
	CHECK((kind == ERROR_GONE) == (code == 410));
	CHECK((kind == ERROR_THROTTLED) == (code == 429));
	CHECK((kind == ERROR_TRANSIENT) == (code < 400 || code >= 500 || code == 408));
	CHECK(err->status == code);
}

/* A server's text may have several lines and any character; where it is shown is another matter. */
static void check_text(const char *text, size_t max)
{
	size_t length = strlen(text);
	CHECK(length > 0 && length <= max);
	CHECK(utf8_valid_prefix(text, length) == length);
}

static const struct json *status_in(const struct answer_given *given, struct arena *arena)
{
	struct json *body;
	if (!json_parse(given->body, given->length, &kube_answer_limits, arena, &body, NULL))
		return NULL;
	return strcmp(json_text_or(json_get(body, "kind"), ""), "Status") == 0 ? body : NULL;
}

static void check_alone(const struct answer_given *given)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT, event = ERROR_INIT;
	struct http_response response = {.status = given->status,
					 .body = given->body,
					 .length = given->length,
					 .retry_after_ms = given->retry ? 2000 : 0};
	const struct json *status = status_in(given, arena);
	kube_error_from_response(&response, &err);
	CHECK((err.kind == ERROR_NONE) == (given->status >= 200 && given->status < 300));
	if (err.kind != ERROR_NONE) {
		check_kind(given->status, status, &err);
		check_text(error_text(&err), TEXT_MAX);
		CHECK(err.retry_after_ms >= 0 && err.retry_after_ms <= RETRY_AFTER_MAX_MS);
	}
	if (!status)
		return;
	kube_error_from_status(status, &event);
	CHECK(event.kind != ERROR_NONE && event.status > 0 && event.status < 1000);
	check_text(error_text(&event), TEXT_MAX);
	CHECK(event.retry_after_ms >= 0 && event.retry_after_ms <= RETRY_AFTER_MAX_MS);
}

/* ---- a pass ---- */

/* As a condition, an event or a line for people shows it. */
static void check_shown(const char *text, bool condition)
{
	fuzz_check_message(text, CONDITION_MAX);
	CHECK(!strchr(text, 0x7F));
	for (const char *c = text; *c; c++)
		CHECK((unsigned char)c[0] != 0xC2 || (unsigned char)c[1] >= 0xA0);
	CHECK(!condition || !strchr(text, '%'));
}

/* Has that text been there before? It is somebody else's, or kept as it was. */
static bool is_old(const struct conditions *before, const char *message)
{
	for (size_t i = 0; i < before->count; i++)
		if (strcmp(before->items[i].message ? before->items[i].message : "", message) == 0)
			return true;
	return false;
}

static void check_status_body(const struct conditions *before, const struct json *body)
{
	const struct json *conditions = json_path(body, "status", "conditions", NULL);
	for (size_t i = 0; i < json_count(conditions); i++) {
		const struct json *condition = json_at(conditions, i);
		const char *message = json_text_or(json_get(condition, "message"), "");
		const char *reason = json_text_or(json_get(condition, "reason"), "");
		const char *status = json_text_or(json_get(condition, "status"), "");
		CHECK(strcmp(status, "True") == 0 || strcmp(status, "False") == 0 ||
		      strcmp(status, "Unknown") == 0);
		if ((message[0] || reason[0]) && !is_old(before, message))
			check_shown(message, true);
	}
}

static struct object *pod_autoscaler_for(unsigned choice)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct json *pa, *annotations;
	static const char text[] =
	    "{\"metadata\":{\"name\":\"name\",\"namespace\":\"ns\",\"uid\":\"pa\","
	    "\"resourceVersion\":\"5\",\"generation\":1,\"annotations\":{},"
	    "\"creationTimestamp\":\"2025-12-31T23:59:00Z\"},"
	    "\"spec\":{\"scaleTargetRef\":{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\","
	    "\"name\":\"name-deployment\"}}}";
	CHECK(json_parse(text, strlen(text), NULL, arena, &pa, NULL));
	annotations =
	    json_ensure_object(arena, json_ensure_object(arena, pa, "metadata"), "annotations");
	json_set_text(arena, annotations, CLASS_ANNOTATION,
		      choice & CHOOSE_OTHER_CLASS ? "kpa.autoscaling.knative.dev" : CLASS_HPA);
	if (choice & CHOOSE_AUTO_CREATE_OFF)
		json_set_text(arena, annotations,
			      "autoscaling.knative.dev/scaled-object-auto-create", "false");
	if (choice & CHOOSE_WRONG_ANNOTATION)
		json_set_text(arena, annotations, "autoscaling.knative.dev/target", "\x1b[31m%s");
	if (choice & CHOOSE_MEMORY) {
		json_set_text(arena, annotations, "autoscaling.knative.dev/metric", "memory");
		json_set_text(arena, annotations, "autoscaling.knative.dev/target", "200");
	}
	return pod_autoscaler_decode(pa, NULL);
}

static bool take_view(void *ctx, const char *key, struct snapshot *out)
{
	struct bench *b = ctx;
	struct object *const used[] = {&b->pa->object, b->sks, b->so};
	CHECK(strcmp(key, "ns/name") == 0);
	out->view = (struct view){
	    .pa = b->pa,
	    .sks = (const struct serverless_service *)b->sks,
	    .so = (const struct scaled_object *)b->so,
	    .keda_installed = true,
	    .config = &config_autoscaler_default,
	    .config_keda = &config_keda_default,
	    .learned = b->learned,
	    .leader = true,
	    .now_ms = kube_client_now_ms(b->client),
	};
	for (size_t i = 0; i < ARRAY_SIZE(used); i++)
		out->held[i] = object_ref(used[i]);
	return true;
}

static struct object *decode_answer(enum step_kind step, const struct json *object)
{
	if (step == STEP_CREATE_SKS || step == STEP_PATCH_SKS)
		return serverless_service_decode(object, NULL);
	if (step == STEP_PATCH_STATUS)
		return pod_autoscaler_decode(object, NULL);
	return scaled_object_decode(object, NULL);
}

/* A store keeps an answer under the name that it brings: another's is not seen under this key. */
static bool is_ours(const struct object *object)
{
	return strcmp(object->meta.ns, "ns") == 0 && strcmp(object->meta.name, "name") == 0;
}

static void put(struct object **place, struct object *object)
{
	if (is_ours(object) && (!*place || object->meta.version > (*place)->meta.version)) {
		object_unref(*place);
		*place = object;
	} else {
		object_unref(object);
	}
}

static bool answered(void *ctx, const char *key UNUSED, enum step_kind step,
		     const struct json *sent_spec, const struct json *json)
{
	struct bench *b = ctx;
	if (step == STEP_DELETE_SO)
		return true;
	struct object *object = decode_answer(step, json);
	if (!object)
		return false;
	if (sent_spec)
		learned_from(b->learned, sent_spec, json_get(json, "spec"));
	if (step == STEP_CREATE_SKS || step == STEP_PATCH_SKS)
		put(&b->sks, object);
	else if (step == STEP_PATCH_STATUS)
		put((struct object **)&b->pa, object);
	else
		put(&b->so, object);
	return true;
}

static void stepped(void *ctx, const char *key UNUSED, const struct decision *decision,
		    const struct error *err, int64_t duration_ms)
{
	struct bench *b = ctx;
	CHECK(b->pass && duration_ms >= 0 && decision->step != STEP_DONE);
	if (err->kind != ERROR_NONE)
		check_text(error_text(err), TEXT_MAX + CONTEXT_MAX);
	LOG_AT(LOG_WARN, "step failed", F_STR("error", error_text(err)));
	if (decision->step == STEP_PATCH_STATUS)
		check_status_body(&b->pa->conditions, decision->body);
}

static void in_sync(void *ctx UNUSED, const char *key UNUSED, uint64_t live UNUSED,
		    uint64_t desired UNUSED)
{
}

static void note(void *ctx UNUSED, const struct pod_autoscaler *pa UNUSED, const struct note *n)
{
	CHECK(n->reason && n->reason[0]);
	check_shown(n->message, false);
	LOG_AT(LOG_INFO, "event", F_STR("text", n->message));
}

static void ended(void *ctx, struct pass *pass, bool failed UNUSED, int64_t retry_after_ms,
		  int64_t again_ms)
{
	struct bench *b = ctx;
	CHECK(pass == b->pass && retry_after_ms >= 0 && retry_after_ms <= RETRY_AFTER_MAX_MS);
	CHECK(again_ms >= 0);
	b->again_ms = again_ms > 0 ? again_ms : 1000;
	b->pass = NULL;
	pass_free(pass);
}

static void setup(struct bench *b, unsigned choice)
{
	*b = (struct bench){.pa = (struct pod_autoscaler *)pod_autoscaler_for(choice)};
	CHECK(b->pa);
	fake_clock_init(&b->clock);
	log_setup(&b->clock.clock, NULL, fuzz_take_log, NULL);
	log_set_level(LOG_DEBUG);
	b->timers = timers_new(&b->clock.clock);
	fake_transport_init(&b->fake);
	b->client = kube_client_new(&(struct kube_client_config){
	    .transport = &b->fake.transport, .timers = b->timers, .field_manager = "me"});
	b->learned = learned_new();
	b->shell = (struct pass_shell){.client = b->client,
				       .decide = decide,
				       .take_view = take_view,
				       .answered = answered,
				       .in_sync = in_sync,
				       .stepped = stepped,
				       .note = note,
				       .ended = ended,
				       .ctx = b};
}

static void teardown(struct bench *b)
{
	pass_free(b->pass);
	CHECK(b->pa->object.refs == 1);
	object_unref(&b->pa->object);
	object_unref(b->sks);
	object_unref(b->so);
	memo_clear(&b->memo);
	learned_free(b->learned);
	kube_client_free(b->client);
	fake_transport_release(&b->fake);
	timers_free(b->timers);
}

/* ---- the answers ---- */

/* Three digits as libcurl gives them on; 1xx never come up here. */
static int status_of(const char *text, size_t length)
{
	int status = 0;
	for (size_t i = 0; i < 3; i++)
		status = status * 10 + (i < length ? text[i] & 15 : 0) % 10;
	return status < 200 ? status + 200 : status;
}

static bool next_answer(struct bench *b, struct answer_given *out, struct arena *arena)
{
	if (b->at >= b->end)
		return false;
	const char *stop = memchr(b->at, NEXT_ANSWER, (size_t)(b->end - b->at));
	size_t length = (size_t)((stop ? stop : b->end) - b->at);
	char *text = arena_strndup(arena, b->at, length);
	const char *line = memchr(text, '\n', length);
	size_t head = line ? (size_t)(line - text) : length;
	text[head] = 0;
	*out = (struct answer_given){
	    .status = status_of(text, head),
	    .retry = strchr(text, HEADER_RETRY_AFTER),
	    .longer = strchr(text, HEADER_LONG),
	    .date = strchr(text, HEADER_DATE),
	    .cut = strchr(text, HEADER_CUT),
	    .body = text + head + (line ? 1 : 0),
	    .length = length - head - (line ? 1 : 0),
	};
	b->at = stop ? stop + 1 : b->end;
	return true;
}

static void answer(struct bench *b, const struct answer_given *given)
{
	struct http_call *call = fake_find(&b->fake, NULL, "");
	CHECK(fake_open_count(&b->fake) == 1);
	b->fake.date_ms = given->date ? b->clock.wall + 3600000 : b->clock.wall;
	b->fake.retry_after_ms = given->longer ? RETRY_AFTER_MAX_MS : given->retry ? 2000 : 0;
	if (given->cut)
		fake_break(&b->fake, call, "connection broken: reset");
	else
		fake_answer_bytes(&b->fake, call, given->status, given->body, given->length);
}

/* A Retry-After holds back the next request, a minute at most. */
static void await_request(struct bench *b)
{
	int64_t patience = b->clock.mono + 60000;
	while (b->pass && fake_open_count(&b->fake) == 0) {
		int64_t wait = timers_next_ms(b->timers);
		CHECK(wait >= 0 && b->clock.mono + wait <= patience);
		fake_clock_run(&b->clock, b->timers, wait);
	}
}

static void run_pass(struct bench *b)
{
	b->pass = pass_new(&b->shell, "ns/name", &b->memo);
	pass_start(b->pass);
	for (size_t i = 0; b->pass && i < ANSWERS_MAX; i++) {
		CLEANUP(arena_freep) struct arena *arena = arena_new();
		struct answer_given given = {.status = 503, .body = ""};
		next_answer(b, &given, arena);
		check_alone(&given);
		await_request(b);
		answer(b, &given);
	}
	CHECK(!b->pass);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bench b;
	if (size < 4)
		return 0;
	setup(&b, data[0]);
	b.at = (const char *)data + 1;
	b.end = (const char *)data + size;
	for (size_t i = 0; b.at < b.end && i < PASSES_MAX; i++) {
		run_pass(&b);
		fake_clock_run(&b.clock, b.timers, b.again_ms);
	}
	teardown(&b);
	return 0;
}
