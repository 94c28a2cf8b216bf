/*
 * render: manifests in, ScaledObjects out, no cluster needed. Everything is read and rendered
 * before anything is printed, so that standard output is whole or, with wrong usage, empty.
 */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/autoscaler-keda-hpa/commands.h"
#include "pkg/yaml/yaml.h"
#include "reconciler/hpa/render.h"

#define MAX_FILE_BYTES ((size_t)32 << 20)
#define MAX_FILES 256

enum { EXIT_RENDERED = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2 };

static const struct json_limits limits = {.max_bytes = MAX_FILE_BYTES, .max_depth = 64};

struct render_run {
	struct arena *arena;
	const char *files[MAX_FILES];
	size_t file_count;
	const char *config_dir; /* NULL: defaults */
	bool json;
	enum desired_form form;
	struct config_autoscaler config;
	struct config_keda config_keda;
	const char *file;     /* at hand, for messages */
	struct json *objects; /* rendered so far, a list */
	bool refused;
};

static int usage(FILE *to, int code)
{
	fputs("Usage: " PROGRAM " render -f FILE [-f FILE]... [-o yaml|json]\n"
	      "                                  [--config-dir DIR] [--fresh]\n"
	      "Prints the ScaledObjects that PodAutoscalers and Knative Services would get.\n"
	      "  -f, --filename FILE   YAML or JSON, many documents, Lists; - is standard input\n"
	      "  -o, --output FORMAT   yaml (default) or json\n"
	      "      --config-dir DIR  manifests of the ConfigMaps config-autoscaler and\n"
	      "                        config-autoscaler-keda (*.yaml, *.yml, *.json)\n"
	      "      --fresh           as for a revision that was just made: with the warm hold\n"
	      "  -h, --help            this text\n"
	      "Exit code: 0 all rendered, 1 something was refused, 2 wrong usage.\n",
	      to);
	return code;
}

/* ---- files ---- */

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

/* ERROR_FATAL: the file cannot be read. */
static bool each_document(struct render_run *run, const char *path,
			  bool (*each)(void *ctx, struct json *document, struct error *err),
			  struct error *err)
{
	CLEANUP(strbuf_release) struct strbuf text = STRBUF_INIT;

	run->file = path;
	return read_file(path, &text, err) &&
	       yaml_parse_all(text.buf, text.len, &limits, run->arena, each, run, err);
}

/* ---- configuration ---- */

static bool take_config_map(void *ctx, struct json *document, struct error *err)
{
	struct render_run *run = ctx;
	const char *kind = json_text_or(json_get(document, "kind"), "");
	const char *name = json_text_or(json_path(document, "metadata", "name", NULL), "");
	const struct json *data = json_get(document, "data");

	if (strcmp(kind, "ConfigMap") != 0)
		return true;
	if (strcmp(name, "config-autoscaler") == 0)
		return config_autoscaler_parse(data, &run->config, err) ||
		       error_wrap(err, "%s", name);
	if (strcmp(name, "config-autoscaler-keda") == 0)
		return config_keda_parse(data, run->arena, &run->config_keda, err) ||
		       error_wrap(err, "%s", name);
	return true;
}

static int is_manifest(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot &&
	       (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0 || strcmp(dot, ".json") == 0);
}

static bool read_configs(struct render_run *run, struct error *err)
{
	struct dirent **entries = NULL;
	bool ok = true;

	if (!run->config_dir)
		return true;
	int count = scandir(run->config_dir, &entries, is_manifest, alphasort);
	if (count < 0)
		return error_set(err, ERROR_FATAL, "%s: %s", run->config_dir, strerror(errno));
	for (int i = 0; i < count; i++) {
		char *path = arena_printf(run->arena, "%s/%s", run->config_dir, entries[i]->d_name);
		if (ok && !each_document(run, path, take_config_map, err))
			ok = error_wrap(err, "%s", path);
		free(entries[i]);
	}
	free(entries);
	return ok;
}

/* ---- rendering ---- */

static void complain(struct render_run *run, const struct rendered *rendered, const char *what,
		     const char *text)
{
	fprintf(stderr, "%s: %s/%s: %s%s\n", run->file, rendered->kind, rendered->name, what, text);
}

