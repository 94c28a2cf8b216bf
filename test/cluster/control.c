/*
 * /devcluster/...: what a test or the demo changes in the world from outside. One row a command;
 * a parameter that a command does not know is refused by name, so that a typo never passes for a
 * setting.
 */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "pkg/base/check.h"
#include "pkg/units/duration.h"
#include "test/cluster/devcluster.h"

#define PARAMETERS_MAX 8

struct parameter {
	const char *key, *value;
};

struct command {
	const char *method, *path;
	const char *required, *optional; /* " a b " */
	bool (*run)(struct devcluster *cluster, const struct parameter *given, struct strbuf *out,
		    struct error *err);
};

static const char *value_of(const struct parameter *given, const char *key)
{
	for (; given->key; given++)
		if (strcmp(given->key, key) == 0)
			return given->value;
	return NULL;
}

static bool bad(struct error *err, const char *key, const char *value, const char *wanted)
{
	return error_set(err, ERROR_INVALID, "%s: \"%s\" is no %s", key, value, wanted);
}

/* ---- values; what is absent leaves *out as it is ---- */

static bool read_number(const struct parameter *given, const char *key, double *out,
			struct error *err)
{
	const char *text = value_of(given, key);
	char *end = NULL;
	if (!text)
		return true;
	*out = strtod(text, &end);
	return (text[0] && !*end) || bad(err, key, text, "number");
}

static bool read_integer(const struct parameter *given, const char *key, int64_t *out,
			 struct error *err)
{
	const char *text = value_of(given, key);
	char *end = NULL;
	if (!text)
		return true;
	errno = 0;
	*out = strtoll(text, &end, 10);
	return (text[0] && !*end && !errno && *out >= 0) || bad(err, key, text, "whole number");
}

static bool read_bool(const struct parameter *given, const char *key, bool *out, struct error *err)
{
	const char *text = value_of(given, key);
	if (!text)
		return true;
	*out = strcmp(text, "true") == 0;
	return *out || strcmp(text, "false") == 0 || bad(err, key, text, "boolean");
}

/* ---- commands ---- */

static bool set_metric(struct devcluster *cluster, const struct parameter *given,
		       struct strbuf *out UNUSED, struct error *err)
{
	double value = 0;
	const char *name = value_of(given, "name");
	if (!read_number(given, "value", &value, err))
		return false;
	if (name)
		model_set_series(cluster->model, value_of(given, "namespace"), name, value);
	else
		model_set_metric(cluster->model, value_of(given, "namespace"), value);
	return true;
}

static bool set_usage(struct devcluster *cluster, const struct parameter *given,
		      struct strbuf *out UNUSED, struct error *err)
{
	double value = 0;
	if (!read_number(given, "value", &value, err))
		return false;
	model_set_usage(cluster->model, value_of(given, "namespace"), value);
	return true;
}

static bool set_pods(struct devcluster *cluster, const struct parameter *given,
		     struct strbuf *out UNUSED, struct error *err)
{
	const char *text = value_of(given, "startAfter");
	int64_t ns = -1;
	if (strcmp(text, "never") != 0 && (!duration_parse(text, &ns) || ns < 0))
		return bad(err, "startAfter", text, "duration, nor \"never\"");
	model_pods_start_after(cluster->model, ns < 0 ? -1 : ns / 1000000);
	return true;
}

static bool set_keda(struct devcluster *cluster, const struct parameter *given,
		     struct strbuf *out UNUSED, struct error *err)
{
	struct switches *now = &cluster->switches;
	if (!read_bool(given, "installed", &now->keda_installed, err) ||
	    !read_bool(given, "running", &now->keda_running, err))
		return false;
	model_keda_installed(cluster->model, now->keda_installed);
	model_keda_running(cluster->model, now->keda_running);
	return true;
}

static bool set_knative(struct devcluster *cluster, const struct parameter *given,
			struct strbuf *out UNUSED, struct error *err)
{
	if (!read_bool(given, "running", &cluster->switches.knative_running, err))
		return false;
	model_knative_running(cluster->model, cluster->switches.knative_running);
	return true;
}

static bool set_hpa(struct devcluster *cluster, const struct parameter *given,
		    struct strbuf *out UNUSED, struct error *err)
{
	if (!read_bool(given, "running", &cluster->switches.hpa_running, err))
		return false;
	model_hpa_running(cluster->model, cluster->switches.hpa_running);
	return true;
}

static bool compact(struct devcluster *cluster, const struct parameter *given UNUSED,
		    struct strbuf *out UNUSED, struct error *err UNUSED)
{
	model_compact(cluster->model);
	return true;
}

static bool add_fault(struct devcluster *cluster, const struct parameter *given,
		      struct strbuf *out UNUSED, struct error *err)
{
	struct fault_point point = {0};
	int64_t after = 0, count = 1;
	if (!read_integer(given, "value", &point.value, err) ||
	    !read_integer(given, "retryAfter", &point.retry_after_s, err) ||
	    !read_integer(given, "after", &after, err) ||
	    !read_integer(given, "count", &count, err))
		return false;
	point.after = (uint64_t)after;
	point.count = (uint64_t)count;
	return faults_add(&cluster->faults, value_of(given, "kind"), value_of(given, "match"),
			  &point, err);
}

static bool clear_faults(struct devcluster *cluster, const struct parameter *given UNUSED,
			 struct strbuf *out UNUSED, struct error *err UNUSED)
{
	faults_clear(&cluster->faults);
	return true;
}

