/*
 * The rules, one function a kind. before is never NULL in them and has the same uid as after.
 */
#include "test/lib/world_audit.h"

#include <stdlib.h>
#include <string.h>

#include "pkg/base/date.h"
#include "test/lib/keda_model.h"

/* Knative's default progress deadline: until then a fresh revision is held. */
#define DEADLINE_MS 600000

static void breached(struct audit *audit, const char *rule, const char *detail)
{
	if (audit->breach.len == 0)
		strbuf_addf(&audit->breach, "%s %s: %s (%s)", audit->after->resource->kind.plural,
			    audit->after->key, rule, detail);
}

static const char *status_text(const struct version *version, const char *name)
{
	return json_text_or(json_path(version->value, "status", name, NULL), "");
}

static int64_t number(const struct version *version, const char *outer, const char *name)
{
	return json_int_or(json_path(version->value, outer, name, NULL), 0);
}

static void check_condition(struct audit *audit, const struct json *old, const struct json *new)
{
	const char *type = json_text_or(json_get(new, "type"), "");
	bool same = strcmp(json_text_or(json_get(old, "status"), ""),
			   json_text_or(json_get(new, "status"), "")) == 0;
	bool kept = strcmp(json_text_or(json_get(old, "lastTransitionTime"), ""),
			   json_text_or(json_get(new, "lastTransitionTime"), "")) == 0;
	if (same && !kept)
		breached(audit, "a transition time changed without the status", type);
	if (strcmp(type, "ScaleTargetInitialized") == 0 && !same &&
	    strcmp(json_text_or(json_get(old, "status"), ""), "True") == 0)
		breached(audit, "initialization was taken back", type);
	if (strchr(json_text_or(json_get(new, "message"), ""), '%'))
		breached(audit, "a message holds a per cent sign", type);
}

static void check_pa(struct audit *audit, const struct version *before)
{
	static const char *const sticky[] = {"serviceName", "metricsServiceName"};
	const struct version *after = audit->after;
	for (size_t i = 0; i < ARRAY_SIZE(sticky); i++)
		if (status_text(before, sticky[i])[0] && !status_text(after, sticky[i])[0])
			breached(audit, "a service name was cleared", sticky[i]);
	if (number(after, "status", "observedGeneration") <
	    number(before, "status", "observedGeneration"))
		breached(audit, "observedGeneration went back", "status");
	if (number(after, "status", "observedGeneration") > number(after, "metadata", "generation"))
		breached(audit, "observedGeneration is ahead", "status");
	const struct json *old = json_path(before->value, "status", "conditions", NULL);
	const struct json *new = json_path(after->value, "status", "conditions", NULL);
	for (size_t i = 0; i < json_count(old); i++)
		for (size_t j = 0; j < json_count(new); j++)
			if (strcmp(json_text_or(json_get(json_at(old, i), "type"), ""),
				   json_text_or(json_get(json_at(new, j), "type"), "")) == 0)
				check_condition(audit, json_at(old, i), json_at(new, j));
	if (json_count(new) < json_count(old))
		breached(audit, "a condition is gone", "status");
}

/* A deleted PodAutoscaler's request may still have been on its way: its children are garbage. */
static void check_child(struct audit *audit)
{
	const struct json *owner =
	    json_at(json_path(audit->after->value, "metadata", "ownerReferences", NULL), 0);
	const char *uid = json_text_or(json_get(owner, "uid"), "");
	struct version *pa = table_get(audit->model->live, uid);
	if (strcmp(json_text_or(json_get(owner, "kind"), ""), "PodAutoscaler") != 0)
		return;
	if (pa && strcmp(pa->name, audit->after->name) != 0)
		breached(audit, "it is named otherwise than its owner", pa->name);
	if (!json_bool_or(json_get(owner, "controller"), false) ||
	    !json_bool_or(json_get(owner, "blockOwnerDeletion"), false))
		breached(audit, "its owner does not control it", uid);
}

static void check_deployment(struct audit *audit, const struct version *before)
{
	const struct json *labels = json_path(audit->after->value, "metadata", "labels", NULL);
	const char *revision = json_text_or(json_get(labels, "serving.knative.dev/revision"), "");
	const struct version *pa =
	    model_find(audit->model, "podautoscalers", audit->after->ns, revision);
	const struct json *so =
	    model_get(audit->model, "scaledobjects", audit->after->ns, revision);
	int64_t created = 0;
	if (!pa || keda_paused(so) || number(before, "spec", "replicas") == 0 ||
	    number(audit->after, "spec", "replicas") > 0 ||
	    strcmp(model_condition_status(pa->value, "ScaleTargetInitialized"), "True") == 0)
		return;
	if (time_parse_rfc3339(
		json_text_or(json_path(pa->value, "metadata", "creationTimestamp", NULL), ""),
		&created) &&
	    model_now_ms(audit->model) < created + DEADLINE_MS)
		breached(audit, "taken to zero before it was ready", revision);
}

static void audit_change(void *ctx, enum change_type type, const struct version *before,
			 const struct version *after)
{
	struct audit *audit = ctx;
	const char *id = after->resource->kind.id;
	audit->after = after;
	if (type == CHANGE_ADDED &&
	    (strcmp(id, "scaledobjects") == 0 || strcmp(id, "serverlessservices") == 0))
		check_child(audit);
	if (type != CHANGE_MODIFIED || !before)
		return;
	if (strcmp(id, "podautoscalers") == 0)
		check_pa(audit, before);
	else if (strcmp(id, "deployments") == 0)
		check_deployment(audit, before);
}

void audit_start(struct audit *audit, struct model *model)
{
	*audit = (struct audit){.model = model, .breach = STRBUF_INIT};
	model->audit = audit_change;
	model->audit_ctx = audit;
}
