/*
 * What revisions cost, for hack/guards.sh to count: the whole controller before the model of a
 * cluster, on a fake clock. Invariant: what the program does happens within the functions named
 * program_*, and nothing else does, so that callgrind can count just that.
 *
 *   guards CASE REVISIONS
 *
 * brings everything up to the case, starts to count (count_from_here is called), lets the case
 * happen, and prints how many requests of each kind the program made in it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "pkg/base/check.h"
#include "pkg/base/log.h"
#include "pkg/json/stream.h"
#include "pkg/knative/pod_autoscaler.h"
#include "reconciler/controller/controller.h"
#include "test/lib/fake_clock.h"
#include "test/lib/model.h"

#define SETTLE_MS 40000
#define KINDS 64
#define NAMESPACE "default"

struct http_call {
	TAILQ_ENTRY(http_call) link;
	struct site *site;
	char *method, *path, *content_type, *body;
	size_t length;
	bool stream, over;
	struct http_events events;
	void *ctx;
	struct model_watch *watch;
};

TAILQ_HEAD(call_list, http_call);

struct kind {
	char name[64]; /* "PATCH podautoscalers/status" */
	unsigned count;
};

struct site {
	struct transport transport; /* first */
	struct fake_clock clock;
	struct timers *theirs, *ours; /* the cluster's and the program's */
	struct model *model;
	struct kube_client *client;
	struct controller *controller;
	struct call_list calls;
	struct kind kinds[KINDS];
	bool counting;
};

/* ---- the doors into the program ---- */

__attribute__((noinline)) static void program_timers(struct timers *timers)
{
	timers_run(timers);
}

__attribute__((noinline)) static bool program_data(struct http_call *call, const char *data,
						   size_t length)
{
	return call->events.data(call->ctx, data, length);
}

__attribute__((noinline)) static void program_done(struct http_call *call,
						   const struct http_response *response)
{
	static const struct error none = ERROR_INIT;

	call->events.done(call->ctx, response, &none);
}

/* The way of one object into a cache, from the bytes of a watch. */
__attribute__((noinline)) static void program_decode(struct json_stream *stream,
						     const struct strbuf *line)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;

	CHECK(json_stream_feed(stream, line->buf, line->len, &err));
}

/* From its first call on callgrind counts. */
__attribute__((noinline)) static void count_from_here(struct site *site)
{
	site->counting = true;
}

/* ---- the transport ---- */

static struct http_call *start(struct transport *transport, const struct http_request *request,
			       const struct http_events *events, void *ctx)
{
	struct site *site = (struct site *)transport;
	struct http_call *call = xcalloc(1, sizeof(*call));

	call->site = site;
	call->method = xstrdup(request->method);
	call->path = xstrdup(request->path);
	call->content_type = request->content_type ? xstrdup(request->content_type) : NULL;
	call->body = xstrndup(request->body ? request->body : "", request->body_length);
	call->length = request->body_length;
	call->stream = request->stream;
	call->events = *events;
	call->ctx = ctx;
	TAILQ_INSERT_TAIL(&site->calls, call, link);
	return call;
}

static void cancel(struct transport *transport UNUSED, struct http_call *call)
{
	call->over = true;
}

static void call_free(struct http_call *call)
{
	TAILQ_REMOVE(&call->site->calls, call, link);
	model_watch_free(call->watch);
	free(call->method);
	free(call->path);
	free(call->content_type);
	free(call->body);
	free(call);
}

static void sweep(struct site *site)
{
	struct http_call *call = TAILQ_FIRST(&site->calls), *next;

	for (; call; call = next) {
		next = TAILQ_NEXT(call, link);
		if (call->over)
			call_free(call);
	}
}

/* ---- the cluster's answers ---- */

/* Managed fields are a third of what a real API server sends; the model's are empty. */
static void put_managed_fields(struct strbuf *text)
{
	static const char empty[] = "\"fieldsV1\":{}";
	static const char full[] =
	    "\"fieldsV1\":{\"f:metadata\":{\"f:annotations\":{\".\":{},"
	    "\"f:autoscaling.knative.dev/class\":{},\"f:autoscaling.knative.dev/metric\":{},"
	    "\"f:autoscaling.knative.dev/target\":{}},\"f:labels\":{\".\":{},\"f:app\":{},"
	    "\"f:serving.knative.dev/configuration\":{},\"f:serving.knative.dev/revision\":{},"
	    "\"f:serving.knative.dev/service\":{}},\"f:ownerReferences\":{\".\":{},"
	    "\"k:{\\\"uid\\\":\\\"0b6d2c1e-0000-4000-8000-000000000002\\\"}\":{}}},"
	    "\"f:spec\":{\".\":{},\"f:protocolType\":{},\"f:reachability\":{},"
	    "\"f:scaleTargetRef\":{}},\"f:status\":{\"f:conditions\":{},\"f:serviceName\":{}}}";
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	const char *at = text->buf, *found;

	for (; (found = strstr(at, empty)); at = found + strlen(empty)) {
		strbuf_add(&out, at, (size_t)(found - at));
		strbuf_addstr(&out, full);
	}
	strbuf_addstr(&out, at);
	strbuf_reset(text);
	strbuf_add(text, out.buf, out.len);
}

