/*
 * What KEDA's scalers see. A prometheus trigger sees the series that its query names, else the
 * value of its namespace; every other trigger, an external one too, sees the latter. The HPA
 * controller asks for the same by KEDA's name of a metric ("s0-prometheus"), as the metrics adapter
 * answers it.
 */
#include <stdlib.h>
#include <string.h>

#include "test/lib/keda_model.h"

const char *keda_metric_name(struct arena *arena, const struct json *trigger, size_t index)
{
	return arena_printf(arena, "s%zu-%s", index, json_text_or(json_get(trigger, "type"), ""));
}

static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       c == '_' || c == ':';
}

/* The series that is named first. */
static const double *named_series(struct model *model, struct arena *arena, const char *ns,
				  const char *query)
{
	for (const char *at = query; *at;) {
		size_t length = 0;
		while (is_word(at[length]))
			length++;
		const char *word = arena_strndup(arena, at, length);
		const double *value =
		    length ? table_get(model->series, model_key(arena, ns, word)) : NULL;
		if (value)
			return value;
		at += length ? length : 1;
	}
	return NULL;
}

double keda_value(struct model *model, const char *ns, const struct json *trigger)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *query = json_text_or(json_path(trigger, "metadata", "query", NULL), "");
	const double *value = named_series(model, arena, ns, query);
	return value ? *value : model_value(model->metrics, ns);
}

double keda_metric(struct model *model, const char *ns, const struct json *external)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const struct json *metric = json_get(external, "metric");
	const char *name = json_text_or(json_get(metric, "name"), "");
	const struct json *labels = json_path(metric, "selector", "matchLabels", NULL);
	const struct json *so =
	    model_get(model, "scaledobjects", ns, json_text_or(json_get(labels, KEDA_LABEL), ""));
	const struct json *triggers = json_path(so, "spec", "triggers", NULL);
	for (size_t i = 0; i < json_count(triggers); i++)
		if (strcmp(name, keda_metric_name(arena, json_at(triggers, i), i)) == 0)
			return keda_value(model, ns, json_at(triggers, i));
	return model_value(model->metrics, ns);
}
