/*
 * A small HTTP/1.1 server (libmicrohttpd, no thread of its own: its epoll descriptor sits in
 * the loop) for probes and metrics: GET and HEAD only, bodies of requests refused, connections
 * and their memory bounded, idle ones dropped after 10 s.
 */
#ifndef NET_HTTPD_H
#define NET_HTTPD_H

#include <stdint.h>

#include "pkg/base/strbuf.h"
#include "pkg/net/loop.h"

struct httpd;

struct httpd_answer {
	int status;               /* 404 unless set */
	const char *content_type; /* static text */
	struct strbuf body;
};

/* port 0 takes a free one (httpd_port tells it). address NULL: all interfaces. */
MUST_CHECK bool httpd_new(struct loop *loop, const char *address, uint16_t port,
			  void (*answer)(void *ctx, const char *path, struct httpd_answer *out),
			  void *ctx, struct httpd **out, struct error *err);
uint16_t httpd_port(const struct httpd *httpd);
void httpd_free(struct httpd *httpd);

#endif
