/*
 * The product as a whole: any set of annotations gives a ScaledObject in every form, the same each
 * time and the same after a round trip through JSON, or a refusal that names the annotation in a
 * short text.
 *
 * Input: the first byte chooses configuration and PodAutoscaler (enum choice); then records that
 * begin with '@' at the start of a line: the annotation's name up to a space, its value up to the
 * next record. A name without a slash stands for autoscaling.knative.dev/NAME, a number for that
 * row of the table.
 */
#include <ctype.h>
#include <stdlib.h>

#include "pkg/json/build.h"
#include "pkg/keda/scaled_object.h"
#include "reconciler/hpa/annotations.h"
#include "reconciler/hpa/desired.h"
#include "reconciler/hpa/unknown.h"
#include "test/fuzz/fuzz.h"

#define REFUSAL_MAX 2048
#define UNKNOWN_MAX 1024
#define NOW_MS INT64_C(1800000000000)

enum choice {
	CHOOSE_UNREACHABLE = 1,
	CHOOSE_TRANSFER = 2,
	CHOOSE_INITIALIZED = 4,
	CHOOSE_AUTO_CREATE_OFF = 8,
	CHOOSE_CONFIG = 16,
};

/* NULL: the API server takes no such name. */
static const char *full_name(struct arena *arena, const char *text, size_t length)
{
	size_t count;
	const struct annotation_row *rows = annotation_rows(&count);
	char *end, *name = arena_strndup(arena, text, length);
	unsigned long number = strtoul(name, &end, 10);
	if (name[0] >= '0' && name[0] <= '9' && *end == 0)
		return rows[number % count].name;
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("-._/", *c))
			return NULL;
	return strchr(name, '/') ? name : arena_printf(arena, ANNOTATION_PREFIX "%s", name);
}

static const char *record_end(const char *at, const char *end)
{
	for (; at < end; at++)
		if (at[0] == '\n' && at + 1 < end && at[1] == '@')
			return at;
	return end;
}

static struct json *annotations_of(const char *at, const char *end, struct arena *arena)
{
	struct json *out = json_object(arena);
	while (at < end && *at == '@') {
		const char *stop = record_end(++at, end);
		const char *space = memchr(at, ' ', (size_t)(stop - at));
		const char *name = full_name(arena, at, (size_t)((space ? space : stop) - at));
		const char *value = space ? space + 1 : stop;
		if (name)
			json_set(arena, out, name,
				 json_new_text(arena, JSON_STRING, value, (size_t)(stop - value)));
		at = stop < end ? stop + 1 : end;
	}
	return out;
}

static struct json *manifest(unsigned choice, struct json *annotations, struct arena *arena)
{
	static const char text[] =
	    "{\"metadata\":{\"name\":\"hello-00001\",\"namespace\":\"default\",\"uid\":\"u\","
	    "\"creationTimestamp\":\"2027-01-15T07:59:00Z\","
	    "\"labels\":{\"serving.knative.dev/service\":\"hello\"}},"
	    "\"spec\":{\"scaleTargetRef\":{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\","
	    "\"name\":\"hello-00001-deployment\"}},"
	    "\"status\":{\"conditions\":[{\"type\":\"ScaleTargetInitialized\",\"status\":\"True\","
	    "\"lastTransitionTime\":\"2027-01-15T07:59:00Z\"}]}}";
	struct json *pa;
	CHECK(json_parse(text, strlen(text), NULL, arena, &pa, NULL));
	json_set(arena, json_ensure_object(arena, pa, "metadata"), "annotations", annotations);
	if (choice & CHOOSE_UNREACHABLE)
		json_set_text(arena, json_ensure_object(arena, pa, "spec"), "reachability",
			      "Unreachable");
	if (!(choice & CHOOSE_INITIALIZED))
		json_remove(pa, "status");
	return pa;
}

struct settings {
	struct config_autoscaler autoscaler;
	struct config_keda keda;
	bool transfer;
};

