/*
 * struct json: a JSON value in an arena. Numbers keep their text, so nothing is rounded.
 * Objects keep the order of their members. A value is immutable once it is shared;
 * building functions (json_object, json_set, ...) are for whoever makes it.
 *
 * NULL stands for "absent" in every reading function, which answer NULL, a default or
 * false for it: json_text(json_get(json_get(v, "a"), "b")) needs no checks between.
 */
#ifndef JSON_JSON_H
#define JSON_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkg/base/arena.h"
#include "pkg/base/compiler.h"
#include "pkg/base/error.h"
#include "pkg/base/strbuf.h"

enum json_type { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_member {
	const char *key;
	size_t key_len;
	struct json *value;
};

struct json {
	enum json_type type;
	bool boolean;
	uint32_t line, column; /* where a parsed value starts, as errors count; 0 if it was built */
	const char *text;      /* string, or a number's digits as they stood; NUL-terminated */
	size_t length;         /* of text; strings may hold NULs */
	size_t count;          /* members or elements */
	size_t cap;
	union {
		struct json_member *members;
		struct json **elements;
	};
};

/* ---- reading ---- */

/* Member of an object, the last one if a key repeats; NULL if absent or v is no object. */
const struct json *json_get(const struct json *v, const char *key);
/* json_path(v, "status", "conditions", NULL) */
const struct json *json_path(const struct json *v, ...) __attribute__((sentinel));
const char *json_text(const struct json *v); /* a string's text, else NULL */
const char *json_text_or(const struct json *v, const char *fallback);
bool json_bool_or(const struct json *v, bool fallback);
/* False unless v is a number that is an integer in int64's range ("1e2" and "1.0" are). */
bool json_int(const struct json *v, int64_t *out);
int64_t json_int_or(const struct json *v, int64_t fallback);
bool json_is(const struct json *v, enum json_type type); /* false for NULL */
size_t json_count(const struct json *v);                 /* members or elements, else 0 */
const struct json *json_at(const struct json *v, size_t index);

/* ---- building; key and text are copied into the arena ---- */

struct json *json_null(struct arena *arena);
struct json *json_bool(struct arena *arena, bool value);
struct json *json_integer(struct arena *arena, int64_t value);
struct json *json_number(struct arena *arena, const char *digits); /* valid JSON number */
struct json *json_string(struct arena *arena, const char *text);
struct json *json_stringf(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);
struct json *json_array(struct arena *arena);
struct json *json_object(struct arena *arena);
/* Replaces a member of that key in place, or appends. Answers value. value NULL: no change. */
struct json *json_set(struct arena *arena, struct json *object, const char *key,
		      struct json *value);
void json_set_text(struct arena *arena, struct json *object, const char *key, const char *text);
void json_set_int(struct arena *arena, struct json *object, const char *key, int64_t value);
void json_set_bool(struct arena *arena, struct json *object, const char *key, bool value);
bool json_remove(struct json *object, const char *key);
void json_append(struct arena *arena, struct json *array, struct json *value);
/* Deep; lines and columns stay. */
struct json *json_copy(struct arena *arena, const struct json *v);
/* The member object of that key, made if absent (a member of another type is replaced). */
struct json *json_ensure_object(struct arena *arena, struct json *object, const char *key);

/* ---- parsing a whole document ---- */

struct json_limits {
	size_t max_bytes;   /* 0: 256 KiB, the bound of one annotation */
	unsigned max_depth; /* 0: 32 */
	/* Members of that name, of the value or of one of its members, are left out; NULL: none. */
	const char *skip;
};

/* Exactly one value, nothing behind it but white space, valid UTF-8, no key twice in one
 * object, at most 1,024 keys and values and one for each 4 bytes allowed. Errors are ERROR_INVALID
 * with "line:column: what" (1-based, columns in bytes). limits NULL: the defaults. */
MUST_CHECK bool json_parse(const char *text, size_t length, const struct json_limits *limits,
			   struct arena *arena, struct json **out, struct error *err);

/* ---- writing ---- */

void json_write(const struct json *v, struct strbuf *out);        /* compact */
void json_write_pretty(const struct json *v, struct strbuf *out); /* 2 spaces, for people */

/* ---- comparing ---- */

/* As JSON values: member order doesn't matter, list order does, numbers by value
 * (1, 1.0, 1e0 equal), -0 equals 0. */
bool json_equal(const struct json *a, const struct json *b);
/* Equal values hash equal; the order of members and the spelling of numbers don't count. 0 for
 * NULL. */
uint64_t json_hash(const struct json *v);
/* The RFC 7386 merge patch that turns from into to; NULL if they are equal. Lists are
 * replaced whole. No member of to may be null (a merge patch cannot say that; inside lists
 * it can). Parts are shared with both inputs. */
struct json *json_merge_diff(struct arena *arena, const struct json *from, const struct json *to);
/* Applies an RFC 7386 merge patch; answers a new value (parts shared with both inputs). */
struct json *json_merge_apply(struct arena *arena, const struct json *target,
			      const struct json *patch);

#endif
