/*
 * What the API server does with schemas: unknown fields (refused under fieldValidation=Strict,
 * dropped otherwise), types, bounds, required fields, defaults; and how it tells of them.
 */
#include <string.h>

#include "test/lib/model_fields.h"
#include "test/lib/model_internal.h"

struct walk {
	const struct schema *schema;
	struct arena *arena;
	struct strbuf unknown, invalid;
	struct strbuf *warnings, *causes; /* NULL: none wanted */
	size_t invalid_count;
};

static void add_cause(struct walk *walk, const char *at, const char *reason, const char *what)
{
	struct strbuf *causes = walk->causes;
	if (!causes)
		return;
	strbuf_addf(causes, "%s{\"reason\":\"%s\",\"message\":", causes->len ? "," : "", reason);
	strbuf_add_json_string(causes, what, strlen(what));
	strbuf_addstr(causes, ",\"field\":");
	strbuf_add_json_string(causes, at, strlen(at));
	strbuf_addch(causes, '}');
}

static void add_invalid(struct walk *walk, const char *at, const char *reason, const char *what)
{
	strbuf_addf(&walk->invalid, "%s%s: %s", walk->invalid.len ? ", " : "", at, what);
	walk->invalid_count++;
	add_cause(walk, at, reason, what);
}

static bool type_fits(char type, const struct json *v)
{
	int64_t number;
	switch (type) {
	case 'o':
	case 'p':
	case 'm':
		return json_is(v, JSON_OBJECT);
	case 'a':
		return json_is(v, JSON_ARRAY);
	case 's':
		return json_is(v, JSON_STRING);
	case 'i':
		return json_int(v, &number);
	case 'b':
		return json_is(v, JSON_BOOL);
	default:
		return true;
	}
}

static const char *type_name(char type)
{
	return type == 'a'   ? "array"
	       : type == 's' ? "string"
	       : type == 'i' ? "integer"
	       : type == 'b' ? "boolean"
			     : "object";
}

static void check_number(struct walk *walk, const struct field *field, const char *at,
			 const struct json *v)
{
	bool list = field->type == 'a';
	long long number = list ? (long long)json_count(v) : (long long)json_int_or(v, 0);
	const char *text = arena_printf(walk->arena, "Invalid value: %lld: %s in body", number, at);
	if (field->low && number < field->lowest)
		add_invalid(walk, at, "FieldValueInvalid",
			    arena_printf(walk->arena, "%s should %s %lld%s", text,
					 list ? "have at least" : "be greater than or equal to",
					 (long long)field->lowest, list ? " items" : ""));
	if (field->highest && number > field->highest)
		add_invalid(walk, at, "FieldValueInvalid",
			    arena_printf(walk->arena, "%s should be less than or equal to %lld",
					 text, (long long)field->highest));
}

/* choices is " a b c ". */
static void check_choice(struct walk *walk, const struct field *field, const char *at,
			 const struct json *v)
{
	CLEANUP(strbuf_release) struct strbuf what = STRBUF_INIT;
	const char *given = json_text_or(v, "");
	if (strstr(field->choices, arena_printf(walk->arena, " %s ", given)))
		return;
	strbuf_addf(&what, "Unsupported value: \"%s\": supported values:", given);
	for (const char *word = field->choices + 1; *word; word = strchr(word, ' ') + 1)
		strbuf_addf(&what, "%s \"%.*s\"", word > field->choices + 1 ? "," : "",
			    (int)strcspn(word, " "), word);
	add_invalid(walk, at, "FieldValueNotSupported", what.buf);
}

static void add_mistyped(struct walk *walk, const char *at, const char *wanted,
			 const struct json *v)
{
	static const char *const names[] = {"null",   "boolean", "number",
					    "string", "array",   "object"};
	int64_t number;
	const char *given = json_int(v, &number) ? "integer" : names[v->type];
	add_invalid(walk, at, "FieldValueTypeInvalid",
		    arena_printf(walk->arena,
				 "Invalid value: \"%s\": %s in body must be of type %s: \"%s\"",
				 given, at, wanted, given));
}

static void check_value(struct walk *walk, const struct field *field, const char *at,
			const struct json *v)
{
	if (!type_fits(field->type, v)) {
		add_mistyped(walk, at, type_name(field->type), v);
		return;
	}
	check_number(walk, field, at, v);
	if (field->choices)
		check_choice(walk, field, at, v);
	for (size_t i = 0; field->type == 'm' && i < v->count; i++)
		if (!json_is(v->members[i].value, JSON_STRING))
			add_mistyped(walk,
				     arena_printf(walk->arena, "%s.%s", at, v->members[i].key),
				     "string", v->members[i].value);
}

static void walk_value(struct walk *walk, const struct field *field, const char *at,
		       struct json *v);

/* Rows directly below path: required and defaulted ones. */
static void complete(struct walk *walk, const char *path, const char *at, struct json *v)
{
	size_t length = strlen(path);
	for (size_t i = 0; i < walk->schema->count; i++) {
		const struct field *field = &walk->schema->fields[i];
		if (strncmp(field->path, path, length) != 0 ||
		    (length && field->path[length] != '.'))
			continue;
		const char *name = field->path + length + (length ? 1 : 0);
		if (strpbrk(name, ".[") || json_get(v, name))
			continue;
		if (field->required)
			add_invalid(walk,
				    arena_printf(walk->arena, "%s%s%s", at, at[0] ? "." : "", name),
				    "FieldValueRequired", "Required value");
		else if (field->fallback)
			json_set_text(walk->arena, v, name, field->fallback);
	}
}

