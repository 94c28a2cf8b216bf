/*
 * A gRPC server with four methods, and a client on it: Echo sends its message back, Thrice three
 * times, Refuse ends with INVALID_ARGUMENT and its message as the text, Hold keeps the call for the
 * test. What is held and what is gone is counted.
 */
#ifndef TEST_GRPC_FIXTURE_H
#define TEST_GRPC_FIXTURE_H

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "pkg/grpc/server.h"
#include "test/lib/h2_client.h"
#include "test/lib/test.h"

#define HELD_MAX 4096

struct grpc_site {
	struct loop *loop;
	struct grpc_server *server;
	struct h2_client client;
	struct grpc_call *held[HELD_MAX];
	size_t held_count, gone;
	bool sick, stray; /* stray: gone came for a call that was not held */
	bool one_held, one_gone;
};

static inline void site_echo(void *ctx UNUSED, struct grpc_call *call, const void *message,
			     size_t length)
{
	grpc_send(call, message, length);
	grpc_finish(call, GRPC_OK, NULL);
}

static inline void site_thrice(void *ctx UNUSED, struct grpc_call *call, const void *message,
			       size_t length)
{
	for (int i = 0; i < 3; i++)
		grpc_send(call, message, length);
	grpc_finish(call, GRPC_OK, NULL);
}

static inline void site_refuse(void *ctx UNUSED, struct grpc_call *call, const void *message,
			       size_t length)
{
	char text[4096];
	snprintf(text, sizeof(text), "%.*s", (int)length, (const char *)message);
	grpc_finish(call, GRPC_INVALID_ARGUMENT, text);
}

static inline void site_hold(void *ctx, struct grpc_call *call, const void *message UNUSED,
			     size_t length UNUSED)
{
	struct grpc_site *site = ctx;
	EXPECT(grpc_call_get(call) == NULL);
	EXPECT(site->held_count < HELD_MAX);
	grpc_call_set(call, &site->held[site->held_count]);
	site->held[site->held_count++] = call;
	site->one_held = true;
}

static inline void site_gone(void *ctx, struct grpc_call *call)
{
	struct grpc_site *site = ctx;
	struct grpc_call **place = grpc_call_get(call);
	site->stray = site->stray || !place || *place != call;
	if (place)
		*place = NULL;
	site->gone++;
	site->one_gone = true;
}

static inline bool site_serving(void *ctx)
{
	return !((struct grpc_site *)ctx)->sick;
}

static inline struct grpc_server_config site_config(struct grpc_site *site)
{
	static const struct grpc_method methods[] = {
	    {"/t.T/Echo", site_echo, NULL},
	    {"/t.T/Thrice", site_thrice, NULL},
	    {"/t.T/Refuse", site_refuse, NULL},
	    {"/t.T/Hold", site_hold, site_gone},
	};
	return (struct grpc_server_config){.loop = site->loop,
					   .address = "127.0.0.1",
					   .methods = methods,
					   .method_count = ARRAY_SIZE(methods),
					   .serving = site_serving,
					   .ctx = site};
}

static inline void site_setup_on(struct grpc_site *site, const struct clock *clock)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	memset(site, 0, sizeof(*site));
	site->loop = loop_new(clock);
	struct grpc_server_config config = site_config(site);
	EXPECT(grpc_server_new(&config, &site->server, &err));
	h2_client_open(&site->client, site->loop, grpc_server_port(site->server));
}

static inline void site_setup(struct grpc_site *site)
{
	site_setup_on(site, &system_clock);
}

static inline void site_teardown(struct grpc_site *site)
{
	h2_client_close(&site->client);
	grpc_server_free(site->server);
	loop_free(site->loop);
	EXPECT_FALSE(site->stray);
}

/* A connection on which nothing is said. */
static inline int site_connect(const struct grpc_site *site)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons(grpc_server_port(site->server))};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	EXPECT(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0);
	return fd;
}

/* Another client after the first. */
static inline void site_reopen(struct grpc_site *site)
{
	h2_client_close(&site->client);
	h2_client_open(&site->client, site->loop, grpc_server_port(site->server));
}

#endif