static struct settings settings_of(unsigned choice)
{
	struct settings s = {config_autoscaler_default, config_keda_default,
			     choice & CHOOSE_TRANSFER};
	s.keda.auto_create = !(choice & CHOOSE_AUTO_CREATE_OFF);
	if (choice & CHOOSE_CONFIG) {
		s.autoscaler.min_scale = 2;
		s.autoscaler.max_scale = 5;
		s.autoscaler.initial_scale = 0;
		s.autoscaler.allow_zero_initial_scale = true;
		s.keda.polling_interval = 7;
		s.keda.fallback_failure_threshold = 3;
		s.keda.fallback_replicas = 6;
		s.keda.fallback_behavior = "currentReplicas";
		s.keda.ignore_null_values = 0;
	}
	return s;
}

static void check_refusal(const struct refusal *refusal, const struct refusal *again)
{
	CHECK(refusal->annotation && again->annotation);
	fuzz_check_message(refusal->text, REFUSAL_MAX);
	CHECK(strncmp(refusal->text, refusal->annotation, strlen(refusal->annotation)) == 0);
	CHECK(strcmp(refusal->text, again->text) == 0);
}

static void check_object(const struct desired *desired, const struct desired *again,
			 struct arena *arena)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT, twice = STRBUF_INIT;
	int64_t max = json_int_or(json_path(desired->object, "spec", "maxReplicaCount", NULL), -1);
	int64_t min = json_int_or(json_path(desired->object, "spec", "minReplicaCount", NULL), 0);
	CHECK(min >= 0 && min <= max && max >= 1 && max <= INT32_MAX);
	CHECK(json_count(json_path(desired->object, "spec", "triggers", NULL)) >= 1);
	json_write(desired->object, &text);
	json_write(again->object, &twice);
	CHECK(strcmp(text.buf, twice.buf) == 0 && desired->hash == again->hash);
	struct json *reread = fuzz_reread(&text, arena);
	CHECK(json_equal(desired->object, reread));
	CHECK(scaled_object_spec_hash(json_get(reread, "spec"), arena) == desired->hash);
}

static void check_http(const struct http_scaling *http)
{
	struct decimal target, least;

	if (!http->metric)
		return;
	CHECK(decimal_parse(http->target, &target) && decimal_parse("0.01", &least));
	CHECK(decimal_compare(&target, &least) >= 0);
	CHECK(http_activators(http, 0) >= HTTP_ACTIVATORS_MIN);
	CHECK(http_activators(http, INT32_MAX) >= http_activators(http, 0));
}

static void check_desired(const struct desired *desired, const struct desired *again,
			  struct arena *arena)
{
	CHECK(desired->min >= 0 && desired->min <= desired->max);
	CHECK(desired->needed >= 0 && desired->needed <= desired->max);
	CHECK(desired->auto_create == (desired->object != NULL));
	check_http(&desired->http);
	if (desired->object)
		check_object(desired, again, arena);
}

static void check_form(const struct pod_autoscaler *pa, const struct settings *s,
		       enum desired_form form, struct arena *arena)
{
	struct desired desired, again;
	struct refusal refusal, refused_again;
	bool ok = desired_build(pa, &s->autoscaler, &s->keda, form, NOW_MS, s->transfer, arena,
				&desired, &refusal);
	CHECK(desired_build(pa, &s->autoscaler, &s->keda, form, NOW_MS, s->transfer, arena, &again,
			    &refused_again) == ok);
	if (ok)
		check_desired(&desired, &again, arena);
	else
		check_refusal(&refusal, &refused_again);
}

static void check_unknown(const struct pod_autoscaler *pa, struct arena *arena)
{
	const char *text = unknown_annotations(pa, arena);
	if (text)
		fuzz_check_message(text, UNKNOWN_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *text = (const char *)data;
	if (size < 1)
		return 0;
	struct json *annotations = annotations_of(text + 1, text + size, arena);
	struct object *pa = pod_autoscaler_decode(manifest(data[0], annotations, arena), NULL);
	CHECK(pa);
	struct settings settings = settings_of(data[0]);
	check_unknown((const struct pod_autoscaler *)pa, arena);
	for (int form = DESIRED_NOW; form <= DESIRED_FRESH; form++)
		check_form((const struct pod_autoscaler *)pa, &settings, (enum desired_form)form,
			   arena);
	object_unref(pa);
	return 0;
}
