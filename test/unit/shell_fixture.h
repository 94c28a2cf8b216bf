/*
 * A controller over a fake transport. Objects are put into its stores directly; the reflectors'
 * requests go unanswered, so that no pass starts and keys stay where they were queued, unless a
 * test answers them.
 */
#ifndef TEST_UNIT_SHELL_FIXTURE_H
#define TEST_UNIT_SHELL_FIXTURE_H

#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "reconciler/controller/internal.h"
#include "test/lib/fake_clock.h"
#include "test/lib/fake_transport.h"
#include "test/lib/test.h"

struct fixture {
	struct fake_clock clock;
	struct timers *timers;
	struct fake_transport transport;
	struct kube_client *client;
	struct metrics *metrics;
	struct controller *controller;
	uint64_t version;
	bool stopped;
};

static inline void setup(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	fake_clock_init(&f->clock);
	f->timers = timers_new(&f->clock.clock);
	fake_transport_init(&f->transport);
	f->client = kube_client_new(&(struct kube_client_config){
	    .transport = &f->transport.transport, .timers = f->timers, .field_manager = "test"});
	f->metrics = metrics_new();
	f->controller = controller_new(&(struct controller_config){
	    .client = f->client, .system_namespace = "system", .metrics = f->metrics});
	f->version = 100;
	fake_clock_run(&f->clock, f->timers, 0);
}

static inline void teardown(struct fixture *f)
{
	controller_free(f->controller);
	metrics_free(f->metrics);
	kube_client_free(f->client);
	timers_free(f->timers);
	fake_transport_release(&f->transport);
}

/* members: of metadata and behind it, with ' for ". */
static inline void put(struct fixture *f, enum cache_id id, const char *ns, const char *name,
		       const char *meta, const char *rest)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct json *json = NULL;
	struct object *object;

	strbuf_addf(&text, "{'metadata':{'namespace':'%s','name':'%s','resourceVersion':'%llu'", ns,
		    name, (unsigned long long)++f->version);
	strbuf_addf(&text, "%s%s}%s%s}", meta[0] ? "," : "", meta, rest[0] ? "," : "", rest);
	for (char *c = text.buf; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	if (!json_parse(text.buf, text.len, NULL, arena, &json, &err))
		printf("%s: %s\n", text.buf, error_text(&err));
	CHECK(json);
	object = f->controller->caches[id].decode(json, &err);
	if (!object)
		printf("%s: %s\n", text.buf, error_text(&err));
	CHECK(object);
	store_put(f->controller->caches[id].store, object);
}

#define OURS                                                                                       \
	"'uid':'pa','annotations':{'autoscaling.knative.dev/class':'hpa.autoscaling.knative.dev'}"
#define OTHER                                                                                      \
	"'uid':'pa','annotations':{'autoscaling.knative.dev/class':'kpa.autoscaling.knative.dev'}"
#define NOT_AUTO                                                                                   \
	"'uid':'pa','annotations':{'autoscaling.knative.dev/class':'hpa.autoscaling.knative.dev'," \
	"'autoscaling.knative.dev/scaled-object-auto-create':'false'}"
#define TARGET(name)                                                                               \
	"'spec':{'scaleTargetRef':{'apiVersion':'apps/v1','kind':'Deployment','name':'" name "'}}"
#define OWNED_BY_SO(name, id)                                                                      \
	"'uid':'hpa','ownerReferences':[{'apiVersion':'keda.sh/v1alpha1','kind':'ScaledObject',"   \
	"'name':'" name "','uid':'" id "','controller':true}]"

/* Takes all that waits: "ns/a ns/b". */
static inline void expect_keys(struct fixture *f, const char *want)
{
	CLEANUP(strbuf_release) struct strbuf keys = STRBUF_INIT;
	const char *key;

	while ((key = queue_take(f->controller->queue))) {
		strbuf_addf(&keys, "%s%s", keys.len ? " " : "", key);
		queue_done(f->controller->queue, key);
	}
	EXPECT_TEXT(keys.buf, want);
}

#endif
