/*
 * The bytes of one connection: a non-blocking socket, or TLS on it. Only pkg/grpc includes this.
 */
#ifndef GRPC_WIRE_H
#define GRPC_WIRE_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>

enum wire_result {
	WIRE_DONE,
	WIRE_WAIT, /* nothing for now */
	WIRE_OVER, /* closed by the peer, or broken */
};

struct wire {
	int fd;
	SSL *ssl;          /* NULL: plain */
	bool shaken;       /* the handshake is done */
	bool shut;         /* nothing may be sent any more */
	bool waits_to_put; /* TLS cannot go on before the socket takes bytes */
};

/* Takes both over. */
void wire_open(struct wire *wire, int fd, SSL *ssl);
void wire_close(struct wire *wire);
/* Tells the peer that no more comes. Fine twice. */
void wire_shut(struct wire *wire);
/* Until it is done nothing is read or written. */
enum wire_result wire_handshake(struct wire *wire);
/* WIRE_DONE: *got > 0. */
enum wire_result wire_get(struct wire *wire, void *buf, size_t size, size_t *got);
/* WIRE_DONE: *put > 0; perhaps not all. */
enum wire_result wire_put(struct wire *wire, const void *data, size_t length, size_t *put);

#endif
