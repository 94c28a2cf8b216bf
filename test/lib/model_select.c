/*
 * What a request is about: paths, queries and selectors. Texts live in the request's arena.
 *
 * Invariant: a selector that cannot be read refuses the request; none is ever passed over.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "test/lib/model_internal.h"

struct term {
	struct term *next;
	const char *key; /* of a label, or the path of a field */
	bool negate;     /* "!=", "notin", "!key" */
	bool any;        /* the key alone: any value */
	const char **values;
	size_t count;
};

/* ---- queries ---- */

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

static char *decoded(struct arena *arena, const char *text, size_t length, bool form)
{
	char *out = arena_alloc(arena, length + 1);
	size_t used = 0;
	for (size_t i = 0; i < length; i++) {
		bool escape = text[i] == '%' && i + 2 < length && hex_digit(text[i + 1]) >= 0 &&
			      hex_digit(text[i + 2]) >= 0;
		if (escape) {
			out[used++] = (char)(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
			i += 2;
		} else {
			out[used++] = form && text[i] == '+' ? ' ' : text[i];
		}
	}
	return out;
}

const char *query_text(const char *query, const char *key, struct arena *arena)
{
	size_t length = strlen(key);
	for (const char *at = query; at && *at;) {
		const char *end = strchrnul(at, '&');
		if (strncmp(at, key, length) == 0 && at[length] == '=')
			return decoded(arena, at + length + 1, (size_t)(end - at) - length - 1,
				       true);
		at = *end ? end + 1 : end;
	}
	return NULL;
}

bool query_true(const char *query, const char *key)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *text = query_text(query, key, arena);
	return text && (strcmp(text, "true") == 0 || strcmp(text, "1") == 0);
}

int64_t query_int(const char *query, const char *key)
{
	CLEANUP(arena_freep) struct arena *arena = arena_new();
	const char *text = query_text(query, key, arena);
	return text ? strtoll(text, NULL, 10) : 0;
}

bool model_is_watch(const char *path)
{
	const char *query = strchr(path, '?');
	return query && query_true(query + 1, "watch");
}

/* ---- selectors ---- */

static const char *skip_blanks(const char *at)
{
	while (*at == ' ')
		at++;
	return at;
}

static const char *word(const char **at, struct arena *arena)
{
	const char *start = skip_blanks(*at);
	const char *end = start + strcspn(start, " ,=!()");
	*at = skip_blanks(end);
	return arena_strndup(arena, start, (size_t)(end - start));
}

static void add_value(struct term *term, const char *value, struct arena *arena)
{
	const char **values = ARENA_ARRAY(arena, const char *, term->count + 1);
	if (term->count)
		memcpy(values, term->values, term->count * sizeof(values[0]));
	values[term->count++] = value;
	term->values = values;
}

/* "(a,b)" behind "in" and "notin". */
static bool read_set(const char **at, struct term *term, struct arena *arena)
{
	if (**at != '(')
		return false;
	do {
		(*at)++;
		add_value(term, word(at, arena), arena);
	} while (**at == ',');
	if (**at != ')')
		return false;
	*at = skip_blanks(*at + 1);
	return true;
}

/* What may follow a key: "=v", "==v", "!=v", "in (a,b)", "notin (a,b)", nothing. */
static bool read_operator(const char **at, struct term *term, struct arena *arena)
{
	bool differs = (*at)[0] == '!' && (*at)[1] == '=';
	if (**at == '=' || differs) {
		term->negate = differs;
		*at += differs || (*at)[1] == '=' ? 2 : 1;
		add_value(term, word(at, arena), arena);
		return true;
	}
	if (!**at || **at == ',')
		return term->any = true;
	const char *how = word(at, arena);
	term->negate = strcmp(how, "notin") == 0;
	return (term->negate || strcmp(how, "in") == 0) && read_set(at, term, arena);
}

static bool read_terms(const char *text, struct arena *arena, struct term **out)
{
	const char *at = skip_blanks(text);
	*out = NULL;
	while (*at) {
		struct term *term = ARENA_NEW(arena, struct term);
		bool absent = *at == '!' && at[1] != '=';
		at += absent;
		term->key = word(&at, arena);
		if (!term->key[0] || (!absent && !read_operator(&at, term, arena)))
			return false;
		if (absent)
			term->any = term->negate = true;
		term->next = *out;
		*out = term;
		if (*at && *at++ != ',')
			return false;
		at = skip_blanks(at);
	}
	return true;
}

