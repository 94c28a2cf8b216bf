/*
 * Knative's webhook, as far as people meet it: the defaults of a Service that kubectl shows, and
 * the refusals of autoscaling annotations (serving pkg/apis/autoscaling/annotation_validation.go),
 * with the texts of apis.FieldError. Controllers' own writes are right and do not come here.
 */
#include <stdlib.h>
#include <string.h>

#include "pkg/knative/config_autoscaler.h"
#include "pkg/knative/go_value.h"
#include "pkg/units/duration.h"
#include "test/lib/knative_model.h"

#define WHERE_AUTOSCALING                                                                          \
	"autoscaling annotations must be put under \"spec.template.metadata.annotations\" to work"
#define SECOND 1000000000LL

/* ---- defaults ---- */

static void set_if_absent(struct arena *arena, struct json *object, const char *key,
			  struct json *value)
{
	if (!json_get(object, key))
		json_set(arena, object, key, value);
}

static void default_container(struct arena *arena, struct json *container, const char *name,
			      bool serves)
{
	set_if_absent(arena, container, "name", json_string(arena, name));
	set_if_absent(arena, container, "resources", json_object(arena));
	if (!serves && !json_count(json_get(container, "ports")))
		return;
	struct json *probe = json_ensure_object(arena, container, "readinessProbe");
	bool kind = json_get(probe, "httpGet") || json_get(probe, "exec") ||
		    json_get(probe, "grpc") || json_get(probe, "tcpSocket");
	if (!kind)
		json_set_int(arena, json_ensure_object(arena, probe, "tcpSocket"), "port", 0);
	set_if_absent(arena, probe, "successThreshold", json_integer(arena, 1));
}

/* RevisionSpec.SetDefaults with the defaults of config-defaults. */
static void default_revision(struct arena *arena, struct json *spec)
{
	const struct json *list = json_get(spec, "containers");
	size_t count = json_count(list);
	set_if_absent(arena, spec, "containerConcurrency", json_integer(arena, 0));
	set_if_absent(arena, spec, "timeoutSeconds", json_integer(arena, 300));
	set_if_absent(arena, spec, "enableServiceLinks", json_bool(arena, false));
	for (size_t i = 0; i < count; i++) {
		const char *name =
		    count == 1 ? "user-container" : arena_printf(arena, "user-container-%zu", i);
		if (json_is(list->elements[i], JSON_OBJECT))
			default_container(arena, list->elements[i], name, count == 1);
	}
}

static void default_service(struct arena *arena, struct json *value, const struct version *old)
{
	struct json *meta = json_ensure_object(arena, value, "metadata");
	struct json *annotations = json_ensure_object(arena, meta, "annotations");
	struct json *spec = json_ensure_object(arena, value, "spec");
	struct json *template = json_ensure_object(arena, spec, "template");
	default_revision(arena, json_ensure_object(arena, template, "spec"));
	if (!json_count(json_get(spec, "traffic"))) {
		struct json *list = json_array(arena), *latest = json_object(arena);
		json_set_bool(arena, latest, "latestRevision", true);
		json_set_int(arena, latest, "percent", 100);
		json_append(arena, list, latest);
		json_set(arena, spec, "traffic", list);
	}
	set_if_absent(arena, annotations, SERVING "creator", json_string(arena, KNATIVE_USER));
	if (!old || !json_equal(json_get(old->value, "spec"), spec))
		json_set_text(arena, annotations, SERVING "lastModifier", KNATIVE_USER);
}

/* ---- errors, as apis.FieldError collects them ---- */

#define MAX_COMPLAINTS 32

struct complaint {
	const char *message, *paths, *details;
};

struct judge {
	struct arena *arena;
	const char *prefix; /* of annotations' paths: "metadata.annotations." */
	const struct json *annotations;
	struct config_autoscaler config;
	size_t count;
	struct complaint complaints[MAX_COMPLAINTS];
};

static void complain(struct judge *judge, const char *message, const char *paths,
		     const char *details)
{
	if (judge->count < MAX_COMPLAINTS)
		judge->complaints[judge->count++] = (struct complaint){message, paths, details};
}

static void complain_of(struct judge *judge, const char *key, const char *tail, const char *message)
{
	complain(judge, message, arena_printf(judge->arena, "%s%s%s", judge->prefix, key, tail),
		 NULL);
}

static void invalid(struct judge *judge, const char *key, const char *value, const char *tail)
{
	complain_of(judge, key, tail, arena_printf(judge->arena, "invalid value: %s", value));
}

static int by_text(const void *a, const void *b)
{
	const struct complaint *left = a, *right = b;
	int order = strcmp(left->message, right->message);
	return order ? order : strcmp(left->paths, right->paths);
}

