/*
 * Reads annotations by their rows: one reader a type. A value that is refused stops the reading;
 * which one that is depends on the table alone, never on the order of the annotations.
 */
#include "reconciler/hpa/annotations.h"

#include <string.h>

#include "pkg/base/check.h"
#include "pkg/base/utf8.h"
#include "pkg/units/duration.h"
#include "pkg/units/parse.h"
#include "pkg/yaml/yaml.h"
#include "reconciler/hpa/variables.h"

#define NANOSECONDS INT64_C(1000000000)

static const struct json_limits limits = {.max_bytes = ANNOTATION_MAX_BYTES, .max_depth = 32};

struct reading {
	const struct pod_autoscaler *pa;
	const struct annotation_row *row;
	struct arena *arena;
	struct annotation_value *value;
	struct refusal *refusal;
};

static bool wrong(const struct reading *r, const char *what)
{
	return refuse(r->refusal, r->arena, r->value->key, r->row->secret ? NULL : r->value->text,
		      "%s; use %s, for example %s", what, r->row->right, r->row->example);
}

static int64_t bound(const char *text, int64_t otherwise)
{
	int32_t value;

	if (!text)
		return otherwise;
	CHECK(parse_int32(text, &value));
	return value;
}

static bool check_range(const struct reading *r)
{
	if (r->value->number < bound(r->row->low, INT32_MIN))
		return wrong(r, "is too small");
	if (r->value->number > bound(r->row->high, INT32_MAX))
		return wrong(r, "is too large");
	return true;
}

static bool is_utf8(const char *text)
{
	size_t length = strlen(text);

	return utf8_valid_prefix(text, length) == length;
}

#define NO_UTF8 "holds a NUL, or a byte that is no UTF-8"

/* What goes into the ScaledObject as it is; parsers of the other types refuse such bytes. */
static bool check_utf8(const struct reading *r)
{
	return is_utf8(r->value->text) ? true : wrong(r, NO_UTF8);
}

static bool read_text(const struct reading *r)
{
	return r->value->text[0] ? check_utf8(r) : wrong(r, "is empty");
}

static bool read_int32(const struct reading *r)
{
	int32_t value;

	if (!parse_int32(r->value->text, &value))
		return wrong(r, "is not a whole number of 32 bits");
	r->value->number = value;
	return check_range(r);
}

static bool read_decimal(const struct reading *r)
{
	struct decimal low;

	if (!decimal_parse(r->value->text, &r->value->decimal))
		return wrong(r, "is not a decimal number");
	CHECK(decimal_parse(r->row->low, &low));
	if (decimal_compare(&r->value->decimal, &low) < 0)
		return wrong(r, "is too small");
	return true;
}

static bool read_bool(const struct reading *r)
{
	bool value;

	if (!parse_bool(r->value->text, &value))
		return wrong(r, "is neither true nor false");
	r->value->number = value;
	return true;
}

static bool read_duration(const struct reading *r)
{
	int64_t nanoseconds;

	if (!duration_parse(r->value->text, &nanoseconds))
		return wrong(r, "is not a duration");
	if (nanoseconds % NANOSECONDS != 0)
		return wrong(r, "is not a whole number of seconds");
	r->value->number = nanoseconds / NANOSECONDS;
	return check_range(r);
}

static bool read_seconds(const struct reading *r)
{
	int32_t seconds;

	if (!parse_int32(r->value->text, &seconds))
		return read_duration(r);
	r->value->number = seconds;
	return check_range(r);
}

static bool read_choice(const struct reading *r)
{
	for (const char *const *choice = r->row->choices; *choice; choice++)
		if (strcmp(*choice, r->value->text) == 0)
			return true;
	return wrong(r, "is not known");
}

static bool read_template(const struct reading *r)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	char *expanded;

	if (!read_text(r))
		return false;
	if (!variables_expand(r->pa, r->value->text, r->arena, &expanded, &err))
		return refuse(r->refusal, r->arena, r->value->key, r->value->text,
			      "does not expand: %s", error_text(&err));
	r->value->text = expanded;
	return true;
}

static bool read_url(const struct reading *r)
{
	if (!parse_http_url(r->value->text))
		return wrong(r, "is not a URL that can be asked");
	return check_utf8(r);
}

/* The parse error says where, an example what would be right. */
static bool wrong_text(const struct reading *r, const struct error *err)
{
	return refuse(r->refusal, r->arena, r->value->key, NULL, "%s; use %s, for example %s",
		      error_text(err), r->row->right, r->row->example);
}

static bool check_type(const struct reading *r, enum json_type type)
{
	if (r->value->json->type == type)
		return true;
	return refuse_at(r->refusal, r->arena, r->value->key, r->value->json,
			 "is no %s; use %s, for example %s", type == JSON_ARRAY ? "list" : "object",
			 r->row->right, r->row->example);
}

static bool read_json(const struct reading *r, enum json_type type)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	const char *text = r->value->text;

	if (!json_parse(text, strlen(text), &limits, r->arena, &r->value->json, &err))
		return wrong_text(r, &err);
	return check_type(r, type);
}

static bool read_json_object(const struct reading *r)
{
	return read_json(r, JSON_OBJECT);
}

static bool read_json_list(const struct reading *r)
{
	return read_json(r, JSON_ARRAY);
}

