/* The rows of status. What KEDA and the HPA obey is shown, not what the annotations say. */
#include "reconciler/explain/row.h"

#include <string.h>

#include "pkg/keda/status.h"
#include "reconciler/explain/scene.h"
#include "reconciler/explain/text.h"
#include "reconciler/hpa/unread.h"

#define TRIGGERS_MAX 64 /* bytes of the list */

static const char *word(struct arena *arena, const struct json *v)
{
	return text_visible(arena, json_text_or(v, ""), TEXT_WORD_MAX);
}

static const char *condition_member(struct arena *arena, const struct json *object,
				    const char *type, const char *member)
{
	return word(arena, json_get(status_condition(object, type), member));
}

static const char *trigger_types(const struct json *so, struct arena *arena)
{
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;
	const struct json *triggers = json_path(so, "spec", "triggers", NULL);

	for (size_t i = 0; i < json_count(triggers); i++)
		strbuf_addf(&out, "%s%s", i > 0 ? "," : "",
			    json_text_or(json_get(json_at(triggers, i), "type"), "?"));
	return text_visible(arena, out.buf, TRIGGERS_MAX);
}

static void take_bounds(const struct scene *scene, struct scaling_row *out)
{
	out->min = out->max = ROW_UNKNOWN;
	if (scene->so) {
		out->min = scene->so->min_replicas;
		out->max = scene->so->max_replicas;
	} else if (scene->has_desired) {
		out->min = scene->desired.min;
		out->max = scene->desired.max;
	}
}

static void take_replicas(const struct scene *scene, struct scaling_row *out)
{
	const struct pod_autoscaler *pa = scene->pa;

	out->current =
	    pa->has_actual_scale && pa->actual_scale >= 0 ? pa->actual_scale : ROW_UNKNOWN;
	out->desired =
	    pa->has_desired_scale && pa->desired_scale >= 0 ? pa->desired_scale : ROW_UNKNOWN;
	if (scene->hpa && scene->hpa->scaling_active != -1) {
		out->current = scene->hpa->current_replicas;
		out->desired = scene->hpa->desired_replicas;
	}
}

/* Of a ready one, by the words of `why`; else its condition's. */
static const char *reason_of(const struct scene *scene, const struct condition *from)
{
	if (scene->ready.status != CONDITION_TRUE)
		return from->reason;
	if (scene->so && scene->so->paused)
		return REASON_PAUSED;
	if (scene_kept_up(scene))
		return REASON_ACTIVATORS_UNREAD;
	return scene_hpa_fails(scene) || scene_keda_fails(scene) ? REASON_DEGRADED : "";
}

static void take_conditions(const struct scene *scene, struct arena *arena, struct scaling_row *out)
{
	const struct condition *from =
	    scene->active.reason && scene->active.status != CONDITION_TRUE ? &scene->active
									   : &scene->ready;

	out->ready =
	    condition_status_name(scene->ready.type ? scene->ready.status : CONDITION_UNKNOWN);
	out->reason = text_visible(arena, reason_of(scene, from), TEXT_WORD_MAX);
	out->message = text_visible(arena, from->message, TEXT_MESSAGE_MAX);
	out->since_ms = from->changed_ms;
}

static void take_keda(const struct evidence *e, struct arena *arena, struct scaling_row *out)
{
	const struct json *so = e->scaled_object, *hpa = e->hpa;

	out->triggers = trigger_types(so, arena);
	out->has_scaled_object = so != NULL;
	out->keda_ready = condition_member(arena, so, "Ready", "status");
	out->keda_active = condition_member(arena, so, "Active", "status");
	out->keda_fallback = condition_member(arena, so, "Fallback", "status");
	out->keda_paused = condition_member(arena, so, "Paused", "status");
	out->has_hpa = hpa != NULL;
	out->scaling_active = condition_member(arena, hpa, "ScalingActive", "reason");
	out->able_to_scale = condition_member(arena, hpa, "AbleToScale", "reason");
	out->scaling_limited = condition_member(arena, hpa, "ScalingLimited", "reason");
}

