/*
 * What loop.c and the HTTP client share: the loop owns the one CURLM, transports put their
 * easy handles into it and are told when one has finished. Only pkg/net includes this.
 */
#ifndef NET_INTERNAL_H
#define NET_INTERNAL_H

#include <curl/curl.h>
#include <stdbool.h>

#include "pkg/net/loop.h"
#include "pkg/net/sockets.h"

/* CURLOPT_PRIVATE of every easy handle in the loop's multi points to one of these. */
struct loop_transfer {
	/* Comes from the round, outside of curl: the handle may be removed and cleaned up here. */
	void (*finished)(struct loop_transfer *transfer, CURLcode result);
};

CURLM *loop_multi(struct loop *loop);
struct sockets *loop_sockets(struct loop *loop);
/* True inside curl's own callbacks, where no handle may be added or removed. */
bool loop_inside_curl(const struct loop *loop);

#endif
