/* A small unordered array: a process has a handful of connections. */
#include "pkg/net/sockets.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pkg/base/check.h"

/* A peer that acknowledges nothing for so long is gone (RFC 5482). */
#define USER_TIMEOUT_MS 30000

curl_socket_t sockets_open(struct sockets *sockets, const void *owner,
			   const struct curl_sockaddr *address)
{
	int patience = USER_TIMEOUT_MS;
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	if (fd < 0)
		return CURL_SOCKET_BAD;
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof(patience));
	if (sockets->count == sockets->capacity) {
		sockets->capacity = sockets->capacity ? 2 * sockets->capacity : 8;
		sockets->all = xrealloc(sockets->all, sockets->capacity * sizeof(*sockets->all));
	}
	sockets->all[sockets->count++] = (struct tagged_socket){fd, owner};
	return fd;
}

int sockets_close(struct sockets *sockets, curl_socket_t fd)
{
	for (size_t i = 0; i < sockets->count; i++)
		if (sockets->all[i].fd == fd) {
			sockets->all[i] = sockets->all[--sockets->count];
			break;
		}
	close(fd);
	return 0;
}

void sockets_shutdown(struct sockets *sockets, const void *owner)
{
	for (size_t i = 0; i < sockets->count; i++)
		if (sockets->all[i].owner == owner)
			shutdown(sockets->all[i].fd, SHUT_RDWR);
}

void sockets_release(struct sockets *sockets)
{
	free(sockets->all);
	*sockets = (struct sockets){0};
}
