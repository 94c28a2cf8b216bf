/*
 * A pass in a fake shell: a scripted core says what to do, the shell writes down what it is told, a
 * fake transport answers. What tests look at is the trace of everything that happened, in order.
 */
#ifndef TEST_UNIT_PASS_FIXTURE_H
#define TEST_UNIT_PASS_FIXTURE_H

#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "reconciler/controller/pass.h"
#include "test/lib/fake_clock.h"
#include "test/lib/fake_transport.h"
#include "test/lib/test.h"

#define MAX_SCRIPT 12

struct fixture {
	struct fake_clock clock;
	struct timers *timers;
	struct fake_transport transport;
	struct kube_client *client;
	struct pass_shell shell;
	struct pod_autoscaler *pa;
	struct memo memo;
	struct strbuf trace;
	/* the core's script: the n-th question gets the n-th decision, the last one repeats */
	struct decision script[MAX_SCRIPT];
	const char *bodies[MAX_SCRIPT]; /* JSON of decision.body, or NULL */
	size_t length, asked;
	/* the shell's answers */
	unsigned views; /* that may still be taken */
	bool undecodable;
	bool failed;
	int64_t retry_after_ms, again_ms;
	struct pass *pass; /* NULL: ended */
};

/* decide() has no context: the fixture of the test that runs. */
static struct fixture *current;

static struct json *parse(struct arena *arena, const char *text)
{
	struct json *value = NULL;

	CHECK(json_parse(text, strlen(text), NULL, arena, &value, NULL));
	return value;
}

static void trace_view(struct fixture *f, const struct view *view)
{
	const char *version =
	    json_text(json_path(view->so_live, "metadata", "resourceVersion", NULL));

	strbuf_addf(&f->trace, "ask done=%x", view->done);
	if (version)
		strbuf_addf(&f->trace, " live=%s", version);
	if (view->answer.kind != ERROR_NONE)
		strbuf_addf(&f->trace, " failed=%d/%s:%s", view->answer.step,
			    error_kind_name(view->answer.kind), view->answer.message);
	strbuf_addch(&f->trace, '\n');
}

static void scripted_decide(const struct view *view, struct arena *arena, struct decision *out)
{
	struct fixture *f = current;
	size_t at = f->asked < f->length ? f->asked : f->length - 1;

	f->asked++;
	trace_view(f, view);
	EXPECT(view->memo == &f->memo);
	*out = f->script[at];
	if (f->bodies[at])
		out->body = parse(arena, f->bodies[at]);
	/* As the real one may: texts of the old memo live on in the new one. */
	if (!out->memo.refused_text)
		out->memo.refused_text = view->memo->refused_text;
	for (size_t i = 0; i < out->note_count; i++)
		out->notes[i].message = view->memo->refused_text;
}

static bool take_view(void *ctx, const char *key, struct snapshot *out)
{
	struct fixture *f = ctx;

	EXPECT_TEXT(key, "ns/name");
	if (f->views == 0)
		return false;
	f->views--;
	out->view.pa = f->pa;
	out->held[0] = object_ref(&f->pa->object);
	return true;
}

static bool answered(void *ctx, const char *key, enum step_kind step, const struct json *sent_spec,
		     const struct json *object)
{
	struct fixture *f = ctx;

	EXPECT_TEXT(key, "ns/name");
	strbuf_addf(&f->trace, "answered %d ", step);
	json_write(object, &f->trace);
	if (sent_spec) {
		strbuf_addstr(&f->trace, " sent ");
		json_write(sent_spec, &f->trace);
	}
	strbuf_addch(&f->trace, '\n');
	return !f->undecodable;
}

static void in_sync(void *ctx, const char *key, uint64_t live_hash, uint64_t desired_hash)
{
	struct fixture *f = ctx;
	CLEANUP(arena_freep) struct arena *arena = arena_new();

	EXPECT_TEXT(key, "ns/name");
	EXPECT(live_hash == scaled_object_spec_hash(parse(arena, "{\"a\":1}"), arena));
	strbuf_addf(&f->trace, "in sync %d\n", (int)desired_hash);
}

