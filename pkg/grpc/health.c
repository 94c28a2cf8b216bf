/*
 * The standard health service, grpc.health.v1.Health/Check, for "" and each service of the methods.
 * Its messages are one field each, written and read by hand: HealthCheckRequest has service = 1,
 * HealthCheckResponse status = 1 (SERVING 1, NOT_SERVING 2). Watch is not there: UNIMPLEMENTED,
 * with which clients do without.
 */
#include <string.h>

#include "pkg/grpc/internal.h"

#define TAG_STRING 0x0A /* field 1, bytes */
#define TAG_ENUM 0x08   /* field 1, varint */
#define SHORT 0x80      /* what fits one byte of a varint */

/* The name of a service is short: its length fits one byte. */
static bool read_service(const uint8_t *message, size_t length, const char **out,
			 size_t *out_length)
{
	*out = "";
	*out_length = 0;
	if (length == 0)
		return true;
	if (length < 2 || message[0] != TAG_STRING || message[1] >= SHORT ||
	    message[1] != length - 2)
		return false;
	*out = (const char *)message + 2;
	*out_length = message[1];
	return true;
}

static bool known(const struct grpc_server *server, const char *service, size_t length)
{
	for (size_t i = 0; i < server->config.method_count; i++) {
		const char *path = server->config.methods[i].path;
		if (strncmp(path + 1, service, length) == 0 && path[1 + length] == '/')
			return true;
	}
	return length == 0;
}

static void check(void *ctx, struct grpc_call *call, const void *message, size_t length)
{
	const struct grpc_server *server = ctx;
	const struct grpc_server_config *config = &server->config;
	const char *service;
	size_t service_length;
	if (!read_service(message, length, &service, &service_length)) {
		grpc_finish(call, GRPC_INVALID_ARGUMENT, "not a HealthCheckRequest");
		return;
	}
	if (memchr(service, '\0', service_length) || !known(server, service, service_length)) {
		grpc_finish(call, GRPC_NOT_FOUND, "unknown service");
		return;
	}
	bool serving = !config->serving || config->serving(config->ctx);
	grpc_send(call, (uint8_t[]){TAG_ENUM, serving ? 1 : 2}, 2);
	grpc_finish(call, GRPC_OK, NULL);
}

const struct grpc_method health_check = {.path = "/grpc.health.v1.Health/Check", .request = check};
