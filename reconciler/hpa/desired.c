/*
 * Puts the ScaledObject together. What it does not set is KEDA's default; minReplicaCount 0 is left
 * out, as KEDA leaves it out.
 */
#include "reconciler/hpa/desired.h"

#include "pkg/keda/scaled_object.h"
#include "reconciler/hpa/advanced.h"
#include "reconciler/hpa/desired_meta.h"
#include "reconciler/hpa/fallback.h"
#include "reconciler/hpa/hold.h"
#include "reconciler/hpa/idle.h"
#include "reconciler/hpa/override.h"
#include "reconciler/hpa/trigger_checks.h"
#include "reconciler/hpa/triggers.h"

struct building {
	const struct pod_autoscaler *pa;
	const struct config_keda *config;
	struct arena *arena;
	struct annotations annotations;
	struct bounds bounds;
	bool idle;           /* idleReplicaCount is asked for */
	bool only_resources; /* all triggers are cpu or memory */
	bool kept;
	struct http_scaling http;
	struct json *spec;
};

static void set_target(const struct building *b, struct json *spec)
{
	struct json *target = json_ensure_object(b->arena, spec, "scaleTargetRef");

	json_set_text(b->arena, target, "apiVersion", b->pa->target_api_version);
	json_set_text(b->arena, target, "kind", b->pa->target_kind);
	json_set_text(b->arena, target, "name", b->pa->target_name);
}

/* configured: -1 if the ConfigMap says nothing. */
static void set_seconds(const struct building *b, struct json *spec, const char *field,
			enum annotation_id id, int32_t configured)
{
	const struct annotation_value *annotated = annotation_get(&b->annotations, id);

	if (annotated)
		json_set_int(b->arena, spec, field, annotated->number);
	else if (configured >= 0)
		json_set_int(b->arena, spec, field, configured);
}

/* -1: not known here. Knative's own autoscaler waits for its window, and then for that period. */
static int32_t cooldown_of(const struct building *b)
{
	if (b->config->cooldown_period >= 0 || !b->http.metric)
		return b->config->cooldown_period;
	return b->http.cooldown_s;
}

static void set_timing(const struct building *b, struct json *spec)
{
	set_seconds(b, spec, "pollingInterval", A_POLLING_INTERVAL, b->config->polling_interval);
	set_seconds(b, spec, "cooldownPeriod", A_COOLDOWN_PERIOD, cooldown_of(b));
	set_seconds(b, spec, "initialCooldownPeriod", A_INITIAL_COOLDOWN_PERIOD, -1);
}

static void set_bounds(const struct building *b, const struct hold *hold, int32_t min,
		       struct json *spec)
{
	int32_t held = hold->held ? hold->min : min;

	if (b->kept && held < 1)
		held = 1;
	if (held > 0)
		json_set_int(b->arena, spec, "minReplicaCount", held);
	json_set_int(b->arena, spec, "maxReplicaCount", b->bounds.max);
	if (b->idle && !hold->held && !b->kept && min >= 1)
		json_set_int(b->arena, spec, "idleReplicaCount", 0);
}

/* The spec but for its bounds; false with refusal set. */
static bool build_spec(struct building *b, struct refusal *refusal)
{
	bool modified = annotation_get(&b->annotations, A_SCALING_MODIFIERS) != NULL;

	if (annotation_get(&b->annotations, A_OVERRIDE)) {
		b->spec = override_spec(&b->annotations, b->pa, b->arena);
		b->only_resources = triggers_only_resources(json_get(b->spec, "triggers"));
		return true;
	}
	struct triggers triggers;
	if (!triggers_build(&b->annotations, b->pa, b->config, &b->http, b->arena, &triggers,
			    refusal))
		return false;
	b->only_resources = triggers.only_resources;
	b->spec = json_object(b->arena);
	set_target(b, b->spec);
	set_timing(b, b->spec);
	if (!fallback_set(&b->annotations, b->config, !b->only_resources || modified, b->arena,
			  b->spec, refusal))
		return false;
	advanced_set(&b->annotations, b->pa, &b->http, b->arena, b->spec);
	json_set(b->arena, b->spec, "triggers", triggers.list);
	return true;
}

static int32_t needed(const struct bounds *bounds)
{
	int32_t pods = bounds->min_reachable;

	if (bounds->initial_scale > pods)
		pods = bounds->initial_scale;
	return pods < bounds->max ? pods : bounds->max;
}

static void build_object(const struct building *b, enum desired_form form, int64_t now_ms,
			 bool transfer, struct desired *out)
{
	struct json *spec = b->spec;
	struct hold hold =
	    hold_of(b->pa, &b->bounds, out->min, hold_cooldown_seconds(spec), form, now_ms);

	set_bounds(b, &hold, out->min, spec);
	out->held = hold.held;
	out->held_until_ms = hold.held ? hold.until_ms : 0;
	out->hash = scaled_object_spec_hash(spec, b->arena);
	out->object = json_object(b->arena);
	json_set_text(b->arena, out->object, "apiVersion", SCALED_OBJECT_API_VERSION);
	json_set_text(b->arena, out->object, "kind", SCALED_OBJECT_KIND);
	json_set(b->arena, out->object, "metadata",
		 desired_metadata(b->pa, &b->annotations, transfer, b->arena));
	json_set(b->arena, out->object, "spec", spec);
}

bool desired_build(const struct pod_autoscaler *pa, const struct config_autoscaler *config,
		   const struct config_keda *config_keda, enum desired_form form, int64_t now_ms,
		   bool transfer, struct arena *arena, struct desired *out, struct refusal *refusal)
{
	struct building b = {.pa = pa, .config = config_keda, .arena = arena};

	*out = (struct desired){0};
	*refusal = (struct refusal){0};
	if (!annotations_parse(pa, config_keda, arena, &b.annotations, refusal) ||
	    !bounds_of(&b.annotations, pa, config, arena, &b.bounds, refusal))
		return false;
	out->auto_create = b.annotations.auto_create;
	out->min = b.bounds.min;
	out->max = b.bounds.max;
	out->initial_scale = b.bounds.initial_scale;
	out->needed = needed(&b.bounds);
	if (!out->auto_create)
		return true;
	if (!http_scaling_of(&b.annotations, pa, config, config_keda, arena, &b.http, refusal) ||
	    !idle_of(&b.annotations, &b.bounds, arena, &b.idle, refusal) ||
	    !build_spec(&b, refusal))
		return false;
	out->http = b.http;
	out->kept = b.kept =
	    form == DESIRED_KEPT && b.http.metric && !pod_autoscaler_unreachable(pa);
	if (b.only_resources && out->min == 0)
		out->min = 1;
	build_object(&b, form, now_ms, transfer, out);
	return true;
}
