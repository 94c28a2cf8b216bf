/*
 * One HTTP request: how it is put to curl and how its answer is taken in. Invariant: curl's
 * callbacks touch only their own call and hand on nothing of one that is dead or has failed.
 */
#include "pkg/net/call.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pkg/base/check.h"
#include "pkg/base/date.h"

#define BODY_MAX_DEFAULT ((size_t)8 * 1024 * 1024)
#define ERROR_TEXT_MAX ((size_t)64 * 1024)
#define HEADERS_MAX ((size_t)256 * 1024)
#define CONNECT_TIMEOUT_S 10
#define RETRY_AFTER_MAX_S 3600
#define KEEPALIVE_S 15

static bool succeeded(const struct http_call *call)
{
	return call->response.status >= 200 && call->response.status < 300;
}

static bool dead(const struct http_call *call)
{
	return call->state == CALL_DEAD;
}

long call_port(const struct http_call *call)
{
	long port = 0;
	curl_easy_getinfo(call->easy, CURLINFO_LOCAL_PORT, &port);
	return port > 0 ? port : 0;
}

static void heard(struct http_call *call)
{
	struct curl_transport *transport = call->owner;
	call->heard_ms = transport->heard_ms = timers_now(transport->timers);
	call->spared = false;
	sockets_heard(loop_sockets(transport->loop), call_port(call), call->heard_ms);
}

static void take_status(struct http_call *call, const char *line)
{
	const char *blank = strchr(line, ' ');
	long status = blank ? strtol(blank, NULL, 10) : 0;
	call->response = (struct http_response){0};
	call->response.status = status >= 100 && status <= 999 ? (int)status : 0;
}

static void take_retry_after(struct http_call *call, const char *value)
{
	char *end;
	if (*value < '0' || *value > '9')
		return;
	long long seconds = strtoll(value, &end, 10);
	if (*end)
		return;
	if (seconds > RETRY_AFTER_MAX_S)
		seconds = RETRY_AFTER_MAX_S;
	call->response.retry_after_ms = seconds * 1000;
}

static void take_field(struct http_call *call, char *line)
{
	char *value = strchr(line, ':');
	if (!value)
		return;
	*value++ = 0;
	value += strspn(value, " \t");
	if (strcasecmp(line, "retry-after") == 0)
		take_retry_after(call, value);
	else if (strcasecmp(line, "date") == 0 &&
		 !time_parse_http_date(value, &call->response.date_ms))
		call->response.date_ms = 0;
}

static void end_head(struct http_call *call)
{
	if (call->response.status < 200)
		return; /* 1xx: the real one follows */
	call->in_body = true;
	call->head_ms = timers_now(call->owner->timers);
	if (call->stream && succeeded(call) && call->events.head) {
		call->response.body = "";
		call->events.head(call->ctx, &call->response);
	}
}

static void take_header_line(struct http_call *call, const char *data, size_t length)
{
	char line[256];
	while (length > 0 && strchr(" \t\r\n", data[length - 1]))
		length--;
	if (length >= sizeof(line))
		length = sizeof(line) - 1; /* none of those we read is so long */
	memcpy(line, data, length);
	line[length] = 0;
	if (length == 0)
		end_head(call);
	else if (strncmp(line, "HTTP/", 5) == 0)
		take_status(call, line);
	else
		take_field(call, line);
}

static size_t on_header(char *data, size_t size, size_t count, void *ctx)
{
	struct http_call *call = ctx;
	size_t length = size * count;
	if (dead(call))
		return 0;
	heard(call);
	call->header_bytes += length;
	if (call->header_bytes > HEADERS_MAX) {
		error_set(&call->failure, ERROR_INVALID, "headers larger than 256 KiB");
		return 0;
	}
	if (!call->in_body)
		take_header_line(call, data, length);
	return dead(call) ? 0 : length;
}