static bool verdict(struct judge *judge, struct error *err)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	qsort(judge->complaints, judge->count, sizeof(judge->complaints[0]), by_text);
	for (size_t i = 0; i < judge->count; i++) {
		const struct complaint *one = &judge->complaints[i];
		strbuf_addf(&text, "%s%s: %s", i ? "\n" : "", one->message, one->paths);
		if (one->details)
			strbuf_addf(&text, "\n%s", one->details);
	}
	return judge->count == 0 ||
	       api_error(err, ERROR_INVALID, 400,
			 "admission webhook \"validation.webhook.serving.knative.dev\" denied the "
			 "request: validation failed: %s",
			 text.buf);
}

/* ---- annotations ---- */

/* The dashed name wins over the older one. *key is the one found. */
static const char *find(const struct judge *judge, const char *dashed, const char *older,
			const char **key)
{
	const char *value = json_text(json_get(judge->annotations, dashed));
	*key = dashed;
	if (value || !older)
		return value;
	*key = older;
	return json_text(json_get(judge->annotations, older));
}

static int32_t judge_count(struct judge *judge, const char *dashed, const char *older)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	const char *key, *text = find(judge, dashed, older, &key);
	int32_t value = 0;
	bool ok = !text || go_parse_int32(text, &value, &err);
	if (!ok && !strstr(error_text(&err), "out of range"))
		invalid(judge, key, text, "");
	else if (!ok || value < 0)
		complain_of(judge, key, "",
			    arena_printf(judge->arena, "expected 0 <= %s <= 2147483647", text));
	return ok && value > 0 ? value : 0;
}

static void judge_bounds(struct judge *judge)
{
	int32_t min = judge_count(judge, AUTOSCALING "min-scale", AUTOSCALING "minScale");
	int32_t max = judge_count(judge, AUTOSCALING "max-scale", AUTOSCALING "maxScale");
	if (max && max < min)
		complain(
		    judge,
		    arena_printf(judge->arena, "max-scale=%d is less than min-scale=%d", max, min),
		    arena_printf(judge->arena, "%s%s, %s%s", judge->prefix, AUTOSCALING "max-scale",
				 judge->prefix, AUTOSCALING "min-scale"),
		    NULL);
}

static void judge_target(struct judge *judge)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	const char *key, *text = find(judge, AUTOSCALING "target", NULL, &key);
	double value = 1;
	if (text && !go_parse_float(text, &value, &err))
		invalid(judge, key, text, "");
	else if (value < 0.01)
		complain_of(judge, key, "",
			    arena_printf(judge->arena, "target %s should be at least 0.01", text));
}

static void judge_window(struct judge *judge)
{
	const char *key, *text = find(judge, AUTOSCALING "window", NULL, &key);
	int64_t value;
	if (!text)
		return;
	if (!duration_parse(text, &value))
		invalid(judge, key, text, "");
	else if (value < 6 * SECOND || value > 3600 * SECOND)
		complain_of(judge, key, "",
			    arena_printf(judge->arena, "expected 6s <= %s <= 1h0m0s", text));
	else if (value % SECOND)
		complain_of(judge, key, "", "must be specified with at most second precision");
}

static void judge_class_and_metric(struct judge *judge)
{
	const char *key, *metric = find(judge, AUTOSCALING "metric", NULL, &key);
	const char *class = find(judge, AUTOSCALING "class", NULL, &key);
	size_t length = class ? strlen(class) : 0;
	bool hpa =
	    class ? strcmp(class, "hpa.autoscaling.knative.dev") == 0 : judge->config.class_is_hpa;
	bool kpa = class ? strcmp(class, "kpa.autoscaling.knative.dev") == 0 : !hpa;
	if (length > 12 && strcmp(class + length - 12, ".knative.dev") == 0 && !kpa && !hpa)
		invalid(judge, key, class, "");
	if (!metric)
		return;
	bool fits = hpa   ? metric[0]
		    : kpa ? strcmp(metric, "concurrency") == 0 || strcmp(metric, "rps") == 0
			  : true;
	if (!fits)
		invalid(judge, AUTOSCALING "metric", metric, "");
}

static void judge_initial_scale(struct judge *judge)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	const char *key,
	    *text = find(judge, AUTOSCALING "initial-scale", AUTOSCALING "initialScale", &key);
	int32_t value;
	if (!text)
		return;
	if (!go_parse_int32(text, &value, &err))
		invalid(judge, key, text, "");
	else if (value < 0)
		invalid(judge, key, text, " must be greater than 0");
	else if (value == 0 && !judge->config.allow_zero_initial_scale)
		invalid(judge, key, text, "=0 not allowed by cluster");
}

