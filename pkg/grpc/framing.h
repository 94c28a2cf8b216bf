/*
 * The small grammars of gRPC over HTTP/2 (PROTOCOL-HTTP2.md): time-outs, content types, texts of a
 * status, the prefix of a message. Pure. Only pkg/grpc and its tests include this.
 */
#ifndef GRPC_FRAMING_H
#define GRPC_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkg/base/strbuf.h"

#define FRAMING_PREFIX 5  /* of a message: whether it is compressed, its length */
#define FRAMING_TEXT 1024 /* bytes of a status' text that are told */

/* grpc-timeout: 1 to 8 digits and one of H M S m u n, as milliseconds, rounded up. */
bool framing_timeout(const char *text, size_t length, int64_t *out_ms);
/* application/grpc, perhaps "+proto", perhaps parameters after ';'. In any case of letters. */
bool framing_content_type(const char *text, size_t length);
/* Appends text percent-encoded for grpc-message, cut after a whole character. */
void framing_add_text(struct strbuf *sb, const char *text);

void framing_put_prefix(uint8_t out[FRAMING_PREFIX], size_t length);

enum framing_state {
	FRAMING_PART,       /* of one message; nothing wrong so far */
	FRAMING_WHOLE,      /* exactly one message */
	FRAMING_COMPRESSED, /* which nobody offered to read */
	FRAMING_BAD_FLAG,
	FRAMING_TOO_LONG,
	FRAMING_MORE, /* than one message */
};
/* What has come of a request so far; max: of one message. */
enum framing_state framing_judge(const struct strbuf *data, size_t max);

#endif