bool row_of(const struct evidence *e, struct arena *arena, struct scaling_row *out)
{
	CLEANUP(scene_release) struct scene scene;

	scene_init(&scene, e, arena);
	if (!scene.pa || !pod_autoscaler_is_ours(scene.pa))
		return false;
	*out = (struct scaling_row){
	    .ns = text_visible(arena, scene.pa->object.meta.ns, TEXT_WORD_MAX),
	    .revision = text_visible(arena, scene.pa->object.meta.name, TEXT_WORD_MAX),
	    .service = text_visible(arena, scene_service(&scene), TEXT_WORD_MAX),
	    .created_ms = scene.pa->object.meta.created_ms,
	    .held = scene.held,
	    .held_until_ms = scene.held ? scene.held_until_ms : 0,
	};
	take_conditions(&scene, arena, out);
	take_bounds(&scene, out);
	take_replicas(&scene, out);
	take_keda(e, arena, out);
	return true;
}

bool row_equal(const struct scaling_row *a, const struct scaling_row *b)
{
	const char *const texts[][2] = {
	    {a->ns, b->ns},
	    {a->revision, b->revision},
	    {a->service, b->service},
	    {a->ready, b->ready},
	    {a->reason, b->reason},
	    {a->message, b->message},
	    {a->triggers, b->triggers},
	    {a->keda_ready, b->keda_ready},
	    {a->keda_active, b->keda_active},
	    {a->keda_fallback, b->keda_fallback},
	    {a->keda_paused, b->keda_paused},
	    {a->scaling_active, b->scaling_active},
	    {a->able_to_scale, b->able_to_scale},
	    {a->scaling_limited, b->scaling_limited},
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (strcmp(texts[i][0], texts[i][1]) != 0)
			return false;
	return a->since_ms == b->since_ms && a->created_ms == b->created_ms && a->min == b->min &&
	       a->max == b->max && a->current == b->current && a->desired == b->desired &&
	       a->held == b->held && a->held_until_ms == b->held_until_ms &&
	       a->has_scaled_object == b->has_scaled_object && a->has_hpa == b->has_hpa;
}

/* ---- JSON ---- */

struct text_member {
	const char *key, *text;
};

static void set_texts(struct arena *arena, struct json *out, const struct text_member *members,
		      size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (members[i].text[0])
			json_set_text(arena, out, members[i].key, members[i].text);
}

static void set_count(struct arena *arena, struct json *out, const char *key, int32_t count)
{
	if (count != ROW_UNKNOWN && count != ROW_NO_LIMIT)
		json_set_int(arena, out, key, count);
}

static void set_triggers(struct arena *arena, struct json *out, const char *triggers)
{
	struct json *list = json_set(arena, out, "triggers", json_array(arena));

	for (const char *at = triggers; *at;) {
		size_t length = strcspn(at, ",");
		json_append(arena, list, json_string(arena, arena_strndup(arena, at, length)));
		at += length + (at[length] == ',');
	}
}

static void set_scalers(struct arena *arena, struct json *out, const struct scaling_row *row)
{
	const struct text_member keda[] = {{"ready", row->keda_ready},
					   {"active", row->keda_active},
					   {"fallback", row->keda_fallback},
					   {"paused", row->keda_paused}};
	const struct text_member hpa[] = {{"scalingActive", row->scaling_active},
					  {"ableToScale", row->able_to_scale},
					  {"scalingLimited", row->scaling_limited}};

	if (row->has_scaled_object)
		set_texts(arena, json_ensure_object(arena, out, "keda"), keda, ARRAY_SIZE(keda));
	if (row->has_hpa)
		set_texts(arena, json_ensure_object(arena, out, "hpa"), hpa, ARRAY_SIZE(hpa));
}

struct json *row_json(const struct scaling_row *row, struct arena *arena)
{
	struct json *out = json_object(arena);

	json_set_text(arena, out, "namespace", row->ns);
	json_set_text(arena, out, "revision", row->revision);
	json_set_text(arena, out, "service", row->service);
	json_set_text(arena, out, "ready", row->ready);
	json_set_text(arena, out, "reason", row->reason);
	if (row->message[0])
		json_set_text(arena, out, "message", row->message);
	text_set_time(arena, out, "since", row->since_ms);
	text_set_time(arena, out, "createdAt", row->created_ms);
	set_count(arena, out, "minReplicas", row->min);
	set_count(arena, out, "maxReplicas", row->max);
	set_count(arena, out, "currentReplicas", row->current);
	set_count(arena, out, "desiredReplicas", row->desired);
	text_set_time(arena, out, "heldUntil", row->held_until_ms);
	set_triggers(arena, out, row->triggers);
	set_scalers(arena, out, row);
	return out;
}