static void count_request(struct site *site, const struct http_call *call)
{
	const struct model_request request = {
	    .method = call->method, .path = call->path, .body = call->body, .length = call->length};
	CLEANUP(strbuf_release) struct strbuf what = STRBUF_INIT;
	struct kind *kind = site->kinds;

	if (!site->counting)
		return;
	strbuf_addf(&what, "%s ", model_is_watch(call->path) ? "WATCH" : call->method);
	model_describe(site->model, &request, &what);
	what.buf[strcspn(what.buf, " ") + 1 + strcspn(what.buf + strcspn(what.buf, " ") + 1, " ")] =
	    0;
	while (kind->count > 0 && strcmp(kind->name, what.buf) != 0)
		kind++;
	CHECK(kind < site->kinds + KINDS - 1);
	snprintf(kind->name, sizeof(kind->name), "%s", what.buf);
	kind->count++;
}

static void answer(struct site *site, struct http_call *call)
{
	const struct model_request request = {.method = call->method,
					      .path = call->path,
					      .content_type = call->content_type,
					      .body = call->body,
					      .length = call->length};
	struct model_answer reply = MODEL_ANSWER_INIT;
	int64_t now = model_now_ms(site->model);
	struct http_response response = {.date_ms = now - now % 1000, .body = ""};

	count_request(site, call);
	if (call->stream && model_is_watch(call->path))
		call->watch = model_watch_open(site->model, call->path, &reply);
	else
		model_handle(site->model, &request, &reply);
	response.status = reply.status;
	put_managed_fields(&reply.body);
	if (call->stream && reply.status == 200)
		call->events.head(call->ctx, &response);
	if (call->stream && reply.status == 200 && !call->watch && !call->over)
		program_data(call, reply.body.buf, reply.body.len);
	if (!call->stream || reply.status != 200) {
		response.body = reply.body.buf;
		response.length = reply.body.len;
	}
	if (!call->watch && !call->over) {
		call->over = true;
		program_done(call, &response);
	}
	model_answer_release(&reply);
}

static void stream(struct http_call *call)
{
	CLEANUP(strbuf_release) struct strbuf line = STRBUF_INIT;
	enum model_watch_got got;

	while (!call->over && (got = model_watch_next(call->watch, &line)) != WATCH_NOTHING) {
		CHECK(got != WATCH_OVER && got != WATCH_ERROR);
		put_managed_fields(&line);
		program_data(call, line.buf, line.len);
	}
}

/* ---- time ---- */

static int64_t next_ms(const struct site *site)
{
	int64_t theirs = timers_next_ms(site->theirs), ours = timers_next_ms(site->ours);

	return theirs >= 0 && (ours < 0 || theirs < ours) ? theirs : ours;
}

static void run(struct site *site, int64_t ms)
{
	int64_t end = site->clock.mono + ms;
	struct http_call *call;

	while (site->clock.mono < end) {
		int64_t wait = next_ms(site);

		wait = wait < 1 ? 1 : wait;
		/* Watches end by the clock, too: none here lives so long. */
		fake_clock_advance(&site->clock, wait < 100 ? wait : 100);
		timers_run(site->theirs);
		program_timers(site->ours);
		TAILQ_FOREACH(call, &site->calls, link)
		{
			if (call->over)
				continue;
			if (call->watch)
				stream(call);
			else
				answer(site, call);
		}
		sweep(site);
	}
}

/* ---- the program ---- */

static void start_program(struct site *site)
{
	site->client = kube_client_new(&(struct kube_client_config){
	    .transport = &site->transport,
	    .timers = site->ours,
	    .field_manager = "autoscaler-keda-hpa",
	});
	site->controller = controller_new(&(struct controller_config){
	    .client = site->client,
	    .system_namespace = "knative-serving",
	    .pod = "autoscaler-keda-hpa-0",
	});
}

static void stop_program(struct site *site)
{
	controller_free(site->controller);
	kube_client_free(site->client);
	sweep(site);
}

static const char *name_of(unsigned i)
{
	static char name[32];

	snprintf(name, sizeof(name), "app-%05u-00001", i);
	return name;
}

