/*
 * Bodies in protobuf, which kubectl's own `create` commands send and nothing else: of Namespaces
 * and ConfigMaps, by a table of their fields. The envelope is "k8s\0" and a runtime.Unknown
 * (k8s.io/apimachinery/pkg/runtime/generated.proto).
 *
 * Invariant: a field that the table does not know and that says something refuses the body.
 */
#include <string.h>

#include "test/lib/model_internal.h"

#define MAGIC "k8s"
#define MAGIC_SIZE 4

struct bytes {
	const unsigned char *at, *end;
};

struct proto_field {
	const char *message;
	unsigned number;
	const char *name;
	/* s text, b boolean, t map of texts, m message, - passed over */
	char type;
	const char *of; /* of a message */
};

static const struct proto_field fields[] = {
    {"Namespace", 1, "metadata", 'm', "ObjectMeta"},
    {"Namespace", 2, NULL, '-', NULL}, /* spec and status are the server's */
    {"Namespace", 3, NULL, '-', NULL},
    {"ConfigMap", 1, "metadata", 'm', "ObjectMeta"},
    {"ConfigMap", 2, "data", 't', NULL},
    {"ConfigMap", 4, "immutable", 'b', NULL},
    {"ObjectMeta", 1, "name", 's', NULL},
    {"ObjectMeta", 2, "generateName", 's', NULL},
    {"ObjectMeta", 3, "namespace", 's', NULL},
    {"ObjectMeta", 8, NULL, '-', NULL}, /* creationTimestamp */
    {"ObjectMeta", 11, "labels", 't', NULL},
    {"ObjectMeta", 12, "annotations", 't', NULL},
};

struct token {
	unsigned number;
	uint64_t value;     /* of a varint */
	struct bytes bytes; /* of a length-delimited field; at is NULL for a varint */
};

static bool read_varint(struct bytes *in, uint64_t *out)
{
	*out = 0;
	for (unsigned shift = 0; shift < 64 && in->at < in->end; shift += 7) {
		unsigned char byte = *in->at++;
		*out |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return true;
	}
	return false;
}

static bool read_token(struct bytes *in, struct token *out)
{
	uint64_t key, length;
	*out = (struct token){0};
	if (!read_varint(in, &key) || key >> 3 > 4096)
		return false;
	out->number = (unsigned)(key >> 3);
	if ((key & 7) == 0)
		return read_varint(in, &out->value);
	if ((key & 7) != 2 || !read_varint(in, &length) || length > (size_t)(in->end - in->at))
		return false;
	out->bytes = (struct bytes){in->at, in->at + length};
	in->at += length;
	return true;
}

static const char *text_of(struct arena *arena, struct bytes bytes)
{
	return arena_strndup(arena, (const char *)bytes.at, (size_t)(bytes.end - bytes.at));
}

static bool read_entry(struct arena *arena, struct bytes in, struct json *map)
{
	const char *key = "", *value = "";
	while (in.at < in.end) {
		struct token token;
		if (!read_token(&in, &token) || !token.bytes.at)
			return false;
		*(token.number == 1 ? &key : &value) = text_of(arena, token.bytes);
	}
	json_set_text(arena, map, key, value);
	return true;
}

static const struct proto_field *field_of(const char *message, unsigned number)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (fields[i].number == number && strcmp(fields[i].message, message) == 0)
			return &fields[i];
	return NULL;
}

static bool read_message(struct arena *arena, const char *message, struct bytes in,
			 struct json *out);

static bool read_field(struct arena *arena, const char *message, const struct token *token,
		       struct json *out)
{
	const struct proto_field *field = field_of(message, token->number);
	bool empty = token->bytes.at == token->bytes.end && !token->value;
	if (!field)
		return empty;
	if (field->type == '-' || (empty && field->type != 't'))
		return true;
	if ((field->type == 'b') != !token->bytes.at)
		return false;
	switch (field->type) {
	case 'b':
		json_set_bool(arena, out, field->name, token->value != 0);
		return true;
	case 's':
		json_set_text(arena, out, field->name, text_of(arena, token->bytes));
		return true;
	case 't':
		return read_entry(arena, token->bytes, json_ensure_object(arena, out, field->name));
	default:
		return read_message(arena, field->of, token->bytes,
				    json_ensure_object(arena, out, field->name));
	}
}

/* The table nests once: an object and its metadata. */
static bool read_message(struct arena *arena, const char *message, struct bytes in,
			 struct json *out)
{
	while (in.at < in.end) {
		struct token token;
		if (!read_token(&in, &token) || !read_field(arena, message, &token, out))
			return false;
	}
	return true;
}

static bool read_envelope(struct arena *arena, struct bytes in, const char *kind, struct bytes *raw)
{
	bool ours = false;
	while (in.at < in.end) {
		struct token token, type;
		if (!read_token(&in, &token) || !token.bytes.at)
			return false;
		if (token.number == 2)
			*raw = token.bytes;
		struct bytes types = token.bytes;
		while (token.number == 1 && types.at < types.end) {
			if (!read_token(&types, &type) || !type.bytes.at)
				return false;
			ours |= type.number == 2 && strcmp(text_of(arena, type.bytes), kind) == 0;
		}
	}
	return ours;
}

bool protobuf_read(const struct kind *kind, struct arena *arena, const char *body, size_t length,
		   struct json **out, struct error *err)
{
	struct bytes raw = {NULL, NULL};
	const unsigned char *start = (const unsigned char *)body;
	struct bytes in = {start + MAGIC_SIZE, start + length};
	if (!field_of(kind->name, 1))
		return api_error(err, ERROR_INVALID, 415,
				 "devcluster reads %s as JSON only (kubectl create -f, apply -f)",
				 kind->name);
	*out = json_object(arena);
	if (length < MAGIC_SIZE || memcmp(body, MAGIC, MAGIC_SIZE) != 0 ||
	    !read_envelope(arena, in, kind->name, &raw) ||
	    !read_message(arena, kind->name, raw, *out))
		return api_error(err, ERROR_INVALID, 400,
				 "the protobuf of the %s is broken, or says more than devcluster "
				 "reads of it",
				 kind->name);
	return true;
}
