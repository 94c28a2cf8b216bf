/* What the files of pkg/kube share and nobody else needs. */
#ifndef KUBE_INTERNAL_H
#define KUBE_INTERNAL_H

#include <stdbool.h>

#include "pkg/base/arena.h"
#include "pkg/base/error.h"
#include "pkg/json/json.h"
#include "pkg/net/transport.h"

/* Of a whole answer: 8 MiB, depth 64. */
extern const struct json_limits kube_answer_limits;

/* As kube_error_from_response; true if the message is the server's own text. */
bool kube_error_decode(const struct http_response *response, struct error *err);

/* RFC 4648 section 4, padded; line breaks and blanks between groups are passed over. NULL if it
 * is anything else. The text is NUL-terminated; length does not count that. */
char *kube_base64_decode(const char *text, struct arena *arena, size_t *length);

/* Length of text cut at max bytes, between two characters (text is UTF-8). */
size_t kube_cut(const char *text, size_t max);

#endif
