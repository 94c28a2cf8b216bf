/*
 * A socket, or TLS on it. Invariant: OpenSSL's queue of errors is empty between two calls, so that
 * SSL_get_error tells of its own call alone.
 */
#include "pkg/grpc/wire.h"

#include <errno.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

void wire_open(struct wire *wire, int fd, SSL *ssl)
{
	*wire = (struct wire){.fd = fd, .ssl = ssl, .shaken = !ssl};
}

void wire_shut(struct wire *wire)
{
	if (wire->shut)
		return;
	wire->shut = true;
	/* close_notify, one try. */
	if (wire->ssl && wire->shaken)
		SSL_shutdown(wire->ssl);
	ERR_clear_error();
	shutdown(wire->fd, SHUT_WR);
}

void wire_close(struct wire *wire)
{
	wire_shut(wire);
	SSL_free(wire->ssl);
	close(wire->fd);
	wire->ssl = NULL;
	wire->fd = -1;
}

static enum wire_result judge_ssl(struct wire *wire, int result)
{
	int why = SSL_get_error(wire->ssl, result);
	ERR_clear_error();
	wire->waits_to_put = why == SSL_ERROR_WANT_WRITE;
	if (why == SSL_ERROR_NONE)
		return WIRE_DONE;
	if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
		return WIRE_WAIT;
	/* After these two nothing may be sent any more, not even close_notify. */
	if (why == SSL_ERROR_SSL || why == SSL_ERROR_SYSCALL)
		wire->shaken = false;
	return WIRE_OVER;
}

static enum wire_result judge_socket(ssize_t result, size_t *done)
{
	if (result > 0) {
		*done = (size_t)result;
		return WIRE_DONE;
	}
	if (result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return WIRE_WAIT;
	return WIRE_OVER;
}

enum wire_result wire_handshake(struct wire *wire)
{
	if (wire->shaken)
		return WIRE_DONE;
	const unsigned char *protocol;
	unsigned length;
	enum wire_result result = judge_ssl(wire, SSL_accept(wire->ssl));
	if (result != WIRE_DONE)
		return result;
	/* Nothing but h2 is chosen (tls.c); a client without ALPN has none. */
	SSL_get0_alpn_selected(wire->ssl, &protocol, &length);
	if (length == 0)
		return WIRE_OVER;
	wire->shaken = true;
	return WIRE_DONE;
}

enum wire_result wire_get(struct wire *wire, void *buf, size_t size, size_t *got)
{
	if (wire->ssl)
		return judge_ssl(wire, SSL_read_ex(wire->ssl, buf, size, got));
	return judge_socket(recv(wire->fd, buf, size, 0), got);
}

enum wire_result wire_put(struct wire *wire, const void *data, size_t length, size_t *put)
{
	if (wire->ssl)
		return judge_ssl(wire, SSL_write_ex(wire->ssl, data, length, put));
	return judge_socket(send(wire->fd, data, length, MSG_NOSIGNAL), put);
}
