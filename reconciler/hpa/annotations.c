/*
 * Reads annotations by their rows: one reader a type. A value that is refused stops the reading;
 * which one that is depends on the table alone, never on the order of the annotations.
 */
#include "reconciler/hpa/annotations.h"

#include <string.h>

#include "pkg/base/check.h"
#include "pkg/units/duration.h"
#include "pkg/units/parse.h"
#include "pkg/units/template.h"

#define NANOSECONDS INT64_C(1000000000)

struct reading {
	const struct pod_autoscaler *pa;
	const struct annotation_row *row;
	struct arena *arena;
	struct annotation_value *value;
	struct refusal *refusal;
};

static bool wrong(const struct reading *r, const char *what)
{
	return refuse(r->refusal, r->arena, r->value->key, r->value->text,
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

static bool read_text(const struct reading *r)
{
	return r->value->text[0] ? true : wrong(r, "is empty");
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

static const char *label(const struct reading *r, const char *key)
{
	const char *value = meta_pair_get(&r->pa->labels, key);

	return value ? value : "";
}

static bool read_template(const struct reading *r)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	const struct meta *meta = &r->pa->object.meta;
	const struct template_variable variables[] = {
	    {"revisionName", meta->name},
	    {"namespace", meta->ns},
	    {"serviceName", label(r, "serving.knative.dev/service")},
	    {"configurationName", label(r, "serving.knative.dev/configuration")},
	    {"deploymentName", r->pa->target_name},
	    {NULL, NULL},
	};
	char *expanded;

	if (!r->value->text[0])
		return wrong(r, "is empty");
	if (!template_expand(r->value->text, variables, r->arena, &expanded, &err))
		return refuse(r->refusal, r->arena, r->value->key, r->value->text,
			      "does not expand: %s", error_text(&err));
	r->value->text = expanded;
	return true;
}

static bool read_url(const struct reading *r)
{
	return parse_http_url(r->value->text) ? true : wrong(r, "is not a URL that can be asked");
}

static bool (*const readers[])(const struct reading *r) = {
    [ANNOTATION_TEXT] = read_text,         [ANNOTATION_INT32] = read_int32,
    [ANNOTATION_DECIMAL] = read_decimal,   [ANNOTATION_BOOL] = read_bool,
    [ANNOTATION_DURATION] = read_duration, [ANNOTATION_SECONDS] = read_seconds,
    [ANNOTATION_CHOICE] = read_choice,     [ANNOTATION_TEMPLATE] = read_template,
    [ANNOTATION_URL] = read_url,
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

static bool refuse_unsupported(const struct pod_autoscaler *pa, struct arena *arena,
			       struct refusal *refusal)
{
	size_t count;
	const struct annotation_row *rows = annotation_rows(&count);
	const char *key;

	for (size_t i = 0; i < count; i++)
		if (rows[i].type == ANNOTATION_UNSUPPORTED && find(pa, &rows[i], &key))
			return refuse(refusal, arena, rows[i].name, NULL,
				      "is not supported yet; remove it");
	return true;
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

bool annotations_parse(const struct pod_autoscaler *pa, const struct config_keda *config,
		       struct arena *arena, struct annotations *out, struct refusal *refusal)
{
	size_t count;
	const struct annotation_row *rows = annotation_rows(&count);
	const struct annotation_value *auto_create = &out->values[A_AUTO_CREATE];

	memset(out, 0, sizeof(*out));
	memset(refusal, 0, sizeof(*refusal));
	if (!read_row(pa, row_of(A_AUTO_CREATE), arena, out, refusal))
		return false;
	out->auto_create = auto_create->row ? auto_create->number != 0 : config->auto_create;
	if (out->auto_create && !refuse_unsupported(pa, arena, refusal))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (rows[i].type == ANNOTATION_UNSUPPORTED || (!out->auto_create && !rows[i].basic))
			continue;
		if (!read_row(pa, &rows[i], arena, out, refusal))
			return false;
	}
	return true;
}

const struct annotation_value *annotation_get(const struct annotations *set, enum annotation_id id)
{
	return set->values[id].row ? &set->values[id] : NULL;
}

const char *annotation_key(const struct annotations *set, enum annotation_id id)
{
	return set->values[id].row ? set->values[id].key : row_of(id)->name;
}