static void write_counts(struct model *model, struct strbuf *out)
{
	static const char *const plurals[] = {"services.serving",
					      "configurations",
					      "revisions",
					      "podautoscalers",
					      "serverlessservices",
					      "scaledobjects",
					      "deployments",
					      "horizontalpodautoscalers",
					      "events",
					      "configmaps",
					      "leases",
					      "namespaces"};
	for (size_t i = 0; i < ARRAY_SIZE(plurals); i++)
		strbuf_addf(out, "%s\"%s\":%zu", i ? "," : "", plurals[i],
			    model_count(model, plurals[i]));
}

static bool show_state(struct devcluster *cluster, const struct parameter *given UNUSED,
		       struct strbuf *out, struct error *err UNUSED)
{
	const struct switches *now = &cluster->switches;
	strbuf_addf(out,
		    "{\"resourceVersion\":\"%" PRIu64 "\",\"requests\":%" PRIu64 ",\"watches\":%zu,"
		    "\"kedaInstalled\":%s,\"kedaRunning\":%s,\"knativeRunning\":%s,"
		    "\"hpaRunning\":%s,\"objects\":{",
		    model_version(cluster->model), cluster->requests,
		    server_streams(cluster->server), now->keda_installed ? "true" : "false",
		    now->keda_running ? "true" : "false", now->knative_running ? "true" : "false",
		    now->hpa_running ? "true" : "false");
	write_counts(cluster->model, out);
	strbuf_addstr(out, "},\"faults\":");
	faults_write(&cluster->faults, out);
	strbuf_addstr(out, "}\n");
	return true;
}

static const struct command commands[] = {
    {"GET", "state", " ", " ", show_state},
    {"POST", "metric", " namespace value ", " name ", set_metric},
    {"POST", "usage", " namespace value ", " ", set_usage},
    {"POST", "pods", " startAfter ", " ", set_pods},
    {"POST", "keda", " ", " installed running ", set_keda},
    {"POST", "knative", " running ", " ", set_knative},
    {"POST", "hpa", " running ", " ", set_hpa},
    {"POST", "compact", " ", " ", compact},
    {"POST", "fault", " match kind ", " value retryAfter after count ", add_fault},
    {"DELETE", "faults", " ", " ", clear_faults},
};

/* ---- requests ---- */

static int hex_digit(char c)
{
	const char *at = c ? strchr("0123456789abcdef0123456789ABCDEF", c) : NULL;
	return at ? (int)(at - "0123456789abcdef0123456789ABCDEF") % 16 : -1;
}

/* In place; "+" is a blank, as in forms. */
static void decode(char *text)
{
	char *out = text;
	for (; *text; text++) {
		int high = *text == '%' ? hex_digit(text[1]) : -1;
		int low = high >= 0 ? hex_digit(text[2]) : -1;
		if (low >= 0) {
			*out++ = (char)(high * 16 + low);
			text += 2;
		} else {
			*out++ = *text == '+' ? ' ' : *text;
		}
	}
	*out = '\0';
}

/* given ends with a NULL key. */
static bool read_query(char *query, struct parameter *given, struct error *err)
{
	size_t count = 0;
	for (char *pair; (pair = strsep(&query, "&"));) {
		if (!*pair)
			continue;
		if (count == PARAMETERS_MAX)
			return error_set(err, ERROR_INVALID, "more than %d parameters",
					 PARAMETERS_MAX);
		char *value = strchrnul(pair, '=');
		if (*value)
			*value++ = '\0';
		decode(pair);
		decode(value);
		given[count++] = (struct parameter){pair, value};
	}
	given[count].key = NULL;
	return true;
}

static bool word_in(const char *words, const char *word)
{
	CLEANUP(strbuf_release) struct strbuf whole = STRBUF_INIT;
	strbuf_addf(&whole, " %s ", word);
	return word[0] && !strchr(word, ' ') && strstr(words, whole.buf);
}

static bool check(const struct command *command, const struct parameter *given, struct error *err)
{
	for (const struct parameter *one = given; one->key; one++)
		if (!word_in(command->required, one->key) && !word_in(command->optional, one->key))
			return error_set(err, ERROR_INVALID, "%s: there is no such parameter",
					 one->key);
	CLEANUP(strbuf_release) struct strbuf words = STRBUF_INIT;
	strbuf_addstr(&words, command->required);
	char *rest = words.buf;
	for (char *word; (word = strsep(&rest, " "));)
		if (*word && !value_of(given, word))
			return error_set(err, ERROR_INVALID, "%s: this parameter is missing", word);
	return true;
}

static const struct command *find_command(const char *method, const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(commands[i].method, method) == 0 && strcmp(commands[i].path, path) == 0)
			return &commands[i];
	return NULL;
}

void control_handle(struct devcluster *cluster, const char *method, const char *path,
		    struct model_answer *answer)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	CLEANUP(strbuf_release) struct strbuf copy = STRBUF_INIT;
	struct parameter given[PARAMETERS_MAX + 1];
	strbuf_addstr(&copy, path);
	char *query = copy.buf;
	const char *name = strsep(&query, "?");
	const struct command *command = find_command(method, name);
	bool ok = command && read_query(query, given, &err) && check(command, given, &err) &&
		  command->run(cluster, given, &answer->body, &err);
	answer->status = ok ? 200 : command ? 400 : 404;
	if (!command)
		model_status_body(404, "devcluster has no such command", &answer->body);
	else if (!ok)
		model_status_body(400, error_text(&err), &answer->body);
	else if (!answer->body.len)
		strbuf_addstr(&answer->body, "{}\n");
}
