/*
 * Bytes of a client on a connection to the gRPC server: whatever they are, and however they are
 * cut, each call that a method was given ends once, by the method or by gone; a request is given
 * whole, and what another client asks is answered as before.
 *
 * Input: a byte that says how many bytes are sent at a time (0: all), another whose bit 0 puts the
 * preface and a SETTINGS frame before the rest, then what the client sends before it closes.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pkg/base/log.h"
#include "pkg/grpc/internal.h"
#include "test/fuzz/fuzz.h"

#define HELD_MAX 64

struct site {
	struct loop *loop;
	struct grpc_server *server;
	struct grpc_call *held[HELD_MAX];
	size_t held_count;
};

static void echo(void *ctx UNUSED, struct grpc_call *call, const void *message, size_t length)
{
	CHECK(length <= GRPC_MESSAGE_MAX);
	grpc_send(call, message, length);
	grpc_finish(call, GRPC_OK, NULL);
}

static void refuse(void *ctx UNUSED, struct grpc_call *call, const void *message, size_t length)
{
	char *text = xstrndup(message, length);
	grpc_finish(call, GRPC_INVALID_ARGUMENT, text);
	free(text);
}

static void hold(void *ctx, struct grpc_call *call, const void *message, size_t length)
{
	struct site *site = ctx;
	grpc_send(call, message, length);
	grpc_call_set(call, site);
	if (site->held_count == HELD_MAX) {
		grpc_finish(call, GRPC_RESOURCE_EXHAUSTED, NULL);
		return;
	}
	site->held[site->held_count++] = call;
}

static void gone(void *ctx, struct grpc_call *call)
{
	struct site *site = ctx;
	size_t i = 0;
	CHECK(grpc_call_get(call) == site);
	while (i < site->held_count && site->held[i] != call)
		i++;
	CHECK(i < site->held_count);
	site->held[i] = site->held[--site->held_count];
}

static void setup(struct site *site)
{
	static const struct grpc_method methods[] = {
	    {"/t/E", echo, NULL}, {"/t/R", refuse, NULL}, {"/t/H", hold, gone}};
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	*site = (struct site){.loop = loop_new(&system_clock)};
	log_setup(&system_clock, NULL, fuzz_take_log, NULL);
	struct grpc_server_config config = {.loop = site->loop,
					    .address = "127.0.0.1",
					    .methods = methods,
					    .method_count = ARRAY_SIZE(methods),
					    .ctx = site};
	CHECK(grpc_server_new(&config, &site->server, &err));
}

static void teardown(struct site *site)
{
	grpc_server_free(site->server);
	CHECK(site->held_count == 0);
	loop_free(site->loop);
}

static int connect_one(struct site *site)
{
	int fds[2];
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
	connection_open(site->server, fds[1]);
	return fds[0];
}

static size_t read_all(int fd, uint8_t *out, size_t size)
{
	uint8_t bytes[4096];
	size_t total = 0;
	ssize_t got;
	while ((got = recv(fd, bytes, sizeof(bytes), 0)) > 0) {
		for (ssize_t i = 0; i < got && total < size; i++)
			out[total++] = bytes[i];
	}
	return total;
}

static void talk(struct site *site, int fd, const uint8_t *data, size_t size, size_t piece)
{
	uint8_t answer[1];
	while (size > 0) {
		size_t length = piece && piece < size ? piece : size;
		ssize_t sent = send(fd, data, length, MSG_NOSIGNAL);
		if (sent > 0) {
			data += sent;
			size -= (size_t)sent;
		}
		loop_step(site->loop, 0);
		read_all(fd, answer, sizeof(answer));
		if (sent < 0 && grpc_server_connections(site->server) == 0)
			return;
	}
	for (int i = 0; i < 3; i++)
		loop_step(site->loop, 0);
}

/* The preface, SETTINGS, and a call of Echo with "x". */
static const uint8_t good[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
			      "\0\0\0\4\0\0\0\0\0"
			      "\0\0\x2b\1\4\0\0\0\1"
			      "\x83\x86\1\1a\4\4/t/E\x0f\x10\x10"
			      "application/grpc\0\2te\10trailers"
			      "\0\0\6\0\1\0\0\0\1"
			      "\0\0\0\0\1x";
#define PREFACE_LENGTH (24 + 9)

static void serves_others(struct site *site)
{
	uint8_t answer[512];
	int fd = connect_one(site);
	CHECK(send(fd, good, sizeof(good) - 1, MSG_NOSIGNAL) == sizeof(good) - 1);
	loop_step(site->loop, 0);
	size_t length = read_all(fd, answer, sizeof(answer));
	CHECK(memmem(answer, length, "\0\0\0\0\1x", 6));
	close(fd);
	loop_step(site->loop, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct site site;
	if (size < 2 || size > 65536)
		return 0;
	setup(&site);
	int fd = connect_one(&site);
	if (data[1] & 1)
		talk(&site, fd, good, PREFACE_LENGTH, 0);
	talk(&site, fd, data + 2, size - 2, data[0]);
	close(fd);
	loop_step(site.loop, 0);
	CHECK(grpc_server_connections(site.server) == 0 && site.held_count == 0);
	serves_others(&site);
	teardown(&site);
	return 0;
}