static void judge_annotations(struct judge *judge, const struct json *annotations,
			      const char *prefix)
{
	judge->annotations = annotations;
	judge->prefix = prefix;
	judge_class_and_metric(judge);
	judge_bounds(judge);
	judge_target(judge);
	judge_window(judge);
	judge_initial_scale(judge);
}

/* Of a Service, Configuration or Route itself they would do nothing. */
static void judge_misplaced(struct judge *judge, const struct json *annotations)
{
	for (size_t i = 0; i < json_count(annotations); i++) {
		const char *key = annotations->members[i].key;
		if (strncmp(key, AUTOSCALING, strlen(AUTOSCALING)) == 0)
			complain(judge, arena_printf(judge->arena, "invalid key name \"%s\"", key),
				 "metadata.annotations", WHERE_AUTOSCALING);
	}
}

static void judge_template(struct judge *judge, const struct json *value)
{
	const struct json *template = json_path(value, "spec", "template", NULL);
	if (!json_count(json_path(template, "spec", "containers", NULL)))
		complain(judge, "missing field(s)", "spec.template.spec.containers", NULL);
	judge_annotations(judge, json_path(template, "metadata", "annotations", NULL),
			  "spec.template.metadata.annotations.");
}

#define LABEL_TEXT                                                                                 \
	"a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with "  \
	"an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or "    \
	"'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"

static bool is_label(const char *name)
{
	size_t length = strlen(name);
	return name[0] >= 'a' && name[0] <= 'z' && name[length - 1] != '-' &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

static void judge_name(struct judge *judge, const char *name, const char *path)
{
	bool too_long = strlen(name) > 63;
	if (too_long || !is_label(name))
		complain(judge,
			 arena_printf(judge->arena, "invalid value: not a DNS 1035 label: [%s]",
				      too_long ? "must be no more than 63 characters" : LABEL_TEXT),
			 path, NULL);
}

/* A name of one's own for the revision. */
static void judge_revision_name(struct judge *judge, const struct json *value)
{
	const char *parent = json_text_or(json_path(value, "metadata", "name", NULL), "");
	const char *name =
	    json_text(json_path(value, "spec", "template", "metadata", "name", NULL));
	const char *prefix = arena_printf(judge->arena, "%s-", parent);
	size_t count = judge->count;
	if (!name || !name[0])
		return;
	judge_name(judge, name, "spec.template.metadata.name");
	if (judge->count == count && strncmp(name, prefix, strlen(prefix)) != 0)
		complain(judge,
			 arena_printf(judge->arena, "invalid value: \"%s\" must have prefix \"%s\"",
				      name, prefix),
			 "spec.template.metadata.name", NULL);
}

static void read_config(struct model *model, struct config_autoscaler *config)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	const struct json *map =
	    model_get(model, "configmaps", "knative-serving", "config-autoscaler");
	if (!config_autoscaler_parse(json_get(map, "data"), config, &err))
		*config = config_autoscaler_default;
}

bool knative_admit(struct model *model, struct resource *resource, struct arena *arena,
		   struct json *value, struct error *err)
{
	const char *id = resource->kind.id;
	const struct json *meta = json_get(value, "metadata");
	struct judge judge = {.arena = arena};
	if (strcmp(resource->kind.group, "serving.knative.dev") != 0 ||
	    json_get(meta, "deletionTimestamp"))
		return true;
	const struct version *old = version_in(resource, json_text(json_get(meta, "namespace")),
					       json_text_or(json_get(meta, "name"), ""));
	const struct json *template = json_path(value, "spec", "template", NULL);
	if (!meta_fits(&resource->kind, "template.metadata", json_get(template, "metadata"), err))
		return false;
	read_config(model, &judge.config);
	if (strcmp(id, "services.serving") == 0)
		default_service(arena, value, old);
	if (strcmp(id, "services.serving") == 0 && !old)
		judge_name(&judge, json_text_or(json_get(meta, "name"), ""), "metadata.name");
	if (strcmp(id, "revisions") == 0)
		judge_annotations(&judge, json_get(meta, "annotations"), "metadata.annotations.");
	else
		judge_misplaced(&judge, json_get(meta, "annotations"));
	if (strcmp(id, "services.serving") == 0 || strcmp(id, "configurations") == 0) {
		judge_template(&judge, value);
		judge_revision_name(&judge, value);
	}
	bool changed = old && strcmp(id, "revisions") == 0 &&
		       !json_equal(json_get(old->value, "spec"), json_get(value, "spec"));
	if (changed)
		complain(&judge, "Immutable fields changed (-old +new)", "spec", NULL);
	return verdict(&judge, err);
}
