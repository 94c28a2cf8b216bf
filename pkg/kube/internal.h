/* What the files of pkg/kube share and nobody else needs. */
#ifndef KUBE_INTERNAL_H
#define KUBE_INTERNAL_H

#include <stdbool.h>

#include "pkg/base/arena.h"
#include "pkg/base/error.h"
#include "pkg/json/json.h"
#include "pkg/kube/resource.h"
#include "pkg/net/transport.h"

/* Of a whole answer: 8 MiB, depth 64. */
extern const struct json_limits kube_answer_limits;

/* As kube_error_from_response; true if the message is the server's own text. */
bool kube_error_decode(const struct http_response *response, struct error *err);

/* Is it a webhook's own word about one object, with whatever code, not the API server's about load?
 */
bool kube_error_of_webhook(const struct error *err);

/* What a list or a watch is of. */
struct kube_scope {
	const struct kube_resource *resource;
	char *ns, *field_selector, *label_selector; /* NULL: none */
};

/* Texts are copied; all but resource may be NULL. */
void kube_scope_init(struct kube_scope *scope, const struct kube_resource *resource, const char *ns,
		     const char *field_selector, const char *label_selector);
void kube_scope_release(struct kube_scope *scope);

/* A page of the list; token NULL: the first. Added to out, as kube_resource_path does. */
void kube_list_path(const struct kube_scope *scope, unsigned page, const char *token,
		    struct strbuf *out);
/* A watch from version on; version 0: one that begins with all there is (WatchList, KEP-3157). */
void kube_watch_path(const struct kube_scope *scope, int64_t seconds, uint64_t version,
		     struct strbuf *out);

/* RFC 4648 section 4, padded; line breaks and blanks between groups are passed over. NULL if it
 * is anything else. The text is NUL-terminated; length does not count that. */
char *kube_base64_decode(const char *text, struct arena *arena, size_t *length);
char *kube_base64_encode(const char *text, size_t length, struct arena *arena);

/* Length of text cut at max bytes, between two characters (text is UTF-8). */
size_t kube_cut(const char *text, size_t max);

#endif
