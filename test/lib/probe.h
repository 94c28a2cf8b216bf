/*
 * struct probe: one HTTP call and everything its callbacks told; hooks let a test act from
 * inside a callback. struct rig: a loop and a transport to a loopback port.
 */
#ifndef TEST_LIB_PROBE_H
#define TEST_LIB_PROBE_H

#include "pkg/base/strbuf.h"
#include "pkg/net/curl_transport.h"

struct rig {
	struct loop *loop;
	struct transport *transport;
};

struct probe {
	struct rig *rig;
	struct http_call *call;
	int heads, datas, dones;
	struct http_response response; /* body points to text */
	struct strbuf text;            /* stream data, or the body */
	enum error_kind kind;
	char error[256];
	bool refuse; /* data answers false */
	void (*on_head)(struct probe *probe);
	void (*on_data)(struct probe *probe);
	void (*on_done)(struct probe *probe);
	struct probe *other; /* for hooks */
};

/* endpoint->server is set to scheme://host:port of the rig. The program ends if it can't be. */
void rig_init(struct rig *rig, const struct clock *clock, const char *scheme, const char *host,
	      uint16_t port, struct endpoint *endpoint);
void rig_release(struct rig *rig);

void probe_start(struct probe *probe, struct rig *rig, const struct http_request *request);
void probe_get(struct probe *probe, struct rig *rig, const char *path);
void probe_cancel(struct probe *probe);
/* Turns the loop until the call is done, or *what is at least least, at most 20 s. */
bool probe_wait(struct probe *probe);
bool rig_wait(struct rig *rig, const int *what, int least);
void rig_turn(struct rig *rig, int ms); /* for that long */
void probe_release(struct probe *probe);

#endif