static void stepped(void *ctx, const char *key, const struct decision *decision,
		    const struct error *err, int64_t duration_ms)
{
	struct fixture *f = ctx;

	(void)key;
	strbuf_addf(&f->trace, "stepped %d %s %d\n", decision->step, error_kind_name(err->kind),
		    (int)duration_ms);
}

static void note(void *ctx, const struct pod_autoscaler *pa, const struct note *n)
{
	struct fixture *f = ctx;

	EXPECT(pa == f->pa);
	strbuf_addf(&f->trace, "note %s%s%s\n", n->reason, n->message ? ": " : "",
		    n->message ? n->message : "");
}

static void ended(void *ctx, struct pass *pass, bool failed, int64_t retry_after_ms,
		  int64_t again_ms)
{
	struct fixture *f = ctx;

	EXPECT(pass == f->pass);
	f->failed = failed;
	f->retry_after_ms = retry_after_ms;
	f->again_ms = again_ms;
	f->pass = NULL;
	strbuf_addf(&f->trace, "ended%s\n", failed ? " failed" : "");
	pass_free(pass);
}

static inline void setup(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	current = f;
	fake_clock_init(&f->clock);
	f->timers = timers_new(&f->clock.clock);
	fake_transport_init(&f->transport);
	f->client = kube_client_new(&(struct kube_client_config){
	    .transport = &f->transport.transport, .timers = f->timers, .field_manager = "test"});
	f->shell = (struct pass_shell){
	    .client = f->client,
	    .decide = scripted_decide,
	    .take_view = take_view,
	    .answered = answered,
	    .in_sync = in_sync,
	    .stepped = stepped,
	    .note = note,
	    .ended = ended,
	    .ctx = f,
	};
	f->pa = object_new(sizeof(*f->pa));
	f->trace = (struct strbuf)STRBUF_INIT;
	f->views = 100;
}

static inline void teardown(struct fixture *f)
{
	pass_free(f->pass);
	EXPECT_INT(f->pa->object.refs, 1); /* every view was given back */
	object_unref(&f->pa->object);
	memo_clear(&f->memo);
	kube_client_free(f->client);
	timers_free(f->timers);
	fake_transport_release(&f->transport);
	strbuf_release(&f->trace);
}

static inline struct decision *say(struct fixture *f, enum step_kind step, const char *body)
{
	CHECK(f->length < MAX_SCRIPT);
	f->bodies[f->length] = body;
	f->script[f->length].step = step;
	return &f->script[f->length++];
}

static inline void start(struct fixture *f)
{
	f->pass = pass_new(&f->shell, "ns/name", &f->memo);
	EXPECT_TEXT(pass_key(f->pass), "ns/name");
	pass_start(f->pass);
	fake_clock_run(&f->clock, f->timers, 0);
}

/* Answers the one request under way, which must be this one. */
static inline void answer(struct fixture *f, const char *method, const char *path, int status,
			  const char *body)
{
	struct http_call *call = fake_find(&f->transport, method, path);

	EXPECT_INT(fake_open_count(&f->transport), 1);
	EXPECT(call);
	if (!call)
		return;
	fake_clock_run(&f->clock, f->timers, 10);
	fake_answer(&f->transport, call, status, body);
	fake_clock_run(&f->clock, f->timers, 0);
}

#define SO_PATH "/apis/keda.sh/v1alpha1/namespaces/ns/scaledobjects"
#define SKS_PATH "/apis/networking.internal.knative.dev/v1alpha1/namespaces/ns/serverlessservices"
#define PA_PATH "/apis/autoscaling.internal.knative.dev/v1alpha1/namespaces/ns/podautoscalers"

#endif