static bool collect(struct http_call *call, const char *data, size_t length)
{
	size_t max = call->stream ? ERROR_TEXT_MAX : call->max_body;
	if (length <= max - call->body.len) {
		strbuf_add(&call->body, data, length);
		return true;
	}
	if (call->stream) {
		strbuf_add(&call->body, data, max - call->body.len);
		call->cut = true;
	} else {
		error_set(&call->failure, ERROR_INVALID, "answer larger than %zu bytes", max);
	}
	return false;
}

static size_t on_data(char *data, size_t size, size_t count, void *ctx)
{
	struct http_call *call = ctx;
	size_t length = size * count;
	if (dead(call))
		return CURL_WRITEFUNC_ERROR;
	heard(call);
	if (!call->stream || !succeeded(call))
		return collect(call, data, length) ? length : CURL_WRITEFUNC_ERROR;
	bool more = call->events.data(call->ctx, data, length);
	if (!more && !dead(call))
		error_set(&call->failure, ERROR_FATAL, "the receiver ended the stream");
	return more && !dead(call) ? length : CURL_WRITEFUNC_ERROR;
}

void call_forbid(struct http_call *call)
{
	error_set(&call->failure, ERROR_TRANSIENT, "not sent: it was called back in time");
}

bool call_may_leave(const struct http_call *call)
{
	return !call->leaving || (!dead(call) && call->leaving(call->ctx));
}

/* Cancelled or forbidden since it was given to curl: not a byte of it is sent. libcurl 7.88 breaks
 * the next stream of a connection on which it has ended one so early: that is not used again. */
static int on_leaving(void *ctx, char *to UNUSED, char *from UNUSED, int to_port UNUSED,
		      int from_port)
{
	struct http_call *call = ctx;
	if (call_may_leave(call))
		return CURL_PREREQFUNC_OK;
	call_forbid(call);
	sockets_shutdown(loop_sockets(call->owner->loop), call->owner, from_port);
	return CURL_PREREQFUNC_ABORT;
}

static curl_socket_t on_open(void *ctx, curlsocktype purpose UNUSED, struct curl_sockaddr *address)
{
	struct curl_transport *transport = ctx;
	return sockets_open(loop_sockets(transport->loop), transport, address);
}

/* Comes when the transport may be gone: the set lives with the loop. */
static int on_close(void *ctx, curl_socket_t fd)
{
	return sockets_close(ctx, fd);
}

static void add_header(struct http_call *call, const char *line)
{
	call->headers = curl_slist_append(call->headers, line);
	CHECK(call->headers);
}

static void set_headers(struct http_call *call, const struct http_request *request)
{
	CLEANUP(strbuf_release) struct strbuf line = STRBUF_INIT;
	add_header(call, "Accept: application/json");
	add_header(call, "Expect:"); /* no 100-continue pause before large bodies */
	if (request->content_type) {
		strbuf_addf(&line, "Content-Type: %s", request->content_type);
		add_header(call, line.buf);
	}
	call->headers = identity_headers(&call->owner->identity, call->headers);
	curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
}

static void set_request(struct http_call *call, const struct http_request *request)
{
	CLEANUP(strbuf_release) struct strbuf url = STRBUF_INIT;
	CHECK(request->path && request->path[0] == '/');
	strbuf_addf(&url, "%s%s", call->owner->identity.base, request->path);
	CHECK(curl_easy_setopt(call->easy, CURLOPT_URL, url.buf) == CURLE_OK);
	curl_easy_setopt(call->easy, CURLOPT_PATH_AS_IS, 1L);
	if (request->body || strcmp(request->method, "POST") == 0) {
		curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)request->body_length);
		CHECK(curl_easy_setopt(call->easy, CURLOPT_COPYPOSTFIELDS,
				       request->body ? request->body : "") == CURLE_OK);
	}
	curl_easy_setopt(call->easy, CURLOPT_CUSTOMREQUEST, call->method);
	set_headers(call, request);
}

