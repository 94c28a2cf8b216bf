/*
 * render: manifests in, ScaledObjects out, no cluster needed. Everything is read and rendered
 * before anything is printed, so that standard output is whole or, with wrong usage, empty.
 */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cmd/autoscaler-keda-hpa/commands.h"
#include "cmd/autoscaler-keda-hpa/manifests.h"
#include "pkg/yaml/yaml.h"

#define MAX_FILES 256

enum { EXIT_RENDERED = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2 };

struct render_run {
	struct arena *arena;
	const char *files[MAX_FILES];
	size_t file_count;
	const char *config_dir; /* NULL: defaults */
	bool json, explain;
	enum desired_form form;
	struct configs configs;
	const char *file;     /* at hand, for messages */
	struct json *results; /* ScaledObjects, or explanations of them */
	bool refused;
};

static int usage(FILE *to, int code)
{
	fputs("Usage: " PROGRAM " render -f FILE [-f FILE]... [-o yaml|json] [--explain]\n"
	      "                                  [--config-dir DIR] [--fresh]\n"
	      "\n"
	      "Prints the ScaledObjects that Knative Services, Configurations, Revisions and\n"
	      "PodAutoscalers would get. Needs no cluster.\n"
	      "\n"
	      "  -f, --filename FILE   YAML or JSON, many documents, Lists; - is standard input\n"
	      "  -o, --output FORMAT   yaml (default) or json\n"
	      "      --explain         each field with the annotation, ConfigMap key or default\n"
	      "                        that it comes from\n"
	      "      --config-dir DIR  manifests of the ConfigMaps config-autoscaler and\n"
	      "                        config-autoscaler-keda (*.yaml, *.yml, *.json)\n"
	      "      --fresh           as for a revision that was just made: with the warm hold\n"
	      "  -h, --help            this text\n"
	      "\n"
	      "Exit code: 0 all rendered, 1 something was refused, 2 wrong usage.\n",
	      to);
	return code;
}

/* ---- rendering ---- */

static void complain(struct render_run *run, const struct rendered *rendered, const char *what,
		     const char *text)
{
	fprintf(stderr, "%s: %s/%s: %s%s\n", run->file, rendered->kind, rendered->name, what, text);
}

static struct json *explanation(struct render_run *run, const struct rendered *rendered)
{
	static const char *const members[] = {"namespace", "name"};
	const struct json *metadata = json_get(rendered->object, "metadata");
	struct json *out = json_object(run->arena);

	for (size_t i = 0; i < ARRAY_SIZE(members); i++)
		json_set_text(run->arena, out, members[i],
			      json_text_or(json_get(metadata, members[i]), ""));
	json_set(run->arena, out, "fields",
		 render_explain(rendered, &run->configs.maps, run->form, run->arena));
	return out;
}

static bool render_one(void *ctx, const struct json *manifest)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct render_run *run = ctx;
	struct rendered rendered;

	bool ok = render_manifest(manifest, &run->configs.autoscaler, &run->configs.keda, run->form,
				  run->arena, &rendered, &err);
	if (rendered.warning)
		complain(run, &rendered, "warning: ", rendered.warning);
	if (!ok) {
		complain(run, &rendered, "", error_text(&err));
		run->refused = true;
	} else if (rendered.refused) {
		complain(run, &rendered, "", rendered.refused);
		run->refused = true;
	} else if (rendered.passed_over) {
		complain(run, &rendered, "passed over: ", rendered.passed_over);
	} else {
		json_append(run->arena, run->results,
			    run->explain ? explanation(run, &rendered) : rendered.object);
	}
	return true;
}

static bool render_document(void *ctx, struct json *document, struct error *err UNUSED)
{
	return render_each(document, render_one, ctx);
}

static void tell_defaults(const struct render_run *run, bool there, const char *map)
{
	if (run->config_dir && !there)
		fprintf(stderr, "%s: no ConfigMap %s: defaults are used\n", run->config_dir, map);
}

/* A file that cannot be read is wrong usage; a wrong document is refused. */
static bool render_file(struct render_run *run, const char *path)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;

	run->file = path;
	if (manifests_each(path, run->arena, render_document, run, &err))
		return true;
	fprintf(stderr, "%s: %s\n", path, error_text(&err));
	run->refused = true;
	return err.kind != ERROR_FATAL;
}

/* ---- output ---- */

static void write_yaml(const struct render_run *run, struct strbuf *out)
{
	for (size_t i = 0; i < json_count(run->results); i++) {
		if (i > 0)
			strbuf_addstr(out, "---\n");
		yaml_write(json_at(run->results, i), out);
	}
}

