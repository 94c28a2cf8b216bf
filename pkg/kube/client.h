/*
 * struct kube_client: single requests to the API server: get, create, JSON merge patch, delete.
 * At most max_writes writes are in flight (the rest wait their turn, Events last; of those that
 * wait namespaces take turns). Those that have not been answered for a second wait for somebody
 * else, a webhook mostly, and must not hold up the rest: a quarter of max_writes may always be in
 * flight beside them, up to three times max_writes in all. A 429 or 503 with Retry-After, but a
 * webhook's own, holds back all writes for that long, 60 s at most. Nothing is repeated here: the
 * pass decides. A reply that was lost leaves the outcome unknown (ERROR_TRANSIENT): read before
 * repeating.
 */
#ifndef KUBE_CLIENT_H
#define KUBE_CLIENT_H

#include "pkg/base/timer.h"
#include "pkg/json/json.h"
#include "pkg/kube/resource.h"
#include "pkg/net/transport.h"

enum kube_verb { KUBE_GET, KUBE_CREATE, KUBE_PATCH, KUBE_DELETE };

struct kube_request {
	enum kube_verb verb;
	const struct kube_resource *resource;
	const char *ns;
	const char *name;        /* of a create too, for messages */
	const char *subresource; /* "status", or NULL */
	const struct json *body; /* object, merge patch, or DeleteOptions (preconditions) */
	bool strict;             /* fieldValidation=Strict */
	bool background;    /* Events: behind all other writes, a quarter of max_writes at once */
	bool urgent;        /* a write that waits for no other and for no Retry-After: a lease's */
	int64_t timeout_ms; /* of this request; 0: the client's */
	/* Asked with done's ctx when the request is about to be sent, after all that it waited for;
	 * it may only look. False: nothing is sent, done is told ERROR_TRANSIENT. NULL: always. */
	bool (*may_send)(void *ctx);
};

struct kube_client_config {
	struct transport *transport;
	struct timers *timers;
	const char *field_manager; /* "autoscaler-keda-hpa", on every create and patch */
	unsigned max_writes;       /* 0: 32 */
	int64_t timeout_ms; /* of one request; 0: 40 s, for the API server gives up after 34 */
};

struct kube_client;
struct kube_call;

/* object: the answer, borrowed until return; NULL with err. err->kind ERROR_NONE on success.
 * A 2xx that is no JSON object (8 MiB, depth 64 at most) is ERROR_TRANSIENT. The message of err is
 * the server's text where it sent one, else "create ScaledObject ns/name: what happened". */
typedef void kube_done_fn(void *ctx, const struct json *object, const struct error *err);

struct kube_client *kube_client_new(const struct kube_client_config *config);
void kube_client_free(struct kube_client *client); /* calls under way are cancelled */
struct timers *kube_client_timers(struct kube_client *client);
struct transport *kube_client_transport(struct kube_client *client);

/* done comes from the loop, never from within. Nothing of request is needed after the return but
 * done and ctx; done may send and cancel other calls, not free the client. */
struct kube_call *kube_client_send(struct kube_client *client, const struct kube_request *request,
				   kube_done_fn *done, void *ctx);
/* Not after done, nor from within it. Whether a write under way is applied stays unknown. */
void kube_client_cancel(struct kube_client *client, struct kube_call *call);
size_t kube_client_in_flight(const struct kube_client *client); /* writes, waiting ones too */

struct kube_client_stats {
	size_t reads, writes, background; /* running now; background: Events */
	size_t waiting;                   /* of all three */
	int64_t held_ms;                  /* for so long a Retry-After holds writes back; 0: none */
	int64_t ahead_ms;                 /* the API server's clock is, of ours */
};
void kube_client_stats(const struct kube_client *client, struct kube_client_stats *out);

/* "Now" by the API server: our wall clock plus the offset that its latest Date header showed
 * (the header has whole seconds: the offset moves only when it is off by more than 1.5 s).
 * Between answers it advances with the monotonic clock, so a stepped local clock changes nothing.
 */
int64_t kube_client_now_ms(const struct kube_client *client);
/* For reflectors, whose streams carry a Date too. */
void kube_client_saw_date(struct kube_client *client, int64_t date_ms);

/* The error that an answer stands for; ERROR_NONE for 2xx. Uses metav1.Status: reason tells
 * AlreadyExists from Conflict, and the message tells an admission denial or quota (DENIED) from
 * RBAC or a terminating namespace (FORBIDDEN). The message is the server's (4 KiB at most), else
 * "HTTP 503", with the first line of a plain text behind it. */
void kube_error_from_response(const struct http_response *response, struct error *err);
/* The same of a metav1.Status by itself: the object of a watch's ERROR event. Never ERROR_NONE. */
void kube_error_from_status(const struct json *status, struct error *err);

#endif
