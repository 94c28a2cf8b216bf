/*
 * struct sockets: the open sockets of curl's connections, each with the transport it was opened
 * for and the time something was last heard on it. Of the connection that a transfer uses curl
 * tells no more than the local port, so that is its name here. They belong to the loop, because
 * connections outlive transports.
 */
#ifndef NET_SOCKETS_H
#define NET_SOCKETS_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockets {
	struct tagged_socket {
		curl_socket_t fd;
		const void *owner;
		long port;        /* local; 0: not asked for yet */
		int64_t heard_ms; /* monotonic; INT64_MIN: never */
	} * all;
	size_t count, capacity;
};

/* -1 with errno. */
curl_socket_t sockets_open(struct sockets *sockets, const void *owner,
			   const struct curl_sockaddr *address);
int sockets_close(struct sockets *sockets, curl_socket_t fd); /* 0, for curl */
/* Something came through the connection from that local port. */
void sockets_heard(struct sockets *sockets, long port, int64_t now_ms);
/* When that was; INT64_MIN: never, or no such connection. */
int64_t sockets_heard_ms(struct sockets *sockets, long port);
/* Both directions are shut; curl notices and closes them. port 0: all of the owner's. */
void sockets_shutdown(struct sockets *sockets, const void *owner, long port);
void sockets_release(struct sockets *sockets);

#endif
