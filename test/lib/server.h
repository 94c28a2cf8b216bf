/*
 * A plain HTTP/1.1 server for tests on a free loopback port: every connection has a thread that
 * reads whole requests and hands them to the test's script, which writes what it likes, raw.
 */
#ifndef TEST_LIB_SERVER_H
#define TEST_LIB_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pkg/base/compiler.h"

struct server;

struct exchange {
	int fd;
	int connection;      /* from 1, in the order they came */
	int number;          /* of the request in its connection, from 1 */
	const char *request; /* head and body, NUL-terminated */
	const char *body;    /* inside request */
};

/* script runs in the connection's thread: false closes the connection. Expectations belong into
 * the test's own thread. */
struct server *server_new(bool (*script)(void *ctx, struct exchange *exchange), void *ctx);
void server_free(struct server *server); /* cuts all connections, waits for the threads */
uint16_t server_port(const struct server *server);
int server_connections(struct server *server); /* accepted so far */

/* Writes all of it; false if the other end is gone. */
bool exchange_send(struct exchange *exchange, const char *format, ...) PRINTF_LIKE(2, 3);
bool exchange_write(struct exchange *exchange, const void *data, size_t length);
/* Until the other end closes, at most ms: true if it did. */
bool exchange_wait_closed(struct exchange *exchange, int ms);
void test_sleep_ms(int ms);

/* A listening socket on a free loopback port that accepts nothing. */
int test_listen(uint16_t *port);
/* A free loopback port below those that the kernel gives to clients: nobody else is given it by
 * chance until somebody listens there, which may take long where many tests run. */
uint16_t test_free_port(void);
/* A connected blocking socket to a loopback port; -1 if refused. */
int test_connect(uint16_t port);

#endif
