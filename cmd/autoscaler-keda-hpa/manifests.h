/*
 * Reading manifests for render: files, standard input, the directory with ConfigMaps. Everything is
 * bounded: 32 MiB a file, 64 levels.
 */
#ifndef CMD_MANIFESTS_H
#define CMD_MANIFESTS_H

#include "reconciler/hpa/render_explain.h"

/* Each document of a YAML or JSON file ("-": standard input). ERROR_FATAL: it cannot be read;
 * ERROR_INVALID: what it holds is wrong, the documents before that were handed out. */
MUST_CHECK bool manifests_each(const char *path, struct arena *arena,
			       bool (*each)(void *ctx, struct json *document, struct error *err),
			       void *ctx, struct error *err);

/* Both forms of the configuration: parsed, and as it was written. */
struct configs {
	struct arena *arena;
	struct config_autoscaler autoscaler;
	struct config_keda keda;
	struct render_maps maps;
	bool has_autoscaler, has_keda; /* the ConfigMap was there */
};

/* Defaults, and over them the ConfigMaps config-autoscaler and config-autoscaler-keda among the
 * manifests (*.yaml, *.yml, *.json) of a directory; NULL: defaults alone. */
MUST_CHECK bool configs_read(const char *directory, struct arena *arena, struct configs *out,
			     struct error *err);

#endif
