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
	sockets->all[sockets->count++] = (struct tagged_socket){fd, owner, 0, INT64_MIN};
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

static long port_of(curl_socket_t fd)
{
	struct sockaddr_storage address = {0};
	socklen_t size = sizeof(address);
	if (getsockname(fd, (struct sockaddr *)&address, &size) != 0)
		return 0;
	if (address.ss_family == AF_INET)
		return ntohs(((struct sockaddr_in *)&address)->sin_port);
	return address.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&address)->sin6_port)
					     : 0;
}

static struct tagged_socket *find(struct sockets *sockets, long port)
{
	for (size_t i = 0; port && i < sockets->count; i++) {
		struct tagged_socket *one = &sockets->all[i];
		if (!one->port)
			one->port = port_of(one->fd);
		if (one->port == port)
			return one;
	}
	return NULL;
}

void sockets_heard(struct sockets *sockets, long port, int64_t now_ms)
{
	struct tagged_socket *one = find(sockets, port);
	if (one)
		one->heard_ms = now_ms;
}

int64_t sockets_heard_ms(struct sockets *sockets, long port)
{
	const struct tagged_socket *one = find(sockets, port);
	return one ? one->heard_ms : INT64_MIN;
}

void sockets_shutdown(struct sockets *sockets, const void *owner, long port)
{
	const struct tagged_socket *one = find(sockets, port);
	for (size_t i = 0; i < sockets->count; i++)
		if (sockets->all[i].owner == owner && (!port || one == &sockets->all[i]))
			shutdown(sockets->all[i].fd, SHUT_RDWR);
}

void sockets_release(struct sockets *sockets)
{
	free(sockets->all);
	*sockets = (struct sockets){0};
}
