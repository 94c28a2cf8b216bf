/*
 * Sockets that servers listen on: TCP, non-blocking, closed on exec, the address taken again at
 * once after a restart.
 */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include <stdint.h>

#include "pkg/base/compiler.h"
#include "pkg/base/error.h"

/* port 0 takes a free one. address: of IPv6 or IPv4; NULL: all interfaces, IPv6 with IPv4 mapped
 * into it, or IPv4 alone where there is no IPv6. -1: ERROR_FATAL. */
MUST_CHECK int listen_on(const char *address, uint16_t port, struct error *err);
/* 127.0.0.1 alone; ::1 where there is no IPv4. */
MUST_CHECK int listen_on_localhost(uint16_t port, struct error *err);
uint16_t listen_port(int fd);

#endif