static void set_connection(struct http_call *call)
{
	CURL *easy = call->easy;
	bool tls = call->owner->identity.tls;
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	/* Defaults of curl's, which a request that carries a token depends on. */
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
	curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, NULL);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	/* The first burst shares one connection; plain HTTP/1.1 would only queue behind it. */
	curl_easy_setopt(easy, CURLOPT_PIPEWAIT, tls ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
	curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_S);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_S);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_leaving);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, call);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call->owner);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, loop_sockets(call->owner->loop));
	identity_apply(&call->owner->identity, easy);
}

static void set_callbacks(struct http_call *call)
{
	curl_easy_setopt(call->easy, CURLOPT_PRIVATE, &call->transfer);
	curl_easy_setopt(call->easy, CURLOPT_ERRORBUFFER, call->curl_error);
	curl_easy_setopt(call->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(call->easy, CURLOPT_HEADERDATA, call);
	curl_easy_setopt(call->easy, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(call->easy, CURLOPT_WRITEDATA, call);
}

struct http_call *call_new(struct curl_transport *transport, const struct http_request *request,
			   const struct http_events *events, void *ctx)
{
	CHECK(events->done && (!request->stream || events->data));
	CHECK(strlen(request->method) < sizeof(((struct http_call *)0)->method));
	struct http_call *call = xcalloc(1, sizeof(*call));
	call->owner = transport;
	memcpy(call->method, request->method, strlen(request->method) + 1);
	call->events = *events;
	call->ctx = ctx;
	call->stream = request->stream;
	call->timeout_ms = request->timeout_ms;
	call->idle_ms = request->idle_ms;
	call->leaving = request->leaving;
	call->max_body = request->max_body ? request->max_body : BODY_MAX_DEFAULT;
	call->body = (struct strbuf)STRBUF_INIT;
	call->started_ms = call->heard_ms = timers_now(transport->timers);
	call->easy = curl_easy_init();
	CHECK(call->easy);
	set_callbacks(call);
	set_connection(call);
	set_request(call, request);
	return call;
}

void call_free(struct http_call *call)
{
	curl_easy_cleanup(call->easy);
	curl_slist_free_all(call->headers);
	strbuf_release(&call->body);
	error_clear(&call->failure);
	free(call);
}

static bool about_connecting(const struct http_call *call, CURLcode result, struct error *err)
{
	const struct identity *identity = &call->owner->identity;
	const char *where = identity->proxy_shown ? identity->proxy_shown : identity->shown;
	long number = 0;
	switch (result) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return error_set(err, ERROR_TRANSIENT, "resolve %s: no address found", where);
	case CURLE_COULDNT_CONNECT:
		curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &number);
		return error_set(err, ERROR_TRANSIENT, "connect to %s: %s", where,
				 number ? strerror((int)number) : "failed");
	case CURLE_OPERATION_TIMEDOUT: /* the only one that is left to curl */
		return error_set(err, ERROR_TRANSIENT, "connect to %s: no answer within %d s",
				 where, CONNECT_TIMEOUT_S);
	default:
		return true;
	}
}

static const char *area_of(CURLcode result)
{
	switch (result) {
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		return "TLS";
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return "HTTP/2";
	default:
		return "connection broken";
	}
}

void call_judge(struct http_call *call, CURLcode result, struct error *err)
{
	const char *text = call->curl_error[0] ? call->curl_error : curl_easy_strerror(result);
	call->response.body = call->body.buf;
	call->response.length = call->body.len;
	if (call->failure.kind != ERROR_NONE)
		error_take(err, &call->failure);
	else if (result == CURLE_OK && !call->in_body) /* curl takes it for an empty body */
		error_set(err, ERROR_TRANSIENT, "connection broken: closed within the headers");
	else if (result != CURLE_OK && !call->cut && about_connecting(call, result, err))
		error_set(err, ERROR_TRANSIENT, "%s: %s", area_of(result), text);
	if (err->kind == ERROR_NONE)
		return;
	/* Half an answer is none. */
	call->response.body = "";
	call->response.length = 0;
	err->status = call->response.status;
}
