/* Triggers built from annotations, for the tests of what makes and checks them. */
#ifndef TEST_UNIT_HPA_TRIGGERS_H
#define TEST_UNIT_HPA_TRIGGERS_H

#include "pkg/knative/config_autoscaler.h"
#include "reconciler/hpa/triggers.h"
#include "test/unit/hpa_cluster.h"

#define KEY(name) "autoscaling.knative.dev/" name

struct built {
	struct cluster cluster;
	struct annotations annotations;
	struct http_scaling http;
	struct triggers triggers;
	struct refusal refusal;
	bool ok;
	const char *json; /* the list, with ' for " */
};

static inline char *swap_quotes(char *text, char from, char to)
{
	for (char *at = text; *at; at++)
		if (*at == from)
			*at = to;
	return text;
}

/* annotations as cluster_init takes them; name and value (NULL: none) are one more, whose text is
 * taken as it is but for ' that becomes ". */
static inline void build_with(struct built *b, const char *annotations, const char *name,
			      const char *value, const struct config_keda *config)
{
	struct cluster *c = &b->cluster;
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;

	cluster_init(c, annotations);
	if (name)
		json_set_text(c->arena,
			      json_ensure_object(c->arena,
						 json_ensure_object(c->arena, c->pa, "metadata"),
						 "annotations"),
			      arena_printf(c->arena, KEY("%s"), name),
			      swap_quotes(arena_strdup(c->arena, value), '\'', '"'));
	cluster_look(c);
	b->triggers = (struct triggers){0};
	b->ok = annotations_parse(c->view.pa, config, c->arena, &b->annotations, &b->refusal) &&
		http_scaling_of(&b->annotations, c->view.pa, &config_autoscaler_default, config,
				c->arena, &b->http, &b->refusal) &&
		triggers_build(&b->annotations, c->view.pa, config, &b->http, c->arena,
			       &b->triggers, &b->refusal);
	if (b->ok)
		json_write(b->triggers.list, &text);
	b->json = b->ok ? swap_quotes(arena_strdup(c->arena, text.buf), '"', '\'') : NULL;
}

static inline void build(struct built *b, const char *annotations, const char *name,
			 const char *value)
{
	build_with(b, annotations, name, value, &config_keda_default);
}

/* Refused, for that annotation, in a text that has part. */
static inline void expect_refused(const struct built *b, const char *name, const char *part)
{
	EXPECT(!b->ok);
	EXPECT_TEXT(b->refusal.annotation, arena_printf(b->cluster.arena, KEY("%s"), name));
	EXPECT_CONTAINS(b->refusal.text, part);
	EXPECT(b->refusal.text && strlen(b->refusal.text) < 800);
}

#endif
