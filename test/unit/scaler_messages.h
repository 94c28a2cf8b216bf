/*
 * Messages as KEDA writes them, made by hand (protobuf's wire format: a byte of field number and
 * type, then a varint, eight bytes, or a length and so many bytes), and read the same way: nothing
 * here knows what the program encodes with.
 */
#ifndef TEST_UNIT_SCALER_MESSAGES_H
#define TEST_UNIT_SCALER_MESSAGES_H

#include <stdint.h>
#include <string.h>

#include "pkg/base/strbuf.h"

static inline void message_varint(struct strbuf *out, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		strbuf_addch(out, (char)(value | 0x80));
	strbuf_addch(out, (char)value);
}

static inline void message_bytes(struct strbuf *out, int field, const void *bytes, size_t length)
{
	message_varint(out, (uint64_t)field << 3 | 2);
	message_varint(out, length);
	strbuf_add(out, bytes, length);
}

static inline void message_text(struct strbuf *out, int field, const char *text)
{
	message_bytes(out, field, text, strlen(text));
}

/* An entry of scalerMetadata. */
static inline void message_entry(struct strbuf *out, const char *key, const char *value)
{
	CLEANUP(strbuf_release) struct strbuf entry = STRBUF_INIT;
	message_text(&entry, 1, key);
	message_text(&entry, 2, value);
	message_bytes(out, 3, entry.buf, entry.len);
}

/* A ScaledObjectRef; pairs "key=value ...". */
static inline void message_ref(struct strbuf *out, const char *ns, const char *pairs)
{
	char copy[1024], *rest = copy, *pair;
	message_text(out, 1, "hello-so");
	message_text(out, 2, ns);
	snprintf(copy, sizeof(copy), "%s", pairs);
	while ((pair = strsep(&rest, " "))) {
		char *value = strchr(pair, '=');
		if (!value)
			continue;
		*value++ = 0;
		message_entry(out, pair, value);
	}
}

/* A GetMetricsRequest. */
static inline void message_metrics(struct strbuf *out, const char *ns, const char *pairs,
				   const char *metric)
{
	CLEANUP(strbuf_release) struct strbuf ref = STRBUF_INIT;
	message_ref(&ref, ns, pairs);
	message_bytes(out, 1, ref.buf, ref.len);
	message_text(out, 2, metric);
}

/* An answer with one name and one number, both ways of it: "concurrency 71 70.5". */
static inline void message_tell(const char *message, size_t length, char *out, size_t size)
{
	const unsigned char *at = (const unsigned char *)message, *end = at + length;
	uint64_t whole = 0;
	double number = 0;
	char name[64] = "";
	snprintf(out, size, "?");
	if (length < 2 || at[0] != (1 << 3 | 2) || at[1] != length - 2 || at[1] >= 0x80)
		return;
	for (at += 2; at < end;) {
		unsigned tag = *at++;
		if (tag == (1 << 3 | 2) && *at < sizeof(name) && at + 1 + *at <= end) {
			snprintf(name, sizeof(name), "%.*s", *at, (const char *)at + 1);
			at += 1 + *at;
		} else if (tag == 2 << 3) {
			for (int shift = 0; at < end; shift += 7) {
				whole |= (uint64_t)(*at & 0x7f) << shift;
				if (*at++ < 0x80)
					break;
			}
		} else if (tag == (3 << 3 | 1) && at + 8 <= end) {
			memcpy(&number, at, 8);
			at += 8;
		} else {
			return;
		}
	}
	snprintf(out, size, "%s %lld %.12g", name, (long long)whole, number);
}

#endif
