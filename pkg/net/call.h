/*
 * struct http_call: one request on its way and what its answer has shown so far; and struct
 * curl_transport, which owns the calls. A call is in exactly one of the transport's lists:
 *
 *   start ─▶ waiting ──settle──▶ running ──▶ done, freed
 *               └────── cancel ─────┴──▶ dead ──settle──▶ freed
 *
 * "Settle" is a timer that is due at once: curl forbids adding and removing handles inside its
 * callbacks, and from a timer it is always allowed. Only pkg/net includes this.
 */
#ifndef NET_CALL_H
#define NET_CALL_H

#include <curl/curl.h>
#include <sys/queue.h>

#include "pkg/base/strbuf.h"
#include "pkg/base/timer.h"
#include "pkg/net/identity.h"
#include "pkg/net/internal.h"
#include "pkg/net/transport.h"

enum call_state { CALL_WAITING, CALL_RUNNING, CALL_DEAD };

struct http_call {
	struct loop_transfer transfer; /* first: curl's private pointer leads here */
	TAILQ_ENTRY(http_call) link;
	struct curl_transport *owner;
	enum call_state state; /* which list it is in */
	CURL *easy;
	struct curl_slist *headers;
	char method[8];
	struct http_events events;
	void *ctx;
	struct timer limit;                    /* due when time or patience may have run out */
	int64_t started_ms, heard_ms, head_ms; /* monotonic; the last byte, the head's end */
	int64_t timeout_ms, idle_ms;
	bool (*leaving)(void *ctx);
	size_t max_body, header_bytes;
	bool stream;
	bool in_body;         /* head complete: what comes as header is a trailer */
	bool cut;             /* enough of an error's text has come */
	bool spared;          /* its limit struck late; nothing heard since */
	struct error failure; /* why we ended it ourselves */
	struct strbuf body;
	struct http_response response;
	char curl_error[CURL_ERROR_SIZE];
};

TAILQ_HEAD(call_list, http_call);

#define CALL_STATES (CALL_DEAD + 1)

struct curl_transport {
	struct transport base; /* first */
	struct loop *loop;
	struct timers *timers;
	struct identity identity;
	struct call_list calls[CALL_STATES];
	struct timer settle;
	int64_t heard_ms; /* last byte of any call */
	void (*finished)(void *ctx, const char *method, int status, int64_t duration_ms);
	void *finished_ctx;
};

/* Sets up the easy handle; nothing is sent before it is added to the multi. */
struct http_call *call_new(struct curl_transport *transport, const struct http_request *request,
			   const struct http_events *events, void *ctx);
/* Once it is out of the multi, of its list and its timer is disarmed; the owner is not touched. */
void call_free(struct http_call *call);
/* http_request.leaving's answer: may it be sent, now? */
bool call_may_leave(const struct http_call *call);
/* What its end will tell where it may not. */
void call_forbid(struct http_call *call);
/* The local port of the connection it uses; 0: of none yet. */
long call_port(const struct http_call *call);
/* What the answer's end means; err stays clear for a whole one. */
void call_judge(struct http_call *call, CURLcode result, struct error *err);

#endif
