/*
 * Templates are expanded in the strings of the parsed value, so that no variable can break out of
 * the JSON or YAML around it. An annotation's own value is never changed.
 */
#include "reconciler/hpa/listed_triggers.h"

#include <string.h>

#include "reconciler/hpa/trigger_checks.h"
#include "reconciler/hpa/variables.h"

struct expanding {
	const struct pod_autoscaler *pa;
	const char *key;
	struct arena *arena;
	struct refusal *refusal;
};

/* name: of the member that it is; NULL: of none. */
static bool expand_text(const struct expanding *e, const char *name, struct json *v)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	char *expanded;

	if (strlen(v->text) != v->length)
		return refuse_member(e->refusal, e->arena, e->key, name, v,
				     "holds a NUL character");
	if (!strstr(v->text, "{{"))
		return true;
	if (!variables_expand(e->pa, v->text, e->arena, &expanded, &err))
		return refuse_member(e->refusal, e->arena, e->key, name, v, "does not expand: %s",
				     error_text(&err));
	v->text = expanded;
	v->length = strlen(expanded);
	return true;
}

static bool expand(const struct expanding *e, const char *name, struct json *v)
{
	if (v->type == JSON_STRING)
		return expand_text(e, name, v);
	for (size_t i = 0; i < v->count; i++) {
		bool list = v->type == JSON_ARRAY;

		if (!expand(e, list ? name : v->members[i].key,
			    list ? v->elements[i] : v->members[i].value))
			return false;
	}
	return true;
}

bool listed_triggers_get(const struct annotations *annotations, const struct pod_autoscaler *pa,
			 struct arena *arena, struct listed_triggers *out, struct refusal *refusal)
{
	const struct annotation_value *keda = annotation_get(annotations, A_KEDA_TRIGGERS);
	const struct annotation_value *extra = annotation_get(annotations, A_EXTRA_TRIGGERS);

	*out = (struct listed_triggers){0};
	if (keda && extra)
		return refuse(refusal, arena, keda->key, NULL,
			      "stands beside %s; list all triggers in one of the two", extra->key);
	if (extra)
		*out = (struct listed_triggers){extra->key, extra->json};
	if (!keda)
		return true;
	*out = (struct listed_triggers){keda->key, keda->json};
	/* Refused later, and not worth a copy. */
	if (json_count(keda->json) > TRIGGERS_MAX)
		return true;
	struct json *list = json_copy(arena, keda->json);
	const struct expanding e = {pa, keda->key, arena, refusal};
	out->list = list;
	return expand(&e, NULL, list);
}