static bool render_one(void *ctx, const struct json *manifest)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct render_run *run = ctx;
	struct rendered rendered;

	if (!render_manifest(manifest, &run->config, &run->config_keda, run->form, run->arena,
			     &rendered, &err)) {
		complain(run, &rendered, "", error_text(&err));
		run->refused = true;
	} else if (rendered.refused) {
		complain(run, &rendered, "", rendered.refused);
		run->refused = true;
	} else if (rendered.passed_over) {
		complain(run, &rendered, "passed over: ", rendered.passed_over);
	} else {
		json_append(run->arena, run->objects, rendered.object);
	}
	return true;
}

static bool render_document(void *ctx, struct json *document, struct error *err UNUSED)
{
	return render_each(document, render_one, ctx);
}

static bool render_file(struct render_run *run, const char *path)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;

	if (each_document(run, path, render_document, &err))
		return true;
	fprintf(stderr, "%s: %s\n", path, error_text(&err));
	run->refused = true;
	return err.kind != ERROR_FATAL;
}

/* ---- output ---- */

static void write_yaml(const struct render_run *run, struct strbuf *out)
{
	for (size_t i = 0; i < json_count(run->objects); i++) {
		if (i > 0)
			strbuf_addstr(out, "---\n");
		yaml_write(json_at(run->objects, i), out);
	}
}

/* As kubectl: one object is itself, several are a List. */
static void write_json(const struct render_run *run, struct strbuf *out)
{
	struct json *list = json_object(run->arena);

	if (json_count(run->objects) == 0)
		return;
	json_set_text(run->arena, list, "apiVersion", "v1");
	json_set_text(run->arena, list, "kind", "List");
	json_set(run->arena, list, "items", run->objects);
	json_write_pretty(json_count(run->objects) == 1 ? json_at(run->objects, 0) : list, out);
	if (out->buf[out->len - 1] != '\n')
		strbuf_addch(out, '\n');
}

static int print(const struct render_run *run)
{
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;

	if (run->json)
		write_json(run, &out);
	else
		write_yaml(run, &out);
	if (fwrite(out.buf, 1, out.len, stdout) != out.len || fflush(stdout) != 0) {
		perror("standard output");
		return EXIT_USAGE;
	}
	return run->refused ? EXIT_REFUSED : EXIT_RENDERED;
}

/* ---- options ---- */

static bool take_format(struct render_run *run, const char *format)
{
	run->json = strcmp(format, "json") == 0;
	if (run->json || strcmp(format, "yaml") == 0)
		return true;
	fprintf(stderr, "render: output format \"%s\" is neither yaml nor json\n", format);
	return false;
}

static bool take_file(struct render_run *run, const char *path)
{
	if (run->file_count == MAX_FILES) {
		fprintf(stderr, "render: more than %d files\n", MAX_FILES);
		return false;
	}
	run->files[run->file_count++] = path;
	return true;
}

/* -1: go on; else the exit code. */
static int take_options(struct render_run *run, int argc, char **argv)
{
	static const struct option options[] = {{"filename", required_argument, NULL, 'f'},
						{"output", required_argument, NULL, 'o'},
						{"config-dir", required_argument, NULL, 'c'},
						{"fresh", no_argument, NULL, 'n'},
						{"help", no_argument, NULL, 'h'},
						{NULL, 0, NULL, 0}};
	int option;
	bool ok = true;

	optind = 0; /* main may have read options of its own */
	while (ok && (option = getopt_long(argc, argv, "f:o:h", options, NULL)) != -1) {
		if (option == 'h')
			return usage(stdout, EXIT_RENDERED);
		if (option == 'f')
			ok = take_file(run, optarg);
		else if (option == 'o')
			ok = take_format(run, optarg);
		else if (option == 'c')
			run->config_dir = optarg;
		else if (option == 'n')
			run->form = DESIRED_FRESH;
		else
			ok = false;
	}
	if (ok && (run->file_count == 0 || optind < argc))
		fprintf(stderr, "render: %s\n",
			optind < argc ? "files are named by -f" : "-f is missing");
	else if (ok)
		return -1;
	return usage(stderr, EXIT_USAGE);
}

static int render(struct render_run *run)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;

	if (!read_configs(run, &err)) {
		fprintf(stderr, "render: %s\n", error_text(&err));
		return EXIT_USAGE;
	}
	for (size_t i = 0; i < run->file_count; i++)
		if (!render_file(run, run->files[i]))
			return EXIT_USAGE;
	return print(run);
}

int command_render(int argc, char **argv)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct render_run run = {.arena = arena,
				 .form = DESIRED_STEADY,
				 .config = config_autoscaler_default,
				 .config_keda = config_keda_default,
				 .objects = json_array(arena)};
	int code = take_options(&run, argc, argv);

	return code >= 0 ? code : render(&run);
}
