/* What desired_build makes of a PodAutoscaler's annotations and configuration. */
#ifndef TEST_UNIT_HPA_BUILT_H
#define TEST_UNIT_HPA_BUILT_H

#include "pkg/keda/scaled_object.h"
#include "reconciler/hpa/desired.h"
#include "test/unit/hpa_pa.h"
#include "test/unit/quoted_json.h"

#define KEY(name) "autoscaling.knative.dev/" name

struct built {
	struct cluster cluster;
	struct desired desired;
	struct refusal refusal;
	bool ok;
};

static inline void build_form(struct built *b, enum desired_form form, bool transfer)
{
	struct cluster *c = &b->cluster;

	cluster_look(c);
	b->ok = desired_build(c->view.pa, &c->config, &c->config_keda, form, c->now_ms, transfer,
			      c->arena, &b->desired, &b->refusal);
}

static inline void build(struct built *b, bool transfer)
{
	build_form(b, DESIRED_STEADY, transfer);
}

static inline void build_from(struct built *b, const char *annotations)
{
	cluster_init(&b->cluster, annotations);
	build(b, false);
}

/* Adds an annotation whose value is JSON with ' for ". */
static inline void annotate_json(struct cluster *c, const char *name, const char *json)
{
	struct json *annotations = json_ensure_object(
	    c->arena, json_ensure_object(c->arena, c->pa, "metadata"), "annotations");
	char *text = arena_strdup(c->arena, json);

	for (char *p = text; (p = strchr(p, '\''));)
		*p = '"';
	json_set_text(c->arena, annotations, arena_printf(c->arena, KEY("%s"), name), text);
	touch(c, c->pa);
}

static inline const struct json *spec_of(const struct built *b)
{
	return json_get(b->desired.object, "spec");
}

/* A value of the spec, compact and with ' for "; "(none)" if it is not there. */
static inline const char *shown(const struct built *b, const struct json *v)
{
	return json_shown(b->cluster.arena, v);
}

#define EXPECT_REFUSED(b, name, part)                                                              \
	do {                                                                                       \
		EXPECT(!(b)->ok);                                                                  \
		EXPECT_TEXT((b)->refusal.annotation, KEY(name));                                   \
		EXPECT_CONTAINS((b)->refusal.text, part);                                          \
	} while (0)

#endif
