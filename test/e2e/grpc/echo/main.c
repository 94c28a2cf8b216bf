/*
 * The server that grpc_test.go asks: a few methods over pkg/grpc, a port that it prints, an end by
 * SIGTERM. Echo sends its message back, Count as many messages as the message says, Refuse ends
 * with the message as its text, Hold sends its message and ends when the client goes, Gone tells
 * how many of those went. Arguments: certificate, key, authority of clients; all or none.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "pkg/base/check.h"
#include "pkg/grpc/server.h"

#define STOP_MS 2000

struct echo {
	struct loop *loop;
	struct grpc_server *server;
	struct timer end;
	long gone;
};

static void on_echo(void *ctx UNUSED, struct grpc_call *call, const void *message, size_t length)
{
	grpc_send(call, message, length);
	grpc_finish(call, GRPC_OK, NULL);
}

static void send_number(struct grpc_call *call, long number)
{
	char text[24];
	int length = snprintf(text, sizeof(text), "%ld", number);
	grpc_send(call, text, (size_t)length);
}

static void on_count(void *ctx UNUSED, struct grpc_call *call, const void *message, size_t length)
{
	char *text = xstrndup(message, length);
	long count = strtol(text, NULL, 10);
	for (long i = 0; i < count; i++)
		send_number(call, i);
	free(text);
	grpc_finish(call, GRPC_OK, NULL);
}

static void on_refuse(void *ctx UNUSED, struct grpc_call *call, const void *message, size_t length)
{
	char *text = xstrndup(message, length);
	grpc_finish(call, GRPC_INVALID_ARGUMENT, text);
	free(text);
}

static void on_hold(void *ctx UNUSED, struct grpc_call *call, const void *message, size_t length)
{
	grpc_send(call, message, length);
}

static void hold_gone(void *ctx, struct grpc_call *call UNUSED)
{
	((struct echo *)ctx)->gone++;
}

static void on_gone(void *ctx, struct grpc_call *call, const void *message UNUSED,
		    size_t length UNUSED)
{
	send_number(call, ((const struct echo *)ctx)->gone);
	grpc_finish(call, GRPC_OK, NULL);
}

static void end(void *ctx)
{
	loop_stop(((struct echo *)ctx)->loop);
}

static void on_signal(void *ctx, int number UNUSED)
{
	struct echo *echo = ctx;
	grpc_server_stop(echo->server);
	timer_arm(loop_timers(echo->loop), &echo->end, STOP_MS);
}

static bool serve(struct echo *echo, int argc, char **argv, struct error *err)
{
	static const struct grpc_method methods[] = {
	    {"/echo.Echo/Echo", on_echo, NULL},     {"/echo.Echo/Count", on_count, NULL},
	    {"/echo.Echo/Refuse", on_refuse, NULL}, {"/echo.Echo/Hold", on_hold, hold_gone},
	    {"/echo.Echo/Gone", on_gone, NULL},
	};
	static const int signals[] = {SIGTERM};
	struct grpc_server_config config = {.loop = echo->loop,
					    .address = "127.0.0.1",
					    .methods = methods,
					    .method_count = ARRAY_SIZE(methods),
					    .ctx = echo};
	if (argc == 4) {
		config.cert_file = argv[1];
		config.key_file = argv[2];
		config.client_ca_file = argv[3];
	}
	return loop_on_signals(echo->loop, signals, ARRAY_SIZE(signals), on_signal, echo, err) &&
	       grpc_server_new(&config, &echo->server, err);
}

int main(int argc, char **argv)
{
	CLEANUP(error_clear) struct error err = ERROR_INIT;
	struct echo echo = {.loop = loop_new(&system_clock)};
	timer_init(&echo.end, end, &echo);
	if (!serve(&echo, argc, argv, &err)) {
		fprintf(stderr, "%s\n", error_text(&err));
		return 1;
	}
	printf("%u\n", grpc_server_port(echo.server));
	fflush(stdout);
	loop_run(echo.loop);
	grpc_server_free(echo.server);
	loop_free(echo.loop);
	return 0;
}
