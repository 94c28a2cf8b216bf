/*
 * struct json_stream: a push reader for what the network sends. Bytes go in as they come;
 * out come whole values, one at a time, so memory stays bounded by the largest one:
 *   - values: a watch stream, where each top-level value is delivered;
 *   - list: one top-level object whose "items" elements are delivered one by one, and last
 *     the object itself without them (kind, metadata with continue and resourceVersion).
 * A value lives until deliver returns. Members named in skip are dropped while parsing
 * at any depth ("managedFields"). A key that repeats is let pass: the last one counts, as
 * json_get reads it. Text that is not JSON, too deep or too large is ERROR_INVALID; one
 * that ends within a value ERROR_TRANSIENT. After any error, deliver's too, the stream
 * answers with the same one for good.
 */
#ifndef JSON_STREAM_H
#define JSON_STREAM_H

#include "pkg/json/json.h"

enum json_stream_mode { JSON_STREAM_VALUES, JSON_STREAM_LIST };

struct json_stream_config {
	enum json_stream_mode mode;
	const char *skip;       /* one member name to drop, or NULL */
	size_t max_value_bytes; /* text of one delivered value; 0: 8 MiB */
	unsigned max_depth;     /* 0: 64 */
	/* An element of "items", or a value of a watch; false stops with err set. */
	bool (*deliver)(void *ctx, const struct json *value, struct error *err);
	/* List mode: what stood around the items; may be NULL. */
	bool (*envelope)(void *ctx, const struct json *object, struct error *err);
	void *ctx;
};

struct json_stream;

struct json_stream *json_stream_new(const struct json_stream_config *config);
void json_stream_free(struct json_stream *stream);
/* What the values at hand take, the parser's own buffers aside. */
size_t json_stream_bytes(const struct json_stream *stream);
MUST_CHECK bool json_stream_feed(struct json_stream *stream, const char *data, size_t length,
				 struct error *err);
/* The stream ended: false if it did so inside a value, or before a list. A number at the top
 * may be delivered only now. Nothing may be fed afterwards. */
MUST_CHECK bool json_stream_end(struct json_stream *stream, struct error *err);

#endif
