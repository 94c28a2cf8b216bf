/*
 * The files of a kubeconfig, in their order. Invariant: each file's root is an object; nothing is
 * merged by copying, a look-up goes through them and the first that has the name answers.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pkg/kube/config_internal.h"
#include "pkg/yaml/yaml.h"

#define FILE_MAX ((size_t)1 << 20)

static void close_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

bool config_read(const char *path, struct strbuf *out, struct error *err)
{
	CLEANUP(close_file) FILE *file = fopen(path, "re");
	char chunk[8192];

	if (!file)
		return error_set(err, ERROR_FATAL, "%s", strerror(errno));
	for (size_t n; (n = fread(chunk, 1, sizeof(chunk), file)) > 0;) {
		strbuf_add(out, chunk, n);
		if (out->len > FILE_MAX)
			return error_set(err, ERROR_FATAL, "larger than 1 MiB");
	}
	if (ferror(file))
		return error_set(err, ERROR_FATAL, "%s", strerror(errno));
	return true;
}

static bool parse(const struct strbuf *text, struct arena *arena, const struct json **out,
		  struct error *err)
{
	static const struct json_limits limits = {.max_bytes = FILE_MAX};
	struct json *root;

	/* An empty file is an empty configuration, to clientcmd too. */
	if (text->len == 0) {
		*out = json_object(arena);
		return true;
	}
	if (!yaml_parse(text->buf, text->len, &limits, arena, &root, err)) {
		err->kind = ERROR_FATAL;
		return false;
	}
	if (!json_is(root, JSON_OBJECT))
		return error_set(err, ERROR_FATAL, "it is no kubeconfig");
	*out = root;
	return true;
}

bool config_files_add(struct config_files *files, const char *path, struct arena *arena,
		      struct error *err)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;
	CLEANUP(error_clear) struct error why = ERROR_INIT;
	const char *slash = strrchr(path, '/');
	struct config_file *file = &files->files[files->count];

	if (files->count == CONFIG_FILES_MAX)
		return error_set(err, ERROR_FATAL, "KUBECONFIG names more than %d files",
				 CONFIG_FILES_MAX);
	file->path = arena_strdup(arena, path);
	file->folder = slash ? arena_strndup(arena, path, (size_t)(slash - path)) : ".";
	if (config_read(path, &text, &why) && parse(&text, arena, &file->root, &why)) {
		files->count++;
		return true;
	}
	error_wrap(&why, "kubeconfig %s", path);
	if (err)
		error_take(err, &why);
	return false;
}

static bool is_missing(const char *path)
{
	return access(path, F_OK) != 0 && (errno == ENOENT || errno == ENOTDIR);
}

bool config_files_add_list(struct config_files *files, const char *paths, struct arena *arena,
			   struct error *err)
{
	while (*paths) {
		size_t length = strcspn(paths, ":");
		const char *path = arena_strndup(arena, paths, length);

		if (length > 0 && !is_missing(path) && !config_files_add(files, path, arena, err))
			return false;
		paths += length + (paths[length] == ':');
	}
	return true;
}

static const struct json *named(const struct json *items, const char *name)
{
	for (size_t i = 0; json_is(items, JSON_ARRAY) && i < json_count(items); i++)
		if (strcmp(json_text_or(json_get(json_at(items, i), "name"), ""), name) == 0)
			return json_at(items, i);
	return NULL;
}

bool config_files_find(const struct config_files *files, const char *list, const char *kind,
		       const char *name, struct config_entry *out, struct error *err)
{
	*out = (struct config_entry){0};
	for (size_t i = 0; i < files->count; i++) {
		const struct config_file *file = &files->files[i];
		const struct json *item = named(json_get(file->root, list), name);

		if (!item)
			continue;
		if (!json_is(json_get(item, kind), JSON_OBJECT))
			return error_set(err, ERROR_FATAL,
					 "kubeconfig %s: %s \"%s\": %s is no object", file->path,
					 kind, name, kind);
		*out = (struct config_entry){json_get(item, kind), file, name};
		return true;
	}
	return true;
}

const char *config_files_current(const struct config_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		const char *name =
		    json_text_or(json_get(files->files[i].root, "current-context"), "");

		if (name[0])
			return name;
	}
	return NULL;
}