/* Fields that the API server can select by: of every kind, and of Events. */
static bool field_known(const struct kind *kind, const char *path)
{
	static const char *const of_events[] = {"involvedObject.kind",
						"involvedObject.namespace",
						"involvedObject.name",
						"involvedObject.uid",
						"involvedObject.apiVersion",
						"involvedObject.resourceVersion",
						"involvedObject.fieldPath",
						"reason",
						"reportingComponent",
						"source",
						"type"};
	if (strcmp(path, "metadata.name") == 0 ||
	    (!kind->cluster && strcmp(path, "metadata.namespace") == 0))
		return true;
	for (size_t i = 0; strcmp(kind->id, "events") == 0 && i < ARRAY_SIZE(of_events); i++)
		if (strcmp(of_events[i], path) == 0)
			return true;
	return false;
}

static bool parse_selectors(struct selection *out, struct arena *arena, struct error *err)
{
	const char *fields = query_text(out->query, "fieldSelector", arena);
	const char *labels = query_text(out->query, "labelSelector", arena);
	if (labels && !read_terms(labels, arena, &out->labels))
		return api_error(err, ERROR_INVALID, 400,
				 "unable to parse requirement: the labelSelector \"%s\"", labels);
	if (!fields || !out->resource)
		return true;
	bool ok = read_terms(fields, arena, &out->fields);
	for (const struct term *term = out->fields; ok && term; term = term->next)
		ok = !term->any && term->count == 1 && field_known(&out->resource->kind, term->key);
	return ok || api_error(err, ERROR_INVALID, 400,
			       "Unable to find \"%s\" that match label selector \"%s\", field "
			       "selector \"%s\": field label not supported",
			       out->resource->kind.plural, labels ? labels : "", fields);
}

static bool term_fits(const struct term *term, const char *value)
{
	bool found = term->any && value;
	for (size_t i = 0; value && i < term->count; i++)
		found |= strcmp(term->values[i], value) == 0;
	return found != term->negate;
}

static const char *field_of(const struct version *version, const char *path)
{
	const struct json *v = version->value;
	char part[64];
	while (*path) {
		size_t length = strcspn(path, ".");
		snprintf(part, sizeof(part), "%.*s", (int)length, path);
		v = json_get(v, part);
		path += length + (path[length] == '.');
	}
	return json_text_or(v, "");
}

bool selection_has(const struct selection *selection, const struct version *version)
{
	const struct json *labels = json_path(version->value, "metadata", "labels", NULL);
	if (selection->ns && strcmp(selection->ns, version->ns) != 0)
		return false;
	for (const struct term *term = selection->fields; term; term = term->next)
		if (!term_fits(term, field_of(version, term->key)))
			return false;
	for (const struct term *term = selection->labels; term; term = term->next)
		if (!term_fits(term, json_text(json_get(labels, term->key))))
			return false;
	return true;
}

/* ---- paths ---- */

size_t path_split(struct arena *arena, const char *path, const char **segments, size_t max)
{
	size_t count = 0;
	const char *end = path + strcspn(path, "?");
	while (path < end && count < max) {
		path += *path == '/';
		const char *next = memchr(path, '/', (size_t)(end - path));
		next = next ? next : end;
		segments[count++] = decoded(arena, path, (size_t)(next - path), false);
		path = next;
	}
	return count;
}

static struct resource *find_resource(struct model *model, const char *group, const char *version,
				      const char *plural)
{
	for (size_t i = 0; i < RESOURCE_COUNT; i++) {
		struct resource *resource = &model->resources[i];
		if (strcmp(resource->kind.group, group) == 0 &&
		    strcmp(resource->kind.version, version) == 0 &&
		    strcmp(resource->kind.plural, plural) == 0 && !resource->absent)
			return resource;
	}
	return NULL;
}

bool selection_parse(struct model *model, const char *path, struct arena *arena,
		     struct selection *out, struct error *err)
{
	const char *segment[10];
	size_t count = path_split(arena, path, segment, ARRAY_SIZE(segment)), at = 2;
	const char *group = "";
	*out = (struct selection){.query = strchr(path, '?')};
	out->query = out->query ? out->query + 1 : "";
	if (count >= 3 && strcmp(segment[0], "apis") == 0) {
		group = segment[1];
		at = 3;
	} else if (count < 2 || strcmp(segment[0], "api") != 0) {
		return true;
	}
	const char *version = segment[at - 1];
	if (count > at + 2 && strcmp(segment[at], "namespaces") == 0 &&
	    strcmp(segment[at + 2], "status") != 0) {
		out->ns = segment[at + 1];
		at += 2;
	}
	const char *plural = at < count ? segment[at] : "";
	out->name = at + 1 < count ? segment[at + 1] : NULL;
	out->subresource = at + 2 < count ? segment[at + 2] : NULL;
	if (count <= at + 3)
		out->resource = find_resource(model, group, version, plural);
	/* A cluster-scoped kind has no place below a namespace, nor an object of another outside.
	 */
	if (out->resource &&
	    (out->resource->kind.cluster ? out->ns != NULL : out->name && !out->ns))
		out->resource = NULL;
	return parse_selectors(out, arena, err);
}
