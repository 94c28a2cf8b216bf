/*
 * A small HTTP/1.1 server (libmicrohttpd, no thread of its own: its epoll descriptor sits in
 * the loop) for probes, metrics and debugging: GET and HEAD only, bodies of requests refused, 64
 * connections at most, their memory bounded, idle ones dropped after 10 s. While 32 MiB of answers
 * wait for readers who are slow, further requests get 503.
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
/* One for people on this machine: on 127.0.0.1 alone (::1 where there is no IPv4), 4 connections,
 * and only requests whose Host is localhost, 127.0.0.1 or [::1] are answered: a page in somebody's
 * browser cannot reach it by a name that it lets point here (DNS rebinding). */
MUST_CHECK bool httpd_new_local(struct loop *loop, uint16_t port,
				void (*answer)(void *ctx, const char *path,
					       struct httpd_answer *out),
				void *ctx, struct httpd **out, struct error *err);
/* From within answer: a parameter of the request's query, unescaped; "" if it has no value, NULL
 * if it is absent. Valid until answer returns. */
const char *httpd_query(const struct httpd *httpd, const char *name);
uint16_t httpd_port(const struct httpd *httpd);
void httpd_free(struct httpd *httpd);

#endif
