/* A client of HTTP/2 and gRPC for tests. Its answers keep their places while it lives. */
#include "test/lib/h2_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pkg/base/check.h"

#define PATIENCE_MS 100000
#define QUIET_ROUNDS 20

static bool is(const uint8_t *text, size_t length, const char *name)
{
	return strlen(name) == length && memcmp(text, name, length) == 0;
}

static void keep(char *out, size_t size, const uint8_t *value, size_t length)
{
	snprintf(out, size, "%.*s", (int)length, (const char *)value);
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
		     size_t name_length, const uint8_t *value, size_t length, uint8_t flags UNUSED,
		     void *ctx UNUSED)
{
	struct h2_answer *answer =
	    nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
	char number[16];
	if (!answer)
		return 0;
	keep(number, sizeof(number), value, length);
	if (is(name, name_length, ":status"))
		answer->http_status = (int)strtol(number, NULL, 10);
	if (is(name, name_length, "grpc-status")) {
		answer->code = (int)strtol(number, NULL, 10);
		answer->trailers_only = frame->headers.cat == NGHTTP2_HCAT_RESPONSE;
	}
	if (is(name, name_length, "grpc-message"))
		keep(answer->text, sizeof(answer->text), value, length);
	if (is(name, name_length, "content-type"))
		keep(answer->content_type, sizeof(answer->content_type), value, length);
	if (is(name, name_length, "grpc-accept-encoding"))
		keep(answer->encodings, sizeof(answer->encodings), value, length);
	if (is(name, name_length, "allow"))
		keep(answer->allow, sizeof(answer->allow), value, length);
	return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags UNUSED, int32_t stream,
		   const uint8_t *data, size_t length, void *ctx UNUSED)
{
	struct h2_answer *answer = nghttp2_session_get_stream_user_data(session, stream);
	if (answer)
		strbuf_add(&answer->body, data, length);
	return 0;
}

static int on_stream_close(nghttp2_session *session, int32_t stream, uint32_t code,
			   void *ctx UNUSED)
{
	struct h2_answer *answer = nghttp2_session_get_stream_user_data(session, stream);
	if (answer) {
		answer->closed = true;
		answer->reset = code;
	}
	return 0;
}

static int on_frame(nghttp2_session *session UNUSED, const nghttp2_frame *frame, void *ctx)
{
	struct h2_client *client = ctx;
	if (frame->hd.type == NGHTTP2_GOAWAY)
		client->goaway = frame->goaway.error_code;
	if (frame->hd.type == NGHTTP2_PING && (frame->hd.flags & NGHTTP2_FLAG_ACK))
		client->pongs++;
	return 0;
}

void h2_client_adopt(struct h2_client *client, struct loop *loop, int fd)
{
	nghttp2_session_callbacks *callbacks;
	memset(client, 0, sizeof(*client));
	client->loop = loop;
	client->fd = fd;
	client->goaway = -1;
	client->out = (struct strbuf)STRBUF_INIT;
	CHECK(fcntl(fd, F_SETFL, O_NONBLOCK) == 0);
	CHECK(nghttp2_session_callbacks_new(&callbacks) == 0);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	CHECK(nghttp2_session_client_new(&client->session, callbacks, client) == 0);
	nghttp2_session_callbacks_del(callbacks);
	CHECK(nghttp2_submit_settings(client->session, NGHTTP2_FLAG_NONE, NULL, 0) == 0);
}

void h2_client_open(struct h2_client *client, struct loop *loop, uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	h2_client_adopt(client, loop, fd);
}

static SSL_CTX *context_of(const struct h2_tls *tls)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	CHECK(context);
	SSL_CTX_set_security_level(context, 0);
	SSL_CTX_set_mode(context,
			 SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_verify(context, tls->ca_file ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	CHECK(!tls->ca_file || SSL_CTX_load_verify_file(context, tls->ca_file) == 1);
	CHECK(!tls->cert_file || SSL_CTX_use_certificate_chain_file(context, tls->cert_file) == 1);
	CHECK(!tls->key_file ||
	      SSL_CTX_use_PrivateKey_file(context, tls->key_file, SSL_FILETYPE_PEM) == 1);
	CHECK(SSL_CTX_set_max_proto_version(context, tls->max_version) == 1);
	return context;
}

void h2_client_open_tls(struct h2_client *client, struct loop *loop, uint16_t port,
			const struct h2_tls *tls)
{
	const char *alpn = tls->alpn ? tls->alpn : "h2";
	uint8_t offer[32];
	SSL_CTX *context = context_of(tls);
	h2_client_open(client, loop, port);
	client->ssl = SSL_new(context);
	SSL_CTX_free(context);
	CHECK(client->ssl && SSL_set_fd(client->ssl, client->fd) == 1);
	CHECK(!tls->host || SSL_set1_host(client->ssl, tls->host) == 1);
	offer[0] = (uint8_t)snprintf((char *)offer + 1, sizeof(offer) - 1, "%s", alpn);
	if (*alpn)
		SSL_set_alpn_protos(client->ssl, offer, offer[0] + 1U);
	SSL_set_connect_state(client->ssl);
}

static void hang_up(struct h2_client *client)
{
	SSL_free(client->ssl);
	client->ssl = NULL;
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
}

void h2_client_close(struct h2_client *client)
{
	hang_up(client);
	nghttp2_session_del(client->session);
	strbuf_release(&client->out);
	for (size_t i = 0; i < client->count; i++) {
		strbuf_release(&client->answers[i]->body);
		strbuf_release(&client->answers[i]->request);
		free(client->answers[i]);
	}
}

/* ---- requests ---- */

static ssize_t read_request(nghttp2_session *session UNUSED, int32_t stream UNUSED, uint8_t *buf,
			    size_t size, uint32_t *flags, nghttp2_data_source *source,
			    void *ctx UNUSED)
{
	struct h2_answer *answer = source->ptr;
	size_t length = answer->request.len - answer->sent;
	if (length == 0 && answer->open)
		return NGHTTP2_ERR_DEFERRED;
	if (length > size)
		length = size;
	memcpy(buf, answer->request.buf + answer->sent, length);
	answer->sent += length;
	if (answer->sent == answer->request.len && !answer->open)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)length;
}

