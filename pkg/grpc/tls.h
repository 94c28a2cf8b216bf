/*
 * The server's side of TLS: 1.2 at least, HTTP/2 by ALPN or nothing (RFC 9113 section 3.2), a
 * certificate and perhaps the authority of clients from files that are looked at again. Only
 * pkg/grpc includes this.
 */
#ifndef GRPC_TLS_H
#define GRPC_TLS_H

#include <openssl/ssl.h>
#include <stdint.h>

#include "pkg/base/error.h"

struct tls;

/* client_ca_file may be NULL. ERROR_FATAL: a file cannot be used. */
MUST_CHECK bool tls_new(const char *cert_file, const char *key_file, const char *client_ca_file,
			int64_t now_ms, struct tls **out, struct error *err);
void tls_free(struct tls *tls);
/* For a connection that was accepted, with the files' newest usable content. NULL: OpenSSL could
 * not make one. Yours. */
SSL *tls_accept(struct tls *tls, int fd, int64_t now_ms);

#endif
