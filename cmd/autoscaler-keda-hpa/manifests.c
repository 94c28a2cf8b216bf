/*
 * Documents go from libyaml straight to their reader; texts live in the arena, so that the file's
 * bytes can go at once.
 */
#include "cmd/autoscaler-keda-hpa/manifests.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/yaml/yaml.h"

#define MAX_FILE_BYTES ((size_t)32 << 20)

static const struct json_limits limits = {.max_bytes = MAX_FILE_BYTES, .max_depth = 64};

static bool read_stream(FILE *stream, struct strbuf *out, struct error *err)
{
	char buffer[65536];
	size_t got;

	while ((got = fread(buffer, 1, sizeof(buffer), stream)) > 0) {
		strbuf_add(out, buffer, got);
		if (out->len > MAX_FILE_BYTES)
			return error_set(err, ERROR_INVALID, "is larger than 32 MiB");
	}
	if (ferror(stream))
		return error_set(err, ERROR_FATAL, "%s", strerror(errno));
	return true;
}

static bool read_file(const char *path, struct strbuf *out, struct error *err)
{
	if (strcmp(path, "-") == 0)
		return read_stream(stdin, out, err);
	FILE *stream = fopen(path, "rb");
	if (!stream)
		return error_set(err, ERROR_FATAL, "%s", strerror(errno));
	bool ok = read_stream(stream, out, err);
	fclose(stream);
	return ok;
}

bool manifests_each(const char *path, struct arena *arena,
		    bool (*each)(void *ctx, struct json *document, struct error *err), void *ctx,
		    struct error *err)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;

	return read_file(path, &text, err) &&
	       yaml_parse_all(text.buf, text.len, &limits, arena, each, ctx, err);
}

static bool take_config_map(void *ctx, struct json *document, struct error *err)
{
	struct configs *configs = ctx;
	const char *kind = json_text_or(json_get(document, "kind"), "");
	const char *name = json_text_or(json_path(document, "metadata", "name", NULL), "");
	const struct json *data = json_get(document, "data");

	if (strcmp(kind, "ConfigMap") != 0)
		return true;
	if (strcmp(name, "config-autoscaler") == 0) {
		configs->has_autoscaler = true;
		configs->maps.autoscaler = data;
		return config_autoscaler_parse(data, &configs->autoscaler, err) ||
		       error_wrap(err, "%s", name);
	}
	if (strcmp(name, "config-autoscaler-keda") == 0) {
		configs->has_keda = true;
		configs->maps.keda = data;
		return config_keda_parse(data, configs->arena, &configs->keda, err) ||
		       error_wrap(err, "%s", name);
	}
	return true;
}

static int is_manifest(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot &&
	       (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0 || strcmp(dot, ".json") == 0);
}

static bool read_directory(const char *directory, struct configs *configs, struct error *err)
{
	struct dirent **entries = NULL;
	bool ok = true;
	int count = scandir(directory, &entries, is_manifest, alphasort);

	if (count < 0)
		return error_set(err, ERROR_FATAL, "%s: %s", directory, strerror(errno));
	for (int i = 0; i < count; i++) {
		char *path = arena_printf(configs->arena, "%s/%s", directory, entries[i]->d_name);
		if (ok && !manifests_each(path, configs->arena, take_config_map, configs, err))
			ok = error_wrap(err, "%s", path);
		free(entries[i]);
	}
	free(entries);
	return ok;
}

bool configs_read(const char *directory, struct arena *arena, struct configs *out,
		  struct error *err)
{
	*out = (struct configs){
	    .arena = arena, .autoscaler = config_autoscaler_default, .keda = config_keda_default};
	return !directory || read_directory(directory, out, err);
}
