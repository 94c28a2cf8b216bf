/*
 * Sockets that servers listen on. Invariant: a descriptor that leaves here is bound and listens;
 * none is left open on a failure.
 */
#include "pkg/net/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pkg/base/check.h"

#define BACKLOG 64

static socklen_t parse_address(const char *address, bool ipv6, uint16_t port,
			       struct sockaddr_storage *out)
{
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)out;
	struct sockaddr_in *four = (struct sockaddr_in *)out;
	memset(out, 0, sizeof(*out));
	if (ipv6) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons(port);
		return inet_pton(AF_INET6, address ? address : "::", &six->sin6_addr) == 1
			   ? sizeof(*six)
			   : 0;
	}
	four->sin_family = AF_INET;
	four->sin_port = htons(port);
	return inet_pton(AF_INET, address ? address : "0.0.0.0", &four->sin_addr) == 1
		   ? sizeof(*four)
		   : 0;
}

static bool bind_to(int fd, const struct sockaddr_storage *where, socklen_t length)
{
	int on = 1, off = 0;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (where->ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	return bind(fd, (const struct sockaddr *)where, length) == 0 && listen(fd, BACKLOG) == 0;
}

/* -1 with errno. */
static int open_socket(const char *address, bool ipv6, uint16_t port)
{
	struct sockaddr_storage where;
	socklen_t length = parse_address(address, ipv6, port, &where);
	if (!length) {
		errno = EINVAL;
		return -1;
	}
	int fd = socket(where.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind_to(fd, &where, length))
		return fd;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

int listen_on(const char *address, uint16_t port, struct error *err)
{
	int fd = open_socket(address, true, port);
	if (fd < 0 && (errno == EINVAL || errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
		fd = open_socket(address, false, port);
	if (fd < 0)
		error_set(err, ERROR_FATAL, "listen on %s port %u: %s",
			  address ? address : "all interfaces", port, strerror(errno));
	return fd;
}

int listen_on_localhost(uint16_t port, struct error *err)
{
	int fd = open_socket("127.0.0.1", false, port);
	if (fd < 0 && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL))
		fd = open_socket("::1", true, port);
	if (fd < 0)
		error_set(err, ERROR_FATAL, "listen on localhost port %u: %s", port,
			  strerror(errno));
	return fd;
}

uint16_t listen_port(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} bound = {.v6 = {0}};
	socklen_t length = sizeof(bound);
	CHECK(getsockname(fd, &bound.any, &length) == 0);
	return ntohs(bound.any.sa_family == AF_INET6 ? bound.v6.sin6_port : bound.v4.sin_port);
}