static void add_unknown(struct walk *walk, const char *at)
{
	strbuf_addf(&walk->unknown, "%sunknown field \"%s\"", walk->unknown.len ? ", " : "", at);
	if (walk->warnings)
		strbuf_addf(walk->warnings, "unknown field \"%s\"\n", at);
}

static void walk_object(struct walk *walk, const char *path, const char *at, struct json *v)
{
	const struct field *parent = field_at(walk->schema, path);
	bool keeps = parent && parent->type == 'p';
	for (size_t i = 0; i < v->count;) {
		const char *key = v->members[i].key;
		const char *dot = path[0] ? "." : "";
		const char *below = arena_printf(walk->arena, "%s%s%s", path, dot, key);
		const char *below_at = arena_printf(walk->arena, "%s%s%s", at, dot, key);
		const struct field *field = field_at(walk->schema, below);
		bool beside =
		    !path[0] && (strcmp(key, "metadata") == 0 || strcmp(key, "kind") == 0 ||
				 strcmp(key, "apiVersion") == 0);
		bool unknown = !field && !beside && !keeps;
		/* The API server drops null where the schema knows no nullable. */
		bool null = json_is(v->members[i].value, JSON_NULL) && field && !beside;
		if (unknown)
			add_unknown(walk, below_at);
		if (unknown || null) {
			json_remove(v, key);
			continue;
		}
		if (field)
			walk_value(walk, field, below_at, v->members[i].value);
		i++;
	}
	complete(walk, path, at, v);
}

static void walk_value(struct walk *walk, const struct field *field, const char *at, struct json *v)
{
	check_value(walk, field, at, v);
	if ((field->type == 'o' || field->type == 'p') && json_is(v, JSON_OBJECT))
		walk_object(walk, field->path, at, v);
	const char *elements = arena_printf(walk->arena, "%s[]", field->path);
	const struct field *element = field_at(walk->schema, elements);
	for (size_t i = 0; element && json_is(v, JSON_ARRAY) && i < v->count; i++)
		walk_value(walk, element, arena_printf(walk->arena, "%s[%zu]", at, i),
			   v->elements[i]);
}

/* KEDA's rule in CEL on spec. */
static void check_bounds(struct walk *walk, const struct json *value)
{
	const struct json *spec = json_get(value, "spec");
	if (json_int_or(json_get(spec, "minReplicaCount"), 0) >
	    json_int_or(json_get(spec, "maxReplicaCount"), 100))
		add_invalid(walk, "spec", "FieldValueInvalid",
			    "Invalid value: minReplicaCount must be less than or equal to "
			    "maxReplicaCount");
}

/* A patch's unknown fields are told with the whole object that it makes. */
static bool refuse_unknown(struct walk *walk, const struct write *how, const struct strbuf *whole,
			   struct error *err)
{
	if (!how->patching)
		return api_error(err, ERROR_INVALID, 400, "strict decoding error: %s",
				 walk->unknown.buf);
	CLEANUP(strbuf_release) struct strbuf what = STRBUF_INIT;
	strbuf_addstr(&what, "Invalid value: ");
	strbuf_add_json_string(&what, whole->buf, whole->len);
	strbuf_addf(&what, ": strict decoding error: %s", walk->unknown.buf);
	if (how->refusal) {
		how->refusal->nameless = true;
		strbuf_reset(&how->refusal->causes);
	}
	add_cause(walk, "patch", "FieldValueInvalid", what.buf);
	return api_error(err, ERROR_INVALID, 422, " \"\" is invalid: patch: %s", what.buf);
}

static bool verdict(struct walk *walk, const struct kind *kind, const struct json *value,
		    const struct write *how, const struct strbuf *whole, struct error *err)
{
	if (how->strict && walk->unknown.len)
		return refuse_unknown(walk, how, whole, err);
	if (walk->invalid_count == 0)
		return true;
	if (kind->builtin)
		return api_error(err, ERROR_INVALID, 400,
				 "%s in version \"%s\" cannot be handled as a %s: %s", kind->name,
				 kind->version, kind->name, walk->invalid.buf);
	bool many = walk->invalid_count > 1;
	return api_error(err, ERROR_INVALID, 422, "%s.%s \"%s\" is invalid: %s%s%s", kind->name,
			 kind->group, json_text_or(json_path(value, "metadata", "name", NULL), ""),
			 many ? "[" : "", walk->invalid.buf, many ? "]" : "");
}

bool schema_admit(const struct kind *kind, struct arena *arena, struct json *value,
		  const struct write *how, struct error *err)
{
	struct walk walk = {.arena = arena,
			    .unknown = STRBUF_INIT,
			    .invalid = STRBUF_INIT,
			    .warnings = how->warnings,
			    .causes = how->refusal ? &how->refusal->causes : NULL};
	CLEANUP(strbuf_release) struct strbuf whole = STRBUF_INIT;
	walk.schema = schema_of(kind->id);
	/* Stand-ins know the kinds whose fields the tables do not name one by one. */
	if (!walk.schema || (how->own && field_at(walk.schema, "")))
		return true;
	if (how->strict && how->patching)
		json_write(value, &whole);
	walk_object(&walk, "", "", value);
	if (strcmp(kind->id, "scaledobjects") == 0)
		check_bounds(&walk, value);
	bool ok = verdict(&walk, kind, value, how, &whole, err);
	strbuf_release(&walk.unknown);
	strbuf_release(&walk.invalid);
	return ok;
}