static void create(struct site *site, unsigned revisions)
{
	for (unsigned i = 0; i < revisions; i++)
		model_revision(site->model, NAMESPACE, name_of(i),
			       "metric=requests\nmin-scale=1\nmax-scale=10\ntarget=5\n"
			       "prometheus-query=sum(rate(http_requests_total{revision=\"{{ "
			       ".revisionName }}\"}[1m]))\n");
	run(site, SETTLE_MS);
}

static void expect_ready(struct site *site, unsigned revisions)
{
	for (unsigned i = 0; i < revisions; i++)
		CHECK(strcmp(model_condition(site->model, "podautoscalers", NAMESPACE, name_of(i),
					     "Ready"),
			     "True") == 0);
}

/* ---- the cases ---- */

static void from_create_to_ready(struct site *site, unsigned revisions)
{
	run(site, SETTLE_MS);
	count_from_here(site);
	create(site, revisions);
	expect_ready(site, revisions);
}

/* Somebody touches each PodAutoscaler where it concerns nobody. */
static void nothing_to_do(struct site *site, unsigned revisions)
{
	create(site, revisions);
	count_from_here(site);
	for (unsigned i = 0; i < revisions; i++)
		model_patch(site->model, "podautoscalers", NAMESPACE, name_of(i), false,
			    "{\"metadata\":{\"annotations\":{\"example.com/touched\":\"yes\"}}}");
	run(site, SETTLE_MS);
}

static void an_edit(struct site *site, unsigned revisions)
{
	create(site, revisions);
	count_from_here(site);
	for (unsigned i = 0; i < revisions; i++)
		model_annotate(site->model, NAMESPACE, name_of(i), "target=6");
	run(site, SETTLE_MS);
}

static void a_restart(struct site *site, unsigned revisions)
{
	create(site, revisions);
	stop_program(site);
	count_from_here(site);
	start_program(site);
	run(site, SETTLE_MS);
}

static bool take_event(void *ctx, const struct json *event, struct error *err)
{
	unsigned *taken = ctx;
	struct object *object = pod_autoscaler_decode_lean(json_get(event, "object"), err);

	*taken += object != NULL;
	object_unref(object);
	return object;
}

static void a_decode(struct site *site, unsigned revisions)
{
	CLEANUP(strbuf_release) struct strbuf line = STRBUF_INIT;
	unsigned taken = 0;
	const struct json_stream_config config = {.mode = JSON_STREAM_VALUES,
						  .skip = "managedFields",
						  .deliver = take_event,
						  .ctx = &taken};
	struct json_stream *stream = json_stream_new(&config);

	create(site, 1);
	strbuf_addstr(&line, "{\"type\":\"MODIFIED\",\"object\":");
	json_write(model_get(site->model, "podautoscalers", NAMESPACE, name_of(0)), &line);
	strbuf_addstr(&line, "}\n");
	put_managed_fields(&line);
	count_from_here(site);
	for (unsigned i = 0; i < revisions; i++)
		program_decode(stream, &line);
	CHECK(taken == revisions);
	json_stream_free(stream);
}

static const struct {
	const char *name;
	void (*happens)(struct site *site, unsigned revisions);
} cases[] = {
    {"ready", from_create_to_ready}, {"nothing", nothing_to_do}, {"edit", an_edit},
    {"restart", a_restart},          {"decode", a_decode},
};

static void drop_line(void *ctx UNUSED, const char *line UNUSED, size_t length UNUSED)
{
}

static void play(void (*happens)(struct site *site, unsigned revisions), unsigned revisions)
{
	static const struct transport_ops ops = {start, cancel};
	struct site site = {.transport = {&ops}};

	TAILQ_INIT(&site.calls);
	fake_clock_init(&site.clock);
	log_setup(&site.clock.clock, NULL, drop_line, NULL);
	site.theirs = timers_new(&site.clock.clock);
	site.ours = timers_new(&site.clock.clock);
	site.model = model_new(site.theirs, site.clock.wall);
	model_watch_list_offered(site.model, true);
	start_program(&site);
	happens(&site, revisions);
	stop_program(&site);
	for (const struct kind *kind = site.kinds; kind->count > 0; kind++)
		printf("%s %u\n", kind->name, kind->count);
	model_free(site.model);
	timers_free(site.ours);
	timers_free(site.theirs);
}

int main(int argc, char **argv)
{
	char *end = NULL;
	unsigned long revisions = argc == 3 ? strtoul(argv[2], &end, 10) : 0;

	for (size_t i = 0; i < ARRAY_SIZE(cases) && revisions > 0 && !*end; i++) {
		if (strcmp(argv[1], cases[i].name) == 0) {
			play(cases[i].happens, (unsigned)revisions);
			return 0;
		}
	}
	fprintf(stderr, "usage: guards ready|nothing|edit|restart|decode REVISIONS\n");
	return 2;
}
