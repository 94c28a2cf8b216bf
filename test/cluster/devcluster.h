/*
 * What the files of devcluster share: the one process, and a request under way.
 *
 *   main      options, wiring, signals        certificates, folder   who we are, for clients
 *   server    libmicrohttpd, bodies, tokens   stream                 watches
 *   control   /devcluster/...                 faults                 what goes wrong on purpose
 *   seeds     what a new cluster holds        trace                  a line a request
 *
 * The cluster itself is test/lib/model.h: here is only its transport.
 */
#ifndef TEST_CLUSTER_DEVCLUSTER_H
#define TEST_CLUSTER_DEVCLUSTER_H

#include <stdio.h>

#include "pkg/net/loop.h"
#include "test/cluster/faults.h"
#include "test/cluster/folder.h"
#include "test/lib/model.h"

struct MHD_Connection;
struct server;
struct stream;

/* What the control paths switched, for GET /devcluster/state. */
struct switches {
	bool keda_installed, keda_running, knative_running, hpa_running;
};

struct devcluster {
	struct loop *loop;
	struct model *model;
	struct server *server;
	struct certificates certificates;
	char token[TOKEN_SIZE];
	struct faults faults;
	struct switches switches;
	FILE *trace; /* NULL: none */
	uint64_t requests;
	int64_t start_ms; /* monotonic */
};

struct exchange {
	struct devcluster *cluster;
	struct MHD_Connection *connection;
	struct exchange *next, **link; /* list of all that are under way */
	uint64_t number;
	int64_t at_ms;                            /* monotonic */
	char *uri;                                /* as it came, query too */
	char *method;                             /* NULL until its head was read */
	char *accept, *content_type, *user_agent; /* NULL if there is none */
	struct strbuf body;
	bool too_large, delayed, suspended, traced;
	struct timer delay;
	struct stream *stream; /* NULL unless it is a watch */
};

/* Loopback only; port 0 takes a free one. Takes over the model's change listener. */
MUST_CHECK bool server_new(struct devcluster *cluster, uint16_t port, struct server **out,
			   struct error *err);
uint16_t server_port(const struct server *server);
void server_free(struct server *server); /* cuts everything under way; NULL is fine */
size_t server_streams(const struct server *server);
/* Lets the connection go on in the next round of the loop. */
void server_resume(struct server *server, struct exchange *exchange);

/* Answers a watch: queues its response, or fills answer with the refusal and returns false. */
bool stream_open(struct exchange *exchange, const struct model_request *request,
		 struct model_answer *answer);
bool stream_pending(const struct stream *stream);
void stream_cut(struct stream *stream); /* the client is gone, or the server ends */
void stream_free(struct stream *stream);
/* What was sent so far, 1 MiB of it at most. */
const struct strbuf *stream_sent(const struct stream *stream);

/* Answers a path under /devcluster/ (the rest of it, with its query). */
void control_handle(struct devcluster *cluster, const char *method, const char *path,
		    struct model_answer *answer);

/* One JSON line; status 0: no answer was given. */
void trace_write(FILE *file, const struct exchange *exchange, int status,
		 const struct strbuf *answer);

/* Namespaces and ConfigMaps. */
void seeds_apply(struct model *model);

#endif