static void write_explanation(const struct json *explained, struct strbuf *out)
{
	const struct json *fields = json_get(explained, "fields");

	strbuf_addf(out, "# ScaledObject %s/%s\n", json_text(json_get(explained, "namespace")),
		    json_text(json_get(explained, "name")));
	for (size_t i = 0; i < json_count(fields); i++) {
		const struct json *field = json_at(fields, i);
		strbuf_addf(out, "%s: ", json_text(json_get(field, "path")));
		json_write(json_get(field, "value"), out);
		strbuf_addf(out, "  # %s\n", json_text(json_get(field, "from")));
	}
}

static void write_explanations(const struct render_run *run, struct strbuf *out)
{
	for (size_t i = 0; i < json_count(run->results); i++) {
		if (i > 0)
			strbuf_addch(out, '\n');
		write_explanation(json_at(run->results, i), out);
	}
}

/* As kubectl: one object is itself, several are a List. */
static struct json *one_or_list(const struct render_run *run)
{
	struct json *list = json_object(run->arena);

	json_set_text(run->arena, list, "apiVersion", "v1");
	json_set_text(run->arena, list, "kind", "List");
	json_set(run->arena, list, "items", run->results);
	return list;
}

static void write_json(const struct render_run *run, struct strbuf *out)
{
	size_t count = json_count(run->results);

	if (run->explain)
		json_write_pretty(run->results, out);
	else if (count > 0)
		json_write_pretty(count == 1 ? json_at(run->results, 0) : one_or_list(run), out);
	if (out->len > 0 && out->buf[out->len - 1] != '\n')
		strbuf_addch(out, '\n');
}

static int print(const struct render_run *run)
{
	CLEANUP(strbuf_release) struct strbuf out = STRBUF_INIT;

	if (run->json)
		write_json(run, &out);
	else if (run->explain)
		write_explanations(run, &out);
	else
		write_yaml(run, &out);
	if (!command_print(&out))
		return EXIT_USAGE;
	return run->refused ? EXIT_REFUSED : EXIT_RENDERED;
}

/* ---- options ---- */

static bool take_file(struct render_run *run, const char *path)
{
	if (run->file_count == MAX_FILES) {
		fprintf(stderr, "render: more than %d files\n", MAX_FILES);
		return false;
	}
	run->files[run->file_count++] = path;
	return true;
}

static bool take_format(struct render_run *run, const char *format)
{
	run->json = strcmp(format, "json") == 0;
	if (run->json || strcmp(format, "yaml") == 0)
		return true;
	fprintf(stderr, "render: output format \"%s\" is neither yaml nor json\n", format);
	return false;
}

static bool take_option(struct render_run *run, int option)
{
	switch (option) {
	case 'f':
		return take_file(run, optarg);
	case 'o':
		return take_format(run, optarg);
	case 'c':
		run->config_dir = optarg;
		return true;
	case 'e':
		run->explain = true;
		return true;
	case 'n':
		run->form = DESIRED_FRESH;
		return true;
	default:
		return false;
	}
}

/* -1: go on; else the exit code. */
static int take_options(struct render_run *run, int argc, char **argv)
{
	static const struct option options[] = {{"filename", required_argument, NULL, 'f'},
						{"output", required_argument, NULL, 'o'},
						{"config-dir", required_argument, NULL, 'c'},
						{"explain", no_argument, NULL, 'e'},
						{"fresh", no_argument, NULL, 'n'},
						{"help", no_argument, NULL, 'h'},
						{NULL, 0, NULL, 0}};
	int option;

	while ((option = getopt_long(argc, argv, "f:o:h", options, NULL)) != -1) {
		if (option == 'h')
			return usage(stdout, EXIT_RENDERED);
		if (!take_option(run, option))
			return usage(stderr, EXIT_USAGE);
	}
	if (run->file_count > 0 && optind == argc)
		return -1;
	fprintf(stderr, "render: %s\n", optind < argc ? "files are named by -f" : "-f is missing");
	return usage(stderr, EXIT_USAGE);
}

static int render(struct render_run *run)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;

	if (!configs_read(run->config_dir, run->arena, &run->configs, &err)) {
		fprintf(stderr, "render: %s\n", error_text(&err));
		return EXIT_USAGE;
	}
	tell_defaults(run, run->configs.has_autoscaler, "config-autoscaler");
	tell_defaults(run, run->configs.has_keda, "config-autoscaler-keda");
	for (size_t i = 0; i < run->file_count; i++)
		if (!render_file(run, run->files[i]))
			return EXIT_USAGE;
	return print(run);
}

int command_render(int argc, char **argv)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	struct render_run run = {
	    .arena = arena, .form = DESIRED_STEADY, .results = json_array(arena)};
	int code = take_options(&run, argc, argv);

	return code >= 0 ? code : render(&run);
}