static bool read_yaml_list(const struct reading *r)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	const char *text = r->value->text;

	if (!yaml_parse(text, strlen(text), &limits, r->arena, &r->value->json, &err))
		return wrong_text(r, &err);
	return check_type(r, JSON_ARRAY);
}

static bool (*const readers[])(const struct reading *r) = {
    [ANNOTATION_TEXT] = read_text,
    [ANNOTATION_INT32] = read_int32,
    [ANNOTATION_DECIMAL] = read_decimal,
    [ANNOTATION_BOOL] = read_bool,
    [ANNOTATION_DURATION] = read_duration,
    [ANNOTATION_SECONDS] = read_seconds,
    [ANNOTATION_CHOICE] = read_choice,
    [ANNOTATION_TEMPLATE] = read_template,
    [ANNOTATION_URL] = read_url,
    [ANNOTATION_JSON_OBJECT] = read_json_object,
    [ANNOTATION_JSON_LIST] = read_json_list,
    [ANNOTATION_YAML_LIST] = read_yaml_list,
};

static const char *find(const struct pod_autoscaler *pa, const struct annotation_row *row,
			const char **key)
{
	const char *text = meta_pair_get(&pa->annotations, row->name);

	*key = row->name;
	for (const char *const *alias = row->aliases; !text && *alias; alias++) {
		text = meta_pair_get(&pa->annotations, *alias);
		*key = *alias;
	}
	return text;
}

/* A row that is not annotated leaves its value empty. */
static bool read_row(const struct pod_autoscaler *pa, const struct annotation_row *row,
		     struct arena *arena, struct annotations *out, struct refusal *refusal)
{
	struct annotation_value *value = &out->values[row->id];
	struct reading r = {pa, row, arena, value, refusal};

	value->text = find(pa, row, &value->key);
	if (!value->text) {
		value->key = NULL;
		return true;
	}
	value->row = row;
	if (strnlen(value->text, ANNOTATION_MAX_BYTES + 1) > ANNOTATION_MAX_BYTES)
		return wrong(&r, "is longer than 256 KiB");
	return readers[row->type](&r) && (!row->check || row->check(value, arena, refusal));
}

static const struct annotation_row *row_of(enum annotation_id id)
{
	size_t count;
	const struct annotation_row *rows = annotation_rows(&count);

	for (size_t i = 0; i < count; i++)
		if (rows[i].id == id)
			return &rows[i];
	check_failed(__FILE__, __LINE__, "every id has a row");
}

enum metric_kinds annotation_kind_of(const char *metric)
{
	if (strcmp(metric, "cpu") == 0)
		return METRIC_CPU;
	if (strcmp(metric, "memory") == 0)
		return METRIC_MEMORY;
	return strcmp(metric, "concurrency") == 0 || strcmp(metric, "rps") == 0 ? METRIC_HTTP
										: METRIC_CUSTOM;
}

static bool is_read(const struct annotation_row *row, const struct annotations *set,
		    bool overridden)
{
	if (row->basic)
		return true;
	if (!set->auto_create || (overridden && !row->beside_override))
		return false;
	return row->kinds != METRIC_HTTP || set->kind == METRIC_HTTP;
}

bool annotation_is_keda(const char *key)
{
	static const char *const prefixes[] = {"autoscaling.keda.sh/", "scaledobject.keda.sh/",
					       "validations.keda.sh/"};

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (strncmp(key, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

/* They go to the ScaledObject unread, which would never equal what the API server made of them. */
static bool check_keda_annotations(const struct pod_autoscaler *pa, struct arena *arena,
				   struct refusal *refusal)
{
	for (size_t i = 0; i < pa->annotations.count; i++) {
		const struct meta_pair *pair = &pa->annotations.items[i];

		if (annotation_is_keda(pair->key) && !is_utf8(pair->value))
			return refuse(refusal, arena, pair->key, pair->value, NO_UTF8);
	}
	return true;
}

bool annotations_parse(const struct pod_autoscaler *pa, const struct config_keda *config,
		       struct arena *arena, struct annotations *out, struct refusal *refusal)
{
	size_t count;
	const struct annotation_row *rows = annotation_rows(&count);
	const struct annotation_value *auto_create = &out->values[A_AUTO_CREATE];
	const char *key;

	memset(out, 0, sizeof(*out));
	memset(refusal, 0, sizeof(*refusal));
	if (!read_row(pa, row_of(A_AUTO_CREATE), arena, out, refusal))
		return false;
	out->kind = METRIC_CPU;
	out->auto_create = auto_create->row ? auto_create->number != 0 : config->auto_create;
	bool overridden = out->auto_create && find(pa, row_of(A_OVERRIDE), &key);
	for (size_t i = 0; i < count; i++) {
		if (!is_read(&rows[i], out, overridden))
			continue;
		if (!read_row(pa, &rows[i], arena, out, refusal))
			return false;
		/* It comes early in the table: rows behind it depend on it. */
		if (rows[i].id == A_METRIC && out->values[A_METRIC].row)
			out->kind = annotation_kind_of(out->values[A_METRIC].text);
	}
	return !out->auto_create || check_keda_annotations(pa, arena, refusal);
}

const struct annotation_value *annotation_get(const struct annotations *set, enum annotation_id id)
{
	return set->values[id].row ? &set->values[id] : NULL;
}

const char *annotation_key(const struct annotations *set, enum annotation_id id)
{
	return set->values[id].row ? set->values[id].key : row_of(id)->name;
}
