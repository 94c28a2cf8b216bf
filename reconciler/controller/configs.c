/*
 * The ConfigMaps config-autoscaler, config-autoscaler-keda, config-logging and
 * config-observability, read live. The values in force are replaced whole and only by a map that
 * parses: a bad edit keeps the old ones, an absent map means the defaults.
 */
#include <stdlib.h>

#include "pkg/base/check.h"
#include "pkg/base/log.h"
#include "reconciler/controller/internal.h"

const char *config_map_name(const struct controller *controller, enum cache_id id)
{
	switch (id) {
	case CACHE_CONFIG_AUTOSCALER:
		return "config-autoscaler";
	case CACHE_CONFIG_KEDA:
		return "config-autoscaler-keda";
	case CACHE_CONFIG_LOGGING:
		return controller->others.logging_name;
	default:
		return controller->others.observability_name;
	}
}

struct object *config_map_decode(const struct json *json, struct error *err)
{
	struct config_map *map = object_new(sizeof(*map));
	const struct json *data = json_get(json, "data");

	if (!meta_decode(json, map->object.arena, &map->object.meta, err)) {
		object_unref(&map->object);
		return NULL;
	}
	if (data)
		map->data = json_copy(map->object.arena, data);
	return &map->object;
}

static bool set_autoscaler(struct controller *controller, const struct json *data,
			   struct error *err)
{
	struct autoscaler_values *values = object_new(sizeof(*values));

	if (!config_autoscaler_parse(data, &values->config, err)) {
		object_unref(&values->object);
		return false;
	}
	if (controller->autoscaler)
		object_unref(&controller->autoscaler->object);
	controller->autoscaler = values;
	return true;
}

static bool set_keda(struct controller *controller, const struct json *data, struct error *err)
{
	struct keda_values *values = object_new(sizeof(*values));

	if (!config_keda_parse(data, values->object.arena, &values->config, err)) {
		object_unref(&values->object);
		return false;
	}
	values->config.system_namespace = controller->system_namespace;
	if (controller->keda)
		object_unref(&controller->keda->object);
	controller->keda = values;
	return true;
}

/* Told at the finer of the two levels: who turns logs down is to see that it worked. */
static void set_level(enum log_level from, enum log_level to)
{
	if (to < from)
		log_set_level(to);
	log_info("log level changed", F_STR("from", log_level_name(from)),
		 F_STR("to", log_level_name(to)));
	log_set_level(to);
}

static bool set_logging(struct controller *controller, const struct json *data, struct error *err)
{
	struct other_configs *others = &controller->others;
	struct config_logging now;

	if (!config_logging_parse(data, &now, err))
		return false;
	if (now.format != others->logging.format && !others->log_format_fixed)
		log_set_format(now.format);
	if (now.level != others->logging.level)
		set_level(others->logging.level, now.level);
	others->logging = now;
	return true;
}

static bool set_observability(struct controller *controller, const struct json *data,
			      struct error *err)
{
	enum metrics_protocol before = controller->others.observability.metrics_protocol, now;

	if (!config_observability_parse(data, &controller->others.observability, err))
		return false;
	now = controller->others.observability.metrics_protocol;
	if (now == before)
		return true;
	if (now == METRICS_NONE)
		log_info("metrics are switched off", F_STR("protocol", metrics_protocol_name(now)));
	else
		log_info("metrics are served for Prometheus, and in no other way",
			 F_STR("protocol", metrics_protocol_name(now)));
	return true;
}

static bool set_values(struct controller *controller, enum cache_id id, const struct json *data,
		       struct error *err)
{
	switch (id) {
	case CACHE_CONFIG_AUTOSCALER:
		return set_autoscaler(controller, data, err);
	case CACHE_CONFIG_KEDA:
		return set_keda(controller, data, err);
	case CACHE_CONFIG_LOGGING:
		return set_logging(controller, data, err);
	default:
		return set_observability(controller, data, err);
	}
}

bool controller_metrics_off(const struct controller *controller)
{
	return controller->others.observability.metrics_protocol == METRICS_NONE;
}

static char *name_or(const char *name, const char *usual)
{
	return xstrdup(name ? name : usual);
}

void configs_init(struct controller *controller, const struct controller_config *config)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;

	controller->others = (struct other_configs){
	    .logging_name = name_or(config->config_logging, "config-logging"),
	    .observability_name = name_or(config->config_observability, "config-observability"),
	    .log_format_fixed = config->log_format_fixed,
	    .logging = {.level = LOG_INFO, .format = LOG_JSON},
	    .observability = {.metrics_protocol = METRICS_PROMETHEUS},
	};

	/* An empty map is the defaults. */
	CHECK(set_autoscaler(controller, NULL, &err));
	CHECK(set_keda(controller, NULL, &err));
}

void configs_release(struct controller *controller)
{
	object_unref(&controller->autoscaler->object);
	object_unref(&controller->keda->object);
	free(controller->others.logging_name);
	free(controller->others.observability_name);
}

static void warn_absent(const struct controller *controller, enum cache_id id)
{
	log_warn("configuration is absent, its defaults apply",
		 F_STR("configmap", config_map_name(controller, id)));
}

void configs_warn_absent(struct controller *controller)
{
	for (enum cache_id id = CACHE_CONFIG_AUTOSCALER; id <= CACHE_CONFIG_KEDA; id++) {
		if (store_count(controller->caches[id].store) == 0)
			warn_absent(controller, id);
	}
}

static const struct json *data_of(const struct object *object)
{
	return object ? ((const struct config_map *)object)->data : NULL;
}

/* kubectl describe configmap tells who edited it, without a look into our log. */
static void tell_refusal(struct controller *controller, const struct object *map, const char *text)
{
	struct event_about about = {
	    .api_version = "v1",
	    .kind = "ConfigMap",
	    .ns = map->meta.ns,
	    .name = map->meta.name,
	    .uid = map->meta.uid,
	};
	CLEANUP(strbuf_release) struct strbuf message = STRBUF_INIT;
	CLEANUP(strbuf_release) struct strbuf key = STRBUF_INIT;

	log_error("configuration is refused, the old one stays in force",
		  F_STR("configmap", map->meta.name), F_STR("error", text));
	/* One of several replicas tells it: as if the map were a key of theirs. */
	strbuf_addf(&key, "%s/%s", map->meta.ns, map->meta.name);
	about.key = key.buf;
	strbuf_addf(&message, "%s: the values before this edit stay in force: %s", COMPONENT, text);
	recorder_event(controller->recorder, &about, true, "ConfigurationRefused", message.buf);
	meters_config_error(controller, map->meta.name);
}

void configs_changed(struct controller *controller, enum cache_id id, const struct object *before,
		     const struct object *after)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	const struct json *was = data_of(before), *is = data_of(after);

	if (before && after && (was == is || (was && is && json_equal(was, is))))
		return;
	if (!set_values(controller, id, is, &err)) {
		/* An absent one is the defaults, which are never refused. */
		CHECK(after);
		tell_refusal(controller, after, error_text(&err));
		return;
	}
	if (!controller->ready || id > CACHE_CONFIG_KEDA)
		return;
	if (!after)
		warn_absent(controller, id);
	log_info("configuration changed", F_STR("configmap", config_map_name(controller, id)));
	route_all_gradually(controller);
}
