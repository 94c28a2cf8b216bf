/*
 * struct sockets: the open sockets of curl's connections, each with the transport it was opened
 * for. curl does not tell which connection a transfer under way uses; with this a transport can
 * at least end all of its own. It belongs to the loop, because connections outlive transports.
 */
#ifndef NET_SOCKETS_H
#define NET_SOCKETS_H

#include <curl/curl.h>
#include <stddef.h>

struct sockets {
	struct tagged_socket {
		curl_socket_t fd;
		const void *owner;
	} * all;
	size_t count, capacity;
};

/* -1 with errno. */
curl_socket_t sockets_open(struct sockets *sockets, const void *owner,
			   const struct curl_sockaddr *address);
int sockets_close(struct sockets *sockets, curl_socket_t fd); /* 0, for curl */
/* Both directions are shut; curl notices and closes them. */
void sockets_shutdown(struct sockets *sockets, const void *owner);
void sockets_release(struct sockets *sockets);

#endif
