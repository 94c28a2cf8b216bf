/*
 * struct line: what lies between a replica and its wire: libcurl's queue, the sockets' buffers and
 * the network. A request leaves LINE_LEAVES_MS after it was started, on the replica's own timers: a
 * replica that is stopped meanwhile still has it when it goes on. Answers wait until the replica
 * runs. A line that is cut swallows everything, both ways; only time-outs end such calls.
 */
#ifndef TEST_LIB_WORLD_LINE_H
#define TEST_LIB_WORLD_LINE_H

#include "pkg/base/timer.h"
#include "pkg/net/transport.h"

#define LINE_LEAVES_MS 1

struct line;

/* far: the wire's transport. leaves(ctx, request) is called as each request leaves. */
struct line *line_new(struct timers *timers, struct transport *far,
		      void (*leaves)(void *ctx, const struct http_request *request), void *ctx);
void line_free(struct line *line); /* all calls must have been cancelled */
struct transport *line_transport(struct line *line);
void line_cut(struct line *line, bool cut);
/* No call but streams that have told all they had. */
bool line_quiet(const struct line *line);

#endif