static nghttp2_nv field(const char *name, const char *value)
{
	return (nghttp2_nv){(uint8_t *)(uintptr_t)name, (uint8_t *)(uintptr_t)value, strlen(name),
			    strlen(value), NGHTTP2_NV_FLAG_NONE};
}

static const char *or_else(const char *text, const char *other)
{
	return text ? text : other;
}

struct h2_answer *h2_client_call(struct h2_client *client, const struct h2_call *call)
{
	CLEANUP(strbuf_release) struct strbuf padding = STRBUF_INIT;
	nghttp2_nv fields[8] = {
	    field(":method", or_else(call->method, "POST")),
	    field(":scheme", "http"),
	    field(":authority", "test"),
	    field(":path", call->path),
	    field("te", "trailers"),
	    field("content-type", or_else(call->content_type, "application/grpc"))};
	size_t count = 6;
	for (size_t i = 0; i < call->padding; i++)
		strbuf_addch(&padding, 'x');
	if (call->timeout)
		fields[count++] = field("grpc-timeout", call->timeout);
	if (call->padding)
		fields[count++] = field("padding", padding.buf);
	CHECK(client->count < H2_ANSWERS_MAX);
	struct h2_answer *answer = xcalloc(1, sizeof(*answer));
	client->answers[client->count++] = answer;
	nghttp2_data_provider provider = {.source.ptr = answer, .read_callback = read_request};
	answer->code = -1;
	answer->open = call->open;
	answer->body = answer->request = (struct strbuf)STRBUF_INIT;
	strbuf_add(&answer->request, call->data, call->length);
	answer->stream =
	    nghttp2_submit_request(client->session, NULL, fields, count, &provider, answer);
	CHECK(answer->stream > 0);
	return answer;
}

struct h2_answer *h2_client_ask(struct h2_client *client, const char *path, const void *message,
				size_t length)
{
	CLEANUP(strbuf_release) struct strbuf data = STRBUF_INIT;
	uint8_t prefix[5] = {0, (uint8_t)(length >> 24), (uint8_t)(length >> 16),
			     (uint8_t)(length >> 8), (uint8_t)length};
	strbuf_add(&data, prefix, sizeof(prefix));
	strbuf_add(&data, message, length);
	return h2_client_call(
	    client, &(struct h2_call){.path = path, .data = data.buf, .length = data.len});
}

void h2_client_reset(struct h2_client *client, const struct h2_answer *answer)
{
	nghttp2_submit_rst_stream(client->session, NGHTTP2_FLAG_NONE, answer->stream,
				  NGHTTP2_CANCEL);
}

/* ---- bytes ---- */

static void gather(struct h2_client *client)
{
	const uint8_t *data;
	ssize_t length;
	while ((length = nghttp2_session_mem_send(client->session, &data)) > 0)
		strbuf_add(&client->out, data, (size_t)length);
}

void h2_client_raw(struct h2_client *client, const void *data, size_t length)
{
	gather(client);
	strbuf_add(&client->out, data, length);
}

/* Of TLS: more than 0 bytes, 0 for none now; hangs up when it is over. */
static ssize_t judged(struct h2_client *client, int result)
{
	int why = SSL_get_error(client->ssl, result);
	if (result > 0)
		return result;
	if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
		const char *reason = ERR_reason_error_string(ERR_get_error());
		snprintf(client->ssl_error, sizeof(client->ssl_error), "%s", reason ? reason : "");
		hang_up(client);
	}
	ERR_clear_error();
	return 0;
}

static bool push(struct h2_client *client)
{
	size_t length = client->out.len;
	if (client->split && length > client->split)
		length = client->split;
	if (client->fd < 0 || length == 0)
		return false;
	ssize_t sent = client->ssl
			   ? judged(client, SSL_write(client->ssl, client->out.buf, (int)length))
			   : send(client->fd, client->out.buf, length, MSG_NOSIGNAL);
	if (sent <= 0)
		return false;
	memmove(client->out.buf, client->out.buf + sent, client->out.len - (size_t)sent);
	client->out.len -= (size_t)sent;
	return true;
}

static bool pull(struct h2_client *client)
{
	uint8_t bytes[4096];
	if (client->fd < 0 || client->deaf)
		return false;
	ssize_t got = client->ssl ? judged(client, SSL_read(client->ssl, bytes, sizeof(bytes)))
				  : recv(client->fd, bytes, sizeof(bytes), 0);
	if (got > 0)
		return nghttp2_session_mem_recv(client->session, bytes, (size_t)got) >= 0;
	if (client->fd >= 0 && !client->ssl && (got == 0 || (errno != EAGAIN && errno != EINTR)))
		hang_up(client);
	return false;
}

bool h2_client_run(struct h2_client *client, const bool *until)
{
	int64_t end = clock_mono(&system_clock) + PATIENCE_MS;
	int quiet = 0;
	while (until ? !*until : quiet < QUIET_ROUNDS) {
		gather(client);
		bool moved = push(client);
		loop_step(client->loop, moved ? 0 : 1);
		moved = pull(client) || moved;
		quiet = moved ? 0 : quiet + 1;
		if (clock_mono(&system_clock) > end)
			return false;
	}
	return true;
}
