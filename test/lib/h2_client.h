/*
 * A client of HTTP/2 and gRPC for tests (nghttp2), driven together with the server's loop in one
 * thread. What it sends may be cut into pieces of any size, and it may be told not to read.
 */
#ifndef TEST_LIB_H2_CLIENT_H
#define TEST_LIB_H2_CLIENT_H

#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>

#include "pkg/base/strbuf.h"
#include "pkg/net/loop.h"

#define H2_ANSWERS_MAX 4096

struct h2_answer {
	int32_t stream;
	int http_status;    /* 0: none yet */
	int code;           /* grpc-status; -1: none yet */
	bool trailers_only; /* the status came with the first headers */
	char text[2048];    /* grpc-message as it was sent */
	char content_type[64], encodings[64], allow[16];
	struct strbuf body; /* with prefixes */
	bool closed;
	uint32_t reset;        /* why it was closed */
	struct strbuf request; /* what is sent, from sent on */
	size_t sent;
	bool open; /* the request does not end */
};

struct h2_client {
	struct loop *loop;
	int fd;              /* -1: closed by the server */
	SSL *ssl;            /* NULL: plain */
	char ssl_error[128]; /* the last reason that TLS told */
	nghttp2_session *session;
	size_t split; /* bytes a write; 0: as they come */
	bool deaf;    /* reads nothing */
	struct strbuf out;
	struct h2_answer *answers[H2_ANSWERS_MAX]; /* in the order of calls */
	size_t count;
	int64_t goaway; /* its code; -1: none */
	int pongs;
};

struct h2_call {
	const char *method, *path, *content_type,
	    *timeout;     /* NULL: POST, -, application/grpc, none */
	const void *data; /* the body, prefixes included */
	size_t length;
	size_t padding; /* bytes of a further header */
	bool open;      /* the request does not end */
};

/* Connects to 127.0.0.1. The program ends if that fails. */
void h2_client_open(struct h2_client *client, struct loop *loop, uint16_t port);
/* The same on a descriptor that is connected; taken over. */
void h2_client_adopt(struct h2_client *client, struct loop *loop, int fd);

/* NULL: not checked, none, none; "": no ALPN. */
struct h2_tls {
	const char *ca_file, *host, *cert_file, *key_file;
	const char *alpn; /* NULL: "h2" */
	int max_version;  /* TLS1_2_VERSION, ...; 0: any */
};
/* With TLS; files and hosts that are wrong show as a closed connection and ssl_error. */
void h2_client_open_tls(struct h2_client *client, struct loop *loop, uint16_t port,
			const struct h2_tls *tls);
void h2_client_close(struct h2_client *client);

/* The request is sent by h2_client_run; data is copied. The place of its answer. */
struct h2_answer *h2_client_call(struct h2_client *client, const struct h2_call *call);
/* A whole message of text with its prefix. */
struct h2_answer *h2_client_ask(struct h2_client *client, const char *path, const void *message,
				size_t length);
void h2_client_reset(struct h2_client *client, const struct h2_answer *answer);
/* Bytes as they are, behind what was sent before. */
void h2_client_raw(struct h2_client *client, const void *data, size_t length);
/* Sends, receives and steps the loop until *until is true, or nothing is there to wait for (until
 * NULL: some rounds); false after 100 s. */
bool h2_client_run(struct h2_client *client, const bool *until);

#endif
