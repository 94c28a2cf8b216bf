/*
 * YAML (libyaml) to JSON values, as Kubernetes reads manifests: the JSON-compatible subset,
 * plain scalars the way sigs.k8s.io/yaml resolves them (go.yaml.in/yaml/v2 resolve()):
 * y, yes, on, true and n, no, off, false are booleans; ~, null and nothing are null; integers
 * may be hex, octal (0o17, 017) or binary, with underscores; timestamps are strings. Quoted
 * and block scalars are strings. Refused: aliases, anchors, tags, merge keys (<<), duplicate
 * keys, keys that are no strings, .inf and .nan, depth and size over the limits, more
 * keys and values than 1,024 and one for each 32 bytes allowed (9,216 by default).
 * Errors: ERROR_INVALID, "line:column: what" (1-based, columns in characters).
 */
#ifndef YAML_YAML_H
#define YAML_YAML_H

#include "pkg/json/json.h"

/* Exactly one document. */
MUST_CHECK bool yaml_parse(const char *text, size_t length, const struct json_limits *limits,
			   struct arena *arena, struct json **out, struct error *err);
/* Many documents (separated by ---); those without any text are passed over. each returns false to
 * stop with err set. JSON is YAML, so JSON input works here too. */
MUST_CHECK bool yaml_parse_all(const char *text, size_t length, const struct json_limits *limits,
			       struct arena *arena,
			       bool (*each)(void *ctx, struct json *document, struct error *err),
			       void *ctx, struct error *err);
/* Block style, keys in their order, strings quoted where a reader could take them for
 * something else, many lines as a literal; what kubectl -o yaml would print. Bytes that are no
 * UTF-8 come out as U+FFFD. */
void yaml_write(const struct json *v, struct strbuf *out);

#endif
